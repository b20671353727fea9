"""The files that a slab of events becomes, and those derived from all slabs of a batch.

Belongs here: event parts by date, keys, the affected list, rejects in order.
Does not belong here: judging lines; where the batch goes afterwards.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.ingest.batch_folder import PARTITION_PREFIX, BatchFolder
from orchestration.ingest.instants import microseconds_of
from orchestration.ingest.reject_spool import REJECT_SCHEMA, RejectSpool
from orchestration.ingest.sql_text import literal

SLAB = "slab"
KEY_SHIFT = 8  # 60 bits of hash to a 52-bit prefix
COMMON_SHARE = 20  # a date with more than one row in so many is written by a statement of its own
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
        self._now = now
        duck.execute(
            "create table touched (file_id integer, event_date date, event_source varchar, "
            "subject varchar, event_count bigint)"
        )
        duck.execute("create table keys (key_prefix bigint, event_date date)")

    def write_events(self, events: pa.Table, slab_number: int) -> None:
        """Write events by date; note their keys and what they touch.

        The columns are those of raw/events but for the batch's number and instant.
        """
        counted: Any = pc.value_counts(events.column("event_date"))
        dates: dict[date, int] = {one["values"]: one["counts"] for one in counted.to_pylist()}
        common = [one for one, count in dates.items() if count * COMMON_SHARE > events.num_rows]
        with self._duck.cursor() as cursor:
            cursor.register(SLAB, events)
            for one in common:
                where = "" if len(dates) == 1 else f" where event_date = date '{one}'"
                self._write_date(cursor, one, slab_number, where)
            if len(common) < len(dates):
                self._write_scattered(cursor, common, slab_number)
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

    def _write_date(
        self,
        cursor: duckdb.DuckDBPyConnection,
        event_date: date,
        slab_number: int,
        where: str,
    ) -> None:
        folder = self._folder.events / f"{PARTITION_PREFIX}{event_date}"
        folder.mkdir(exist_ok=True)
        target = folder / f"part-{slab_number}.parquet"
        cursor.execute(
            f"copy ({self._rows()}{where}) to {literal(str(target))} ({PARQUET_OPTIONS})"
        )

    def _write_scattered(
        self, cursor: duckdb.DuckDBPyConnection, common: Sequence[date], slab_number: int
    ) -> None:
        listed = ", ".join(f"date '{one}'" for one in common)
        where = f" where event_date not in ({listed})" if common else ""
        cursor.execute(
            f"copy ({self._rows()}{where}) to {literal(str(self._folder.events))} "
            f"({PARQUET_OPTIONS}, partition_by (event_date), write_partition_columns true, "
            f"overwrite_or_ignore true, filename_pattern 'part-{slab_number}-{{i}}')"
        )

    def _rows(self) -> str:
        batch = f"cast({self._folder.ingestion_batch_id} as integer) as ingestion_batch_id"
        ingested_at = f"make_timestamp({microseconds_of(self._now)}) as ingested_at"
        return (
            f"select {batch}, file_id, line_number, {ingested_at}, "
            f"* exclude (file_id, line_number) from {SLAB}"
        )

    def _listed(self, part_kind: str) -> str:
        return literal(str(self._folder.listed(part_kind)))
