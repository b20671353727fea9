"""What is due once something was billed: two runs over one set of contracts, a story per contract.

October is rated, every candidate is signed, then prices, contracts, usage and the register change
as each story says, and October is rated again.
"""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rating_warehouse import BILLING, RatingWarehouse, instant

OCTOBER = date(2026, 10, 1)
STORIES = (
    "same",
    "late",
    "cheaper",
    "lost",
    "conflict",
    "unpriced",
    "conceded",
    "external",
    "released",
    "ended",
    "replanned",
    "two_segments",
    "moved_cell",
)
# Of what is drawn from October on; all grants begin later, so that nothing more is drawn.
GRANTS = {
    "kept": {"amount": Decimal(100), "currency_code": "USD"},
    "lowered": {"amount": Decimal(20), "currency_code": "USD"},
    "now_in_units": {"amount": Decimal(100), "currency_code": None, "unit": "call"},
}
BILLED_TOGETHER = 110  # 10 of usage at 1.00 and a fee of 100


def price(warehouse, plan_id, amount, currencies=("USD",)):
    warehouse.add_charge(
        f"{plan_id}/usage",
        plan_id=plan_id,
        charge_id=f"{plan_id}_usage",
        charge_model="per_unit",
        meter_id="units",
        tiers={code: [{"unit_price": Decimal(amount)}] for code in currencies},
    )


def first_run(warehouse):
    warehouse.add_meter("units", event_types=["usage"])
    warehouse.add(
        "sources",
        source_prefix="/gateway",
        system_id="product",
        grace_hours=36,
        is_expected_daily=False,
    )
    warehouse.add_plan("other")
    for story in STORIES:
        warehouse.add_plan(story)
        price(warehouse, story, "1.00")
        warehouse.add_charge(
            f"{story}/fee",
            plan_id=story,
            charge_id=f"{story}_fee",
            charge_model="flat",
            tiers={"USD": [{"flat_amount": Decimal(100)}]},
        )
        warehouse.add_contract(story, plan_id=story, start_date=OCTOBER)
        warehouse.add(
            "identities",
            system_id="product",
            external_id=story,
            customer_id=f"customer-{story}",
            valid_from_at=instant(2020, 1, 1),
        )
        warehouse.use(story, "units", date(2026, 10, 5), 10)
    warehouse.build(*BILLING)


def change(warehouse, table, condition, **columns):
    warehouse.reference[table] = [
        dict(row) | columns if condition(row) else row for row in warehouse.reference[table]
    ]


def drop(warehouse, table, condition):
    warehouse.reference[table] = [row for row in warehouse.reference[table] if not condition(row)]


def entries_of(lines, *, kind="bill", sequence=1):
    now = instant(2026, 11, 2)
    return [
        {name: row[name] for name in row if name != "billed_amount_before"}
        | {
            "register_sequence": sequence,
            "manifest_sha256": "0" * 64,
            "entry_number": number,
            "entry_kind": kind,
            "posting_key": f"U{row['document_id'][:17].upper()}",
            "billed_before": row["billed_amount_before"],
            "signer": "ana",
            "signed_at": now,
        }
        for number, row in enumerate(lines, start=1)
    ]


def more_entries(warehouse, story, kind, amount, sequence):
    [line] = [
        row
        for row in warehouse.register
        if row["charge_id"] == f"{story}_usage" and row["register_sequence"] == 1
    ]
    warehouse.register.append(
        line | {"register_sequence": sequence, "entry_kind": kind, "amount": Decimal(amount)}
    )


def drawn_of(grant_id, number):
    """A signed draw of 30.00, in money."""
    return {
        "register_sequence": 1,
        "manifest_sha256": "0" * 64,
        "entry_number": 1000 + number,
        "entry_kind": "credit_draw",
        "settlement_key": f"drawn-{number}",
        "contract_lineage_id": "same",
        "customer_id": "customer-same",
        "legal_entity_id": "entity",
        "currency_code": "USD",
        "quantity": Decimal(-1),
        "amount": Decimal(-30),
        "billed_before": Decimal(0),
        "credit_grant_id": grant_id,
        "signer": "ana",
        "signed_at": instant(2026, 11, 2),
    }


def edit_grants(warehouse):
    """Grants as they are after something was drawn of each; one row is gone."""
    for grant_id, columns in GRANTS.items():
        warehouse.add(
            "credit_grants",
            credit_grant_id=grant_id,
            contract_id="same",
            kind="promotional",
            priority=1,
            starts_on=date(2030, 1, 1),
            is_scoped=False,
            **columns,
        )
    warehouse.register += [
        drawn_of(grant_id, number) for number, grant_id in enumerate([*GRANTS, "gone"])
    ]


