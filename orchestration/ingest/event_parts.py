"""Event parts: how rows of events lie in a Parquet file, and which rows lie in which.

Belongs here: parts by date, the order of their columns, encodings. Does not belong here: what is
gathered from events besides (slab_files.py); where the batch goes afterwards (batch_folder.py).
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.ingest.batch_folder import PARTITION_PREFIX, BatchFolder
from orchestration.ingest.instants import microseconds_of

_HASHES: Final = ("key_hash", "digest_1", "digest_2")  # nothing makes them smaller
_ENCODINGS: Final = {
    "line_number": "DELTA_BINARY_PACKED",
    "event_at": "DELTA_BINARY_PACKED",
    "event_id": "DELTA_LENGTH_BYTE_ARRAY",  # read a third faster than plain
}
_PAGE_BYTES: Final = 8 << 20  # as a rule one page a column, which is read faster than many
_PAGE_ROWS: Final = 1 << 20
_DAYS_TO_1970: Final = date(1970, 1, 1).toordinal()


class EventParts:
    """Writes tables of events as parts of a batch; several threads can do so at once."""

    def __init__(self, folder: BatchFolder, *, now: datetime) -> None:
        self._folder = folder
        self._batch = pa.scalar(folder.ingestion_batch_id, pa.int32())
        self._now = pa.scalar(microseconds_of(now), pa.timestamp("us"))

    def write(self, events: pa.Table, part_name: str) -> None:
        """Write a part for each date.

        The columns are those of raw/events but for the batch's number and instant.
        """
        for event_date, rows in _by_date(events).items():
            folder = self._folder.events / f"{PARTITION_PREFIX}{event_date}"
            folder.mkdir(exist_ok=True)
            self._write_part(rows, folder / f"{part_name}.parquet")

    def _write_part(self, events: pa.Table, target: Path) -> None:
        rows = events.add_column(0, "ingestion_batch_id", pa.repeat(self._batch, len(events)))
        rows = rows.add_column(3, "ingested_at", pa.repeat(self._now, len(events)))
        names = rows.column_names
        repeating: Any = [name for name in names if name not in (*_HASHES, *_ENCODINGS)]
        pq.write_table(
            rows,
            target,
            compression={name: "none" if name in _HASHES else "zstd" for name in names},
            compression_level={name: 1 for name in names if name not in _HASHES},
            use_dictionary=repeating,
            column_encoding=_ENCODINGS,
            data_page_size=_PAGE_BYTES,
            max_rows_per_page=_PAGE_ROWS,
            store_schema=False,
        )


def _by_date(events: pa.Table) -> Mapping[date, pa.Table]:
    """Return the events of each date in their order."""
    found: dict[date, list[pa.RecordBatch]] = defaultdict(list)
    for batch in events.to_batches():
        if not len(batch):
            continue
        rows, days = batch, _days_of(batch)
        if (days[1:] < days[:-1]).any():
            order: Any = np.argsort(days, kind="stable")
            rows, days = _sortable(batch).take(order), days[order]
        bounds = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
        for first, after in pairwise(bounds):
            event_date = date.fromordinal(int(days[first]) + _DAYS_TO_1970)
            found[event_date].append(rows.slice(first, after - first))
    return {one: pa.Table.from_batches(_alike(batches)) for one, batches in found.items()}


def _days_of(events: pa.RecordBatch) -> npt.NDArray[np.int32]:
    days: Any = events.column("event_date").view(pa.int32())
    found: npt.NDArray[np.int32] = days.to_numpy()
    return found


def _alike(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Return batches of one schema: where one had to be sorted, all are sortable."""
    is_one_schema = all(one.schema.equals(batches[0].schema) for one in batches)
    return batches if is_one_schema else [_sortable(one) for one in batches]


def _sortable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the same rows with each text by offsets: Arrow cannot take from views."""
    fields = [
        field.with_type(pa.string()) if field.type == pa.string_view() else field
        for field in batch.schema
    ]
    return batch.cast(pa.schema(fields))
