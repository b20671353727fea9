"""A source says how much it sent of the last days of October, and one of its files is lost.

Its totals come from counting what it sent in plain Python. The file is found after the grace, a
total is corrected wrongly, and an approver lets that stand.
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from orchestration.billing.control_totals import TOTALS_CHECK
from orchestration.billing.refusals import CheckRedError
from orchestration.billing.sign_off_rules import Signer
from orchestration.exceptions.waiving import waive_exception
from orchestration.pipeline import load_totals, read_overdue_totals
from orchestration.reproduction import reproduce

pytestmark = pytest.mark.slow

MONTH = "2026-10"
ENTITY = "jp_kk"
UNSIGNED = "us_inc"
WITHOUT_DATA_TESTS = ("--exclude-resource-type", "test")
AFTER_THE_GRACE = datetime(2026, 11, 7, 6, tzinfo=UTC)
SIGNER = Signer(name="local demo", source="self_declared", run_id=None)
DECLARED = """
  - prefix: /exports/
    system: exports
    control_totals:
      expected: daily
      expected_from: 2026-10-30
      expected_to: 2026-11-01
      grace_hours: 120
      measures: [events, egress_bytes]
      folder: totals/exports
"""
COMPARED = """
    select usage_date, measure, announced_quantity, arrived_quantity, agreement
    from reconciliation.fct_control_totals order by usage_date, measure desc
"""
FOUND = """
    select exception_code, object_id, billing_period, event_count, state
    from billing.fct_exceptions where object_kind = 'control_total' order by object_id
"""
FOUND_ID = "select exception_id from billing.fct_exceptions where object_kind = 'control_total'"
CHECKPOINTS = """
    select checkpoint_name, item_count, count_variance, is_explained, reason
    from reconciliation.fct_checkpoints
    where leg = 'announced_events' order by checkpoint_number
