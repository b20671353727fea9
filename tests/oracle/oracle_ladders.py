"""Ladders over the runs of a cell: additive quantities continue or restart, levels share the cell.

Belongs here: what each run of one charge pays, and how that is allocated to pieces and children;
flat fees. Does not belong here: a ladder's own usage (oracle_usage); prices of one quantity
(oracle_prices); amounts after the gross (oracle_money).

An independent statement of the rating rules: it shares no code with the product.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from oracle_money import Piece, completed, rounded
from oracle_prices import (
    RatingError,
    billable,
    converted,
    event_fees,
    has_match,
    is_per_event,
    number,
    scaled,
    seats,
    tier_parts,
)
from oracle_quantities import is_additive
from oracle_time import Stretch, fee_share, level_share

SECOND = 10**6
SMALLEST = 10**9


def price_ladder(ladder):
    """Return the pieces of each run with their exact amounts; sets the code where it has none.

    A code that was there before, such as of contradicting events, stays where pricing has none.
    """
    pieces = [_run_pieces(ladder, run, {}) for run in ladder.runs]
    try:
        pieces = _priced(ladder)
    except RatingError as error:
        ladder.code, ladder.is_priced = error.code, False
    return pieces


def _priced(ladder):
    """Return the pieces of each run."""
    if any(run.price is None for run in ladder.runs):
        raise RatingError("missing_price")
    if any(_lacks_a_match(ladder, run) for run in ladder.runs):
        raise RatingError("unpriced_dimension")
    if ladder.has_refused_value() or ladder.is_below_zero():
        raise RatingError("negative_quantity")
    is_due = ladder.charge.get("zero_usage") == "charge"
    if not is_additive(ladder.meter):
        return [
            _run_pieces(ladder, run, _level_parts(ladder, run, drawn, is_due))
            for run, drawn in zip(ladder.runs, ladder.included(), strict=True)
        ]
    is_due = is_due and not ladder.has_usage()
    found = []
    so_far, event_count, so_drawn = Fraction(0), 0, (Fraction(0), Fraction(0))
    for place, (run, drawn) in enumerate(zip(ladder.runs, ladder.included(), strict=True)):
        quantity = ladder.quantity(run.stretch)
        readings = ladder.readings(run.stretch)
        if ladder.charge.get("ladder", "continue") == "restart":
            parts = _restarted(ladder, run, drawn=drawn, is_due=is_due)
        elif is_per_event(ladder.charge, run.price):
            before = (event_count, converted(ladder.charge, so_far))
            parts = _fees(ladder.charge, run.price, readings, before)
        else:
            count = event_count + len(readings)
            earlier = _Usage(so_far, so_drawn, event_count)
            so_drawn = tuple(one + other for one, other in zip(so_drawn, drawn, strict=True))
            parts = _parts(ladder, run.price, _Usage(so_far + quantity, so_drawn, count), is_due)
            if place:
                parts = _difference(parts, _parts(ladder, run.price, earlier, is_due))
        so_far += quantity
        event_count += len(readings)
        found.append(_run_pieces(ladder, run, parts))
    return found


def _lacks_a_match(ladder, run):
    """Say whether a run is asked for dimension values that its price does not know."""
    is_asked = ladder.charge["model"] == "dimensional" and ladder.is_asked(run)
    return (
        is_asked and bool(ladder.dimensions) and not has_match(run.price, dict(ladder.dimensions))
    )


def _fees(charge, price, readings, before):
    amounts = [each.value for each in readings]
    fees = event_fees(charge, price, amounts, before=before)
    quantity = converted(charge, sum(amounts, Fraction(0)))
    return {1: (quantity, sum(fees, Fraction(0)))}


@dataclass(frozen=True)
class _Usage:
    """A quantity that is priced, the (drawn, wanted) included units in it, and its events."""

    quantity: Fraction
    drawn: tuple
    event_count: int = 0


def _parts(ladder, price, usage, is_due, *, free=None):
    """Return the tier parts of a cumulative quantity.

    Any usage enters the first tier, also one that is free. A level of zero, or a whole cell
    without usage, enters it where `is_due` says so.
    """
    charge = ladder.charge
    units = converted(charge, usage.quantity)
    is_due = is_due or units != 0
    units = ladder.less_included(units, *usage.drawn)
    units = billable(units, number(charge.get("free_quantity")) if free is None else free)
    if charge["model"] == "seats":
        return seats(price, units, per=_seat_divisor(ladder))
    if charge["model"] == "dimensional" and units == 0:
        return {}
    return tier_parts(
        charge,
        price,
        units,
        dimensions=ladder.dimensions,
        event_count=usage.event_count,
        is_due_at_zero=is_due,
    )


def _seat_divisor(ladder):
    """Return the days of the full cell for seat-days, its seconds for seat-seconds."""
    if ladder.meter.get("window") == "day":
        return len(ladder.cell.days())
    return Fraction(ladder.cell.stretch().length(), SECOND)


def _difference(parts, earlier):
    """Return what a ladder gained, tier by tier."""
    nothing = (Fraction(0), Fraction(0))
    return {
        tier: tuple(
            now - then
            for now, then in zip(parts.get(tier, nothing), earlier.get(tier, nothing), strict=True)
        )
        for tier in sorted({*parts, *earlier})
    }


def _restarted(ladder, run, *, drawn, is_due):
    """Rate a run on its own quantity, with everything but unit prices prorated."""
    share = fee_share(
        ladder.zone,
        ladder.cell,
        run.stretch,
        [each.stretch for each in ladder.runs],
        ladder.charge.get("proration", "day"),
        held=ladder.held,
    )
    price, readings = scaled(run.price, share), ladder.readings(run.stretch)
    if is_per_event(ladder.charge, price):
        return _fees(ladder.charge, price, readings, (0, Fraction(0)))
    free = rounded(number(ladder.charge.get("free_quantity")) * share, 9)
    usage = _Usage(ladder.quantity(run.stretch), drawn, len(readings))
    return _parts(ladder, price, usage, is_due, free=free)


def _level_parts(ladder, run, drawn, is_due):
    """Price a run's level by itself, times its share of the metered time; nothing restarts."""
    share = level_share(
        ladder.zone,
        ladder.cell,
        run.stretch,
        ladder.metered,
        ladder.charge.get("proration", "day"),
        held=ladder.held,
    )
    parts = _parts(ladder, run.price, _Usage(ladder.quantity(run.stretch), drawn), is_due)
    return {tier: (units, amount * share) for tier, (units, amount) in parts.items()}


