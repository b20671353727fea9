"""Decisions on events: what refuses them, what is recorded, and that each reaches one batch."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from landing_folder import Landing, open_landing

from orchestration.billing.register import Register
from orchestration.billing.sign_off_rules import Signer
from orchestration.operations_db import open_operations
from orchestration.operations_db.tables import ingestion_batches, raw_parts
from orchestration.stewardship import (
    EventDecision,
    EventDecisionsRefusedError,
    deliver_event_decisions,
    read_event_decisions,
    record_event_decisions,
)
from orchestration.stewardship.contents import RawFilesUnreadableError, contents_of

SOURCE = "/gateway/eu"
STEWARD = Signer(name="ines", source="self_declared", run_id="run-1")
DECIDED_AT = datetime(2026, 12, 2, 8, 30, tzinfo=UTC)
WRITTEN = ["decision", "content_digest", "known_digests", "reason", "author", "decided_at"]


class PowerCutError(BaseException):
    """Ends a run as a crash would."""


class Stewarded:
    """A data directory whose events are decided about."""

    def __init__(self, landing: Landing):
        self.landing = landing
        self.engine = landing.engine

    def come(self, name, *events):
        """Load events, each as (id, units), as one file and batch."""
        lines = (self.landing.line(id=each, data={"units": units}) for each, units in events)
        self.landing.put(f"{name}.jsonl", "".join(f"{line}\n" for line in lines))
        return self.landing.load().ingestion_batch_id

    def digests(self, event_id):
        identity = (SOURCE, event_id)
        return contents_of(self.landing.settings, self.engine, {identity}).get(identity, [])

    def digest_of(self, event_id, units):
        """The digest of one content, taken from its raw row."""
        [row] = {
            (row["digest_1"], row["digest_2"])
            for row in self.landing.rows("events")
            if (row["event_id"], row["q_units"]) == (event_id, units)
        }
        return f"{row[0]:015x}{row[1]:015x}"

    def decide(self, event_id, decision, content_digest=None, **given):
        return self.record(decided(event_id, decision, content_digest), **given)

    def record(self, *decisions, **given):
        given = {"signer": STEWARD, "now": DECIDED_AT} | given
        return record_event_decisions(self.landing.settings, self.engine, decisions, **given)

    def refused(self, *decisions, **given):
        with pytest.raises(EventDecisionsRefusedError) as told:
            self.record(*decisions, **given)
        return told.value

    def deliver(self):
        return deliver_event_decisions(self.landing.settings, self.engine, now=DECIDED_AT)

    def recorded(self):
        register = Register(self.landing.settings.register)
        return read_event_decisions(register.folder, register.chain()).to_pylist()

    def raw(self):
        return self.landing.rows("decisions")


def decided(event_id, decision, content_digest=None, *, reason="checked the log", source=SOURCE):
    return EventDecision(
        event_source=source,
        event_id=event_id,
        decision=decision,
        content_digest=content_digest,
        reason=reason,
    )


@pytest.fixture
def here(tmp_path):
    landing = open_landing(tmp_path)
    yield Stewarded(landing)
    landing.engine.dispose()


@pytest.fixture
def conflicting(here):
    """An event with two contents in two batches, and one that came twice with the same."""
    here.come("a", ("torn", 1), ("good", 5))
    here.come("b", ("torn", 2), ("good", 5), ("other", 7))
    return here


def test_a_pick_names_the_content_that_counts_all_that_were_known_who_and_why(conflicting):
    picked = conflicting.digest_of("torn", 2)
    found = conflicting.decide("torn", "pick", picked)
    assert (1, 1, (3,)) == (
        found.register_sequence,
        found.decision_count,
        found.ingestion_batch_ids,
    )
    [row] = conflicting.recorded()
    assert [
        "pick",
        picked,
        sorted([conflicting.digest_of("torn", 1), picked]),
        "checked the log",
        "ines",
        DECIDED_AT.replace(tzinfo=None),
    ] == [row[name] for name in WRITTEN]
    [commit] = Register(conflicting.landing.settings.register).chain()
    assert ("record", "ines", "run-1") == (
        commit.kind,
        commit.subject["signer"],
        commit.subject["run_id"],
    )
    assert () == Register(conflicting.landing.settings.register).verify()


def test_a_batch_of_decisions_holds_no_line_and_makes_nothing_due(conflicting):
    conflicting.decide("torn", "drop")
    batches = conflicting.landing.table(ingestion_batches)
    assert ["load", "load", "decisions"] == [row["batch_kind"] for row in batches]
    assert [0, 0, 0, 0] == [
        batches[2][name]
        for name in ("file_count", "lines_read", "lines_accepted", "lines_rejected")
    ]
    assert batches[1]["started_at"] == batches[2]["started_at"]
    [raw] = conflicting.raw()
    [event] = [
        row
        for row in conflicting.landing.rows("events")
        if (row["event_id"], row["ingestion_batch_id"]) == ("torn", 1)
    ]
    assert (3, 1, event["key_hash"]) == (
        raw["ingestion_batch_id"],
        raw["register_sequence"],
        raw["key_hash"],
    )


REFUSED = {
    "an unknown event": (decided("nobody", "drop"), "no accepted event"),
    "another source": (decided("torn", "drop", source="/gateway/us"), "no accepted event"),
    "a pick of what does not conflict": (decided("good", "pick", "same"), "needs no pick"),
    "a drop of what does not conflict": (decided("good", "drop"), "Retract it"),
    "a retraction of a conflict": (decided("torn", "retract"), "Pick one, or drop them all"),
    "a pick of nothing": (decided("torn", "pick"), "no content is named"),
    "a pick of another content": (decided("torn", "pick", "0" * 30), "no content of it is 000"),
    "a content with a drop": (decided("torn", "drop", "same"), "only a pick has one"),
    "undoing nothing": (decided("good", "restore"), "no decision about it stands"),
    "no reason": (decided("torn", "drop", reason=" "), "it has no reason"),
    "an unknown decision": (decided("torn", "forget"), "'forget' is no decision"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_decided_is_refused_by_name_and_nothing_is_recorded(conflicting, case):
    decision, reason = REFUSED[case]
    if decision.content_digest == "same":
        [same] = conflicting.digests("good")
        decision = decided(decision.event_id, decision.decision, same)
    other = decided("other", "retract")
    told = conflicting.refused(other, decision)
    assert "event_decisions_refused" == told.code
    [problem] = told.problems
    assert reason in problem
    assert decision.event_id in problem
    assert ([], []) == (conflicting.recorded(), conflicting.raw())


def test_every_wrong_decision_is_named_at_once(conflicting):
    told = conflicting.refused(
        decided("nobody", "drop"), decided("other", "retract"), decided("torn", "retract")
    )
    assert ["nobody", "torn"] == [each.split()[2].rstrip(":") for each in told.problems]
    assert "nothing was recorded" in str(told)


def test_one_event_is_decided_about_once_at_a_time(conflicting):
    told = conflicting.refused(decided("torn", "drop"), decided("torn", "drop"))
    assert 2 == len(told.problems)
    assert "more than once" in told.problems[0]


def test_no_decision_and_nobody_who_decides_are_refused(conflicting):
    assert "no decision" in str(conflicting.refused())
    nobody = Signer(name=" ", source="self_declared")
    assert "say who decides" in str(conflicting.refused(decided("torn", "drop"), signer=nobody))


def test_a_later_decision_takes_the_place_of_an_earlier_one(conflicting):
    one, other = (conflicting.digest_of("torn", units) for units in (1, 2))
    conflicting.decide("torn", "pick", one)
    assert "picked already" in str(conflicting.refused(decided("torn", "pick", one)))
    conflicting.decide("torn", "pick", other)
    conflicting.decide("torn", "retract")
    assert "retracted already" in str(conflicting.refused(decided("torn", "retract")))
    conflicting.decide("torn", "restore")
    assert "Pick one" in str(conflicting.refused(decided("torn", "retract")))
    conflicting.decide("torn", "drop")
    assert "dropped already" in str(conflicting.refused(decided("torn", "retract")))
    assert [one, other, other, None, None] == [
        row["content_digest"] for row in conflicting.recorded()
    ]


def test_a_content_that_came_after_the_decision_opens_it_again(conflicting):
    conflicting.decide("torn", "pick", conflicting.digest_of("torn", 1))
    conflicting.decide("good", "retract")
    conflicting.come("c", ("torn", 2), ("good", 5))
    assert "picked already" in str(
        conflicting.refused(decided("torn", "pick", conflicting.digest_of("torn", 1)))
    )
    conflicting.come("d", ("torn", 3), ("good", 6))
    for event_id in ("torn", "good"):
        assert "Pick one" in str(conflicting.refused(decided(event_id, "retract")))
    found = conflicting.decide("good", "pick", conflicting.digest_of("good", 5))
    assert (7,) == found.ingestion_batch_ids


def steps_of(here):
    """The names of all durable steps, in order."""
    names = []
    here.decide("torn", "drop", steps=names.append)
    return names


def test_a_crash_at_any_step_records_all_or_nothing_and_the_next_ingestion_delivers_it(tmp_path):
    """Invariant 9."""

    def stewarded(name):
        here = Stewarded(open_landing(tmp_path / name))
        here.come("a", ("torn", 1), ("torn", 2))
        return here

    whole = stewarded("whole")
    names = steps_of(whole)
    is_journaled = [name.startswith("sync folder of 00000002.json") for name in names].index(True)
    assert names.index("deliver decisions") < is_journaled < len(names) - 1
    outcomes = set()
    for number in range(len(names)):
        here = stewarded(str(number))
        reached = []

        def cut(name, reached=reached, number=number):
            reached.append(name)
            if len(reached) > number:
                raise PowerCutError

        with pytest.raises(PowerCutError):
            here.decide("torn", "drop", steps=cut)
        assert [] == here.raw()
        is_committed = bool(here.recorded())
        is_delivered = number >= is_journaled
        outcomes.add((is_committed, is_delivered))
        assert ((2,) if is_committed and not is_delivered else ()) == here.deliver()
        assert () == here.deliver()
        if not is_committed:
            here.decide("torn", "drop")
        assert whole.raw() == [
            row | {"manifest_sha256": whole.raw()[0]["manifest_sha256"]} for row in here.raw()
        ]
        here.engine.dispose()
    whole.engine.dispose()
    assert {(False, False), (True, False), (True, True)} == outcomes


def test_decisions_survive_the_operations_database_and_come_with_the_same_rows(conflicting):
    conflicting.decide("torn", "drop")
    conflicting.record(decided("good", "retract"), decided("other", "retract"))
    before = conflicting.raw()
    conflicting.engine.dispose()
    settings = conflicting.landing.settings
    for path in settings.data_dir.glob("operations.db*"):
        path.unlink()
    conflicting.landing.engine = conflicting.engine = open_operations(settings)
    assert () == conflicting.deliver()
    assert () == conflicting.landing.load().files
    assert before == conflicting.raw()
    assert [1, 2, 3, 4] == [
        row["ingestion_batch_id"] for row in conflicting.landing.table(ingestion_batches)
    ]
    assert "dropped already" in str(conflicting.refused(decided("torn", "drop")))


def test_a_batch_that_was_not_committed_is_swept_and_delivered_once(conflicting, monkeypatch):
    def cut(*_arguments, **_keywords):
        raise PowerCutError

    with monkeypatch.context() as patch:
        patch.setattr("orchestration.stewardship.delivery.commit_decisions", cut)
        with pytest.raises(PowerCutError):
            conflicting.decide("torn", "drop")
    conflicting.come("c", ("late", 1))
    assert (4,) == conflicting.deliver()
    with conflicting.engine.connect() as connection:
        paths = sa.select(raw_parts.c.path).where(raw_parts.c.part_kind == "decisions")
        assert ["raw/decisions/batch-4.parquet"] == connection.scalars(paths).all()
    listed = set(conflicting.landing.parts("decisions"))
    assert listed == set((conflicting.landing.settings.raw / "decisions").glob("*"))


def test_a_raw_file_that_is_gone_stops_the_decision_with_its_name(conflicting):
    part = conflicting.landing.parts("events")[0]
    part.rename(part.with_suffix(".away"))
    with pytest.raises(RawFilesUnreadableError, match=r"part-.*doctor"):
        conflicting.decide("torn", "drop")
    part.with_suffix(".away").rename(part)
    assert [] == conflicting.recorded()


def test_a_repeat_of_a_content_in_other_files_is_the_same_content(conflicting):
    conflicting.come("c", ("torn", 2), ("torn", 2.0))
    assert 2 == len(conflicting.digests("torn"))
    assert [] == conflicting.digests("nobody")