"""


def exported(number, time, size):
    """One event of the source."""
    return {
        "specversion": "1.0",
        "id": f"export-{number}",
        "source": f"/exports/region-{number % 2}",
        "type": "api.request",
        "subject": "acct-nobody",
        "time": time,
        "data": {
            "route": "/v1/documents",
            "status": "200",
            "region": "us-east",
            "response_bytes": size,
        },
    }


KEPT = [exported(number, f"2026-10-30T{number:02}:00:00Z", 100 + number) for number in range(1, 7)]
LOST = [
    *(exported(number, "2026-10-30T23:59:59.999Z", 5 * number) for number in range(7, 10)),
    exported(10, "2026-10-31T00:00:00Z", 77),
]


def as_file(events):
    return "".join(f"{json.dumps(event)}\n" for event in events).encode()


def counted(events):
    """Events and bytes by UTC day, each identity once; nothing of the pipeline counts here."""
    once = {(event["source"], event["id"]): event for event in events}
    found = Counter()
    for event in once.values():
        day = event["time"][:10]
        found[day, "events"] += 1
        found[day, "egress_bytes"] += event["data"]["response_bytes"]
    return found


def totals_file(totals):
    lines = [f"/exports/,{day},{measure},{number}\n" for (day, measure), number in totals.items()]
    return "source_prefix,usage_date,measure,quantity\n" + "".join(lines)


def compared(announced, arrived, agreement):
    """What the mart holds, as the plain counts say that it should."""
    return [
        (
            date.fromisoformat(day),
            measure,
            Decimal(announced[day, measure]),
            Decimal(arrived[day, measure]),
            "agrees" if announced[day, measure] == arrived[day, measure] else agreement,
        )
        for day, measure in sorted(announced, key=lambda key: (key[0], key[1] != "events"))
    ]


@dataclass(frozen=True)
class Seen:
    """What stood in the house after a step, and what signing October came to; None is signed."""

    compared: list
    checkpoints: list
    exceptions: list
    broken: list
    is_green: bool
    overdue: list


def frozen(house, legal_entity_id):
    """The revision of an entity, and whether its check of totals is green."""
    [revision] = [each for each in house.freeze(MONTH) if each.legal_entity_id == legal_entity_id]
    [result] = [
        row
        for row in house.operations("check_results")
        if row["check_name"] == TOTALS_CHECK and row["revision_sha256"] == revision.content_sha256
    ]
    return revision, bool(result["is_passed"])


def look(house, *, is_built=True):
    if is_built:
        house.build(*WITHOUT_DATA_TESTS)
    return Seen(
        compared=house.rows(COMPARED),
        checkpoints=house.rows(CHECKPOINTS),
        exceptions=house.rows(FOUND),
        broken=house.broken_invariants(),
        is_green=frozen(house, UNSIGNED)[1],
        overdue=[total.name() for total in read_overdue_totals(house.installation)],
    )


def sign(house):
    revision, _ = frozen(house, ENTITY)
    return house.sign(revision)


@pytest.fixture(scope="module")
def told(house_of_the_signed_month, open_house):
    """The house after each step."""
    house = house_of_the_signed_month
    sources = house.settings.reference_dir / "sources.yml"
    sources.write_text(sources.read_text() + DECLARED)
    totals = house.settings.data_dir / "landing" / "totals" / "exports" / "october.csv"
    totals.parent.mkdir(parents=True)
    totals.write_text(totals_file(counted(KEPT + LOST)))
    seen = {}

    house.load_reference()
    house.deliver("2026-11-04/exports-1.jsonl", as_file([*KEPT, KEPT[0], KEPT[1]]))
    later = open_house(house.settings.data_dir, now=AFTER_THE_GRACE)
    load_totals(house.installation, paths=[totals])
    house.load()
    seen["inside the grace"] = look(house)

    seen["after the grace"] = look(later, is_built=False)
    with pytest.raises(CheckRedError) as refusal:
        sign(later)
    seen["refusal"] = str(refusal.value)

    later.deliver("2026-11-07/exports-2.jsonl", as_file(LOST))
    later.load()
    seen["found"] = look(later)
    sign(later)

    wrong = house.settings.data_dir / "corrected.csv"
    wrong.write_text(totals_file({("2026-10-30", "events"): 11}))
    load_totals(later.installation, paths=[wrong])
    seen["corrected wrongly"] = look(later)

    [exception] = later.mappings(FOUND_ID)
    with later.installation.operations() as engine:
        waive_exception(
            later.settings,
            engine,
            exception_id=exception["exception_id"],
            reason="the source counted a test of its own",
            until=date(2026, 11, 30),
            signer=SIGNER,
            now=AFTER_THE_GRACE,
        )
    seen["waived"] = look(later)
    seen["reproduced"] = reproduce(
        later.installation, billing_period=MONTH, legal_entity_ids=[ENTITY]
    )
    return seen


def test_what_arrived_is_what_plain_counting_says(told):
    """Each identity once: two of the lines came twice."""
    announced = counted(KEPT + LOST)
    assert compared(announced, counted(KEPT), "waits") == told["inside the grace"].compared
    assert compared(announced, announced, "waits") == told["found"].compared


def test_inside_its_grace_a_part_stops_nothing(told):
    """Invariant 1."""
    seen = told["inside the grace"]
    assert ([], [], True, []) == (seen.broken, seen.exceptions, seen.is_green, seen.overdue)


def test_after_its_grace_the_month_is_not_signed_though_no_batch_came(told):
    """Invariant 1: judged again by the instant of the freeze."""
    seen = told["after the grace"]
    assert ([], False) == (seen.broken, seen.is_green)
    assert [
        "2026-10-30 /exports/ egress_bytes",
        "2026-10-30 /exports/ events",
        "2026-10-31 /exports/ egress_bytes",
        "2026-10-31 /exports/ events",
    ] == seen.overdue
    assert TOTALS_CHECK in told["refusal"]


def test_the_file_that_was_lost_heals_it(told):
    """Invariant 1."""
    seen = told["found"]
    assert ([], [], True, []) == (seen.broken, seen.exceptions, seen.is_green, seen.overdue)


def test_a_later_total_takes_the_place_of_the_one_before(told):
    """Invariant 1."""
    seen = told["corrected wrongly"]
    assert ("events", 11, 9, "short") == seen.compared[0][1:]
    assert "agrees" == seen.compared[1][-1]
    assert [
        ("control_total_differs", "2026-10-30 /exports/ events", "2026-10", 2, "open")
    ] == seen.exceptions
    assert ([TOTALS_CHECK], False) == (seen.broken, seen.is_green)


def test_an_approver_lets_a_total_stand(told):
    """Invariant 1."""
    seen = told["waived"]
    assert ["waived"] == [state for *_, state in seen.exceptions]
    assert ([], True, []) == (seen.broken, seen.is_green, seen.overdue)


def test_checkpoints_say_what_was_announced_and_why_lines_differ(told):
    assert [
        ("announced", 10, None, True, None),
        ("raw", 8, -2, True, "repeated +2; waits -4"),
    ] == told["inside the grace"].checkpoints
    assert [
        ("announced", 10, None, True, None),
        ("raw", 12, 2, True, "repeated +2"),
    ] == told["found"].checkpoints


def test_what_was_signed_between_is_reproduced_to_the_same_digest(told):
    """Invariant 13: totals that came later are not there for it."""
    [found] = told["reproduced"]
    assert (ENTITY, (), ()) == (
        found.revision.legal_entity_id,
        found.differing,
        tuple(found.lines),
    )
