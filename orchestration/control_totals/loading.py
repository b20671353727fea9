"""Loading files of control totals: survey, read, commit as one batch of its own kind.

Belongs here: the order of the steps, what a run reports. Does not belong here: reading one file
(reading.py); the manifest and the files of a batch (ingest).

A batch of totals brings no usage, so nothing is due by it: it begins when the batch before it
began. Its raw files are the totals, and the delivered files byte for byte. Everything becomes
visible in one transaction, or not at all; files of a killed load are swept by the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import Engine

from orchestration.actors import Actor
from orchestration.billing.canonical import bytes_digest
from orchestration.control_totals.declared import DeclaredTotals, declared_totals
from orchestration.control_totals.raw_files import BATCH_KIND, DeliveredFile, write_parts
from orchestration.control_totals.reading import MOST_BYTES, ControlTotal, Fault, read_totals
from orchestration.durable import Steps, no_steps
from orchestration.failures import InputError
from orchestration.ingest.batch_folder import BatchFolder
from orchestration.ingest.load import ingestion_lock, sweep_raw
from orchestration.ingest.manifest import (
    TOTALS_FORMAT,
    BatchRow,
    FileRow,
    SightingRow,
    commit_load,
    last_batch_start,
    next_numbers,
    read_known_files,
)
from orchestration.ingest.survey import SurveyedFile, names_in, survey_files
from orchestration.price_book import ReferenceVersion
from orchestration.settings import Settings

_FAULTS_SHOWN: Final = 20


class ControlTotalsRefusedError(InputError):
    """A file of control totals cannot be loaded; nothing of it counts."""

    code = "control_totals_refused"


@dataclass(frozen=True)
class TotalsFile:
    """What became of one file.

    Attributes:
        name: path relative to the data directory, where it lies there.
        outcome: loaded, changed_content, same_content, refused, unreadable, still_being_written.
        detail: why it was not loaded, and what to do; None where it was.
    """

    name: str
    outcome: str
    total_count: int
    detail: str | None


@dataclass(frozen=True)
class ControlTotalsLoaded:
    """What a run loaded; without a batch nothing was.

    Attributes:
        ingestion_batch_id: the committed batch, or None.
        files: one per file that this run looked into, in order of their names.
    """

    ingestion_batch_id: int | None
    files: tuple[TotalsFile, ...]

    @property
    def total_count(self) -> int:
        """How many totals were committed."""
        return sum(each.total_count for each in self.files)


@dataclass(frozen=True)
class _Read:
    """A file that was looked at, and read where it is new."""

    surveyed: SurveyedFile
    content: bytes = b""
    totals: tuple[ControlTotal, ...] = ()

    @property
    def is_accepted(self) -> bool:
        return self.surveyed.is_to_be_loaded


def load_control_totals(
    settings: Settings,
    engine: Engine,
    *,
    reference: ReferenceVersion,
    now: datetime,
    actor: Actor,
    paths: Sequence[Path] | None = None,
    steps: Steps = no_steps,
) -> ControlTotalsLoaded:
    """Load every new file of control totals as one batch, and commit it.

    A file with content that was loaded before changes nothing; one with a fault counts for nothing,
    and is kept as refused. Of two files of one run that state the same differently neither counts.

    Args:
        settings: the installation.
        engine: its operations database.
        reference: the version whose sources state totals.
        now: the instant of the load, aware.
        actor: who loads; kept with the files.
        paths: which files; None means every one in the folders that sources.yml names.
        steps: announced before each durable step.

    Raises:
        IngestionBusyError: another process is loading into this data directory.
        RawFilesUnlistedError: raw/ holds batches that nothing lists; none of them was swept.
        JournalDamagedError, RegisterWriteError: the batch could not be committed.
    """
    declared = declared_totals(reference)
    if paths is None and not declared.folders:
        return ControlTotalsLoaded(None, ())
    with ingestion_lock(settings):
        sweep_raw(settings, engine)
        surveyed = _survey(settings, engine, declared, paths)
        read = [_read(each, declared, now) for each in surveyed]
        present = None
        if paths is None:
            present = {
                name
                for folder in declared.folders
                for name in names_in(_folder(settings, folder), settings.data_dir)
            }
        read = _without_contradictions(read)
        return _commit(settings, engine, read, present, now=now, actor=actor, steps=steps)


def refuse_unloaded(loaded: ControlTotalsLoaded) -> None:
    """Let nobody believe that a file counts that could not be loaded.

    Raises:
        ControlTotalsRefusedError: names each file, and each of its faults.
    """
    faulty = [
        each.detail
        for each in loaded.files
        if each.outcome in ("refused", "unreadable") and each.detail is not None
    ]
    if faulty:
        raise ControlTotalsRefusedError("\n".join(faulty))


def _folder(settings: Settings, folder: str) -> Path:
    return settings.data_dir / "landing" / folder


def _survey(
    settings: Settings, engine: Engine, declared: DeclaredTotals, paths: Sequence[Path] | None
) -> list[SurveyedFile]:
    known = read_known_files(engine)
    if paths is not None:
        return survey_files(
            settings.data_dir, settings.data_dir, known, settle_seconds=0, paths=paths
        )
    found = {
        each.name: each
        for folder in declared.folders
        for each in survey_files(
            _folder(settings, folder),
            settings.data_dir,
            known,
            settle_seconds=settings.settle_seconds,
            paths=None,
        )
    }
    return [found[name] for name in sorted(found)]


def _read(one: SurveyedFile, declared: DeclaredTotals, now: datetime) -> _Read:
    if not one.is_to_be_loaded or one.usage_format is None:
        return _Read(one)
    file_format = one.usage_format.file_format
    if file_format == "parquet" or one.usage_format.compression is not None:
        text = "must be CSV or JSON Lines, not compressed. Deliver it so."
        return _Read(_refused(one, [Fault(0, "", text)]))
    if (one.byte_size or 0) > MOST_BYTES:
        text = f"has more than {MOST_BYTES >> 20} MiB. Split it by day."
        return _Read(_refused(one, [Fault(0, "", text)]))
    try:
        content = one.path.read_bytes()
    except OSError as error:
        text = f"cannot be read ({error.strerror}). Make it readable for the user that loads it."
        return _Read(_refused(one, [Fault(0, "", text)]))
    surveyed = replace(one, content_sha256=bytes_digest(content), byte_size=len(content))
    found = read_totals(
        content, file_format, measures=declared.measures, today=now.astimezone(UTC).date()
    )
    if found.faults:
        return _Read(_refused(surveyed, found.faults))
    return _Read(surveyed, content, found.totals)


def _refused(one: SurveyedFile, faults: Sequence[Fault]) -> SurveyedFile:
    shown = "\n".join(f"  {fault}" for fault in faults[:_FAULTS_SHOWN])
    more = f"\n  and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
    return replace(
        one,
        outcome="refused",
        code=ControlTotalsRefusedError.code,
        detail=f"Read the control totals of {one.name}: nothing of it was loaded.\n{shown}{more}\n"
        "Correct that, then load it again with `tallyhouse load-totals`.",
    )


def _without_contradictions(read: Sequence[_Read]) -> list[_Read]:
    """Refuse every file that states otherwise than another one of the same run."""
    stated: dict[Any, list[tuple[str, ControlTotal]]] = {}
    for each in read:
        for total in each.totals:
            stated.setdefault(total.key, []).append((each.surveyed.name, total))
    faults: dict[str, list[Fault]] = {}
    for statements in stated.values():
        if len({total.quantity for _, total in statements}) == 1:
            continue
        for name, total in statements:
            others = ", ".join(sorted({other for other, _ in statements} - {name}))
            text = (
                f"{total.measure} of {total.source_prefix} on {total.usage_date} is another in "
                f"{others}. Load the one that counts alone, with tallyhouse load-totals; the file "
                "that is loaded last counts."
            )
            faults.setdefault(name, []).append(Fault(total.line_number, "quantity", text))
    return [
        _Read(_refused(each.surveyed, faults[each.surveyed.name]))
        if each.surveyed.name in faults
        else each
        for each in read
    ]


def _commit(
    settings: Settings,
    engine: Engine,
    read: Sequence[_Read],
    present: set[str] | None,
    *,
    now: datetime,
    actor: Actor,
    steps: Steps,
) -> ControlTotalsLoaded:
    batch_id, first_file_id = next_numbers(engine)
    numbered = dict(enumerate(read, start=first_file_id))
    accepted = {file_id: each for file_id, each in numbered.items() if each.is_accepted}
    batch, parts = None, []
    if accepted:
        folder = BatchFolder(settings, batch_id)
        folder.create()
        delivered = [_delivered(file_id, each) for file_id, each in accepted.items()]
        write_parts(folder, delivered, now=now, actor=actor)
        parts = folder.publish(steps=steps)
        batch = BatchRow(
            ingestion_batch_id=batch_id,
            batch_kind=BATCH_KIND,
            started_at=last_batch_start(engine) or now,
            committed_at=now,
            file_count=len(accepted),
            lines_accepted=0,
            lines_rejected=0,
        )
    files = [
        _file_row(file_id, each)
        for file_id, each in numbered.items()
        if each.is_accepted or each.surveyed.outcome in ("refused", "unreadable")
    ]
    if numbered or present is not None:
        commit_load(
            settings,
            engine,
            batch=batch,
            files=files,
            sightings=[_sighting(each.surveyed) for each in read],
            parts=parts,
            present_names=present,
            now=now,
            is_of_totals=True,
            steps=steps,
        )
    return ControlTotalsLoaded(
        ingestion_batch_id=batch_id if accepted else None,
        files=tuple(
            TotalsFile(
                each.surveyed.name,
                each.surveyed.outcome,
                len(each.totals),
                _told(each),
            )
            for each in read
        ),
    )


def _delivered(file_id: int, read: _Read) -> DeliveredFile:
    return DeliveredFile(
        file_id=file_id,
        path=read.surveyed.name,
        content_sha256=read.surveyed.content_sha256 or "",
        content=read.content,
        totals=read.totals,
    )


def _told(read: _Read) -> str | None:
    if read.surveyed.outcome == "same_content":
        return (
            f"The content of {read.surveyed.name} was loaded before. Nothing is loaded again; "
            "where a later total shall give way to it, deliver it in a file of other content."
        )
    return None if read.is_accepted else read.surveyed.detail


def _file_row(file_id: int, read: _Read) -> FileRow:
    one = read.surveyed
    form = f"+{one.usage_format.name}" if one.usage_format else ""
    return FileRow(
        file_id=file_id,
        path=one.name,
        content_sha256=one.content_sha256,
        byte_size=one.byte_size,
        format_name=f"{TOTALS_FORMAT}{form}",
        header=None,
        is_accepted=read.is_accepted,
        code=one.code,
        detail=one.detail if not read.is_accepted else None,
        lines_read=len(read.totals),
        lines_accepted=len(read.totals),
        lines_rejected=0,
    )


def _sighting(one: SurveyedFile) -> SightingRow:
    return SightingRow(
        path=one.name,
        content_sha256=one.content_sha256,
        byte_size=one.byte_size,
        modified_at=one.modified_at,
        stat_fingerprint=one.stat_fingerprint,
        outcome=one.outcome,
        detail=one.detail,
    )
