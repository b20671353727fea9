"""Rejected lines on their way to raw/rejects: verbatim, with code, file and line.

Belongs here: the columns of raw/rejects, and keeping few of them in memory at a time.
Does not belong here: why a line is rejected.
"""

from collections import Counter
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.ingest.records import Reject

SPOOL_BYTES = 32 << 20

_REJECT_TYPES: dict[str, pa.DataType] = {
    "ingestion_batch_id": pa.int32(),
    "file_id": pa.int32(),
    "line_number": pa.int64(),
    "reject_code": pa.string(),
    "reject_detail": pa.string(),
    "raw_text": pa.string(),
    "raw_bytes": pa.binary(),
    "event_source": pa.string(),
    "event_id": pa.string(),
    "event_type": pa.string(),
    "subject": pa.string(),
}
REJECT_SCHEMA = pa.schema(_REJECT_TYPES)


class RejectSink(Protocol):
    """Takes rejected lines."""

    def add(self, file_id: int, line_number: int, reject: Reject, raw: bytes) -> None:
        """Take one rejected line: its bytes without line end, whatever they are."""


class PassedOver:
    """Takes rejected lines of a first look, which the reading itself finds again."""

    def add(self, file_id: int, line_number: int, reject: Reject, raw: bytes) -> None:
        """Forget the line."""


class RejectSpool:
    """Takes rejects one by one and keeps them in Parquet slabs of a folder.

    Attributes:
        count_by_file: how many were taken, by file_id.
        slabs: the files written so far; all of them after flush().
    """

    def __init__(self, folder: Path, ingestion_batch_id: int) -> None:
        self._folder = folder
        self._ingestion_batch_id = ingestion_batch_id
        self._rows: list[tuple[object, ...]] = []
        self._byte_size = 0
        self.count_by_file: Counter[int] = Counter()
        self.slabs: list[Path] = []

    def add(self, file_id: int, line_number: int, reject: Reject, raw: bytes) -> None:
        """Take one rejected line: its bytes without line end, whatever they are."""
        text = raw.decode("utf-8", errors="backslashreplace").replace("\0", "\\x00")
        self._rows.append(
            (
                self._ingestion_batch_id,
                file_id,
                line_number,
                reject.code,
                reject.detail,
                text,
                raw,
                reject.event_source,
                reject.event_id,
                reject.event_type,
                reject.subject,
            )
        )
        self.count_by_file[file_id] += 1
        self._byte_size += 2 * len(raw) + 512
        if self._byte_size > SPOOL_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is held in memory."""
        if not self._rows:
            return
        columns = [
            pa.array(cells, type=one.type)
            for cells, one in zip(zip(*self._rows, strict=True), REJECT_SCHEMA, strict=True)
        ]
        path = self._folder / f"rejects-{len(self.slabs)}.parquet"
        pq.write_table(pa.Table.from_arrays(columns, schema=REJECT_SCHEMA), path)
        self.slabs.append(path)
        self._rows = []
        self._byte_size = 0
