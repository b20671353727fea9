"""Cells that a contract version, a price or an override cuts, and fees of a part of a cell.

Every expected figure is written out by hand; the arithmetic stands beside it.
"""

import json
from datetime import date
from decimal import Decimal

import pytest
from rating_warehouse import RATING, RatingWarehouse, instant

OCTOBER = date(2026, 10, 1)
NOVEMBER = date(2026, 11, 1)


def per_unit(price):
    return ({"unit_price": Decimal(price)},)


def add_fees(warehouse):
    """Fees of 500, prorated by days; one with a price change, one with a plan change."""
    warehouse.add_plan("fees")
    warehouse.add_plan("others")
    for plan, charge, model_columns in (
        ("fees", "fee", {}),
        ("fees", "advance", {"billing_timing": "advance"}),
        ("fees", "whole", {"proration": "none"}),
    ):
        warehouse.add_charge(
            f"{charge}/price",
            plan_id=plan,
            charge_id=charge,
            charge_model="flat",
            tiers={"USD": [{"flat_amount": Decimal(500)}]},
            **model_columns,
        )
    warehouse.add_contract(
        "ten_days", plan_id="fees", start_date=date(2026, 10, 22), end_date=NOVEMBER
    )
    warehouse.add_contract("changes", start_date=OCTOBER, end_date=NOVEMBER)
    for version, start, end, plan in (
        (1, OCTOBER, date(2026, 10, 11), "fees"),
        (2, date(2026, 10, 11), date(2026, 10, 21), "fees"),
        (3, date(2026, 10, 21), None, "others"),
    ):
        warehouse.add(
            "contract_versions",
            contract_id="changes",
            contract_version=version,
            effective_from_date=start,
            effective_to_date=end,
            plan_id=plan,
        )


def add_cut_ladders(warehouse):
    """A ladder that a price change cuts on 16 October, and levels that it cuts too."""
    warehouse.add_plan("cut")
    for meter, aggregation in (
        ("sums", "sum"),
        ("seats", "max"),
        ("stored", "latest"),
        ("users", "unique_count"),
    ):
        warehouse.add_meter(
            meter, aggregation=aggregation, carry_in="previous" if meter == "stored" else "zero"
        )
        for start, end, price in (
            (date(2020, 1, 1), date(2026, 10, 16), "2"),
            (date(2026, 10, 16), None, "3"),
        ):
            tiers = [
                {"upper_quantity": Decimal(10), "unit_price": Decimal(price)},
                {"unit_price": Decimal(1)},
            ]
            warehouse.add_charge(
                f"{meter}/{start}",
                plan_id="cut",
                charge_id=f"charge_{meter}",
                charge_model="graduated" if meter == "sums" else "per_unit",
                meter_id=meter,
                effective_from_date=start,
                effective_to_date=end,
                tiers={"USD": tiers if meter == "sums" else per_unit(price)},
            )
    warehouse.add_contract("cut", plan_id="cut", start_date=OCTOBER, end_date=NOVEMBER)
    warehouse.use("cut", "sums", date(2026, 10, 3), 6, batch=1)
    warehouse.use("cut", "sums", date(2026, 10, 3), 1, batch=2)
    warehouse.use("cut", "sums", date(2026, 10, 20), 8)
    warehouse.use("cut", "seats", date(2026, 10, 3), 100)
    warehouse.use("cut", "seats", date(2026, 10, 20), 100)
    warehouse.use("cut", "stored", date(2026, 10, 3), 30, event_id="a")
    warehouse.use("cut", "stored", date(2026, 10, 3), 31, event_id="b")
    for day, value in ((3, "ann"), (4, "bob"), (4, "ann"), (20, "ann")):
        warehouse.use("cut", "users", date(2026, 10, day), 0)
        warehouse.distinct_values.append(warehouse.metered[-1] | {"distinct_value": value})


def add_override(warehouse):
    warehouse.add_plan("listed")
    warehouse.add_meter("calls", unit="call", dimensions=["model"])
    warehouse.add_charge(
        "listed/1",
        plan_id="listed",
        charge_id="calls",
        charge_model="per_unit",
        meter_id="calls",
        charge_name="API calls",
        tiers={"USD": per_unit("1.00")},
    )
    warehouse.add_charge(
        "own/1",
        plan_id="listed",
        charge_id="calls",
        charge_model="per_unit",
        meter_id="calls",
        charge_name="API calls",
        contract_id="own",
        tiers={"USD": per_unit("0.25")},
        effective_from_date=date(2026, 10, 11),
        effective_to_date=date(2026, 10, 21),
    )
    for contract in ("own", "list"):
        warehouse.add_contract(contract, plan_id="listed", start_date=OCTOBER, end_date=NOVEMBER)
        for day in (5, 15, 25):
            warehouse.use(
                contract,
                "calls",
                date(2026, 10, day),
                4,
                dimension_key='{"model":"large"}',
                at=instant(2026, 10, day, 8),
                event_count=2,
            )


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    warehouse = RatingWarehouse(tmp_path_factory.mktemp("segments"))
    add_fees(warehouse)
    add_cut_ladders(warehouse)
    add_override(warehouse)
    warehouse.build(*RATING)
    return warehouse


