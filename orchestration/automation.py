"""When the machine starts a run by itself: named policies over what is, never over what happened.

Belongs here: one function per policy, which looks at the installation and says what is to do, and
why. Does not belong here: sensors and schedules, which ask these (orchestration/defs); doing it.

A policy compares states (files with the manifest, the register with the postings, the inputs of
the last build with today's), so a run that the command line made, a missed tick or a restarted
daemon never makes work twice, and never loses any.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from orchestration.billing.manifests import DECIDING_KINDS
from orchestration.billing.register import Register
from orchestration.operations_db import tables
from orchestration.partitions import landing_files
from orchestration.reports.late_usage import LateUsage, late_usage_digest, late_usage_words
from orchestration.settings import Settings

RECHECK_AFTER: Final = timedelta(minutes=10)
"""How long an open posting or an unread document waits before the machine looks again."""


@dataclass(frozen=True)
class Work:
    """Something to do.

    Attributes:
        run_key: the same for the same work, so that one state starts one run.
        why: one sentence for the person who reads the sensor's log.
    """

    run_key: str
    why: str

    @property
    def run_tags(self) -> dict[str, str]:
        """Return the tags of the run that does it."""
        return {"tallyhouse/why": self.why}


@dataclass(frozen=True)
class WaitingFiles(Work):
    """Files that no ingestion has looked at, and the landing days that they span."""

    first_day: date
    last_day: date

    @property
    def run_tags(self) -> dict[str, str]:
        """Return the tags of one run over all the landing days."""
        return super().run_tags | {
            "dagster/asset_partition_range_start": self.first_day.isoformat(),
            "dagster/asset_partition_range_end": self.last_day.isoformat(),
        }


@dataclass(frozen=True)
class InputsState:
    """What the inputs of a build were made from.

    Attributes:
        ingestion_batch_id: the last committed batch; 0 when there is none.
        reference_version: the version in force; empty when there is none.
        register_sequence: the register's last commit that changed what was billed: a freeze, which
            only looks at candidates, is none.
        operations_digest: digest of when postings, receipts and decisions last changed.
    """

    ingestion_batch_id: int
    reference_version: str
    register_sequence: int
    operations_digest: str

    def as_metadata(self) -> dict[str, str]:
        """Return the state as text by name, as an asset's metadata keeps it."""
        return {name: str(value) for name, value in asdict(self).items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Self | None:
        """Return the state that metadata keeps, or None where it keeps none."""
        try:
            return cls(
                ingestion_batch_id=int(metadata["ingestion_batch_id"]),
                reference_version=str(metadata["reference_version"]),
                register_sequence=int(metadata["register_sequence"]),
                operations_digest=str(metadata["operations_digest"]),
            )
        except (KeyError, ValueError):
            return None


def inputs_state(settings: Settings, engine: Engine) -> InputsState:
    """Return what inputs written now would be made from."""
    batches, versions = tables.ingestion_batches, tables.reference_versions
    with engine.connect() as connection:
        batch = connection.scalar(sa.select(sa.func.max(batches.c.ingestion_batch_id)))
        version = connection.scalar(
            sa.select(versions.c.reference_version)
            .order_by(versions.c.loaded_at.desc(), versions.c.reference_version)
            .limit(1)
        )
        changes = [
            connection.execute(sa.select(sa.func.count(), sa.func.max(instant))).one()
            for instant in (
                tables.postings.c.updated_at,
                tables.erp_documents.c.read_at,
                tables.sign_offs.c.signed_at,
            )
        ]
    return InputsState(
        ingestion_batch_id=batch or 0,
        reference_version=version or "",
        register_sequence=_billed(settings).last_decision,
        operations_digest=_digest([[count, str(instant)] for count, instant in changes]),
    )


def files_waiting(settings: Settings, engine: Engine, *, now: datetime) -> WaitingFiles | None:
    """Policy: new files are loaded once they have settled.

    A file waits when no sighting of its path has its size and time of modification, or when it was
    still being written at the last look. A file that was refused or could not be read waits no
    more until it changes.
    """
    sightings = tables.file_sightings
    with engine.connect() as connection:
        seen = {
            (path, size, modified_at)
            for path, size, modified_at in connection.execute(
                sa.select(sightings.c.path, sightings.c.byte_size, sightings.c.modified_at).where(
                    sightings.c.outcome != "still_being_written"
                )
            )
        }
    waiting = []
    for path, day in landing_files(settings.landing_usage):
        status = path.stat()
        modified_at = datetime.fromtimestamp(status.st_mtime, tz=UTC)
        has_settled = now - modified_at >= timedelta(seconds=settings.settle_seconds)
        name = path.relative_to(settings.data_dir).as_posix()
        if has_settled and (name, status.st_size, modified_at) not in seen:
            waiting.append((name, status.st_size, status.st_mtime_ns, day))
    if not waiting:
        return None
    days = [day for *_, day in waiting]
    return WaitingFiles(
        run_key=f"files-{_digest([[*file, str(day)] for *file, day in waiting])}",
        why=f"{len(waiting)} usage files were not looked at yet, the first is {waiting[0][0]}.",
        first_day=min(days),
        last_day=max(days),
    )


def documents_to_post(settings: Settings, engine: Engine, *, now: datetime) -> Work | None:
    """Policy: a signature is followed by its posting; an open posting is looked at every 10 min.

    A rejected posting is a business failure: it waits for a person, not for the machine.
    """
    postings = tables.postings
    signed = _billed(settings).posting_keys
    with engine.connect() as connection:
        known: set[str] = set(connection.scalars(sa.select(postings.c.posting_key)))
        open_keys = _keys_in(connection, ("planned", "sending", "unknown"))
    unplanned = sorted(signed - known)
    if unplanned:
        return Work(
            run_key=f"signed-{_digest(unplanned)}",
            why=f"{len(unplanned)} signed documents are not planned for the ERP yet.",
        )
    if open_keys:
        return Work(
            run_key=f"open-{_digest(open_keys)}-{_interval(now)}",
            why=f"{len(open_keys)} postings are planned, under way or unknown.",
        )
    return None


def documents_to_read(engine: Engine, *, now: datetime) -> Work | None:
    """Policy: what was posted is read back; what is posted but unread is tried every 10 min."""
    read = tables.erp_documents
    with engine.connect() as connection:
        posted = set(_keys_in(connection, ("posted",)))
        unread = sorted(posted - set(connection.scalars(sa.select(read.c.posting_key))))
    if not unread:
        return None
    return Work(
        run_key=f"unread-{_digest(unread)}-{_interval(now)}",
        why=f"{len(unread)} posted documents were not read back yet.",
    )


def usage_to_rate(built: InputsState | None, state: InputsState) -> Work | None:
    """Policy: a new batch or reference version is rated; without either nothing is.

    Args:
        built: what the inputs of the last build were made from; None when there was none.
        state: what they would be made from now.
    """
    if state.ingestion_batch_id == 0 or not state.reference_version:
        return None
    rated = built and (built.ingestion_batch_id, built.reference_version)
    if rated == (state.ingestion_batch_id, state.reference_version):
        return None
    return Work(
        run_key=f"rate-{state.ingestion_batch_id}-{state.reference_version}",
        why=(
            f"Batch {state.ingestion_batch_id} under reference version "
            f"{state.reference_version} is not rated yet."
        ),
    )


def books_to_reconcile(built: InputsState | None, state: InputsState) -> Work | None:
    """Policy: after signatures, postings and answers of the ERP the books are reconciled.

    Where usage waits to be rated, that build reconciles as well, so this one does not start.
    """
    if built is None or usage_to_rate(built, state) is not None or built == state:
        return None
    return Work(
        run_key=f"books-{state.register_sequence}-{state.operations_digest}",
        why=f"The register stands at {state.register_sequence}; postings or receipts changed.",
    )


def signals_to_push(*, published_at: float | None, pushed_at: float | None) -> Work | None:
    """Policy: each publication is followed by its signals.

    Args:
        published_at: seconds since 1970 of the last publication; None when there was none.
        pushed_at: of the last push.
    """
    if published_at is None or (pushed_at is not None and pushed_at >= published_at):
        return None
    return Work(
        run_key=f"published-{published_at:.6f}",
        why="The marts were published after the last signals.",
    )


def late_usage_to_announce(rows: Sequence[LateUsage]) -> Work | None:
    """Policy: usage that came after the signature of its month is announced, once as it stands.

    Nobody corrects it but a person, or the next run that is signed.
    """
    if not rows:
        return None
    return Work(run_key=f"late-{late_usage_digest(rows)}", why=late_usage_words(rows))


@dataclass(frozen=True)
class _Billed:
    """What sensors must know of the register: the last commit but freezes, and what is to post."""

    last_decision: int
    posting_keys: frozenset[str]


def _billed(settings: Settings) -> _Billed:
    """Read the register again only where it grew: a commit never changes an earlier one."""
    manifests = settings.register / "manifests"
    count = sum(1 for _ in manifests.glob("*.json")) if manifests.is_dir() else 0
    return _read_billed(settings.register, count)


@lru_cache(maxsize=4)
def _read_billed(folder: Path, _manifest_count: int) -> _Billed:
    register = Register(folder)
    chain = register.chain()
    keys = register.entries(chain).column("posting_key").to_pylist()
    decisions = (manifest.sequence for manifest in chain if manifest.kind in DECIDING_KINDS)
    return _Billed(
        last_decision=max(decisions, default=0),
        posting_keys=frozenset(key for key in keys if key),
    )


def _keys_in(connection: Connection, states: Sequence[str]) -> list[str]:
    postings = tables.postings
    query = sa.select(postings.c.posting_key).where(postings.c.state.in_(states))
    return sorted(connection.scalars(query))


def _interval(now: datetime) -> int:
    return int(now.timestamp() // RECHECK_AFTER.total_seconds())


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:16]
