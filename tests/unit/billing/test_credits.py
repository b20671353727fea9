"""Draws of credit are signed like lines, bill nothing, and never exceed their grant."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from billing_rows import NOW, PERIOD, VERSION, Line
from billing_world import OLIVIA, policy
from signing import refusal, refused

from orchestration.billing.posting_payloads import payloads_of
from orchestration.billing.refusals import CandidatesUnusableError


def draw(amount, *, grant="prepaid", cause="purchased_credit", **changes):
    """A draw on what the key of a line of 100.00 is due."""
    return Line(amount=amount, cause=cause, credit_grant_id=grant, **changes)


def test_a_signed_draw_is_an_entry_of_its_own_kind_and_bills_nothing(world):
    """ledger.md, The register."""
    [revision] = world.build(Line(), draw("-60.00")).freeze()
    world.sign(revision.revision_id)

    entries = world.register.entries().to_pylist()
    assert [("bill", None, Decimal(100)), ("credit_draw", "prepaid", Decimal(-60))] == [
        (entry["entry_kind"], entry["credit_grant_id"], entry["amount"]) for entry in entries
    ]
    assert {Line().settlement_key: Decimal(100)} == world.register.billed()


def test_a_document_is_sent_with_its_draws_and_purchased_ones_are_outside_the_tax_base(world):
    """semantics.md: promotional credits, tax base, purchased credits."""
    gift = draw("-10.00", cause="promotional_credit")
    [revision] = world.build(Line(), gift, draw("-60.00")).freeze()
    world.sign(revision.revision_id)

    [payload] = payloads_of(world.register.entries()).values()
    assert Decimal(30) == payload.amount
    assert [(Decimal(100), True), (Decimal(-10), True), (Decimal(-60), False)] == [
        (line.amount, line.is_in_tax_base) for line in payload.document().lines
    ]


def test_a_document_says_the_days_of_its_service_and_not_those_of_the_cell(world):
    """Revenue is recognised over them, and tax falls due by them."""
    [revision] = world.build(Line()).freeze()
    world.sign(revision.revision_id)

    [payload] = payloads_of(world.register.entries()).values()
    [line] = payload.document().lines
    assert (date(2026, 10, 5), date(2026, 10, 20)) == (
        line.service_start_date,
        line.service_end_date,
    )


def test_two_signatures_together_never_draw_more_than_the_grant_holds(world):
    """ledger.md: compare-and-set, for credits as for keys."""
    elsewhere = {"legal_entity_id": "de", "customer_id": "bolt"}
    world.build(Line(), draw("-70.00"), Line(**elsewhere), draw("-31.00", **elsewhere))
    of_germany, of_america = world.freeze()
    world.sign(of_america.revision_id)

    error = refusal(world, of_germany.revision_id)
    assert "credit_overdrawn" == error.code
    assert ("prepaid",) == error.credit_grant_ids
    assert "prepaid (101.0000 of 100.000000000)" in str(error)


def test_a_grant_may_be_drawn_to_its_last_cent_by_two_signatures(world):
    elsewhere = {"legal_entity_id": "de", "customer_id": "bolt"}
    world.build(Line(), draw("-70.00"), Line(**elsewhere), draw("-30.00", **elsewhere))
    for revision in world.freeze():
        world.sign(revision.revision_id)

    assert 4 == world.register.entries().num_rows


def give_back(amount, **changes):
    """Credit of the first document goes back on the correction of that document."""
    return Line(
        amount=amount,
        rated="40.00",
        before="100.00",
        cause="purchased_restored",
        credit_grant_id="prepaid",
        document_id="CM",
        original_document_id="INV-us-acme",
        **changes,
    )


CORRECTION = Line(
    rated="40.00",
    before="100.00",
    cause="correction",
    document_id="CM",
    original_document_id="INV-us-acme",
)


@pytest.fixture
def drawn(world):
    """100.00 of usage, of which credit paid 60.00, is signed."""
    [revision] = world.build(Line(), draw("-60.00")).freeze()
    world.sign(revision.revision_id)
    return world


def test_what_goes_back_to_a_grant_is_an_entry_of_its_own_kind_outside_the_tax_base(drawn):
    """ledger.md, State that runs across periods: less usage restores to the same grants."""
    drawn.put_candidates(CORRECTION, give_back("20.00"))
    [revision] = drawn.freeze()
    drawn.sign(revision.revision_id)

    entries = drawn.register.entries().to_pylist()[2:]
    assert [("correct", Decimal(-60)), ("credit_restore", Decimal(20))] == [
        (entry["entry_kind"], entry["amount"]) for entry in entries
    ]
    assert {Line().settlement_key: Decimal(40)} == drawn.register.billed()
    payload = list(payloads_of(drawn.register.entries()).values())[1]
    assert Decimal(-40) == payload.amount
    assert [True, False] == [line.is_in_tax_base for line in payload.document().lines]


def test_two_signatures_never_give_back_more_than_was_drawn(drawn):
    drawn.put_candidates(CORRECTION, give_back("60.01"))
    [revision] = drawn.freeze()
    error = refusal(drawn, revision.revision_id)
    assert "credit_overdrawn" == error.code
    assert "prepaid (-0.0100 of 100.000000000)" in str(error)


def test_a_grant_that_was_lowered_below_its_draws_still_gets_back(drawn):
    drawn.put_candidates(CORRECTION, give_back("60.00"))
    folder = drawn.settings.reference_versions / VERSION / "tables" / "credit_grants.parquet"
    grants = [row | {"amount": Decimal(1)} for row in pq.read_table(folder).to_pylist()]
    pq.write_table(pa.Table.from_pylist(grants, schema=pq.read_schema(folder)), folder)
    [revision] = drawn.freeze()
    drawn.sign(revision.revision_id)
    assert 4 == drawn.register.entries().num_rows


def test_a_line_that_takes_credit_away_instead_of_giving_it_back_is_not_frozen(drawn):
    drawn.put_candidates(CORRECTION, give_back("-20.00"))
    with pytest.raises(CandidatesUnusableError, match="do not add up"):
        drawn.freeze()


@pytest.mark.parametrize(("quantity", "code"), [("-50", None), ("-50.000000001", "refused")])
def test_a_grant_of_units_counts_units_and_not_what_they_are_worth(world, quantity, code):
    [revision] = world.build(Line(), draw("-99.00", grant="units", quantity=quantity)).freeze()
    if code is None:
        world.sign(revision.revision_id)
        assert 2 == world.register.entries().num_rows
    else:
        assert "credit_overdrawn" == refused(world, revision.revision_id)


def test_a_draw_on_a_grant_that_the_reference_does_not_have_is_refused(world):
    [revision] = world.build(Line(), draw("-0.01", grant="gone")).freeze()
    assert "credit_overdrawn" == refused(world, revision.revision_id)


def test_a_draw_in_a_held_document_is_not_drawn(world):
    [revision] = world.build(Line(), draw("-100.00")).freeze()
    world.sign(revision.revision_id, held_document_ids=[Line().document], note="later")
    assert 0 == world.register.entries().num_rows


def test_who_wrote_a_grant_does_not_sign_the_first_revision_that_draws_on_it(world):
    """Four eyes."""
    world.build(Line(), draw("-1.00"))
    world.put_reference(authors={"credit_grant": OLIVIA.name})
    world.policy = policy()
    [revision] = world.freeze(billing_period=PERIOD, now=NOW)
    assert "four_eyes" == refused(world, revision.revision_id)


def test_the_limit_of_an_approver_counts_what_is_charged_and_not_what_is_left_to_pay(world):
    """Olivia may sign up to 10,000 dollars."""
    [revision] = world.build(Line(rated="10000.01"), draw("-99.00", rated="10000.01")).freeze()
    assert "amount_above_limit" == refused(world, revision.revision_id)
