"""The analysts' query of docs/how-to/report-in-one-currency.md, on totals and rates by hand."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from orchestration.settings import PROJECT_ROOT

PAGE = (PROJECT_ROOT / "docs/how-to/report-in-one-currency.md").read_text(encoding="utf-8")
[QUERY] = re.findall(r"^```sql\n(with .*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    """The two marts that the query reads, with the types of their contracts."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            create schema rating;
            create schema billing;
            create table rating.fct_rated_lines (
                billing_period varchar, currency_code varchar, amount decimal(38, 4),
                is_due boolean
            );
            create table billing.dim_exchange_rates (
                from_currency_code varchar, to_currency_code varchar,
                valid_from_date date, valid_to_date date, exchange_rate decimal(38, 12)
            );
            insert into billing.dim_exchange_rates values
                ('EUR', 'USD', '2026-09-01', '2026-09-30', 9.9),
                ('EUR', 'USD', '2026-09-30', '2026-10-01', 1.091234567891),
                ('EUR', 'USD', '2026-10-01', null, 1.0875),
                ('JPY', 'USD', '2026-09-01', null, 0.006785),
                ('EUR', 'JPY', '2026-09-01', null, 161.12),
                ('USD', 'GBP', '2026-09-01', null, 0.75)
            """
        )
        yield connection


def report(
    marts: duckdb.DuckDBPyConnection, *lines: tuple[str, str, str | None]
) -> dict[tuple[str, str], tuple[Decimal | None, date | None, Decimal | None]]:
    """In US dollars, the rate's day and the period's sum, by billing period and currency."""
    marts.executemany("insert into rating.fct_rated_lines values (?, ?, ?, true)", lines)
    found = marts.execute(QUERY)
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {
        (row["billing_period"], row["currency_code"]): (
            row["amount_in_usd"],
            row["rate_date"],
            row["period_amount_in_usd"],
        )
        for row in rows
    }


def test_totals_are_translated_at_the_rate_in_force_on_the_last_day_of_the_period(marts) -> None:
    """1000.50 x 1.091234567891 = 1091.78018…, 1 000 000 x 0.006785 = 6785."""
    found = report(
        marts,
        ("2026-09", "EUR", "1000"),
        ("2026-09", "EUR", "0.50"),
        ("2026-09", "JPY", "1000000"),
        ("2026-09", "USD", "100.10"),
        ("2026-10", "EUR", "1000.50"),
    )
    total = Decimal("7976.88")
    assert {
        ("2026-09", "EUR"): (Decimal("1091.78"), date(2026, 9, 30), total),
        ("2026-09", "JPY"): (Decimal("6785.00"), date(2026, 9, 1), total),
        ("2026-09", "USD"): (Decimal("100.10"), None, total),
        ("2026-10", "EUR"): (Decimal("1088.04"), date(2026, 10, 1), Decimal("1088.04")),
    } == found


@pytest.mark.parametrize(("yen", "dollars"), [("1000", "6.79"), ("-1000", "-6.79")])
def test_half_a_cent_is_rounded_away_from_zero(marts, yen: str, dollars: str) -> None:
    """1000 x 0.006785 = 6.785."""
    found = report(marts, ("2026-09", "JPY", yen))
    assert Decimal(dollars) == found["2026-09", "JPY"][0]


def test_without_a_rate_in_force_neither_the_currency_nor_the_sum_has_a_figure(marts) -> None:
    """Before the first rate; a pair that only its inverse, or a third currency, could give."""
    found = report(
        marts,
        ("2026-08", "EUR", "1"),
        ("2026-08", "USD", "2"),
        ("2026-09", "GBP", "1"),
        ("2026-09", "USD", "2"),
    )
    none = (None, None, None)
    own = (Decimal("2.00"), None, None)
    assert {
        ("2026-08", "EUR"): none,
        ("2026-08", "USD"): own,
        ("2026-09", "GBP"): none,
        ("2026-09", "USD"): own,
    } == found


def test_an_unknown_amount_is_no_zero_and_no_row(marts) -> None:
    found = report(marts, ("2026-09", "EUR", None), ("2026-09", "USD", "2"))
    assert [("2026-09", "USD")] == list(found)


def test_what_is_not_due_yet_is_not_in_the_totals(marts) -> None:
    marts.execute("insert into rating.fct_rated_lines values ('2026-09', 'USD', 7, false)")
    found = report(marts, ("2026-09", "USD", "2"))
    assert {("2026-09", "USD"): (Decimal("2.00"), None, Decimal("2.00"))} == found
