"""Tables at every width: a figure and a name stay whole, words wrap, sheets stand apart."""

from io import StringIO

import pytest
from rich.console import Console

from orchestration.reports.layout import Column, Kind, Sheet, print_sheets

NAME = "us_inc:2026-10:r1"
AMOUNT = "USD 1,234,567,890.12"
WORDS = "One event id came with different content: have the source send the right one anew."


def sheet(*, narrower: Sheet | None = None, note: str = "") -> Sheet:
    columns = (Column("revision"), Column("amount", Kind.FIGURE), Column("what to do", Kind.WORDS))
    made = Sheet("Revisions", *columns, note=note, narrower=narrower)
    made.add_row(NAME, AMOUNT, WORDS)
    made.add_row(NAME, "0", "")
    return made


def printed(*sheets: Sheet, width: int) -> list[str]:
    page = StringIO()
    print_sheets(Console(file=page, width=width), *sheets)
    return [line.rstrip() for line in page.getvalue().splitlines()]


@pytest.mark.parametrize("width", [40, 63, 64, 65, 66, 80, 100, 140])
def test_names_figures_and_words_stay_whole_at_every_width(width: int) -> None:
    lines = printed(sheet(), width=width)

    text = " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= width
    assert 2 == text.count(NAME)
    assert 1 == text.count(AMOUNT)
    assert set(WORDS.split()) <= set(text.split())


def test_what_fits_is_a_table_with_its_headings_once() -> None:
    lines = printed(sheet(), width=80)

    assert "Revisions" == lines[0]
    assert 1 == " ".join(lines).count("what to do")


def test_what_does_not_fit_becomes_a_block_of_lines_for_each_row() -> None:
    lines = printed(sheet(), width=50)

    assert [
        "Revisions",
        f"revision    {NAME}",
        f"amount      {AMOUNT}",
        "what to do  One event id came with different",
    ] == lines[:4]
    assert ["", f"revision    {NAME}", "amount      0", ""] == lines[-4:]


def test_a_narrower_sheet_is_tried_before_the_blocks() -> None:
    narrower = Sheet("Amounts", Column("amount", Kind.FIGURE))
    narrower.add_row(AMOUNT)

    assert "Amounts" == printed(sheet(narrower=narrower), width=50)[0]
    assert "Revisions" == printed(sheet(narrower=narrower), width=80)[0]


def test_a_column_of_words_is_never_narrower_than_its_longest_word() -> None:
    path = "folder /tmp/a-data-directory-with-a-long-name/landing/usage: is there"
    made = Sheet("", Column("mark"), Column("finding", Kind.WORDS))
    made.add_row("sound", path)

    assert path.split()[1] in " ".join(printed(made, width=60))


def test_a_blank_line_follows_each_sheet_and_its_note() -> None:
    lines = printed(sheet(note="As of now."), sheet(), width=80)

    assert ["As of now.", "", "Revisions"] == lines[
        lines.index("As of now.") : lines.index("As of now.") + 3
    ]
    assert "" == lines[-1]


def test_a_section_stands_apart_and_a_sheet_without_headings_has_no_line() -> None:
    made = Sheet("Files", Column(""), Column("", Kind.FIGURE))
    made.add_row("loaded", "1")
    made.add_section()
    made.add_row("lines", "10")

    assert ["Files", "loaded   1", "", "lines   10", ""] == printed(made, width=80)
