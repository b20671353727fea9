"""Opening the warehouse: one writer at a time, by a file lock that holds outside Dagster too.

Belongs here: the connection and the lock. Does not belong here: any query, which is the
caller's; the analysts' copy, which is reports'.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from filelock import FileLock, Timeout

from orchestration.failures import TechnicalError
from orchestration.settings import Settings


class WarehouseBusyError(TechnicalError):
    """Another process writes the warehouse."""

    code = "warehouse_busy"


@contextmanager
def writer_lock(settings: Settings, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the right to open the warehouse file, also against processes outside Dagster.

    Reentrant within a process and thread, so that a job may hold it around steps that take it.

    Raises:
        WarehouseBusyError: another process still held it after wait_seconds.
    """
    settings.warehouse.mkdir(parents=True, exist_ok=True)
    lock_path = settings.warehouse / "writer.lock"
    lock = FileLock(lock_path, is_singleton=True)
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout as error:
        raise WarehouseBusyError(
            f"Tried to open the warehouse {settings.warehouse_file} for {wait_seconds:g} s: "
            f"another process holds {lock_path}. Wait for that run to end, "
            "or stop it, then run again."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def open_warehouse(
    settings: Settings, *, wait_seconds: float = 0.0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse file under the writer lock, in UTC, within the memory limit.

    Raises:
        WarehouseBusyError: another process still held the lock after wait_seconds.
    """
    with writer_lock(settings, wait_seconds=wait_seconds):
        connection = duckdb.connect(
            settings.warehouse_file,
            config={
                "memory_limit": settings.duckdb_memory_limit,
                "threads": settings.duckdb_threads,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        try:
            connection.execute("set TimeZone = 'UTC'")
            yield connection
        finally:
            connection.close()
