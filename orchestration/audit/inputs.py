"""The audit log as dbt reads it: warehouse/inputs/audit_entries.parquet.

Belongs here: its columns, and adding only what is new. Does not belong here: the mart
(fct_audit_log).
"""

import json
from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.audit.entries import Entry
from orchestration.audit.log import START, AuditLog, AuditLogDamagedError, Place
from orchestration.operations_db import replace_parquet
from orchestration.settings import Settings

_INSTANT: Final[pa.DataType] = pa.timestamp("us")
ENTRY_SCHEMA: Final = pa.schema(
    [
        ("audit_sequence", pa.int64()),
        ("happened_at", _INSTANT),
        ("recorded_at", _INSTANT),
        ("actor", pa.string()),
        ("actor_source", pa.string()),
        ("run_id", pa.string()),
        ("audit_action", pa.string()),
        ("object_kind", pa.string()),
        ("object_id", pa.string()),
        ("outcome", pa.string()),
        ("billing_period", pa.string()),
        ("legal_entity_id", pa.string()),
        ("register_sequence", pa.int64()),
        ("manifest_sha256", pa.string()),
        ("details", pa.string()),
        ("previous_entry_sha256", pa.string()),
        ("entry_sha256", pa.string()),
    ]
)
_FILE: Final = "audit_entries.parquet"
_LAST: Final = b"last_entry"


def write_audit_inputs(settings: Settings) -> None:
    """Bring the file to the log's head; only entries that came since the last time are read.

    Raises:
        AuditLogDamagedError: an entry that is read is not what was written.
    """
    settings.warehouse_inputs.mkdir(parents=True, exist_ok=True)
    target = settings.warehouse_inputs / _FILE
    log = AuditLog(settings.audit)
    known, place = _known(target)
    try:
        entries = log.entries(after=place)
    except AuditLogDamagedError:  # the file is of another log: what it knew is not there
        if place == START:
            raise
        known, entries = ENTRY_SCHEMA.empty_table(), log.entries()
    if entries or known.num_rows == 0:
        rows = pa.concat_tables([known, entry_table(entries)])
        last = entries[-1] if entries else None
        note = json.dumps([last.sequence, last.sha256] if last else [0, START.entry_sha256])
        marked = ENTRY_SCHEMA.with_metadata({_LAST: note.encode()})
        replace_parquet(target, marked, [rows.cast(marked)])


def entry_table(entries: Iterable[Entry]) -> pa.Table:
    """Entries as rows of ENTRY_SCHEMA: instants are naive UTC, details are JSON text."""
    return pa.Table.from_pylist([_row(entry) for entry in entries], schema=ENTRY_SCHEMA)


def _known(target: Any) -> tuple[pa.Table, Place]:
    try:
        table = pq.read_table(target)
        sequence, sha256 = json.loads((table.schema.metadata or {})[_LAST])
        return table.cast(ENTRY_SCHEMA), Place(sequence=sequence, entry_sha256=sha256)
    except (OSError, KeyError, ValueError, pa.ArrowException):
        return ENTRY_SCHEMA.empty_table(), START


def _row(entry: Entry) -> dict[str, Any]:
    deed = entry.deed
    return {
        "audit_sequence": entry.sequence,
        "happened_at": deed.happened_at.replace(tzinfo=None),
        "recorded_at": entry.recorded_at.replace(tzinfo=None),
        "actor": deed.actor.name,
        "actor_source": deed.actor.source,
        "run_id": deed.actor.run_id,
        "audit_action": deed.action,
        "object_kind": deed.object_kind,
        "object_id": deed.object_id,
        "outcome": deed.details.get("outcome"),
        "billing_period": deed.details.get("billing_period"),
        "legal_entity_id": deed.details.get("legal_entity_id"),
        "register_sequence": deed.commit.sequence if deed.commit else None,
        "manifest_sha256": deed.commit.manifest_sha256 if deed.commit else None,
        "details": json.dumps(deed.details, ensure_ascii=False, sort_keys=True),
        "previous_entry_sha256": entry.previous_entry_sha256,
        "entry_sha256": entry.sha256,
    }
