"""Invariants 2, 3 and 9 with decisions on events: what was decided counts, whatever came when."""

import random
import shutil
from collections import defaultdict
from datetime import timedelta

from orchestration.stewardship.contents import standing_of
from orchestration.stewardship.decision_rows import content_digest_of

AFFECTED = (
    "select ingestion_batch_id, event_date, subject, cause "
    "from intermediate.int_partitions__affected order by all"
)
STANDINGS = "select set_aside_reason, count(*) from intermediate.int_events__set_aside group by all"


def digest(event):
    hashes = event.hashes()
    return content_digest_of(hashes["digest_1"], hashes["digest_2"])


def decision(kind, *known, content=None):
    """A decision about the identity of some contents, all that are known; content is picked."""
    return {
        "event_source": known[0].event_source,
        "event_id": known[0].event_id,
        "decision": kind,
        "content_digest": content and digest(content),
        "known_digests": sorted({digest(each) for each in known}),
    }


def tokens(warehouse):
    return warehouse.usage("quantity_sum").get("tokens")


def set_aside(warehouse):
    return dict(warehouse.rows(STANDINGS))


def metered_again(warehouse):
    """What was counted must not depend on how: a full refresh counts the same."""
    kept = warehouse.counted()
    warehouse.count("--full-refresh")
    assert kept == warehouse.counted()


def test_a_conflict_counts_as_it_was_decided_last_and_only_its_days_are_read(
    warehouse, event, noon
):
    warehouse.add_meter("tokens", "sum", value="tokens")
    one = event("a", noon, properties={"tokens": 1})
    two = one.but(properties={"tokens": 2}, event_at=noon + timedelta(days=3))
    warehouse.load(one, event("b", noon, properties={"tokens": 10}))
    warehouse.load(
        two,
        event("c", noon, subject="other", properties={"tokens": 100}),
        event("d", noon + timedelta(days=1), properties={"tokens": 1000}),
    )
    warehouse.count()
    assert (1110, {"conflicting": 2}) == (tokens(warehouse), set_aside(warehouse))
    for kind, content, expected, aside in (
        ("pick", two, 1112, {"dropped": 1}),
        ("pick", one, 1111, {"dropped": 1}),
        ("retract", one, 1110, {"retracted": 1, "dropped": 1}),
        ("restore", None, 1110, {"conflicting": 2}),
        ("drop", None, 1110, {"dropped": 2}),
    ):
        warehouse.decide(decision(kind, one, two, content=content))
        warehouse.count()
        assert (expected, aside) == (tokens(warehouse), set_aside(warehouse)), kind
        assert [
            (1, one.event_at.date(), "acme", "decision"),
            (2, two.event_at.date(), "acme", "decision"),
        ] == warehouse.rows(AFFECTED)
    metered_again(warehouse)


def test_a_retracted_event_stays_away_when_it_comes_again_and_comes_back_when_it_is_restored(
    warehouse, event, noon
):
    warehouse.add_meter("tokens", "sum", value="tokens")
    wrong = event("a", noon, properties={"tokens": 1})
    warehouse.load(wrong, event("b", noon, properties={"tokens": 10}))
    warehouse.count()
    warehouse.decide(decision("retract", wrong, content=wrong))
    warehouse.count()
    assert (10, {"retracted": 1}) == (tokens(warehouse), set_aside(warehouse))
    warehouse.load(wrong, event("c", noon, properties={"tokens": 100}))
    warehouse.count()
    assert (110, {"retracted": 1, "exact_repeat": 1}) == (tokens(warehouse), set_aside(warehouse))
    assert [(3, noon.date(), "acme", "new_events")] == warehouse.rows(AFFECTED)
    shutil.copytree(warehouse.settings.raw, warehouse.settings.data_dir / "kept")
    shutil.rmtree(warehouse.settings.raw)
    warehouse.count()
    shutil.move(warehouse.settings.data_dir / "kept", warehouse.settings.raw)
    warehouse.decide(decision("restore", wrong))
    warehouse.count()
    assert (111, {"exact_repeat": 1}) == (tokens(warehouse), set_aside(warehouse))
    metered_again(warehouse)


def test_a_content_that_nobody_knew_opens_a_decided_conflict_again(warehouse, event, noon):
    warehouse.add_meter("tokens", "sum", value="tokens")
    one, two, three = (event("a", noon, properties={"tokens": 10**n}) for n in range(3))
    alone = event("b", noon, properties={"tokens": 1000})
    warehouse.load(one, two, alone)
    warehouse.decide(
        decision("pick", one, two, content=two), decision("retract", alone, content=alone)
    )
    warehouse.count()
    assert (10, {"dropped": 1, "retracted": 1}) == (tokens(warehouse), set_aside(warehouse))
    warehouse.load(three, alone.but(subject="other"))
    warehouse.count()
    assert (None, {"conflicting": 5}) == (tokens(warehouse), set_aside(warehouse))
    assert (1, noon.date(), "acme", "conflict") in warehouse.rows(AFFECTED)
    warehouse.decide(decision("pick", one, two, three, content=three))
    warehouse.count()
    assert (100, {"dropped": 2, "conflicting": 2}) == (tokens(warehouse), set_aside(warehouse))
    metered_again(warehouse)


