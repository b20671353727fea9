"""Reading usage files in Parquet: flat columns, values kept exactly.

Belongs here: which Arrow types can be events and how each is handed on.
Does not belong here: the JSON that becomes of a row (as_json.py).

Numbers stay what they are; a float becomes its shortest decimal text later. An instant becomes
RFC 3339 text with all its digits; a timestamp that is not declared UTC has no zone, and its rows
are rejected for that. A column whose values could not be told refuses the file.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.ingest.as_json import ColumnKind, path_of_column
from orchestration.ingest.exact import REQUIRED_TEXTS
from orchestration.ingest.line_files import FileToRead
from orchestration.ingest.refusals import FileChangedError
from orchestration.ingest.scan.arrays import ATTRIBUTES
from orchestration.ingest.survey import fingerprint_of
from orchestration.price_book.event_contracts import EventContracts

ROWS_PER_BATCH = 65_536
WIDEST_DECIMAL = 38


@dataclass(frozen=True)
class ParquetColumn:
    """A leaf of the file's schema that is read.

    Attributes:
        route: the names that lead to it in the file. path: where it goes in the event.
    """

    route: tuple[str, ...]
    path: tuple[str, ...]
    kind: ColumnKind


def columns_of(
    file: FileToRead, contracts: EventContracts
) -> tuple[tuple[ParquetColumn, ...], pa.Schema]:
    """Return the columns that are read of a file, and the schema of its batches.

    Raises:
        FileRefusedError: it is no Parquet file, or its columns cannot be events.
    """
    try:
        schema = pq.read_schema(file.path)
    except (OSError, pa.ArrowException) as error:
        raise file.refused(
            "damaged_file", f"{error}. Nothing of it is loaded; deliver it again, complete."
        ) from error
    missing = [name for name in REQUIRED_TEXTS if name not in schema.names]
    if missing:
        raise _unusable(file, f"it has no column {', '.join(missing)}")
    if len(set(schema.names)) < len(schema.names):
        raise _unusable(file, "two columns have one name")
    has_data = "data" in schema.names
    if has_data and not pa.types.is_struct(schema.field("data").type):
        raise _unusable(file, "its column data is no struct")
    columns: list[ParquetColumn] = []
    for one in schema:
        route = (one.name,)
        if one.name in ATTRIBUTES or one.name == "data":
            columns += _leaves(file, one.type, route, route)
        elif not has_data:
            columns += _leaves(file, one.type, route, path_of_column(one.name, contracts))
    none = pa.RecordBatch.from_pylist([], schema=schema)
    return tuple(columns), _flat(none, file.file_id, 1, columns).schema


def read_rows(
    file: FileToRead, columns: tuple[ParquetColumn, ...], *, on_read: Callable[[int], None]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file: file_id, line_number (the row's, from 1), then c0, c1, ….

    Raises:
        FileRefusedError: it cannot be read to its end. FileChangedError: it changed meanwhile.
    """
    try:
        with pq.ParquetFile(file.path) as parquet:
            for batch in parquet.iter_batches(ROWS_PER_BATCH):
                first = file.line_count + 1
                file.line_count += batch.num_rows
                yield _flat(batch, file.file_id, first, columns)
        on_read(file.byte_size)
        if fingerprint_of(file.path) != file.stat_fingerprint:
            raise FileChangedError(file.path, file.file_id)
    except (OSError, pa.ArrowException) as error:
        raise file.refused(
            "damaged_file", f"{error}. Nothing of it is loaded; deliver it again, complete."
        ) from error


def _flat(
    batch: pa.RecordBatch, file_id: int, first_row: int, columns: Sequence[ParquetColumn]
) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [
            pa.array(np.full(batch.num_rows, file_id, np.int32)),
            pa.array(np.arange(first_row, first_row + batch.num_rows)),
            *(_values(batch, column) for column in columns),
        ],
        names=["file_id", "line_number", *(f"c{at}" for at in range(len(columns)))],
    )


def _unusable(file: FileToRead, what: str) -> Exception:
    return file.refused(
        "parquet_columns_unusable",
        f"{what}. Nothing of it is loaded; write the columns {', '.join(REQUIRED_TEXTS)} and one "
        "column per property, or a struct data with them.",
    )


def _leaves(
    file: FileToRead, arrow_type: pa.DataType, route: tuple[str, ...], path: tuple[str, ...]
) -> Iterator[ParquetColumn]:
    if pa.types.is_struct(arrow_type) and route[0] == "data":
        for inner in arrow_type:
            yield from _leaves(file, inner.type, (*route, inner.name), (*path, inner.name))
        return
    if pa.types.is_null(arrow_type):
        return
    kind = _kind_of(arrow_type)
    if kind is None:
        raise _unusable(file, f"its column {'.'.join(route)} is of type {arrow_type}")
    yield ParquetColumn(route, path, kind)


def _kind_of(arrow_type: pa.DataType) -> ColumnKind | None:
    types = pa.types
    if types.is_dictionary(arrow_type):
        return _kind_of(arrow_type.value_type)
    if types.is_decimal(arrow_type):
        return "decimal" if arrow_type.precision <= WIDEST_DECIMAL else None
    if types.is_integer(arrow_type) or types.is_boolean(arrow_type):
        return "bare"
    if types.is_floating(arrow_type):
        return "float"
    is_text = (
        types.is_string(arrow_type)
        or types.is_large_string(arrow_type)
        or types.is_string_view(arrow_type)
        or types.is_timestamp(arrow_type)
        or types.is_date(arrow_type)
    )
    return "text" if is_text else None


def _values(batch: pa.RecordBatch, column: ParquetColumn) -> Any:
    values: Any = batch.column(column.route[0])
    for name in column.route[1:]:
        values = pc.struct_field(values, [values.type.get_field_index(name)])
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_timestamp(values.type):
        return _instants_as_text(values)
    if pa.types.is_date(values.type):
        return values.cast(pa.string())
    if pa.types.is_float16(values.type):
        return values.cast(pa.float32())
    if pa.types.is_decimal256(values.type):
        return values.cast(pa.decimal128(values.type.precision, values.type.scale))
    return values


def _instants_as_text(values: Any) -> Any:
    if values.type.tz is None:
        return pc.strftime(values, "%Y-%m-%dT%H:%M:%S")
    utc: Any = values.cast(pa.timestamp(values.type.unit, tz="UTC"))
    return pc.strftime(utc, "%Y-%m-%dT%H:%M:%SZ")
