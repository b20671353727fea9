"""What a price run is asked to pay for: every aggregation over real events, at its costly edges.

Every expected figure is written out by hand; the arithmetic stands beside it.
"""

import shutil
from datetime import date, datetime
from decimal import Decimal

import pytest
from raw_events import Event
from usage_warehouse import UsageWarehouse

HOURS = {"window_unit": "hour"}
DAYS = {"window_unit": "day"}
PREVIOUS = {"carry_in": "previous"}
WEIGHTED = PREVIOUS | {"value": "gb", "weighted_by": "second"}
SEATS = PREVIOUS | {
    "distinct_property": "user",
    "operation_property": "op",
    "operation_add": ["add"],
    "operation_remove": ["off"],
}
METERS = {
    "lowest": ("min", {"value": "gb"}),
    "mean": ("avg", {"value": "gb", "is_negative_allowed": True}),
    "p95": ("percentile", {"value": "gb", "percentile": Decimal(95)}),
    "p95_1": ("percentile", {"value": "gb", "percentile": Decimal("95.000000001")}),
    "p100": ("percentile", {"value": "gb", "percentile": Decimal(100)}),
    "p0": ("percentile", {"value": "gb", "percentile": Decimal("0.000000001")}),
    "gb_seconds": ("weighted_sum", WEIGHTED),
    "gb_share": ("weighted_sum", WEIGHTED | {"weighted_by": "period"}),
    "gb_day_peak": ("weighted_sum", WEIGHTED | DAYS | {"window_aggregation": "max"}),
    "stored": ("latest", PREVIOUS | {"value": "gb"}),
    "stored_days": ("latest", PREVIOUS | {"value": "gb"} | DAYS | {"window_aggregation": "sum"}),
    "seats": ("unique_count", SEATS),
    "seat_days": ("unique_count", SEATS | DAYS | {"window_aggregation": "sum"}),
    "hourly_peaks": ("max", {"value": "gb"} | HOURS | {"window_aggregation": "sum"}),
    "daily_used": (
        "sum",
        {"value": "gb"} | DAYS | {"window_aggregation": "avg", "empty_windows": "skip"},
    ),
    "daily_all": (
        "sum",
        {"value": "gb"} | DAYS | {"window_aggregation": "avg", "empty_windows": "zero"},
    ),
    "daily_best": (
        "sum",
        {"value": "gb", "is_negative_allowed": True} | DAYS | {"window_aggregation": "max"},
    ),
    "months": ("count", {"window_unit": "month", "window_aggregation": "max"}),
}
SEPTEMBER, OCTOBER, NOVEMBER = "2026-09-01", "2026-10-01", "2026-11-01"
DAY = 86400


def use(number, subject, moment, gb=None, *, op="add", user="ann", nanos=0):
    """An event of a subject, at a UTC instant."""
    properties = {"op": op, "user": user} | ({} if gb is None else {"gb": Decimal(gb)})
    return Event(
        f"e{number:03}",
        datetime.fromisoformat(moment),
        subject=subject,
        nanos=nanos,
        properties=properties,
    )


def events():
    """The events of every case, each case a subject of its own."""
    cases = [
        # twenty values, every other one given twice
        *(("ranks", f"2026-09-{day:02} 12:00", day) for day in range(1, 21)),
        ("thirds", "2026-09-01 00:00", "-1"),
        ("thirds", "2026-09-02 00:00", "-1"),
        ("thirds", "2026-09-03 00:00", "0"),
        ("nothing", "2026-09-03 00:00", None),
        ("absurd", "2026-09-03 00:00", 10**17),
        # a level at the first instant, and two readings of one instant: the later id stands
        ("levels", "2026-09-01 00:00", 1),
        ("levels", "2026-09-11 00:00", 99),
        ("levels", "2026-09-11 00:00", 3),
        ("levels", "2026-09-21 00:00:00.500000", 2),
        ("renewed", "2026-08-11 00:00", 5),
        ("renewed", "2026-09-16 00:00", 7),
        ("cut", "2026-09-05 00:00", 4),
        # the hour from 1 to 2 comes twice in New York on 1 November
        ("newyork", "2026-11-01 05:30", 3),
        ("newyork", "2026-11-01 06:30", 4),
        ("autumn", "2026-10-10 00:00", 4),
        # hours of Kolkata begin on half hours of UTC
        ("kolkata", "2026-10-10 12:29", 5),
        ("kolkata", "2026-10-10 12:30", 6),
        ("kolkata", "2026-10-10 13:29", 1),
        # Lord Howe puts its clock forward from 2:00 to 2:30 on 4 October
        ("howe", "2026-10-03 15:29", 1),
        ("howe", "2026-10-03 15:30", 2),
        ("howe", "2026-10-03 15:59", 3),
        ("howe", "2026-10-03 16:00", 4),
        ("credits", "2026-09-03 00:00", -5),
        ("credits", "2026-09-04 00:00", -7),
    ]
    found = [use(number, *case) for number, case in enumerate(cases, start=1)]
    operations = [
        ("joined", "2026-08-20 00:00", "add", "ann", 0),
        ("joined", "2026-08-20 00:00", "add", "bob", 0),
        ("joined", "2026-08-20 00:00", "add", "cyd", 0),
        ("joined", "2026-08-20 00:00", "add", "dan", 0),
        ("joined", "2026-08-21 00:00", "off", "dan", 0),
        # at September's first instant, a nanosecond later, and in the midst of it
        ("joined", "2026-09-01 00:00", "off", "ann", 0),
        ("joined", "2026-09-01 00:00", "off", "bob", 1),
        ("joined", "2026-09-03 00:00", "off", "cyd", 0),
        ("joined", "2026-09-04 12:00", "add", "eve", 0),
        ("joined", "2026-09-05 12:00", "mute", "fay", 0),
    ]
    return found + [
        use(100 + number, subject, moment, op=op, user=user, nanos=nanos)
        for number, (subject, moment, op, user, nanos) in enumerate(operations)
    ]


