"""Four eyes over records and decisions on events: which a revision rests on, and whose they are."""

from datetime import datetime, timedelta

import pytest
from billing_rows import NOW, Line, entries_table
from billing_world import OLIVIA
from signing import refusal, refused

from orchestration.billing.run_scope import RunScope
from orchestration.billing.sign_off import Signer

ANA = Signer(name="ana@example.com", source="verified", run_id="run-4")
TOKENS = Line().settlement_key


def put_record(world, *entries, author=OLIVIA.name, signer="jonas@example.com"):
    """Commit entries of a record, as a signature over a file of records does."""
    rows = [
        {
            "entry_kind": "external",
            "settlement_key": TOKENS,
            "document_id": None,
            "billing_period": "2026-10",
            "record_id": "r1",
            "signer": signer,
        }
        | entry
        for entry in entries
    ]
    with world.register.writing() as session:
        subject = {"author": author, "signer": signer, "records": []}
        session.commit(kind="record", subject=subject, now=NOW, entries=entries_table(*rows))


def put_decision(world, *, author=OLIVIA.name, **columns):
    """Commit a decision on an event of acme's, which the next build counts by."""
    with world.register.writing() as session:
        manifest = session.commit(kind="record", subject={"author": author}, now=NOW)
    world.put_decisions({"register_sequence": manifest.sequence} | columns)


def freeze(world, *lines, **options):
    world.put_candidates(*(lines or [Line()]))
    [revision] = world.freeze(**options)
    return revision


@pytest.mark.parametrize("kind", ["external", "concession", "release"])
def test_the_writer_of_a_record_does_not_sign_what_it_changed_and_its_signer_may(world, kind):
    world.build(Line())
    put_record(world, {"entry_kind": kind, "amount": 0}, signer=ANA.name)
    revision = freeze(world)
    told = refusal(world, revision.revision_id)
    assert "four_eyes" == told.code
    assert f"{OLIVIA.name!r}, the author of record r1" in str(told)
    world.sign(revision.revision_id, signer=ANA)


def test_a_refusal_names_the_approvers_who_may_sign(world):
    world.build(Line())
    put_record(world, {"amount": 0})
    revision = freeze(world)
    told = str(refusal(world, revision.revision_id))
    assert told.endswith("Let another approver sign: ana@example.com.")  # henrik: of another entity
    world.sign(revision.revision_id, signer=ANA)


def test_a_refusal_says_where_nobody_else_may_sign(world):
    world.build(Line())
    put_record(world, {"amount": 0})
    put_record(world, {"amount": 0, "record_id": "r2"}, author=ANA.name)
    assert "No other approver in policy.yml may sign it" in str(
        refusal(world, freeze(world).revision_id)
    )


def test_an_approver_with_too_low_a_limit_is_not_named(world):
    world.build(Line(rated="20000.00"))
    put_record(world, {"amount": 0}, author=ANA.name)
    revision = freeze(world, Line(rated="20000.00"))
    told = str(refusal(world, revision.revision_id, signer=ANA))
    assert "No other approver" in told  # olivia may sign up to 10,000


def test_a_record_of_another_key_is_no_matter_of_the_revision(world):
    world.build(Line())
    put_record(world, {"settlement_key": "us|bolt|tokens|2026-10-01"})
    world.sign(freeze(world).revision_id)


@pytest.mark.parametrize("kind", ["waive", "carry_close"])
def test_who_closes_what_is_not_billed_does_not_sign_the_month_that_leaves_it_out(world, kind):
    world.build(Line())
    put_record(world, {"entry_kind": kind, "settlement_key": "us|bolt|tokens|2026-09-01"})
    assert "four_eyes" == refused(world, freeze(world).revision_id)


