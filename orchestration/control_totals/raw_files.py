"""The raw files of a batch of control totals: the totals, and the delivered files byte for byte.

Belongs here: their columns, writing them aside. Does not belong here: publishing a batch (ingest);
reading what a source delivered (reading.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.actors import Actor
from orchestration.billing.entries import INSTANT, column
from orchestration.control_totals.reading import ControlTotal
from orchestration.ingest.batch_folder import BatchFolder

BATCH_KIND: Final = "control_totals"
FILES_KIND: Final = "control_total_files"

TOTAL_SCHEMA: Final = pa.schema(
    [
        column("ingestion_batch_id", pa.int32(), is_nullable=False),
        column("file_id", pa.int32(), is_nullable=False),
        column("line_number", pa.int64(), is_nullable=False),
        column("source_prefix", pa.string(), is_nullable=False),
        column("usage_date", pa.date32(), is_nullable=False),
        column("measure", pa.string(), is_nullable=False),
        column("quantity", pa.decimal128(38, 9), is_nullable=False),
    ]
)
"""A raw file of kind control_totals: the totals of a batch, each with its place."""

FILE_SCHEMA: Final = pa.schema(
    [
        column("ingestion_batch_id", pa.int32(), is_nullable=False),
        column("file_id", pa.int32(), is_nullable=False),
        column("path", pa.string(), is_nullable=False),
        column("content_sha256", pa.string(), is_nullable=False),
        column("content", pa.binary(), is_nullable=False),
        column("total_count", pa.int64(), is_nullable=False),
        column("loaded_at", INSTANT, is_nullable=False),
        column("loaded_by", pa.string(), is_nullable=False),
        column("loaded_by_source", pa.string(), is_nullable=False),
        column("run_id", pa.string()),
    ]
)
"""A raw file of kind control_total_files: the delivered files, and who loaded them; UTC."""


@dataclass(frozen=True, kw_only=True)
class DeliveredFile:
    """A file that is accepted.

    Attributes:
        path: as the manifest names it.
        content: its bytes, with the digest content_sha256.
        totals: every total in it.
    """

    file_id: int
    path: str
    content_sha256: str
    content: bytes
    totals: tuple[ControlTotal, ...]


def write_parts(
    folder: BatchFolder, files: Sequence[DeliveredFile], *, now: datetime, actor: Actor
) -> None:
    """Write the two raw files of a batch into its folder; they are not published yet."""
    batch_id = folder.ingestion_batch_id
    totals: list[dict[str, Any]] = [
        {"ingestion_batch_id": batch_id, "file_id": each.file_id, **vars(total)}
        for each in files
        for total in each.totals
    ]
    delivered: list[dict[str, Any]] = [
        {
            "ingestion_batch_id": batch_id,
            "file_id": each.file_id,
            "path": each.path,
            "content_sha256": each.content_sha256,
            "content": each.content,
            "total_count": len(each.totals),
            "loaded_at": now.astimezone(UTC).replace(tzinfo=None),
            "loaded_by": actor.name,
            "loaded_by_source": actor.source,
            "run_id": actor.run_id,
        }
        for each in files
    ]
    for kind, rows, schema in (
        (BATCH_KIND, totals, TOTAL_SCHEMA),
        (FILES_KIND, delivered, FILE_SCHEMA),
    ):
        table = pa.Table.from_pylist(rows, schema=schema)
        pq.write_table(table, folder.listed(kind), compression="zstd")
