"""The waterfall of shadow mode over random invoices, against an oracle that goes line by line."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import duckdb
import pytest
import yaml
from rating_warehouse import RatingWarehouse, table_of
from shadow_worlds import CHARGES, PERIOD, explained, worlds

from orchestration.dbt import DBT_PROJECT_DIR, run_dbt
from orchestration.shadow.inputs import REPRICED_SCHEMA, put_invoice_lines, put_repriced_cells
from orchestration.shadow.invoice_lines import LINE_SCHEMA

SEED, WORLDS = 20260901, 600
MODELS = (
    *("resource_type:seed", "stg_shadow__invoice_lines", "stg_shadow__repriced_cells"),
    *("stg_reference__customers", "stg_reference__identities", "stg_reference__credit_grants"),
    *("stg_register__entries", "stg_price_book__charges", "stg_price_book__terms"),
    *("stg_price_book__products", "tallyhouse.shadow"),
)
CAUSES = {
    *("not_mapped", "customer_only_there", "customer_only_here", "charge_only_there"),
    *("charge_only_here", "exception", "service_period", "quantity", "quantity_not_priced"),
    *("term_lines", "rounding", "price", "unexplained"),
}


@pytest.fixture(scope="module")
def made():
    return worlds(SEED, WORLDS)


@pytest.fixture(scope="module")
def warehouse(made, tmp_path_factory):
    """The models built over the worlds, with their data tests."""
    theirs, ours, draws, repriced = made
    house = RatingWarehouse(tmp_path_factory.mktemp("shadow"))
    for number in range(WORLDS):
        house.add("customers", customer_id=f"cus_{number:04}", customer_name="C")
    for charge in CHARGES:
        house.add_charge(charge, plan_id="p", charge_id=charge, charge_model="flat", tiers={})
    house.add(
        "terms",
        term_id="commit",
        term_kind="commitment",
        term_name="Commitment",
        plan_id="p",
        term_number=1,
        effective_from_date=date(2026, 1, 1),
        proration="none",
        product_id="product",
    )
    for grant, kind in (("promised", "promotional"), ("purchased", "purchased")):
        house.add(
            "credit_grants",
            credit_grant_id=grant,
            contract_id="k",
            kind=kind,
            amount=1000,
            priority=1,
            starts_on=date(2026, 1, 1),
            is_scoped=False,
        )
    house.write_inputs()
    put_invoice_lines(house.settings, [table_of(LINE_SCHEMA, theirs)])
    put_repriced_cells(house.settings, table_of(REPRICED_SCHEMA, repriced))
    with duckdb.connect(house.settings.warehouse_file) as connection:
        put_model(connection, "rating", "fct_rated_lines", ours)
        put_model(connection, "billing", "fct_invoice_candidate_lines", draws)
    run_dbt(
        house.settings,
        ["build", "--exclude", "resource_type:unit_test", "--select", *MODELS],
    )
    return house


def put_model(connection, schema, name, rows):
    """Leave the table that a model would have left."""
    [path] = DBT_PROJECT_DIR.glob(f"models/**/{name}.yml")
    [model] = yaml.safe_load(path.read_text("utf-8"))["models"]
    columns = ", ".join(f"{each['name']} {each['data_type']}" for each in model["columns"])
    connection.execute(f"create schema if not exists {schema}")
    connection.execute(f"create table {schema}.{name} ({columns})")
    arrow = connection.sql(f"from {schema}.{name}").to_arrow_table().schema
    connection.register("rows_of_model", table_of(arrow, rows))
    connection.execute(f"insert into {schema}.{name} from rows_of_model")


def test_each_cause_has_the_amount_that_going_line_by_line_gives(made, warehouse):
    rows = warehouse.rows("select * from shadow.fct_shadow_differences")
    found = {
        (row["customer"], row["charge"], row["currency_code"], row["cause"], row["cause_detail"]): (
            row["amount"]
        )
        for row in rows
    }

    assert explained(*made) == found


def test_the_worlds_hold_every_cause(warehouse):
    rows = warehouse.rows("select distinct cause from shadow.fct_shadow_differences")

    assert {row["cause"] for row in rows} == CAUSES


def test_causes_sum_to_the_difference_of_the_lines_themselves(made, warehouse):
    """No line of either side is lost or counted twice, whatever it is compared with."""
    theirs, ours, draws, _ = made
    expected = defaultdict(Decimal)
    for line in theirs:
        if line["line_kind"] not in {"tax", "payment"}:
            expected[line["currency_code"]] += line["amount"]
    for line in ours:
        expected[line["currency_code"]] -= line["amount"] or 0
    for draw in draws:
        if draw["credit_grant_id"] == "promised":
            expected[draw["currency_code"]] -= draw["amount"]
    found = warehouse.rows(
        "select currency_code, sum(amount) as amount from shadow.fct_shadow_differences "
        "group by currency_code"
    )
    months = warehouse.rows("select * from shadow.fct_shadow_months")

    assert dict(expected) == {row["currency_code"]: row["amount"] for row in found}
    assert dict(expected) == {row["currency_code"]: row["difference_amount"] for row in months}


def test_a_charge_is_matched_where_it_is_known_and_nothing_of_it_differs(made, warehouse):
    _, ours, _, _ = made
    differing = {key[:3] for key in explained(*made)}
    unknown = {
        (line["customer_id"], line["charge_id"], line["currency_code"])
        for line in ours
        if line["exception_code"]
    }
    rows = warehouse.rows("select * from shadow.fct_shadow_comparisons")
    apart = differing | unknown
    wrong = [
        row
        for row in rows
        if row["is_matched"]
        != (
            row["is_mapped"] and (row["customer"], row["charge"], row["currency_code"]) not in apart
        )
    ]

    assert [] == wrong
    assert any(row["is_matched"] for row in rows)
    assert {PERIOD} == {row["billing_period"] for row in rows}