@pytest.mark.parametrize(
    "columns", [{"billing_period": "2026-11"}, {"legal_entity_id": "de"}], ids=["later", "of de"]
)
def test_what_is_closed_of_a_later_month_or_another_entity_is_not_left_out_of_this_one(
    world, columns
):
    world.build(Line())
    key = "us|bolt|tokens|2026-09-01"
    put_record(world, {"entry_kind": "waive", "settlement_key": key} | columns)
    world.sign(freeze(world).revision_id)


def test_a_record_that_a_signed_revision_rests_on_is_no_first_use(world):
    world.build(Line())
    put_record(world, {"amount": 0})
    world.sign(freeze(world).revision_id, signer=ANA)
    second = freeze(world, Line(rated="120.00", before="100.00", cause="correction"))
    world.sign(second.revision_id)


def test_the_writer_of_a_decision_does_not_sign_what_it_changed(world):
    world.build(Line())
    put_decision(world, author=ANA.name)
    revision = freeze(world)
    told = refusal(world, revision.revision_id, signer=ANA)
    assert "four_eyes" == told.code
    assert "event_decision retract /gateway/us e1" in str(told)
    world.sign(revision.revision_id)


@pytest.mark.parametrize(
    ("columns", "bears"),
    [
        ({"subject": "tenant-bolt"}, True),  # no line, and that may be why
        ({"subject": "tenant-cargo"}, False),  # no line, and no contract of us
        ({"subject": "tenant-nobody"}, False),
        ({"event_source": "/elsewhere"}, False),  # of no system: counted for nobody
        ({"event_at": datetime.fromisoformat("2026-09-01")}, True),
        ({"event_at": datetime.fromisoformat("2026-11-01T09:00")}, True),  # October in the west
        ({"event_at": datetime.fromisoformat("2026-11-02")}, False),
        ({"content_standing": "picked", "decision": "pick"}, True),
        ({"content_standing": "restored", "decision": "restore"}, True),
        ({"content_standing": "conflicting", "decision": "pick"}, False),  # it counts for nothing
    ],
)
def test_a_decision_bears_on_the_months_and_customers_of_its_event(world, columns, bears):
    world.build(Line())
    put_decision(world, **columns)
    revision = freeze(world)
    if bears:
        assert "four_eyes" == refused(world, revision.revision_id)
    else:
        world.sign(revision.revision_id)


def test_only_the_last_decision_about_an_event_is_rested_on(world):
    world.build(Line())
    with world.register.writing() as session:
        first, second = (
            session.commit(kind="record", subject={"author": author}, now=NOW).sequence
            for author in ("ana@example.com", "jonas@example.com")
        )
    row = {"event_id": "e1", "decision_number": 1}
    world.put_decisions(
        row | {"register_sequence": first, "author": ANA.name},
        row | {"register_sequence": second, "author": "jonas@example.com", "decision": "restore"},
    )
    revision = freeze(world)
    world.sign(revision.revision_id, signer=ANA)


def test_a_revision_about_some_contracts_rests_on_decisions_about_its_own_customers(world):
    world.sign(world.build(Line()).freeze()[0].revision_id)
    put_decision(world, subject="tenant-bolt")
    correction = Line(rated="120.00", before="100.00", cause="correction")
    scope = RunScope(customer_ids=("acme",), is_of_one_month=True)
    world.sign(freeze(world, correction, scope=scope).revision_id)


def test_a_decision_made_after_the_freeze_is_rested_on_by_the_next_revision(world):
    [before] = world.build(Line()).freeze()
    put_decision(world)
    [after] = world.freeze(now=NOW + timedelta(minutes=5))
    assert (1, 2) == (before.revision_number, after.revision_number)
    assert "four_eyes" == refused(world, after.revision_id)


@pytest.mark.parametrize("author", [None, OLIVIA.name])
def test_a_decision_of_one_person_is_one_fact(world, author):
    world.build(Line())
    put_decision(world, author=author)
    told = str(refusal(world, freeze(world).revision_id))
    assert 1 == told.count("event_decision retract /gateway/us e1")
