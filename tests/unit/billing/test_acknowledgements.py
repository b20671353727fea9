"""Which documents must be acknowledged one by one, and what an acknowledgement leaves behind."""

import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from billing_rows import NOW, Line, document_row, entries_table
from billing_world import policy
from hypothesis import given
from hypothesis import strategies as st
from signing import frozen, refusal, refused, rows

from orchestration.billing.acknowledgements import acknowledgements_of, needed_acknowledgements
from orchestration.billing.correction_causes import CAUSE_SCHEMA
from orchestration.billing.derived_rows import rebuild_from_register
from orchestration.billing.entries import REGISTER_ENTRY_SCHEMA
from orchestration.billing.register import write_register_inputs
from orchestration.billing.revisions import DOCUMENT_SCHEMA, LINE_SCHEMA
from orchestration.operations_db import open_operations
from orchestration.operations_db.tables import sign_offs
from orchestration.price_book.policy import AcknowledgementPolicy

VARIANCE = {"variance_percent": "50", "variance_minimum": {"USD": "10"}}


def asking(**acknowledgements):
    return policy(acknowledgements=acknowledgements)


def bill(world, month, amount, **columns):
    """Sign an entry of an earlier month."""
    before = world.register.head().sequence
    row = {
        "settlement_key": f"k{before}",
        "bill_to_customer_id": "acme",
        "customer_id": "acme",
        "billing_period": month,
        "document_id": f"D{before}",
        "posting_key": f"UAAAAAAAAAAAAAA{before:03d}",
        "amount": Decimal(amount),
    }
    world.register.commit(
        kind="record", subject={"month": month}, now=NOW, entries=entries_table(row | columns)
    )


def needed_of(world, revision):
    return acknowledgements_of(
        world.settings,
        world.register.chain(),
        revision,
        policy_source=lambda _settings, _version: world.policy,
    )


def reasons(world, revision):
    needed = needed_of(world, revision)
    return {each.document_id: [reason.code for reason in each.reasons] for each in needed}


def texts(world, revision):
    needed = needed_of(world, revision)
    return [reason.text for each in needed for reason in each.reasons]


def document(customer_id, amount):
    """One document of October as a revision holds it."""
    row = document_row("D", [Line(customer_id=customer_id, amount=str(amount))])
    return pa.Table.from_pylist([row | {"posting_key": "U"}], schema=DOCUMENT_SCHEMA)


@pytest.mark.parametrize(
    "where",
    [
        {"acknowledgement_threshold": {"USD": "4000", "JPY": "0"}},
        {"acknowledgements": {"threshold": {"USD": "4000", "JPY": "0"}}},
    ],
)
def test_a_document_above_the_threshold_is_not_signed_unless_it_is_acknowledged_or_held(
    world, where
):
    world.policy = policy(**where)
    revision = frozen(
        world,
        Line(rated="4000.00"),
        Line(customer_id="bolt", rated="-4000.01"),
        Line(customer_id="cargo", currency_code="JPY", rated="1"),
    )
    missing = refusal(world, revision.revision_id)
    assert "acknowledgement_missing" == missing.code
    assert (
        "INV-us-bolt (USD -4,000.01: above the threshold 4,000.00), "
        "INV-us-cargo (JPY 1: above the threshold 0) must be acknowledged"
    ) in str(missing)
    one = {"acknowledgements": {"INV-us-bolt": "agreed"}}
    assert "INV-us-cargo" in str(refusal(world, revision.revision_id, **one))
    signed = world.sign(revision.revision_id, held_document_ids=["INV-us-cargo"], **one)
    assert 2 == signed.signed_document_count
    assert ("INV-us-bolt",) == signed.acknowledged_document_ids


def test_exactly_the_threshold_needs_nothing_and_a_ten_thousandth_more_does(world):
    world.policy = asking(threshold={"USD": "100"})
    world.build(Line(rated="100.00"), Line(customer_id="bolt", rated="100.0001"))
    [revision] = world.freeze()
    assert {"INV-us-bolt": ["threshold"]} == reasons(world, revision)


def test_a_currency_that_is_not_listed_has_no_threshold(world):
    world.policy = asking(threshold={"EUR": "0"})
    world.sign(frozen(world).revision_id)


def test_what_counts_is_what_a_document_charges_before_credits(world):
    world.policy = asking(threshold={"USD": "99"})
    drawn = Line(rated="0", amount="-100.00", cause="purchased_credit", credit_grant_id="prepaid")
    assert {"INV-us-acme": ["threshold"]} == reasons(world, frozen(world, Line(), drawn))


def test_a_rejection_needs_no_acknowledgement(world):
    world.policy = asking(threshold={"USD": "5"})
    world.sign(frozen(world).revision_id, decision="reject", note="too much")


