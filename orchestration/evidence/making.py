"""Making a pack: gathered into a folder beside, verified, then put in place with its archive.

Belongs here: what goes into a pack, and its name. Does not belong here: the tables' rows
(register_tables.py, operations_tables.py); the form of the list and the archive (pack.py).
"""

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock
from sqlalchemy.engine import Engine

from orchestration.audit import AuditLog
from orchestration.audit.entries import Entry
from orchestration.audit.inputs import entry_table
from orchestration.audit.log import START, Place
from orchestration.billing.canonical import file_digest
from orchestration.billing.code_version import code_version
from orchestration.billing.manifests import ListedFile, Manifest, head_of, manifest_path
from orchestration.billing.register import Register
from orchestration.billing.revisions import Revision, revisions_of
from orchestration.billing.signed_rows import read_listed
from orchestration.durable import disk_errors, sync_folder
from orchestration.evidence.csv_text import csv_bytes
from orchestration.evidence.operations_tables import (
    attempt_table,
    entries_of_interest,
    input_table,
    posting_table,
    reference_description,
)
from orchestration.evidence.pack import PACK_FILE, README_FILE, seal, write_archive
from orchestration.evidence.printed import EVIDENCE_FOLDER
from orchestration.evidence.readme import readme_text
from orchestration.evidence.register_tables import register_tables
from orchestration.evidence.selection import Subject, find_subject, needed_files
from orchestration.evidence.verifying import problems_of, refuse_unsound_pack
from orchestration.failures import RefusedError
from orchestration.settings import Settings

_NAME_DIGITS: Final = 12
_INCOMING: Final = ".incoming"
_LOCK: Final = ".lock"
_LOCK_SECONDS: Final = 600.0
AUDIT_FILE: Final = "audit/entries.jsonl"


class ReferenceGoneError(RefusedError):
    """The reference version that a revision was rated by is gone."""

    code = "reference_gone"


@dataclass(frozen=True, kw_only=True)
class MadePack:
    """A pack that was made and verified.

    Attributes:
        subject: what it is about.
        folder: where it lies. archive: the same as one file beside it.
        archive_sha256: digest of the archive.
        register_head_sha256: head of the register. audit_head: head of the audit log.
        file_count: files in it. byte_size: of the archive.
        tables: rows of each table by name.
    """

    subject: Subject
    folder: Path
    archive: Path
    archive_sha256: str
    register_head_sha256: str
    audit_head: Place
    file_count: int
    byte_size: int
    tables: Mapping[str, pa.Table]


@dataclass(frozen=True, kw_only=True)
class _Gathered:
    """Everything that a pack is written from."""

    subject: Subject
    chain: tuple[Manifest, ...]
    files: Sequence[ListedFile]
    versions: Mapping[str, Path]
    tables: Mapping[str, pa.Table]
    audit_entries: Sequence[Entry]
    audit_head: Place


def make_pack(
    settings: Settings,
    engine: Engine,
    *,
    billing_period: str,
    legal_entity_ids: Sequence[str] = (),
    revision_number: int | None = None,
) -> MadePack:
    """Write a pack for the signed revisions of a month, as a folder and as an archive.

    The same state gives the same bytes and the same name, so a pack is never written over another.

    Args:
        settings: the installation.
        engine: its operations database.
        billing_period: YYYY-MM, the period of the run that froze them.
        legal_entity_ids: only these; none means every entity.
        revision_number: which one of each entity; None means all that are signed.

    Raises:
        PeriodInvalidError, RevisionUnknownError, PeriodNotSignedError: see find_subject.
        RegisterDamagedError, AuditLogDamagedError: what is gathered is not what was written.
        ReferenceGoneError: a reference version is gone.
        PackUnsoundError: what is gathered does not agree with itself.
        RegisterWriteError: the disk refused.
    """
    found = _gather(
        settings,
        engine,
        billing_period=billing_period,
        legal_entity_ids=legal_entity_ids,
        revision_number=revision_number,
    )
    home = settings.reports / EVIDENCE_FOLDER
    with disk_errors(f"Wrote an evidence pack to {home}"):
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / _LOCK, timeout=_LOCK_SECONDS):
            return _written(settings, home, found, label=_label(legal_entity_ids, revision_number))


