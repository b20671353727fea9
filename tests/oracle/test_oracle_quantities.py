"""The oracle's aggregations against cases worked out by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from oracle_events import Event, Reading, deduplicated, passes, value_of
from oracle_quantities import quantity_of
from oracle_time import Cell, Stretch

START = datetime(2026, 9, 1, tzinfo=UTC)
END = datetime(2026, 10, 1, tzinfo=UTC)
WHOLE = Stretch(START, END)
CELL = Cell(START.date(), END.date(), START, END, (START.date(), END.date()))
DAY = timedelta(days=1)


def reading(days, value=None, distinct=None, operation="add", *, nanos=0, name="a"):
    figure = None if value is None else Fraction(str(value))
    return Reading((START + days * DAY, nanos, "s", name), figure, distinct, operation)


def quantity(meter, *readings, stretch=WHOLE):
    ordered = sorted(readings, key=lambda each: each.order)
    return quantity_of(meter, ordered, stretch, zone="UTC", cell=CELL)


def test_empty_periods():
    for aggregation in ("count", "sum", "unique_count", "weighted_sum", "latest"):
        assert 0 == quantity({"aggregation": aggregation})
    for aggregation in ("max", "min", "avg"):
        assert None is quantity({"aggregation": aggregation})
    assert None is quantity({"aggregation": "percentile", "percentile": "95"})


def test_the_start_of_a_period_belongs_to_it_and_its_end_does_not():
    assert 1 == quantity({"aggregation": "sum"}, reading(0, 1), reading(30, 5))


def test_an_average_keeps_nine_decimals_half_away():
    meter = {"aggregation": "avg"}
    assert Fraction("0.666666667") == quantity(meter, reading(1, 1), reading(2, 1), reading(3, 0))
    assert Fraction("-0.666666667") == quantity(
        meter, reading(1, -1), reading(2, -1), reading(3, 0)
    )


@pytest.mark.parametrize(
    ("percentile", "expected"), [("50", 2), ("75", 3), ("75.000000001", 4), ("100", 4), ("0.1", 1)]
)
def test_a_percentile_is_the_value_of_the_nearest_rank(percentile, expected):
    values = [reading(day, value) for day, value in enumerate([4, 1, 3, 2])]
    assert expected == quantity({"aggregation": "percentile", "percentile": percentile}, *values)


def test_the_latest_of_a_tie_is_decided_by_nanoseconds_then_source_and_id():
    meter = {"aggregation": "latest"}
    assert 7 == quantity(meter, reading(1, 7, nanos=2), reading(1, 9, nanos=1, name="z"))
    assert 9 == quantity(meter, reading(1, 7, name="a"), reading(1, 9, name="z"))


def test_the_latest_carries_in_the_last_reading_only_where_the_meter_says_so():
    assert 5 == quantity({"aggregation": "latest", "carry_in": "previous"}, reading(-40, 5))
    assert 0 == quantity({"aggregation": "latest", "carry_in": "zero"}, reading(-40, 5))


def test_distinct_values_carry_in_until_they_are_removed():
    meter = {"aggregation": "unique_count", "carry_in": "previous"}
    before = [reading(-2, distinct="ann"), reading(-1, distinct="bob")]
    assert 2 == quantity(meter, *before)
    assert 2 == quantity(meter, *before, reading(5, None, "ann", "remove"))
    assert 1 == quantity(meter, *before, reading(0, None, "ann", "remove"))
    assert 2 == quantity(
        meter, *before, reading(0, None, "ann", "remove"), reading(9, distinct="ann")
    )
    assert 1 == quantity(meter, *before, reading(-0.5, None, "ann", "remove"))


def test_without_carry_only_values_that_are_added_in_the_period_count():
    meter = {"aggregation": "unique_count"}
    removed = reading(3, None, "bob", "remove")
    assert 1 == quantity(meter, reading(-1, distinct="bob"), removed, reading(4, distinct="ann"))


def test_a_level_is_weighted_by_the_seconds_that_it_held():
    meter = {"aggregation": "weighted_sum"}
    # 2 carried in for 10 days, then 3 for 20 days.
    assert (2 * 10 + 3 * 20) * 86400 == quantity(meter, reading(-5, 2), reading(10, 3))
    # Over the seconds of the cell: 80 / 30.
    by_period = meter | {"weighted_by": "period"}
    assert Fraction("2.666666667") == quantity(by_period, reading(-5, 2), reading(10, 3))
    assert 20 == quantity(meter, reading(-5, 2), stretch=Stretch(START, START + DAY / 8640))


def test_a_part_of_the_cell_is_divided_by_the_whole_cell():
    meter = {"aggregation": "weighted_sum", "weighted_by": "period"}
    first_half = Stretch(START, START + 15 * DAY)
    assert Fraction(1) == quantity(meter, reading(-1, 2), stretch=first_half)


@pytest.mark.parametrize(
    ("over", "empty", "expected"),
    [("sum", "skip", 9), ("max", "skip", 5), ("avg", "skip", "4.5"), ("avg", "zero", "0.3")],
)
def test_maxima_of_days_are_summed_maximised_or_averaged(over, empty, expected):
    meter = {
        "aggregation": "max",
        "window": "day",
        "window_aggregation": over,
        "empty_windows": empty,
    }
    found = quantity(meter, reading(1, 5), reading(1.5, 2), reading(3, 4))
    assert Fraction(str(expected)) == found


def test_a_level_holds_in_every_window():
    meter = {"aggregation": "latest", "carry_in": "previous", "window": "day"}
    summed = meter | {"window_aggregation": "sum"}
    # 2 on ten days, 3 on the tenth and all later ones.
    assert 2 * 10 + 3 * 20 == quantity(summed, reading(-1, 2), reading(10, 3))


def event(source="s", name="1", **data):
    return Event(source, name, "usage", "subject", START, data)


def test_repeats_count_once_and_contradictions_not_at_all():
    same = event(amount=Decimal("1.0"), note=None)
    again = event(amount=Decimal("1.00"))
    other = event(name="2", amount=Decimal(1))
    contrary = event(name="2", amount=Decimal(2))
    elsewhere = event(source="t", amount=Decimal(9))
    counted, conflicting = deduplicated([same, other, again, contrary, elsewhere])
    assert [same, elsewhere] == counted
    assert [other, contrary] == conflicting


def test_a_factor_is_raised_to_its_step_and_then_kept_between_its_bounds():
    factor = {"property": "amount", "round_up_to": "0.5", "minimum": "1", "maximum": "3"}
    for given, expected in (("0.1", 1), ("1.01", "1.5"), ("2.9", 3), ("9", 3), ("-7", 1)):
        found = value_of(event(amount=Decimal(given)), {"value": [factor]})
        assert Fraction(str(expected)) == found
    product = {"value": [{"property": "amount"}, {"property": "factor"}]}
    assert Fraction("0.75") == value_of(event(amount=Decimal("1.5"), factor="0.5"), product)
    assert None is value_of(event(amount=Decimal("1.5")), product)


def test_an_absent_property_is_in_no_list():
    meter = {"event_types": ["usage"], "filters": [{"property": "note", "in": ["x"]}]}
    negated = {"event_types": ["usage"], "filters": [{"property": "note", "not_in": ["x"]}]}
    assert (False, True) == (passes(event(), meter), passes(event(), negated))
    assert (True, False) == (passes(event(note="x"), meter), passes(event(note="x"), negated))


def test_a_window_is_rounded_as_a_run_is():
    meter = {"aggregation": "weighted_sum", "window": "day", "window_aggregation": "sum"}
    # Each day has a level of 0.0004 for a microsecond: 0.0000000004, which is nothing.
    microsecond = 1 / 86_400_000_000
    begun = [reading(day, "0.0004") for day in range(3)]
    assert 0 == quantity(meter, *begun, *(reading(day + microsecond, 0) for day in range(3)))
