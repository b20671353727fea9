"""Tables of a pack that follow from the operations database, the reference versions and the log.

Belongs here: inputs with their digests, postings with receipts, audit entries. Does not belong
here: what follows from the register (register_tables.py).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.audit.entries import Entry
from orchestration.billing.canonical import canonical_digest
from orchestration.billing.entries import AMOUNT, INSTANT, column
from orchestration.billing.manifests import ListedFile, Manifest
from orchestration.billing.revisions import Revision
from orchestration.evidence.selection import Subject
from orchestration.operations_db.tables import (
    erp_documents,
    ingestion_files,
    posting_attempts,
    postings,
    raw_parts,
)

_INPUTS: Final = pa.schema(
    [
        column("input_kind", pa.string()),
        column("path", pa.string()),
        column("sha256", pa.string()),
        column("byte_size", pa.int64()),
        column("row_count", pa.int64()),
        column("ingestion_batch_id", pa.int64()),
    ]
)
_POSTINGS: Final = pa.schema(
    [
        column("revision_id", pa.string()),
        column("document_id", pa.string()),
        column("posting_key", pa.string()),
        column("erp", pa.string()),
        column("state", pa.string()),
        column("document_number", pa.string()),
        column("erp_document_id", pa.string()),
        column("amount", AMOUNT),
        column("currency_code", pa.string()),
        column("payload_sha256", pa.string()),
        column("error_code", pa.string()),
        column("error_detail", pa.string()),
        column("erp_status", pa.string()),
        column("erp_total_amount", AMOUNT),
        column("erp_balance_amount", AMOUNT),
        column("erp_read_at", INSTANT),
    ]
)
_ATTEMPTS: Final = pa.schema(
    [
        column("posting_key", pa.string()),
        column("attempt_number", pa.int64()),
        column("started_at", INSTANT),
        column("finished_at", INSTANT),
        column("outcome", pa.string()),
        column("actor_name", pa.string()),
        column("actor_source", pa.string()),
        column("run_id", pa.string()),
        column("correlation_id", pa.string()),
        column("receipt", pa.string()),
    ]
)


def input_table(
    engine: Engine,
    *,
    revisions: Iterable[Revision],
    descriptions: Mapping[str, Mapping[str, Any]],
    register_files: Sequence[ListedFile],
) -> pa.Table:
    """Every input with its digest: usage files, raw files, reference sources and tables, register.

    Args:
        engine: the operations database.
        revisions: whose ingestion batches count.
        descriptions: version.json of each reference version that they rest on, by version.
        register_files: files of the register that the pack's tables are made from.
    """
    batches = {batch for each in revisions for batch in each.pins.ingestion_batch_ids}
    rows = [*_usage_files(engine, batches), *_raw_files(engine, batches)]
    for version, description in sorted(descriptions.items()):
        rows += [
            _input("reference_source", f"reference/versions/{version}/source/{each['path']}", each)
            for each in description["files"]
        ]
        rows += [
            _input(
                "reference_table",
                f"reference/versions/{version}/tables/{each['name']}.parquet",
                each,
            )
            for each in description["tables"]
        ]
    rows += [
        _input("register_file", f"register/{each.path}", each.plain()) for each in register_files
    ]
    return pa.Table.from_pylist(rows, schema=_INPUTS)


def ingestion_digest(inputs: pa.Table, batch_ids: Iterable[int]) -> str:
    """The digest that a revision pins of its batches' raw files, from the table of inputs."""
    wanted = set(batch_ids)
    rows = [
        [row["path"], row["sha256"], row["row_count"]]
        for row in inputs.to_pylist()
        if row["input_kind"] == "raw_file" and row["ingestion_batch_id"] in wanted
    ]
    return canonical_digest(sorted(rows))


def posting_table(engine: Engine, subject: Subject) -> pa.Table:
    """Postings of the pack's documents, each with what the ERP said of it when last read."""
    query = (
        sa.select(
            *(postings.c[name] for name in _POSTINGS.names if name in postings.c),
            erp_documents.c.status.label("erp_status"),
            erp_documents.c.total_amount.label("erp_total_amount"),
            erp_documents.c.balance_amount.label("erp_balance_amount"),
            erp_documents.c.read_at.label("erp_read_at"),
        )
        .outerjoin_from(
            postings, erp_documents, postings.c.posting_key == erp_documents.c.posting_key
        )
        .where(postings.c.revision_id.in_(subject.revision_ids))
        .order_by(postings.c.revision_id, postings.c.document_id)
    )
    return _table(engine, query, _POSTINGS)


