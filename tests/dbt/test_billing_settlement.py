"""What is due once something was billed: after the first run, and after the second.

What happened to each contract in between stands in settlement_stories.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest
import sqlalchemy as sa
from rating_warehouse import RatingWarehouse, instant, write_rows
from settlement_stories import STORIES, first_run, second_run

from orchestration.billing.waivers import WAIVER_INPUT_SCHEMA
from orchestration.dbt import run_dbt
from orchestration.exceptions import keep_exceptions
from orchestration.operations_db import open_operations
from orchestration.operations_db.tables import exceptions

BILLED_TOGETHER = 110  # 10 of usage at 1.00 and a fee of 100


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


@pytest.fixture(scope="module")
def third(second):
    """The books once more, with the history of the second run and three waivers."""
    lost, moved, over = (
        second.rows(f"select * from billing.fct_exceptions where {which}")[0]
        for which in (
            "exception_code = 'billed_key_not_rated'",
            "exception_code = 'cell_moved'",
            "exception_code = 'unpriced_usage'",
        )
    )
    engine = open_operations(second.settings)
    with duckdb.connect(second.settings.warehouse_file) as connection:
        keep_exceptions(second.settings, connection, engine)
    gone = {"exception_id": "gone", "exception_code": "no_contract", "amount_at_risk": Decimal(7)}
    with engine.begin() as connection:
        before = connection.execute(sa.select(exceptions).limit(1)).mappings().one()
        connection.execute(sa.insert(exceptions), [dict(before) | gone])
    engine.dispose()
    second.write_inputs()
    last_day = second.known_until.date()
    write_rows(
        second.settings.warehouse_inputs / "exception_waivers.parquet",
        WAIVER_INPUT_SCHEMA,
        [
            waiver_of(lost, until=last_day),
            waiver_of(moved, until=last_day, ended_at=instant(2026, 11, 3)),
            waiver_of(over, until=last_day - timedelta(days=1)),
        ],
    )
    run_dbt(second.settings, ["run", "--select", "fct_exceptions", "fct_exception_history"])
    return second


def waiver_of(exception, *, until, ended_at=None):
    """A waiver of an exception as the register would hand it to dbt."""
    named = ("exception_id", "exception_code", "object_kind", "object_id", "amount_at_risk")
    return {name: exception[name] for name in named} | {
        "waiver_id": f"{exception['exception_id']}:w1",
        "waived_by": "ana",
        "waived_by_source": "verified",
        "reason": "agreed",
        "waived_until_date": until,
        "waived_at": instant(2026, 11, 2),
        "ended_at": ended_at,
    }


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


def test_a_lower_price_makes_a_credit_memo_for_the_document_that_it_lowers(first, second):
    assert [("usage", Decimal(-4), "correction")] == due(second, "cheaper")
    [document] = second.rows(
        "select * from billing.fct_invoice_candidates "
        "where bill_to_customer_id = 'customer-cheaper' and billing_period = '2026-10'"
    )
    assert ("credit_memo", Decimal(-4)) == (document["document_kind"], document["amount"])
    assert [document["original_document_id"]] == [
        row["document_id"]
        for row in first["fct_invoice_candidates"]
        if row["bill_to_customer_id"] == "customer-cheaper"
    ]


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


def test_what_a_released_document_billed_is_due_as_if_it_had_never_been(second):
    assert [("usage", Decimal(10), "new")] == due(second, "released")


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


def test_a_waiver_counts_up_to_its_last_day_and_bills_nothing(second, third):
    states = {
        row["exception_code"]: (row["state"], row["waived_by"])
        for row in third.rows("from billing.fct_exceptions order by state")
    }
    assert ("waived", "ana") == states["billed_key_not_rated"]
    assert ("open", None) == states["cell_moved"]  # withdrawn
    assert ("open", None) == states["unpriced_usage"]  # over since yesterday
    [waived] = third.rows("from billing.fct_exceptions where state = 'waived'")
    assert waived["amount_at_risk"] == waived["waived_amount"]
    assert not waived["is_overdue"]
    assert [] == due(second, "lost")


def test_what_a_build_no_longer_finds_is_resolved_with_its_last_figures(third):
    history = {row["exception_id"]: row for row in third.rows("from billing.fct_exception_history")}
    gone = history.pop("gone")
    assert ("resolved", Decimal(7)) == (gone["state"], gone["amount_at_risk"])
    assert gone["resolved_at"] is not None
    assert {"open", "waived"} == {row["state"] for row in history.values()}
    standing = {row["exception_id"] for row in third.rows("from billing.fct_exceptions")}
    assert standing == set(history)


def test_a_held_charge_is_called_by_its_charge_and_cell(third):
    names = third.rows(
        "select object_name from billing.fct_exceptions where object_kind = 'settlement_key'"
    )
    assert names
    assert all(" from 2026-" in row["object_name"] for row in names)
