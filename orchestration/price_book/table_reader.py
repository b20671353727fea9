"""Rows of a reference table out of CSV or Parquet bytes, as exact values with their line.

Belongs here: encodings, quoting, headers, and what must not stand in a field. Does not belong here:
what a column means (table_models.py).

CSV: strict UTF-8 (a leading byte order mark is dropped), RFC 4180 quoting, the exact columns in any
order (optional ones may be left out), an empty field is None. Parquet: the same columns as text,
integers, decimals, dates and timestamps (without a zone they are UTC); floats are refused.
"""

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.price_book.field_types import has_control_character
from orchestration.price_book.nearest_names import or_nearest
from orchestration.price_book.problems import ProblemList

MAX_PARQUET_ROWS: Final = 20_000_000
MAX_PARQUET_BYTES: Final = 4 << 30
_FORMULA_STARTS: Final = frozenset(
    ["=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)  # the last four are the full-width forms, which East Asian spreadsheets read alike
_UTF8_MARK: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row: column to value, and its 1-based line (CSV) or row (Parquet)."""

    line: int
    cells: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RawTable:
    """The sound rows of a table, and whether no other row had to be left out."""

    rows: list[RawRow]
    is_whole: bool


def decode_text(path: str, content: bytes, problems: ProblemList) -> str | None:
    """The text of a UTF-8 file without its byte order mark, or None with a problem added."""
    try:
        return content.decode("utf-8").removeprefix(_UTF8_MARK)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problems.add("not_utf8", path, line, f"Byte {error.start + 1} is not part of UTF-8 text.")
        return None


def read_csv(
    path: str,
    content: bytes,
    columns: Sequence[str],
    problems: ProblemList,
    optional: Collection[str] = (),
) -> RawTable | None:
    """The sound rows of a CSV table; None when the file as a whole cannot be read.

    Rows with the wrong number of fields, formulas or control characters are left out and reported.
    """
    at = content.find(b"\x00")
    if at >= 0:
        line = content.count(b"\n", 0, at) + 1
        problems.add("nul_byte", path, line, f"Byte {at + 1} is NUL.")
        return None
    text = decode_text(path, content, problems)
    if text is None:
        return None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[RawRow] = []
    header: list[str] | None = None
    is_whole = True
    line = 1
    try:
        for fields in reader:
            if header is None:
                header = fields
                if not _is_header_exact(path, header, columns, optional, problems):
                    return None
            elif fields:
                row = _csv_row(path, line, header, fields, problems)
                rows += [row] if row else []
                is_whole = is_whole and row is not None
            line = reader.line_num + 1
    except csv.Error as error:
        problems.add("csv_malformed", path, line, f"The row cannot be read: {error}.")
        return None
    if header is None:
        problems.add("csv_header", path, 1, "The file is empty.")
        return None
    return RawTable(rows, is_whole)


def _is_header_exact(
    path: str,
    header: Sequence[str],
    columns: Sequence[str],
    optional: Collection[str],
    problems: ProblemList,
) -> bool:
    separator = next((one for one in ";\t|" if len(header) == 1 and one in header[0]), None)
    if separator is not None:
        problems.add(
            "csv_header",
            path,
            1,
            f"The columns are separated by {separator!r}; separate columns and fields by ','.",
        )
        return False
    complaints = [
        *(f"{name} is missing" for name in columns if name not in optional and name not in header),
        *(
            f"{name!r:.60} is unknown{or_nearest(name, columns)}"
            for name in header
            if name not in columns
        ),
        *(f"{name} stands twice" for name in columns if header.count(name) > 1),
    ]
    if complaints:
        problems.add("csv_header", path, 1, f"Of the columns, {', '.join(complaints)}.")
    return not complaints


def _csv_row(
    path: str, line: int, header: Sequence[str], fields: Sequence[str], problems: ProblemList
) -> RawRow | None:
    if len(fields) != len(header):
        problems.add(
            "csv_malformed",
            path,
            line,
            f"The row has {len(fields)} fields, and the header {len(header)}.",
        )
        return None
    cells = {name: field or None for name, field in zip(header, fields, strict=True)}
    return RawRow(line, cells) if _is_row_harmless(path, line, cells, problems) else None


def _is_row_harmless(path: str, line: int, cells: dict[str, Any], problems: ProblemList) -> bool:
    is_harmless = True
    for name, cell in cells.items():
        if not isinstance(cell, str) or not cell:
            continue
        start = cell.lstrip(" ")[:1]
        if start in _FORMULA_STARTS:
            code, what = "formula_in_field", f"begins with {start!r}"
        elif has_control_character(cell):
            code, what = "control_character_in_field", "holds a control character"
        else:
            continue
        problems.add(code, path, line, f"Column {name}: the field {what}: {cell[:40]!r}.")
        is_harmless = False
    return is_harmless


def read_parquet(
    path: str,
    content: bytes,
    columns: Sequence[str],
    problems: ProblemList,
    optional: Collection[str] = (),
) -> RawTable | None:
    """The sound rows of a Parquet table; None when the file as a whole cannot be read."""
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        size = sum(
            file.metadata.row_group(group).total_byte_size
            for group in range(file.metadata.num_row_groups)
        )
        if file.metadata.num_rows > MAX_PARQUET_ROWS or size > MAX_PARQUET_BYTES:
            problems.add(
                "file_too_large",
                path,
                1,
                f"The table has {file.metadata.num_rows} rows of {size} bytes together.",
            )
            return None
        schema = file.schema_arrow
        if not _is_header_exact(path, schema.names, columns, optional, problems):
            return None
        if not _are_types_exact(path, schema, problems):
            return None
        table = file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        problems.add("parquet_malformed", path, 1, f"The file cannot be read: {reason}")
        return None
    rows = (
        RawRow(number, {name: _plain(cell) for name, cell in cells.items()})
        for number, cells in enumerate(_cells(table), start=1)
    )
    sound = [row for row in rows if _is_row_harmless(path, row.line, row.cells, problems)]
    return RawTable(sound, len(sound) == table.num_rows)


def _cells(table: pa.Table) -> Iterable[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=10_000):
        yield from batch.to_pylist()


def _are_types_exact(path: str, schema: pa.Schema, problems: ProblemList) -> bool:
    are_exact = True
    for column in schema:
        kind = column.type
        if pa.types.is_floating(kind):
            code, what = "float_column", "is a float"
        elif not any(
            is_kind(kind)
            for is_kind in (
                pa.types.is_string,
                pa.types.is_large_string,
                pa.types.is_integer,
                pa.types.is_decimal,
                pa.types.is_date,
                pa.types.is_timestamp,
                pa.types.is_null,
            )
        ):
            code, what = "parquet_malformed", f"is {kind}"
        else:
            continue
        problems.add(code, path, 1, f"Column {column.name} {what}.")
        are_exact = False
    return are_exact


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=UTC) if cell.tzinfo is None else cell.astimezone(UTC)
    return None if cell == "" else cell
