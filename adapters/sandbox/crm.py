"""The sandbox CRM: accounts, usage summaries and tasks, written by external id.

Belongs here: its records, its own rules, the CrmAdapter over them.
Does not belong here: which signals go to it.

Rules: a record has text, numbers, days and yes/no fields; a usage summary or a task hangs on an
account that exists; one external id is one record, whoever writes it and how often.
"""

import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from adapters.decimals import decimal_text
from adapters.errors import ConfigurationError, UnknownOutcomeError
from adapters.models import CrmAcknowledgement, CrmRecord, FieldValue
from adapters.sandbox.erp import befall
from adapters.sandbox.faults import FaultPlan
from adapters.sandbox.store import CRM_SCHEMA, Store, instant_text

BATCH_SIZE = 200
ACCOUNT_FIELD = "account_external_id"
CHILD_OBJECTS = frozenset({"usage_summary", "task"})
OBJECTS = CHILD_OBJECTS | {"account"}


class SandboxCrm:
    """One sandbox CRM account, kept in <folder>/crm_<name>.sqlite."""

    def __init__(
        self, folder: Path, *, name: str, now_fn: Callable[[], datetime], faults: FaultPlan
    ) -> None:
        self.name = name
        self.batch_size = BATCH_SIZE
        self._store = Store(folder / f"crm_{name}.sqlite", CRM_SCHEMA)
        self._now_fn = now_fn
        self._faults = faults

    def upsert(
        self, records: Sequence[CrmRecord], *, correlation_id: str
    ) -> tuple[CrmAcknowledgement, ...]:
        """Create or change records, each on its own: see CrmAdapter.upsert."""
        if len(records) > self.batch_size:
            raise ConfigurationError(
                f"Write {len(records)} records to {self.name} ({correlation_id}): a call takes "
                f"{self.batch_size}. Send them in batches."
            )
        fault = befall(self._faults, self.name, "upsert")
        with self._store.writing() as books:
            answers = tuple(self._put(books, record) for record in records)
        if fault is not None:
            raise UnknownOutcomeError(
                f"Wrote {len(records)} records to {self.name} ({correlation_id}): the connection "
                "broke before an answer came. Read them back, or write them again."
            )
        return answers

    def read(self, object_name: str, external_ids: Sequence[str]) -> tuple[CrmRecord, ...]:
        """Read what is held of these records: see CrmAdapter.read."""
        befall(self._faults, self.name, "read")
        with self._store.reading() as books:
            rows = [_row(books, object_name, external_id) for external_id in external_ids]
        return tuple(_record(row) for row in rows if row is not None)

    def records(self, object_name: str) -> tuple[CrmRecord, ...]:
        """Return every record of one object, by external id: what a person sees in the list."""
        with self._store.reading() as books:
            rows = books.execute(
                "select * from records where object_name = ? order by external_id", (object_name,)
            ).fetchall()
        return tuple(_record(row) for row in rows)

    def write_count(self) -> int:
        """Count the record writes that this CRM ever took."""
        with self._store.reading() as books:
            counted = books.execute("select coalesce(sum(write_count), 0) from records").fetchone()
        return int(counted[0])

    def _put(self, books: sqlite3.Connection, record: CrmRecord) -> CrmAcknowledgement:
        refusal = _refusal(books, record)
        if refusal is not None:
            return CrmAcknowledgement(
                object_name=record.object_name,
                external_id=record.external_id,
                error_code=refusal[0],
                error_detail=refusal[1],
            )
        held = _row(books, record.object_name, record.external_id)
        fields = {} if held is None else json.loads(held["fields"])
        fields |= {name: _stored(value) for name, value in record.fields.items()}
        now = instant_text(self._now_fn())
        books.execute(
            "insert into records values (?, ?, ?, ?, ?, 1) on conflict do update set"
            " fields = excluded.fields, changed_at = excluded.changed_at,"
            " write_count = write_count + 1",
            (record.object_name, record.external_id, json.dumps(fields, sort_keys=True), now, now),
        )
        return CrmAcknowledgement(object_name=record.object_name, external_id=record.external_id)


def _refusal(books: sqlite3.Connection, record: CrmRecord) -> tuple[str, str] | None:
    if record.object_name not in OBJECTS:
        return "unknown_object", f"There is no object {record.object_name!r}."
    if record.object_name in CHILD_OBJECTS:
        account = record.fields.get(ACCOUNT_FIELD)
        if not isinstance(account, str) or _row(books, "account", account) is None:
            return "unknown_account", f"There is no account {account!r}. Create it first."
    return None


def _row(books: sqlite3.Connection, object_name: str, external_id: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = books.execute(
        "select * from records where object_name = ? and external_id = ?",
        (object_name, external_id),
    ).fetchone()
    return found


def _stored(value: FieldValue) -> dict[str, str | bool] | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return {"boolean": value}
    if isinstance(value, Decimal):
        return {"number": decimal_text(value)}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return {"text": value}


def _loaded(stored: dict[str, str | bool] | None) -> FieldValue:
    if stored is None:
        return None
    ((kind, value),) = stored.items()
    if isinstance(value, bool):
        return value
    if kind == "number":
        return Decimal(value)
    return date.fromisoformat(value) if kind == "date" else value


def _record(row: sqlite3.Row) -> CrmRecord:
    fields = {name: _loaded(stored) for name, stored in json.loads(row["fields"]).items()}
    return CrmRecord(object_name=row["object_name"], external_id=row["external_id"], fields=fields)
