"""Lines over the aggregations that need more than a day's figures: levels, ranks, windows.

Every expected figure is written out by hand; the arithmetic stands beside it.
"""

from datetime import date
from decimal import Decimal

import pytest
from metered_events import use_event
from rating_warehouse import RATING, RatingWarehouse, instant

OCTOBER, CUT, NOVEMBER = date(2026, 10, 1), date(2026, 10, 16), date(2026, 11, 1)
WEIGHTED = {"aggregation": "weighted_sum", "carry_in": "previous", "weighted_by": "second"}
DAILY_PEAKS = {"aggregation": "max", "window_unit": "day", "window_aggregation": "sum"}
SEATS = {
    "aggregation": "unique_count",
    "carry_in": "previous",
    "operation_property": "change",
    "operation_add": ["add"],
    "operation_remove": ["remove"],
}
METERS = {
    "rank": {"aggregation": "percentile", "percentile": Decimal(95)},
    "stored": WEIGHTED,
    "peaks": DAILY_PEAKS,
    "mean": {"aggregation": "avg"},
    "seats": SEATS,
    "hours": DAILY_PEAKS | {"window_unit": "hour"},
}


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    """A contract whose unit prices are 2 until 15 October and 3 from the 16th on."""
    warehouse = RatingWarehouse(tmp_path_factory.mktemp("aggregations"))
    warehouse.add_plan("plan")
    for meter_id, columns in METERS.items():
        warehouse.add_meter(meter_id, **columns)
        for start, end, price in ((date(2020, 1, 1), CUT, 2), (CUT, None, 3)):
            warehouse.add_charge(
                f"{meter_id}/{start}",
                plan_id="plan",
                charge_id=meter_id,
                charge_model="per_unit",
                meter_id=meter_id,
                effective_from_date=start,
                effective_to_date=end,
                convert_divide=Decimal(86400) if meter_id == "stored" else Decimal(1),
                tiers={"USD": [{"unit_price": Decimal(price)}]},
            )
    warehouse.add_contract("c", plan_id="plan", start_date=OCTOBER, end_date=NOVEMBER)
    for number, (day, hour, quantity) in enumerate(
        [(3, 12, 8), (3, 13, 10), (9, 0, 6), (20, 6, 20)]
    ):
        moment = instant(2026, 10, day, hour)
        for meter_id in ("rank", "stored", "peaks", "hours"):
            use_event(warehouse, "c", meter_id, moment, quantity, event_id=f"e{number}")
    use_event(warehouse, "c", "mean", instant(2026, 10, 5), None)
    for day, value, is_add in ((4, "ann", True), (4, "bob", True), (16, "ann", False)):
        use_event(warehouse, "c", "seats", instant(2026, 10, day), value=value, is_add=is_add)
    warehouse.build(*RATING)
    return warehouse


def lines_of(warehouse, charge_id):
    """Pairs (quantity, amount) of a charge's lines, in order."""
    return [
        (line["quantity"], line["amount"])
        for line in warehouse.rows(
            f"select * from rating.fct_rated_lines where charge_id = '{charge_id}' "
            "order by service_start_at"
        )
    ]


def test_a_percentile_is_a_level_that_shares_the_cell_by_days(rated):
    # 10 of 6, 8 and 10: 10 x 2 x 15 ÷ 31 = 9.677…; 20 x 3 x 16 ÷ 31 = 30.967…
    assert [(10, Decimal("9.68")), (20, Decimal("30.97"))] == lines_of(rated, "rank")


def test_a_weighted_level_adds_up_over_a_change_of_price(rated):
    # 8 for an hour, 10 until the 9th, 6 until the 20th at 6:00, and 20 from then on
    before = 8 * 3600 + 10 * (5 * 86400 + 11 * 3600) + 6 * 7 * 86400
    after = 6 * (4 * 86400 + 6 * 3600) + 20 * (11 * 86400 + 18 * 3600)
    assert [
        (before, round(Decimal(before) * 2 / 86400, 2)),
        (after, round(Decimal(after) * 3 / 86400, 2)),
    ] == lines_of(rated, "stored")


def test_peaks_of_days_and_of_hours_add_up(rated):
    # the 3rd peaks at 10, the 9th at 6; by hours also 8
    assert [(16, 32), (20, 60)] == lines_of(rated, "peaks")
    assert [(24, 48), (20, 60)] == lines_of(rated, "hours")


def test_an_average_of_nothing_costs_nothing(rated):
    assert {0} == {amount for _, amount in lines_of(rated, "mean")}


def test_a_seat_given_back_when_the_price_changes_is_not_paid_at_the_new_one(rated):
    # 2 x 2 x 15 ÷ 31 = 1.935… and 1 x 3 x 16 ÷ 31 = 1.548…: 3.48 in all
    assert [(2, Decimal("1.93")), (1, Decimal("1.55"))] == lines_of(rated, "seats")
