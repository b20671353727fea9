"""What a price run's quantity is, from the list of its events, in plain Python.

Belongs here: every aggregation and window as the price-book page words it, event by event, in
exact fractions. Does not belong here: anything that is read from the engine but the runs' bounds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
MICROSECOND = timedelta(microseconds=1)

ZERO_OF_NOTHING = ("count", "sum", "unique_count", "weighted_sum")

Span = tuple[datetime, datetime]


@dataclass(frozen=True, order=True)
class Reading:
    """An event of a meter; ordered as events of one instant are."""

    event_at: datetime
    nanos: int
    source: str
    event_id: str
    value: Any = None
    is_add: bool | None = None


@dataclass(frozen=True)
class Run:
    """Bounds of a price run and of its cell, as naive UTC instants."""

    start: datetime
    end: datetime
    cell_start: datetime
    cell_end: datetime
    time_zone: str


def rounded(number: Fraction) -> Decimal:
    """To nine decimals, half away from zero."""
    scaled = abs(number) * 10**9
    whole = scaled.numerator // scaled.denominator
    whole += 1 if 2 * (scaled - whole) >= 1 else 0
    return Decimal(whole if number >= 0 else -whole).scaleb(-9)


@cache
def windows_of(run: Run, unit: str) -> tuple[Span, ...]:
    """The spans of the windows that a run touches, found by looking at every quarter of an hour."""
    zone = ZoneInfo(run.time_zone)
    starts: dict[Any, datetime] = {}
    moment = run.start
    while moment < run.end:
        local = moment.replace(tzinfo=UTC).astimezone(zone)
        keys = {
            "hour": (local.date(), local.hour, local.utcoffset()),
            "day": local.date(),
            "month": (local.year, local.month),
        }
        starts.setdefault(keys[unit], moment)
        moment += QUARTER
    bounds = [*starts.values(), run.end]
    return tuple(pairwise(bounds))


def quantity_of(meter: Mapping[str, Any], readings: Sequence[Reading], run: Run) -> Decimal | None:
    """The quantity of a run, null where it has none; readings are those of the whole lineage."""
    ordered = sorted(readings, key=lambda one: (one.event_at, one.nanos, one.source, one.event_id))
    in_span = SPAN_QUANTITIES[meter["aggregation"]]
    if meter.get("window_unit") is None:
        return in_span(meter, ordered, (run.start, run.end), run)
    spans = windows_of(run, meter["window_unit"])
    found = [(span, in_span(meter, ordered, span, run)) for span in spans]
    quantities = [quantity for _, quantity in found if quantity is not None]
    combined = meter["window_aggregation"]
    nothing = Decimal(0) if meter["aggregation"] in ZERO_OF_NOTHING else None
    if combined == "sum":
        return sum(quantities, Decimal(0)) if quantities else nothing
    if combined == "max":
        return max(quantities, default=nothing)
    holds = meter["aggregation"] == "weighted_sum" or (
        meter["aggregation"] == "unique_count" and meter["carry_in"] == "previous"
    )
    if not holds:
        carries = meter["carry_in"] == "previous"
        full = [
            quantity
            for span, quantity in found
            if quantity is not None and (carries or has_events(meter, ordered, span))
        ]
        if meter["empty_windows"] != "zero" and not full:
            return nothing
        divisor = len(spans) if meter["empty_windows"] == "zero" else len(full)
        return rounded(Fraction(sum(full, Decimal(0))) / divisor)
    return rounded(Fraction(sum(quantities, Decimal(0))) / len(spans))


def has_events(meter: Mapping[str, Any], ordered: Sequence[Reading], span: Span) -> bool:
    inside = within(ordered, span)
    if meter["aggregation"] == "unique_count":
        return any(one.is_add for one in inside)
    return bool(inside)


def within(ordered: Sequence[Reading], span: Span) -> list[Reading]:
    return [one for one in ordered if span[0] <= one.event_at < span[1]]


def before(ordered: Sequence[Reading], moment: datetime) -> list[Reading]:
    return [one for one in ordered if one.event_at < moment]


def values(ordered: Sequence[Reading], span: Span) -> list[Decimal]:
    return [one.value for one in within(ordered, span) if one.value is not None]


def counted(meter: Any, ordered: Sequence[Reading], span: Span, run: Run) -> Decimal:
    return Decimal(len(within(ordered, span)))


def summed(meter: Any, ordered: Sequence[Reading], span: Span, run: Run) -> Decimal:
    return sum(values(ordered, span), Decimal(0))


def largest(meter: Any, ordered: Sequence[Reading], span: Span, run: Run) -> Decimal | None:
    return max(values(ordered, span), default=None)


def smallest(meter: Any, ordered: Sequence[Reading], span: Span, run: Run) -> Decimal | None:
    return min(values(ordered, span), default=None)


def averaged(meter: Any, ordered: Sequence[Reading], span: Span, run: Run) -> Decimal | None:
    found = values(ordered, span)
    return rounded(Fraction(sum(found)) / len(found)) if found else None


def ranked(meter: Any, ordered: Sequence[Reading], span: Span, run: Run) -> Decimal | None:
    found = sorted(values(ordered, span))
    if not found:
        return None
    share = Fraction(meter["percentile"]) * len(found) / 100
    rank = -(-share.numerator // share.denominator)
    return found[rank - 1]


def latest(meter: Any, ordered: Sequence[Reading], span: Span, run: Run) -> Decimal | None:
    found = values(ordered, span)
    if not found and meter["carry_in"] == "previous":
        found = [one.value for one in before(ordered, span[0]) if one.value is not None]
    return found[-1] if found else None


def weighted(meter: Any, ordered: Sequence[Reading], span: Span, run: Run) -> Decimal:
    level, since, total = Decimal(0), span[0], Fraction(0)
    for one in ordered:
        if one.value is None or one.event_at >= span[1]:
            continue
        moment = max(one.event_at, span[0])
        total += Fraction(level) * ((moment - since) // MICROSECOND)
        level, since = one.value, moment
    total += Fraction(level) * ((span[1] - since) // MICROSECOND)
    if meter["weighted_by"] == "period":
        return rounded(total / ((run.cell_end - run.cell_start) // MICROSECOND))
    return rounded(total / 10**6)


def unique(meter: Any, ordered: Sequence[Reading], span: Span, run: Run) -> Decimal | None:
    inside = [one for one in within(ordered, span) if one.value is not None]
    added = {one.value for one in inside if one.is_add}
    if meter["carry_in"] == "zero":
        return Decimal(len(added)) if added or meter.get("window_unit") is None else None
    held = set()
    for one in before(ordered, span[0]):
        (held.add if one.is_add else held.discard)(one.value)
    gone = {one.value for one in inside if one.event_at == span[0] and one.nanos == 0}
    return Decimal(len(added | (held - gone)))


SPAN_QUANTITIES: Mapping[str, Callable[[Any, Sequence[Reading], Span, Run], Decimal | None]] = {
    "count": counted,
    "sum": summed,
    "max": largest,
    "min": smallest,
    "avg": averaged,
    "percentile": ranked,
    "latest": latest,
    "weighted_sum": weighted,
    "unique_count": unique,
}
