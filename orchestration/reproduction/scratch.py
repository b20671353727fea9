"""A data directory that holds what a revision was computed from, and nothing that came later.

Belongs here: which raw files, reference version and register entries those are, the proof that they
are as they were committed, putting them in place. Does not belong here: building and freezing in it
(reproduce.py).

Nothing is copied that is large: raw files and the reference version are linked, since both are
write-once; register files are hard links. Taking the directory away leaves them as they are.
"""

import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.engine import Engine

from orchestration.billing.canonical import file_digest
from orchestration.billing.manifests import Manifest, manifest_path
from orchestration.billing.refusals import listed
from orchestration.billing.register import Register
from orchestration.billing.revisions import Pins
from orchestration.billing.signed_rows import read_listed
from orchestration.failures import RefusedError
from orchestration.operations_db import open_operations, tables, write_transaction
from orchestration.pipeline import WRITER_WAIT_SECONDS
from orchestration.settings import Settings
from orchestration.warehouse import WarehouseBusyError

_OF_BATCHES: Final = (tables.ingestion_batches, tables.ingestion_files, tables.raw_parts)


class InputsGoneError(RefusedError):
    """Something that a revision was computed from is missing, or is not what it was."""

    code = "inputs_gone"


@contextmanager
def scratch_folder(settings: Settings, name: str) -> Iterator[Path]:
    """Yield a folder under warehouse/ for one command at a time; it is taken away in the end.

    Raises:
        WarehouseBusyError: another process still used it after ten minutes.
    """
    folder = settings.warehouse / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_suffix(".lock"), timeout=WRITER_WAIT_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        raise WarehouseBusyError(
            f"Waited {WRITER_WAIT_SECONDS:g} s for {folder}: another process is rebuilding there. "
            "Wait for it to end, then run again."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def make_scratch(
    settings: Settings, engine: Engine, folder: Path, *, pins: Pins, register_sequence: int
) -> Settings:
    """Make a data directory of what was pinned; what was in the folder before is taken away.

    Args:
        settings: the installation that the revision belongs to.
        engine: its operations database.
        folder: where; made, and empty but for this.
        pins: of the revision.
        register_sequence: the last commit that it knew.

    Raises:
        InputsGoneError: a batch, a raw file or the reference version is gone or changed.
        RegisterDamagedError: a committed file of the register is missing or changed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    scratch = settings.in_scratch(folder)
    folder.mkdir(parents=True)
    _link_raw(settings, engine, scratch, pins)
    _link_reference(settings, scratch, pins)
    _link_register(settings, scratch, Register(settings.register).chain()[:register_sequence])
    copied = open_operations(scratch)
    try:
        _copy_batches(engine, copied, pins.ingestion_batch_ids)
        _copy_version(engine, copied, pins)
    finally:
        copied.dispose()
    return scratch


def refuse_lost_batches(wanted: Collection[int], known: Collection[int]) -> None:
    """Refuse to go on where the operations database does not know a pinned ingestion batch.

    Raises:
        InputsGoneError: names the batches that are gone.
    """
    lost = [str(batch) for batch in sorted(set(wanted) - set(known))]
    if lost:
        raise InputsGoneError(
            f"Gathered ingestion batches for a revision: the operations database does not know "
            f"number {listed(lost)}. Restore it from a backup that does."
        )


def refuse_changed_files(settings: Settings, files: Iterable[tuple[str, str]]) -> None:
    """Hold raw files, as (path, SHA-256), against what was committed.

    Raises:
        InputsGoneError: names files that are missing or not what they were.
    """
    changed = sorted(
        path for path, digest in files if file_digest(settings.data_dir / path) != digest
    )
    if changed:
        raise InputsGoneError(
            f"Gathered raw files for a revision: {listed(changed, at_most=3)} is missing or not "
            "what was committed. Restore it from a backup; `tallyhouse doctor` names its digest."
        )


def intact_version(settings: Settings, pins: Pins) -> Path:
    """Return the folder of the reference version of a revision, as it was compiled.

    Raises:
        InputsGoneError: the version is gone, or one of its files is not what it was.
    """
    version = settings.reference_versions / pins.reference_version
    if not (version / "version.json").is_file():
        raise InputsGoneError(
            f"Gathered reference version {pins.reference_version}: {version} is gone. Restore it "
            "from a backup, or load the reference folder that it came from."
        )
    if file_digest(version / "source" / "policy.yml") != pins.policy_sha256:
        raise InputsGoneError(
            f"Gathered reference version {pins.reference_version}: its policy.yml is not the one "
            "that the revision was frozen with. Restore the version from a backup."
        )
    described = json.loads((version / "version.json").read_text("utf-8"))
    changed = [
        table["name"]
        for table in described["tables"]
        if file_digest(version / "tables" / f"{table['name']}.parquet") != table["sha256"]
    ]
    if changed:
        raise InputsGoneError(
            f"Gathered reference version {pins.reference_version}: its table "
            f"{listed(changed, at_most=3)} is missing or not what was compiled. Restore the "
            "version from a backup."
        )
    return version


def _link_raw(settings: Settings, engine: Engine, scratch: Settings, pins: Pins) -> None:
    parts, batches = tables.raw_parts, tables.ingestion_batches
    wanted = set(pins.ingestion_batch_ids)
    with engine.connect() as connection:
        known: set[int] = set(connection.scalars(sa.select(batches.c.ingestion_batch_id)))
        rows = connection.execute(
            sa.select(parts.c.path, parts.c.content_sha256, parts.c.ingestion_batch_id)
        ).all()
    refuse_lost_batches(wanted, known)
    refuse_changed_files(
        settings,
        [(row.path, row.content_sha256) for row in rows if row.ingestion_batch_id in wanted],
    )
    scratch.raw.symlink_to(settings.raw.resolve(), target_is_directory=True)


def _link_reference(settings: Settings, scratch: Settings, pins: Pins) -> None:
    version = intact_version(settings, pins)
    scratch.reference_versions.mkdir(parents=True)
    linked = scratch.reference_versions / pins.reference_version
    linked.symlink_to(version.resolve(), target_is_directory=True)


def _link_register(settings: Settings, scratch: Settings, chain: Sequence[Manifest]) -> None:
    scratch.register.mkdir()
    for manifest in chain:
        _link(settings, scratch, manifest_path(manifest.sequence))
        for each in manifest.files:
            read_listed(settings.register, each)  # proves that it is what was committed
            _link(settings, scratch, each.path)


def _link(settings: Settings, scratch: Settings, name: str) -> None:
    target = scratch.register / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(settings.register / name, target)
    except OSError:  # another file system
        shutil.copyfile(settings.register / name, target)


def _copy_batches(engine: Engine, copied: Engine, batch_ids: Sequence[int]) -> None:
    ids = set(batch_ids)
    with engine.connect() as connection, write_transaction(copied) as scratch:
        for table in _OF_BATCHES:
            batch = table.c.ingestion_batch_id
            rows = connection.execute(sa.select(table).where(batch.is_not(None))).mappings()
            wanted = [dict(row) for row in rows if row[batch.name] in ids]
            if wanted:
                scratch.execute(table.insert(), wanted)


def _copy_version(engine: Engine, copied: Engine, pins: Pins) -> None:
    versions = tables.reference_versions
    with engine.connect() as connection, write_transaction(copied) as scratch:
        row = (
            connection.execute(
                sa.select(versions).where(versions.c.reference_version == pins.reference_version)
            )
            .mappings()
            .first()
        )
        if row is None:
            raise InputsGoneError(
                f"Gathered reference version {pins.reference_version}: the operations database "
                "does not know it. Load the reference folder that it came from once more."
            )
        scratch.execute(versions.insert(), dict(row))
