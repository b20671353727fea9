"""The analysts' copy of the marts: a DuckDB file of its own, swapped in at once.

Owns: published/. Does not own: the marts, which dbt builds; who may read the folder.

Consistency:
* `published/current` always leads to a complete copy, from the first publication on;
* a copy is never changed once it is published, so a reader keeps what it opened;
* a reader never holds a lock that a run needs: nobody but the pipeline opens the warehouse file.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb

from orchestration.durable import Steps, no_steps
from orchestration.failures import BusinessError
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

CURRENT: Final = "current"
COPIES_KEPT: Final = 3
WAREHOUSE_WAIT_SECONDS: Final = 60.0

_FILE_NAME: Final = "tallyhouse.duckdb"
_DESCRIPTION: Final = "published.json"
_UNFINISHED: Final = ".incoming-"
_MART_PREFIXES: Final = ("fct_", "dim_", "sync_")
# A view of marts may stand on others; what reads input files is copied as the rows it gives.
_VIEW_PREFIXES: Final = (*_MART_PREFIXES, "int_")


class NothingToPublishError(BusinessError):
    """The warehouse holds no mart."""

    code = "nothing_to_publish"


class NothingPublishedError(BusinessError):
    """No copy of the marts was published yet."""

    code = "nothing_published"


def publish(settings: Settings, *, now: datetime, steps: Steps = no_steps) -> Path:
    """Copy every mart into a new file, swap it in, and drop all but the last three copies.

    On POSIX a dropped file stays readable for whoever has it open.

    Args:
        settings: the data directory.
        now: aware instant of publication, the copy's name.
        steps: announced before each durable step.

    Returns:
        The folder of the new copy.

    Raises:
        NothingToPublishError: the warehouse holds no mart.
        WarehouseBusyError: another process writes the warehouse.
    """
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    incoming = settings.published / f"{_UNFINISHED}{stamp}"
    with open_warehouse(settings, wait_seconds=WAREHOUSE_WAIT_SECONDS) as connection:
        _sweep_unfinished(settings.published)
        steps("make the folder of the copy")
        incoming.mkdir(parents=True)
        steps("copy the marts")
        row_counts = _copy_marts(connection, incoming / _FILE_NAME)
        description = {"published_at": now.astimezone(UTC).isoformat(), "row_counts": row_counts}
        (incoming / _DESCRIPTION).write_text(json.dumps(description, indent=2), "utf-8")
        steps("sync the copy")
        for path in (incoming / _FILE_NAME, incoming / _DESCRIPTION, incoming):
            _sync(path)
        copy = settings.published / stamp
        steps("rename the copy")
        incoming.rename(copy)
        steps("point to the copy")
        _point_to(settings.published, copy)
        steps("drop old copies")
        _drop_old(settings.published)
        steps("published")
    return copy


def published_file(settings: Settings) -> Path:
    """Return the file of the current copy, for reading only.

    Raises:
        NothingPublishedError: nothing was published yet.
    """
    current = settings.published / CURRENT
    if not current.exists():
        raise NothingPublishedError(
            f"Looked for published marts in {settings.published}: there are none yet. "
            "Run `tallyhouse run --period YYYY-MM`, which publishes them at its end."
        )
    return current.resolve() / _FILE_NAME


def published_at(settings: Settings) -> datetime:
    """Return when the current copy was published, an aware instant in UTC.

    Raises:
        NothingPublishedError: nothing was published yet.
    """
    text = (published_file(settings).parent / _DESCRIPTION).read_text("utf-8")
    return datetime.fromisoformat(json.loads(text)["published_at"])


def open_published(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the current copy for reading, in UTC; the caller closes the connection.

    Raises:
        NothingPublishedError: nothing was published yet.
    """
    connection = duckdb.connect(published_file(settings), read_only=True)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def _copy_marts(connection: duckdb.DuckDBPyConnection, target: Path) -> dict[str, int]:
    """Copy mart tables, and mart views with all that they read; returns rows by table."""
    relations = _relations(connection)
    tables = {name for name, sql in relations.items() if _is_mart(name) and sql is None}
    views = _published_views(relations)
    if not tables:
        raise NothingToPublishError(
            "Tried to publish the marts: the warehouse holds none. Rate usage first, with "
            "`tallyhouse run --period YYYY-MM`."
        )
    tables |= {
        name
        for sql in views.values()
        for name in relations
        if name not in views and _reads(sql, name)
    }
    connection.execute(f"attach '{_quoted(target)}' as published_copy")
    try:
        _copy_views(connection, relations, views.keys())
        for schema in sorted({schema for schema, _ in tables}):
            connection.execute(f'create schema if not exists published_copy."{schema}"')
        for schema, name in sorted(tables):
            connection.execute(
                f'create table published_copy."{schema}"."{name}" as from "{schema}"."{name}"'
            )
        return {
            f"{schema}.{name}": _count(connection, f'published_copy."{schema}"."{name}"')
            for schema, name in sorted(tables)
        }
    finally:
        connection.execute("detach published_copy")


