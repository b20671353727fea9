"""Journals: rows of the operations database that follow from nothing else, kept in files as well.

Owns: register/journals/, and the marks that say how far the database has taken them over. Does not
own: what the rows mean; rows that follow from commits of the register or from the ERP, which are
made again from there (orchestration/recovery).

    register/journals/<journal>/<sequence, 8 digits>.json     the rows of one transaction

Consistency:
* an entry is written inside the transaction whose rows it holds, when every constraint has let them
  pass, and right before that commits. Its hard link is the commit: a process that dies behind it
  leaves an entry that the next opening of the database takes over;
* so a database that was lost, or put back from an older copy, is whole again once it is opened;
* an entry is never changed or removed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from orchestration.durable import Steps, disk_errors, no_steps, put_new_file
from orchestration.failures import RefusedError
from orchestration.operations_db import tables
from orchestration.operations_db.journal_entries import GENESIS, JournalEntry
from orchestration.operations_db.transactions import write_transaction
from orchestration.settings import Settings

JOURNALS_FOLDER: Final = "journals"
_MARKS: Final = tables.journal_marks
_ROWS_AT_ONCE: Final = 500


class JournalDamagedError(RefusedError):
    """An entry of a journal is missing, or is not what was written."""

    code = "journal_damaged"


@dataclass(frozen=True)
class Journal:
    """Some tables whose rows are kept together.

    Attributes:
        name: of its folder. tables: in the order in which rows can be put back.
        replaced: rows of an entry take the place of all that are alike in this column.
    """

    name: str
    tables: tuple[sa.Table, ...]
    replaced: sa.Column[Any] | None = None

    def path(self, settings: Settings, sequence: int) -> Path:
        """Where an entry is kept."""
        return settings.register / JOURNALS_FOLDER / self.name / f"{sequence:08d}.json"

    def last_sequence(self, settings: Settings) -> int:
        """Number of the last entry there is; 0 where there is none."""
        folder = self.path(settings, 1).parent
        return max((int(each.stem) for each in folder.glob("[0-9]*.json")), default=0)


INGESTION: Final = Journal(
    "ingestion",
    (
        tables.ingestion_batches,
        tables.ingestion_files,
        tables.file_sightings,
        tables.raw_parts,
    ),
)
REFERENCE: Final = Journal("reference", (tables.reference_versions,))
EXCEPTIONS: Final = Journal("exceptions", (tables.exceptions,))
CHECKS: Final = Journal(
    "checks", (tables.check_results,), replaced=tables.check_results.c.revision_sha256
)
JOURNALS: Final = (INGESTION, REFERENCE, EXCEPTIONS, CHECKS)


@dataclass
class JournaledTransaction:
    """A write transaction whose rows go into a journal.

    Attributes:
        connection: of the transaction.
    """

    connection: Connection
    _rows: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def keep(self, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> None:
        """Keep the rows of a table that meet conditions, as they are now."""
        self._rows.setdefault(table.name, []).extend(_read(self.connection, table, *conditions))

    def kept(self) -> dict[str, list[Mapping[str, Any]]]:
        """The rows to be kept, by table; a table without any is not named."""
        return {name: rows for name, rows in self._rows.items() if rows}


@contextmanager
def journaled(
    settings: Settings, engine: Engine, journal: Journal, *, steps: Steps = no_steps
) -> Iterator[JournaledTransaction]:
    """Run one write transaction, and keep in the journal what it says to keep.

    Whoever writes rows of a journal holds a lock against others that do. Nothing is written to the
    journal where nothing is kept.

    Args:
        settings: whose register holds the journal.
        engine: the operations database.
        journal: whose rows are changed.
        steps: announced before each durable step.

    Raises:
        JournalDamagedError: the entry before is missing; nothing was changed.
        RegisterWriteError: the disk refused; nothing was changed.
    """
    with write_transaction(engine) as connection:
        _take_over(settings, connection, journal)
        sequence, previous = _mark(connection, journal)
        if sequence and not journal.path(settings, sequence).exists():
            raise _damaged(settings, journal, sequence, "is gone")
        change = JournaledTransaction(connection)
        yield change
        rows = change.kept()
        if rows:
            if sequence == 0:
                rows = {table.name: _read(connection, table) for table in journal.tables}
            entry = JournalEntry(
                journal=journal.name,
                sequence=sequence + 1,
                previous_entry_sha256=previous,
                rows=rows,
            )
            _write(settings, connection, journal, entry, steps=steps)
            steps(f"commit of entry {sequence + 1} of the journal {journal.name}")


def restore_journals(settings: Settings, engine: Engine) -> int:
    """Take over every entry that the operations database does not hold yet; return how many.

    Raises:
        JournalDamagedError: an entry is missing or changed.
    """
    count = 0
    for journal in JOURNALS:
        with engine.connect() as connection:
            sequence, _ = _mark(connection, journal)
        if journal.path(settings, sequence + 1).exists() or (
            sequence == 0 and journal.last_sequence(settings)
        ):
            with write_transaction(engine) as connection:
                count += _take_over(settings, connection, journal)
    return count


def inspect_journals(settings: Settings, engine: Engine) -> tuple[int, list[str]]:
    """Count the entries of all journals, and say what is wrong with them, each with its file."""
    count, problems = 0, []
    for journal in JOURNALS:
        with engine.connect() as connection:
            mark = _mark(connection, journal)
        previous, last = GENESIS, max(journal.last_sequence(settings), mark[0])
        for sequence in range(1, last + 1):
            try:
                entry = _parsed(settings, journal, sequence, previous)
            except JournalDamagedError as error:
                problems.append(str(error))
                break
            count, previous = count + 1, entry.sha256
            if sequence == mark[0] and entry.sha256 != mark[1]:
                problems.append(
                    str(_damaged(settings, journal, sequence, "is not what was taken over"))
                )
    return count, problems


def _take_over(settings: Settings, connection: Connection, journal: Journal) -> int:
    sequence, previous = _mark(connection, journal)
    last = journal.last_sequence(settings)
    for number in range(sequence + 1, last + 1):
        entry = _parsed(settings, journal, number, previous)
        for table in journal.tables:
            rows = entry.rows.get(table.name, ())
            if journal.replaced is not None:
                for value in sorted({row[journal.replaced.name] for row in rows}):
                    connection.execute(sa.delete(table).where(journal.replaced == value))
            _put(connection, table, rows)
        previous = entry.sha256
        _put_mark(connection, journal, number, previous)
    if last > sequence and connection.dialect.name == "postgresql":
        _move_counters(connection, journal)
    return max(last - sequence, 0)


def _move_counters(connection: Connection, journal: Journal) -> None:
    """Let PostgreSQL count on from the numbers that were put back; SQLite does so by itself."""
    for table in journal.tables:
        counted = table.autoincrement_column
        if counted is not None and counted.autoincrement is True:
            connection.execute(
                sa.select(
                    sa.func.setval(
                        sa.func.pg_get_serial_sequence(table.name, counted.name),
                        sa.select(sa.func.coalesce(sa.func.max(counted), 1)).scalar_subquery(),
                    )
                )
            )


def _parsed(settings: Settings, journal: Journal, sequence: int, previous: str) -> JournalEntry:
    path = journal.path(settings, sequence)
    try:
        entry = JournalEntry.parse(path.read_bytes(), journal.tables)
    except FileNotFoundError as error:
        raise _damaged(settings, journal, sequence, "is gone") from error
    except (OSError, ValueError) as error:
        raise _damaged(settings, journal, sequence, f"cannot be read: {error}") from error
    if (entry.journal, entry.sequence, entry.previous_entry_sha256) != (
        journal.name,
        sequence,
        previous,
    ):
        raise _damaged(settings, journal, sequence, "does not follow the entry before")
    return entry


def _damaged(settings: Settings, journal: Journal, sequence: int, what: str) -> JournalDamagedError:
    return JournalDamagedError(
        f"Read {journal.path(settings, sequence)}: this entry of a journal {what}. Restore "
        "register/journals from a copy, then run again; nothing is loaded until then."
    )


def _write(
    settings: Settings,
    connection: Connection,
    journal: Journal,
    entry: JournalEntry,
    *,
    steps: Steps,
) -> None:
    content = entry.content(journal.tables)
    path = journal.path(settings, entry.sequence)
    written = JournalEntry.parse(content, journal.tables)
    _put_mark(connection, journal, entry.sequence, written.sha256)
    with disk_errors(f"Wrote {path}"):
        put_new_file(path, content, steps=steps)


def _mark(connection: Connection, journal: Journal) -> tuple[int, str]:
    row = connection.execute(
        sa.select(_MARKS).where(_MARKS.c.journal == journal.name).with_for_update()
    ).first()
    return (0, GENESIS) if row is None else (row.sequence, row.entry_sha256)


def _put_mark(connection: Connection, journal: Journal, sequence: int, sha256: str) -> None:
    mark = {"journal": journal.name, "sequence": sequence, "entry_sha256": sha256}
    _put(connection, _MARKS, [mark])


def _read(
    connection: Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]
) -> list[Mapping[str, Any]]:
    query = sa.select(table).where(*conditions).order_by(*table.primary_key.columns)
    return [dict(row) for row in connection.execute(query).mappings()]


def _put(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or replace those of the same primary key."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    keys = list(table.primary_key.columns.keys())
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        insert = dialect.insert(table)
        names = [name for name in rows[start] if name not in keys]
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=keys, set_={name: insert.excluded[name] for name in names}
            ),
            [dict(row) for row in rows[start : start + _ROWS_AT_ONCE]],
        )
