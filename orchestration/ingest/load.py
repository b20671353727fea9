"""Loading usage files: survey, load, commit. The one way by which events enter raw/.

Belongs here: the order of the steps, the lock, what a run reports.
Does not belong here: how a step is done; replaying rejects (replay.py).

Everything becomes visible in one transaction of the operations database, or not at all. A crash at
any earlier point leaves files that nobody lists; the next run sweeps them and loads everything.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy.engine import Engine

from orchestration.durable import Steps, no_steps
from orchestration.ingest.batch_folder import BatchFolder, sweep
from orchestration.ingest.line_files import FileToRead
from orchestration.ingest.loading import Loading
from orchestration.ingest.manifest import (
    BatchRow,
    FileRow,
    SightingRow,
    commit_load,
    committed_paths,
    next_numbers,
    read_known_files,
)
from orchestration.ingest.records import FileOutcome, IngestionResult, TimeWindow
from orchestration.ingest.refusals import (
    FileChangedError,
    FileRefusedError,
    IngestionBrokenError,
    IngestionBusyError,
)
from orchestration.ingest.reject_spool import RejectSpool
from orchestration.ingest.sources import sources_of
from orchestration.ingest.survey import SurveyedFile, names_in, survey_files
from orchestration.operations_db import restore_journals
from orchestration.price_book.event_contracts import EventContracts
from orchestration.settings import Settings

ProgressReport = Callable[[str, int, int], None]


def load_usage(
    settings: Settings,
    engine: Engine,
    *,
    contracts: EventContracts,
    now: datetime,
    paths: Sequence[Path] | None = None,
    on_progress: ProgressReport | None = None,
    steps: Steps = no_steps,
) -> IngestionResult:
    """Load every new usage file into raw/ as one batch, and commit it.

    Takes the files under landing/usage, or just the given paths. A file with content that was
    loaded before changes nothing; a bad line or file stops only itself. on_progress is told
    (phase, bytes done, bytes in all), steps of each durable step before it happens. Files of a run
    that found nothing new leave no batch.

    Raises:
        IngestionBusyError: another process is loading into this data directory.
        IngestionBrokenError: lines read are not lines accepted and rejected (invariant 1).
        RawFilesUnlistedError: raw/ holds batches that nothing lists; none of them was swept.
        JournalDamagedError, RegisterWriteError: the batch could not be committed.
    """
    with ingestion_lock(settings):
        sweep_raw(settings, engine)
        run = _Run(settings, engine, contracts, now, on_progress or (lambda *_: None), steps)
        with run.timed("survey"):
            surveyed = survey_files(
                settings.landing_usage,
                settings.data_dir,
                read_known_files(engine),
                settle_seconds=settings.settle_seconds,
                paths=paths,
            )
            present = names_in(settings.landing_usage, settings.data_dir) if paths is None else None
        return run.load(surveyed, present)


def sweep_uncommitted(settings: Settings, engine: Engine) -> list[Path]:
    """Remove the files under raw/ that no manifest lists, and return them.

    Raises:
        IngestionBusyError: another process is loading into this data directory.
        RawFilesUnlistedError: raw/ holds batches that nothing lists; none of them was swept.
    """
    with ingestion_lock(settings):
        return sweep_raw(settings, engine)


def sweep_raw(settings: Settings, engine: Engine) -> list[Path]:
    """Remove what a killed load left under raw/; only under the ingestion lock.

    A process that was killed while it committed may have left an entry of the journal whose rows
    are not in the database yet: they are taken over first.
    """
    restore_journals(settings, engine)
    return sweep(settings, committed_paths(engine), next_batch_id=next_numbers(engine)[0])


@contextmanager
def ingestion_lock(settings: Settings) -> Iterator[None]:
    """Hold the right to write raw/, against every other process.

    Raises:
        IngestionBusyError: another process holds it.
    """
    settings.raw.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.raw / "ingest.lock", timeout=0, is_singleton=True)
    try:
        lock.acquire()
    except Timeout as error:
        raise IngestionBusyError(
            f"Tried to load usage into {settings.raw}: another process is loading. "
            "Wait for that run to end, then run again."
        ) from error
    try:
        yield
    finally:
        lock.release()


@dataclass
class _Run:
    """One run of load_usage under the lock."""

    settings: Settings
    engine: Engine
    contracts: EventContracts
    now: datetime
    on_progress: ProgressReport
    steps: Steps
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - started

    def load(self, surveyed: Sequence[SurveyedFile], present: set[str] | None) -> IngestionResult:
        batch_id, first_file_id = next_numbers(self.engine)
        numbered = dict(enumerate(surveyed, start=first_file_id))
        folder = BatchFolder(self.settings, batch_id)
        files: list[FileToRead] = []
        loading: Loading | None = None
        while loading is None and any(one.is_to_be_loaded for one in numbered.values()):
            files = [
                _to_read(file_id, one) for file_id, one in numbered.items() if one.is_to_be_loaded
            ]
            try:
                loading = self._attempt(folder, files)
            except FileRefusedError as error:
                numbered[error.file_id] = replace(
                    numbered[error.file_id], outcome="refused", code=error.code, detail=str(error)
                )
            except FileChangedError as error:
                numbered[error.file_id] = replace(
                    numbered[error.file_id], outcome="still_being_written", detail=str(error)
                )
        with self.timed("commit"):
            outcomes = self._commit(folder, numbered, files if loading else [], loading, present)
        loaded = [one for one in outcomes if one.file_id is not None and loading is not None]
        return IngestionResult(
            ingestion_batch_id=batch_id if loading else None,
            files=tuple(outcomes),
            lines_read=sum(one.lines_read for one in loaded),
            lines_accepted=sum(one.lines_accepted for one in loaded),
            lines_rejected=sum(one.lines_rejected for one in loaded),
            seconds_by_phase=self.seconds,
        )

    def _attempt(self, folder: BatchFolder, files: Sequence[FileToRead]) -> Loading:
        folder.create()
        total = sum(file.byte_size for file in files)
        done = 0

        def on_read(count: int) -> None:
            nonlocal done
            done += count
            self.on_progress("load", min(done, total), total)

        rejects = RejectSpool(folder.root, folder.ingestion_batch_id)
        window = TimeWindow.around(
            self.now,
            earliest_event_year=self.settings.earliest_event_year,
            future_tolerance_hours=self.settings.future_tolerance_hours,
        )
        loading = Loading(folder, self.contracts, window, self.now, rejects)
        loading.write(
            sources_of(
                files,
                self.contracts,
                max_line_bytes=self.settings.max_line_bytes,
                rejects=rejects,
                on_read=on_read,
            )
        )
        for phase, seconds in loading.seconds.items():
            self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds
        _check_arithmetic(files, loading, rejects)
        return loading

    def _commit(
        self,
        folder: BatchFolder,
        numbered: dict[int, SurveyedFile],
        files: Sequence[FileToRead],
        loading: Loading | None,
        present: set[str] | None,
    ) -> list[FileOutcome]:
        outcomes: list[FileOutcome] = []
        rows: list[FileRow] = []
        read = {file.file_id: file for file in files}
        for file_id, one in numbered.items():
            file = read.get(file_id)
            if file is not None and loading is not None:
                row = _accepted_row(file, one, loading)
            elif one.outcome in ("refused", "unreadable"):
                row = _refused_row(file_id, one)
            else:
                outcomes.append(one.as_outcome())
                continue
            rows.append(row)
            outcomes.append(_outcome_of(row, one))
        batch = None
        if loading is not None:
            batch = BatchRow(
                ingestion_batch_id=folder.ingestion_batch_id,
                batch_kind="load",
                started_at=self.now,
                committed_at=self.now + timedelta(seconds=sum(self.seconds.values())),
                file_count=len(files),
                lines_accepted=sum(row.lines_accepted for row in rows),
                lines_rejected=sum(row.lines_rejected for row in rows),
            )
        parts = folder.publish(steps=self.steps) if loading is not None else []
        folder.remove()
        if numbered or present is not None:
            commit_load(
                self.settings,
                self.engine,
                batch=batch,
                files=rows,
                sightings=[_sighting(one, read.get(at)) for at, one in numbered.items()],
                parts=parts,
                present_names=present,
                now=self.now,
                steps=self.steps,
            )
        return outcomes


def _to_read(file_id: int, one: SurveyedFile) -> FileToRead:
    assert one.usage_format is not None  # noqa: S101 - what is to be loaded has one
    return FileToRead(
        file_id=file_id,
        path=one.path,
        name=one.name,
        usage_format=one.usage_format,
        stat_fingerprint=one.stat_fingerprint or "",
        byte_size=one.byte_size or 0,
        content_sha256=one.content_sha256,
    )


def _check_arithmetic(files: Sequence[FileToRead], loading: Loading, rejects: RejectSpool) -> None:
    for file in files:
        accepted = loading.accepted_by_file[file.file_id]
        rejected = rejects.count_by_file[file.file_id]
        if file.line_count != accepted + rejected:
            raise IngestionBrokenError(
                f"Loaded {file.name}: {file.line_count} lines were read, but {accepted} accepted "
                f"and {rejected} rejected (invariant 1). Nothing was committed. Report this as a "
                "defect, with the file."
            )


def _accepted_row(file: FileToRead, one: SurveyedFile, loading: Loading) -> FileRow:
    return FileRow(
        file_id=file.file_id,
        path=file.name,
        content_sha256=file.content_sha256,
        byte_size=file.byte_size,
        format_name=file.usage_format.name,
        header=file.header,
        is_accepted=True,
        code=one.code,
        detail=one.detail,
        lines_read=file.line_count,
        lines_accepted=loading.accepted_by_file[file.file_id],
        lines_rejected=file.line_count - loading.accepted_by_file[file.file_id],
    )


def _refused_row(file_id: int, one: SurveyedFile) -> FileRow:
    return FileRow(
        file_id=file_id,
        path=one.name,
        content_sha256=one.content_sha256,
        byte_size=one.byte_size,
        format_name=one.usage_format.name if one.usage_format else None,
        header=None,
        is_accepted=False,
        code=one.code,
        detail=one.detail,
        lines_read=0,
        lines_accepted=0,
        lines_rejected=0,
    )


def _outcome_of(row: FileRow, one: SurveyedFile) -> FileOutcome:
    return FileOutcome(
        path=one.path,
        outcome=one.outcome,
        file_id=row.file_id,
        code=row.code,
        detail=row.detail,
        content_sha256=row.content_sha256,
        lines_read=row.lines_read,
        lines_accepted=row.lines_accepted,
        lines_rejected=row.lines_rejected,
    )


def _sighting(one: SurveyedFile, file: FileToRead | None) -> SightingRow:
    return SightingRow(
        path=one.name,
        content_sha256=file.content_sha256 if file else one.content_sha256,
        byte_size=one.byte_size,
        modified_at=one.modified_at,
        stat_fingerprint=one.stat_fingerprint,
        outcome=one.outcome,
        detail=one.detail,
    )
