"""Reading usage files in CSV: a header, one event per line, RFC 4180 quotes within a line.

Belongs here: the header and the fields of lines. Does not belong here: lines as bytes
(line_files.py); the JSON that becomes of a row (as_json.py).

The separator is a comma. A quoted field may hold commas and doubled quotes, but no line end: a line
is an event, so that a broken one cannot swallow those after it.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingest.exact import REQUIRED_TEXTS
from orchestration.ingest.line_files import FileToRead, read_lines
from orchestration.ingest.records import Reject
from orchestration.ingest.reject_spool import PassedOver, RejectSink

_FIELD_TYPES: dict[str, pa.DataType] = {
    "file_id": pa.int32(),
    "line_number": pa.int64(),
    "verbatim": pa.string(),
    "fields": pa.list_(pa.string()),
}
FIELD_SCHEMA = pa.schema(_FIELD_TYPES)


def read_header(file: FileToRead, *, max_line_bytes: int) -> str | None:
    """Return the first line of a CSV file; None where the file is empty.

    Raises:
        FileRefusedError: the line is no header of events.
    """
    looked_at = replace(file, content_sha256="", header=None)
    for batch in read_lines(
        looked_at, max_line_bytes=max_line_bytes, rejects=PassedOver(), on_read=lambda _: None
    ):
        if batch.num_rows:
            header: str = batch.column("line")[0].as_py().rstrip("\r\n")
            _check_header(file, header)
            return header
    return None


def names_of(header: str) -> tuple[str, ...]:
    """Return the column names of a header line."""
    return tuple(name.strip() for name in next(csv.reader([header], strict=True)))


def read_fields(
    file: FileToRead,
    *,
    max_line_bytes: int,
    rejects: RejectSink,
    on_read: Callable[[int], None],
) -> Iterator[pa.RecordBatch]:
    """Yield the lines after the header as batches of FIELD_SCHEMA; others go to rejects.

    Raises:
        FileRefusedError: it cannot be read to its end. FileChangedError: it changed meanwhile.
    """
    is_first = True
    for lines in read_lines(file, max_line_bytes=max_line_bytes, rejects=rejects, on_read=on_read):
        batch = lines
        if is_first and batch.num_rows:
            is_first = False
            file.line_count -= 1
            batch = batch.slice(1)
        if batch.num_rows:
            yield fields_of(
                batch.column("file_id"),
                batch.column("line_number"),
                pc.utf8_rtrim(batch.column("line"), "\r\n"),
                header=file.header or "",
                rejects=rejects,
            )


def fields_of(
    file_ids: Any,
    line_numbers: Any,
    lines: Any,
    *,
    header: str,
    rejects: RejectSink,
) -> pa.RecordBatch:
    """Return lines without line ends as a batch of FIELD_SCHEMA; those that fail go to rejects.

    Takes three Arrow arrays of one length: INT32, INT64 and text.
    """
    fields: Any
    wanted = len(names_of(header))
    if pc.any(pc.match_substring(lines, '"')).as_py():
        parsed = [_parse(line) for line in lines.to_pylist()]
        fields = pa.array(
            [one if isinstance(one, list) else None for one in parsed], pa.list_(pa.string())
        )
        errors = {at: one for at, one in enumerate(parsed) if isinstance(one, str)}
    else:
        fields = pc.split_pattern(lines, ",")
        errors = {}
    lengths: Any = pc.list_value_length(fields)
    is_good = pc.fill_null(pc.equal(lengths, pa.scalar(wanted)), False)
    if not pc.all(is_good).as_py():
        for at in pc.indices_nonzero(pc.invert(is_good)).to_pylist():
            rejects.add(
                file_ids[at].as_py(),
                line_numbers[at].as_py(),
                _why(errors.get(at), fields[at].as_py() or (), wanted),
                lines[at].as_py().encode(),
            )
    batch = pa.RecordBatch.from_arrays([file_ids, line_numbers, lines, fields], schema=FIELD_SCHEMA)
    return batch.filter(is_good)


def _check_header(file: FileToRead, header: str) -> None:
    try:
        names = names_of(header)
    except csv.Error as error:
        raise file.refused(
            "csv_header_unusable", f"its first line is no CSV ({error}). Nothing of it is loaded."
        ) from error
    missing = [name for name in REQUIRED_TEXTS if name not in names]
    problem = None
    if missing:
        problem = f"its first line names no column {', '.join(missing)}"
    elif len(set(names)) < len(names) or "" in names:
        problem = "its first line names a column twice, or none"
    if problem is not None:
        raise file.refused(
            "csv_header_unusable",
            f"{problem}. Nothing of it is loaded; start it with a line like "
            "id,source,subject,time,type,units, separated by commas.",
        )


def _parse(line: str) -> list[str] | str:
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        return str(error)


def _why(error: str | None, fields: Sequence[str], wanted: int) -> Reject:
    if error is not None:
        return Reject(
            "csv_unreadable",
            f"The line is no CSV: {error}. Close every quote on its line and double inner ones.",
        )
    return Reject(
        "csv_field_count",
        f"The line has {len(fields)} fields, the header {wanted}. Write one field per column.",
    )
