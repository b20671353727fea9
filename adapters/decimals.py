"""Decimal arithmetic that is exact or fails, whatever the surrounding context says.

Belongs here: sums, scales and the one text form of a decimal that leaves the machine.
Does not belong here: rounding, which is the rating's.
"""

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

_EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, Overflow])


def exact_sum(numbers: Iterable[Decimal]) -> Decimal:
    """Return the sum, to the last digit; of nothing it is 0."""
    summed = Decimal(0)
    for number in numbers:
        summed = _EXACT.add(summed, number)
    return summed


def exact_difference(left: Decimal, right: Decimal) -> Decimal:
    """Return left less right, to the last digit."""
    return _EXACT.subtract(left, right)


def decimals_of(number: Decimal) -> int:
    """Return how many decimals the number needs: 1 for 1.50, 0 for 100."""
    exponent = _EXACT.normalize(number).as_tuple().exponent
    if not isinstance(exponent, int):
        raise TypeError(f"{number} is not a finite number, so it has no decimals")
    return max(0, -exponent)


def decimal_text(number: Decimal) -> str:
    """Return the number's one canonical text: no exponent, no trailing zeros, no minus zero."""
    return format(_EXACT.normalize(number), "f") if number else "0"
