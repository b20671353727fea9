"""The history of exceptions, kept in the operations database after each build.

Belongs here: taking over what fct_exception_history says, and reading it back. Does not belong
here: what an exception is, when it came and went, which that model computes; waivers.

The model reads the history of earlier builds as a source and adds what this build found, so the
warehouse can be deleted and nothing of the history goes; a journal in the register keeps it where
the operations database is deleted too. It reads no clock: keeping one build
twice changes no row.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import duckdb
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.durable import Steps, no_steps
from orchestration.operations_db import EXCEPTIONS, journaled
from orchestration.operations_db.tables import exceptions
from orchestration.settings import Settings

_COLUMNS: Final = tuple(exceptions.columns.keys())
_IDS_AT_ONCE: Final = 500
_IS_BUILT: Final = (
    "select 1 from duckdb_tables() "
    "where schema_name = 'billing' and table_name = 'fct_exception_history'"
)


def keep_exceptions(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    engine: Engine,
    *,
    steps: Steps = no_steps,
) -> int:
    """Take over the history that the last build computed.

    Args:
        settings: whose register keeps the history too.
        connection: the open warehouse, in UTC.
        engine: the operations database.
        steps: announced before each durable step.

    Returns:
        How many rows were made or changed; 0 where the build changed nothing, or has no history.

    Raises:
        JournalDamagedError, RegisterWriteError: the history could not be kept; nothing changed.
    """
    if not connection.execute(_IS_BUILT).fetchall():
        return 0
    built = connection.execute(f"select {', '.join(_COLUMNS)} from billing.fct_exception_history")
    rows: list[dict[str, Any]] = [
        {name: _aware(value) for name, value in zip(_COLUMNS, row, strict=True)}
        for row in built.fetchall()
    ]
    with journaled(settings, engine, EXCEPTIONS, steps=steps) as change:
        transaction = change.connection
        there = {row["exception_id"]: dict(row) for row in _kept(transaction)}
        new = [row for row in rows if row["exception_id"] not in there]
        changed = [
            row
            for row in rows
            if row["exception_id"] in there and row != there[row["exception_id"]]
        ]
        if new:
            transaction.execute(sa.insert(exceptions), new)
        if changed:
            transaction.execute(_UPDATE, [_bound(row) for row in changed])
        kept = [row["exception_id"] for row in (*new, *changed)]
        for start in range(0, len(kept), _IDS_AT_ONCE):
            some = kept[start : start + _IDS_AT_ONCE]
            change.keep(exceptions, exceptions.c.exception_id.in_(some))
    return len(new) + len(changed)


def read_history(engine: Engine) -> list[Mapping[str, Any]]:
    """Every exception ever found, as the last build left it, by id."""
    with engine.connect() as connection:
        return list(_kept(connection))


_UPDATE: Final = (
    sa.update(exceptions)
    .where(exceptions.c.exception_id == sa.bindparam("kept_id"))
    .values({name: sa.bindparam(f"new_{name}") for name in _COLUMNS if name != "exception_id"})
)


def _bound(row: Mapping[str, Any]) -> dict[str, Any]:
    values = {f"new_{name}": row[name] for name in _COLUMNS if name != "exception_id"}
    return {"kept_id": row["exception_id"]} | values


def _kept(connection: sa.Connection) -> Sequence[Mapping[str, Any]]:
    query = sa.select(exceptions).order_by(exceptions.c.exception_id)
    return [dict(row) for row in connection.execute(query).mappings()]


def _aware(value: Any) -> Any:
    """An instant of the warehouse, which keeps it as naive UTC, with its zone."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