def test_a_decision_holds_for_events_that_come_after_it_and_is_read_once(warehouse, event, noon):
    """As where the operations database was lost, and decisions are delivered before usage."""
    warehouse.add_meter("tokens", "sum", value="tokens")
    one, two = (event("a", noon, properties={"tokens": each}) for each in (1, 2))
    lone = event("b", noon, properties={"tokens": 10})
    warehouse.decide(
        decision("pick", one, two, content=one), decision("retract", lone, content=lone)
    )
    warehouse.count()
    warehouse.load(two, event("c", noon, properties={"tokens": 100}))
    warehouse.count()
    assert (100, {"dropped": 1}) == (tokens(warehouse), set_aside(warehouse))
    warehouse.load(one)
    warehouse.load(lone)
    warehouse.count()
    assert (101, {"dropped": 1, "retracted": 1}) == (tokens(warehouse), set_aside(warehouse))
    metered_again(warehouse)


def test_a_decision_is_counted_though_the_run_that_took_it_in_broke(warehouse, event, noon):
    warehouse.add_meter("tokens", "sum", value="tokens")
    one, two = (event("a", noon, properties={"tokens": each}) for each in (1, 2))
    wrong = event("b", noon, properties={"tokens": 10})
    warehouse.load(one, two, wrong)
    warehouse.count()
    warehouse.decide(decision("pick", one, two, content=two))
    warehouse.count(select=("+int_events__set_aside",))
    warehouse.decide(decision("retract", wrong, content=wrong))
    warehouse.count(select=("+int_events__set_aside",))
    assert 10 == tokens(warehouse)
    warehouse.count()
    assert 2 == tokens(warehouse)
    metered_again(warehouse)


def some_history(event, noon, chance):
    """Contents of thirty identities with repeats, and three rounds of decisions about some."""
    contents = {
        f"e{number}": [
            event(
                f"e{number}",
                noon + timedelta(hours=chance.randrange(-40, 40)),
                subject=chance.choice(["acme", "other"]),
                properties={"tokens": 3 ** (number % 6) + part},
            )
            for part in range(chance.choice([1, 1, 2, 2, 3]))
        ]
        for number in range(30)
    }
    rows = [each for found in contents.values() for each in found * chance.choice([1, 1, 2])]
    chance.shuffle(rows)
    rounds = []
    for _ in range(3):
        decisions = []
        for name in chance.sample(sorted(contents), 12):
            known = contents[name][: chance.choice([1, 2, 3, 3])]
            kind = chance.choice(["pick", "drop", "retract", "restore"])
            content = chance.choice(known) if kind in ("pick", "retract") else None
            decisions.append(decision(kind, *known, content=content))
        rounds.append(decisions)
    return rows, rounds


def expected_tokens(rows, rounds):
    """The sum and the days, in plain Python: every identity by itself, all its contents at once."""
    contents = defaultdict(dict)
    for row in rows:
        contents[row.event_id][digest(row)] = row
    last = {each["event_id"]: each for decisions in rounds for each in decisions}
    days = defaultdict(int)
    for event_id, found in contents.items():
        standing = standing_of(sorted(found), last.get(event_id))
        counted = {
            "counted": next(iter(found)),
            "picked": last.get(event_id, {}).get("content_digest"),
        }.get(standing)
        if counted in found:
            row = found[counted]
            days[row.subject, row.event_at.date()] += int(row.properties["tokens"])
    return dict(days)


def counted_days(warehouse):
    return {
        (subject, day): int(quantity)
        for subject, day, quantity in warehouse.rows(
            "select subject, local_date, sum(quantity_sum) from intermediate.int_usage__metered "
            "where meter_id = 'tokens' group by all"
        )
    }


def test_any_order_of_events_and_decisions_counts_the_same(warehouse, event, noon):
    chance = random.Random(38)  # noqa: S311 — reproducible test data, no secret
    rows, rounds = some_history(event, noon, chance)
    third = len(rows) // 3
    warehouse.add_meter("tokens", "sum", value="tokens")
    for part, decisions in enumerate(rounds):
        warehouse.load(*rows[part * third : (part + 1) * third])
        warehouse.decide(*decisions)
        warehouse.count()
    warehouse.load(*rows[3 * third :], event("last", noon, properties={"tokens": 0}))
    warehouse.count()
    rows.append(event("last", noon, properties={"tokens": 0}))
    expected = expected_tokens(rows, rounds)
    assert {"conflicting", "dropped", "retracted", "exact_repeat"} == set(set_aside(warehouse))
    assert expected == counted_days(warehouse)
    metered_again(warehouse)

    again = type(warehouse)(warehouse.settings)
    shutil.rmtree(warehouse.settings.raw)
    warehouse.settings.warehouse_file.unlink()
    again.add_meter("tokens", "sum", value="tokens")
    for decisions in rounds:
        again.decide(*decisions)
    again.load(*reversed(rows))
    again.count()
    assert expected == counted_days(again)