def second_run(warehouse):
    """Sign the first run, then change usage, prices, register and terms, and rate again."""
    warehouse.register = entries_of(
        warehouse.rows(
            "select * from billing.fct_invoice_candidate_lines "
            "where billing_period = '2026-10' order by document_id, line_number"
        )
    )
    warehouse.use("late", "units", date(2026, 10, 9), 5, batch=2)
    lose_a_contract(warehouse)
    set_a_conflict_aside(warehouse)
    change_prices(warehouse)
    more_entries(warehouse, "conceded", "concession", "-4", 2)
    more_entries(warehouse, "external", "external", "-4", 2)
    more_entries(warehouse, "released", "release", "-10", 2)
    change_terms(warehouse)
    edit_grants(warehouse)
    warehouse.build(*BILLING)


def lose_a_contract(warehouse):
    drop(warehouse, "contracts", lambda row: row["contract_id"] == "lost")
    drop(warehouse, "contract_versions", lambda row: row["contract_id"] == "lost")
    for row in warehouse.metered:
        if row["contract_id"] == "lost":
            row |= {"contract_id": None, "resolution_code": "no_contract"}
    warehouse.events.append(
        {
            "ingestion_batch_id": 1,
            "event_date": date(2026, 10, 5),
            "system_id": "product",
            "subject": "lost",
            "local_date": date(2026, 10, 5),
            "event_type": "usage",
            "customer_id": "customer-lost",
            "resolution_code": "no_contract",
            "event_count": 1,
            "metered_event_count": 1,
        }
    )


def set_a_conflict_aside(warehouse):
    for line in (1, 2):
        warehouse.set_aside.append(
            {
                "ingestion_batch_id": 1,
                "file_id": 1,
                "line_number": line,
                "event_date": date(2026, 10, 7),
                "event_source": "/gateway",
                "event_id": "twice",
                "event_type": "usage",
                "subject": "conflict",
                "event_at": instant(2026, 10, 7, 9),
                "set_aside_reason": "conflicting",
            }
        )


def change_prices(warehouse):
    for charge_price_id, columns in (
        ("cheaper/usage", {"unit_price": Decimal("0.60")}),
        ("unpriced/usage", {"currency_code": "EUR"}),
    ):
        change(
            warehouse,
            "charge_tiers",
            lambda row, priced=charge_price_id: row["charge_price_id"] == priced,
            **columns,
        )


def change_terms(warehouse):
    for table, contract_id, columns in (
        ("contracts", "ended", {"start_date": date(2026, 9, 1), "end_date": OCTOBER}),
        ("contract_versions", "replanned", {"plan_id": "other"}),
        ("contracts", "moved_cell", {"billing_anchor_day": 15}),
        ("contract_versions", "two_segments", {"effective_to_date": date(2026, 10, 16)}),
    ):
        change(
            warehouse,
            table,
            lambda row, changed=contract_id: row["contract_id"] == changed,
            **columns,
        )
    warehouse.add(
        "contract_versions",
        contract_id="two_segments",
        contract_version=2,
        effective_from_date=date(2026, 10, 16),
        plan_id="two_segments",
    )


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    warehouse = RatingWarehouse(
        tmp_path_factory.mktemp("settlement"), known_until=datetime(2026, 11, 1, tzinfo=UTC)
    )
    first_run(warehouse)
    return {
        name: warehouse.rows(f"select * from billing.{name}")
        for name in ("fct_invoice_candidates", "fct_invoice_candidate_lines")
    } | {"warehouse": warehouse}


@pytest.fixture(scope="module")
def second(first):
    second_run(first["warehouse"])
    return first["warehouse"]


def due(warehouse, story):
    """Charge, amount and cause of every candidate line of October."""
    return [
        (row["charge_id"].removeprefix(f"{story}_"), row["amount"], row["cause"])
        for row in warehouse.rows(
            "select * from billing.fct_invoice_candidate_lines where billing_period = '2026-10' "
            f"and charge_id like '{story}%' order by charge_id"
        )
    ]


def outcome(warehouse, story, charge="usage"):
    [row] = warehouse.rows(
        "select * from reconciliation.fct_outcomes where cell_start_date = '2026-10-01' "
        f"and charge_id = '{story}_{charge}'"
    )
    return row["outcome"], row["exception_code"]


def test_a_new_month_is_due_in_full_one_document_per_bill_to(first):
    documents = [
        row for row in first["fct_invoice_candidates"] if row["billing_period"] == "2026-10"
    ]
    assert {("invoice", 2, Decimal(BILLED_TOGETHER))} == {
        (row["document_kind"], row["line_count"], row["amount"]) for row in documents
    }
    assert len(STORIES) == len(documents)


def test_a_month_that_has_not_ended_is_not_due(first):
    assert {"2026-10"} == {row["billing_period"] for row in first["fct_invoice_candidates"]}


def test_what_was_billed_and_has_not_changed_is_not_due_again(second):
    """Invariant 9."""
    assert [] == due(second, "same")
    assert ("billed", None) == outcome(second, "same")


