"""Turning relations of lines into the files of a batch.

Belongs here: the fast statement per source, the exact judgement of what it leaves aside, and the
files derived from the written events: keys, affected, rejects.
Does not belong here: which files there are (survey.py); publishing and the manifest.
"""

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.ingest.batch_folder import BatchFolder
from orchestration.ingest.digests import hashes_of
from orchestration.ingest.exact import judge_line
from orchestration.ingest.fast_path import fast_path_sql
from orchestration.ingest.instants import EPOCH, microseconds_of
from orchestration.ingest.records import AcceptedEvent, TimeWindow
from orchestration.ingest.reject_spool import REJECT_SCHEMA, RejectSink, RejectSpool
from orchestration.ingest.sources import SOURCE_NAME, Source
from orchestration.ingest.sql_text import literal
from orchestration.price_book.event_contracts import EventContracts

KEY_SHIFT = 20  # 60 bits of hash to a 40-bit prefix
ROWS_PER_SLAB = 50_000
PARQUET_OPTIONS = "format parquet, compression zstd"

_EVENT_TYPES: dict[str, pa.DataType] = {
    "ingestion_batch_id": pa.int32(),
    "file_id": pa.int32(),
    "line_number": pa.int64(),
    "ingested_at": pa.timestamp("us"),
    "event_source": pa.string(),
    "event_id": pa.string(),
    "event_type": pa.string(),
    "contract_version": pa.string(),
    "subject": pa.string(),
    "event_at": pa.timestamp("us"),
    "event_at_nanos": pa.int16(),
    "event_date": pa.date32(),
    "key_hash": pa.int64(),
    "digest_1": pa.int64(),
    "digest_2": pa.int64(),
}


