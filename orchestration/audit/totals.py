"""Loads of control totals as deeds: who let a source state what it sent.

Belongs here: each batch of totals, read from its raw file. Does not belong here: loading
(orchestration/control_totals); other deeds (deeds.py).
"""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestration.actors import UNKNOWN, Actor
from orchestration.audit.entries import Deed
from orchestration.operations_db.tables import ingestion_batches, raw_parts
from orchestration.settings import Settings

_BATCHES: Final = (
    sa.select(
        ingestion_batches.c.ingestion_batch_id, ingestion_batches.c.committed_at, raw_parts.c.path
    )
    .join_from(ingestion_batches, raw_parts)
    .where(raw_parts.c.part_kind == "control_total_files")
    .order_by(ingestion_batches.c.ingestion_batch_id)
)
_MOST_FILES: Final = 20


def has_totals_news(connection: Connection, *, after: int) -> bool:
    """Whether a batch of control totals came after another batch."""
    query = _BATCHES.where(ingestion_batches.c.ingestion_batch_id > after).limit(1)
    return connection.execute(query).first() is not None


def totals_deeds(connection: Connection, settings: Settings, *, after: int) -> list[Deed]:
    """Loads of control totals after a batch, in order; of whom is not known if its file is gone."""
    query = _BATCHES.where(ingestion_batches.c.ingestion_batch_id > after)
    deeds = []
    rows: Sequence[Any] = connection.execute(query).all()
    for batch_id, committed_at, path in rows:
        files = _files(settings, path)
        deeds.append(
            Deed(
                happened_at=committed_at,
                actor=_actor(files[0]) if files else UNKNOWN,
                action="load_totals",
                object_kind="ingestion_batch",
                object_id=str(batch_id),
                details={
                    "ingestion_batch_id": batch_id,
                    "file_count": len(files),
                    "total_count": sum(each["total_count"] for each in files),
                    "files": [
                        {"path": each["path"], "sha256": each["content_sha256"]}
                        for each in files[:_MOST_FILES]
                    ],
                },
            )
        )
    return deeds


def _files(settings: Settings, path: str) -> list[dict[str, Any]]:
    names = ["path", "content_sha256", "total_count", "loaded_by", "loaded_by_source", "run_id"]
    try:
        found: list[dict[str, Any]] = pq.read_table(
            settings.data_dir / path, columns=names
        ).to_pylist()
    except (OSError, pa.ArrowException):
        return []
    return found


def _actor(row: dict[str, Any]) -> Actor:
    return Actor(name=row["loaded_by"], source=row["loaded_by_source"], run_id=row["run_id"])
