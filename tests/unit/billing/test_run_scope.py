"""A re-rating of some contracts never takes the place of another one unseen."""

from dataclasses import replace

import pytest
from billing_rows import PERIOD, Line

from orchestration.billing.refusals import PeriodOpenError, RevisionWaitsError
from orchestration.billing.run_scope import WHOLE_RUN, RunScope
from orchestration.defs.sign_off.assets import revision_text

ACME = RunScope(customer_ids=("acme",), is_of_one_month=True)
BOLT = RunScope(customer_ids=("bolt",), is_of_one_month=True)
REVISION = f"us:{PERIOD}:r1"
CREDIT = Line(
    rated="90.00",
    before="100.00",
    cause="correction",
    document_id="CM-us-acme",
    original_document_id="INV-us-acme",
)


@pytest.mark.parametrize(
    "scope",
    [
        WHOLE_RUN,
        RunScope(is_of_one_month=True),
        RunScope(customer_ids=("acme", "bolt"), plan_ids=("pro",), is_of_one_month=True),
    ],
)
def test_a_scope_is_what_it_was_pinned_as(scope):
    assert scope == RunScope.of_plain(scope.plain())


def test_the_scope_of_a_run_is_pinned_as_it_always_was():
    assert {"contracts": "all"} == WHOLE_RUN.plain()


def test_a_scope_is_said_in_words():
    scope = RunScope(customer_ids=("acme", "bolt"), plan_ids=("pro",))
    assert "contracts of acme, bolt on plan pro" == scope.words()
    assert "all contracts" == WHOLE_RUN.words()


@pytest.fixture
def signed(world):
    """The month is signed once, then acme is rated lower."""
    [revision] = world.build(Line()).freeze()
    world.sign(revision.revision_id)
    world.put_candidates(CREDIT)
    return world


def test_a_rerating_waits_until_the_month_was_signed_once(world):
    world.build(Line()).freeze()
    with pytest.raises(RevisionWaitsError, match=f"{REVISION} with all contracts waits"):
        world.freeze(scope=ACME)
    world.sign(REVISION, decision="reject", note="no")
    with pytest.raises(PeriodOpenError, match="us signed nothing of that month yet"):
        world.freeze(scope=ACME)


def test_a_rerating_takes_the_place_of_its_own_kind_only(signed):
    [first] = signed.freeze(scope=ACME)
    assert ACME == RunScope.of_plain(first.pins.scope)
    with pytest.raises(RevisionWaitsError, match="contracts of acme waits for a decision"):
        signed.freeze(scope=BOLT)
    signed.put_candidates(replace(CREDIT, rated="80.00"))
    [second] = signed.freeze(scope=ACME)
    assert f"us:{PERIOD}:r3" == second.revision_id


def test_the_run_of_the_month_bills_all_that_is_due_and_takes_its_place(signed):
    signed.freeze(scope=ACME)
    [run] = signed.freeze()
    assert (WHOLE_RUN, "frozen") == (RunScope.of_plain(run.pins.scope), run.state)


def test_what_is_due_of_earlier_months_is_left_to_other_runs(signed):
    later = Line(charge_id="storage", billing_period="2026-11", document_id="INV-us-acme-next")
    signed.put_candidates(later)
    [revision] = signed.freeze(billing_period="2026-11")
    signed.sign(revision.revision_id)
    signed.put_candidates(CREDIT, replace(later, rated="101.00", before="100.00"))
    [again] = signed.freeze(billing_period="2026-11", scope=ACME)
    [run] = signed.freeze(billing_period="2026-11")
    assert (1, 2) == (again.document_count, run.document_count)


def test_what_is_no_longer_due_gives_way_to_an_empty_revision(signed):
    signed.freeze(scope=ACME)
    signed.put_candidates()
    [empty] = signed.freeze(scope=ACME)
    assert (f"us:{PERIOD}:r3", 0, "frozen") == (
        empty.revision_id,
        empty.document_count,
        empty.state,
    )


def test_another_entity_that_waits_is_not_in_the_way(world):
    of_de = Line(customer_id="zeta", legal_entity_id="de")
    [waiting, first] = world.build(Line(), of_de).freeze()
    assert ("de", "us") == (waiting.legal_entity_id, first.legal_entity_id)
    world.sign(first.revision_id)
    world.put_candidates(CREDIT)
    assert ["us"] == [each.legal_entity_id for each in world.freeze(scope=ACME)]


def test_the_person_who_signs_is_told_what_it_is_about(signed):
    [revision] = signed.freeze(scope=ACME)
    assert "Only contracts of acme; all others stay." in str(revision_text(revision).value)
    [run] = signed.freeze()
    assert "Only" not in str(revision_text(run).value)
