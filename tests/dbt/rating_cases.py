"""What a case of test_rating_models.py is: one price, one question to it, what must come of it.

Belongs here: the shape of a case and of a tier. Does not belong here: any case, which stands beside
others of what its model prices (rating_unit_cases.py, rating_money_cases.py).
"""

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

OCTOBER = date(2026, 10, 1)
NOVEMBER = date(2026, 11, 1)


class Case(NamedTuple):
    """One price asked for one quantity: the amount before and after rounding, and its words."""

    model: str
    tiers: tuple[dict[str, Any], ...]
    quantity: Any
    unrounded: str
    amount: str
    words: str
    charge: dict[str, Any] = {}  # noqa: RUF012 — a NamedTuple's defaults are never changed
    currency: str = "USD"
    start: date = OCTOBER
    end: date = NOVEMBER


def tier(up_to=None, price="0", flat="0", size=None):
    return {
        "upper_quantity": None if up_to is None else Decimal(up_to),
        "unit_price": Decimal(price),
        "flat_amount": Decimal(flat),
        "package_size": None if size is None else Decimal(size),
    }
