"""Judging rejected lines again, after a contract, a setting or the clock has changed.

Belongs here: which rejects still stand, and the batch that takes what is now accepted.
Does not belong here: judging itself; changing a rejected line, which nobody does.

The lines that are now accepted become events of a new batch of kind replay, under the file and line
that they came from; the file's counts move them from rejected to accepted, so that lines read =
accepted + rejected still holds for every file. raw/replays lists them; the old reject stays where
it is. A replay batch counts only what it accepted. Replaying again finds nothing more to do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.ingest.batch_folder import BatchFolder
from orchestration.ingest.csv_files import FIELD_SCHEMA, fields_of
from orchestration.ingest.line_files import LINE_SCHEMA
from orchestration.ingest.load import ingestion_lock, sweep_raw
from orchestration.ingest.loading import Loading
from orchestration.ingest.manifest import BatchRow, commit_replay, next_numbers
from orchestration.ingest.records import FileOutcome, IngestionResult, TimeWindow
from orchestration.ingest.reject_spool import PassedOver
from orchestration.ingest.sources import Source, csv_relation
from orchestration.operations_db.tables import ingestion_files, raw_parts
from orchestration.price_book.event_contracts import EventContracts
from orchestration.settings import Settings

ROWS_PER_BATCH = 10_000

_REPLAY_TYPES: dict[str, pa.DataType] = {
    "ingestion_batch_id": pa.int32(),
    "file_id": pa.int32(),
    "line_number": pa.int64(),
}
REPLAY_SCHEMA = pa.schema(_REPLAY_TYPES)


@dataclass(frozen=True)
class _Origin:
    """The file that rejected lines came from; header is that of a CSV file."""

    file_id: int
    path: str
    header: str | None


def replay_rejects(
    settings: Settings,
    engine: Engine,
    *,
    contracts: EventContracts,
    now: datetime,
    ingestion_batch_id: int | None = None,
) -> IngestionResult:
    """Judge the rejects that still stand again; what is now accepted becomes a new batch.

    Takes the rejects of one batch, or of all. The result counts the lines judged; its
    ingestion_batch_id is None where none of them is accepted now.

    Raises:
        IngestionBusyError: another process is loading into this data directory.
    """
    with ingestion_lock(settings):
        sweep_raw(settings, engine)
        standing = _standing_rejects(settings, engine, ingestion_batch_id)
        if not standing.num_rows:
            return IngestionResult(ingestion_batch_id=None, files=())
        return _Replay(settings, engine, contracts, now, standing).run()


@dataclass
class _Replay:
    """One replay under the lock; standing has the columns file_id, line_number, raw_bytes."""

    settings: Settings
    engine: Engine
    contracts: EventContracts
    now: datetime
    standing: pa.Table

    def run(self) -> IngestionResult:
        batch_id, _ = next_numbers(self.engine)
        folder = BatchFolder(self.settings, batch_id)
        folder.create()
        window = TimeWindow.around(
            self.now,
            earliest_event_year=self.settings.earliest_event_year,
            future_tolerance_hours=self.settings.future_tolerance_hours,
        )
        loading = Loading(folder, self.contracts, window, self.now, PassedOver())
        origins = _origins(self.engine, self.standing)
        loading.write(self._sources(origins))
        accepted = loading.accepted_by_file
        if accepted.total():
            self._commit(folder, loading)
        folder.remove()
        judged = self._count_by_file()
        return IngestionResult(
            ingestion_batch_id=batch_id if accepted.total() else None,
            files=tuple(
                FileOutcome(
                    path=self.settings.data_dir / one.path,
                    outcome="loaded",
                    file_id=one.file_id,
                    lines_read=judged[one.file_id],
                    lines_accepted=accepted[one.file_id],
                    lines_rejected=judged[one.file_id] - accepted[one.file_id],
                )
                for one in origins
            ),
            lines_read=self.standing.num_rows,
            lines_accepted=accepted.total(),
            lines_rejected=self.standing.num_rows - accepted.total(),
            seconds_by_phase=loading.seconds,
        )

    def _count_by_file(self) -> dict[int, int]:
        counted = self.standing.group_by("file_id").aggregate([([], "count_all")])
        return dict(zip(*(column.to_pylist() for column in counted.columns), strict=True))

    def _sources(self, origins: Sequence[_Origin]) -> list[Source]:
        by_header: dict[str | None, list[int]] = {}
        for one in origins:
            by_header.setdefault(one.header, []).append(one.file_id)
        return [
            Source(None, LINE_SCHEMA, partial(self._lines, file_ids))
            if header is None
            else Source(
                csv_relation(header, self.contracts),
                FIELD_SCHEMA,
                partial(self._fields, file_ids, header),
            )
            for header, file_ids in by_header.items()
        ]

    def _readable(
        self, file_ids: Sequence[int]
    ) -> Iterator[tuple[list[int], list[int], list[str]]]:
        """Yield the lines that can be judged at all: UTF-8, without null bytes, not too long."""
        wanted = set(file_ids)
        for batch in self.standing.to_batches(ROWS_PER_BATCH):
            rows = [
                (file_id, line_number, text)
                for file_id, line_number, raw in zip(
                    *(column.to_pylist() for column in batch.columns), strict=True
                )
                if file_id in wanted and (text := self._text(raw)) is not None
            ]
            if rows:
                file_numbers, line_numbers, texts = zip(*rows, strict=True)
                yield list(file_numbers), list(line_numbers), list(texts)

    def _text(self, raw: bytes) -> str | None:
        if len(raw) > self.settings.max_line_bytes or b"\0" in raw:
            return None
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def _lines(self, file_ids: Sequence[int]) -> Iterator[pa.RecordBatch]:
        for file_numbers, line_numbers, texts in self._readable(file_ids):
            yield pa.RecordBatch.from_arrays(
                [
                    pa.array(file_numbers, type=pa.int32()),
                    pa.array(line_numbers, type=pa.int64()),
                    pa.array([f"{text}\n" for text in texts], type=pa.string()),
                ],
                schema=LINE_SCHEMA,
            )

    def _fields(self, file_ids: Sequence[int], header: str) -> Iterator[pa.RecordBatch]:
        for file_numbers, line_numbers, texts in self._readable(file_ids):
            yield fields_of(
                pa.array(file_numbers, type=pa.int32()),
                pa.array(line_numbers, type=pa.int64()),
                pa.array(texts, type=pa.string()),
                header=header,
                rejects=PassedOver(),
            )

    def _commit(self, folder: BatchFolder, loading: Loading) -> None:
        events = sorted(folder.events.glob("*/*.parquet"))
        taken = pa.concat_tables(
            [pq.ParquetFile(path).read(columns=REPLAY_SCHEMA.names) for path in events]
        ).cast(REPLAY_SCHEMA)
        pq.write_table(taken, folder.listed("replays"), compression="zstd")
        accepted = loading.accepted_by_file
        commit_replay(
            self.settings,
            self.engine,
            batch=BatchRow(
                ingestion_batch_id=folder.ingestion_batch_id,
                batch_kind="replay",
                started_at=self.now,
                committed_at=self.now + timedelta(seconds=sum(loading.seconds.values())),
                file_count=len(accepted),
                lines_accepted=accepted.total(),
                lines_rejected=0,
            ),
            parts=folder.publish(),
            accepted_by_file=dict(accepted),
        )


def _standing_rejects(
    settings: Settings, engine: Engine, ingestion_batch_id: int | None
) -> pa.Table:
    rejects = _parts(settings, engine, "rejects", ingestion_batch_id)
    replays = _parts(settings, engine, "replays", None)
    place = REPLAY_SCHEMA.names[1:]
    taken = pa.concat_tables([REPLAY_SCHEMA.empty_table(), *(pq.read_table(p) for p in replays)])
    columns = [*place, "raw_bytes"]
    tables = [pq.read_table(path, columns=columns) for path in rejects]
    if not tables:
        return pa.table({name: [] for name in columns})
    with duckdb.connect() as duck:
        duck.register("rejected", pa.concat_tables(tables, promote_options="default"))
        duck.register("taken", taken)
        query = "from rejected anti join taken using (file_id, line_number) order by all"
        found: Any = duck.sql(query).to_arrow_table()
        return pa.Table.from_batches(found.to_batches(), schema=found.schema)


def _parts(
    settings: Settings, engine: Engine, part_kind: str, ingestion_batch_id: int | None
) -> list[Path]:
    parts = raw_parts.c
    query = sa.select(parts.path).where(parts.part_kind == part_kind).order_by(parts.path)
    if ingestion_batch_id is not None:
        query = query.where(parts.ingestion_batch_id == ingestion_batch_id)
    with engine.connect() as connection:
        paths: Sequence[str] = connection.execute(query).scalars().all()
    return [settings.data_dir / path for path in paths]


def _origins(engine: Engine, standing: pa.Table) -> list[_Origin]:
    files = ingestion_files.c
    wanted = set(standing.column("file_id").to_pylist())
    query = sa.select(files.file_id, files.path, files.header).order_by(files.file_id)
    with engine.connect() as connection:
        return [
            _Origin(row.file_id, row.path, row.header)
            for row in connection.execute(query).all()
            if row.file_id in wanted
        ]
