"""Journals: what the operations database holds of them is whole again, whatever became of it."""

import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from orchestration.durable import RegisterWriteError
from orchestration.operations_db import (
    EXCEPTIONS,
    INGESTION,
    REFERENCE,
    JournalDamagedError,
    inspect_journals,
    journaled,
    open_operations,
    restore_journals,
    tables,
)
from orchestration.operations_db.journals import JOURNALS
from orchestration.settings import Settings

NOON = datetime(2026, 10, 31, 12, 30, 15, 123456, tzinfo=UTC)
BATCH = {
    "batch_kind": "load",
    "started_at": NOON,
    "committed_at": NOON,
    "file_count": 1,
    "lines_read": 2,
    "lines_accepted": 2,
    "lines_rejected": 0,
}
FILE = {
    "content_sha256": "ab",
    "byte_size": 2**40,
    "status": "accepted",
    "lines_read": 2,
    "lines_accepted": 1,
    "lines_rejected": 1,
    "first_seen_at": NOON,
}
EXCEPTION = {
    "exception_code": "missing_price",
    "steward": "pricing",
    "object_kind": "settlement_key",
    "object_id": "key",
    "object_name": 'tokens "für Ü"',
    "quantity_at_risk": Decimal("123456789012345678.000000001"),
    "amount_at_risk": Decimal("-0.0001"),
    "first_seen_date": date(2026, 2, 28),
    "what_to_do": "Add a price.",
    "opened_at": NOON,
    "opened_batch_id": 1,
    "last_seen_at": NOON,
    "last_seen_batch_id": 1,
    "reopened_count": 0,
}


class Books:
    """An operations database, what is written to it, and what becomes of it."""

    def __init__(self, folder):
        self.settings = Settings(data_dir=folder)
        self.engine = open_operations(self.settings)

    def load(self, number, *, steps=lambda _: None, fails=False):
        with journaled(self.settings, self.engine, INGESTION, steps=steps) as change:
            put = change.connection.execute
            put(sa.insert(tables.ingestion_batches).values(ingestion_batch_id=number, **BATCH))
            file = {"file_id": number, "ingestion_batch_id": number, "path": f"landing/{number}"}
            put(sa.insert(tables.ingestion_files).values(FILE | file | {"content_sha256": number}))
            put(
                sa.insert(tables.file_sightings).values(
                    path=f"landing/{number}", seen_at=NOON, outcome="loaded"
                )
            )
            change.keep(tables.ingestion_batches, batch_of(tables.ingestion_batches) == number)
            change.keep(tables.ingestion_files, tables.ingestion_files.c.file_id == number)
            change.keep(tables.file_sightings, tables.file_sightings.c.path == f"landing/{number}")
            if fails:
                raise ZeroDivisionError

    def repair(self, number):
        with journaled(self.settings, self.engine, INGESTION) as change:
            of_file = tables.ingestion_files.c.file_id == number
            change.connection.execute(
                sa.update(tables.ingestion_files)
                .where(of_file)
                .values(lines_accepted=2, lines_rejected=0)
            )
            change.keep(tables.ingestion_files, of_file)

    def find(self, exception_id, **columns):
        row = EXCEPTION | {"exception_id": exception_id} | columns
        with journaled(self.settings, self.engine, EXCEPTIONS) as change:
            change.connection.execute(sa.insert(tables.exceptions).values(row))
            change.keep(tables.exceptions, tables.exceptions.c.exception_id == exception_id)

    def refer(self, version, loaded_at):
        row = {"reference_version": version, "loaded_at": loaded_at, "content_sha256": version}
        with journaled(self.settings, self.engine, REFERENCE) as change:
            change.connection.execute(sa.insert(tables.reference_versions).values(row))
            change.keep(
                tables.reference_versions, tables.reference_versions.c.reference_version == version
            )

    def rows(self):
        found = {}
        with self.engine.connect() as connection:
            for journal in JOURNALS:
                for table in (*journal.tables, tables.journal_marks):
                    query = sa.select(table).order_by(*table.primary_key.columns)
                    found[table.name] = [tuple(row) for row in connection.execute(query)]
        return found

    def files(self):
        folder = self.settings.register
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.json"))

    def lose(self, *, keeping=None):
        """Delete the database, or put an older copy of it back, and open it."""
        self.engine.dispose()
        for path in self.settings.data_dir.glob("operations.db*"):
            path.unlink()
        if keeping is not None:
            shutil.copyfile(keeping, self.settings.data_dir / "operations.db")
        self.engine = open_operations(self.settings)

    def copy_away(self, path):
        """Copy the database as a backup does, with what its log still holds."""
        with closing(sqlite3.connect(self.settings.data_dir / "operations.db")) as connection:
            connection.execute("vacuum into ?", [str(path)])
        return path


def batch_of(table):
    return table.c.ingestion_batch_id


@pytest.fixture
def books(tmp_path):
    here = Books(tmp_path / "data")
    yield here
    here.engine.dispose()


@pytest.fixture
def filled(books):
    for number in (1, 2):
        books.load(number)
    books.repair(1)
    books.find("e-1")
    books.find("e-2", object_name="plain", amount_at_risk=None, quantity_at_risk=None)
    books.refer("v1", NOON)
    return books


def test_a_database_that_was_deleted_holds_the_same_rows_once_it_is_opened(filled):
    before = filled.rows()
    assert 2 == len(before["ingestion_batches"]) == len(before["exceptions"])
    filled.lose()
    assert before == filled.rows()
    filled.load(3)
    assert [1, 2, 3] == [row[0] for row in filled.rows()["file_sightings"]]


