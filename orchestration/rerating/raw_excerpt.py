"""Raw events of some subjects as files of their own, listed as dbt reads raw files.

Belongs here: whose events are cut out, which raw files hold any, the list that leads to the cut
files. Does not belong here: which customers the subjects belong to (scope.py); what is built on the
files (states.py).

De-duplication looks at an identity as a whole. So subjects that share an identity of several
contents with a wanted one are cut out too: all contents of an identity are there, or none.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.billing.canonical import file_digest
from orchestration.ingest.slab_files import KEY_SHIFT
from orchestration.pipeline import WRITER_WAIT_SECONDS
from orchestration.reproduction.scratch import refuse_changed_files
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

_CUT: Final = "cut"
_CONFLICTING: Final = """
    select distinct contents.subject
    from intermediate.int_event_contents__kept as contents
    semi join (
        select contents.event_source, contents.event_id
        from intermediate.int_event_contents__kept as contents
        semi join wanted on contents.subject = wanted.subject
    ) as identities
        on
            contents.event_source = identities.event_source
            and contents.event_id = identities.event_id
"""
_AFFECTED: Final = """
    create table affected as
    select rows.* from {files} as rows semi join wanted on rows.subject = wanted.subject
"""
_PARTS_OF_EVENTS: Final = """
    select distinct parts.path, parts.content_sha256
    from parts
    semi join affected
        on
            parts.ingestion_batch_id = affected.ingestion_batch_id
            and parts.event_date = affected.event_date
    where parts.part_kind = 'events' and parts.row_count > 0
    order by parts.path
"""
_EVENTS: Final = """
    create table events as
    select rows.* from {files} as rows semi join wanted on rows.subject = wanted.subject
"""
_ROWS: Final = "read_parquet(?, union_by_name = true, hive_partitioning = false)"
_NO_ROWS: Final = """(
    select
        cast(null as integer) as ingestion_batch_id,
        cast(null as date) as event_date,
        cast(null as varchar) as subject,
        cast(null as bigint) as key_hash
    where false
)"""
_KEYS: Final = f"""
    create table keys as
    select ingestion_batch_id, key_hash >> {KEY_SHIFT} as key_prefix, event_date from events
"""
_FILES: Final = {
    "affected": ("ingestion_batch_id",),
    "events": ("ingestion_batch_id", "event_date"),
    "keys": ("ingestion_batch_id",),
}


def cut_raw_files(
    settings: Settings, parts: pa.Table, subjects: Collection[str], *, folder: Path
) -> pa.Table:
    """Write the events of some subjects to a data directory, with their keys and affected lists.

    Raw files that hold none of their events are not opened. Those that are read are held against
    what was committed.

    Args:
        settings: whose raw files; its warehouse has taken all of them in.
        parts: every committed raw file, as dbt reads them.
        subjects: external ids of the product systems.
        folder: the data directory; files go to cut/ in it.

    Returns:
        The list of raw files for the directory: each one of parts, without rows where it was cut,
        and the files with what was cut out of it.

    Raises:
        InputsGoneError: a raw file is missing or changed.
    """
    wanted = pa.table({"subject": pa.array(sorted(subjects), pa.string())})
    with open_warehouse(settings, wait_seconds=WRITER_WAIT_SECONDS) as warehouse:
        warehouse.register("wanted", wanted)
        others: Any = warehouse.sql(_CONFLICTING).to_arrow_table()
    with _cutter(settings, folder) as connection:
        connection.register("parts", parts)
        connection.register("named", pa.concat_tables([wanted, others]))
        connection.execute("create table wanted as select distinct subject from named")
        lists = connection.execute(
            "select path, content_sha256 from parts "
            "where part_kind = 'affected' and row_count > 0 order by path"
        ).fetchall()
        _read(connection, settings, _AFFECTED, lists)
        _read(connection, settings, _EVENTS, connection.execute(_PARTS_OF_EVENTS).fetchall())
        connection.execute(_KEYS)
        for name, places in _FILES.items():
            _write(connection, name, places, folder / _CUT / name)
    return _listed(parts, folder)


@contextmanager
def _cutter(settings: Settings, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a database in the folder, since the events of a large customer may not fit in memory."""
    (folder / _CUT).mkdir(parents=True)
    file = folder / _CUT / "cut.duckdb"
    config: dict[str, Any] = {
        "memory_limit": settings.duckdb_memory_limit,
        "threads": settings.duckdb_threads,
    }
    with duckdb.connect(file, config=config) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    file.unlink()


def _read(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    query: str,
    files: list[tuple[str, str]],
) -> None:
    """Fill a table from raw files; without any it has the columns of its kind and no row."""
    refuse_changed_files(settings, files)
    paths = [[str(settings.data_dir / path) for path, _ in files]] if files else []
    connection.execute(query.format(files=_ROWS if files else _NO_ROWS), paths)


def _write(
    connection: duckdb.DuckDBPyConnection, name: str, places: tuple[str, ...], target: Path
) -> None:
    by = ", ".join(places)
    connection.execute(
        f"copy (select * from {name} order by {by}) to '{target}' "
        f"(format parquet, partition_by ({by}), write_partition_columns true)"
    )


def _listed(parts: pa.Table, folder: Path) -> pa.Table:
    """List what was cut beside what it was cut out of, which has no rows then."""
    rows = [
        row | {"row_count": 0 if row["part_kind"] in _FILES else row["row_count"]}
        for row in parts.to_pylist()
    ]
    for path in sorted((folder / _CUT).rglob("*.parquet")):
        kind, *folders, _ = path.relative_to(folder / _CUT).parts
        places = dict(each.split("=") for each in folders)
        day = places.get("event_date")
        rows.append(
            {
                "path": str(path.relative_to(folder)),
                "ingestion_batch_id": int(places["ingestion_batch_id"]),
                "part_kind": kind,
                "event_date": date.fromisoformat(day) if day else None,
                "content_sha256": file_digest(path),
                "row_count": pq.read_metadata(path).num_rows,
                "byte_size": path.stat().st_size,
            }
        )
    return pa.Table.from_pylist(rows, schema=parts.schema)
