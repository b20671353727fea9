"""Transactions of the operations database that write.

Belongs here: how one begins. Does not belong here: the engine (database.py); what is written.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection, Engine


@contextmanager
def write_transaction(engine: Engine) -> Iterator[Connection]:
    """Run one transaction that holds the right to write from its first statement.

    Use it where rows are read and then written: on SQLite a transaction that only turns into a
    writer half-way fails when another one wrote meanwhile. Commits at the end, rolls back on error.
    """
    options = {"tallyhouse_writes": True}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection
