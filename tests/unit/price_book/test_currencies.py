"""An amount is written with its currency's decimals, and never with fewer digits than it has."""

from decimal import Decimal

import pytest

from orchestration.price_book.currencies import amount_text, money_text


@pytest.mark.parametrize(
    ("amount", "currency_code", "text"),
    [
        ("71440.6900", "USD", "71,440.69"),
        ("100.0000", "EUR", "100.00"),
        ("7500000.0000", "JPY", "7,500,000"),
        ("2.5000", "KWD", "2.500"),
        ("-0.1", "CLF", "-0.1000"),
        ("0.0000", "JPY", "0"),
        ("0.0005", "USD", "0.0005"),
        ("1E+3", "JPY", "1,000"),
        ("1.5", "QQQ", "1.50"),
        (
            "1234567890123456789012345678901234.5678",
            "USD",
            "1,234,567,890,123,456,789,012,345,678,901,234.5678",
        ),
    ],
)
def test_an_amount_is_written_with_the_minor_units_of_its_currency(
    amount: str, currency_code: str, text: str
) -> None:
    assert text == money_text(Decimal(amount), currency_code)
    assert text.replace(",", "") == amount_text(Decimal(amount), currency_code)
