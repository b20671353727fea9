"""Stairsteps, tiers of packages, seats, percentages, costs and dimensions, at their edges.

Each case is a contract of its own in one build.
"""

from decimal import Decimal

import pytest
from rating_cases import OCTOBER, Case
from rating_money_cases import CARDS, EACH_EVENT, MONEY_CASES, REFUSED_MONEY
from rating_unit_cases import BY_DEFAULT, BY_MODEL, MATCHED, REFUSED_UNITS, UNIT_CASES
from rating_warehouse import BILLING, RatingWarehouse, instant

CASES = UNIT_CASES | MONEY_CASES
REFUSED = REFUSED_UNITS | REFUSED_MONEY


def slug(name):
    return name.replace(" ", "_")


def add_case(warehouse, name, case):
    key = slug(name)
    warehouse.add_plan(key)
    warehouse.add_meter(key, is_negative_allowed=True)
    warehouse.add_charge(
        f"{key}/price",
        plan_id=key,
        charge_id=key,
        charge_model=case.model,
        meter_id=key,
        tiers={case.currency: case.tiers},
        **case.charge,
    )
    warehouse.add_contract(
        key,
        plan_id=key,
        currency_code=case.currency,
        start_date=case.start,
        end_date=case.end,
    )
    if Decimal(case.quantity) != 0:
        warehouse.use(key, key, case.start, case.quantity)


def unused(model, tiers):
    return Case(model, tiers, 0, "0", "0", "")


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    warehouse = RatingWarehouse(tmp_path_factory.mktemp("models"))
    for name, case in CASES.items():
        add_case(warehouse, name, case)
    for name, (model, tiers, quantity, charge, _) in REFUSED.items():
        add_case(warehouse, name, unused(model, tiers)._replace(quantity=quantity, charge=charge))
    for key, tiers in (("matched", BY_MODEL), ("default", BY_DEFAULT)):
        add_case(warehouse, key, unused("dimensional", tiers))
        for values in MATCHED:
            warehouse.use(key, key, OCTOBER, 3, dimension_key=values)
    add_case(warehouse, "unused", unused("dimensional", BY_MODEL))
    add_case(warehouse, "cards", unused("percentage", CARDS))
    warehouse.use("cards", "cards", OCTOBER, 100, event_count=5, unvalued_event_count=2)
    for name, case in EACH_EVENT.items():
        add_case(warehouse, name, unused("percentage", case.tiers)._replace(charge=case.charge))
        for number, amount in enumerate(case.amounts):
            at = instant(2026, 10, 5, 12, number)
            warehouse.keep_event(slug(name), slug(name), at, amount, event_id=f"e{number}")
    warehouse.build(*BILLING)
    return warehouse


def lines_of(warehouse, contract_id):
    return warehouse.rows(
        "select * from rating.fct_rated_lines "
        "inner join rating.fct_line_explanations using (rated_line_id) "
        f"where contract_id = '{contract_id}' order by dimension_key"
    )


@pytest.mark.parametrize("name", CASES)
def test_every_model_is_exact_at_its_edges_and_says_so(rated, name):
    case = CASES[name]
    [line] = lines_of(rated, slug(name))
    assert (Decimal(case.unrounded), Decimal(case.amount), case.words) == (
        line["amount_unrounded"],
        line["amount"],
        line["description"].partition(": ")[2],
    )


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_model_cannot_price_is_held_by_itself(rated, name):
    [line] = lines_of(rated, slug(name))
    assert (None, None, REFUSED[name][-1]) == (
        line["amount"],
        line["amount_unrounded"],
        line["exception_code"],
    )


def test_the_most_specific_match_prices_a_line_and_what_none_matches_is_held(rated):
    for line, expected in zip(lines_of(rated, "matched"), MATCHED.values(), strict=True):
        words, amount = expected or ("3 units", None)
        assert (amount, None if expected else "unpriced_dimension", words) == (
            line["amount"],
            line["exception_code"],
            line["description"].partition(": ")[2],
        )
    [held] = rated.rows(
        "select * from billing.fct_exceptions where exception_code = 'unpriced_dimension'"
    )
    assert ("pricing", Decimal(3), "unit") == (
        held["steward"],
        held["quantity_at_risk"],
        held["unit"],
    )


def test_a_default_prices_what_no_match_does(rated):
    assert [21, 12, 3] == [line["amount"] for line in lines_of(rated, "default")]


def test_a_cell_without_usage_needs_no_match(rated):
    [line] = lines_of(rated, "unused")
    assert (0, "proven_zero") == (line["amount"], line["rating_status"])


def test_an_event_without_a_value_pays_no_fixed_amount(rated):
    """0.029 x 100 + 3 x 0.30."""
    [line] = lines_of(rated, "cards")
    assert Decimal("3.8") == line["amount"]
    assert line["description"].endswith("USD 100.00 at 2.9 %, plus USD 0.90 (USD 0.30 per event)")


@pytest.mark.parametrize("name", EACH_EVENT)
def test_each_event_pays_its_own_fee(rated, name):
    case = EACH_EVENT[name]
    [line] = lines_of(rated, slug(name))
    assert (Decimal(case.unrounded), case.words) == (
        line["amount_unrounded"],
        line["description"].partition(": ")[2],
    )


def test_every_conservation_check_holds(rated):
    """Invariants 1 to 7."""
    rows = rated.rows("select * from reconciliation.fct_conservation")
    assert [] == [row for row in rows if not row["is_held"]]