@pytest.fixture(scope="module")
def rated(metering_settings):
    """All cases, loaded in two batches, the later events first, and counted after each."""
    shutil.rmtree(metering_settings.raw, ignore_errors=True)
    metering_settings.warehouse_file.unlink(missing_ok=True)
    warehouse = UsageWarehouse(metering_settings)
    for meter_id, (aggregation, columns) in METERS.items():
        warehouse.add_meter(meter_id, aggregation, **columns)
        warehouse.add_charge("plan", meter_id)
        warehouse.add_charge("cutting", meter_id, cut=date(2026, 9, 11))
    zones = {
        "newyork": "America/New_York",
        "autumn": "America/New_York",
        "kolkata": "Asia/Kolkata",
        "howe": "Australia/Lord_Howe",
    }
    for subject in sorted({one.subject for one in events()} - {"renewed"}):
        warehouse.add_customer(
            subject,
            subject,
            time_zone=zones.get(subject, "UTC"),
            start_date=date(2026, 8, 1),
            plan_id="cutting" if subject == "cut" else "plan",
        )
    old, new, renewal = "renewed-1", "renewed-2", date(2026, 9, 6)
    warehouse.add_customer(
        "renewed", "renewed", contract_id=old, start_date=date(2026, 8, 1), end_date=renewal
    )
    warehouse.add_customer(
        "renewed", "renewed", contract_id=new, start_date=renewal, lineage_id=old
    )
    listed = events()
    warehouse.load(*listed[::-2])
    warehouse.count(select=("+int_usage__assigned",))
    warehouse.load(*listed[-2::-2])
    warehouse.count(select=("+int_usage__assigned",))
    return warehouse


def quantities(warehouse, customer_id, meter_id, month=None, *, of="quantity"):
    """A figure of the runs of a customer's meter, of a cell's first day or of all, in order."""
    condition = f"and cell_start_date = '{month}'" if month else ""
    return [
        row[0]
        for row in warehouse.rows(
            f"select {of} from rating.int_usage__assigned where customer_id = '{customer_id}' "
            f"and meter_id = '{meter_id}' {condition} order by run_start_at"
        )
    ]


def test_a_percentile_is_the_value_of_nearest_rank(rated):
    # 95 of 100 of twenty is the 19th; a trace more, or 100, the 20th; next to nothing the first
    assert [[19], [20], [20], [1]] == [
        quantities(rated, "ranks", meter) for meter in ("p95", "p95_1", "p100", "p0")
    ]


def test_an_average_is_rounded_once_and_away_from_zero(rated):
    # -2 ÷ 3 = -0.6666666666…
    assert [Decimal("-0.666666667")] == quantities(rated, "thirds", "mean")


def test_events_without_a_value_leave_levels_without_one_and_sums_at_zero(rated):
    expected = {"lowest": [None], "mean": [None], "p95": [None], "daily_all": [0], "stored": [None]}
    assert expected == {meter: quantities(rated, "nothing", meter) for meter in expected}


def test_a_level_counts_for_the_seconds_that_it_holds(rated):
    # 1 for 10 days, 3 for 10 days and half a second, 2 for the rest of September
    assert [10 * DAY + 3 * (10 * DAY + Decimal("0.5")) + 2 * (10 * DAY - Decimal("0.5"))] == (
        quantities(rated, "levels", "gb_seconds", SEPTEMBER)
    )
    # … ÷ the seconds of September = 2.0000001929012…
    assert [Decimal("2.000000193")] == quantities(rated, "levels", "gb_share", SEPTEMBER)
    assert [2 * 31 * DAY] == quantities(rated, "levels", "gb_seconds", OCTOBER)
    # the day of the change still has 3 for half a second; no day has more than 3 days' seconds
    assert [3 * DAY] == quantities(rated, "levels", "gb_day_peak", SEPTEMBER)


