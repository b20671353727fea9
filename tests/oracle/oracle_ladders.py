"""Ladders over the runs of a cell: additive quantities continue or restart, levels share the cell.

Belongs here: what each run of one charge pays, and how that is allocated to pieces and children;
flat fees. Does not belong here: prices of one quantity (oracle_prices); amounts after the gross
(oracle_money).

An independent statement of the rating rules: it shares no code with the product.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate

from oracle_money import Piece, completed, rounded
from oracle_prices import (
    NEGATIVE_MODELS,
    RatingError,
    billable,
    converted,
    event_fees,
    is_per_event,
    number,
    scaled,
    seats,
    tier_parts,
)
from oracle_quantities import is_additive, quantity_of, quantity_of_piece
from oracle_time import Stretch, fee_share, level_share

SECOND = 10**6
SMALLEST = 10**9


@dataclass
class Ladder:
    """One question to a charge's prices in a cell: one child's usage, or a pool of children's.

    Attributes:
        meter: as in the price book. zone: of the contract. cell: the full cycle.
        runs: of the charge, in order. metered: every stretch in which the contract prices the
            meter, whatever the charge.
        dimensions: sorted pairs. members: readings by child.
        allowance: converted units that a contract term takes off. code: why it has no amount.
        known: quantities by stretch and child, computed once.
    """

    meter: dict
    zone: str
    cell: object
    runs: list
    metered: list
    dimensions: tuple
    members: dict
    allowance: Fraction = Fraction(0)
    code: str | None = None
    known: dict = field(default_factory=dict)

    @property
    def charge(self):
        """Return the charge, as in the price book."""
        return self.runs[0].charge

    def quantity(self, stretch, child=None):
        """Return the quantity of a stretch, of one child or of all; no value counts as zero."""
        if child is None:
            return sum((self.quantity(stretch, each) for each in self.members), Fraction(0))
        if (stretch, child) not in self.known:
            readings = self.members[child]
            found = quantity_of(self.meter, readings, stretch, zone=self.zone, cell=self.cell)
            self.known[stretch, child] = found or Fraction(0)
        return self.known[stretch, child]

    def piece_quantity(self, piece, run, child):
        """Return what a piece of a run is of its additive quantity, of one child."""
        if piece == run:
            return self.quantity(run, child)
        readings = self.members.get(child, [])
        return quantity_of_piece(self.meter, readings, piece, run, zone=self.zone, cell=self.cell)

    def readings(self, stretch):
        """Return the valued readings of a stretch over all members, in order."""
        return sorted(
            (
                each
                for mine in self.members.values()
                for each in mine
                if stretch.holds(each.at) and each.value is not None
            ),
            key=lambda each: each.order,
        )

    def units(self):
        """Return the converted quantity of the whole cell; of levels, the largest of a run."""
        quantities = [self.quantity(run.stretch) for run in self.runs]
        if is_additive(self.meter):
            return converted(self.charge, sum(quantities, Fraction(0)))
        return max(converted(self.charge, each) for each in quantities)

    def has_usage(self):
        """Say whether the converted quantity of the cell, or of any level's run, is not zero."""
        quantities = [self.quantity(run.stretch) for run in self.runs]
        if is_additive(self.meter):
            return converted(self.charge, sum(quantities, Fraction(0))) != 0
        return any(converted(self.charge, each) != 0 for each in quantities)

    def has_refused_value(self):
        """Say whether a value below zero came to a meter that allows none."""
        if self.meter.get("is_negative_allowed", False):
            return False
        return any(each.value < 0 for run in self.runs for each in self.readings(run.stretch))

    def is_below_zero(self):
        """Say whether a metered quantity is negative under a model that prices none such.

        Of an additive meter that is the quantity from the cell's start to the end of any run.
        """
        if self.charge["model"] in NEGATIVE_MODELS:
            return False
        quantities = [self.quantity(run.stretch) for run in self.runs]
        if is_additive(self.meter):
            quantities = accumulate(quantities)
        return any(each < 0 for each in quantities)


def price_ladder(ladder):
    """Return the pieces of a ladder with their exact amounts; sets its code where it has none.

    A code that was there before, such as of contradicting events, stays where pricing has none.
    """
    pieces = [_run_pieces(ladder, run, {}) for run in ladder.runs]
    try:
        pieces = _priced(ladder)
    except RatingError as error:
        ladder.code = error.code
    return [piece for mine in pieces for piece in mine]


def _priced(ladder):
    """Return the pieces of each run."""
    if any(run.price is None for run in ladder.runs):
        raise RatingError("missing_price")
    if ladder.has_refused_value() or ladder.is_below_zero():
        raise RatingError("negative_quantity")
    is_due = ladder.charge.get("zero_usage") == "charge"
    if not is_additive(ladder.meter):
        return [_run_pieces(ladder, run, _level_parts(ladder, run, is_due)) for run in ladder.runs]
    is_due = is_due and not ladder.has_usage()
    found = []
    so_far, event_count, left = Fraction(0), 0, ladder.allowance
    for place, run in enumerate(ladder.runs):
        quantity = ladder.quantity(run.stretch)
        readings = ladder.readings(run.stretch)
        if ladder.charge.get("ladder", "continue") == "restart":
            taken = min(left, max(Fraction(0), converted(ladder.charge, quantity)))
            left -= taken
            parts = _restarted(ladder, run, allowance=taken, is_due=is_due)
        elif is_per_event(ladder.charge, run.price):
            before = (event_count, converted(ladder.charge, so_far))
            parts = _fees(ladder.charge, run.price, readings, before)
        else:
            count = event_count + len(readings)
            parts = _parts(ladder, run.price, so_far + quantity, is_due=is_due, event_count=count)
            if place:
                earlier = _parts(ladder, run.price, so_far, is_due=is_due, event_count=event_count)
                parts = _difference(parts, earlier)
        so_far += quantity
        event_count += len(readings)
        found.append(_run_pieces(ladder, run, parts))
    return found


