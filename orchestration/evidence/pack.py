"""The form of a pack: its list of files, its checksums, its archive.

Belongs here: what makes equal content equal bytes, and reading a pack back. Does not belong here:
what is in it (making.py); what must be true of it (verifying.py).

pack.json lists every file but itself and SHA256SUMS, with SHA-256 and size. SHA256SUMS lists every
file but itself, pack.json too, as `sha256sum -c` reads it. The archive stores its members as they
are, sorted, with one fixed time: compression differs between machines, and what is compressed
already (Parquet) would not get smaller.
"""

import hashlib
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from orchestration.billing.canonical import canonical_bytes, file_digest

FORMAT: Final = 1
PACK_FILE: Final = "pack.json"
SUMS_FILE: Final = "SHA256SUMS"
README_FILE: Final = "README.txt"
_FIXED_TIME: Final = (1980, 1, 1, 0, 0, 0)
_READABLE_FILE: Final = 0o100644 << 16
_UNIX: Final = 3


@dataclass(frozen=True, kw_only=True)
class PackFile:
    """A file of a pack: its path with forward slashes, its digest, its size in bytes."""

    path: str
    sha256: str
    byte_size: int

    def plain(self) -> dict[str, Any]:
        """The file's row in pack.json."""
        return {"path": self.path, "sha256": self.sha256, "byte_size": self.byte_size}


def files_below(folder: Path) -> Iterator[str]:
    """Paths of everything below a folder that is no folder, ascending, with forward slashes."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()


def listed_files(folder: Path) -> list[PackFile]:
    """Every file of a pack that its pack.json lists, ascending by path."""
    return [
        PackFile(path=path, sha256=file_digest(folder / path) or "", byte_size=size)
        for path in files_below(folder)
        if path not in (PACK_FILE, SUMS_FILE)
        for size in [(folder / path).stat().st_size]
    ]


def seal(folder: Path, about: Mapping[str, Any]) -> None:
    """Write pack.json and SHA256SUMS over what lies in a folder.

    Args:
        folder: the pack, complete but for these two.
        about: what the pack says of itself, as JSON.
    """
    files = listed_files(folder)
    content = pack_bytes(about, files)
    (folder / PACK_FILE).write_bytes(content)
    (folder / SUMS_FILE).write_bytes(sums_bytes(files, hashlib.sha256(content).hexdigest()))


def pack_bytes(about: Mapping[str, Any], files: Sequence[PackFile]) -> bytes:
    """The bytes of pack.json."""
    plain = {**about, "format": FORMAT, "files": [each.plain() for each in files]}
    return canonical_bytes(plain) + b"\n"


def sums_bytes(files: Sequence[PackFile], pack_sha256: str) -> bytes:
    """The bytes of SHA256SUMS."""
    digests = {each.path: each.sha256 for each in files} | {PACK_FILE: pack_sha256}
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests)).encode()


def write_archive(folder: Path, name: str, target: IO[bytes]) -> None:
    """Write the archive of a pack: the same folder and name give the same bytes, anywhere.

    Args:
        folder: the pack.
        name: the folder that the members lie in.
        target: a seekable file.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for path in files_below(folder):
            member = zipfile.ZipInfo(f"{name}/{path}", _FIXED_TIME)
            member.create_system = _UNIX
            member.external_attr = _READABLE_FILE
            member.file_size = (folder / path).stat().st_size
            with (folder / path).open("rb") as source, archive.open(member, "w") as sink:
                shutil.copyfileobj(source, sink)


def leads_out(path: str) -> bool:
    """Whether a path of a pack or an archive leads out of it."""
    parts = PurePosixPath(path)
    return parts.is_absolute() or ".." in parts.parts or "\\" in path or not parts.parts
