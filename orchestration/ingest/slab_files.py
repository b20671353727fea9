"""The files that a slab of events becomes, and those derived from all slabs of a batch.

Belongs here: event parts by date, keys, the affected list, rejects in order.
Does not belong here: judging lines; where the batch goes afterwards.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import duckdb
import pyarrow.parquet as pq

from orchestration.ingest.batch_folder import PARTITION_PREFIX, BatchFolder
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
    """Writes the table SLAB, time after time, into the folder of a batch.

    Rows without event_date are left aside. What the derived files need is gathered on the way.
    """

    def __init__(self, duck: duckdb.DuckDBPyConnection, folder: BatchFolder) -> None:
        self._duck = duck
        self._folder = folder
        self._slab_number = 0
        duck.execute(
            "create temp table touched (file_id integer, event_date date, event_source varchar, "
            "subject varchar, event_count bigint)"
        )
        duck.execute("create temp table keys (key_prefix bigint, event_date date)")

    def write_events(self) -> None:
        """Write the slab's events by date; note their keys and what they touch."""
        counted = self._duck.execute(
            f"select event_date, count(*) from {SLAB} group by event_date order by event_date"
        ).fetchall()
        dates: dict[date, int] = {one: count for one, count in counted if one is not None}
        total = sum(dates.values())
        common = [one for one, count in dates.items() if count * COMMON_SHARE > total]
        if len(counted) == 1 and common:
            self._write_date(self._duck, common[0], "")
        else:
            self._write_common(common)
        if len(common) < len(dates):
            self._write_scattered(common)
        if dates:
            self._note()
        self._slab_number += 1

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

    def _write_common(self, dates: list[date]) -> None:
        """Write each date by a statement of its own, side by side; one keeps one thread busy."""

        def write(one: date) -> None:
            with self._duck.cursor() as cursor:
                self._write_date(cursor, one, f" where event_date = date {literal(str(one))}")

        with ThreadPoolExecutor(self._folder.settings.duckdb_threads) as pool:
            list(pool.map(write, dates))

    def _write_date(self, duck: duckdb.DuckDBPyConnection, event_date: date, where: str) -> None:
        folder = self._folder.events / f"{PARTITION_PREFIX}{event_date}"
        folder.mkdir(exist_ok=True)
        target = folder / f"part-{self._slab_number}.parquet"
        duck.execute(f"copy (from {SLAB}{where}) to {literal(str(target))} ({PARQUET_OPTIONS})")

    def _write_scattered(self, common: list[date]) -> None:
        where = "event_date is not null"
        if common:
            listed = ", ".join(f"date {literal(str(one))}" for one in common)
            where += f" and event_date not in ({listed})"
        self._duck.execute(
            f"copy (from {SLAB} where {where}) to {literal(str(self._folder.events))} "
            f"({PARQUET_OPTIONS}, partition_by (event_date), write_partition_columns true, "
            f"overwrite_or_ignore true, filename_pattern 'part-{self._slab_number}-{{i}}')"
        )

    def _note(self) -> None:
        self._duck.execute(
            "insert into touched select file_id, event_date, event_source, subject, count(*) "
            f"from {SLAB} where event_date is not null group by all"
        )
        self._duck.execute(
            f"insert into keys select key_hash >> {KEY_SHIFT}, event_date from {SLAB} "
            "where event_date is not null"
        )

    def _listed(self, part_kind: str) -> str:
        return literal(str(self._folder.listed(part_kind)))
