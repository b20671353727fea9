"""Files as lines of JSON: everything that is read alike is read as one.

Belongs here: grouping files, and the SQL that makes lines of JSON out of rows.
Does not belong here: how bytes become batches; how lines are judged.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from orchestration.ingest.as_json import RowColumn, json_sql, path_of_column
from orchestration.ingest.csv_files import (
    FIELD_SCHEMA,
    names_of,
    read_fields,
    read_header,
)
from orchestration.ingest.line_files import LINE_SCHEMA, FileToRead, read_lines
from orchestration.ingest.parquet_files import ParquetColumn, columns_of, read_rows
from orchestration.ingest.reject_spool import RejectSink
from orchestration.ingest.sql_text import quoted
from orchestration.price_book.event_contracts import EventContracts

SOURCE_NAME = "rows_of_the_files"


@dataclass(frozen=True)
class Source:
    """Some files that are read alike.

    Attributes:
        relation: SQL over SOURCE_NAME that makes lines of JSON (file_id, line_number, line with a
            line feed, verbatim); None where the batches are such lines and verbatim is the line.
        schema: of the batches.
        open_batches: opens them, from the start.
    """

    relation: str | None
    schema: pa.Schema
    open_batches: Callable[[], Iterator[pa.RecordBatch]]


def sources_of(
    files: Sequence[FileToRead],
    contracts: EventContracts,
    *,
    max_line_bytes: int,
    rejects: RejectSink,
    on_read: Callable[[int], None],
) -> list[Source]:
    """Return the files of a run by how they are read: all JSON Lines, each CSV header, each schema.

    Raises:
        FileRefusedError: a CSV header or the columns of a Parquet file cannot be used.
    """
    reading = _Reading(max_line_bytes=max_line_bytes, rejects=rejects, on_read=on_read)
    lines: list[FileToRead] = []
    by_header: dict[str, list[FileToRead]] = {}
    by_columns: dict[tuple[tuple[ParquetColumn, ...], pa.Schema], list[FileToRead]] = {}
    for file in files:
        if file.usage_format.file_format == "json_lines":
            lines.append(file)
        elif file.usage_format.file_format == "csv":
            file.header = read_header(file, max_line_bytes=max_line_bytes)
            by_header.setdefault(file.header or "", []).append(file)
        else:
            by_columns.setdefault(columns_of(file, contracts), []).append(file)
    found = [Source(None, LINE_SCHEMA, partial(reading.lines, lines))] if lines else []
    found += [
        Source(csv_relation(header, contracts), FIELD_SCHEMA, partial(reading.fields, group))
        for header, group in by_header.items()
    ]
    found += [
        Source(_parquet_relation(columns, contracts), schema, partial(reading.rows, group, columns))
        for (columns, schema), group in by_columns.items()
    ]
    return found


@dataclass(frozen=True)
class _Reading:
    """How the files of a run are read, one after the other."""

    max_line_bytes: int
    rejects: RejectSink
    on_read: Callable[[int], None]

    def lines(self, files: Sequence[FileToRead]) -> Iterator[pa.RecordBatch]:
        for file in files:
            yield from read_lines(
                file,
                max_line_bytes=self.max_line_bytes,
                rejects=self.rejects,
                on_read=self.on_read,
            )

    def fields(self, files: Sequence[FileToRead]) -> Iterator[pa.RecordBatch]:
        for file in files:
            yield from read_fields(
                file,
                max_line_bytes=self.max_line_bytes,
                rejects=self.rejects,
                on_read=self.on_read,
            )

    def rows(
        self, files: Sequence[FileToRead], columns: tuple[ParquetColumn, ...]
    ) -> Iterator[pa.RecordBatch]:
        for file in files:
            yield from read_rows(file, columns, on_read=self.on_read)


def csv_relation(header: str, contracts: EventContracts) -> str:
    """Return the relation over batches of FIELD_SCHEMA with this header."""
    columns = (
        [
            RowColumn(
                path=path_of_column(name, contracts),
                value=f"nullif(fields[{at}], '')",
                kind="coerced",
            )
            for at, name in enumerate(names_of(header), start=1)
        ]
        if header
        else []
    )
    return (
        f"(select file_id, line_number, {json_sql(columns, contracts)} || chr(10) as line, "
        f"verbatim from {SOURCE_NAME})"
    )


def _parquet_relation(columns: Sequence[ParquetColumn], contracts: EventContracts) -> str:
    row = [
        RowColumn(path=column.path, value=quoted(f"c{at}"), kind=column.kind)
        for at, column in enumerate(columns)
    ]
    return (
        "(select file_id, line_number, line || chr(10) as line, line as verbatim from "
        f"(select file_id, line_number, {json_sql(row, contracts)} as line from {SOURCE_NAME}))"
    )
