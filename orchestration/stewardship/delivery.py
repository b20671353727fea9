"""Decisions on their way from the register to the models: as ingestion batches of their own.

Belongs here: which commits no batch holds yet, writing and committing those batches. Does not
belong here: making a decision (recording.py); what it changes, which is the models'.

A commit becomes one batch without events, whose raw file follows from the commit alone: whenever,
and however often, it is delivered, the rows are the same but for the number of the batch. So
revisions pin decisions as they pin events. The register stays the truth: what was decided and not
delivered, or whose batch was lost with the operations database, is delivered by the next ingestion.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.billing.manifests import Manifest
from orchestration.billing.register import Register
from orchestration.durable import Steps, no_steps
from orchestration.ingest.batch_folder import BatchFolder
from orchestration.ingest.digests import key_hash_of
from orchestration.ingest.load import ingestion_lock
from orchestration.ingest.manifest import (
    BatchRow,
    commit_decisions,
    last_batch_start,
    next_numbers,
)
from orchestration.operations_db import restore_journals
from orchestration.operations_db.tables import raw_parts
from orchestration.settings import Settings
from orchestration.stewardship.decision_rows import (
    RAW_DECISION_SCHEMA,
    ROLE,
    read_event_decisions,
)

PART_KIND = "decisions"


def deliver_event_decisions(
    settings: Settings, engine: Engine, *, now: datetime, steps: Steps = no_steps
) -> tuple[int, ...]:
    """Write every commit of decisions that no batch holds as a batch, in order of commit.

    Args:
        settings: the installation.
        engine: its operations database.
        now: the instant at which a batch is committed, aware.
        steps: announced before each durable step.

    Returns:
        The numbers of the new batches; none where everything is delivered.

    Raises:
        IngestionBusyError: another process is loading into this data directory.
        RegisterDamagedError: a committed file of the register is missing or changed.
    """
    with ingestion_lock(settings):
        chain = [each for each in Register(settings.register).chain() if each.files_of(ROLE)]
        if not chain:
            return ()
        restore_journals(settings, engine)
        delivered = _delivered(settings, engine)
        waiting = [each for each in chain if each.sha256 not in delivered]
        return tuple(_deliver(settings, engine, each, now, steps) for each in waiting)


def _delivered(settings: Settings, engine: Engine) -> set[str]:
    """Read which commits the batches hold, by digest of their manifest."""
    parts = raw_parts.c
    with engine.connect() as connection:
        paths: Sequence[str] = connection.scalars(
            sa.select(parts.path).where(parts.part_kind == PART_KIND)
        ).all()
    found: set[str] = set()
    for path in paths:
        digests: Any = pq.read_table(settings.data_dir / path, columns=["manifest_sha256"])
        found.update(digests["manifest_sha256"].to_pylist())
    return found


def _deliver(
    settings: Settings, engine: Engine, commit: Manifest, now: datetime, steps: Steps
) -> int:
    batch_id, _ = next_numbers(engine)
    folder = BatchFolder(settings, batch_id)
    folder.create()
    decisions = read_event_decisions(settings.register, [commit])
    pq.write_table(_raw_rows(decisions, batch_id), folder.listed(PART_KIND), compression="zstd")
    commit_decisions(
        settings,
        engine,
        batch=BatchRow(
            ingestion_batch_id=batch_id,
            batch_kind=PART_KIND,
            started_at=last_batch_start(engine) or commit.written_at,
            committed_at=now,
            file_count=0,
            lines_accepted=0,
            lines_rejected=0,
        ),
        parts=folder.publish(steps=steps),
        steps=steps,
    )
    return batch_id


def _raw_rows(decisions: pa.Table, batch_id: int) -> pa.Table:
    rows = [
        row
        | {
            "ingestion_batch_id": batch_id,
            "key_hash": key_hash_of(row["event_source"], row["event_id"]),
        }
        for row in decisions.to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=RAW_DECISION_SCHEMA)
