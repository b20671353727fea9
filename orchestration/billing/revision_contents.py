"""What the revision of one legal entity is made of: what the warehouse proposes, and its pins.

Belongs here: gathering and pinning what a revision rests on. Does not belong here: the queries
(candidates.py, expiries.py, provenance.py, provenance_of_deeds.py, exceptions.py), the revision's
digest, number and commit (freeze.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.actors import Actor
from orchestration.billing.candidates import Candidates, read_candidates
from orchestration.billing.canonical import bytes_digest, canonical_digest
from orchestration.billing.code_version import code_version
from orchestration.billing.exceptions import exceptions_of, read_exceptions
from orchestration.billing.provenance import read_provenance
from orchestration.billing.provenance_of_deeds import Deeds, read_decided_events, with_deeds
from orchestration.billing.register import Register
from orchestration.billing.revisions import LINE_SCHEMA, Pins, is_closed, revisions_of
from orchestration.billing.run_scope import RunScope
from orchestration.operations_db.tables import raw_parts
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

WAREHOUSE_WAIT_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class EntityContent:
    """What one entity's revision is made of."""

    legal_entity_id: str
    billing_period: str
    documents: pa.Table
    lines: pa.Table
    expiries: pa.Table
    provenance: pa.Table
    exceptions: pa.Table
    pins: Pins
    frozen_by: Actor


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the warehouse holds of a period's run.

    Attributes:
        scope: what was declared and rated completely.
        frozen_on: UTC day of the freeze.
        ingestion_sha256: digest of the batches' files.
        provenance: what the candidates of a legal entity rest on; provenance_without_lines is what
            a revision without lines rests on.
        decided: decisions on events that count in it, of every legal entity.
        exceptions: what stands in the way of billing something, of every legal entity.
    """

    billing_period: str
    scope: RunScope
    frozen_on: date
    candidates: Candidates
    ingestion_sha256: str
    provenance: Mapping[str, pa.Table]
    provenance_without_lines: pa.Table
    decided: pa.Table
    exceptions: pa.Table


def read_run(
    settings: Settings,
    engine: Engine,
    *,
    billing_period: str,
    now: datetime,
    scope: RunScope,
    rated_in: Settings | None = None,
) -> Run:
    """Read what the warehouse proposes for a period's run, and what it rests on.

    Args:
        settings: the installation.
        engine: its operations database.
        billing_period: YYYY-MM.
        now: the instant of the freeze, aware.
        scope: what the run declared and rated completely.
        rated_in: the data directory in whose warehouse it was rated; None means its own.

    Raises:
        CandidatesUnusableError, WarehouseBusyError: see there.
    """
    rated_in = rated_in or settings
    with open_warehouse(rated_in, wait_seconds=WAREHOUSE_WAIT_SECONDS) as connection:
        candidates = read_candidates(
            connection,
            billing_period=billing_period,
            now=now,
            is_closed=partial(is_closed, revisions_of(Register(settings.register).chain())),
            is_of_one_month=scope.is_of_one_month,
        )
        tables_folder = settings.reference_versions / candidates.reference_version / "tables"
        read = partial(
            read_provenance, connection, billing_period=billing_period, tables_folder=tables_folder
        )
        return Run(
            billing_period=billing_period,
            scope=scope,
            frozen_on=now.astimezone(UTC).date(),
            candidates=candidates,
            ingestion_sha256=_ingestion_digest(engine, candidates.ingestion_batch_ids),
            provenance={
                legal_entity_id: read(
                    candidates.of_entity(legal_entity_id)[1],
                    candidates.expiries_of_entity(legal_entity_id),
                )
                for legal_entity_id in candidates.legal_entity_ids()
            },
            provenance_without_lines=read(
                LINE_SCHEMA.empty_table(), candidates.expiries.slice(0, 0)
            ),
            decided=read_decided_events(connection, tables_folder),
            exceptions=read_exceptions(connection, billing_period=billing_period),
        )


def entity_content(
    settings: Settings,
    run: Run,
    legal_entity_id: str,
    *,
    deeds: Deeds,
    actor: Actor,
) -> EntityContent:
    """The content of one entity's revision, with everything that it rests on.

    Args:
        settings: the installation.
        run: what the warehouse holds.
        legal_entity_id: one of its candidates, or one that has none.
        deeds: those of the register.
        actor: who freezes.
    """
    candidates, period = run.candidates, run.billing_period
    documents, lines = candidates.of_entity(legal_entity_id)
    expiries = candidates.expiries_of_entity(legal_entity_id)
    version_folder = settings.reference_versions / candidates.reference_version
    return EntityContent(
        legal_entity_id=legal_entity_id,
        billing_period=period,
        documents=documents,
        lines=lines,
        expiries=expiries,
        provenance=with_deeds(
            run.provenance.get(legal_entity_id, run.provenance_without_lines),
            deeds,
            run.decided,
            lines=lines,
            expiries=expiries,
            legal_entity_id=legal_entity_id,
            billing_period=period,
            has_all_contracts=run.scope.has_all_contracts,
            on=run.frozen_on,
        ),
        exceptions=exceptions_of(run.exceptions, legal_entity_id),
        frozen_by=actor,
        pins=Pins(
            tenant_id=settings.tenant_id,
            scope=_pinned(run.scope, legal_entity_id, documents, billing_period=period),
            ingestion_batch_ids=candidates.ingestion_batch_ids,
            ingestion_sha256=run.ingestion_sha256,
            reference_version=candidates.reference_version,
            policy_sha256=_file_digest(version_folder / "source" / "policy.yml"),
            code_version=code_version(),
        ),
    )


def _pinned(
    scope: RunScope, legal_entity_id: str, documents: pa.Table, *, billing_period: str
) -> dict[str, Any]:
    """What was rated completely; with the earlier periods that are billed along, if any."""
    periods = {str(period) for period in documents["billing_period"].to_pylist()}
    earlier = sorted(periods - {billing_period})
    pinned = {"legal_entity_id": legal_entity_id, **scope.plain()}
    return pinned | ({"earlier_periods": earlier} if earlier else {})


def _ingestion_digest(engine: Engine, ingestion_batch_ids: Sequence[int]) -> str:
    """Digest of the files of some committed batches, by path, SHA-256 and row count."""
    query = sa.select(
        raw_parts.c.ingestion_batch_id,
        raw_parts.c.path,
        raw_parts.c.content_sha256,
        raw_parts.c.row_count,
    ).order_by(raw_parts.c.path)
    wanted = set(ingestion_batch_ids)
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    return canonical_digest([list(row[1:]) for row in rows if row.ingestion_batch_id in wanted])


def _file_digest(path: Path) -> str | None:
    return bytes_digest(path.read_bytes()) if path.is_file() else None
