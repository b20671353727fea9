"""From records to entries: each in the light of those before it, signed ones left out.

Belongs here: which records are new, the columns that every entry has. Does not belong here: what
each kind becomes (credits.py, releases.py, closures.py), the signature (record.py).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar

import duckdb
import pyarrow as pa

from orchestration.billing.canonical import canonical_digest
from orchestration.billing.entries import ENTRY_SCHEMA, REGISTER_ENTRY_SCHEMA, fold_billed
from orchestration.billing.manifests import Manifest
from orchestration.billing.sign_off_rules import Signer
from orchestration.failures import RefusedError
from orchestration.recording.closures import closure_entries
from orchestration.recording.credits import credit_entries
from orchestration.recording.documents import find_document
from orchestration.recording.models import (
    Closure,
    EntryRecord,
    HandMadeCredit,
    Record,
    RecordsFile,
)
from orchestration.recording.releases import release_entries

Warehouse: TypeAlias = Callable[[], duckdb.DuckDBPyConnection]
"""Opens the warehouse when it is first asked for."""
SomeRecord = TypeVar("SomeRecord", bound=Record)
_NOTHING: Final = Decimal("0.0000")
_NOT_A_LINE: Final = (
    "rated_amount",
    "document_id",
    "document_kind",
    "posting_key",
    "line_number",
    "revision_id",
    "accounting_date",
    "credit_settlement",
)


class RecordTakenError(RefusedError):
    """A record of that id was signed before, and says something else."""

    code = "record_taken"


@dataclass(frozen=True, kw_only=True)
class Built:
    """What the new records of a file come to.

    Attributes:
        records: those that were not signed before. known_ids: of those that were.
        entries: ENTRY_SCHEMA.
    """

    records: tuple[EntryRecord, ...]
    known_ids: tuple[str, ...]
    entries: pa.Table


def build_entries(
    records: Sequence[EntryRecord],
    *,
    chain: Sequence[Manifest],
    register: pa.Table,
    warehouse: Warehouse,
    signer: str,
    now: datetime,
) -> Built:
    """Entries of the records that were not signed before, in their order.

    Args:
        records: of one file.
        chain: the register's commits, which know what was signed.
        register: its entries, REGISTER_ENTRY_SCHEMA.
        warehouse: opened where a record closes what is not billed.
        signer: name that the entries carry.
        now: the instant of the signature, aware.

    Raises:
        RecordTakenError: an id was used before for something else.
        RefusedError: a record does not fit what it names.
    """
    new, known_ids = new_records(records, chain)
    entries = ENTRY_SCHEMA.empty_table()
    for record in new:
        as_signed = _with(register, entries)
        rows = _rows_of(record, as_signed, warehouse)
        billed = fold_billed(as_signed, keys=[row["settlement_key"] for row in rows])
        completed = [
            {name: row.get(name) for name in ENTRY_SCHEMA.names}
            | dict.fromkeys(_NOT_A_LINE)
            | {
                "entry_number": entries.num_rows + number,
                "billed_before": row["billed_before"]
                if isinstance(record, Closure)
                else billed.get(row["settlement_key"], _NOTHING),
                "cause": record.kind,
                "record_id": record.id,
                "signer": signer,
                "signed_at": now.astimezone(UTC).replace(tzinfo=None),
                "note": record.reason,
            }
            for number, row in enumerate(rows, start=1)
        ]
        table = pa.Table.from_pylist(completed, schema=ENTRY_SCHEMA)
        entries = pa.concat_tables([entries, table])
    return Built(records=tuple(new), known_ids=known_ids, entries=entries)


def record_digest(record: Record) -> str:
    """SHA-256 of what a record says."""
    return canonical_digest(record.model_dump(mode="json"))


def new_records(
    records: Sequence[SomeRecord], chain: Sequence[Manifest]
) -> tuple[list[SomeRecord], tuple[str, ...]]:
    """Records that were not signed before, and the ids of those that were.

    Raises:
        RecordTakenError: an id was used before for something else.
    """
    signed = dict(_signed_records(chain))
    new: list[SomeRecord] = []
    known: list[str] = []
    for record in records:
        if record.id not in signed:
            new.append(record)
        elif signed[record.id] == record_digest(record):
            known.append(record.id)
        else:
            raise RecordTakenError(
                f"Tried to record {record.kind} {record.id}: a record of that id was signed "
                "before, and says something else. Give this one an id of its own."
            )
    return new, tuple(known)


def records_subject(file: RecordsFile, records: Sequence[Record], signer: Signer) -> dict[str, Any]:
    """What the commit of a file says: whose it is, who signed, and each record."""
    return {
        "file": file.name,
        "file_sha256": file.sha256,
        "author": file.author,
        "signer": signer.name,
        "signer_source": signer.source,
        "run_id": signer.run_id,
        "records": [
            {
                "record_id": record.id,
                "content_sha256": record_digest(record),
                **record.model_dump(mode="json", exclude={"id"}, exclude_none=True),
            }
            for record in records
        ],
    }


def _signed_records(chain: Sequence[Manifest]) -> Iterator[tuple[str, str]]:
    for manifest in chain:
        for record in manifest.subject.get("records", ()) if manifest.kind == "record" else ():
            yield record["record_id"], record["content_sha256"]


def _rows_of(record: EntryRecord, register: pa.Table, warehouse: Warehouse) -> list[dict[str, Any]]:
    if isinstance(record, Closure):
        return closure_entries(record, warehouse(), register)
    tried = f"Tried to record {record.kind} {record.id}"
    document = find_document(register, record.document, tried=tried)
    if isinstance(record, HandMadeCredit):
        return credit_entries(record, document)
    return release_entries(record, document)


def _with(register: pa.Table, entries: pa.Table) -> pa.Table:
    """The register as it will be once these entries are signed."""
    columns: Mapping[str, Any] = {
        "register_sequence": pa.array([0] * entries.num_rows, pa.int64()),
        "manifest_sha256": pa.array([""] * entries.num_rows, pa.string()),
        **{name: entries[name] for name in ENTRY_SCHEMA.names},
    }
    return pa.concat_tables([register, pa.table(dict(columns), REGISTER_ENTRY_SCHEMA)])
