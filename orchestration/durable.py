"""Putting files on disk so that a crash leaves the old state or the new one, never half of one.

Belongs here: write beside, fsync, rename or link, fsync of the folder, and what a failing disk is
called. Does not belong here: what the files mean.

Every durable step announces itself through `steps` before it happens. A test stops the process at
each of them in turn; production passes `no_steps`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from orchestration.disk_failures import REMEDIES, DiskError, Refusal, refusal_of
from orchestration.failures import TechnicalError

Steps = Callable[[str], None]

BESIDE_SUFFIX: Final = ".beside"
_READ_ONLY: Final = 0o444


class RegisterWriteError(DiskError):
    """The disk refused a write. Nothing that was committed before has changed."""

    code = "register_write_failed"


class FileTakenError(TechnicalError):
    """Another process put a file in this place first; it was not overwritten."""

    code = "file_taken"


def no_steps(_name: str) -> None:
    """Announce nothing."""


@contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """Turn the operating system's refusal to write into an error that says what to do.

    Raises:
        RegisterWriteError: code register_disk_full, register_read_only or register_write_failed.
    """
    try:
        yield
    except OSError as error:
        refusal = refusal_of(error)
        code = "register_write_failed"
        if refusal is Refusal.FULL:
            code = "register_disk_full"
        elif refusal is Refusal.READ_ONLY:
            code = "register_read_only"
        raise RegisterWriteError(
            f"{what}: the operating system said {error}. Nothing that was committed before has "
            f"changed. {REMEDIES[refusal]}, then run the same step again.",
            code=code,
        ) from error


def sync_folder(folder: Path) -> None:
    """Make a folder's list of names durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and the ones above it, each name durable in the folder that holds it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def put_file(target: Path, content: bytes, *, steps: Steps = no_steps) -> None:
    """Put a complete, durable, read-only file in place, replacing one of that name.

    Raises:
        OSError: the disk refused; what stood there before is untouched.
    """
    beside = _write_beside(target, content, steps=steps)
    steps(f"rename {target.name}")
    beside.rename(target)
    steps(f"sync folder of {target.name}")
    sync_folder(target.parent)


def put_new_file(target: Path, content: bytes, *, steps: Steps = no_steps) -> None:
    """Put a complete, durable file in place, unless a file of that name is there already.

    The hard link is the one instant at which the file begins to exist under its name, and fails
    when the name is taken, whichever process took it.

    Raises:
        FileTakenError: the name is taken; the file there is untouched.
        OSError: the disk refused.
    """
    beside = _write_beside(target, content, steps=steps)
    try:
        steps(f"link {target.name}")
        try:
            os.link(beside, target)
        except FileExistsError as error:
            raise FileTakenError(
                f"Put {target} in place: another process did so first, and its file stands. "
                "Read the new state, then decide again."
            ) from error
    finally:
        beside.unlink(missing_ok=True)
    steps(f"sync folder of {target.name}")
    sync_folder(target.parent)


def _write_beside(target: Path, content: bytes, *, steps: Steps) -> Path:
    make_folder(target.parent)
    beside = target.with_name(f".{target.name}.{os.getpid()}{BESIDE_SUFFIX}")
    beside.unlink(missing_ok=True)
    steps(f"write {target.name}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            steps(f"sync {target.name}")
            os.fsync(file.fileno())
        beside.chmod(_READ_ONLY)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    return beside
