"""CSV and Parquet tables: the same exact values, whichever way they come."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.price_book.problems import ProblemList
from orchestration.price_book.table_reader import read_csv, read_parquet

COLUMNS = ("name", "note")


def csv_rows(content: bytes) -> tuple[Any, list[tuple[str, int]]]:
    problems = ProblemList()
    table = read_csv("t.csv", content, COLUMNS, problems)
    return table, [(problem.code, problem.line) for problem in problems.sorted()]


def parquet_rows(table: pa.Table) -> tuple[Any, list[tuple[str, int]]]:
    file = io.BytesIO()
    pq.write_table(table, file)
    problems = ProblemList()
    read = read_parquet("t.parquet", file.getvalue(), tuple(table.column_names), problems)
    return read, [(problem.code, problem.line) for problem in problems.sorted()]


def test_quotes_commas_blank_lines_and_empty_fields_are_read_as_rfc_4180_says() -> None:
    table, problems = csv_rows(b'note,name\r\n"a, ""b""",x\r\n\r\n,y\r\n')
    assert [] == problems
    assert [(2, {"note": 'a, "b"', "name": "x"}), (4, {"note": None, "name": "y"})] == [
        (row.line, row.cells) for row in table.rows
    ]


def test_the_byte_order_mark_of_spreadsheets_is_dropped() -> None:
    table, problems = csv_rows(b"\xef\xbb\xbfname,note\na,b\n")
    assert [] == problems
    assert [{"name": "a", "note": "b"}] == [row.cells for row in table.rows]


def test_a_line_break_inside_quotes_is_refused_and_later_lines_keep_their_numbers() -> None:
    table, problems = csv_rows(b'name,note\n"a\nb",c\nd,e,f\ng,h\n')
    assert [("control_character_in_field", 2), ("csv_malformed", 4)] == problems
    assert [(5, "g")] == [(row.line, row.cells["name"]) for row in table.rows]
    assert not table.is_whole


@pytest.mark.parametrize("content", [b'name,note\n"a,b\n', b'name,note\n"a"x,b\n'])
def test_a_quote_that_is_not_closed_well_is_refused(content: bytes) -> None:
    assert (None, [("csv_malformed", 2)]) == csv_rows(content)


def test_a_field_of_many_bytes_is_refused_instead_of_read() -> None:
    table, problems = csv_rows(b"name,note\n" + b"a" * 200_000 + b",b\n")
    assert table is None
    assert [("csv_malformed", 2)] == problems


def test_an_empty_file_has_no_header() -> None:
    assert (None, [("csv_header", 1)]) == csv_rows(b"")


def test_a_column_that_stands_twice_is_refused() -> None:
    assert (None, [("csv_header", 1)]) == csv_rows(b"name,note,name\na,b,c\n")


def test_full_width_formulas_are_refused_like_plain_ones() -> None:
    _, problems = csv_rows("name,note\n\uff1d1+1,b\na,\uff20SUM\n".encode())
    assert [("formula_in_field", 2), ("formula_in_field", 3)] == problems


@pytest.mark.parametrize("text", ["森\u3000商事", "Café\u00a0Noir", "a=b", "a-b", "1+1"])
def test_spaces_of_any_script_and_signs_inside_a_text_are_kept(text: str) -> None:
    table, problems = csv_rows(f"name,note\n{text},b\n".encode())
    assert [] == problems
    assert [text] == [row.cells["name"] for row in table.rows]


def test_parquet_values_are_exact_and_instants_are_utc() -> None:
    read, problems = parquet_rows(
        pa.table(
            {
                "amount": pa.array([Decimal("1.10")], pa.decimal128(10, 2)),
                "number": pa.array([7], pa.int64()),
                "day": pa.array([date(2026, 1, 31)]),
                "naive": pa.array([datetime(2026, 1, 31, 12)], pa.timestamp("us")),  # noqa: DTZ001 - naive is UTC
                "zoned": pa.array(
                    [datetime(2026, 1, 31, 12, tzinfo=UTC)], pa.timestamp("us", tz="Asia/Tokyo")
                ),
                "empty": [""],
            }
        )
    )
    assert [] == problems
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert [
        {
            "amount": Decimal("1.10"),
            "number": 7,
            "day": date(2026, 1, 31),
            "naive": noon,
            "zoned": noon,
            "empty": None,
        }
    ] == [row.cells for row in read.rows]


def test_a_formula_in_parquet_is_refused_with_its_row() -> None:
    read, problems = parquet_rows(pa.table({"name": ["a", "=cmd"], "note": ["b", "c"]}))
    assert [("formula_in_field", 2)] == problems
    assert ["a"] == [row.cells["name"] for row in read.rows]