def test_an_older_copy_of_the_database_is_brought_to_the_last_entry(filled, tmp_path):
    older = filled.copy_away(tmp_path / "older.db")
    filled.load(3)
    filled.repair(2)
    before = filled.rows()
    filled.lose(keeping=older)
    assert before == filled.rows()


def test_rows_that_were_there_before_the_journal_are_in_its_first_entry(books):
    with books.engine.begin() as connection:
        connection.execute(
            sa.insert(tables.ingestion_batches).values(ingestion_batch_id=1, **BATCH)
        )
    books.load(2)
    books.lose()
    assert [1, 2] == [row[0] for row in books.rows()["ingestion_batches"]]


def test_a_transaction_that_fails_leaves_no_entry(filled):
    before = (filled.files(), filled.rows())
    with pytest.raises(ZeroDivisionError):
        filled.load(3, fails=True)
    with pytest.raises(sa.exc.IntegrityError):
        filled.load(2)
    assert before == (filled.files(), filled.rows())


def test_a_transaction_that_changes_nothing_leaves_no_entry(filled):
    before = filled.files()
    with journaled(filled.settings, filled.engine, INGESTION) as change:
        change.keep(tables.ingestion_batches, batch_of(tables.ingestion_batches) == 9)
    assert before == filled.files()


class PowerCutError(BaseException):
    """Ends a process as a crash would."""


def test_a_crash_at_any_step_leaves_the_whole_transaction_or_none(tmp_path):
    names = []
    whole = Books(tmp_path / "whole")
    whole.load(1)
    whole.load(2, steps=names.append)
    assert 4 < len(names)
    outcomes = []
    for at in range(len(names)):
        here = Books(tmp_path / str(at))
        here.load(1)
        reached = []

        def cut(name, at=at, reached=reached):
            reached.append(name)
            if len(reached) > at:
                raise PowerCutError

        with pytest.raises(PowerCutError):
            here.load(2, steps=cut)
        assert 1 == len(here.rows()["ingestion_batches"])
        outcomes.append(restore_journals(here.settings, here.engine))
        if not outcomes[-1]:
            here.load(2)
        assert whole.rows() == here.rows()
        assert (2, []) == inspect_journals(here.settings, here.engine)
        here.engine.dispose()
    whole.engine.dispose()
    assert [0] * outcomes.count(0) + [1] * outcomes.count(1) == outcomes
    assert {0, 1} == set(outcomes)


def test_a_full_disk_at_any_step_is_told_and_changes_nothing(filled):
    names = []
    filled.load(3, steps=names.append)
    failing = [name for name in names if name.startswith(("write ", "sync 0", "link "))]
    assert 3 == len(failing)
    for number, verb in enumerate(("write", "sync", "link"), start=4):
        before = filled.rows()

        def fail(name, verb=verb):
            if name.startswith(f"{verb} 0"):
                raise OSError(28, "No space left on device")

        with pytest.raises(RegisterWriteError) as failed:
            filled.load(number, steps=fail)
        assert "register_disk_full" == failed.value.code
        assert before == filled.rows()
        filled.load(number)


@pytest.mark.parametrize("harm", ["changed", "cut", "gone", "swapped"])
def test_an_entry_that_is_not_what_was_written_stops_the_rebuilding_and_is_told(filled, harm):
    path = INGESTION.path(filled.settings, 2)
    path.chmod(0o644)
    content = path.read_bytes()
    if harm == "changed":
        path.write_bytes(content.replace(b"landing/2", b"landing/3"))
    elif harm == "cut":
        path.write_bytes(content[:-9])
    elif harm == "gone":
        path.unlink()
    else:
        path.write_bytes(INGESTION.path(filled.settings, 1).read_bytes())
    _, problems = inspect_journals(filled.settings, filled.engine)
    assert [True] == [str(path) in problem for problem in problems]
    with pytest.raises(JournalDamagedError) as damaged:
        filled.lose()
    assert str(path) in str(damaged.value)
    assert "Restore register/journals" in str(damaged.value)


def test_nothing_is_added_to_a_journal_that_lost_its_end(filled):
    INGESTION.path(filled.settings, 3).unlink()
    before = filled.rows()
    with pytest.raises(JournalDamagedError):
        filled.load(3)
    assert before == filled.rows()


def test_many_that_open_a_lost_database_at_once_take_each_entry_over_once(filled):
    before = filled.rows()
    filled.engine.dispose()
    for path in filled.settings.data_dir.glob("operations.db*"):
        path.unlink()
    opened = []
    threads = [
        threading.Thread(target=lambda: opened.append(open_operations(filled.settings)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 4 == len(opened)
    for engine in opened:
        engine.dispose()
    filled.engine = open_operations(filled.settings)
    assert before == filled.rows()


def test_every_version_comes_back_with_the_instant_at_which_it_came_into_force(filled):
    filled.refer("v2", NOON + timedelta(days=1))
    with journaled(filled.settings, filled.engine, REFERENCE) as change:
        first = tables.reference_versions.c.reference_version == "v1"
        change.connection.execute(
            sa.update(tables.reference_versions)
            .where(first)
            .values(loaded_at=NOON + timedelta(days=2))
        )
        change.keep(tables.reference_versions, first)
    filled.lose()
    loaded = {row[0]: row[1] for row in filled.rows()["reference_versions"]}
    assert {"v1": NOON + timedelta(days=2), "v2": NOON + timedelta(days=1)} == loaded