def _gather(
    settings: Settings,
    engine: Engine,
    *,
    billing_period: str,
    legal_entity_ids: Sequence[str],
    revision_number: int | None,
) -> _Gathered:
    chain = Register(settings.register).chain()
    subject = find_subject(
        chain,
        billing_period=billing_period,
        legal_entity_ids=legal_entity_ids,
        revision_number=revision_number,
    )
    known = revisions_of(chain)
    revisions = [known[name] for name in subject.revision_ids]
    versions = {
        name: settings.reference_versions / name
        for name in sorted({each.pins.reference_version for each in revisions})
    }
    files = needed_files(chain, subject)
    entries = AuditLog(settings.audit).entries()
    last = entries[-1] if entries else None
    commits = _commits_of(chain, revisions)
    concerning = entries_of_interest(entries, subject, commits, set(versions))
    tables = register_tables(settings.register, chain, subject) | {
        "inputs": input_table(
            engine,
            revisions=revisions,
            descriptions=_descriptions(versions),
            register_files=files,
        ),
        "postings": posting_table(engine, subject),
        "posting_attempts": attempt_table(engine, subject),
        "audit_log": entry_table(concerning),
    }
    return _Gathered(
        subject=subject,
        chain=chain,
        files=files,
        versions=versions,
        tables=tables,
        audit_entries=concerning,
        audit_head=Place(sequence=last.sequence, entry_sha256=last.sha256) if last else START,
    )


def _commits_of(chain: Sequence[Manifest], revisions: Sequence[Revision]) -> list[Manifest]:
    """The freezes of some revisions, and what was decided about them."""
    names = {each.revision_id for each in revisions}
    return [each for each in chain if each.subject.get("revision_id") in names]


def _descriptions(versions: Mapping[str, Path]) -> dict[str, Mapping[str, Any]]:
    described = {}
    for name, folder in versions.items():
        try:
            described[name] = reference_description(folder)
        except (OSError, ValueError) as error:
            raise ReferenceGoneError(
                f"Gathered evidence that rests on reference version {name}: {error}. Restore "
                f"{folder} from a backup, then gather it again."
            ) from error
    return described


def _written(settings: Settings, home: Path, found: _Gathered, *, label: str) -> MadePack:
    incoming = home / _INCOMING
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir()
    try:
        about = _about(found)
        _put(incoming, README_FILE, readme_text(about).encode())
        _put_register(incoming, settings, found)
        _put_reference(incoming, found)
        lines = b"".join(each.content() + b"\n" for each in found.audit_entries)
        _put(incoming, AUDIT_FILE, lines)
        for name, table in found.tables.items():
            _put(incoming, f"tables/{name}.csv", csv_bytes(table))
            pq.write_table(table, incoming / "tables" / f"{name}.parquet", compression="zstd")
        seal(incoming, about)
        problems, _ = problems_of(incoming)
        refuse_unsound_pack(f"the evidence of {found.subject.billing_period}", problems)
        digest = hashlib.sha256((incoming / PACK_FILE).read_bytes()).hexdigest()
        name = f"{found.subject.billing_period}-{label}-{digest[:_NAME_DIGITS]}"
        return _put_in_place(incoming, home / name, found)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _about(found: _Gathered) -> dict[str, Any]:
    head = head_of(found.chain)
    return found.subject.plain() | {
        "register_head": vars(head),
        "audit_head": vars(found.audit_head),
        "code_version": code_version(),
    }


def _put_register(incoming: Path, settings: Settings, found: _Gathered) -> None:
    for manifest in found.chain:
        _put(incoming, f"register/{manifest_path(manifest.sequence)}", manifest.content())
    for each in found.files:
        _put(incoming, f"register/{each.path}", read_listed(settings.register, each))


def _put_reference(incoming: Path, found: _Gathered) -> None:
    for name, folder in found.versions.items():
        for path in ("version.json", "source/policy.yml"):
            if (folder / path).is_file():
                content = (folder / path).read_bytes()
                _put(incoming, f"reference/{name}/{Path(path).name}", content)


def _put(incoming: Path, path: str, content: bytes) -> None:
    target = incoming / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _put_in_place(incoming: Path, folder: Path, found: _Gathered) -> MadePack:
    """Put the folder and its archive in place; a pack of that name holds the same already."""
    archive = folder.with_name(f"{folder.name}.zip")
    beside = archive.with_name(f"{_INCOMING}.zip")
    with beside.open("w+b") as target:
        write_archive(incoming, folder.name, target)
        target.flush()
        os.fsync(target.fileno())
    beside.replace(archive)
    if not folder.exists():
        for path in sorted(incoming.rglob("*")):
            _sync(path)
        incoming.rename(folder)
    sync_folder(folder.parent)
    return MadePack(
        subject=found.subject,
        folder=folder,
        archive=archive,
        archive_sha256=file_digest(archive) or "",
        register_head_sha256=head_of(found.chain).manifest_sha256,
        audit_head=found.audit_head,
        file_count=sum(path.is_file() for path in folder.rglob("*")),
        byte_size=archive.stat().st_size,
        tables=found.tables,
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _label(legal_entity_ids: Sequence[str], revision_number: int | None) -> str:
    """Which revisions, for the name: entities by their safe characters, then the number."""
    names = [
        "".join(c if c.isalnum() or c == "_" else "_" for c in each) for each in legal_entity_ids
    ]
    parts = sorted(names) or ["all"]
    return "-".join([*parts, *([f"r{revision_number}"] if revision_number else [])])
