"""Exact rounding, shares by largest remainder, and what happens to amounts after the gross.

Belongs here: rounding modes, allocation, discounts, minimum and maximum of a charge, the rounding
of a settlement whole to the minor unit. Does not belong here: how a gross amount comes about
(oracle_prices); terms of the contract that stand on lines of their own (oracle_terms).

An independent statement of the rating rules: it shares no code with the product.
"""

from dataclasses import dataclass, field
from fractions import Fraction

PICO = 10**12
MINOR_DECIMALS = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3, "TND": 3}


def minor_decimals(currency):
    """Return the decimals of a currency's minor unit by ISO 4217; 2 where nothing else is known."""
    return MINOR_DECIMALS.get(currency, 2)


def whole_number(value, mode):
    """Round a Fraction to an int; a negative value mirrors the positive one.

    Modes: up (away from zero), down (toward zero), half_up and half_away (a half away from zero),
    half_even (a half to the even neighbour).
    """
    size = abs(value)
    floor = size.numerator // size.denominator
    rest = size - floor
    if mode == "up":
        grows = rest > 0
    elif mode == "down":
        grows = False
    elif mode in {"half_up", "half_away"}:
        grows = rest >= Fraction(1, 2)
    elif mode == "half_even":
        grows = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and floor % 2 == 1)
    else:
        raise ValueError(mode)
    rounded = floor + 1 if grows else floor
    return -rounded if value < 0 else rounded


def rounded(value, decimals, mode="half_away"):
    """Round a Fraction to so many decimals; returns a Fraction."""
    return Fraction(whole_number(Fraction(value) * 10**decimals, mode), 10**decimals)


def shared(total, weights):
    """Allocate an int in proportion to weights by largest remainder; ties go to the earlier place.

    Weights may be of both signs as long as their sum is not zero; where it is, the first place
    takes everything.
    """
    whole = sum(weights, Fraction(0))
    if whole == 0:
        return [total, *[0] * (len(weights) - 1)] if weights else []
    return completed(total, [total * weight / whole for weight in weights])