def test_nothing_is_asked_unless_the_policy_asks(world):
    world.policy = policy()
    revision = frozen(world, Line(rated="-1"), Line(customer_id="bolt", rated="9000"))
    assert {} == reasons(world, revision)
    world.sign(revision.revision_id)


@pytest.mark.parametrize(
    ("rated", "expected"),
    [
        ("150.00", {}),  # exactly the limit
        ("150.0001", {"INV-us-acme": ["variance"]}),
        ("50.00", {}),
        ("49.9999", {"INV-us-acme": ["variance"]}),
        ("0.00", {"INV-us-acme": ["variance"]}),  # a zero-sum document after a hundred a month
    ],
)
def test_a_month_is_compared_with_the_mean_of_three_signed_months(world, rated, expected):
    world.policy = asking(**VARIANCE)
    world.build(Line(rated=rated))
    for month, amount in (("2026-07", "70.00"), ("2026-08", "100.00"), ("2026-09", "130.00")):
        bill(world, month, amount)
    [revision] = world.freeze()
    assert expected == reasons(world, revision)


def test_only_the_last_three_signed_months_count_and_a_month_without_any_is_passed_over(world):
    world.policy = asking(variance_percent="0")
    world.build(Line(rated="20.00"))
    for month, amount in (
        *(("2026-01", "1000.00"), ("2026-04", "10.00")),
        *(("2026-07", "20.00"), ("2026-09", "30.00"), ("2026-11", "999.00")),
    ):
        bill(world, month, amount)
    [revision] = world.freeze()
    assert {} == reasons(world, revision)


def test_with_fewer_than_three_signed_months_the_mean_is_of_those_there_are(world):
    world.policy = asking(**VARIANCE)
    world.build(Line(rated="151.00"))
    [revision] = world.freeze()
    assert {} == reasons(world, revision)  # none to compare with
    bill(world, "2026-09", "100.00")
    assert ["2026-10 comes to 151.00, 51.0 % above the mean 100.00 of 2026-09"] == texts(
        world, revision
    )
    bill(world, "2026-08", "110.00")
    assert {} == reasons(world, revision)


@pytest.mark.parametrize(("rated", "is_asked"), [("14.00", False), ("14.0001", True)])
def test_a_variance_up_to_the_minimum_amount_needs_nothing(world, rated, is_asked):
    world.policy = asking(**VARIANCE)
    world.build(Line(rated=rated))
    bill(world, "2026-09", "4.00")
    [revision] = world.freeze()
    assert is_asked == bool(reasons(world, revision))


def test_a_mean_of_zero_is_exceeded_by_whatever_is_more_than_the_minimum(world):
    world.policy = asking(**VARIANCE)
    world.build(Line(rated="10.01"))
    bill(world, "2026-09", "5.00")
    bill(world, "2026-09", "-5.00", entry_kind="correct")
    [revision] = world.freeze()
    assert ["2026-10 comes to 10.01, other than the mean 0.00 of 2026-09"] == texts(world, revision)


def test_months_of_another_customer_currency_or_entity_and_credits_are_not_compared(world):
    world.policy = asking(variance_percent="0")
    world.build(Line(rated="20.00"))
    bill(world, "2026-09", "20.00")
    for other in (
        {"bill_to_customer_id": "bolt"},
        {"currency_code": "EUR"},
        {"legal_entity_id": "de"},
        {"entry_kind": "credit_draw", "credit_grant_id": "prepaid"},
    ):
        bill(world, "2026-09", "700.00", **other)
    [revision] = world.freeze()
    assert {} == reasons(world, revision)


def test_what_was_signed_of_the_month_already_counts_with_its_next_documents(world):
    """A late hundredth on top of a usual month is no variance."""
    world.policy = asking(**VARIANCE)
    world.build(Line(rated="0.01"))
    bill(world, "2026-09", "100.00")
    bill(world, "2026-10", "100.00")
    [revision] = world.freeze()
    assert {} == reasons(world, revision)


def test_a_customers_first_invoice_needs_one_until_a_bill_of_the_entity_is_signed(world):
    world.policy = asking(first_invoice=True)
    bolt = Line(customer_id="bolt", rated="0.00")
    world.build(Line(), bolt, Line(customer_id="cargo", rated="-3.00"))
    bill(world, "2026-08", "1.00", legal_entity_id="de")
    [revision] = world.freeze()
    assert {"INV-us-acme": ["first_invoice"], "INV-us-bolt": ["first_invoice"]} == reasons(
        world, revision
    )
    bill(world, "2026-08", "1.00")
    assert {"INV-us-bolt": ["first_invoice"]} == reasons(world, revision)


