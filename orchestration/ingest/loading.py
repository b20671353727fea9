"""Turning lines into the files of a batch: scanned, written, and the rest judged exactly.

Belongs here: what is done to lines, and to each slab of them. Does not belong here: which files
there are (survey.py); who works on which lines (slabs.py); what a good line is (scan); how a slab
becomes files (slab_files.py).
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any, Final

import duckdb
import pyarrow as pa

from orchestration.ingest.batch_folder import BatchFolder
from orchestration.ingest.digests import hashes_of
from orchestration.ingest.exact import judge_line
from orchestration.ingest.instants import EPOCH
from orchestration.ingest.records import AcceptedEvent, TimeWindow
from orchestration.ingest.reject_spool import RejectSink, RejectSpool
from orchestration.ingest.scan import LineScanner
from orchestration.ingest.slab_files import SlabFiles
from orchestration.ingest.slabs import Slabs
from orchestration.ingest.sources import SOURCE_NAME, Source
from orchestration.price_book.event_contracts import EventContracts

_ROWS_PER_BATCH: Final = 10_000

_EVENT_TYPES: dict[str, pa.DataType] = {
    "file_id": pa.int32(),
    "line_number": pa.int64(),
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


@dataclass(frozen=True)
class LeftAside:
    """A line that the exact rules have to judge: as it came, and as JSON."""

    file_id: int
    line_number: int
    verbatim: str
    line: str


@dataclass(frozen=True)
class _ScannedLines:
    events: pa.RecordBatch
    left_aside: list[LeftAside]


@dataclass
class Loading:
    """One attempt to write a batch.

    Attributes:
        accepted_by_file: accepted lines, by file_id.
        seconds: wall seconds by phase: load, exact, index.
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
        with _session(settings.duckdb_memory_limit, self.folder) as duck:
            files = SlabFiles(duck, self.folder, now=self.now)
            self._load(duck, sources, files)
            with self._timed("index"):
                duck.execute(f"set threads = {settings.duckdb_threads}")
                if isinstance(self.rejects, RejectSpool):
                    files.write_rejects(self.rejects)
                files.write_index()
                self.accepted_by_file.update(files.count_by_file())

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - started

    def _load(
        self, duck: duckdb.DuckDBPyConnection, sources: Sequence[Source], files: SlabFiles
    ) -> None:
        """Scan and write lines, several threads side by side."""
        scanner = LineScanner(self.contracts, self.window)
        lines = chain.from_iterable(_lines_of(duck, source) for source in sources)
        slabs = Slabs(lines, partial(_scan, scanner))
        threads = self.folder.settings.duckdb_threads
        with self._timed("load"), ThreadPoolExecutor(threads) as pool:
            working = [pool.submit(self._write_slabs, slabs, files) for _ in range(threads)]
            try:
                for one in working:
                    one.result()
            finally:
                slabs.stop()
        self.seconds["load"] -= self.seconds.get("exact", 0.0)

    def _write_slabs(self, slabs: Slabs[_ScannedLines], files: SlabFiles) -> None:
        for slab in slabs.finished():
            events = pa.Table.from_batches([each.events for each in slab.results])
            if events.num_rows:
                files.write_events(events, f"part-{slab.number}")
            left_aside = [line for each in slab.results for line in each.left_aside]
            with slabs.turn:  # rejects are spooled by who reads, too
                judged = self._judge(left_aside)
            if judged is not None:
                files.write_events(judged, f"part-{slab.number}-judged")

    def _judge(self, left_aside: Sequence[LeftAside]) -> pa.Table | None:
        """Judge lines exactly; return the events among them, if there are any."""
        with self._timed("exact"):
            columns = self.contracts.property_columns()
            rows = [
                _row(one, event, columns)
                for one in left_aside
                if (event := self._judge_one(one)) is not None
            ]
            return _event_table(rows, columns) if rows else None

    def _judge_one(self, one: LeftAside) -> AcceptedEvent | None:
        verdict = judge_line(one.line, self.contracts, self.window)
        if isinstance(verdict, AcceptedEvent):
            return verdict
        self.rejects.add(one.file_id, one.line_number, verdict, one.verbatim.encode())
        return None


def _lines_of(duck: duckdb.DuckDBPyConnection, source: Source) -> Iterator[pa.RecordBatch]:
    """Yield a source as lines of JSON.

    Raises:
        FileRefusedError: a file cannot be loaded.
        FileChangedError: a file changed meanwhile.
    """
    if source.relation is None:
        yield from source.open_batches()
        return
    rows = _Rows(source.open_batches())
    with duck.cursor() as cursor:
        cursor.register(SOURCE_NAME, pa.RecordBatchReader.from_batches(source.schema, rows))
        try:
            lines = cursor.sql(f"from {source.relation}")
            yield from lines.to_arrow_reader(_ROWS_PER_BATCH)
        except (duckdb.Error, pa.ArrowException, OSError):
            if rows.failure is not None:
                raise rows.failure from None
            raise


class _Rows:
    """Batches for the engine, which wraps an error of theirs so that nobody can tell it."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches
        except Exception as error:
            self.failure = error
            raise


def _scan(scanner: LineScanner, lines: pa.RecordBatch) -> _ScannedLines:
    scanned = scanner.scan(lines)
    return _ScannedLines(scanned.events, list(_left_aside(lines.take(scanned.left_aside))))


def _left_aside(lines: pa.RecordBatch) -> Iterator[LeftAside]:
    cells: dict[str, list[Any]] = {
        name: lines.column(name).to_pylist() for name in lines.schema.names
    }
    for at, line in enumerate(cells["line"]):
        verbatim = cells.get("verbatim", cells["line"])[at]
        yield LeftAside(
            file_id=cells["file_id"][at],
            line_number=cells["line_number"][at],
            verbatim=verbatim.removesuffix("\n").removesuffix("\r"),
            line=line.removesuffix("\n").removesuffix("\r"),
        )


def _row(one: LeftAside, event: AcceptedEvent, columns: Sequence[str]) -> tuple[object, ...]:
    event_at = EPOCH + timedelta(microseconds=event.epoch_microseconds)
    return (
        one.file_id,
        one.line_number,
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


@contextmanager
def _session(memory_limit: str, folder: BatchFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an engine that works on one thread, since slabs are written side by side."""
    connection = duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "threads": 1,
            "temp_directory": str(folder.spill),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        }
    )
    try:
        connection.execute("set global TimeZone = 'UTC'")
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
