"""Quantities of a run: every aggregation, levels carried in, windows.

Belongs here: from one group's readings (one contract lineage, customer, meter and set of dimension
values, in order) to the quantity of a stretch of time. Does not belong here: which readings make
a group (oracle_rating); conversions and prices (oracle_prices).

An independent statement of the rating rules: it shares no code with the product.
"""

from fractions import Fraction

from oracle_events import QUANTITY_DECIMALS
from oracle_money import rounded
from oracle_time import windows_of

MICROSECONDS = 10**6
ADDITIVE = {"count", "sum", "weighted_sum"}


def is_additive(meter):
    """Say whether quantities of a meter add up over time; all others are levels."""
    if "window" in meter:
        return meter["window_aggregation"] == "sum"
    return meter["aggregation"] in ADDITIVE


def quantity_of(meter, readings, stretch, *, zone, cell):
    """Return a meter's quantity in a stretch; None where it has no value.

    Args:
        meter: as in the price book.
        readings: of one group, in order, from the beginning of the lineage on.
        stretch: the run.
        zone: of the contract.
        cell: the full billing cycle.
    """
    if "window" not in meter:
        value = _plain(meter, readings, stretch)
        if value is None or meter["aggregation"] != "weighted_sum":
            return value
        if meter.get("weighted_by", "second") == "period":
            value = value * MICROSECONDS / cell.stretch().length()
        return rounded(value, QUANTITY_DECIMALS)
    return _windowed(meter, readings, stretch, zone)


def quantity_of_piece(meter, readings, piece, run, *, zone, cell):
    """Return what a piece of a run is of the run's additive quantity.

    Windows are not divided: each counts for the piece that holds its first moment. Events count
    where they lie, and levels for the time that they hold within the piece.

    Args:
        meter: as in the price book, one whose quantities add up.
        readings: of one group, in order, from the beginning of the lineage on.
        piece: a stretch of the run.
        run: its stretch, in which windows are counted.
        zone: of the contract.
        cell: the full billing cycle.
    """
    if "window" not in meter or meter["aggregation"] in {"count", "sum"}:
        return quantity_of(meter, readings, piece, zone=zone, cell=cell)
    windows = windows_of(zone, run.start, run.end, meter["window"])
    mine = [each for each in windows if piece.holds(each.start)]
    found = [quantity_of(meter, readings, each, zone=zone, cell=cell) for each in mine]
    return sum((each for each in found if each is not None), Fraction(0))


def _windowed(meter, readings, stretch, zone):
    """Aggregate per local window, then over the windows that the stretch touches."""
    windows = windows_of(zone, stretch.start, stretch.end, meter["window"])
    values = []
    for window in windows:
        if _holds_always(meter) or _valued(readings, window):
            values.append(_plain(meter, readings, window))
        elif meter.get("empty_windows", "skip") == "zero":
            values.append(Fraction(0))
    over = meter["window_aggregation"]
    if over == "sum":
        return rounded(sum(values, Fraction(0)), QUANTITY_DECIMALS)
    if over == "max":
        full = [
            _plain(meter, readings, window)
            for window in windows
            if _holds_always(meter) or _valued(readings, window)
        ]
        return rounded(max(full), QUANTITY_DECIMALS) if full else None
    return rounded(sum(values, Fraction(0)) / len(values), QUANTITY_DECIMALS) if values else None


def _holds_always(meter):
    """Say whether a meter has a level in every window, also in one without events."""
    return meter["aggregation"] == "weighted_sum" or meter.get("carry_in") == "previous"


def _valued(readings, stretch):
    """Return the readings of a stretch that add something."""
    return [
        each
        for each in readings
        if stretch.holds(each.at) and (each.value is not None or each.distinct is not None)
    ]


def _plain(meter, readings, stretch):  # noqa: PLR0911 — one answer for each aggregation
    """Return the aggregation over a stretch, without windows and exact."""
    aggregation = meter["aggregation"]
    carries = meter.get("carry_in", "zero") == "previous"
    if aggregation == "unique_count":
        return Fraction(len(active_values(readings, stretch, carries=carries)))
    if aggregation == "weighted_sum":
        return held(readings, stretch)
    values = [each.value for each in _valued(readings, stretch)]
    if aggregation in {"count", "sum"}:
        return sum(values, Fraction(0))
    if aggregation == "latest":
        return _latest(readings, stretch, values, carries=carries)
    if not values:
        return None
    if aggregation == "max":
        return max(values)
    if aggregation == "min":
        return min(values)
    if aggregation == "avg":
        return rounded(sum(values) / len(values), QUANTITY_DECIMALS)
    if aggregation == "percentile":
        return nearest_rank(values, Fraction(str(meter["percentile"])))
    raise ValueError(aggregation)


def _latest(readings, stretch, values, *, carries):
    """Return the last value; without one in the stretch the one before it, or zero."""
    if values:
        return values[-1]
    earlier = [each.value for each in readings if each.at < stretch.start]
    earlier = [value for value in earlier if value is not None]
    return earlier[-1] if carries and earlier else Fraction(0)


def nearest_rank(values, percentile):
    """Return the ceil(p * n ÷ 100)-th smallest value."""
    rank = -(-percentile * len(values) // 100)
    return sorted(values)[int(rank) - 1]


def active_values(readings, stretch, *, carries):
    """Return the distinct values that are active at some moment of a stretch.

    Without carry: those with an add in it. With carry: also those whose last operation before it
    is an add, unless they are removed at its very first instant and not added again.
    """
    added = {
        each.distinct
        for each in readings
        if each.distinct is not None and stretch.holds(each.at) and each.operation == "add"
    }
    if not carries:
        return added
    before = {}
    at_start = {}
    for each in readings:
        if each.distinct is None:
            continue
        if each.at < stretch.start:
            before[each.distinct] = each.operation
        elif each.at == stretch.start and stretch.holds(each.at):
            at_start.setdefault(each.distinct, each.operation)
    carried = {value for value, operation in before.items() if operation == "add"}
    removed_at_once = {value for value, operation in at_start.items() if operation == "remove"}
    return added | (carried - removed_at_once)


def held(readings, stretch):
    """Return the sum of level * seconds in a stretch, exact, with the level carried in.

    Nanoseconds order readings and have no length. Before the first reading the level is zero.
    """
    level, since, total = Fraction(0), stretch.start, Fraction(0)
    for each in readings:
        if each.value is None or each.at >= stretch.end:
            continue
        if each.at > stretch.start:
            span = each.at - since
            total += level * _microseconds(span)
            since = each.at
        level = each.value
    total += level * _microseconds(stretch.end - since)
    return total / MICROSECONDS


def _microseconds(span):
    return (span.days * 86400 + span.seconds) * MICROSECONDS + span.microseconds
