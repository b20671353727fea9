"""Operations tables as Parquet, which is how dbt sees them.

Belongs here: which tables go out, with which types, written so that no reader sees half a file.
Does not belong here: the meaning of a row; inputs of other rooms (reference data, the register).
"""

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


def write_operations_inputs(settings: Settings, engine: Engine) -> None:
    """Write every operations table that dbt reads to warehouse/inputs/<table>.parquet.

    Also rejects.parquet: the rejected lines that still stand, of all batches together (a line that
    a replay accepted is no reject any more). Instants are naive UTC timestamps, amounts
    DECIMAL(38, 4), JSON is text; an empty table is a file with the right schema. Each file is
    replaced atomically, and all of them show one state of the database.
    """
    settings.warehouse_inputs.mkdir(parents=True, exist_ok=True)
    is_sqlite = engine.dialect.name == "sqlite"  # whose readers always see one snapshot
    options = {} if is_sqlite else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**options) as connection:
        for table in EXPORTED_TABLES:
            _write_table(connection, table, settings.warehouse_inputs / f"{table.name}.parquet")
        rejects = list(_part_paths(connection, settings, "rejects"))
        replays = list(_part_paths(connection, settings, "replays"))
    replace_parquet(
        settings.warehouse_inputs / "rejects.parquet",
        REJECT_INPUT_SCHEMA,
        _standing_rejects(rejects, replays),
    )


def replace_parquet(target: Path, schema: pa.Schema, batches: Iterable[pa.Table]) -> None:
    """Write tables of one schema as one zstd Parquet file that appears at once, or not at all."""
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
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


def _part_paths(connection: Connection, settings: Settings, part_kind: str) -> Iterator[Path]:
    parts = tables.raw_parts
    query = sa.select(parts.c.path).where(parts.c.part_kind == part_kind).order_by(parts.c.path)
    paths: Sequence[str] = connection.execute(query).scalars().all()
    for path in paths:
        yield settings.data_dir / path


def _standing_rejects(rejects: Sequence[Path], replays: Sequence[Path]) -> Iterator[pa.Table]:
    place = ["file_id", "line_number"]
    replayed = (
        pa.concat_tables([pq.read_table(path, columns=place) for path in replays])
        if (replays)
        else None
    )
    for path in rejects:
        table = pq.read_table(path, columns=REJECT_INPUT_SCHEMA.names)
        if replayed is not None:
            table = table.join(replayed, keys=place, join_type="left anti")
        yield table.select(REJECT_INPUT_SCHEMA.names).cast(REJECT_INPUT_SCHEMA)
