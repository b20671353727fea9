"""Turning relations of lines into the files of a batch, a slab of lines at a time.

Belongs here: the fast statement per slab, the exact judgement of what it leaves aside, and that
neither holds more than a slab in memory. Does not belong here: which files there are (survey.py);
how a slab becomes files (slab_files.py); publishing and the manifest.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain

import duckdb
import pyarrow as pa

from orchestration.ingest.batch_folder import BatchFolder
from orchestration.ingest.digests import hashes_of
from orchestration.ingest.exact import judge_line
from orchestration.ingest.fast_path import MALFORMED_LINE, fast_path_sql
from orchestration.ingest.instants import EPOCH, microseconds_of
from orchestration.ingest.records import AcceptedEvent, TimeWindow
from orchestration.ingest.reject_spool import RejectSink, RejectSpool
from orchestration.ingest.slab_files import SLAB, SlabFiles
from orchestration.ingest.sources import SOURCE_NAME, Source
from orchestration.price_book.event_contracts import EventContracts

LINES_PER_SLAB = 600_000
BYTES_PER_SLAB = 256 << 20
JUDGED_PER_SLAB = 100_000
JUDGED_NAME = "judged_events"

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
        seconds: wall seconds by phase: load, exact, index.
        is_all_json: whether every line so far is JSON, if not always a good event.
    """

    folder: BatchFolder
    contracts: EventContracts
    window: TimeWindow
    now: datetime
    rejects: RejectSink
    accepted_by_file: Counter[int] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    is_all_json: bool = True

    def write(self, sources: Sequence[Source]) -> None:
        """Write events, keys, the affected list, and rejects where they are spooled.

        Raises:
            FileRefusedError: a file cannot be loaded; the attempt is void.
            FileChangedError: a file changed meanwhile; the attempt is void.
        """
        settings = self.folder.settings
        with _session(settings.duckdb_memory_limit, settings.duckdb_threads, self.folder) as duck:
            files = SlabFiles(duck, self.folder)
            for source in sources:
                self._load(duck, source, files)
            with self._timed("index"):
                if isinstance(self.rejects, RejectSpool):
                    files.write_rejects(self.rejects)
                files.write_index()
                self.accepted_by_file.update(files.count_by_file())

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - started

    def _load(self, duck: duckdb.DuckDBPyConnection, source: Source, files: SlabFiles) -> None:
        batches = source.open_batches()
        while (first := self._next(batches)) is not None:
            with self._timed("load"):
                slab = _Slab(chain([first], batches), is_kept=self.is_all_json)
                self._run_fast_path(duck, source, slab)
                files.write_events()
            with self._timed("exact"):
                self._judge_left_aside(duck, files)

    def _next(self, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
        with self._timed("load"):
            return next(batches, None)

    def _run_fast_path(
        self, duck: duckdb.DuckDBPyConnection, source: Source, slab: "_Slab"
    ) -> None:
        """Make the next slab: the rows of the fast path over the next lines.

        A batch is taken to be JSON in every line until a slab shows that it is not.
        """
        if self.is_all_json:
            try:
                self._make_slab(duck, source, slab)
            except MALFORMED_LINE:
                self.is_all_json = False
        if not self.is_all_json:
            self._make_slab(duck, source, slab)

    def _make_slab(self, duck: duckdb.DuckDBPyConnection, source: Source, slab: "_Slab") -> None:
        query = fast_path_sql(
            source.relation,
            self.contracts,
            self.window,
            ingestion_batch_id=self.folder.ingestion_batch_id,
            ingested_microseconds=microseconds_of(self.now),
            is_all_json=self.is_all_json,
        )
        reader = pa.RecordBatchReader.from_batches(source.schema, slab.batches())
        duck.register(SOURCE_NAME, reader)
        try:
            duck.execute(f"create or replace table {SLAB} as {query}")
        except duckdb.Error:
            if slab.failure is not None:
                raise slab.failure from None
            raise
        finally:
            duck.unregister(SOURCE_NAME)

    def _judge_left_aside(self, duck: duckdb.DuckDBPyConnection, files: SlabFiles) -> None:
        """Judge what the fast path left aside in the slab; write what is accepted as another."""
        left = duck.sql(
            "select file_id, line_number, event_id as verbatim, subject as as_json "
            f"from {SLAB} where event_date is null order by file_id, line_number"
        ).to_arrow_table()
        columns = self.contracts.property_columns()
        rows: list[tuple[object, ...]] = []
        for batch in left.to_batches(JUDGED_PER_SLAB):
            for one in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                event = self._judge_one(*one)
                if event is not None:
                    rows.append(self._row(one[0], one[1], event, columns))
        if not rows:
            return
        duck.register(JUDGED_NAME, _event_table(rows, columns))
        duck.execute(f"create or replace table {SLAB} as from {JUDGED_NAME}")
        duck.unregister(JUDGED_NAME)
        files.write_events()

    def _judge_one(
        self, file_id: int, line_number: int, verbatim: str, as_json: str | None
    ) -> AcceptedEvent | None:
        kept = verbatim.removesuffix("\n").removesuffix("\r")
        verdict = judge_line(kept if as_json is None else as_json, self.contracts, self.window)
        if isinstance(verdict, AcceptedEvent):
            return verdict
        self.rejects.add(file_id, line_number, verdict, kept.encode())
        return None

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


class _Slab:
    """Some lines' worth of batches, and what stopped them; kept ones can be gone through again."""

    def __init__(self, batches: Iterator[pa.RecordBatch], *, is_kept: bool) -> None:
        self._batches = batches
        self._is_kept = is_kept
        self._kept: list[pa.RecordBatch] = []
        self.failure: Exception | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        line_count = byte_count = 0
        try:
            for batch in chain(self._kept.copy(), self._fresh()):
                line_count += batch.num_rows
                byte_count += batch.nbytes
                yield batch
                if line_count >= LINES_PER_SLAB or byte_count >= BYTES_PER_SLAB:
                    return
        except Exception as error:
            self.failure = error  # the engine will wrap it
            raise

    def _fresh(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            if self._is_kept:
                self._kept.append(batch)
            yield batch


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


def _event_table(rows: Sequence[tuple[object, ...]], columns: Sequence[str]) -> pa.Table:
    schema = pa.schema({**_EVENT_TYPES, **{name: _property_type(name) for name in columns}})
    cells = zip(*rows, strict=True)
    arrays = [pa.array(each, type=one.type) for each, one in zip(cells, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _property_type(column: str) -> pa.DataType:
    return pa.decimal128(38, 9) if column.startswith("q_") else pa.string()
