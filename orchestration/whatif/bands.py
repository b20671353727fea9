"""How much a customer's revenue changes, sorted into bands of percent.

Belongs here: the bands, and the SQL that finds one. Does not belong here: counting customers in
them (comparison.py); drawing them (orchestration/reports).

The change in percent is the difference over what it was before without its sign, rounded to one
decimal, half away from zero: positive always means more revenue. A band is chosen by that figure,
as everybody reads it, so that cents that were rounded leave a rise of 10 % in its band. An edge
belongs to the band nearer to none.
"""

from typing import Final

_LESS: Final = (500, 250, 100, 50)
"""Bands of less revenue end above these tenths of a percent; the last one ends at the same."""
_MORE: Final = (50, 100, 250, 500, 1000)
"""Bands of more revenue end with these tenths of a percent; the last one has no end."""

BANDS: Final = (
    "over 50 % less",
    "25 to 50 % less",
    "10 to 25 % less",
    "5 to 10 % less",
    "up to 5 % less",
    "the same",
    "up to 5 % more",
    "5 to 10 % more",
    "10 to 25 % more",
    "25 to 50 % more",
    "50 to 100 % more",
    "over 100 % more",
    "from nothing",
    "another currency",
)
"""In order; a band's number is its place, from 1 on."""
SAME: Final = BANDS.index("the same") + 1
FROM_NOTHING: Final = BANDS.index("from nothing") + 1
ANOTHER_CURRENCY: Final = BANDS.index("another currency") + 1


def change_tenths(before: str, difference: str) -> str:
    """SQL of a change in tenths of a percent, a whole number; null where nothing was before.

    Args:
        before: SQL of the amount before, DECIMAL(38, 4).
        difference: SQL of after less before, DECIMAL(38, 4).
    """
    base, change = (f"abs(cast({each} * 10000 as hugeint))" for each in (before, difference))
    return (
        f"case when {before} <> 0 then cast(sign({difference}) as hugeint) "
        f"* ((2000 * {change} + {base}) // (2 * {base})) end"
    )


def change_percent(before: str, difference: str) -> str:
    """SQL of the same change in percent, DECIMAL(38, 1)."""
    tenths = change_tenths(before, difference)
    return (
        f"cast(cast({tenths} as decimal(36, 0)) * cast('0.1' as decimal(2, 1)) as decimal(38, 1))"
    )


def band_number(before: str, difference: str, is_moved: str) -> str:
    """SQL of the number of a band.

    Args:
        before: SQL of the amount before, DECIMAL(38, 4).
        difference: SQL of after less before, DECIMAL(38, 4).
        is_moved: SQL of whether the customer is charged in another currency on one side.
    """
    tenths = change_tenths(before, difference)
    less = [f"when -({tenths}) > {edge} then {number}" for number, edge in enumerate(_LESS, 1)]
    more = [f"when {tenths} <= {edge} then {number}" for number, edge in enumerate(_MORE, SAME + 1)]
    arms = [
        f"when {is_moved} then {ANOTHER_CURRENCY}",
        f"when {difference} = 0 then {SAME}",
        f"when {before} = 0 then {FROM_NOTHING}",
        f"when {difference} > 0 then case {' '.join(more)} else {FROM_NOTHING - 1} end",
        *less,
    ]
    return f"cast(case {' '.join(arms)} else {SAME - 1} end as integer)"
