"""Opening the operations database: made if absent, migrated to head, whole, safe to share.

Belongs here: the engine, its pragmas, migrations.
Does not belong here: tables (tables.py); what its journals hold (journals.py); exports to dbt
(inputs.py).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from filelock import FileLock
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from orchestration.disk_failures import disk_failure, refuse_unwritable
from orchestration.failures import InputError, TechnicalError
from orchestration.operations_db.journals import restore_journals
from orchestration.operations_db.transactions import write_transaction
from orchestration.settings import Settings

BUSY_TIMEOUT_SECONDS = 30
MIGRATION_LOCK_KEY = 7_424_201  # PostgreSQL advisory lock; one migrator at a time
MIGRATIONS_FOLDER = Path(__file__).resolve().parent / "migrations"


class OperationsUnavailableError(TechnicalError):
    """The operations database cannot be opened now."""

    code = "operations_unavailable"


class OperationsTooNewError(InputError):
    """The database was migrated by a later version of this program."""

    code = "operations_too_new"


@contextmanager
def viewed_operations(settings: Settings) -> Iterator[Engine]:
    """Open the operations database for a look, which no log tells of, and let go of it afterwards.

    Raises:
        OperationsUnavailableError, OperationsTooNewError: see open_operations.
    """
    engine = open_operations(settings)
    try:
        yield engine
    finally:
        engine.dispose()


def open_operations(settings: Settings) -> Engine:
    """Open the operations database, made and migrated to head where that is needed.

    Rows of its journals that it does not hold are put back: all of them where it was lost.

    SQLite runs with WAL, foreign keys, full sync and a busy timeout of 30 s; any other SQLAlchemy
    URL is taken as it is. Connections are not pooled on SQLite, so nothing is left open.

    Raises:
        OperationsUnavailableError: it cannot be reached, or stayed locked.
        OperationsTooNewError: its schema comes from a later version of this program.
        DiskError: the disk is full, or cannot be written.
        JournalDamagedError: rows that it does not hold cannot be read from their journal.
    """
    url = sa.make_url(settings.operations_url)
    is_sqlite = url.get_backend_name() == "sqlite"
    if is_sqlite and url.database:
        _make_sqlite_file(Path(url.database))
    engine = sa.create_engine(url, poolclass=NullPool) if is_sqlite else sa.create_engine(url)
    if is_sqlite:
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    try:
        _migrate(engine)
        restore_journals(settings, engine)
    except sa.exc.DBAPIError as error:
        engine.dispose()
        if told := disk_failure(error):
            raise told from error
        raise OperationsUnavailableError(
            f"Opened the operations database {url.render_as_string(hide_password=True)}: "
            f"{error.orig}. Check that it exists, is writable and not held by another program, "
            "then run again."
        ) from error
    except BaseException:
        engine.dispose()
        raise
    return engine


def _make_sqlite_file(path: Path) -> None:
    """Put the file into WAL mode, which lasts; that switch does not wait for others, so queue."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{path}.opening", timeout=BUSY_TIMEOUT_SECONDS):
            connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            finally:
                connection.close()
    except (sqlite3.Error, OSError) as error:
        if path.parent.is_dir():
            refuse_unwritable(path.parent)
        raise OperationsUnavailableError(
            f"Opened the operations database {path}: {error}. Check that its folder is writable "
            "and that no other program holds it, then run again."
        ) from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the begin event below starts transactions, DDL included
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    writes = options.get("tallyhouse_writes", False)
    if options.get("tallyhouse_migrates", False):  # no pragma works inside the transaction
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(engine: Engine) -> None:
    head = _head()
    with engine.connect() as connection:
        if _current_revision(connection) == head:
            return
    options = {"tallyhouse_migrates": True}
    with write_transaction(engine.execution_options(**options)) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK_KEY)))
        current = _current_revision(connection)
        config = _config()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if current is not None and current not in known:
            raise OperationsTooNewError(
                f"Opened the operations database {engine.url.render_as_string()}: its schema is "
                f"revision {current}, this program knows up to {head}. "
                "Run the version of the program that migrated it, or a later one."
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _refuse_broken_references(connection)


@cache
def _head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _refuse_broken_references(connection: Connection) -> None:
    """Roll a migration back that left a row whose other end is gone."""
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            tables = ", ".join(sorted({str(row[0]) for row in broken}))
            raise OperationsUnavailableError(
                f"Migrated the operations database: rows of {tables} refer to rows that are not "
                "there. Nothing was changed. Restore the database from a backup, then run again."
            )


def _current_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
