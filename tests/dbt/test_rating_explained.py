"""What a line's derivation holds beside its amount: each figure that a person asks about.

Belongs here: included units, discounts by their term, shares of a run, what a term line looked at.
Does not belong here: amounts of the rules themselves (the golden vectors), words (tests/unit).
"""

import json
from datetime import date
from decimal import Decimal

import pytest
from rating_warehouse import RATING, RatingWarehouse

START, CUT, END = date(2026, 10, 1), date(2026, 10, 16), date(2026, 11, 1)


def add_term(warehouse, term_id, term_kind, *charges, amount=None, **columns):
    warehouse.add(
        "terms",
        **{
            "term_id": term_id,
            "term_kind": term_kind,
            "term_name": term_id.title(),
            "contract_id": "all",
            "term_number": 1,
            "proration": "none",
            "product_id": "product",
        }
        | columns,
    )
    for number, charge in enumerate(charges, start=1):
        warehouse.add("term_charges", term_id=term_id, charge_id=charge, charge_number=number)
    if amount is not None:
        warehouse.add("term_amounts", term_id=term_id, currency_code="USD", amount=Decimal(amount))


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    warehouse = RatingWarehouse(tmp_path_factory.mktemp("explained"))
    warehouse.add_plan("plan")
    for charge in ("calls", "small", "peaks"):
        is_peak = charge == "peaks"
        kind = {"aggregation": "percentile", "percentile": Decimal(95)} if is_peak else {}
        warehouse.add_meter(charge, unit="call", **kind)
        warehouse.add_charge(
            f"plan/{charge}",
            plan_id="plan",
            charge_id=charge,
            charge_model="per_unit",
            meter_id=charge,
            unit_label="call",
            tiers={"USD": [{"unit_price": Decimal(2)}]},
        )
    warehouse.add(
        "charge_limits",
        charge_price_id="plan/calls",
        currency_code="USD",
        maximum_amount=Decimal(20),
    )
    warehouse.add(
        "charge_limits",
        charge_price_id="plan/small",
        currency_code="USD",
        minimum_amount=Decimal(10),
    )
    # A second version with the same plan cuts lines, not runs.
    warehouse.add_contract("all", plan_id="plan", start_date=START, end_date=END)
    warehouse.add(
        "contract_versions",
        contract_id="all",
        contract_version=2,
        effective_from_date=CUT,
        plan_id="plan",
        tax_profile="other",
    )
    add_term(warehouse, "included", "allowance", "calls", quantity=Decimal(5))
    add_term(warehouse, "loyal", "discount_percent", "calls", percent=Decimal(10))
    add_term(warehouse, "welcome", "discount_amount", "calls", amount=3, term_number=2)
    add_term(
        warehouse,
        "promise",
        "commitment",
        "calls",
        amount=100,
        commitment_span="period",
        overage_factor=Decimal("1.5"),
    )
    add_term(warehouse, "ceiling", "maximum_spend", "calls", amount=60)
    warehouse.use("all", "calls", date(2026, 10, 3), 10, event_count=4)
    warehouse.use("all", "calls", date(2026, 10, 20), 15, event_count=2)
    warehouse.use("all", "small", date(2026, 10, 3), 2)
    warehouse.build(*RATING)
    return warehouse


def steps_of(warehouse, condition):
    return [
        json.loads(line["derivation"])
        for line in warehouse.rows(
            "select derivation from rating.fct_rated_lines "
            f"inner join rating.fct_line_explanations using (rated_line_id) where {condition} "
            "order by segment_start_date"
        )
    ]


def test_a_cut_run_shares_what_its_allowance_includes_in_proportion_to_usage(rated):
    # 25 calls less 5; of the 5, 10 ÷ 25 and 15 ÷ 25
    assert [("10", "2", "8"), ("15", "3", "12")] == [
        (steps["quantity"], steps["included_quantity"], steps["priced_quantity"])
        for steps in steps_of(rated, "charge_id = 'calls' and line_kind = 'usage'")
    ]


def test_a_cut_run_says_which_part_of_it_a_line_is(rated):
    assert [("usage", "10", "25"), ("usage", "15", "25")] == [
        (steps["weighed_by"], steps["line_weight"], steps["run_weight"])
        for steps in steps_of(rated, "charge_id = 'calls' and line_kind = 'usage'")
    ]