def _run_pieces(ladder, run, parts):
    """Allocate a run's amount to its pieces and children, exactly.

    Additive quantities weigh by quantity, and by time where that is zero; levels weigh by time,
    and those of a pool's children by level and time.
    """
    children = ladder.users(run)
    places = [(stretch, version, child) for stretch, version in run.pieces for child in children]
    adds = is_additive(ladder.meter)
    own = [Fraction(0) for _place in places]
    if adds:
        own = [
            ladder.piece_quantity(stretch, run.stretch, child)
            for stretch, _version, child in places
        ]
    weights = own
    if not adds or sum(own) == 0:
        levels = {child: ladder.quantity(run.stretch, child) for child in children}
        is_filled = sum(levels.values()) != 0
        weights = [
            _time_weight(ladder, run, stretch) * (levels[child] if is_filled else 1)
            for stretch, _version, child in places
        ]
    whole = sum(weights)
    if whole == 0:
        weights = [Fraction(stretch.length()) for stretch, _version, _child in places]
        whole = sum(weights)
    if adds and ladder.meter["aggregation"] == "weighted_sum" and "window" not in ladder.meter:
        own = _rounded_once(ladder.quantity(run.stretch), weights)
    return [
        Piece(
            start=stretch.start,
            end=stretch.end,
            child=child,
            exact=sum((amount for _units, amount in parts.values()), Fraction(0)) * weight / whole,
            quantity=quantity if adds else ladder.quantity(run.stretch, child),
            tiers={
                tier: (units * weight / whole, amount * weight / whole)
                for tier, (units, amount) in parts.items()
            },
            version=version.number,
            parties=version.parties(),
            has_minimum="minimum" in (run.price or {}),
            has_maximum="maximum" in (run.price or {}),
        )
        for (stretch, version, child), quantity, weight in zip(places, own, weights, strict=True)
    ]


def _rounded_once(quantity, weights):
    """Return the shares of a run's quantity, which is rounded for the run and not for its pieces.

    They add up to it, by largest remainder.
    """
    units, whole = quantity * SMALLEST, sum(weights)
    return [
        Fraction(each, SMALLEST)
        for each in completed(int(units), [units * weight / whole for weight in weights])
    ]


def _time_weight(ladder, run, stretch):
    pieces = [piece for piece, _version in run.pieces]
    proration = ladder.charge.get("proration", "day")
    return level_share(ladder.zone, ladder.cell, stretch, pieces, proration, held=ladder.held)


def price_fee(contract, cell, runs):
    """Return the pieces of each run of a flat fee, and its code where a price is missing.

    An advance fee says what a termination within the cell does: `prorated` pays for the active
    time, `no_refund` as if the contract went on to the cell's end, `full` pays nothing.
    """
    charge = runs[0].charge
    pieces = [(stretch, version, run) for run in runs for stretch, version in run.pieces]
    code = "missing_price" if any(run.price is None for run in runs) else None
    spans = [stretch for stretch, _version, _run in pieces]
    is_cut_short = contract.end is not None and contract.end < cell.end
    rule = charge.get("on_termination", "prorated") if is_cut_short else "prorated"
    held = contract.stretches()
    if charge.get("timing") == "advance" and rule == "no_refund":
        spans[-1] = Stretch(spans[-1].start, cell.end)
        held = [*held[:-1], Stretch(held[-1].start, cell.end)]
    found = []
    for (stretch, version, run), span in zip(pieces, spans, strict=True):
        proration = charge.get("proration", "day")
        share = fee_share(contract.zone, cell, span, spans, proration, held=held)
        if charge.get("timing") == "advance" and rule == "full":
            share = Fraction(0)
        amount = number((run.price or {}).get("amount")) * share
        found.append(
            Piece(
                start=stretch.start,
                end=stretch.end,
                child=contract.customer,
                exact=amount,
                quantity=Fraction(1),
                tiers={1: (Fraction(1), amount)},
                version=version.number,
                parties=version.parties(),
                has_minimum="minimum" in (run.price or {}),
                has_maximum="maximum" in (run.price or {}),
            )
        )
    counts = accumulate((len(run.pieces) for run in runs), initial=0)
    return [found[start:end] for start, end in pairwise(counts)], code