def _copy_views(
    connection: duckdb.DuckDBPyConnection,
    relations: Mapping[tuple[str, str], str | None],
    views: AbstractSet[tuple[str, str]],
) -> None:
    """Copy views as they stand, with the functions beside them, before what they read is there.

    A view that is made from its text is bound, which opens every raw file that it names; a copied
    catalogue is not. So all of it is copied, and what is no such view dropped.
    """
    ((warehouse,),) = connection.execute("select current_database()").fetchall()
    connection.execute(f'copy from database "{warehouse}" to published_copy (schema)')
    for schema, name in relations.keys() - views:
        kind = "table" if relations[schema, name] is None else "view"
        connection.execute(f'drop {kind} published_copy."{schema}"."{name}"')
    emptied = {schema for schema, _ in relations} - {schema for schema, _ in views} - {"main"}
    for schema in emptied:
        connection.execute(f'drop schema published_copy."{schema}" cascade')


def _relations(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str | None]:
    """Return every table (without SQL) and view (with its SQL) by schema and name."""
    rows = connection.execute(
        """
        select schema_name, table_name, null as sql from duckdb_tables()
        where database_name = current_database() and not internal
        union all
        select schema_name, view_name, sql from duckdb_views()
        where database_name = current_database() and not internal
        order by 1, 2
        """
    ).fetchall()
    return {(schema, name): sql for schema, name, sql in rows}


def _published_views(
    relations: Mapping[tuple[str, str], str | None],
) -> dict[tuple[str, str], str]:
    """Return the views of marts, and the views that these read, with their SQL."""
    eligible = {
        name: sql
        for name, sql in relations.items()
        if sql is not None and name[1].startswith(_VIEW_PREFIXES)
    }
    views: dict[tuple[str, str], str] = {}
    found = {name: sql for name, sql in eligible.items() if _is_mart(name)}
    while found:
        views |= found
        found = {
            name: sql
            for name, sql in eligible.items()
            if name not in views and any(_reads(reader, name) for reader in found.values())
        }
    return views


def _is_mart(relation: tuple[str, str]) -> bool:
    return relation[1].startswith(_MART_PREFIXES)


def _reads(sql: str, relation: tuple[str, str]) -> bool:
    is_itself = sql.startswith(f"CREATE VIEW {relation[0]}.{relation[1]} ")
    named = rf"(?<![\w.]){re.escape('.'.join(relation))}(?!\w)"
    return not is_itself and re.search(named, sql) is not None


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0


def _point_to(published: Path, copy: Path) -> None:
    beside = published / f"{_UNFINISHED}{CURRENT}"
    beside.unlink(missing_ok=True)
    beside.symlink_to(copy.name)
    beside.replace(published / CURRENT)
    _sync(published)


def _drop_old(published: Path) -> None:
    copies = sorted(
        path
        for path in published.iterdir()
        if path.is_dir() and not path.is_symlink() and not path.name.startswith(_UNFINISHED)
    )
    current = (published / CURRENT).resolve()
    for path in copies[:-COPIES_KEPT]:
        if path.resolve() != current:  # a clock that was set back
            shutil.rmtree(path)


def _sweep_unfinished(published: Path) -> None:
    for path in published.glob(f"{_UNFINISHED}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
