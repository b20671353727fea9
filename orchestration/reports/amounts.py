"""Amounts as finance writes them.

Belongs here: number formats of money. Does not belong here: rounding, which rating does once.
"""

from decimal import Decimal

from orchestration.price_book.currencies import minor_units


def money_text(amount: Decimal, currency_code: str) -> str:
    """Write an amount with its currency's decimals, and with more where it has more.

    Args:
        amount: finite.
        currency_code: ISO 4217; an unknown one is written with two decimals.
    """
    exact = amount.normalize().as_tuple().exponent
    places = max(minor_units().get(currency_code, 2), -int(exact), 0)
    return f"{amount:,.{places}f}"
