"""Operations tables as Parquet, which is how dbt sees them.

Belongs here: which tables go out, with which types, written so that no reader sees half a file.
Does not belong here: the meaning of a row; inputs of other rooms (reference data, the register).
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from orchestration.operations_db import tables
from orchestration.operations_db.column_types import UtcInstant, arrow_type_of
from orchestration.settings import Settings

ROWS_PER_GROUP = 50_000

EXPORTED_TABLES = (
    tables.ingestion_batches,
    tables.ingestion_files,
    tables.file_sightings,
    tables.raw_parts,
    tables.reference_versions,
    tables.revisions,
    tables.check_results,
    tables.sign_offs,
    tables.postings,
    tables.crm_pushes,
    tables.erp_documents,
    tables.exceptions,
)

_REJECT_INPUT_TYPES: dict[str, pa.DataType] = {
    "ingestion_batch_id": pa.int32(),
    "file_id": pa.int32(),
    "line_number": pa.int64(),
    "reject_code": pa.string(),
    "reject_detail": pa.string(),
    "raw_text": pa.string(),
    "event_source": pa.string(),
    "event_id": pa.string(),
    "event_type": pa.string(),
    "subject": pa.string(),
}
REJECT_INPUT_SCHEMA = pa.schema(_REJECT_INPUT_TYPES)
_UNFINISHED_SUFFIX = ".tmp"
_MADE_FROM = b"made_from"
_REJECTS_VERSION = 1
"""Raise it with every change of which rejects stand: rejects.parquet is then written anew."""


def write_operations_inputs(settings: Settings, engine: Engine) -> None:
    """Write every operations table that dbt reads to warehouse/inputs/<table>.parquet.

    Also rejects.parquet: the rejected lines that still stand, of all batches together (a line that
    a replay accepted is no reject any more). Instants are naive UTC timestamps, amounts
    DECIMAL(38, 4), JSON is text; an empty table is a file with the right schema. Each file is
    replaced atomically, and all of them show one state of the database. rejects.parquet stays
    where it was made from the same raw files, so that without news none of them is opened.
    """
    settings.warehouse_inputs.mkdir(parents=True, exist_ok=True)
    is_sqlite = engine.dialect.name == "sqlite"  # whose readers always see one snapshot
    options = {} if is_sqlite else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**options) as connection:
        for table in EXPORTED_TABLES:
            _write_table(connection, table, settings.warehouse_inputs / f"{table.name}.parquet")
        rejects, replays = (_listed_parts(connection, kind) for kind in ("rejects", "replays"))
    _write_rejects(settings, rejects, replays)


def sweep_unfinished(settings: Settings) -> list[Path]:
    """Remove what killed processes left of files that they wrote; only under the writer lock."""
    found = sorted(settings.warehouse_inputs.glob(f".*{_UNFINISHED_SUFFIX}"))
    for path in found:
        path.unlink(missing_ok=True)
    return found


def write_rejects(settings: Settings, engine: Engine) -> None:
    """Write warehouse/inputs/rejects.parquet alone, where it is not what the raw files come to."""
    settings.warehouse_inputs.mkdir(parents=True, exist_ok=True)
    with engine.connect() as connection:
        rejects, replays = (_listed_parts(connection, kind) for kind in ("rejects", "replays"))
    _write_rejects(settings, rejects, replays)


def replace_parquet(target: Path, schema: pa.Schema, batches: Iterable[pa.Table]) -> None:
    """Write tables of one schema as one zstd Parquet file that appears at once, or not at all."""
    beside = target.with_name(f".{target.name}.{os.getpid()}{_UNFINISHED_SUFFIX}")
    try:
        with pq.ParquetWriter(beside, schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_table(batch)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _write_table(connection: Connection, table: sa.Table, target: Path) -> None:
    schema = pa.schema([(column.name, arrow_type_of(column.type)) for column in table.columns])
    query = sa.select(table).order_by(*table.primary_key.columns)
    rows = connection.execution_options(yield_per=ROWS_PER_GROUP).execute(query)
    replace_parquet(target, schema, (_arrow_of(table, schema, part) for part in rows.partitions()))


def _arrow_of(table: sa.Table, schema: pa.Schema, rows: Sequence[Sequence[Any]]) -> pa.Table:
    columns = []
    for position, column in enumerate(table.columns):
        cells = [row[position] for row in rows]
        if isinstance(column.type, UtcInstant):
            cells = [None if cell is None else cell.replace(tzinfo=None) for cell in cells]
        elif isinstance(column.type, sa.JSON):
            cells = [None if cell is None else json.dumps(cell, sort_keys=True) for cell in cells]
        columns.append(pa.array(cells, type=schema.field(position).type))
    return pa.Table.from_arrays(columns, schema=schema)


def _listed_parts(connection: Connection, part_kind: str) -> Sequence[tuple[str, str]]:
    """Return path and SHA-256 of each committed raw file of a kind, by path."""
    parts = tables.raw_parts
    query = (
        sa.select(parts.c.path, parts.c.content_sha256)
        .where(parts.c.part_kind == part_kind)
        .order_by(parts.c.path)
    )
    return [(str(path), str(content_sha256)) for path, content_sha256 in connection.execute(query)]


def _write_rejects(
    settings: Settings, rejects: Sequence[tuple[str, str]], replays: Sequence[tuple[str, str]]
) -> None:
    target = settings.warehouse_inputs / "rejects.parquet"
    origin = json.dumps([_REJECTS_VERSION, rejects, replays])
    schema = REJECT_INPUT_SCHEMA.with_metadata(
        {_MADE_FROM: hashlib.sha256(origin.encode()).hexdigest().encode()}
    )
    if _has_schema(target, schema):
        return
    replace_parquet(
        target,
        schema,
        _standing_rejects(
            [settings.data_dir / path for path, _ in rejects],
            [settings.data_dir / path for path, _ in replays],
            schema,
        ),
    )


def _has_schema(path: Path, schema: pa.Schema) -> bool:
    """Whether a Parquet file is there, whole, and has a schema down to its metadata."""
    try:
        return pq.read_schema(path).equals(schema, check_metadata=True)
    except (FileNotFoundError, pa.ArrowInvalid):
        return False


def _standing_rejects(
    rejects: Sequence[Path], replays: Sequence[Path], schema: pa.Schema
) -> Iterator[pa.Table]:
    place = ["file_id", "line_number"]
    replayed = (
        pa.concat_tables([pq.read_table(path, columns=place) for path in replays])
        if replays
        else None
    )
    for path in rejects:
        table = pq.read_table(path, columns=schema.names)
        if replayed is not None:
            table = table.join(replayed, keys=place, join_type="left anti")
        yield table.select(schema.names).cast(schema)
