"""Looking at the landing folder: which files are new, which are known, which cannot be taken.

Belongs here: names, stat, content hashes, comparison with the manifest.
Does not belong here: what is in a file; writing the manifest (manifest.py).

A file is new by its content, not by its name. One that lies there unchanged since it was last
looked at (same inode, size and times) is not read again; a path that is given explicitly is.
"""

import hashlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from orchestration.ingest.formats import UsageFormat, format_of, is_passed_over
from orchestration.ingest.manifest import KnownFiles
from orchestration.ingest.records import FileOutcome, FileResult

READ_BYTES = 1 << 20


@dataclass(frozen=True)
class SurveyedFile:
    """A file that was looked at.

    Attributes:
        name: path relative to the data directory, where it lies there; what the manifest keeps.
        stat_fingerprint: inode, size and times, which change when the file does.
        content_sha256: None where it is computed while the file is read.
        outcome: what became of it so far; "loaded" and "changed_content" are still to be loaded.
    """

    path: Path
    name: str
    outcome: FileResult
    byte_size: int | None = None
    modified_at: datetime | None = None
    stat_fingerprint: str | None = None
    usage_format: UsageFormat | None = None
    content_sha256: str | None = None
    code: str | None = None
    detail: str | None = None

    @property
    def is_to_be_loaded(self) -> bool:
        """Whether its content is new."""
        return self.outcome in ("loaded", "changed_content")

    def as_outcome(self) -> FileOutcome:
        """Return what is told about a file that is not loaded."""
        return FileOutcome(
            path=self.path,
            outcome=self.outcome,
            code=self.code,
            detail=self.detail,
            content_sha256=self.content_sha256,
        )


def survey_files(
    folder: Path,
    data_dir: Path,
    known: KnownFiles,
    *,
    settle_seconds: float,
    paths: Sequence[Path] | None,
) -> list[SurveyedFile]:
    """Return every file worth a word, in the order of their names.

    Takes the given paths, or everything under folder that is not passed over by name and has
    changed since it was last looked at. A file modified less than settle_seconds ago is
    still_being_written, by the clock of the machine.
    """
    seen = [
        _look_at(path, data_dir, settle_seconds=settle_seconds)
        for path in (_walk(folder) if paths is None else paths)
    ]
    if paths is None:
        seen = [one for one in seen if not known.is_unchanged(one.name, one.stat_fingerprint)]
    sizes = [one.byte_size for one in seen if one.is_to_be_loaded]
    single = {size for size in sizes if size is not None and sizes.count(size) == 1}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        hashed = list(pool.map(lambda one: _with_hash(one, known, single), seen))
    taken: set[str] = set()
    return [_compared(one, known, taken) for one in hashed]


def names_in(folder: Path, data_dir: Path) -> set[str]:
    """Return the names, as the manifest keeps them, of everything that lies in the folder."""
    return {_name_of(path, data_dir) for path in _walk(folder)}


def fingerprint_of(path: Path) -> str:
    """Return what changes whenever a file is written to or replaced."""
    return _fingerprint(path.stat())


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in pieces of 1 MB."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(READ_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if is_passed_over(path.relative_to(folder)):
            continue
        if not path.is_dir() or format_of(path) is not None:
            yield path


def _look_at(path: Path, data_dir: Path, *, settle_seconds: float) -> SurveyedFile:
    name = _name_of(path, data_dir)
    try:
        status = path.stat()
    except OSError as error:
        return _unreadable(SurveyedFile(path, name, "unreadable"), error)
    found = SurveyedFile(
        path=path,
        name=name,
        outcome="loaded",
        byte_size=status.st_size,
        modified_at=datetime.fromtimestamp(status.st_mtime, tz=UTC),
        stat_fingerprint=_fingerprint(status),
        usage_format=format_of(path),
    )
    if not stat.S_ISREG(status.st_mode):
        return replace(
            found,
            outcome="refused",
            byte_size=None,
            code="not_a_file",
            detail=f"{name} is no regular file. Put the events into a file of that name.",
        )
    if found.usage_format is None:
        return replace(
            found,
            outcome="refused",
            code="unknown_format",
            detail=f"The name {path.name} ends in no known format. Use .jsonl, .ndjson or .csv, "
            "also with .gz or .zst, or .parquet; or move the file out of the landing folder.",
        )
    if abs(time.time() - status.st_mtime) < settle_seconds:
        return replace(
            found,
            outcome="still_being_written",
            detail=f"{name} was modified less than {settle_seconds:g} s ago. "
            "It is left for the next run.",
        )
    return found


def _name_of(path: Path, data_dir: Path) -> str:
    absolute = path.absolute()
    is_inside = absolute.is_relative_to(data_dir)
    return (absolute.relative_to(data_dir) if is_inside else absolute).as_posix()


def _fingerprint(status: os.stat_result) -> str:
    return ":".join(
        str(part)
        for part in (
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )
    )


def _with_hash(one: SurveyedFile, known: KnownFiles, single: set[int]) -> SurveyedFile:
    """Hash a file, unless no other can have its content: then it is hashed while it is loaded."""
    if not one.is_to_be_loaded or one.usage_format is None:
        return one
    is_certainly_new = one.byte_size in single and one.byte_size not in known.accepted_sizes
    try:
        if is_certainly_new and one.usage_format.file_format != "parquet":
            with one.path.open("rb"):
                return one
        return replace(one, content_sha256=sha256_of(one.path))
    except OSError as error:
        return _unreadable(one, error)


def _unreadable(one: SurveyedFile, error: OSError) -> SurveyedFile:
    return replace(
        one,
        outcome="unreadable",
        code="unreadable_file",
        detail=f"Opened {one.name}: {error.strerror or error}. "
        "Make it readable for the user that runs the pipeline.",
    )


def _compared(one: SurveyedFile, known: KnownFiles, taken: set[str]) -> SurveyedFile:
    if not one.is_to_be_loaded:
        return one
    if one.content_sha256 is not None:
        if one.content_sha256 in known.accepted_hashes or one.content_sha256 in taken:
            return replace(
                one,
                outcome="same_content",
                detail=f"The content of {one.name} was loaded before. Nothing is loaded again.",
            )
        taken.add(one.content_sha256)
    if one.name in known.accepted_names:
        return replace(
            one,
            outcome="changed_content",
            detail=f"{one.name} was loaded before with other content. Its events are loaded; "
            "repeats among them are found by their source and id.",
        )
    return one
