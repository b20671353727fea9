"""Versions of the reference data: made once per content, kept for good, one of them in force.

Belongs here: the folder of a version, its row in the operations database, and what dbt is given.
Does not belong here: what is wrong with a reference (the checks); how rows are made
(table_compiler.py).

    reference/versions/<first 16 hex digits of the content digest>/
        source/          every file that counted, byte for byte
        tables/          the compiled tables
        version.json     digests, row counts, who loaded it and when

A version's folder appears with one rename, complete, and is never changed. The version in force is
the one whose row was loaded last: loading an older content again brings its version back.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.engine import Engine

from orchestration.actors import TALLYHOUSE, Actor
from orchestration.durable import Steps, no_steps
from orchestration.failures import InputError, TechnicalError
from orchestration.operations_db import REFERENCE, journaled
from orchestration.operations_db import tables as operations
from orchestration.price_book.event_contracts import EventContracts
from orchestration.price_book.policy import Policy
from orchestration.price_book.problems import ProblemList, ReferenceInvalidError
from orchestration.price_book.reading import EVENT_CONTRACTS_FOLDER
from orchestration.price_book.reference_folder import (
    COMPILED_FORMAT,
    FolderSnapshot,
    read_folder,
)
from orchestration.price_book.source_tables import LATER_TABLES
from orchestration.price_book.table_compiler import compile_tables
from orchestration.price_book.table_schemas import TABLE_SCHEMAS, input_file_name
from orchestration.price_book.validation import check_snapshot
from orchestration.price_book.yaml_reader import read_yaml
from orchestration.settings import Settings

VERSION_LENGTH: Final = 16
LOCK_SECONDS: Final = 120
_INCOMING: Final = ".incoming-"
_SOURCE: Final = "source"
_TABLES: Final = "tables"


class ReferenceMissingError(InputError):
    """No version of the reference data is in force, or its folder is gone."""

    code = "reference_missing"


class ReferenceDamagedError(InputError):
    """The folder of a version does not hold what was put there."""

    code = "reference_damaged"


class ReferenceBusyError(TechnicalError):
    """Another process is loading reference data."""

    code = "reference_busy"


@dataclass(frozen=True)
class ReferenceVersion:
    """One version of the reference data.

    Attributes:
        reference_version: first 16 hex digits of the content digest; rated lines carry it.
        folder: where it is kept. is_new: whether this very call made it.
    """

    reference_version: str
    folder: Path
    is_new: bool = False


def load_reference(
    settings: Settings,
    engine: Engine,
    *,
    now: datetime,
    author: str | None,
    actor: Actor = TALLYHOUSE,
    steps: Steps = no_steps,
) -> ReferenceVersion:
    """Make the content of the reference folder the version in force; the same content is a no-op.

    The instant is aware; the author is who loads it, if known, else the actor whose run does.
    Steps are announced before each durable step.

    Raises:
        ReferenceInvalidError: the folder has errors; all problems are attached, nothing changes.
        ReferenceDamagedError: a folder of that version exists and holds something else.
        ReferenceBusyError: another process did not finish loading in time.
    """
    settings.reference_versions.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.reference_versions.parent / "load.lock", timeout=LOCK_SECONDS)
    try:
        with lock:
            return _load(settings, engine, now=now, actor=_author_of(author, actor), steps=steps)
    except Timeout as error:
        raise ReferenceBusyError(
            f"Loaded the reference folder {settings.reference_dir}: another process held "
            f"{lock.lock_file} for {LOCK_SECONDS} s. Run again when it has ended."
        ) from error


def _author_of(author: str | None, actor: Actor) -> Actor:
    """The actor, under the name of the author where one is given."""
    if author is None or author == actor.name:
        return actor
    return Actor(name=author, source="self_declared", run_id=actor.run_id)


def _load(
    settings: Settings, engine: Engine, *, now: datetime, actor: Actor, steps: Steps
) -> ReferenceVersion:
    for leftover in settings.reference_versions.glob(f"{_INCOMING}*"):
        shutil.rmtree(leftover)
    problems = ProblemList()
    snapshot = read_folder(settings.reference_dir, problems)
    digest = snapshot.content_sha256
    version = digest[:VERSION_LENGTH]
    folder = settings.reference_versions / version
    is_new = not folder.exists()
    if problems.has_errors or is_new:
        data = check_snapshot(snapshot, problems)
        if problems.has_errors:
            raise ReferenceInvalidError(
                problems.sorted(),
                folder=str(settings.reference_dir),
                in_force=_version_in_force(engine),
            )
        tables = compile_tables(data, version)
        description = {"author": actor.name, "loaded_at": now.isoformat()}
        steps(f"write version {version}")
        _write_version(folder, snapshot, tables, description, steps=steps)
    else:
        _check_same(folder, digest)
    _put_in_force(settings, engine, version, digest, now=now, actor=actor, steps=steps)
    return ReferenceVersion(version, folder, is_new)


def current_reference(settings: Settings, engine: Engine) -> ReferenceVersion:
    """The version in force.

    Raises:
        ReferenceMissingError: none was loaded yet, or its folder is gone.
    """
    version = _version_in_force(engine)
    if version is None:
        raise ReferenceMissingError(
            f"Looked up the reference version in force in {settings.data_dir}: none was loaded. "
            "Run `tallyhouse validate`, then load the reference folder."
        )
    folder = settings.reference_versions / version
    if not (folder / "version.json").is_file():
        raise ReferenceMissingError(
            f"Opened reference version {version}: {folder} is gone or incomplete. "
            "Restore it from a backup, or load the reference folder that it came from."
        )
    return ReferenceVersion(version, folder)


def write_reference_inputs(settings: Settings, reference: ReferenceVersion) -> None:
    """Put every compiled table of a version where dbt reads it, each file replaced at once.

    The files are warehouse/inputs/reference_<table>.parquet and price_book_<table>.parquet; each
    row names the version in reference_version.

    Raises:
        ReferenceDamagedError: a table of the version is missing or is not the one that was written.
    """
    settings.warehouse_inputs.mkdir(parents=True, exist_ok=True)
    written = {one["name"]: one["sha256"] for one in _description(reference.folder)["tables"]}
    contents: dict[str, bytes] = {}
    for table, schema in TABLE_SCHEMAS.items():
        if table in LATER_TABLES and table not in written:
            contents[table] = _empty_table(schema)
            continue
        path = reference.folder / _TABLES / f"{table}.parquet"
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != written.get(table):
            raise ReferenceDamagedError(
                f"Read {path} of reference version {reference.reference_version}: it is not the "
                "file that was written there. Restore the version's folder from a backup, or "
                "remove it and load the reference folder again."
            )
        contents[table] = content
    for table, content in contents.items():
        target = settings.warehouse_inputs / input_file_name(table)
        beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        beside.write_bytes(content)
        beside.replace(target)


def read_compiled_tables(folder: Path) -> dict[str, pa.Table]:
    """Every compiled table of a version, by its folder."""
    return {name: read_compiled_table(folder, name) for name in TABLE_SCHEMAS}


def read_compiled_table(folder: Path, name: str) -> pa.Table:
    """A compiled table of a version, by its folder; one that came later than it is empty."""
    path = folder / _TABLES / f"{name}.parquet"
    if name in LATER_TABLES and not path.exists():
        return TABLE_SCHEMAS[name].empty_table()
    return pq.read_table(path)


def _empty_table(schema: pa.Schema) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def event_contracts_of(reference: ReferenceVersion) -> EventContracts:
    """The event contracts of a version.

    Raises:
        EventContractsInvalidError: the version's files were changed after it was made.
    """
    return EventContracts.load(reference.folder / _SOURCE / EVENT_CONTRACTS_FOLDER)


def policy_of(reference: ReferenceVersion) -> Policy:
    """The policy of a version: who may sign what, and the smallest documents.

    Raises:
        ReferenceDamagedError: policy.yml cannot be read any more.
    """
    path = reference.folder / _SOURCE / "policy.yml"
    problems = ProblemList()
    try:
        document = read_yaml("policy.yml", path.read_text(encoding="utf-8"), problems)
        policy = Policy.model_validate(document.content)
    except (OSError, ValueError) as error:
        raise ReferenceDamagedError(
            f"Read {path}: it is not the file that the version was made with. "
            "Restore it from a backup."
        ) from error
    return policy


_ROWS: Final = operations.reference_versions


def _version_in_force(engine: Engine) -> str | None:
    with engine.connect() as connection:
        found: str | None = connection.execute(
            _newest().with_only_columns(_ROWS.c.reference_version)
        ).scalar()
    return found


def _newest() -> sa.Select[Any]:
    return sa.select(_ROWS).order_by(_ROWS.c.loaded_at.desc()).limit(1)


def _put_in_force(
    settings: Settings,
    engine: Engine,
    version: str,
    digest: str,
    *,
    now: datetime,
    actor: Actor,
    steps: Steps,
) -> None:
    """Make a version's row the newest; nothing is written when it already is."""
    who = {"author": actor.name, "author_source": actor.source, "run_id": actor.run_id}
    with journaled(settings, engine, REFERENCE, steps=steps) as change:
        connection = change.connection
        newest = connection.execute(_newest()).mappings().first()
        if newest is not None and newest["reference_version"] == version:
            return
        loaded_at = now
        if newest is not None and newest["loaded_at"] >= now:  # a clock that was set back
            loaded_at = newest["loaded_at"] + timedelta(microseconds=1)
        again = connection.execute(
            _ROWS.update()
            .where(_ROWS.c.reference_version == version)
            .values(loaded_at=loaded_at, **who)
        )
        if again.rowcount == 0:
            connection.execute(
                _ROWS.insert().values(
                    reference_version=version,
                    loaded_at=loaded_at,
                    content_sha256=digest,
                    **who,
                )
            )
        change.keep(_ROWS, _ROWS.c.reference_version == version)


