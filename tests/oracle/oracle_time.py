"""Local days, billing cells, stretches of time, and the shares that every proration gives.

Belongs here: what a calendar and a clock decide. Does not belong here: which price is in force
(oracle_rating); what a share is multiplied with.

An independent statement of the rating rules: it shares no code with the product.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache, lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

MONTHS = {"monthly": 1, "quarterly": 3, "semi_annual": 6, "annual": 12}
DAY = timedelta(days=1)
FIXED_MONTH = 30
MICROSECOND = timedelta(microseconds=1)
QUARTER_HOUR = timedelta(minutes=15)  # every offset since 1972 is a multiple of it


@cache
def day_start(zone, day):
    """Return the UTC instant of a local day's first moment; in a gap, the end of the gap."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local_day(zone, instant):
    """Return the local day that an aware instant lies in."""
    return instant.astimezone(ZoneInfo(zone)).date()


def microseconds(start, end):
    """Return the length of a stretch in microseconds."""
    return (end - start) // MICROSECOND


@dataclass(frozen=True)
class Stretch:
    """A half-open stretch of time between two UTC instants."""

    start: datetime
    end: datetime

    def holds(self, instant):
        """Say whether an instant lies in it."""
        return self.start <= instant < self.end

    def length(self):
        """Return its microseconds."""
        return microseconds(self.start, self.end)


def overlap(stretch, start, end):
    """Return what of a stretch lies within two instants (end None: no bound); None if nothing."""
    first = max(stretch.start, start)
    last = stretch.end if end is None else min(stretch.end, end)
    return Stretch(first, last) if first < last else None


@dataclass(frozen=True)
class Cell:
    """One billing cycle.

    Attributes:
        start_day, end_day: local days, half-open. start, end: the same as UTC instants.
        month_days: the days on which its months begin, and its end.
    """

    start_day: date
    end_day: date
    start: datetime
    end: datetime
    month_days: tuple

    def stretch(self):
        """Return the whole cell as a stretch."""
        return Stretch(self.start, self.end)

    def days(self):
        """Return every local day in it."""
        count = (self.end_day - self.start_day).days
        return [self.start_day + timedelta(days=k) for k in range(count)]


def anchored(year, month, anchor):
    """Return the anchor day of a month; month may lie beyond 12 or below 1."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, min(anchor, monthrange(year, month)[1]))


def cells_of(*, zone, cadence, anchor, start, end, until):
    """Return the cells of a contract from its start to its end, as far as they begin before until.

    The first cell begins on the last anchor day on or before the contract's first local day; the
    cadence counts from there.
    """
    months = MONTHS[cadence]
    first_day = local_day(zone, start)
    year, month = first_day.year, first_day.month
    if anchored(year, month, anchor) > first_day:
        month -= 1
    cells = []
    while True:
        days = tuple(anchored(year, month + k, anchor) for k in range(months + 1))
        cell = Cell(days[0], days[-1], day_start(zone, days[0]), day_start(zone, days[-1]), days)
        if cell.start >= until or (end is not None and cell.start >= end):
            return cells
        cells.append(cell)
        month += months


def counted_days(zone, cell, stretch, active):
    """Return the local days of a cell whose first active moment lies in a stretch.

    Args:
        zone: of the contract.
        cell: the days looked at.
        stretch: that wants the days.
        active: all stretches that count as activity; the stretch itself is among them.
    """
    found = []
    first, last = local_day(zone, stretch.start), local_day(zone, stretch.end)
    for day in (each for each in cell.days() if first <= each <= last):
        begin, finish = day_start(zone, day), day_start(zone, day + DAY)
        moments = [
            max(begin, each.start)
            for each in active
            if max(begin, each.start) < min(finish, each.end)
        ]
        if moments and stretch.holds(min(moments)):
            found.append(day)
    return found


def fixed_weight(cell, day):
    """Return how many thirtieths of its month of the cell a day is worth by fixed 30-day months."""
    month = max(each for each in cell.month_days[:-1] if each <= day)
    finish = min(each for each in cell.month_days if each > day)
    position = min((day - month).days, FIXED_MONTH)
    after = FIXED_MONTH if day + DAY == finish else min((day + DAY - month).days, FIXED_MONTH)
    return after - position


def fee_share(zone, cell, stretch, active, proration, *, held=None):
    """Return the share of a full cell that a stretch bears.

    A day counts for the version that is in force at its first moment under the contract.

    Args:
        zone: of the contract.
        cell: the full cycle.
        stretch: one run or piece of the charge.
        active: every stretch of the charge in the cell, in order.
        proration: day, second, fixed_30 or none.
        held: every stretch in which the contract is in force; active unless given.
    """
    if proration == "none":
        return Fraction(int(stretch.start == active[0].start and stretch.end > stretch.start))
    if proration == "second":
        return Fraction(stretch.length(), cell.stretch().length())
    days = counted_days(zone, cell, stretch, active if held is None else held)
    if proration == "fixed_30":
        months = len(cell.month_days) - 1
        return Fraction(sum(fixed_weight(cell, day) for day in days), FIXED_MONTH * months)
    if proration == "day":
        return Fraction(len(days), len(cell.days()))
    raise ValueError(proration)


def level_share(zone, cell, stretch, active, proration, *, held=None):
    """Return the share of a cell's metered time that a run of a level bears.

    Args:
        zone: of the contract.
        cell: the full cycle.
        stretch: one run of one charge.
        active: every stretch in which the contract prices the meter at all, whatever the charge.
        proration: second divides by seconds, everything else by days.
        held: every stretch in which the contract is in force; active unless given.
    """
    held = active if held is None else held
    if proration == "second":
        return Fraction(stretch.length(), sum(each.length() for each in united(active)))
    ours = counted_days(zone, cell, stretch, held)
    every = {day for each in active for day in counted_days(zone, cell, each, held)}
    return Fraction(len(ours), len(every)) if every else Fraction(0)


def united(stretches):
    """Return stretches without overlap that hold the same moments."""
    merged = []
    for each in sorted(stretches, key=lambda one: (one.start, one.end)):
        if merged and each.start <= merged[-1].end:
            last = merged.pop()
            merged.append(Stretch(last.start, max(last.end, each.end)))
        else:
            merged.append(each)
    return merged


def _begins_an_hour(zone, moment):
    """Say whether a quarter hour begins an hour of the clock, or the clock changes there."""
    local = moment.astimezone(ZoneInfo(zone))
    before = (moment - QUARTER_HOUR).astimezone(ZoneInfo(zone))
    return local.minute == 0 or local.utcoffset() != before.utcoffset()


@lru_cache(maxsize=4096)
def windows_of(zone, start, end, kind):
    """Return the local windows that a stretch touches, each cut to the stretch.

    Args:
        zone: of the contract.
        start: of the run.
        end: of the run.
        kind: hour, day or month.
    """
    bounds = [start]
    if kind == "hour":
        moment = start - (start - datetime(2000, 1, 1, tzinfo=UTC)) % QUARTER_HOUR
        while moment < end:
            if moment > start and _begins_an_hour(zone, moment):
                bounds.append(moment)
            moment += QUARTER_HOUR
    else:
        day = local_day(zone, start)
        while day_start(zone, day) < end:
            if day_start(zone, day) > start and (kind == "day" or day.day == 1):
                bounds.append(day_start(zone, day))
            day += DAY
    bounds.append(end)
    return [Stretch(a, b) for a, b in pairwise(bounds) if a < b]
