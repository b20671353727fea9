"""An answer about scenarios as tables, JSON, CSV, a page and charts that stay the same bytes."""

import csv
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from io import StringIO

import pytest
from rated_sides import compared, events, line, tables
from rich.console import Console

from orchestration.reports.histogram import Bar, Tone, histogram
from orchestration.reports.what_if_files import write_what_if
from orchestration.reports.what_ifs import print_what_if, what_if_json
from orchestration.settings import Settings
from orchestration.whatif.what_if import WhatIf

SVG = "{http://www.w3.org/2000/svg}"
SEGMENTS = {"a": "large", "b": "small", "h": "small"}
BEFORE = [line("a", "100"), line("b", "40"), line("h", "7", unknown=2, codes=["missing_price"])]
AFTER = [line("a", "110"), line("b", "30"), line("h", "7", unknown=2, codes=["missing_price"])]


def answer(*comparisons, periods=("2026-09",), not_due=None, name="tried"):
    return WhatIf(
        periods=periods,
        reference_version="abc",
        last_ingestion_batch_id=3,
        not_due_line_counts=not_due or {},
        comparisons=comparisons,
        name=name,
    )


@pytest.fixture
def dearer():
    return compared(BEFORE, AFTER, name="dearer", current=tables(segments=SEGMENTS))


@pytest.fixture
def same():
    return compared(BEFORE, BEFORE, name="the <same>", current=tables(segments=SEGMENTS))


def printed(found):
    console = Console(file=StringIO(), width=160)
    print_what_if(console, found)
    return [" ".join(each.split()) for each in console.file.getvalue().splitlines()]


def files_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_scenarios_stand_side_by_side_and_say_what_stands_apart(dearer, same):
    lines = printed(answer(dearer, same))
    place = lines.index("USD dearer 2 140.00 140.00 0.00 0.0 % 1 7.00")
    assert "USD the <same> 2 140.00 140.00 0.00 0.0 % 1 7.00" == lines[place + 1]
    assert any("what is not known is no loss" in each for each in lines)


def test_gains_losses_bands_and_segments_of_a_scenario_are_told(dearer):
    lines = printed(answer(dearer))
    assert "USD 5 to 10 % more 1 ████████████████████████ +10.00" in lines
    assert "USD 10 to 25 % less 1 ████████████████████████ -10.00" in lines
    assert "USD a A large 100.00 110.00 +10.00 +10.0 %" in lines
    assert "USD b B small 40.00 30.00 -10.00 -25.0 %" in lines
    assert "USD small 1 40.00 30.00 -10.00 -25.0 %" in lines
    assert (
        "USD h a line is unknown before and after: missing_price 7.00 7.00 2 lines 2 lines" in lines
    )


def test_a_scenario_that_changes_nothing_says_so_and_shows_no_empty_tables(same):
    lines = printed(answer(same))
    assert "the <same> replaces price_book, and changes no amount that is compared." in lines
    assert not [each for each in lines if "by plan" in each or "pay" in each.split(":")[0].split()]


def test_usage_without_a_charge_is_why_a_customer_stands_apart():
    comparison = compared([line("a", "9"), events("a", 2)], [line("a", "1"), events("a", 1)])
    [told] = [each for each in printed(answer(comparison)) if each.startswith("USD a ")]
    assert "USD a usage that is rated before has no charge after 9.00 1.00 0 lines 0 lines" == told


def test_months_are_told_where_there_are_several_and_one_that_is_not_over_is_named(dearer):
    found = answer(dearer, periods=("2026-09", "2026-10"), not_due={"2026-10": 1200})
    lines = printed(found)
    assert "USD 2026-09 2 140.00 140.00 0.00 0.0 %" in lines
    assert "2026-10 is not over: 1,200 of its lines are not due yet, and may still change." in lines