def test_a_level_is_carried_through_a_renewal_and_its_period_is_the_full_cell(rated):
    # August: 5 from the 11th on; September: 5 days under the old contract, then 10 of 5 and 15 of 7
    assert [5 * 21 * DAY, 5 * 5 * DAY, 5 * 10 * DAY + 7 * 15 * DAY] == quantities(
        rated, "renewed", "gb_seconds"
    )[:3]
    # 25 ÷ 30 and 155 ÷ 30 of September
    assert [Decimal("0.833333333"), Decimal("5.166666667")] == quantities(
        rated, "renewed", "gb_share", SEPTEMBER
    )
    assert [5, 7] == quantities(rated, "renewed", "stored", SEPTEMBER)
    assert [0, 1] == quantities(rated, "renewed", "stored", SEPTEMBER, of="event_count")


def test_a_level_that_no_event_touches_goes_on_for_nothing_but_itself(rated):
    assert [(7, 0, None)] == (
        quantities(rated, "renewed", "stored", OCTOBER, of="(quantity, event_count, last_event_at)")
    )


def test_a_price_cut_gives_each_run_its_own_level_and_its_own_windows(rated):
    # 4 from the 5th on: six days before the price changes on the 11th, twenty after
    assert [4 * 6 * DAY, 4 * 20 * DAY] == quantities(rated, "cut", "gb_seconds", SEPTEMBER)
    assert [4 * 6, 4 * 20] == quantities(rated, "cut", "stored_days", SEPTEMBER)
    # one event, in the month's first part; the second part is a window without any
    assert [1] == quantities(rated, "cut", "months", SEPTEMBER)


def test_a_value_removed_at_the_first_instant_is_not_active_in_the_period(rated):
    # ann left at the instant, bob a nanosecond later, cyd on the 3rd; eve came; dan was gone
    assert [3] == quantities(rated, "joined", "seats", SEPTEMBER)
    assert [4] == quantities(rated, "joined", "seats", "2026-08-01")
    assert [1] == quantities(rated, "joined", "seats", OCTOBER)
    assert [5] == quantities(rated, "joined", "seats", SEPTEMBER, of="event_count")
    assert [1] == quantities(rated, "joined", "seats", SEPTEMBER, of="unvalued_event_count")


def test_days_of_a_value_are_those_on_which_it_is_active_at_some_moment(rated):
    # bob on the 1st, cyd on the 1st and 2nd, eve from the 4th to the 30th
    assert [1 + 2 + 27] == quantities(rated, "joined", "seat_days", SEPTEMBER)
    # ann, bob and cyd from 20 to 31 August; dan on the 20th, gone at the 21st's first instant
    assert [3 * 12 + 1] == quantities(rated, "joined", "seat_days", "2026-08-01")


def test_an_hour_that_comes_twice_is_two_windows(rated):
    assert [7] == quantities(rated, "newyork", "hourly_peaks")


def test_hours_begin_where_the_zones_clock_shows_a_full_hour(rated):
    assert [5 + 6] == quantities(rated, "kolkata", "hourly_peaks")


def test_an_hour_that_the_clock_cuts_short_is_a_window_of_its_own(rated):
    # 1:59 at the old offset; 2:30 to 2:59 at the new one, 3:00
    assert [1 + 3 + 4] == quantities(rated, "howe", "hourly_peaks")


def test_a_day_of_twenty_five_hours_weighs_its_level_longer(rated):
    # 1 November has 25 hours in New York, the other days of the month 24
    assert [4 * 25 * 3600] == quantities(rated, "autumn", "gb_day_peak", NOVEMBER)
    assert [4 * 24 * 3600] == quantities(rated, "autumn", "gb_day_peak", OCTOBER)


def test_windows_without_events_count_in_an_average_only_where_it_says_so(rated):
    # 1 + … + 20 = 210, over 20 days with events or the 30 of September
    assert [[Decimal("10.5")], [7]] == [
        quantities(rated, "ranks", meter) for meter in ("daily_used", "daily_all")
    ]


def test_the_best_of_days_is_no_worse_than_a_day_without_usage(rated):
    assert [0] == quantities(rated, "credits", "daily_best")


def test_a_level_beyond_the_range_stops_itself_alone(rated):
    assert [True] == quantities(rated, "absurd", "gb_seconds", SEPTEMBER, of="is_beyond_limit")
    assert [10**17] == quantities(rated, "absurd", "stored", SEPTEMBER)
    assert [False] == quantities(rated, "levels", "gb_seconds", SEPTEMBER, of="is_beyond_limit")
