"""The ingestion manifest in the operations database: what is known, and the commit of a batch.

Belongs here: rows of ingestion_batches, ingestion_files, file_sightings and raw_parts.
Does not belong here: files; judging lines.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from orchestration.durable import Steps, no_steps
from orchestration.operations_db import INGESTION, JournaledTransaction, journaled
from orchestration.operations_db.tables import (
    file_sightings,
    ingestion_batches,
    ingestion_files,
    raw_parts,
)
from orchestration.settings import Settings

TOTALS_FORMAT = "control_totals"
"""What the format of a file of control totals begins with; any other file is one of usage."""


@dataclass(frozen=True)
class KnownFiles:
    """What the manifest knows of files when a run starts.

    Attributes:
        fingerprints: by name, the stat fingerprint of the last look that settled the file.
    """

    accepted_hashes: frozenset[str]
    accepted_sizes: frozenset[int]
    accepted_names: frozenset[str]
    fingerprints: dict[str, str]

    def is_unchanged(self, name: str, stat_fingerprint: str | None) -> bool:
        """Whether the file lies there as when it was last looked at and settled."""
        return stat_fingerprint is not None and self.fingerprints.get(name) == stat_fingerprint


@dataclass(frozen=True)
class FileRow:
    """One row of ingestion_files to be written."""

    file_id: int
    path: str
    content_sha256: str | None
    byte_size: int | None
    format_name: str | None
    header: str | None
    is_accepted: bool
    code: str | None
    detail: str | None
    lines_read: int
    lines_accepted: int
    lines_rejected: int


@dataclass(frozen=True)
class SightingRow:
    """One row of file_sightings to be written."""

    path: str
    content_sha256: str | None
    byte_size: int | None
    modified_at: datetime | None
    stat_fingerprint: str | None
    outcome: str
    detail: str | None


@dataclass(frozen=True)
class PartRow:
    """One committed file of raw/, its path relative to the data directory."""

    path: str
    part_kind: str
    event_date: date | None
    content_sha256: str
    row_count: int
    byte_size: int


@dataclass(frozen=True)
class BatchRow:
    """One row of ingestion_batches to be written."""

    ingestion_batch_id: int
    batch_kind: str
    started_at: datetime
    committed_at: datetime
    file_count: int
    lines_accepted: int
    lines_rejected: int


def read_known_files(engine: Engine) -> KnownFiles:
    """Return what the manifest knows of files."""
    files, sightings = ingestion_files.c, file_sightings.c
    latest = sa.select(sa.func.max(sightings.sighting_id)).group_by(sightings.path)
    with engine.connect() as connection:
        accepted = connection.execute(
            sa.select(files.content_sha256, files.byte_size, files.path).where(
                files.status == "accepted"
            )
        ).all()
        looks = connection.execute(
            sa.select(sightings.path, sightings.stat_fingerprint).where(
                sightings.sighting_id.in_(latest),
                sightings.stat_fingerprint.is_not(None),
                sightings.outcome != "still_being_written",
            )
        ).all()
    return KnownFiles(
        accepted_hashes=frozenset(row.content_sha256 for row in accepted),
        accepted_sizes=frozenset(row.byte_size for row in accepted),
        accepted_names=frozenset(row.path for row in accepted),
        fingerprints={row.path: row.stat_fingerprint for row in looks},
    )


def next_numbers(engine: Engine) -> tuple[int, int]:
    """Return the next (ingestion_batch_id, file_id); the caller holds the ingestion lock."""
    with engine.connect() as connection:
        batch = connection.scalar(sa.select(sa.func.max(ingestion_batches.c.ingestion_batch_id)))
        file = connection.scalar(sa.select(sa.func.max(ingestion_files.c.file_id)))
    return (batch or 0) + 1, (file or 0) + 1


def last_batch_start(engine: Engine) -> datetime | None:
    """Return when the last batch began; what brings no usage begins then, too."""
    with engine.connect() as connection:
        started_at: datetime | None = connection.scalar(
            sa.select(sa.func.max(ingestion_batches.c.started_at))
        )
    return started_at


def committed_paths(engine: Engine) -> set[str]:
    """Return the paths of all committed parts, relative to the data directory."""
    with engine.connect() as connection:
        return set(connection.execute(sa.select(raw_parts.c.path)).scalars())


def commit_load(
    settings: Settings,
    engine: Engine,
    *,
    batch: BatchRow | None,
    files: Sequence[FileRow],
    sightings: Sequence[SightingRow],
    parts: Sequence[PartRow],
    present_names: set[str] | None,
    now: datetime,
    is_of_totals: bool = False,
    steps: Steps = no_steps,
) -> None:
    """Write everything that a run has to say in one journaled transaction: this is the commit.

    A refused file's row is superseded when its path is looked at again with a new result, or, where
    present_names lists all that lies in the landing folder, when it lies there no more. Whether
    these are files of control totals or of usage, is_of_totals says.
    """
    with journaled(settings, engine, INGESTION, steps=steps) as change:
        connection = change.connection
        looked_before = connection.scalar(sa.select(sa.func.max(file_sightings.c.sighting_id)))
        superseded = _supersede(
            connection,
            {one.path for one in sightings},
            present_names,
            now,
            is_of_totals=is_of_totals,
        )
        if batch is not None:
            _insert_batch(change, batch, parts)
        _insert_all(
            connection,
            ingestion_files,
            (_file_values(one, batch, now) for one in files),
        )
        _insert_all(
            connection,
            file_sightings,
            (
                {
                    "path": one.path,
                    "content_sha256": one.content_sha256,
                    "byte_size": one.byte_size,
                    "modified_at": one.modified_at,
                    "stat_fingerprint": one.stat_fingerprint,
                    "seen_at": now,
                    "outcome": one.outcome,
                    "detail": one.detail,
                }
                for one in sightings
            ),
        )
        for file_id in [*superseded, *(one.file_id for one in files)]:
            change.keep(ingestion_files, ingestion_files.c.file_id == file_id)
        change.keep(file_sightings, file_sightings.c.sighting_id > (looked_before or 0))


def commit_replay(
    settings: Settings,
    engine: Engine,
    *,
    batch: BatchRow,
    parts: Sequence[PartRow],
    accepted_by_file: dict[int, int],
    steps: Steps = no_steps,
) -> None:
    """Write a replay's batch and move its lines from rejected to accepted, in one transaction."""
    files = ingestion_files.c
    with journaled(settings, engine, INGESTION, steps=steps) as change:
        _insert_batch(change, batch, parts)
        for file_id, accepted in accepted_by_file.items():
            change.connection.execute(
                sa.update(ingestion_files)
                .where(files.file_id == file_id)
                .values(
                    lines_accepted=files.lines_accepted + accepted,
                    lines_rejected=files.lines_rejected - accepted,
                )
            )
            change.keep(ingestion_files, files.file_id == file_id)


