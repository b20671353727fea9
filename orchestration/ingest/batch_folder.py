"""The files of one batch: written aside, then made durable and moved to their places.

Belongs here: paths under raw/, fsync, rename, sweeping what no manifest lists.
Does not belong here: what is in the files; the manifest's rows.

A crash before the manifest's transaction leaves files that nobody lists; the next run sweeps them.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from orchestration.durable import Steps, no_steps
from orchestration.ingest.manifest import PartRow
from orchestration.ingest.refusals import RawFilesUnlistedError
from orchestration.ingest.survey import sha256_of
from orchestration.settings import Settings

EVENTS_KIND = "events"
INCOMING = ".incoming"
PARTITION_PREFIX = "event_date="
_BATCH_OF = re.compile(r"^(?!\.incoming/).*?(?:ingestion_batch_id=|batch-)(\d+)")
LISTED_KINDS = (
    *("keys", "rejects", "affected", "replays", "decisions"),
    *("control_totals", "control_total_files"),
)


@dataclass(frozen=True)
class BatchFolder:
    """Where a batch is written until it is published.

    Attributes:
        root: raw/.incoming/batch-<N>.
    """

    settings: Settings
    ingestion_batch_id: int

    @property
    def root(self) -> Path:
        """The folder of the unpublished batch."""
        return self.settings.raw / INCOMING / f"batch-{self.ingestion_batch_id}"

    @property
    def events(self) -> Path:
        """Where event parts are written, a folder per event date."""
        return self.root / EVENTS_KIND

    @property
    def spill(self) -> Path:
        """Where DuckDB may put what does not fit into memory."""
        return self.root / "spill"

    def listed(self, part_kind: str) -> Path:
        """Return where the one file of a kind (keys, rejects, …) is written."""
        return self.root / f"{part_kind}.parquet"

    def create(self) -> None:
        """Start empty, whatever an earlier attempt left."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.events.mkdir(parents=True)
        self.spill.mkdir()

    def remove(self) -> None:
        """Forget what was written and is not published."""
        shutil.rmtree(self.root, ignore_errors=True)

    def publish(self, *, steps: Steps = no_steps) -> list[PartRow]:
        """Make every file durable, move it to its place, and return the rows of the manifest.

        Nobody sees the files until the manifest lists them.
        """
        steps(f"sync files of batch {self.ingestion_batch_id}")
        batch = self.ingestion_batch_id
        kinds = [kind for kind in LISTED_KINDS if self.listed(kind).exists()]
        events = self.settings.raw / EVENTS_KIND / f"ingestion_batch_id={batch}"
        moves = [
            (self.listed(kind), self.settings.raw / kind / f"batch-{batch}.parquet")
            for kind in kinds
        ]
        written = [
            (EVENTS_KIND, path, events / path.relative_to(self.events))
            for path in sorted(self.events.glob("*/*.parquet"))
        ]
        written += [
            (kind, source, target) for kind, (source, target) in zip(kinds, moves, strict=True)
        ]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            rows = list(pool.map(lambda one: self._part(*one), written))
        if any(kind == EVENTS_KIND for kind, _, _ in written):
            for folder in (*self.events.iterdir(), self.events):
                _sync(folder)
            moves.append((self.events, events))
        for source, target in moves:
            target.parent.mkdir(parents=True, exist_ok=True)
            steps(f"rename {source.name}")
            source.rename(target)
            _sync(target.parent)
        _sync(self.settings.raw)
        self.remove()
        return rows

    def _part(self, part_kind: str, source: Path, target: Path) -> PartRow:
        _sync(source)
        event_date = None
        if part_kind == EVENTS_KIND:
            event_date = date.fromisoformat(source.parent.name.removeprefix(PARTITION_PREFIX))
        return PartRow(
            path=target.relative_to(self.settings.data_dir).as_posix(),
            part_kind=part_kind,
            event_date=event_date,
            content_sha256=sha256_of(source),
            row_count=pq.read_metadata(source).num_rows,
            byte_size=source.stat().st_size,
        )


def sweep(settings: Settings, committed: Iterable[str], *, next_batch_id: int) -> list[Path]:
    """Remove every file under raw/ that the manifest does not list; return what was removed.

    Args:
        settings: whose raw folder.
        committed: paths that the manifest lists, relative to the data directory.
        next_batch_id: number of the batch that a killed load may have been about to commit.

    Raises:
        RawFilesUnlistedError: there are files of later batches, which no killed load left: the
            manifest lost them. Nothing was removed.
    """
    listed = set(committed)
    removed = [
        path
        for path in _files_of_raw(settings.raw)
        if path.relative_to(settings.data_dir).as_posix() not in listed
    ]
    _refuse_unlisted(settings, removed, next_batch_id)
    for path in removed:
        path.unlink()
    for folder in sorted(settings.raw.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return removed


def _refuse_unlisted(settings: Settings, unlisted: Sequence[Path], next_batch_id: int) -> None:
    later = [
        path
        for path in unlisted
        if (found := _BATCH_OF.search(path.relative_to(settings.raw).as_posix())) is not None
        and int(found[1]) > next_batch_id
    ]
    if later:
        raise RawFilesUnlistedError(
            f"Looked through {settings.raw}: {len(later)} files, the first of them "
            f"{later[0].relative_to(settings.data_dir)}, are of ingestion batches that neither the "
            f"operations database nor register/journals knows, which end before {next_batch_id}. "
            "Nothing was removed. Restore register/journals from a copy that has them, or move "
            "these files away, then run again."
        )


def _files_of_raw(raw: Path) -> Iterator[Path]:
    for kind in (INCOMING, EVENTS_KIND, *LISTED_KINDS):
        for path in sorted((raw / kind).rglob("*")):
            if not path.is_dir():
                yield path


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
