"""Reading what manifests list: bytes proved by their digest, rows with the commit they came with.

Belongs here: everything that turns a committed file back into rows. Does not belong here: which
commits there are (manifests.py), making one (commits.py).
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.billing.canonical import bytes_digest
from orchestration.billing.entries import ENTRY_SCHEMA, PLACE_SCHEMA, joined
from orchestration.billing.expiries import EXPIRIES, EXPIRY_SCHEMA
from orchestration.billing.manifests import ListedFile, Manifest
from orchestration.billing.refusals import RegisterDamagedError, RegisterNewerError
from orchestration.billing.revisions import Revision

_RESTORE: Final = (
    "Nothing is signed until it is restored from a copy; `tallyhouse doctor` lists every file that "
    "is not as it was committed."
)


def read_listed(folder: Path, listed_file: ListedFile) -> bytes:
    """Bytes of a committed file, proved to be those that were committed.

    Raises:
        RegisterDamagedError: the file is missing or changed.
    """
    path = folder / listed_file.path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RegisterDamagedError(
            f"Read the committed file {path}: {error}. {_RESTORE}"
        ) from error
    if bytes_digest(content) != listed_file.sha256:
        raise RegisterDamagedError(
            f"Read the committed file {path}: its SHA-256 is not the manifest's. {_RESTORE}"
        )
    return content


def read_committed(folder: Path, listed_file: ListedFile, schema: pa.Schema) -> pa.Table:
    """Rows of a committed Parquet file, with the columns of the schema that it was committed with.

    A file is never rewritten, so one of an earlier version may lack columns that came later. Its
    digests are over what it holds; `completed` adds the rest.

    Raises:
        RegisterDamagedError: the file is missing or changed, or lacks a column that is never null.
        RegisterNewerError: it has a column that this version does not know, or of another type.
    """
    table = pq.read_table(io.BytesIO(read_listed(folder, listed_file)))
    unknown = [name for name in table.column_names if name not in schema.names]
    if unknown:
        raise _newer(folder / listed_file.path, f"the unknown columns {', '.join(unknown)}")
    missing = [
        field.name
        for field in schema
        if not field.nullable and field.name not in table.column_names
    ]
    if missing:
        raise RegisterDamagedError(
            f"Read the committed file {folder / listed_file.path}: it lacks the columns "
            f"{', '.join(missing)}, which every version wrote. {_RESTORE}"
        )
    try:
        return table.cast(pa.schema([schema.field(name) for name in table.column_names]))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _newer(folder / listed_file.path, f"columns of other types ({error})") from error


def completed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with every column of the schema, in its order; a column that it lacks is null."""
    columns = [
        table[name]
        if name in table.column_names
        else pa.nulls(table.num_rows, schema.field(name).type)
        for name in schema.names
    ]
    return pa.table(columns, schema=schema)


def read_rows(folder: Path, chain: Sequence[Manifest], *, role: str, schema: pa.Schema) -> pa.Table:
    """Rows of every file of a role, in order of commit, after sequence and manifest digest.

    Raises:
        RegisterDamagedError: a committed file is missing or changed.
        RegisterNewerError: a later version of Tallyhouse wrote it.
    """
    placed = joined(PLACE_SCHEMA, schema)
    tables = [placed.empty_table()]
    for manifest in chain:
        for each in manifest.files_of(role):
            rows = completed(read_committed(folder, each, schema), schema)
            columns = [
                pa.array([manifest.sequence] * rows.num_rows, pa.int64()),
                pa.array([manifest.sha256] * rows.num_rows, pa.string()),
                *rows.columns,
            ]
            tables.append(pa.table(columns, schema=placed))
    return pa.concat_tables(tables)


def read_entries(folder: Path, chain: Sequence[Manifest]) -> pa.Table:
    """Every signed entry in order of signature, as REGISTER_ENTRY_SCHEMA.

    Raises:
        RegisterDamagedError: a committed file is missing or changed.
    """
    return read_rows(folder, chain, role="entries", schema=ENTRY_SCHEMA)


def read_revision(
    folder: Path, chain: Sequence[Manifest], revision: Revision, *, role: str, schema: pa.Schema
) -> pa.Table:
    """Rows of one role of one frozen revision, with the columns that it was frozen with.

    Raises:
        RegisterDamagedError: the committed file is missing or changed.
        RegisterNewerError: a later version of Tallyhouse wrote it.
    """
    [listed_file] = chain[revision.register_sequence - 1].files_of(role)
    return read_committed(folder, listed_file, schema)


def read_expiring(folder: Path, freeze: Manifest) -> pa.Table:
    """What expires with the revision that a commit froze, as EXPIRY_SCHEMA.

    A revision that was frozen before expiries were signed has no such file: nothing expires.

    Raises:
        RegisterDamagedError: the committed file is missing or changed.
        RegisterNewerError: a later version of Tallyhouse wrote it.
    """
    files = freeze.files_of(EXPIRIES)
    return read_committed(folder, files[0], EXPIRY_SCHEMA) if files else EXPIRY_SCHEMA.empty_table()


def _newer(path: Path, found: str) -> RegisterNewerError:
    return RegisterNewerError(
        f"Read the committed file {path}: it has {found}, so a later version of Tallyhouse wrote "
        "it. Nothing was changed. Use that version or a later one with this data directory."
    )