def test_json_has_amounts_of_their_currency_and_the_names_of_bands(dearer):
    [told] = what_if_json(answer(dearer))["scenarios"]
    assert ("10.00", "-10.00") == tuple(
        told[side][0]["difference_amount"] for side in ("gains", "losses")
    )
    assert {"5 to 10 % more", "10 to 25 % less"} == {
        row["band"] for row in told["distribution"] if row["customer_count"]
    }
    assert "7.00" == told["apart"][0]["before_known_amount"]


def test_the_same_answer_makes_the_same_bytes_and_takes_the_place_of_the_one_before(
    tmp_path, dearer, same
):
    settings, found = Settings(data_dir=tmp_path), answer(dearer, same)
    folder = tmp_path / found.folder
    folder.mkdir(parents=True)
    (folder / "of-another-question.csv").write_text("", "utf-8")
    write_what_if(settings, found)
    before = files_of(folder)
    write_what_if(settings, found)
    assert before == files_of(folder)
    assert [folder] == list(folder.parent.iterdir())
    assert {
        *("01-dearer-USD.svg", "02-the-same--USD.svg", "what-if.html", "totals.csv"),
        *("plans.csv", "segments.csv", "months.csv", "distribution.csv"),
        *("customers.csv", "apart.csv"),
    } == before.keys()


def test_every_row_of_every_scenario_is_in_the_csv_files_exactly(tmp_path, dearer, same):
    found = answer(dearer, same)
    write_what_if(Settings(data_dir=tmp_path), found)
    with (tmp_path / found.folder / "customers.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [
        ("dearer", "a", "10.0000", "10.0", "5 to 10 % more"),
        ("dearer", "b", "-10.0000", "-25.0", "10 to 25 % less"),
        ("the <same>", "a", "0.0000", "0.0", "the same"),
        ("the <same>", "b", "0.0000", "0.0", "the same"),
    ] == [
        tuple(
            row[name]
            for name in (
                *("scenario", "customer_id", "difference_amount", "change_percent", "band"),
            )
        )
        for row in rows
    ]


def test_a_table_without_a_row_still_names_its_columns(tmp_path):
    found = answer(compared([line("a", "1")], [line("a", "1")]))
    write_what_if(Settings(data_dir=tmp_path), found)
    apart = (tmp_path / found.folder / "apart.csv").read_text("utf-8")
    assert apart.startswith("scenario,customer_id,")
    assert 1 == apart.count("\n")


def test_the_page_needs_no_other_file_and_hides_no_text_in_its_marks(tmp_path, dearer, same):
    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.words, self.links = [], []

        def handle_data(self, data):
            self.words.append(data.strip())

        def handle_starttag(self, tag, attrs):  # noqa: ARG002 — its base class calls it so
            self.links += [value for name, value in attrs if name in {"src", "href"}]

    found, reader = answer(dearer, same), Reader()
    write_what_if(Settings(data_dir=tmp_path), found)
    reader.feed((tmp_path / found.folder / "what-if.html").read_text("utf-8"))
    assert [] == reader.links
    assert {"the <same>", "What if, 2026-09", "-25.0 %"} <= set(reader.words)


def test_a_drawing_has_a_bar_for_each_band_that_somebody_is_in():
    bars = [
        Bar("10 to 25 % less", 1, "1 customer, USD -10.00", Tone.LESS),
        Bar("the same", 0, "never shown", Tone.SAME),
        Bar("over 100 % & more", 4, "4 customers, USD +2.00", Tone.MORE),
    ]
    drawing = ET.fromstring(histogram("<dearer>", "2026-09", bars))  # noqa: S314 — our own drawing
    rectangles = [
        (int(each.get("width")), each.get("fill")) for each in drawing.iter(f"{SVG}rect")
    ][1:]
    texts = [each.text for each in drawing.iter(f"{SVG}text")]
    assert [(105, Tone.LESS.value), (420, Tone.MORE.value)] == rectangles
    assert "over 100 % & more" in texts
    assert "<dearer>" in texts
    assert "never shown" not in texts


def test_a_drawing_of_nobody_has_no_bar():
    drawing = histogram("dearer", "2026-09", [Bar("the same", 0, "", Tone.SAME)])
    assert 1 == drawing.count("<rect")