def lines_of(warehouse, contract_id, charge_id=None):
    condition = f"and charge_id = '{charge_id}'" if charge_id else ""
    return warehouse.rows(
        "select * from rating.fct_rated_lines "
        "inner join rating.fct_line_explanations using (rated_line_id) "
        f"where contract_id = '{contract_id}' {condition} order by charge_id, segment_start_date"
    )


def test_a_fee_is_prorated_by_days_of_the_full_cell(rated):
    # 500 x 10 ÷ 31 = 161.290322580645…
    lines = {line["charge_id"]: line["amount"] for line in lines_of(rated, "ten_days")}
    assert {"fee": Decimal("161.29"), "advance": Decimal("161.29"), "whole": Decimal(500)} == lines


def test_a_fee_cut_by_a_contract_version_is_rounded_once_and_shared_by_largest_remainder(rated):
    # 500 x 20 ÷ 31 = 322.580645… → 322.58, in two shares of 161.290322580645…
    assert [Decimal("161.29"), Decimal("161.29")] == [
        line["amount"] for line in lines_of(rated, "changes", "fee")
    ]
    assert [Decimal("161.290322580645"), Decimal("161.290322580645")] == [
        line["amount_unrounded"] for line in lines_of(rated, "changes", "fee")
    ]


def test_a_fee_without_proration_is_paid_once_in_its_first_segment(rated):
    assert [Decimal(500), Decimal(0)] == [
        line["amount"] for line in lines_of(rated, "changes", "whole")
    ]


def test_a_ladder_continues_over_a_price_change(rated):
    # first 7 at 2 = 14; then L(15) - L(7) = (10 x 3 + 5 x 1) - 7 x 3 = 14
    lines = lines_of(rated, "cut", "charge_sums")
    assert [(Decimal(7), Decimal(14)), (Decimal(8), Decimal(14))] == [
        (line["quantity"], line["amount"]) for line in lines
    ]
    assert 1 == len({line["settlement_key"] for line in lines})


def test_a_level_cut_once_is_still_paid_once(rated):
    # 100 x 2 x 15 ÷ 31 and 100 x 3 x 16 ÷ 31
    assert [Decimal("96.77"), Decimal("154.84")] == [
        line["amount"] for line in lines_of(rated, "cut", "charge_seats")
    ]


def test_the_latest_reading_counts_and_is_carried_into_the_next_segment(rated):
    assert [Decimal(31), Decimal(31)] == [
        line["quantity"] for line in lines_of(rated, "cut", "charge_stored")
    ]


def test_distinct_values_are_counted_once_per_segment(rated):
    assert [Decimal(2), Decimal(1)] == [
        line["quantity"] for line in lines_of(rated, "cut", "charge_users")
    ]


def test_a_negotiated_price_wins_for_its_contract_and_its_days_only(rated):
    assert [("listed/1", Decimal(4)), ("own/1", Decimal(1)), ("listed/1", Decimal(4))] == [
        (line["charge_price_id"], line["amount"]) for line in lines_of(rated, "own")
    ]
    assert [("listed/1", Decimal(12))] == [
        (line["charge_price_id"], line["amount"]) for line in lines_of(rated, "list")
    ]


def test_a_line_reads_like_a_sentence_and_says_how_it_came_about(rated):
    [line] = lines_of(rated, "list")
    assert line["description"] == (
        "API calls (model large), 1\u201331 Oct 2026: 12 calls at USD 1.00 per call"
    )
    assert "1.00" == line["unit_price_display"]
    assert (6, instant(2026, 10, 5, 8), instant(2026, 10, 25, 8)) == (
        line["event_count"],
        line["first_event_at"],
        line["last_event_at"],
    )
    steps = json.loads(line["derivation"])
    assert ("12", "12", "12", "12") == (
        steps["quantity"],
        steps["converted_quantity"],
        steps["priced_quantity"],
        steps["amount"],
    )
    assert [
        {
            "tier_number": 1,
            "quantity": "12",
            "unit_price": "1",
            "flat_amount": "0",
            "amount_unrounded": "12",
        }
    ] == steps["tiers"]
