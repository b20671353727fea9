"""A disk that refuses, recognised through whatever wrapped it, and told in one way.

Belongs here: what the operating system's refusals are called, and what to do next. Does not belong
here: leaving no half of a file behind (durable.py); how an error is answered (cli_answers.py,
defs/operations/failures.py).

A full disk and a folder that cannot be written meet every step. Libraries tell of them in their own
ways: as an OSError, as an error of SQLite or DuckDB, as text in what dbt said.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final

from orchestration.failures import TallyhouseError, TechnicalError


class Refusal(Enum):
    """Why a disk refused."""

    FULL = "full"
    READ_ONLY = "read_only"
    FAILED = "failed"


REMEDIES: Final = {
    Refusal.FULL: "Free space on that disk, or raise its quota or the limit on file sizes",
    Refusal.READ_ONLY: "Make that file or folder writable for this process, hard links included",
    Refusal.FAILED: "See that the disk has space and can be written, or repair it",
}
"""What to do next, without the end of the sentence."""

_BY_NUMBER: Final = {
    errno.ENOSPC: Refusal.FULL,
    errno.EDQUOT: Refusal.FULL,
    errno.EFBIG: Refusal.FULL,
    errno.EROFS: Refusal.READ_ONLY,
    errno.EACCES: Refusal.READ_ONLY,
    errno.EPERM: Refusal.READ_ONLY,
}
_FULL_TEXTS: Final = "no space left on device|disk quota exceeded|file too large|disk is full"
_READ_ONLY_TEXTS: Final = (
    "read-only file system|readonly database|cannot open file .*permission denied"
)
_FAILED_TEXTS: Final = "disk i/o error|input/output error"
_BY_TEXT: Final = (
    (re.compile(_FULL_TEXTS, re.IGNORECASE), Refusal.FULL),
    (re.compile(_READ_ONLY_TEXTS, re.IGNORECASE), Refusal.READ_ONLY),
    (re.compile(_FAILED_TEXTS, re.IGNORECASE), Refusal.FAILED),
)
_PROBE_BYTES: Final = 8192
_NOT_OF_A_DISK: Final = (
    *(ConnectionError, TimeoutError, InterruptedError, ChildProcessError),
    *(FileNotFoundError, FileExistsError),
)


class DiskError(TechnicalError):
    """The disk refused. What was committed before stands."""

    code = "disk_failed"


def refusal_of(error: OSError) -> Refusal:
    """Say why the operating system refused."""
    return _BY_NUMBER.get(error.errno or 0, Refusal.FAILED)


def disk_failure(error: BaseException) -> DiskError | None:
    """Return what to tell where a disk's refusal is behind an error; None where there is none.

    An error that says by itself what to do is left as it is, and so is one that no disk is to blame
    for, such as a file that is not there.
    """
    for each in _chain(error):
        if isinstance(each, TallyhouseError):
            return None
        found = refusal_in(str(each))
        if isinstance(each, OSError) and not isinstance(each, _NOT_OF_A_DISK):
            found = refusal_of(each)
        if found is not None:
            return _told(found, str(each).partition("\n")[0])
    return None


def refuse_unwritable(folder: Path) -> None:
    """Say so where a folder cannot take a small file, which not every library tells of.

    Raises:
        DiskError: it cannot; nothing stays there.
    """
    probe = folder / f".writable.{os.getpid()}"
    try:
        probe.write_bytes(b"0" * _PROBE_BYTES)
    except OSError as error:
        raise _told(refusal_of(error), str(error)) from error
    finally:
        with suppress(OSError):
            probe.unlink()


def refusal_in(text: str) -> Refusal | None:
    """Say why a disk refused, by what a library said of it; None where it says no such thing."""
    return next((refusal for pattern, refusal in _BY_TEXT if pattern.search(text)), None)


def disk_error(refusal: Refusal, *, said: str) -> DiskError:
    """Return the error that tells of a refusal."""
    return _told(refusal, said)


def _told(refusal: Refusal, said: str) -> DiskError:
    code = "disk_failed"
    if refusal is Refusal.FULL:
        code = "disk_full"
    elif refusal is Refusal.READ_ONLY:
        code = "disk_read_only"
    return DiskError(
        f"Wrote to the data directory, or read from it: {said}. What was committed before stands. "
        f"{REMEDIES[refusal]}, then run the same command again.",
        code=code,
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, then what it was raised from, innermost last."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
