"""The currencies that an amount can be rounded in: ISO 4217, as the dbt seed lists them.

Belongs here: reading the seed; how finance writes an amount of a currency. Does not belong here:
rounding, which rating does once; exchange rates, which are a table of the company.
"""

import csv
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType

from orchestration.settings import PROJECT_ROOT

CURRENCIES_FILE = PROJECT_ROOT / "dbt_project" / "seeds" / "currencies.csv"


@cache
def minor_units(file: Path = CURRENCIES_FILE) -> MappingProxyType[str, int]:
    """Decimals of an amount by ISO 4217 code, such as USD 2, JPY 0, KWD 3, CLF 4.

    Codes without a minor unit (metals, test codes) are absent: nothing can be billed in them.
    """
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return MappingProxyType({row["currency_code"]: int(row["minor_unit"]) for row in rows})


def money_text(amount: Decimal, currency_code: str) -> str:
    """Write an amount for people: with its currency's decimals, and with more where it has more.

    Args:
        amount: in major units, finite.
        currency_code: ISO 4217; an unknown one is written with two decimals.
    """
    return f"{amount:,.{_decimals(amount, currency_code)}f}"


def amount_text(amount: Decimal, currency_code: str) -> str:
    """Write an amount for a program: like money_text, without thousands separators."""
    return f"{amount:.{_decimals(amount, currency_code)}f}"


def _decimals(amount: Decimal, currency_code: str) -> int:
    used = len(f"{amount:f}".partition(".")[2].rstrip("0"))
    return max(minor_units().get(currency_code, 2), used)