def _description(folder: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((folder / "version.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReferenceDamagedError(
            f"Read {folder / 'version.json'}: {error}. Restore the folder from a backup, or remove "
            "it and load the reference folder again."
        ) from error
    return dict(found)


def _check_same(folder: Path, digest: str) -> None:
    found = _description(folder).get("content_sha256")
    if found != digest:
        raise ReferenceDamagedError(
            f"Loaded reference content {digest}: {folder} holds the content {found}. "
            "Restore the folder from a backup, or remove it and load again."
        )


def _write_version(
    folder: Path,
    snapshot: FolderSnapshot,
    tables: Mapping[str, pa.Table],
    description: Mapping[str, Any],
    *,
    steps: Steps,
) -> None:
    beside = folder.with_name(f"{_INCOMING}{folder.name}")
    snapshot.write(beside / _SOURCE)
    (beside / _TABLES).mkdir(parents=True)
    for name, table in tables.items():
        pq.write_table(table, beside / _TABLES / f"{name}.parquet", compression="zstd")
    written = {
        "reference_version": folder.name,
        "content_sha256": snapshot.content_sha256,
        "compiled_format": COMPILED_FORMAT,
        **description,
        "files": [
            {
                "path": path,
                "sha256": hashlib.sha256(content).hexdigest(),
                "byte_size": len(content),
            }
            for path, content in snapshot.files.items()
        ],
        "tables": [
            {
                "name": name,
                "row_count": table.num_rows,
                "sha256": hashlib.sha256(
                    (beside / _TABLES / f"{name}.parquet").read_bytes()
                ).hexdigest(),
            }
            for name, table in tables.items()
        ],
    }
    (beside / "version.json").write_text(
        json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    for path in sorted(beside.rglob("*")):
        _sync(path)
    _sync(beside)
    steps(f"rename version {folder.name}")
    beside.rename(folder)
    steps(f"sync folder of version {folder.name}")
    _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