@dataclass
class Loading:
    """One attempt to write a batch.

    Attributes:
        accepted_by_file: accepted lines, by file_id.
        seconds: wall seconds by phase.
    """

    folder: BatchFolder
    contracts: EventContracts
    window: TimeWindow
    now: datetime
    rejects: RejectSink
    accepted_by_file: Counter[int] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)

    def write(self, sources: Sequence[Source]) -> None:
        """Write events, keys, the affected list, and rejects where they are spooled.

        Raises:
            FileRefusedError: a file cannot be loaded; the attempt is void.
            FileChangedError: a file changed meanwhile; the attempt is void.
        """
        settings = self.folder.settings
        with _session(settings.duckdb_memory_limit, settings.duckdb_threads, self.folder) as duck:
            with self._timed("load"):
                for number, source in enumerate(sources):
                    self._run_fast_path(duck, source, number)
            with self._timed("exact"):
                self._judge_set_aside(duck, len(sources))
            with self._timed("index"):
                self._write_rejects(duck)
                self._write_derived(duck)

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[phase] = time.perf_counter() - started

    def _run_fast_path(self, duck: duckdb.DuckDBPyConnection, source: Source, number: int) -> None:
        query = fast_path_sql(
            source.relation,
            self.contracts,
            self.window,
            ingestion_batch_id=self.folder.ingestion_batch_id,
            ingested_microseconds=microseconds_of(self.now),
        )
        failures: list[Exception] = []
        duck.register(SOURCE_NAME, source.open_reader(failures))
        try:
            duck.execute(self._copy_events(query, f"part-{number}-{{i}}"))
        except duckdb.Error:
            if failures:
                raise failures[0] from None
            raise
        finally:
            duck.unregister(SOURCE_NAME)

    def _copy_events(self, query: str, pattern: str) -> str:
        return (
            f"copy ({query}) to {literal(str(self.folder.events))} ({PARQUET_OPTIONS}, "
            "partition_by (event_date), write_partition_columns true, overwrite_or_ignore true, "
            f"filename_pattern {literal(pattern)})"
        )

    def _judge_set_aside(self, duck: duckdb.DuckDBPyConnection, number: int) -> None:
        """Judge what the fast path left aside; write what is accepted beside the other events."""
        left = sorted(self.folder.set_aside.glob("*.parquet"))
        slabs: list[Path] = []
        events: list[tuple[int, int, AcceptedEvent]] = []
        for path in left:
            columns = ["file_id", "line_number", "event_id", "subject"]
            with pq.ParquetFile(path) as parquet:
                for batch in parquet.iter_batches(ROWS_PER_SLAB, columns=columns):
                    for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                        accepted = self._judge_one(*row)
                        if accepted is not None:
                            events.append((row[0], row[1], accepted))
                    if len(events) >= ROWS_PER_SLAB:
                        slabs.append(self._write_slab(events, len(slabs)))
                        events = []
        if events:
            slabs.append(self._write_slab(events, len(slabs)))
        shutil.rmtree(self.folder.set_aside, ignore_errors=True)
        if slabs:
            duck.execute(self._copy_events(f"from {_files(slabs)}", f"part-{number}-{{i}}"))

    def _judge_one(
        self, file_id: int, line_number: int, verbatim: str, as_json: str | None
    ) -> AcceptedEvent | None:
        kept = verbatim.removesuffix("\n").removesuffix("\r")
        verdict = judge_line(kept if as_json is None else as_json, self.contracts, self.window)
        if isinstance(verdict, AcceptedEvent):
            return verdict
        self.rejects.add(file_id, line_number, verdict, kept.encode())
        return None

    def _write_slab(self, events: Sequence[tuple[int, int, AcceptedEvent]], number: int) -> Path:
        path = self.folder.root / f"judged-{number}.parquet"
        columns = self.contracts.property_columns()
        schema = pa.schema({**_EVENT_TYPES, **{name: _property_type(name) for name in columns}})
        rows = [self._row(*one, columns) for one in events]
        arrays = [
            pa.array(cells, type=one.type)
            for cells, one in zip(zip(*rows, strict=True), schema, strict=True)
        ]
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)
        return path

    def _row(
        self, file_id: int, line_number: int, event: AcceptedEvent, columns: Sequence[str]
    ) -> tuple[object, ...]:
        event_at = EPOCH + timedelta(microseconds=event.epoch_microseconds)
        return (
            self.folder.ingestion_batch_id,
            file_id,
            line_number,
            self.now.astimezone(UTC).replace(tzinfo=None),
            event.event_source,
            event.event_id,
            event.event_type,
            event.contract_version,
            event.subject,
            event_at.replace(tzinfo=None),
            event.nanoseconds,
            event_at.date(),
            *hashes_of(event),
            *(event.properties.get(name) for name in columns),
        )

    def _write_derived(self, duck: duckdb.DuckDBPyConnection) -> None:
        """Write keys and the affected list from the written events, and count them by file."""
        parts = sorted(self.folder.events.glob("*/*.parquet"))
        events = _files(parts) if parts else _no_events()
        duck.execute(
            "create or replace temp table touched as select file_id, event_date, event_source, "
            f"subject, count(*) as event_count from {events} group by all"
        )
        duck.execute(
            f"copy (select key_hash >> {KEY_SHIFT} as key_prefix, event_date from {events} "
            f"order by key_prefix, event_date) to {literal(str(self.folder.listed('keys')))} "
            f"({PARQUET_OPTIONS}, parquet_version v2)"
        )
        duck.execute(
            "copy (select "
            f"cast({self.folder.ingestion_batch_id} as integer) as ingestion_batch_id, "
            "event_date, event_source, subject, 'new_events' as cause, "
            "cast(sum(event_count) as bigint) as event_count from touched group by all "
            "order by event_date, event_source, subject) "
            f"to {literal(str(self.folder.listed('affected')))} ({PARQUET_OPTIONS})"
        )
        counted = "select file_id, sum(event_count)::bigint from touched group by file_id"
        self.accepted_by_file.update(dict(duck.execute(counted).fetchall()))

    def _write_rejects(self, duck: duckdb.DuckDBPyConnection) -> None:
        if not isinstance(self.rejects, RejectSpool):
            return
        self.rejects.flush()
        target = self.folder.listed("rejects")
        if not self.rejects.slabs:
            pq.write_table(REJECT_SCHEMA.empty_table(), target, compression="zstd")
            return
        duck.execute(
            f"copy (from {_files(self.rejects.slabs)} order by file_id, line_number) "
            f"to {literal(str(target))} ({PARQUET_OPTIONS})"
        )


@contextmanager
def _session(
    memory_limit: str, threads: int, folder: BatchFolder
) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": str(folder.spill),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        yield connection
    finally:
        connection.close()


def _files(paths: Sequence[Path]) -> str:
    listed = ", ".join(literal(str(path)) for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def _no_events() -> str:
    return (
        "(select 0::integer as file_id, date '1970-01-01' as event_date, '' as event_source, "
        "'' as subject, 0::bigint as key_hash where false)"
    )


def _property_type(column: str) -> pa.DataType:
    return pa.decimal128(38, 9) if column.startswith("q_") else pa.string()