def test_a_document_below_zero_needs_one_before_credits_or_after_them(world):
    world.policy = asking(negative_document=True)
    restored = Line(rated="0", amount="7.00", cause="purchased_restored", credit_grant_id="prepaid")
    drawn = {"cause": "purchased_credit", "credit_grant_id": "prepaid"}
    revision = frozen(
        world,
        Line(rated="-5.00"),
        restored,
        Line(customer_id="bolt", rated="0.00"),
        Line(customer_id="cargo", rated="5.00"),
        Line(customer_id="cargo", rated="0", amount="-5.00", **drawn),
    )
    assert {"INV-us-acme": ["negative_document"]} == reasons(world, revision)


def test_a_document_can_need_one_for_several_reasons(world):
    world.policy = asking(threshold={"USD": "1"}, first_invoice=True)
    assert {"INV-us-acme": ["threshold", "first_invoice"]} == reasons(world, frozen(world))


def test_the_policy_that_the_revision_pinned_counts(world):
    world.policy = asking(threshold={"USD": "5"})
    revision = frozen(world)
    asked = []

    def pinned(_settings, version):
        asked.append(version)
        return world.policy

    assert "acknowledgement_missing" == refused(world, revision.revision_id, policy_source=pinned)
    assert {revision.pins.reference_version} == set(asked)


def test_a_document_that_needs_none_may_be_acknowledged_and_one_of_another_revision_not(world):
    revision = frozen(world)
    unknown = {"acknowledgements": {"INV-us-bolt": ""}}
    assert "acknowledged_document_unknown" == refused(world, revision.revision_id, **unknown)
    world.sign(revision.revision_id, acknowledgements={"INV-us-acme": "seen"})
    [row] = rows(world, sign_offs)
    assert [{"document_id": "INV-us-acme", "note": "seen", "reasons": []}] == row[
        "acknowledgements"
    ]


def test_an_acknowledgement_is_in_the_register_in_the_rows_and_in_what_dbt_reads(world):
    world.policy = asking(threshold={"USD": "5"}, first_invoice=True)
    revision = frozen(world)
    world.sign(revision.revision_id, acknowledgements={"INV-us-acme": "checked the contract"})
    expected = [
        {
            "document_id": "INV-us-acme",
            "note": "checked the contract",
            "reasons": ["threshold", "first_invoice"],
        }
    ]
    assert expected == world.register.chain()[-1].subject["acknowledgements"]
    assert [expected] == [row["acknowledgements"] for row in rows(world, sign_offs)]
    write_register_inputs(world.settings)
    exported = pq.read_table(world.settings.warehouse_inputs / "sign_offs.parquet")
    assert [expected] == [json.loads(text) for text in exported["acknowledgements"].to_pylist()]


def test_acknowledgements_of_a_lost_operations_database_come_back_from_the_register(world):
    revision = frozen(world)
    world.sign(revision.revision_id, acknowledgements={"INV-us-acme": "seen"})
    world.engine.dispose()
    (world.data_dir / "operations.db").unlink()
    world.engine = open_operations(world.settings)
    rebuild_from_register(world.settings, world.engine)
    [row] = rows(world, sign_offs)
    assert "seen" == row["acknowledgements"][0]["note"]


CENTS = st.integers(min_value=-(10**6), max_value=10**6)
MONTHS = st.dictionaries(
    st.sampled_from([f"2026-{month:02d}" for month in range(1, 13)]), CENTS, max_size=6
)


def asked_by_integers(signed, cents, percent, minimum):
    """The rule in whole cents: three months before October, the last signed ones of them."""
    trailing = [signed[month] for month in sorted(signed) if month < "2026-10"][-3:]
    if not trailing:
        return False
    count, total = len(trailing), sum(trailing)
    now = cents + signed.get("2026-10", 0)
    is_far = abs(now * count - total) * 100 > percent * abs(total)
    return is_far and abs(now * count - total) > minimum * count


@given(MONTHS, CENTS, st.integers(0, 300), st.integers(0, 10**5))
def test_variance_agrees_with_whole_cents(signed, cents, percent, minimum):
    rule = AcknowledgementPolicy.model_validate(
        {
            "variance_percent": str(percent),
            "variance_minimum": {"USD": str(Decimal(minimum) / 100)},
        }
    )
    entries = entries_table(
        *(
            {
                "settlement_key": month,
                "bill_to_customer_id": "acme",
                "billing_period": month,
                "amount": Decimal(amount) / 100,
            }
            for month, amount in signed.items()
        )
    )
    placed = entries.add_column(0, "register_sequence", [[1] * entries.num_rows])
    placed = placed.add_column(1, "manifest_sha256", [["a"] * entries.num_rows])
    documents = document("acme", Decimal(cents) / 100)
    needed = needed_acknowledgements(
        rule,
        documents,
        LINE_SCHEMA.empty_table(),
        placed.cast(REGISTER_ENTRY_SCHEMA),
        CAUSE_SCHEMA.empty_table(),
    )
    assert asked_by_integers(signed, cents, percent, minimum) == bool(needed)
