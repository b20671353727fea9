"""What a run bills of earlier months: what is due of those that are closed."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from billing_rows import NOW, Line

from orchestration.billing.posting_payloads import payloads_of
from orchestration.billing.refusals import RegisterMovedError

NEXT = "2026-11"
IN_NEXT = NOW + timedelta(days=31)
FIRST_BILL = Line(rated="100.00")
NEXT_BILL = Line(
    charge_id="storage", rated="7.00", billing_period=NEXT, document_id="INV-us-acme-next"
)
CREDIT = Line(
    rated="90.00",
    before="100.00",
    cause="correction",
    document_id="CM-us-acme",
    original_document_id="INV-us-acme",
)


@pytest.fixture
def signed(world):
    """October is signed, then rated lower; November is rated too."""
    [revision] = world.build(FIRST_BILL).freeze()
    world.sign(revision.revision_id)
    world.put_candidates(CREDIT, NEXT_BILL)
    return world


def document_ids(world, revision):
    return sorted(
        {
            entry["document_id"]
            for entry in world.register.entries().to_pylist()
            if entry["revision_id"] == revision.revision_id
        }
    )


def test_a_correction_of_a_signed_month_is_frozen_and_signed_in_the_next_run(signed):
    [revision] = signed.freeze(billing_period=NEXT, now=IN_NEXT)
    assert ("us:2026-11:r1", 2) == (revision.revision_id, revision.document_count)
    assert ["2026-10"] == revision.pins.scope["earlier_periods"]
    signed.sign(revision.revision_id, now=IN_NEXT)
    assert ["CM-us-acme", "INV-us-acme-next"] == document_ids(signed, revision)
    assert {
        "us|acme|tokens|2026-10-01": Decimal("90.0000"),
        "us|acme|storage|2026-10-01": Decimal("7.0000"),
    } == signed.register.billed()


def test_the_credit_memo_names_the_document_that_it_corrects_and_keeps_its_own_month(signed):
    [revision] = signed.freeze(billing_period=NEXT, now=IN_NEXT)
    signed.sign(revision.revision_id, now=IN_NEXT)
    found = {
        payload.document_id: (
            payload.document().corrects_document_id,
            payload.document().billing_period,
            payload.amount,
        )
        for payload in payloads_of(signed.register.entries()).values()
    }
    assert {
        "INV-us-acme": (None, "2026-10", Decimal("100.0000")),
        "CM-us-acme": ("INV-us-acme", "2026-10", Decimal("-10.0000")),
        "INV-us-acme-next": (None, "2026-11", Decimal("7.0000")),
    } == found


def test_a_month_that_nobody_signed_is_left_to_its_own_run(world):
    world.build(FIRST_BILL, NEXT_BILL)
    [revision] = world.freeze(billing_period=NEXT, now=IN_NEXT)
    assert (1, Decimal("7.0000")) == (revision.document_count, revision.totals[0].amount)
    assert "earlier_periods" not in revision.pins.scope


OTHER = Line(customer_id="bolt", legal_entity_id="de", currency_code="EUR")


def test_an_entity_that_had_nothing_in_a_closed_month_bills_what_came_of_it_since(signed):
    """As when a contract moved to it with effect in that month."""
    signed.put_candidates(CREDIT, NEXT_BILL, OTHER)
    de, _us = signed.freeze(billing_period=NEXT, now=IN_NEXT)
    assert ("de:2026-11:r1", 1) == (de.revision_id, de.document_count)
    assert ["2026-10"] == de.pins.scope["earlier_periods"]


@pytest.mark.parametrize("decision", [None, "reject"])
def test_a_month_of_which_a_revision_of_the_entity_waits_is_left_to_its_own_run(signed, decision):
    signed.put_candidates(CREDIT, NEXT_BILL, OTHER)
    de, _us = signed.freeze()
    if decision is not None:
        signed.sign(de.revision_id, decision=decision)
    next_bill = replace(OTHER, billing_period=NEXT, charge_id="seats", document_id="INV-de-next")
    signed.put_candidates(CREDIT, NEXT_BILL, OTHER, next_bill)
    de, _us = signed.freeze(billing_period=NEXT, now=IN_NEXT)
    assert 1 == de.document_count
    assert "earlier_periods" not in de.pins.scope


def test_a_later_month_is_in_no_run_of_an_earlier_one(signed):
    [revision] = signed.freeze()
    assert ("us:2026-10:r2", 1) == (revision.revision_id, revision.document_count)


def test_a_correction_on_demand_and_the_monthly_run_never_both_bill_it(signed):
    [monthly] = signed.freeze(billing_period=NEXT, now=IN_NEXT)
    [on_demand] = signed.freeze(now=IN_NEXT)
    signed.sign(on_demand.revision_id, now=IN_NEXT)
    head = signed.register.head()
    with pytest.raises(RegisterMovedError, match="tokens"):
        signed.sign(monthly.revision_id, now=IN_NEXT)
    assert head == signed.register.head()
    assert Decimal("90.0000") == signed.register.billed()["us|acme|tokens|2026-10-01"]


def test_two_credit_memos_over_one_key_have_posting_keys_of_their_own(signed):
    """A key that two documents billed is taken back from both."""
    parts = [
        Line(
            rated="40.00",
            before="100.00",
            amount=amount,
            cause="correction",
            document_id=f"CM-{number}",
            original_document_id=f"INV-{number}",
        )
        for number, amount in ((1, "-45.00"), (2, "-15.00"))
    ]
    signed.put_candidates(*parts)
    [revision] = signed.freeze(billing_period=NEXT, now=IN_NEXT)
    signed.sign(revision.revision_id, now=IN_NEXT)
    assert 3 == len(payloads_of(signed.register.entries()))
    assert Decimal("40.0000") == signed.register.billed()["us|acme|tokens|2026-10-01"]
