"""The oracle's calendar against cases worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from oracle_time import (
    Stretch,
    cells_of,
    counted_days,
    day_start,
    fee_share,
    level_share,
    windows_of,
)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def cells(zone, start, until, *, cadence="monthly", anchor=1, end=None):
    return cells_of(zone=zone, cadence=cadence, anchor=anchor, start=start, end=end, until=until)


def test_a_day_begins_where_its_midnight_does_not_exist_at_the_end_of_the_gap():
    # Cairo goes from 00:00 (+2) to 01:00 (+3) on 24 April 2026.
    assert utc(2026, 4, 23, 22) == day_start("Africa/Cairo", date(2026, 4, 24))


def test_a_day_begins_at_the_first_of_two_midnights():
    # Havana goes from 01:00 (-4) back to 00:00 (-5) on 1 November 2026.
    assert utc(2026, 11, 1, 4) == day_start("America/Havana", date(2026, 11, 1))


def test_an_anchor_of_31_falls_on_the_last_day_of_a_shorter_month():
    found = cells("UTC", utc(2026, 1, 31), utc(2026, 5, 2), anchor=31)
    assert [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)] == [
        each.start_day for each in found
    ]


def test_a_leap_day_is_an_anchor_day():
    found = cells("UTC", utc(2028, 1, 30), utc(2028, 4, 1), anchor=30)
    assert date(2028, 2, 29) == found[1].start_day


def test_the_first_cell_begins_before_a_contract_that_starts_within_it():
    found = cells("UTC", utc(2026, 8, 10), utc(2026, 12, 1), cadence="quarterly", anchor=15)
    assert [date(2026, 7, 15), date(2026, 10, 15)] == [each.start_day for each in found]


def test_a_contract_has_no_cell_after_its_end():
    found = cells("UTC", utc(2026, 8, 1), utc(2026, 12, 1), end=utc(2026, 9, 1))
    assert [date(2026, 8, 1)] == [each.start_day for each in found]


def test_a_day_counts_where_its_first_active_moment_lies():
    (cell,) = cells("UTC", utc(2026, 9, 1), utc(2026, 9, 2))
    morning = Stretch(utc(2026, 9, 10), utc(2026, 9, 10, 12))
    rest = Stretch(utc(2026, 9, 10, 12), utc(2026, 9, 12))
    active = [morning, rest]
    assert [date(2026, 9, 10)] == counted_days("UTC", cell, morning, active)
    assert [date(2026, 9, 11)] == counted_days("UTC", cell, rest, active)


def test_a_contract_of_one_second_pays_one_day_by_days_and_one_second_by_seconds():
    (cell,) = cells("UTC", utc(2026, 9, 1), utc(2026, 9, 2))
    second = Stretch(utc(2026, 9, 10, 12), utc(2026, 9, 10, 12, 0, 1))
    assert Fraction(1, 30) == fee_share("UTC", cell, second, [second], "day")
    assert Fraction(1, 30 * 86400) == fee_share("UTC", cell, second, [second], "second")


def test_a_day_of_25_hours_is_one_day_and_25_hours():
    zone = "Europe/Berlin"
    (cell,) = cells(zone, day_start(zone, date(2026, 10, 1)), utc(2026, 10, 2))
    day = Stretch(day_start(zone, date(2026, 10, 25)), day_start(zone, date(2026, 10, 26)))
    assert Fraction(1, 31) == fee_share(zone, cell, day, [day], "day")
    assert Fraction(25, 31 * 24 + 1) == fee_share(zone, cell, day, [day], "second")


@pytest.mark.parametrize(
    ("month", "first", "last", "thirtieths"),
    [
        (1, 1, 31, 30),  # the whole month up to its last day, which weighs nothing
        (1, 31, 32, 0),
        (2, 28, 29, 3),  # the last day of February bears what is missing to thirty
        (2, 1, 15, 14),
        (4, 30, 31, 1),
    ],
)
def test_fixed_months_have_thirty_days(month, first, last, thirtieths):
    begin = utc(2026, month, 1)
    (cell,) = cells("UTC", begin, begin + timedelta(days=1))
    part = Stretch(begin + timedelta(days=first - 1), begin + timedelta(days=last - 1))
    assert Fraction(thirtieths, 30) == fee_share("UTC", cell, part, [part], "fixed_30")


def test_shares_of_a_cut_cell_sum_to_one_by_every_proration():
    (cell,) = cells("UTC", utc(2026, 2, 1), utc(2026, 2, 2), cadence="quarterly")
    cut = utc(2026, 3, 31, 5)
    parts = [Stretch(cell.start, cut), Stretch(cut, cell.end)]
    for proration in ("day", "second", "fixed_30", "none"):
        assert 1 == sum(fee_share("UTC", cell, part, parts, proration) for part in parts)


def test_without_proration_the_first_piece_bears_the_whole():
    (cell,) = cells("UTC", utc(2026, 9, 1), utc(2026, 9, 2))
    parts = [
        Stretch(utc(2026, 9, 5), utc(2026, 9, 6)),
        Stretch(utc(2026, 9, 6), cell.end),
    ]
    assert [1, 0] == [fee_share("UTC", cell, part, parts, "none") for part in parts]


def test_levels_share_the_days_in_which_the_meter_is_priced():
    (cell,) = cells("UTC", utc(2026, 9, 1), utc(2026, 9, 2))
    ours = Stretch(utc(2026, 9, 11), utc(2026, 9, 16))
    others = Stretch(utc(2026, 9, 16), utc(2026, 10, 1))
    assert Fraction(5, 20) == level_share("UTC", cell, ours, [ours, others], "day")


def test_a_repeated_hour_is_a_second_window():
    begin = day_start("Europe/Berlin", date(2026, 10, 25))
    assert 25 == len(windows_of("Europe/Berlin", begin, begin + timedelta(hours=25), "hour"))


def test_hours_begin_at_full_local_hours_where_the_offset_is_45_minutes():
    found = windows_of("Asia/Kathmandu", utc(2026, 9, 1), utc(2026, 9, 1, 1), "hour")
    assert [utc(2026, 9, 1), utc(2026, 9, 1, 0, 15)] == [each.start for each in found]


def test_a_month_is_a_local_calendar_month_cut_to_the_run():
    found = windows_of("Asia/Tokyo", utc(2026, 8, 15), utc(2026, 9, 15), "month")
    assert [utc(2026, 8, 15), utc(2026, 8, 31, 15)] == [each.start for each in found]


def test_half_an_hour_that_the_clock_skips_begins_a_window_of_its_own():
    # Lord Howe goes from 02:00 (+10:30) to 02:30 (+11) on 4 October 2026.
    change = utc(2026, 10, 3, 15, 30)
    found = windows_of(
        "Australia/Lord_Howe", change - timedelta(hours=1), utc(2026, 10, 3, 17), "hour"
    )
    lengths = [each.length() // 60_000_000 for each in found]
    assert [60, 30, 60] == lengths