def test_late_usage_is_due_as_a_correction(second):
    assert [("usage", Decimal(5), "correction")] == due(second, "late")


def test_a_lower_price_makes_a_credit_memo_of_the_difference(second):
    assert [("usage", Decimal(-4), "correction")] == due(second, "cheaper")
    [document] = second.rows(
        "select * from billing.fct_invoice_candidates "
        "where bill_to_customer_id = 'customer-cheaper' and billing_period = '2026-10'"
    )
    assert ("credit_memo", Decimal(-4)) == (document["document_kind"], document["amount"])


def test_a_later_document_has_an_id_of_its_own(first, second):
    before = {row["document_id"] for row in first["fct_invoice_candidates"]}
    after = {row["document_id"] for row in second.rows("from billing.fct_invoice_candidates")}
    assert set() == before & after


def test_a_lost_contract_credits_nothing_and_is_reported(second):
    assert [] == due(second, "lost")
    assert ("held", "billed_key_not_rated") == outcome(second, "lost")
    [reported] = second.rows(
        "select * from billing.fct_exceptions where exception_code = 'billed_key_not_rated' "
        "and customer_id = 'customer-lost' and amount_at_risk = 10"
    )
    assert ("finance", "USD") == (reported["steward"], reported["currency_code"])


def test_a_cell_that_moved_credits_nothing_and_bills_no_day_twice(second):
    assert ("held", "billed_key_not_rated") == outcome(second, "moved_cell")
    assert [] == due(second, "moved_cell")
    assert {"cell_moved"} == {
        row["exception_code"]
        for row in second.rows(
            "select * from billing.int_settlements__compared where is_rated "
            "and charge_id like 'moved_cell%' and cell_start_date < '2026-11-01'"
        )
    }


def test_an_unresolved_conflict_holds_its_charge_and_no_other(second):
    assert [] == due(second, "conflict")
    assert ("held", "conflicting_events") == outcome(second, "conflict")
    assert ("billed", None) == outcome(second, "conflict", "fee")


def test_a_missing_price_neither_bills_nor_credits(second):
    assert [] == due(second, "unpriced")
    assert ("held", "missing_price") == outcome(second, "unpriced")


def test_a_concession_is_not_billed_back(second):
    assert [] == due(second, "conceded")
    assert ("billed", None) == outcome(second, "conceded")


def test_a_credit_made_by_hand_in_the_erp_counts_as_billed(second):
    assert [("usage", Decimal(4), "correction")] == due(second, "external")


def test_a_released_document_is_due_again(second):
    assert [("usage", Decimal(10), "correction")] == due(second, "released")


def test_a_contract_that_ended_before_the_cell_is_credited(second):
    assert [("fee", Decimal(-100), "correction"), ("usage", Decimal(-10), "correction")] == due(
        second, "ended"
    )


def test_a_plan_without_the_charge_credits_what_was_billed_for_it(second):
    assert [("fee", Decimal(-100), "correction"), ("usage", Decimal(-10), "correction")] == due(
        second, "replanned"
    )


def test_a_cut_at_which_no_price_changes_changes_nothing(second):
    assert [] == due(second, "two_segments")


def test_usage_that_the_new_plan_does_not_charge_is_an_exception_with_its_quantity(second):
    [reported] = second.rows(
        "select * from billing.fct_exceptions where exception_code = 'unpriced_usage' "
        "and object_id = 'replanned units'"
    )
    assert ("catalog", Decimal(10), "unit", 1) == (
        reported["steward"],
        reported["quantity_at_risk"],
        reported["unit"],
        reported["event_count"],
    )


def test_a_grant_that_was_edited_after_it_was_drawn_is_an_exception_with_the_money_at_risk(second):
    found = second.rows("from billing.fct_exceptions where object_kind = 'credit_grant'")
    assert {
        "lowered": ("grant_below_draws", "finance", Decimal(10), "USD"),
        "now_in_units": ("grant_changed", "finance", Decimal(30), "USD"),
        "gone": ("grant_missing", "finance", Decimal(30), "USD"),
    } == {
        row["object_id"]: (
            row["exception_code"],
            row["steward"],
            row["amount_at_risk"],
            row["currency_code"],
        )
        for row in found
    }


def test_nothing_is_due_that_is_unknown(second):
    assert [] == second.rows(
        "select lines.* from billing.fct_invoice_candidate_lines as lines "
        "inner join rating.fct_rated_lines as rated using (settlement_key) "
        "where rated.rating_status = 'unknown'"
    )


def test_rated_is_billed_plus_due_plus_held_for_every_key(second):
    """Invariant 6."""
    rows = second.rows("select * from reconciliation.fct_conservation where invariant_number = 6")
    assert [] == [row for row in rows if not row["is_held"]]