def completed(total, exact):
    """Round exact parts to ints that sum to an int, their rounded sum, by largest remainder.

    Every part is rounded down, one below zero too, and what is missing goes to the largest
    remainders, ties to the earlier place.
    """
    exact = [Fraction(part) for part in exact]
    parts = [each.numerator // each.denominator for each in exact]
    order = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return parts


@dataclass
class Piece:
    """One stretch of a settlement whole, on a line of its own.

    Attributes:
        start, end: UTC instants, half-open. child: the customer whose usage it is.
        exact: its gross amount, exact. quantity: metered, as far as it adds up over pieces.
        tiers: exact amount and quantity by tier number.
        units: amount in 10^-12 of the currency, as it stands after each step.
        amount: in minor units, once rounded.
        gross_units: as it was before the first step.
        version, parties: of the contract in force.
        place: among the lines that share a discount or a maximum: time, charge, dimension values,
            child.
        has_minimum, has_maximum: whether its price has one.
        is_line: whether it is told on a line.
        is_held: whether its amount hangs on one that is not known.
    """

    start: object
    end: object
    child: str
    exact: Fraction = Fraction(0)
    quantity: Fraction = Fraction(0)
    tiers: dict = field(default_factory=dict)
    units: int = 0
    gross_units: int = 0
    amount: int = 0
    version: int | None = None
    parties: tuple | None = None
    place: tuple = ()
    has_minimum: bool = True
    has_maximum: bool = True
    is_line: bool = True
    is_held: bool = False


@dataclass
class Whole:
    """What is rounded once: one ladder of a charge in a cell.

    Attributes:
        dimensions: sorted pairs. pieces: over entities and the children of a pool, in time.
        code: an exception; its amounts are unknown then.
    """

    dimensions: tuple
    pieces: list
    code: str | None = None


@dataclass(frozen=True)
class Discount:
    """A percentage ("percent", a fraction of 1) or an amount in the contract's currency.

    Attributes:
        start, end: UTC instants, end None for ever. share: of the cell that it covers, for amounts.
    """

    kind: str
    figure: Fraction
    start: object = None
    end: object = None
    share: Fraction = Fraction(1)

    def covers(self, piece):
        """Say whether a piece lies within its dates; pieces are cut there."""
        return (self.start is None or self.start <= piece.start) and (
            self.end is None or piece.start < self.end
        )


def set_gross(runs):
    """Divide one ladder's sum once to 12 decimals, half away, and share it by largest remainder.

    First over its runs, then what each run has over its pieces.

    Args:
        runs: lists of pieces.
    """
    exact = [sum((each.exact for each in pieces), Fraction(0)) * PICO for pieces in runs]
    totals = completed(whole_number(sum(exact, Fraction(0)), "half_away"), exact)
    for total, pieces in zip(totals, runs, strict=True):
        parts = shared(total, [each.exact for each in pieces])
        for piece, units in zip(pieces, parts, strict=True):
            piece.units = piece.gross_units = units


def take_percentages(pieces, discounts):
    """Take each percentage of what is left of each piece, rounded to 12 decimals."""
    for discount in discounts:
        for piece in pieces:
            if discount.covers(piece):
                piece.units -= whole_number(discount.figure * piece.units, "half_away")


def take_amounts(pieces, discounts):
    """Take amounts off the lines that they cover, never below zero, in proportion to the lines."""
    for discount in discounts:
        covered = [piece for piece in _in_place(pieces) if discount.covers(piece)]
        open_units = sum(piece.units for piece in covered)
        wanted = whole_number(discount.figure * discount.share * PICO, "half_away")
        taken = min(wanted, max(0, open_units))
        parts = shared(taken, [Fraction(piece.units) for piece in covered])
        for piece, units in zip(covered, parts, strict=True):
            piece.units -= units


def take_maximum(pieces, limit):
    """Lower pieces in proportion to a limit in 10^-12, by largest remainder of what is taken."""
    pieces = _in_place(pieces)
    beyond = sum(piece.units for piece in pieces) - limit
    if beyond > 0:
        parts = shared(beyond, [Fraction(piece.units) for piece in pieces])
        for piece, units in zip(pieces, parts, strict=True):
            piece.units -= units


def _in_place(pieces):
    return sorted(pieces, key=lambda each: each.place)


def hold_shares(pieces):
    """Hold pieces that share an amount or a limit where one of them is held."""
    lines = [piece for piece in pieces if piece.is_line]
    is_held = any(piece.is_held for piece in lines)
    for piece in lines:
        piece.is_held = is_held


def settle(wholes, *, currency, mode="half_away", discounts=(), minimum=None, maximum=None):
    """Take one charge and cell from gross to rounded amounts; returns the minimum line's.

    Limits hold for the pieces whose price has them.

    Args:
        wholes: every known whole of the charge in the cell; their pieces are changed in place.
        currency: decides the minor unit.
        mode: rounding mode of the price.
        discounts: in declared order; percentages come before amounts.
        minimum: of the charge in the cell, prorated already; None where there is none.
        maximum: likewise.

    Returns:
        minor units of the line of kind minimum; 0 without one.
    """
    decimals = minor_decimals(currency)
    pieces = [piece for whole in wholes for piece in whole.pieces]
    take_percentages(pieces, [each for each in discounts if each.kind == "percent"])
    take_amounts(pieces, [each for each in discounts if each.kind == "amount"])
    raised = [piece for piece in pieces if piece.has_minimum]
    is_raised = minimum is not None and sum(piece.units for piece in raised) < minimum * PICO
    if maximum is not None:
        limit = whole_number(maximum * PICO, "half_away")
        take_maximum([piece for piece in pieces if piece.has_maximum], limit)
    for whole in wholes:
        exact = [Fraction(piece.units * 10**decimals, PICO) for piece in whole.pieces]
        parts = completed(whole_number(sum(exact, Fraction(0)), mode), exact)
        for piece, minor in zip(whole.pieces, parts, strict=True):
            piece.amount = minor
    if not is_raised:
        return 0
    return whole_number(minimum * 10**decimals, mode) - sum(piece.amount for piece in raised)
