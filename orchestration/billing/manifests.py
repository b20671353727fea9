"""Manifests: one small file per commit, chained by digest, which is all that readers believe.

Belongs here: what a manifest says, reading the chain, finding what is wrong with it. Does not
belong here: writing one (register.py); what a revision or a signature puts into it.

register/manifests/<sequence, 8 digits>.json is canonical JSON, so that one content has one digest:
{format, sequence, previous_manifest_sha256, kind, written_at, files, subject, content_sha256}. A
path is relative to register/. The first manifest's previous digest is 64 zeros. content_sha256 is
over the rest of the manifest, so that an accident in the last one is found too; a forged last one
is found by the digests that left the folder, in ERP memos and evidence packs.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final, Self

from orchestration.billing.canonical import (
    bytes_digest,
    canonical_bytes,
    canonical_digest,
    instant_of,
    instant_text,
)
from orchestration.billing.refusals import RegisterDamagedError

FORMAT: Final = 1
GENESIS_SHA256: Final = "0" * 64
MANIFESTS_FOLDER: Final = "manifests"
MANIFEST_KINDS: Final = ("freeze", "explain", "sign", "reject", "record")
DECIDING_KINDS: Final = ("sign", "reject", "record")
"""Commits by which a person decided; the others pin or tell."""
_MANIFEST_NAME: Final = re.compile(r"^(\d{8})\.json$")


@dataclass(frozen=True, kw_only=True)
class Head:
    """The last commit: its sequence, 0 when nothing was committed yet, and its digest."""

    sequence: int
    manifest_sha256: str


EMPTY_HEAD: Final = Head(sequence=0, manifest_sha256=GENESIS_SHA256)


@dataclass(frozen=True, kw_only=True)
class ListedFile:
    """A file that a manifest makes exist.

    Attributes:
        path: relative to register/, with forward slashes.
        role: entries, held, revision, documents, lines, provenance, exceptions, causes,
            event_decisions, exception_waivers or exception_waiver_withdrawals.
        sha256: digest of its bytes. byte_size: their number.
        row_count: rows of a Parquet file; None for others.
    """

    path: str
    role: str
    sha256: str
    byte_size: int
    row_count: int | None = None

    def plain(self) -> dict[str, Any]:
        """The file's row in the manifest."""
        return {
            "path": self.path,
            "role": self.role,
            "sha256": self.sha256,
            "byte_size": self.byte_size,
            "row_count": self.row_count,
        }


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One commit.

    Attributes:
        sequence: 1, 2, 3 … without gaps.
        previous_manifest_sha256: digest of the commit before.
        kind: freeze, explain, sign, reject or record.
        written_at: when, in UTC.
        files: what it makes exist.
        subject: what it is about: the revision, the signature, the reason.
        sha256: digest of the manifest's own bytes.
    """

    sequence: int
    previous_manifest_sha256: str
    kind: str
    written_at: datetime
    files: tuple[ListedFile, ...]
    subject: Mapping[str, Any] = field(hash=False)
    sha256: str = ""

    def content(self) -> bytes:
        """The bytes of the manifest's file."""
        plain = {
            "format": FORMAT,
            "sequence": self.sequence,
            "previous_manifest_sha256": self.previous_manifest_sha256,
            "kind": self.kind,
            "written_at": instant_text(self.written_at),
            "files": [each.plain() for each in self.files],
            "subject": self.subject,
        }
        return canonical_bytes({**plain, "content_sha256": canonical_digest(plain)}) + b"\n"

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read the bytes of a manifest's file.

        Raises:
            ValueError: they are not what content() writes, to the byte.
        """
        try:
            plain = json.loads(content)
            if plain.pop("format") != FORMAT:
                raise ValueError("unknown format")
            manifest = cls(
                sequence=plain["sequence"],
                previous_manifest_sha256=plain["previous_manifest_sha256"],
                kind=plain["kind"],
                written_at=instant_of(plain["written_at"]),
                files=tuple(ListedFile(**row) for row in plain["files"]),
                subject=plain["subject"],
                sha256=bytes_digest(content),
            )
            is_same = manifest.content() == content
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a manifest: {error!r}") from error
        if not is_same:
            raise ValueError("not in canonical form")
        if manifest.kind not in MANIFEST_KINDS or any(map(_leads_out, manifest.files)):
            raise ValueError("unknown kind, or a path that leads out of the register")
        return manifest

    def files_of(self, role: str) -> tuple[ListedFile, ...]:
        """The listed files of one role."""
        return tuple(each for each in self.files if each.role == role)


@dataclass(frozen=True, kw_only=True)
class RegisterProblem:
    """Something in register/ that is not as it was committed.

    Attributes:
        path: the file, relative to register/.
        code: manifest_unreadable, manifest_missing, chain_broken, file_missing or file_changed.
        message: what is wrong and what to do.
    """

    path: str
    code: str
    message: str


def manifest_path(sequence: int) -> str:
    """Path of a manifest, relative to register/."""
    return f"{MANIFESTS_FOLDER}/{sequence:08d}.json"


def head_of(chain: Sequence[Manifest]) -> Head:
    """The last commit of a chain."""
    if not chain:
        return EMPTY_HEAD
    return Head(sequence=chain[-1].sequence, manifest_sha256=chain[-1].sha256)


def read_chain(folder: Path) -> tuple[Manifest, ...]:
    """Every commit in order, each proved to follow the one before by digest.

    Raises:
        RegisterDamagedError: a manifest is missing, unreadable or not the one that was committed.
    """
    manifests, problems = inspect_chain(folder)
    if problems:
        first = problems[0]
        raise RegisterDamagedError(
            f"Read the register {folder}: {first.path}: {first.message} "
            f"({len(problems)} problems in all). Nothing is signed until the folder is restored "
            "from a copy whose head digest is the one printed on the last posted document."
        )
    return manifests


def inspect_chain(folder: Path) -> tuple[tuple[Manifest, ...], tuple[RegisterProblem, ...]]:
    """The commits that can be read, and every problem of the chain."""
    names = sorted(path.name for path in (folder / MANIFESTS_FOLDER).glob("*.json"))
    sequences = [int(match[1]) for match in map(_MANIFEST_NAME.match, names) if match]
    manifests: list[Manifest] = []
    problems: list[RegisterProblem] = []
    previous: str | None = GENESIS_SHA256
    for sequence in range(1, max(sequences, default=0) + 1):
        path = manifest_path(sequence)
        try:
            content = (folder / path).read_bytes()
        except OSError as error:
            problems.append(_problem(path, "manifest_missing", f"cannot be read: {error}."))
            previous = None
            continue
        try:
            manifest = Manifest.parse(content)
        except ValueError as error:
            problems.append(_problem(path, "manifest_unreadable", f"was changed: {error}."))
            previous = bytes_digest(content)
            continue
        if manifest.sequence != sequence or manifest.previous_manifest_sha256 != previous:
            problems.append(
                _problem(path, "chain_broken", "does not carry the digest of the commit before.")
            )
        previous = manifest.sha256
        manifests.append(manifest)
    return tuple(manifests), tuple(problems)


def inspect_files(folder: Path, manifests: Sequence[Manifest]) -> tuple[RegisterProblem, ...]:
    """Every listed file that is missing or whose bytes are not those that were committed."""
    problems = []
    for manifest in manifests:
        for each in manifest.files:
            try:
                content = (folder / each.path).read_bytes()
            except OSError as error:
                message = f"listed by manifest {manifest.sequence}, cannot be read: {error}."
                problems.append(_problem(each.path, "file_missing", message))
                continue
            if bytes_digest(content) != each.sha256:
                message = f"is not the file that manifest {manifest.sequence} committed."
                problems.append(_problem(each.path, "file_changed", message))
    return tuple(problems)


def _leads_out(listed_file: ListedFile) -> bool:
    path = PurePosixPath(listed_file.path)
    return path.is_absolute() or ".." in path.parts


def _problem(path: str, code: str, what: str) -> RegisterProblem:
    return RegisterProblem(
        path=path, code=code, message=f"{what} Restore this file from a copy, then verify again."
    )
