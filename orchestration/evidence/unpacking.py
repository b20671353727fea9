"""Archives of packs: unpacked, and compared with the one that their files make.

Belongs here: what may be wrong with an archive itself. Does not belong here: its files' proofs
(proofs.py); writing one (pack.py).
"""

import os
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from orchestration.evidence.pack import leads_out, write_archive
from orchestration.evidence.problems import PackProblem

_HEADER_BYTES: Final = 30


def unpacked(archive: Path, folder: Path) -> Iterator[PackProblem]:
    """Unpack an archive, then compare it with the one that its files make."""
    name = archive.name
    try:
        with zipfile.ZipFile(archive) as members:
            root = _root_of(members)
            folder.mkdir()
            for member in members.infolist():
                yield from _unpacked_member(archive, member, root, folder)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        yield PackProblem(
            path=name, code="archive_changed", message=f"is no archive that can be read: {error}."
        )
        return
    with tempfile.TemporaryFile() as again:
        write_archive(folder, root, again)
        again.seek(0)
        with archive.open("rb") as given:
            is_same = _is_same(given, again)
    if not is_same:
        yield PackProblem(
            path=name,
            code="archive_changed",
            message="is not byte for byte the archive that its files make.",
        )


def _root_of(members: zipfile.ZipFile) -> str:
    roots = {each.filename.partition("/")[0] for each in members.infolist()}
    if len(roots) != 1 or leads_out(next(iter(roots))):
        raise ValueError("its files do not lie in one folder")
    return roots.pop()


def _unpacked_member(
    archive: Path, member: zipfile.ZipInfo, root: str, folder: Path
) -> Iterator[PackProblem]:
    path = member.filename.removeprefix(f"{root}/")
    target = folder / path
    if leads_out(path) or member.is_dir() or target.exists():
        message = "is no file that belongs into a pack, or is there twice."
        yield PackProblem(path=path, code="file_unlisted", message=message)
        return
    if member.compress_type != zipfile.ZIP_STORED:
        message = "is compressed, and nothing in a pack is."
        yield PackProblem(path=path, code="archive_changed", message=message)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(_stored_bytes(archive, member))


def _stored_bytes(archive: Path, member: zipfile.ZipInfo) -> bytes:
    """Bytes of a member as they are stored, also where its checksum is wrong: SHA-256 tells."""
    with archive.open("rb") as content:
        content.seek(member.header_offset)
        header = content.read(_HEADER_BYTES)
        name_length, extra_length = struct.unpack("<HH", header[-4:])
        content.seek(name_length + extra_length, os.SEEK_CUR)
        return content.read(member.file_size)


def _is_same(one: Any, other: Any) -> bool:
    size = 1 << 20
    while piece := one.read(size):
        if piece != other.read(len(piece)):
            return False
    return not other.read(1)