def attempt_table(engine: Engine, subject: Subject) -> pa.Table:
    """Attempts to post the pack's documents, each with its receipt: the ERP's answers as JSON."""
    attempts = posting_attempts.c
    query = (
        sa.select(
            *(attempts[name] for name in _ATTEMPTS.names if name in attempts),
            attempts.response.label("receipt"),
        )
        .join_from(posting_attempts, postings, attempts.posting_key == postings.c.posting_key)
        .where(postings.c.revision_id.in_(subject.revision_ids))
        .order_by(attempts.posting_key, attempts.attempt_number)
    )
    return _table(engine, query, _ATTEMPTS)


def entries_of_interest(
    entries: Sequence[Entry], subject: Subject, commits: Sequence[Manifest], versions: set[str]
) -> list[Entry]:
    """Audit entries that concern a pack: its month, commits, reference versions and their runs.

    Args:
        entries: the whole log.
        subject: what the pack is about.
        commits: the freezes and signatures of its revisions.
        versions: reference versions that they rest on.
    """
    own_commits = {each.sha256 for each in commits}

    def is_about(entry: Entry) -> bool:
        deed = entry.deed
        if deed.commit is not None and deed.commit.manifest_sha256 in own_commits:
            return True
        if deed.object_kind == "reference_version":
            return deed.object_id in versions
        entity = deed.details.get("legal_entity_id")
        return deed.details.get("billing_period") == subject.billing_period and (
            entity is None or entity in subject.legal_entity_ids
        )

    found = [entry for entry in entries if is_about(entry)]
    runs = {each.deed.actor.run_id for each in found} - {None}
    return [
        entry
        for entry in entries
        if is_about(entry) or (entry.deed.object_kind == "job" and entry.deed.actor.run_id in runs)
    ]


def reference_description(version_folder: Path) -> Mapping[str, Any]:
    """What version.json says of a reference version.

    Raises:
        OSError, ValueError: it is gone or is no JSON.
    """
    described: Mapping[str, Any] = json.loads((version_folder / "version.json").read_bytes())
    return described


def _usage_files(engine: Engine, batches: set[int]) -> list[dict[str, Any]]:
    columns = ingestion_files.c
    query = (
        sa.select(
            columns.path,
            columns.content_sha256,
            columns.byte_size,
            columns.lines_read.label("row_count"),
            columns.ingestion_batch_id,
        )
        .where(columns.status == "accepted")
        .order_by(columns.path, columns.file_id)
    )
    return _of_batches(engine, query, batches, "usage_file")


def _raw_files(engine: Engine, batches: set[int]) -> list[dict[str, Any]]:
    columns = raw_parts.c
    query = sa.select(
        columns.path,
        columns.content_sha256,
        columns.byte_size,
        columns.row_count,
        columns.ingestion_batch_id,
    ).order_by(columns.path)
    return _of_batches(engine, query, batches, "raw_file")


def _of_batches(
    engine: Engine, query: sa.Select[Any], batches: set[int], kind: str
) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        rows: Any = connection.execute(query).mappings().all()
    return [_input(kind, row["path"], row) for row in rows if row["ingestion_batch_id"] in batches]


def _input(kind: str, path: str, told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "input_kind": kind,
        "path": path,
        "sha256": told.get("content_sha256") or told.get("sha256"),
        "byte_size": told.get("byte_size"),
        "row_count": told.get("row_count"),
        "ingestion_batch_id": told.get("ingestion_batch_id"),
    }


def _table(engine: Engine, query: sa.Select[Any], schema: pa.Schema) -> pa.Table:
    instants = [each.name for each in schema if pa.types.is_timestamp(each.type)]
    with engine.connect() as connection:
        found = connection.execute(query).mappings().all()
    rows = []
    for each in found:
        row = dict(each)
        for name in instants:
            row[name] = row[name] and row[name].replace(tzinfo=None)
        if row.get("receipt") is not None:
            row["receipt"] = json.dumps(row["receipt"], ensure_ascii=False, sort_keys=True)
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=schema)