def commit_decisions(
    settings: Settings,
    engine: Engine,
    *,
    batch: BatchRow,
    parts: Sequence[PartRow],
    steps: Steps = no_steps,
) -> None:
    """Write a batch that holds decisions on events and no event, in one transaction."""
    with journaled(settings, engine, INGESTION, steps=steps) as change:
        _insert_batch(change, batch, parts)


def _insert_batch(change: JournaledTransaction, batch: BatchRow, parts: Sequence[PartRow]) -> None:
    connection = change.connection
    connection.execute(
        sa.insert(ingestion_batches).values(
            ingestion_batch_id=batch.ingestion_batch_id,
            batch_kind=batch.batch_kind,
            started_at=batch.started_at,
            committed_at=batch.committed_at,
            file_count=batch.file_count,
            lines_read=batch.lines_accepted + batch.lines_rejected,
            lines_accepted=batch.lines_accepted,
            lines_rejected=batch.lines_rejected,
        )
    )
    _insert_all(
        connection,
        raw_parts,
        (
            {
                "path": one.path,
                "ingestion_batch_id": batch.ingestion_batch_id,
                "part_kind": one.part_kind,
                "event_date": one.event_date,
                "content_sha256": one.content_sha256,
                "row_count": one.row_count,
                "byte_size": one.byte_size,
            }
            for one in parts
        ),
    )
    for table in (ingestion_batches, raw_parts):
        change.keep(table, table.c.ingestion_batch_id == batch.ingestion_batch_id)


def _file_values(one: FileRow, batch: BatchRow | None, now: datetime) -> dict[str, object]:
    return {
        "file_id": one.file_id,
        "ingestion_batch_id": batch.ingestion_batch_id if batch and one.is_accepted else None,
        "path": one.path,
        "content_sha256": one.content_sha256,
        "byte_size": one.byte_size,
        "format": one.format_name,
        "header": one.header,
        "status": "accepted" if one.is_accepted else "refused",
        "code": one.code,
        "detail": one.detail,
        "lines_read": one.lines_read,
        "lines_accepted": one.lines_accepted,
        "lines_rejected": one.lines_rejected,
        "first_seen_at": now,
    }


def _insert_all(connection: Connection, table: sa.Table, rows: Iterable[dict[str, object]]) -> None:
    listed = list(rows)
    if listed:
        connection.execute(sa.insert(table), listed)


def _supersede(
    connection: Connection,
    looked_at: set[str],
    present_names: set[str] | None,
    now: datetime,
    *,
    is_of_totals: bool,
) -> list[int]:
    """Supersede refused files that are gone or looked at again; return their numbers."""
    files = ingestion_files.c
    is_open = sa.and_(files.status == "refused", files.superseded_at.is_(None))
    query = sa.select(files.file_id, files.path, files.format).where(is_open)
    superseded = [
        row.file_id
        for row in connection.execute(query).all()
        if row.path in looked_at
        or (
            present_names is not None
            and row.path not in present_names
            and (row.format or "").startswith(TOTALS_FORMAT) == is_of_totals
        )
    ]
    for file_id in superseded:
        connection.execute(
            sa.update(ingestion_files).where(files.file_id == file_id).values(superseded_at=now)
        )
    return superseded
