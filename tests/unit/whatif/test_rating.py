"""Only what differs is rated again, and a period without a line is refused."""

import re
from pathlib import Path

import duckdb
import pytest

from orchestration.dbt import DBT_PROJECT_DIR
from orchestration.price_book.table_schemas import PRICE_BOOK_TABLES, TABLE_SCHEMAS
from orchestration.settings import Settings
from orchestration.whatif.rating import (
    PRICE_TABLES,
    PeriodNotRatedError,
    _refuse_unrated,
    selection_of,
)

REFERENCE = re.compile(r"ref\('(\w+)'\)|source\('(?:price_book|reference)', '(\w+)'\)")
CALL = re.compile(r"\b(\w+)\(")
MACRO = re.compile(r"{%-? macro (\w+)\(.*?{%-? endmacro", re.DOTALL)


def read_by_models():
    """What each model reads, itself and by the macros that it calls: models, and tables by name."""
    macros = {}
    for path in (DBT_PROJECT_DIR / "macros").rglob("*.sql"):
        for found in MACRO.finditer(path.read_text("utf-8")):
            macros[found[1]] = found[0]
    models = {path.stem: path for path in (DBT_PROJECT_DIR / "models").rglob("*.sql")}

    def reads(text, seen):
        names = {name for pair in REFERENCE.findall(text) for name in pair if name}
        for name in set(CALL.findall(text)) & macros.keys() - seen:
            names |= reads(macros[name], seen | {name})
        return names

    return {
        name: reads(path.read_text("utf-8"), frozenset()) - {name} for name, path in models.items()
    }


def above(models, name):
    """Everything that a model rests on."""
    found, waiting = set(), [name]
    while waiting:
        for each in models.get(waiting.pop(), ()):
            if each not in found:
                found.add(each)
                waiting.append(each)
    return found


def test_no_usage_is_counted_cut_or_placed_by_a_table_of_prices():
    """So a scenario of prices alone leaves all of metering, and the cells, as they are."""
    models = read_by_models()
    untouched = ("int_usage__counted", "int_usage__series", "int_events__kept")
    untouched += ("int_usage__metered", "int_contracts__cells", "int_events__set_aside")
    assert "meters" in above(models, "int_usage__counted")
    for name in untouched:
        assert set() == PRICE_TABLES & above(models, name), name


def test_prices_alone_build_what_comes_of_them():
    assert (
        "--select",
        "+fct_rated_lines,source:tallyhouse.price_book.charge_limits+",
        "+fct_rated_lines,source:tallyhouse.price_book.charge_tiers+",
        "--exclude-resource-type",
        "test",
    ) == selection_of(frozenset({"charge_tiers", "charge_limits"}))


@pytest.mark.parametrize("table", sorted(TABLE_SCHEMAS.keys() - PRICE_TABLES))
def test_any_other_table_also_asks_what_metering_has_to_take_in(table):
    """The model that opens a range is no child of every table that usage is cut by."""
    selection = selection_of(frozenset({"charge_tiers", table}))
    assert "stg_usage__events" in selection
    [path] = [each for each in selection if each.endswith(f".{table}+")]
    folder = "price_book" if table in PRICE_BOOK_TABLES else "reference"
    assert f"+fct_rated_lines,source:tallyhouse.{folder}.{table}+" == path


@pytest.fixture
def settings(tmp_path: Path):
    made = Settings(data_dir=tmp_path)
    made.warehouse.mkdir()
    with duckdb.connect(made.warehouse_file) as connection:
        connection.execute("create schema rating")
        connection.execute(
            "create table rating.fct_rated_lines as "
            "select * from (values ('2026-09'), ('2026-10')) as lines (billing_period)"
        )
    return made


def test_periods_that_are_rated_pass(settings):
    _refuse_unrated(settings, ["2026-09", "2026-10"])


def test_a_period_without_a_line_is_refused_and_the_message_names_what_there_is(settings):
    with pytest.raises(PeriodNotRatedError, match=r"2026-08, 2026-11 .* from 2026-09 to 2026-10"):
        _refuse_unrated(settings, ["2026-08", "2026-09", "2026-11"])


def test_where_nothing_is_rated_at_all_it_says_so(settings):
    with duckdb.connect(settings.warehouse_file) as connection:
        connection.execute("delete from rating.fct_rated_lines")
    with pytest.raises(PeriodNotRatedError, match="There is none at all"):
        _refuse_unrated(settings, ["2026-09"])