def _fees(charge, price, readings, before):
    amounts = [each.value for each in readings]
    fees = event_fees(charge, price, amounts, before=before)
    quantity = converted(charge, sum(amounts, Fraction(0)))
    return {1: (quantity, sum(fees, Fraction(0)))}


def _parts(ladder, price, quantity, *, is_due, event_count=0, allowance=None, free=None):
    """Return the tier parts of a cumulative quantity.

    Any usage enters the first tier, also one that is free. A level of zero, or a whole cell
    without usage, enters it where `is_due` says so.
    """
    charge = ladder.charge
    units = converted(charge, quantity)
    is_due = is_due or units != 0
    units = billable(units, ladder.allowance if allowance is None else allowance)
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
        event_count=event_count,
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


def _restarted(ladder, run, *, allowance, is_due):
    """Rate a run on its own quantity, with everything but unit prices prorated."""
    share = fee_share(
        ladder.zone,
        ladder.cell,
        run.stretch,
        [each.stretch for each in ladder.runs],
        ladder.charge.get("proration", "day"),
    )
    price, readings = scaled(run.price, share), ladder.readings(run.stretch)
    if is_per_event(ladder.charge, price):
        return _fees(ladder.charge, price, readings, (0, Fraction(0)))
    free = rounded(number(ladder.charge.get("free_quantity")) * share, 9)
    return _parts(
        ladder,
        price,
        ladder.quantity(run.stretch),
        is_due=is_due,
        event_count=len(readings),
        allowance=allowance,
        free=free,
    )


def _level_parts(ladder, run, is_due):
    """Price a run's level by itself, times its share of the metered time; nothing restarts."""
    share = level_share(
        ladder.zone,
        ladder.cell,
        run.stretch,
        ladder.metered,
        ladder.charge.get("proration", "day"),
    )
    parts = _parts(ladder, run.price, ladder.quantity(run.stretch), is_due=is_due)
    return {tier: (units, amount * share) for tier, (units, amount) in parts.items()}


def _run_pieces(ladder, run, parts):
    """Allocate a run's amount to its pieces and children, exactly.

    Additive quantities weigh by quantity, and by time where that is zero; levels weigh by time.
    """
    places = [
        (stretch, version, child) for stretch, version in run.pieces for child in ladder.members
    ]
    adds = is_additive(ladder.meter)
    own = [Fraction(0) for _place in places]
    if adds:
        own = [
            ladder.piece_quantity(stretch, run.stretch, child)
            for stretch, _version, child in places
        ]
    weights = own
    if sum(own) == 0:
        weights = [
            _time_weight(ladder, run, stretch) / len(ladder.members)
            for stretch, _version, _child in places
        ]
    whole = sum(weights)
    if whole == 0:
        weights = [Fraction(stretch.length()) for stretch, _version, _child in places]
        whole = sum(weights)
    total = ladder.quantity(run.stretch)
    if adds and ladder.meter["aggregation"] == "weighted_sum" and "window" not in ladder.meter:
        own = _rounded_once(total, weights)
    return [
        Piece(
            start=stretch.start,
            end=stretch.end,
            child=child,
            exact=sum((amount for _units, amount in parts.values()), Fraction(0)) * weight / whole,
            quantity=quantity if adds else total,
            tiers={
                tier: (units * weight / whole, amount * weight / whole)
                for tier, (units, amount) in parts.items()
            },
            version=version.number,
            entity=version.entity,
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
    return level_share(ladder.zone, ladder.cell, stretch, pieces, proration)


def price_fee(contract, cell, runs):
    """Return the pieces of a flat fee in a cell, and its code where a price is missing.

    An advance fee says what a termination within the cell does: `prorated` pays for the active
    time, `no_refund` as if the contract went on to the cell's end, `full` pays nothing.
    """
    charge = runs[0].charge
    pieces = [(stretch, version, run) for run in runs for stretch, version in run.pieces]
    code = "missing_price" if any(run.price is None for run in runs) else None
    spans = [stretch for stretch, _version, _run in pieces]
    is_cut_short = contract.end is not None and contract.end < cell.end
    rule = charge.get("on_termination", "prorated") if is_cut_short else "prorated"
    if charge.get("timing") == "advance" and rule == "no_refund":
        spans[-1] = Stretch(spans[-1].start, cell.end)
    found = []
    for (stretch, version, run), span in zip(pieces, spans, strict=True):
        share = fee_share(contract.zone, cell, span, spans, charge.get("proration", "day"))
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
                entity=version.entity,
            )
        )
    return found, code
