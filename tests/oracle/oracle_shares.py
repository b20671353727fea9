"""A line of a minimum or a contract term over those who bill the contract in its time.

Belongs here: who has a part, its dates, its weight, its share of the amount. Does not belong here:
what the line comes to.

An independent statement of the rating rules: it shares no code with the product.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from oracle_money import PICO, minor_decimals, shared
from oracle_time import microseconds, overlap


@dataclass
class Part:
    """What one set of parties has of a line.

    Attributes:
        start, end: UTC instants. version: the last one of the contract with these parties.
        weight: time or money.
        is_in_force: whether the line's time reaches it; its dates are those of lines otherwise.
    """

    start: object
    end: object
    version: int
    weight: Fraction = Fraction(0)
    is_in_force: bool = True


def over_parties(line, contract, stretches, *, billed=None):
    """Return a line as one line per parties, in order of time, that come to it together.

    Args:
        line: an oracle_rating.Line; its amount is whole minor units.
        contract: whose.
        stretches: the time that it is for.
        billed: the lines whose amounts weigh the parts; None where time does.
    """
    parts = _in_force(contract, stretches)
    if billed is not None:
        for part in parts.values():
            part.weight = Fraction(0)
        if line.amount:
            _weigh_by_money(parts, billed)
    ordered = sorted(parts.items(), key=lambda each: each[1].start)
    weights = [max(Fraction(0), part.weight) for _parties, part in ordered]
    amounts = _shares(line.amount, weights, 10 ** minor_decimals(contract.currency))
    unrounded = amounts  # a term's line is shared once it is rounded
    if line.kind == "minimum":
        unrounded = _shares(line.unrounded, weights, PICO)
    return [
        replace(
            line,
            start=part.start,
            end=part.end,
            version=part.version,
            parties=parties,
            amount=amount,
            unrounded=exact,
        )
        for (parties, part), amount, exact in zip(ordered, amounts, unrounded, strict=True)
    ]


def _in_force(contract, stretches):
    parts = {}
    for version, held in zip(contract.versions, contract.stretches(), strict=True):
        for stretch in stretches:
            time = overlap(stretch, held.start, held.end)
            if time is not None:
                found = parts.setdefault(version.parties(), Part(time.start, time.end, 0))
                found.end, found.version = time.end, version.number
                found.weight += Fraction(microseconds(time.start, time.end))
    return parts


def _weigh_by_money(parts, billed):
    for line in billed:
        found = parts.setdefault(
            line.parties, Part(line.start, line.end, line.version, is_in_force=False)
        )
        found.weight += line.amount
        if not found.is_in_force:
            found.start, found.end = min(found.start, line.start), max(found.end, line.end)


def _shares(amount, weights, steps):
    """Share the size of an amount in steps by largest remainder; each share has its sign."""
    sign = -1 if amount < 0 else 1
    size = int(abs(amount) * steps)
    return [Fraction(sign * each, steps) for each in shared(size, weights)]
