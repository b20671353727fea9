"""Amounts shared out in whole units by largest remainder, so that no unit is lost or made.

Belongs here: the largest remainder, what a line has of the tiers of its run, and decimals of whole
units. Does not belong here: what a run or a line costs (rating_oracle.py).
"""

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from rating_ladders import rounded


class Part(NamedTuple):
    """What a segment has of its run: its share, its units of 10^-12, its minor units."""

    weight: Fraction
    units: int
    cents: int | None = None


def shared_out(whole, parts):
    """Whole units by largest remainder over parts that are fractions of a unit."""
    floors = [part.numerator // part.denominator for part in parts]
    by_rest = sorted(range(len(parts)), key=lambda number: (floors[number] - parts[number], number))
    for number in by_rest[: whole - sum(floors)]:
        floors[number] += 1
    return floors


def decimal_of(whole, decimals):
    """A whole number of the smallest units as a decimal, with every digit."""
    return Decimal((int(whole < 0), tuple(map(int, str(abs(whole)))), -decimals))


def tier_rows(parts, run_units, line, decimals, is_additive):
    """Tier number → (quantity, flat amount, unrounded amount, amount), of tiers that are used."""
    used = {
        number: (rounded(quantity * 10**9), int(flat_amount * 10**12), amount * 10**12)
        for number, (quantity, flat_amount, amount) in enumerate(parts, start=1)
        if any((rounded(quantity * 10**9), flat_amount, amount))
    }
    tier_units = shared_out(run_units, [exact for *_, exact in used.values()])
    units = shared_out(line.units, [line.weight * unit for unit in tier_units])
    step = 10 ** (12 - decimals)
    cents = shared_out(line.cents, [Fraction(unit, step) for unit in units])
    held = line.weight if is_additive else 1
    return {
        number: (
            decimal_of(quantity * held // 1, 9),
            decimal_of(flat_amount * held // 1, 12),
            decimal_of(unit, 12),
            decimal_of(cent, decimals),
        )
        for (number, (quantity, flat_amount, _)), unit, cent in zip(
            used.items(), units, cents, strict=True
        )
    }