def test_each_discount_is_told_with_its_term_and_what_it_took(rated):
    # 16 and 24 gross; 10 % leaves 14.40 and 21.60; 3 off both is 1.20 and 1.80
    percent = {"term_id": "loyal", "name": "Loyal", "percent": "10", "amount": None}
    amount = {"term_id": "welcome", "name": "Welcome", "percent": None, "amount": "3"}
    assert [
        [percent | {"taken": "1.6"}, amount | {"taken": "1.2"}],
        [percent | {"taken": "2.4"}, amount | {"taken": "1.8"}],
    ] == [
        steps["discounts"]
        for steps in steps_of(rated, "charge_id = 'calls' and line_kind = 'usage'")
    ]


def test_discounts_and_maximum_lead_from_gross_to_net(rated):
    # 33 is left of 40, of which the maximum lets pass 20
    found = steps_of(rated, "charge_id = 'calls' and line_kind = 'usage'")

    assert [("16", "2.8", "5.2", "8"), ("24", "4.2", "7.8", "12")] == [
        tuple(
            steps[name]
            for name in (
                "gross_amount",
                "discount_amount",
                "above_maximum_amount",
                "amount_unrounded",
            )
        )
        for steps in found
    ]


def test_a_line_without_discounts_and_cuts_says_so(rated):
    [steps] = steps_of(rated, "charge_id = 'peaks' and segment_start_date = '2026-10-01'")

    assert ([], None, "95") == (
        steps["discounts"],
        steps["included_quantity"],
        steps["percentile"],
    )


def test_the_events_of_a_line_are_counted_dated_and_digested(rated):
    steps = steps_of(rated, "charge_id = 'calls' and line_kind = 'usage'")[0]

    assert (4, "2026-10-03 12:00:00", "2026-10-03 12:00:00", "1 2") == tuple(
        steps[name] for name in ("event_count", "first_event_at", "last_event_at", "event_digest")
    )


def test_units_have_the_plural_of_the_line_s_text(rated):
    steps = steps_of(rated, "charge_id = 'calls' and line_kind = 'usage'")[0]

    assert ("call", "calls", "calls") == (
        steps["unit"],
        steps["unit_plural"],
        steps["unit_label_plural"],
    )


def test_what_a_term_takes_off_a_cut_line_is_said_on_it(rated):
    """(10 - 2) x 2 less 2.80 less 5.20 is 8; (15 - 3) x 2 less 4.20 less 7.80 is 12."""
    assert [
        (
            "10 calls, of which 2 included, 8 at USD 2.00 per call, "
            "less USD 2.80 discount, less USD 5.20 above the maximum"
        ),
        (
            "15 calls, of which 3 included, 12 at USD 2.00 per call, "
            "less USD 4.20 discount, less USD 7.80 above the maximum"
        ),
    ] == [
        line["description"].partition(": ")[2]
        for line in rated.rows(
            "select description from rating.fct_rated_lines "
            "inner join rating.fct_line_explanations using (rated_line_id) "
            "where charge_id = 'calls' and line_kind = 'usage' order by segment_start_date"
        )
    ]


def parts_of(rated, kind, *names):
    """What the parts of a line of a minimum or term say, in order of time."""
    found = steps_of(rated, f"line_kind = '{kind}'")
    return [tuple(steps[name] for name in names) for steps in found]


LOOKED_AT = ("term_name", "threshold_amount", "covered_amount", "shared_amount")
SHARED = ("weighed_by", "line_weight", "run_weight", "amount")


def test_a_minimum_says_what_its_lines_came_to(rated):
    assert [("Charge", "10", "4", "6")] * 2 == parts_of(rated, "minimum", *LOOKED_AT)
    # 15 and 16 of 31 days of 6.00
    assert [("time", "1296000", "2678400", "2.9"), ("time", "1382400", "2678400", "3.1")] == (
        parts_of(rated, "minimum", *SHARED)
    )


def test_a_maximum_of_the_contract_looks_at_what_commitments_add(rated):
    # 20 of the charge and 80 up to the commitment, of which 60 may be billed
    assert [("Promise", "100", "20", "80")] * 2 == parts_of(rated, "true_up", *LOOKED_AT)
    assert [("Ceiling", "60", "100", "-40")] * 2 == parts_of(rated, "cap", *LOOKED_AT)


def test_a_part_says_by_what_it_is_one(rated):
    # 80 by 15 and 16 of 31 days; then 40 by 8 and 12 of the charge and these
    assert [("time", "1296000", "2678400", "38.71"), ("time", "1382400", "2678400", "41.29")] == (
        parts_of(rated, "true_up", *SHARED)
    )
    assert [("money", "46.71", "100", "-18.68"), ("money", "53.29", "100", "-21.32")] == (
        parts_of(rated, "cap", *SHARED)
    )
