"""The files that a slab of events becomes, and those derived from all slabs of a batch.

Belongs here: keys, the affected list, rejects in order.
Does not belong here: how events lie in their files (event_parts.py); judging lines; where the batch
goes afterwards (batch_folder.py).
"""

from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.ingest.batch_folder import BatchFolder
from orchestration.ingest.event_parts import EventParts
from orchestration.ingest.reject_spool import REJECT_SCHEMA, RejectSpool
from orchestration.ingest.sql_text import literal

SLAB = "slab"
KEY_SHIFT = 8  # 60 bits of hash to a 52-bit prefix
PARQUET_OPTIONS = (
    "format parquet, parquet_version v2, compression zstd, compression_level 1, "
    "dictionary_size_limit 5000"
)


class SlabFiles:
    """Writes tables of events into the folder of a batch; several threads can do so at once.

    What the derived files need is gathered on the way.
    """

    def __init__(
        self, duck: duckdb.DuckDBPyConnection, folder: BatchFolder, *, now: datetime
    ) -> None:
        self._duck = duck
        self._folder = folder
        self._parts = EventParts(folder, now=now)
        duck.execute(
            "create table touched (file_id integer, event_date date, event_source varchar, "
            "subject varchar, event_count bigint)"
        )
        duck.execute("create table keys (key_prefix bigint, event_date date)")

    def write_events(self, events: pa.Table, part_name: str) -> None:
        """Write events by date; note their keys and what they touch.

        The columns are those of raw/events but for the batch's number and instant.
        """
        self._parts.write(events, part_name)
        with self._duck.cursor() as cursor:
            cursor.register(SLAB, events)
            cursor.execute(
                "insert into touched select file_id, event_date, event_source, subject, count(*) "
                f"from {SLAB} group by all"
            )
            cursor.execute(
                f"insert into keys select key_hash >> {KEY_SHIFT}, event_date from {SLAB}"
            )

    def write_index(self) -> None:
        """Write the keys and the affected list of everything that was written."""
        self._duck.execute(
            "copy (from keys order by key_prefix, event_date) "
            f"to {self._listed('keys')} ({PARQUET_OPTIONS})"
        )
        self._duck.execute(
            "copy (select "
            f"cast({self._folder.ingestion_batch_id} as integer) as ingestion_batch_id, "
            "event_date, event_source, subject, 'new_events' as cause, "
            "cast(sum(event_count) as bigint) as event_count from touched group by all "
            "order by event_date, event_source, subject) "
            f"to {self._listed('affected')} ({PARQUET_OPTIONS})"
        )

    def write_rejects(self, rejects: RejectSpool) -> None:
        """Write the spooled rejects as one file, by file and line."""
        rejects.flush()
        if not rejects.slabs:
            target = self._folder.listed("rejects")
            pq.write_table(REJECT_SCHEMA.empty_table(), target, compression="zstd")
            return
        slabs = ", ".join(literal(str(path)) for path in rejects.slabs)
        self._duck.execute(
            f"copy (from read_parquet([{slabs}]) order by file_id, line_number) "
            f"to {self._listed('rejects')} ({PARQUET_OPTIONS})"
        )

    def count_by_file(self) -> dict[int, int]:
        """Return how many events were written, by file_id."""
        counted = "select file_id, cast(sum(event_count) as bigint) from touched group by file_id"
        return dict(self._duck.execute(counted).fetchall())

    def _listed(self, part_kind: str) -> str:
        return literal(str(self._folder.listed(part_kind)))
