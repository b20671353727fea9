"""SQLite files of the sandbox: schema, connections, transactions.

Belongs here: how the books are kept. Amounts and quantities are exact text, instants ISO 8601 in
UTC with microseconds, so that text order is time order. Does not belong here: the books' rules.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

BUSY_TIMEOUT_SECONDS = 60.0

ERP_SCHEMA = """
create table if not exists customers (
    customer_id text primary key, customer_name text not null, erp_customer_number text);
create table if not exists legal_entities (
    legal_entity_id text primary key, legal_entity_name text not null);
create table if not exists items (item text primary key);
create table if not exists currencies (
    currency_code text primary key, minor_unit integer not null);
create table if not exists closed_periods (
    legal_entity_id text not null, accounting_period text not null,
    primary key (legal_entity_id, accounting_period));
create table if not exists number_series (
    legal_entity_id text not null, document_kind text not null, last_number integer not null,
    primary key (legal_entity_id, document_kind));
create table if not exists documents (
    erp_document_id integer primary key autoincrement,
    posting_key text, status text not null, document_number text, document_kind text not null,
    legal_entity_id text not null, customer_id text not null, currency_code text not null,
    billing_period text not null, document_date text not null, memo text not null,
    corrects_document_id text, total_amount text not null, balance_amount text,
    correlation_id text not null, changed_at text not null,
    unique (legal_entity_id, document_kind, document_number));
create index if not exists documents_by_key on documents (posting_key);
create index if not exists documents_by_change on documents (changed_at);
create table if not exists document_lines (
    erp_document_id integer not null references documents on delete cascade,
    line_number integer not null, item text not null, revenue_account text, tax_profile text,
    description text not null, quantity text not null, unit text, amount text not null,
    service_start_date text not null, service_end_date text not null,
    is_in_tax_base integer not null default 1,
    primary key (erp_document_id, line_number));
create table if not exists payments (
    payment_id integer primary key autoincrement,
    erp_document_id integer not null references documents,
    amount text not null, paid_at text not null);
create table if not exists calls_under_way (
    call_id integer primary key autoincrement,
    due_at text not null, expires_at text not null, call text not null, argument text not null,
    correlation_id text not null);
"""
UNIQUE_KEY_SCHEMA = """
create unique index if not exists one_document_per_key on documents (posting_key);
"""
# Columns that books of an earlier version lack: by table, each with what it is.
ADDED_COLUMNS = {"document_lines": {"is_in_tax_base": "integer not null default 1"}}
CRM_SCHEMA = """
create table if not exists records (
    object_name text not null, external_id text not null, fields text not null,
    created_at text not null, changed_at text not null, write_count integer not null,
    primary key (object_name, external_id));
"""


def instant_text(instant: datetime) -> str:
    """Return the instant in UTC as text of one width, so that text sorts as time does."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


class Store:
    """One SQLite file in WAL mode; a connection lives for one call, so processes may share it."""

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        # Turning WAL on does not wait for other connections, so only one process at a time opens.
        opening = FileLock(path.with_suffix(".opening"), timeout=BUSY_TIMEOUT_SECONDS)
        with opening, self._connected() as connection:
            connection.execute("pragma journal_mode = wal")
            connection.executescript(schema)
            _add_missing_columns(connection)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open a connection that sees one committed state."""
        with self._connected() as connection:
            connection.execute("begin")
            yield connection
            connection.execute("rollback")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open the one writing transaction: committed when the block ends, else rolled back."""
        with self._connected() as connection:
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        opened = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
        with closing(opened) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("pragma foreign_keys = on")
            connection.execute("pragma synchronous = full")
            yield connection


def _add_missing_columns(connection: sqlite3.Connection) -> None:
    for table, columns in ADDED_COLUMNS.items():
        found = {row[1] for row in connection.execute(f"pragma table_info({table})")}
        for column, kind in columns.items():
            if found and column not in found:
                connection.execute(f"alter table {table} add column {column} {kind}")
