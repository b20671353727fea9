"""The band of a change is that of its percentage as shown, found without a binary fraction."""

from decimal import ROUND_HALF_UP, Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.whatif.bands import BANDS, band_number, change_percent

AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, places=4)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as opened:
        yield opened


def asked(connection, before, difference, *, is_moved=False):
    """The percentage and the band's name, as SQL finds them."""
    columns = ("before_amount", "difference_amount")
    percent, number = connection.execute(
        f"""
        select
            {change_percent(*columns)},
            {band_number(*columns, "is_moved")}
        from (
            select
                cast($before as decimal(38, 4)) as before_amount,
                cast($difference as decimal(38, 4)) as difference_amount,
                cast($is_moved as boolean) as is_moved
        )
        """,
        {"before": before, "difference": difference, "is_moved": is_moved},
    ).fetchone()
    return percent, BANDS[number - 1]


def oracle(before, difference):
    """The same by decimals of Python, from the specification."""
    if not difference:
        return (Decimal("0.0") if before else None), "the same"
    if not before:
        return None, "from nothing"
    exact = difference / abs(before) * 100
    percent = exact.quantize(Decimal("0.1"), ROUND_HALF_UP)
    size = abs(percent)
    word = "more" if difference > 0 else "less"
    for edge, name in ((5, "up to 5 %"), (10, "5 to 10 %"), (25, "10 to 25 %"), (50, "25 to 50 %")):
        if size <= edge:
            return percent, f"{name} {word}"
    if word == "less":
        return percent, "over 50 % less"
    return percent, "50 to 100 % more" if size <= 100 else "over 100 % more"


@given(before=AMOUNTS, difference=AMOUNTS)
def test_percentage_and_band_are_those_of_decimal_arithmetic(connection, before, difference):
    assert oracle(before, difference) == asked(connection, before, difference)


@given(before=st.decimals(min_value=1, max_value=10**6, places=2), tenths=st.integers(-1100, 1100))
def test_a_change_near_an_edge_is_in_the_band_of_what_is_shown(connection, before, tenths):
    difference = (before * tenths / 1000).quantize(Decimal("0.0001"))
    assert oracle(before, difference) == asked(connection, before, difference)


@pytest.mark.parametrize(
    ("before", "difference", "percent", "band"),
    [
        ("100", "10", "10.0", "5 to 10 % more"),
        ("0.95", "0.10", "10.5", "10 to 25 % more"),
        ("331.67", "33.17", "10.0", "5 to 10 % more"),
        ("100", "-100", "-100.0", "over 50 % less"),
        ("100", "-50", "-50.0", "25 to 50 % less"),
        ("100000", "0.01", "0.0", "up to 5 % more"),
        ("100000", "-0.01", "0.0", "up to 5 % less"),
        ("-20", "10", "50.0", "25 to 50 % more"),
        ("-20", "-10", "-50.0", "25 to 50 % less"),
        ("0", "7", None, "from nothing"),
        ("0", "-7", None, "from nothing"),
        ("0", "0", None, "the same"),
        ("5", "0", "0.0", "the same"),
        ("3", "9000", "300000.0", "over 100 % more"),
    ],
)
def test_edges_belong_to_the_band_nearer_to_none_and_more_revenue_is_positive(
    connection, before, difference, percent, band
):
    found = asked(connection, Decimal(before), Decimal(difference))
    assert (None if percent is None else Decimal(percent), band) == found


def test_a_customer_in_another_currency_has_a_band_of_its_own(connection):
    found = asked(connection, Decimal(0), Decimal(7), is_moved=True)
    assert (None, "another currency") == found
