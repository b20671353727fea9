"""Verifying a pack, on any machine: nothing but the pack is needed.

Belongs here: whether its files are those that were packed, and the order of all proofs. Does not
belong here: the proofs over what is in them (proofs.py), or over an installation (reports).
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from orchestration.billing.canonical import bytes_digest, file_digest
from orchestration.evidence.pack import (
    FORMAT,
    PACK_FILE,
    SUMS_FILE,
    PackFile,
    files_below,
    leads_out,
    pack_bytes,
    sums_bytes,
)
from orchestration.evidence.problems import PackProblem
from orchestration.evidence.proofs import audit_problems, register_problems, table_problems
from orchestration.evidence.selection import Subject
from orchestration.evidence.unpacking import unpacked
from orchestration.failures import InputError, RefusedError, TallyhouseError

_SHOWN: Final = 10


class PackUnreadableError(InputError):
    """What is given is no evidence pack."""

    code = "pack_unreadable"


class PackUnsoundError(RefusedError):
    """A pack is not what was made, or does not agree with itself."""

    code = "pack_unsound"


@dataclass(frozen=True, kw_only=True)
class PackVerification:
    """What was found of a pack.

    Attributes:
        path: the pack.
        problems: everything that is not as it must be; empty where it is sound.
        about: what the pack says of itself; empty where it cannot be read.
    """

    path: Path
    problems: tuple[PackProblem, ...]
    about: Mapping[str, Any]

    @property
    def is_sound(self) -> bool:
        """Whether every proof holds."""
        return not self.problems


def verify_pack(path: Path) -> PackVerification:
    """Verify a pack as a folder or as an archive.

    Raises:
        PackUnreadableError: there is nothing at that path, or it is neither.
    """
    if path.is_dir():
        problems, about = problems_of(path)
        return PackVerification(path=path, problems=tuple(problems), about=about)
    if not path.is_file():
        raise PackUnreadableError(
            f"Verified {path}: there is no such folder or file. Name the pack's folder or archive."
        )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pack"
        problems = list(unpacked(path, folder))
        if not folder.is_dir():
            return PackVerification(path=path, problems=tuple(problems), about={})
        found, about = problems_of(folder)
        problems = [*found, *problems]
        return PackVerification(path=path, problems=tuple(problems), about=about)


def refuse_unsound_pack(what: str, problems: Sequence[PackProblem]) -> None:
    """Let nobody go on who relies on a pack.

    Raises:
        PackUnsoundError: names what is wrong with it.
    """
    if problems:
        told = "; ".join(f"{each.path} ({each.code}): {each.message}" for each in problems[:_SHOWN])
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise PackUnsoundError(
            f"Verified {what}: {len(problems)} problems: {told}{more}. Take the pack from whoever "
            "made it again; in an installation, run `tallyhouse doctor`."
        )


def problems_of(folder: Path) -> tuple[list[PackProblem], Mapping[str, Any]]:
    """Every problem of a pack's folder, and what the pack says of itself."""
    try:
        content = (folder / PACK_FILE).read_bytes()
        about = json.loads(content)
        listed = [PackFile(**each) for each in about.pop("files")]
        subject = Subject.of_plain(about)
        is_canonical = about.pop("format") == FORMAT and pack_bytes(about, listed) == content
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"the list of the pack's files cannot be read: {error!r}."
        return [PackProblem(path=PACK_FILE, code="list_changed", message=message)], {}
    if not is_canonical:
        message = "was changed: it is not what a pack is sealed with."
        return [PackProblem(path=PACK_FILE, code="list_changed", message=message)], {}
    problems = list(_files(folder, listed, pack_sha256=bytes_digest(content)))
    proofs: tuple[tuple[str, Callable[[], Iterator[PackProblem]]], ...] = (
        ("register", lambda: register_problems(folder, subject, about)),
        ("tables", lambda: table_problems(folder, subject)),
        ("audit", lambda: audit_problems(folder, about)),
    )
    for place, proof in proofs:
        try:
            problems += proof()
        except (TallyhouseError, pa.ArrowException, OSError, ValueError, LookupError) as error:
            problems.append(
                PackProblem(path=place, code="content_differs", message=f"cannot be read: {error}")
            )
    return problems, about


def _files(folder: Path, listed: Sequence[PackFile], *, pack_sha256: str) -> Iterator[PackProblem]:
    """Each listed file as it was, nothing else beside them, and the same in SHA256SUMS."""
    found = [path for path in files_below(folder) if path not in (PACK_FILE, SUMS_FILE)]
    digests = {
        path: file_digest(folder / path) or ""
        for path in found
        if not (folder / path).is_symlink() and (folder / path).is_file()
    }
    for each in listed:
        if leads_out(each.path) or each.path not in digests:
            yield PackProblem(path=each.path, code="file_missing", message="is not in the pack.")
        elif digests[each.path] != each.sha256:
            message = f"is not the file that was packed; its SHA-256 was {each.sha256}."
            yield PackProblem(path=each.path, code="file_changed", message=message)
    known = {each.path for each in listed}
    for path in found:
        if path not in known:
            message = f"{PACK_FILE} does not list it."
            yield PackProblem(path=path, code="file_unlisted", message=message)
    yield from _sums(folder, listed, pack_sha256=pack_sha256)


def _sums(folder: Path, listed: Sequence[PackFile], *, pack_sha256: str) -> Iterator[PackProblem]:
    """SHA256SUMS says what pack.json says; of two that disagree nobody knows which was changed."""
    sums = folder / SUMS_FILE
    if not sums.is_file():
        yield PackProblem(path=SUMS_FILE, code="file_missing", message="is not in the pack.")
    elif sums.read_bytes() != sums_bytes(listed, pack_sha256):
        for path, other in ((PACK_FILE, SUMS_FILE), (SUMS_FILE, PACK_FILE)):
            message = f"does not agree with {other}: one of them was changed."
            yield PackProblem(path=path, code="list_changed", message=message)
