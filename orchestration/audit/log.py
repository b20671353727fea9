"""The files of the audit log: appended, read, proved to be one unbroken chain.

Owns: audit/, its lock. Does not own: which deeds there are (deeds.py), when they are written
(catching_up.py), the anchors of its head (anchors.py).

    audit/entries/<sequence of its first entry, 10 digits>.jsonl   one append, one entry a line
    audit/set_aside/                                               unfinished appends, as evidence

Consistency:
* an append is the hard link of its file: before that instant nothing of it exists for a reader, so
  a killed process leaves a file beside, which the next append sets aside, and never half an entry;
* two appends can never both take one sequence;
* a file is never changed or removed.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from orchestration.audit.entries import GENESIS, Deed, Entry
from orchestration.billing.canonical import bytes_digest
from orchestration.durable import (
    BESIDE_SUFFIX,
    FileTakenError,
    Steps,
    disk_errors,
    make_folder,
    no_steps,
    put_new_file,
    sync_folder,
)
from orchestration.failures import RefusedError, TechnicalError

ENTRIES_FOLDER: Final = "entries"
SET_ASIDE_FOLDER: Final = "set_aside"
LOCK_NAME: Final = ".lock"
LOCK_WAIT_SECONDS: Final = 60.0
_TAIL_BYTES: Final = 1 << 16
_FILE_NAME: Final = re.compile(r"^(\d{10})\.jsonl$")


class AuditLogDamagedError(RefusedError):
    """An entry of the audit log is missing, or is not what was written."""

    code = "audit_log_damaged"


class AuditLogBusyError(TechnicalError):
    """Another process writes the audit log."""

    code = "audit_log_busy"


@dataclass(frozen=True, kw_only=True)
class Place:
    """An entry's place in the chain: its sequence, 0 before the first entry, and its digest."""

    sequence: int
    entry_sha256: str


START: Final = Place(sequence=0, entry_sha256=GENESIS)


@dataclass(frozen=True, kw_only=True)
class AuditProblem:
    """Something in audit/ that is not as it was written.

    Attributes:
        path: the file, relative to audit/.
        code: entries_missing, entry_changed, entries_out_of_order, file_stray or head_forgotten;
            commit_not_logged, commit_unknown or posting_not_logged where the log and what it tells
            of disagree.
        message: what is wrong and what to do.
    """

    path: str
    code: str
    message: str


