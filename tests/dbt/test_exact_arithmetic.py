"""Whole-number arithmetic of the macros beside Python's, around the widths where it changes.

Belongs here: exact_arithmetic.sql, rendered and run in DuckDB. Does not belong here: prices.
"""

from decimal import Decimal, localcontext
from itertools import product
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pytest

from orchestration.dbt import DBT_PROJECT_DIR

WIDE = 10**18
DIVIDENDS = (
    *(0, 1, 7, WIDE - 1, WIDE, WIDE + 1, 2**63 - 1, 2**63, 10**33 + 7),
    *(-1, -7, -WIDE + 1, -WIDE, -WIDE - 1, -(2**63), -(2**63) - 1, -(10**33) - 7),
)
DIVISORS = (1, 2, 3, 10**9, WIDE - 1, WIDE, WIDE + 1, 2**63, 10**30 + 1)
LARGEST = 10**33 - 1


@pytest.fixture(scope="module")
def macros() -> Any:
    """The macros of exact_arithmetic.sql as functions that return SQL, for DuckDB."""
    source = (DBT_PROJECT_DIR / "macros/rating/exact_arithmetic.sql").read_text("utf-8")
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 — SQL, never HTML
    environment.globals["return"] = lambda rendered: rendered
    environment.globals["adapter"] = SimpleNamespace(
        dispatch=lambda name, _: getattr(module, f"duckdb__{name}")
    )
    module: Any = environment.from_string(source).module
    return module


def computed(columns: str, rows: list[tuple[Any, ...]], query: str) -> list[tuple[Any, ...]]:
    """Rows of a query over `given`, whose columns hold whole numbers."""
    values = ", ".join(
        "(" + ", ".join("null" if n is None else f"cast({n} as hugeint)" for n in row) + ")"
        for row in rows
    )
    with duckdb.connect() as connection:
        connection.execute(f"create table given as from (values {values}) as given ({columns})")
        return connection.execute(query).fetchall()


def test_a_quotient_is_the_floor_however_wide_its_numbers_are(macros: Any) -> None:
    pairs = list(product(DIVIDENDS, DIVISORS))
    found = computed(
        "dividend, divisor",
        pairs,
        f"select dividend, divisor, {macros.floor_quotient('dividend', 'divisor')}, "
        f"{macros.floor_remainder('dividend', 'divisor')} from given",
    )
    assert {pair: divmod(*pair) for pair in pairs} == {
        (dividend, divisor): (quotient, rest) for dividend, divisor, quotient, rest in found
    }


def test_a_number_that_is_not_known_has_no_quotient(macros: Any) -> None:
    quotient = macros.floor_quotient("dividend", "divisor")
    rest = macros.floor_remainder("dividend", "divisor")
    assert [(None, None)] * 2 == computed(
        "dividend, divisor",
        [(None, 3), (None, 10**30)],
        f"select {quotient}, {rest} from given",
    )


@pytest.mark.parametrize("scale", [0, 4, 9, 12])
def test_a_decimal_is_split_into_its_digits_however_many_they_are(macros: Any, scale: int) -> None:
    one = 10**scale
    sizes = (0, 1, one // 2, one - 1, one, one + 1, 7 * WIDE + 3, 10**37 + 7)
    around_words = range(WIDE - one - 1, WIDE + 2)
    sizes += (*around_words[:3], *around_words[-3:], 2**63 - 1, 2**63)
    digits = sorted({sign * size for sign in (1, -1) for size in sizes})
    with localcontext(prec=38), duckdb.connect() as connection:
        connection.execute(f"create table given (number decimal(38, {scale}))")
        for each in digits:
            connection.execute("insert into given values (?)", [Decimal(each).scaleb(-scale)])
        split = macros.scaled_integer("number", scale)
        found = connection.execute(f"select {split} from given order by number").fetchall()
    assert digits == [each for (each,) in found]


def rounded(dividend: int, divisor: int, mode: str) -> int:
    """Dividend ÷ divisor by a rounding mode that mirrors negative numbers."""
    quotient, rest = divmod(abs(dividend), divisor)
    steps = {
        "down": False,
        "up": rest > 0,
        "half_even": 2 * rest > divisor or (2 * rest == divisor and quotient % 2 == 1),
        "half_away": 2 * rest >= divisor,
    }
    size = quotient + steps[mode]
    return size if dividend >= 0 else -size


@pytest.mark.parametrize("mode", ["down", "up", "half_even", "half_away"])
@pytest.mark.parametrize("form", ["rounded_quotient", "narrow_rounded_quotient"])
def test_a_quotient_is_rounded_by_its_mode_however_wide_its_numbers_are(
    macros: Any, form: str, mode: str
) -> None:
    halves = [(sign * each * 10**9, 2 * 10**9) for sign in (1, -1) for each in (1, 3, 5)]
    pairs = [*product(DIVIDENDS, DIVISORS), *halves]
    quotient = getattr(macros, form)("dividend", "divisor", f"'{mode}'")
    found = computed("dividend, divisor", pairs, f"select dividend, divisor, {quotient} from given")
    assert {pair: rounded(*pair, mode) for pair in pairs} == {
        (dividend, divisor): quotient for dividend, divisor, quotient in found
    }


def test_a_whole_decimal_keeps_every_digit(macros: Any) -> None:
    edges = (10**17 - 1, 10**17, 10**17 + 1, 10**18, 10**37 + 7)
    numbers = [0, *edges, *(-edge for edge in edges)]
    found = computed(
        "number",
        [(number,) for number in [*numbers, None]],
        f"select number, {macros.narrow_whole('whole')} from "
        "(select number, cast(number as decimal(38, 0)) as whole from given) as wholes",
    )
    assert {None: None, **{number: number for number in numbers}} == dict(found)


def test_a_power_of_ten_is_exact_beyond_what_a_double_holds(macros: Any) -> None:
    found = computed(
        "exponent",
        [(exponent,) for exponent in [*range(38), None]],
        f"select exponent, {macros.power_of_ten('exponent')} from given",
    )
    assert {None: None, **{exponent: 10**exponent for exponent in range(38)}} == dict(found)


@pytest.mark.parametrize("form", ["in_proportion", "proportional_columns"])
def test_a_share_is_exact_up_to_seventy_digits_and_unknown_beyond_thirty_eight(
    macros: Any, form: str
) -> None:
    share = ("total", "weight", "whole", "share")
    shared = {
        "in_proportion": macros.in_proportion("given", [share], "shared"),
        "proportional_columns": (
            f"shared as (select *, {macros.proportional_columns(*share)} from given)"
        ),
    }
    numbers = (1, 3, -7, 10**9, WIDE + 1, LARGEST, -LARGEST)
    asked = list(product((0, *numbers), (0, *numbers), numbers))
    found = computed(
        "total, weight, whole",
        asked,
        f"with {shared[form]} select total, weight, whole, share_units, share_rest from shared",
    )
    expected = {}
    for total, weight, whole in asked:
        signed = total * weight if whole > 0 else -total * weight
        expected[total, weight, whole] = divmod(signed, abs(whole))
    known = {
        (total, weight, whole): (units, rest)
        for total, weight, whole, units, rest in found
        if units is not None
    }
    assert {each: expected[each] for each in known} == known
    assert all(abs(expected[each][0]) >= 10**38 for each in expected.keys() - known.keys())
    assert any(abs(units) > 10**32 for units, _ in known.values())
