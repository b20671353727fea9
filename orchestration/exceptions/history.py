"""The history of exceptions, kept in the operations database after each build.

Belongs here: taking over what fct_exception_history says, and reading it back. Does not belong
here: what an exception is, when it came and went, which that model computes; waivers.

The model reads the history of earlier builds as a source and adds what this build found, so the
warehouse can be deleted and nothing of the history goes. It reads no clock: keeping one build
twice changes no row.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import duckdb
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.operations_db import write_transaction
from orchestration.operations_db.tables import exceptions

_COLUMNS: Final = tuple(exceptions.columns.keys())
_IS_BUILT: Final = (
    "select 1 from duckdb_tables() "
    "where schema_name = 'billing' and table_name = 'fct_exception_history'"
)


def keep_exceptions(connection: duckdb.DuckDBPyConnection, engine: Engine) -> int:
    """Take over the history that the last build computed.

    Args:
        connection: the open warehouse, in UTC.
        engine: the operations database.

    Returns:
        How many rows were made or changed; 0 where the build changed nothing, or has no history.
    """
    if not connection.execute(_IS_BUILT).fetchall():
        return 0
    built = connection.execute(f"select {', '.join(_COLUMNS)} from billing.fct_exception_history")
    rows: list[dict[str, Any]] = [
        {name: _aware(value) for name, value in zip(_COLUMNS, row, strict=True)}
        for row in built.fetchall()
    ]
    with write_transaction(engine) as transaction:
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
