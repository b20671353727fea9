"""What people read of fct_conservation: units never add up, and a broken scope has a name."""

from decimal import Decimal
from io import StringIO

import duckdb
import pytest
from rich.console import Console

from orchestration.quality.conservation import ConservationFigure, read_conservation
from orchestration.reports.tables import conservation_sheet

TABLE = """
    create schema reconciliation;
    create table reconciliation.fct_conservation (
        invariant_number integer, check_name varchar, is_headline boolean, scope_kind varchar,
        scope_id varchar, unit varchar, left_label varchar, left_figure decimal(38, 9),
        right_label varchar, right_figure decimal(38, 9), difference decimal(38, 9),
        is_held boolean, what_to_do varchar
    )
"""
LINES = (1, "every_line_is_accounted_for", True)
DAYS = (1, "announced_source_days_have_arrived", True)
TIERS = (5, "lines_equal_their_tiers", False)
RATED = (6, "rated_amount_is_billed_due_or_held", True)
ERP = (7, "erp_amounts_equal_signed_amounts", True)


def row(check, scope_kind, scope_id, unit, *both):
    left, right = map(Decimal, both)
    sides = ("what was counted", left, "what it was counted against", right)
    held = (left - right, left == right, f"Look at {check[1]}.")
    return (*check, scope_kind, scope_id, unit, *sides, *held)


def read(*rows) -> list[ConservationFigure]:
    with duckdb.connect() as connection:
        connection.execute(TABLE)
        for each in rows:
            marks = ", ".join("?" * len(each))
            connection.execute(
                f"insert into reconciliation.fct_conservation values ({marks})",
                each,
            )
        return read_conservation(connection)


def printed(figures: list[ConservationFigure], *, width: int = 120) -> str:
    page = StringIO()
    Console(width=width, file=page).print(conservation_sheet(figures))
    return page.getvalue()


@pytest.fixture
def sound() -> list[ConservationFigure]:
    return read(
        row(LINES, "all", "all", "lines", "203198", "203198"),
        row(LINES, "ingestion_batch", "1", "lines", "3198", "3198"),
        row(LINES, "ingestion_batch", "2", "lines", "200000", "200000"),
        row(TIERS, "all", "all", "currencies", "1", "1"),
        row(TIERS, "currency", "USD", "USD", "71440.69", "71440.69"),
        row(RATED, "all", "all", "currencies", "2", "2"),
        row(RATED, "currency", "JPY", "JPY", "4002726", "4002726"),
        row(RATED, "currency", "USD", "USD", "71440.69", "71440.69"),
        row(ERP, "all", "all", "currencies", "0", "0"),
    )


def test_scopes_of_one_unit_add_up_and_amounts_stand_by_currency(sound):
    """Invariants 1 and 6."""
    lines, _, rated, erp = sound
    assert [("203,198 lines", "203,198 lines", "0")] == texts(lines)
    assert [
        ("JPY 4,002,726", "JPY 4,002,726", "JPY 0"),
        ("USD 71,440.69", "USD 71,440.69", "USD 0.00"),
    ] == texts(rated)
    assert [] == texts(erp)


def texts(figure):
    return [
        (each.text(each.left_figure), each.text(each.right_figure), each.difference_text())
        for each in figure.sides
    ]


def test_as_a_check_it_names_both_sides_with_their_units(sound):
    assert {
        "what was counted": "JPY 4,002,726, USD 71,440.69",
        "what it was counted against": "JPY 4,002,726, USD 71,440.69",
        "difference": "JPY 0, USD 0.00",
        "scopes": "2",
    } == sound[2].as_check().figures
    assert "none yet" == sound[3].as_check().figures["difference"]


def test_finance_sees_the_headlines_and_no_count_of_currencies(sound):
    text = printed(sound)
    assert "203,198 lines" in text
    assert "USD 71,440.69" in text
    assert "currencies" not in text
    assert 2 == text.count("USD 71,440.69")
    assert 3 == text.count("holds")


def test_a_broken_check_is_shown_with_place_and_next_step_headline_or_not():
    """Invariants 1 and 5."""
    figures = read(
        row(DAYS, "all", "all", "source-days", "3", "1"),
        row(DAYS, "source_day", "2026-10-11 /gateway/", "source-days", "1", "1"),
        row(DAYS, "source_day", "2026-10-12 /gateway/", "source-days", "1", "0"),
        row(DAYS, "source_day", "2026-10-13 /gateway/", "source-days", "1", "0"),
        row(TIERS, "all", "all", "currencies", "1", "0"),
        row(TIERS, "currency", "USD", "USD", "10.005", "10.00"),
    )
    days, tiers = figures
    missing = "source_day 2026-10-12 /gateway/, source_day 2026-10-13 /gateway/"
    assert [("3 source-days", "1 source-days", "2")] == texts(days)
    assert [("USD 10.005", "USD 10.00", "USD 0.005")] == texts(tiers)
    assert not days.as_check().is_passed
    assert (missing, "Look at announced_source_days_have_arrived.") == (
        days.as_check().figures["broken"],
        days.as_check().figures["what to do"],
    )
    text = printed(figures, width=200)
    assert missing in text
    assert "Look at lines_equal_their_tiers." in text
    assert 2 == text.count("BROKEN")


def test_many_broken_scopes_are_counted_and_the_first_ones_named():
    rows = [row(LINES, "ingestion_batch", str(n), "lines", "2", "1") for n in range(1, 9)]
    [figure] = read(row(LINES, "all", "all", "lines", "16", "8"), *rows)
    named = ", ".join(f"ingestion_batch {n}" for n in range(1, 6))
    assert f"{named} and 3 more" == figure.broken_text()


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_terminal_is_too_narrow_for_a_whole_figure(width):
    left = "1519242085223123456"
    [figure] = read(row(RATED, "meter", "egress", "byte", left, left))
    text = printed([figure], width=width)
    assert 2 == text.count("1,519,242,085,223,123,456 byte")


def test_the_right_side_stands_below_the_left_one_where_both_do_not_fit_beside_each_other(sound):
    wide = printed(sound, width=100).splitlines()
    narrow = printed(sound, width=66).splitlines()
    assert [2] == [line.count("203,198 lines") for line in wide if "203,198" in line]
    left, right = [line for line in narrow if "203,198 lines" in line]
    assert "what was counted " in left
    assert "= what it was counted against " in right