class AuditLog:
    """One audit folder.

    Attributes:
        folder: audit/ of a data directory; made by the first append.
    """

    def __init__(
        self, folder: Path, *, steps: Steps = no_steps, wait_seconds: float = LOCK_WAIT_SECONDS
    ) -> None:
        self.folder = folder
        self._steps = steps
        self._wait_seconds = wait_seconds

    def entries(self, *, after: Place = START) -> tuple[Entry, ...]:
        """Entries in order, each proved to follow the one before by digest.

        Args:
            after: an entry that is known; only what stands behind it is read.

        Raises:
            AuditLogDamagedError: something is missing, changed or out of order.
        """
        entries, problems = self.inspect(after=after)
        if problems:
            first = problems[0]
            raise AuditLogDamagedError(
                f"Read the audit log {self.folder}: {first.path}: {first.message} "
                f"({len(problems)} problems in all; `tallyhouse doctor` lists them.)"
            )
        return entries

    def head(self) -> Place:
        """The last entry's place; sequence 0 and 64 zeros when there is none.

        Raises:
            AuditLogDamagedError: the last file cannot be read as what was written.
        """
        names = self._names()
        if not names:
            return START
        path = self._path(names[-1])
        try:
            last = Entry.parse(_last_line(path))
        except (OSError, ValueError) as error:
            raise AuditLogDamagedError(
                f"Read the end of the audit log, {path}: {error}. Restore audit/ from a copy; "
                "nothing is loaded, frozen, signed or posted until then."
            ) from error
        return Place(sequence=last.sequence, entry_sha256=last.sha256)

    def inspect(self, *, after: Place = START) -> tuple[tuple[Entry, ...], list[AuditProblem]]:
        """The entries that can be read behind a place, and every problem of the chain there."""
        names = self._names()
        later = [name for name in names if name > after.sequence]
        within = [name for name in names if name <= after.sequence][-1:] if after.sequence else []
        walk = _Walk(after)
        for first_sequence in [*within, *later]:
            path = self._path(first_sequence)
            walk.read_file(path.relative_to(self.folder).as_posix(), path, first_sequence)
        walk.refuse_unfound()
        return tuple(walk.entries), walk.problems + self._strays()

    def unfinished(self) -> list[Path]:
        """What killed appends left, set aside or not yet."""
        return [
            path
            for folder in (ENTRIES_FOLDER, SET_ASIDE_FOLDER)
            for path in sorted((self.folder / folder).glob("*"))
            if _FILE_NAME.match(path.name) is None and BESIDE_SUFFIX in path.name
        ]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the only right to append; what a killed append left is set aside first.

        Raises:
            AuditLogBusyError: another process held the lock for too long.
            RegisterWriteError: the disk refused.
        """
        with disk_errors(f"Opened the audit log {self.folder} for writing"):
            make_folder(self.folder)
            lock = FileLock(self.folder / LOCK_NAME, timeout=self._wait_seconds)
            try:
                lock.acquire()
            except Timeout as error:
                raise AuditLogBusyError(
                    f"Waited {self._wait_seconds:g} s to write the audit log {self.folder}: "
                    "another process is writing it. Wait for that one to end, then run again."
                ) from error
        try:
            with disk_errors(f"Swept the audit log {self.folder}"):
                self._set_aside()
            yield
        finally:
            lock.release()

    def append(self, head: Place, deeds: Sequence[Deed], *, now: datetime) -> tuple[Entry, ...]:
        """Append deeds behind the head, all of them or none; only within writing().

        Raises:
            AuditLogDamagedError: the place behind the head is taken.
            RegisterWriteError: the disk refused; nothing was appended.
        """
        entries: list[Entry] = []
        place = head
        for deed in deeds:
            entry = Entry.after(place.sequence, place.entry_sha256, deed, now=now)
            entries.append(entry)
            place = Place(sequence=entry.sequence, entry_sha256=entry.sha256)
        if entries:
            content = b"".join(entry.content() + b"\n" for entry in entries)
            target = self._path(head.sequence + 1)
            with disk_errors(f"Wrote {target.name} of the audit log {self.folder}"):
                try:
                    put_new_file(target, content, steps=self._steps)
                except FileTakenError as error:
                    raise AuditLogDamagedError(
                        f"Appended to the audit log {self.folder}: {target.name} is there already, "
                        "so a process wrote it without the lock. Find out which, then run again."
                    ) from error
        return tuple(entries)

    def _path(self, first_sequence: int) -> Path:
        return self.folder / ENTRIES_FOLDER / f"{first_sequence:010d}.jsonl"

    def _names(self) -> list[int]:
        """Sequences of the first entries of all files, ascending."""
        found = (_FILE_NAME.match(path.name) for path in (self.folder / ENTRIES_FOLDER).glob("*"))
        return sorted(int(match[1]) for match in found if match)

    def _strays(self) -> list[AuditProblem]:
        unfinished = set(self.unfinished())
        return [
            AuditProblem(
                path=path.relative_to(self.folder).as_posix(),
                code="file_stray",
                message="no append wrote this file. Find out who put it there, and move it away.",
            )
            for path in sorted((self.folder / ENTRIES_FOLDER).glob("*"))
            if path not in unfinished and _FILE_NAME.match(path.name) is None
        ]

    def _set_aside(self) -> None:
        for path in sorted((self.folder / ENTRIES_FOLDER).glob(f".*{BESIDE_SUFFIX}")):
            content = path.read_bytes()
            if content:
                place = self.folder / SET_ASIDE_FOLDER
                make_folder(place)
                path.rename(place / f"{path.name.lstrip('.')}.{bytes_digest(content)[:16]}")
                sync_folder(place)
            else:
                path.unlink()
            sync_folder(path.parent)


def _last_line(path: Path) -> bytes:
    """The last line of a file without its end; a file that does not end with one has none.

    Raises:
        ValueError: the file's end was cut off.
    """
    with path.open("rb") as content:
        size = content.seek(0, os.SEEK_END)
        content.seek(max(0, size - _TAIL_BYTES))
        tail = content.read()
    if not tail.endswith(b"\n"):
        raise ValueError("its last line was cut off")
    _, separator, line = tail[:-1].rpartition(b"\n")
    is_whole = bool(separator) or len(tail) == size
    return line if is_whole else path.read_bytes()[:-1].rpartition(b"\n")[2]


class _Walk:
    """A walk over files behind a place, gathering entries and what is wrong."""

    def __init__(self, after: Place) -> None:
        self.entries: list[Entry] = []
        self.problems: list[AuditProblem] = []
        self._after = after
        self._is_found = after.sequence == 0
        self._expected = after.sequence + 1
        self._previous: str | None = after.entry_sha256

    def read_file(self, name: str, path: Path, first_sequence: int) -> None:
        """Read one file; each of its lines must be the entry that is expected next."""
        if first_sequence > self._expected:
            self._tell(
                name,
                "entries_missing",
                f"entries {self._expected} to {first_sequence - 1} before it are gone.",
            )
            self._previous = None
        elif first_sequence < self._expected and self._is_found:
            self._tell(name, "entries_out_of_order", "its entries stand in another file too.")
        self._expected = max(first_sequence, self._expected if self._is_found else 0)
        try:
            content = path.read_bytes()
        except OSError as error:
            self._tell(name, "entry_changed", f"cannot be read: {error}.")
            return
        if not content.endswith(b"\n"):
            self._tell(name, "entry_changed", "its last line was cut off.")
        sequence = first_sequence
        for line in content.removesuffix(b"\n").split(b"\n"):
            self._read_line(name, line, sequence)
            sequence += 1
        self._expected = sequence

    def refuse_unfound(self) -> None:
        """Tell where the entry to start from is not in the log."""
        if not self._is_found:
            self._tell(
                ENTRIES_FOLDER,
                "head_forgotten",
                f"entry {self._after.sequence} with the digest {self._after.entry_sha256}, which "
                "was noted elsewhere, is not in the log: its end was cut off or changed.",
            )

    def _read_line(self, name: str, line: bytes, sequence: int) -> None:
        if not self._is_found and sequence < self._after.sequence:
            return
        try:
            entry = Entry.parse(line)
        except ValueError as error:
            self._tell(name, "entry_changed", f"entry {sequence} was changed: {error}.")
            self._previous = bytes_digest(line)
            return
        if not self._is_found:
            self._is_found = (entry.sequence, entry.sha256) == (
                self._after.sequence,
                self._after.entry_sha256,
            )
            return
        if entry.sequence != sequence:
            self._tell(
                name, "entries_out_of_order", f"entry {entry.sequence} stands in place {sequence}."
            )
        elif self._previous is not None and entry.previous_entry_sha256 != self._previous:
            self._tell(
                name,
                "entries_out_of_order",
                f"entry {sequence} does not carry the digest of the one before.",
            )
        self._previous = entry.sha256
        self.entries.append(entry)

    def _tell(self, path: str, code: str, what: str) -> None:
        self.problems.append(
            AuditProblem(
                path=path,
                code=code,
                message=f"{what} Restore audit/ from a copy that was made before, then run "
                "`tallyhouse doctor`.",
            )
        )
