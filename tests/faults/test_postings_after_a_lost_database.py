"""The operations database is lost, or older than what happened: no document is sent twice."""

import shutil
import sqlite3
from contextlib import closing

import pyarrow as pa
import pytest
import sqlalchemy as sa
from posting_house import House, entry_rows, faults_of_posting, usual_documents

from orchestration.audit import AuditLog, catch_up
from orchestration.billing.entries import ENTRY_SCHEMA
from orchestration.billing.posting_states import claim, open_postings
from orchestration.billing.register import Register
from orchestration.operations_db import open_operations
from orchestration.operations_db.tables import erp_documents, postings
from orchestration.recovery import heal

DOCUMENTS = usual_documents(6)
KEYS = [document.posting_key for document in DOCUMENTS]


class CountedErp:
    """The sandbox, and how often it was told to make or post a document."""

    def __init__(self, erp):
        self._erp = erp
        self.calls = []

    def __getattr__(self, name):
        found = getattr(self._erp, name)
        if name in ("create_draft", "finalise"):
            self.calls.append(name)
        return found


@pytest.fixture(params=["sandbox", "sandbox_draft_then_post"])
def house(request, tmp_path):
    built = House(tmp_path / "data", request.param)
    built.open_books()
    yield built
    built.engine.dispose()


def sign(house, *documents):
    """Sign documents of no frozen revision, in a commit of their own."""
    entries = []
    for document in documents:
        entries += entry_rows(document, len(entries) + 1)
    sign_rows(house, entries)


def sign_rows(house, entries):
    Register(house.settings.register).commit(
        kind="record",
        subject={"note": "signed"},
        now=house.clock.now(),
        entries=pa.Table.from_pylist(entries, schema=ENTRY_SCHEMA),
    )


def caught_up(house):
    catch_up(house.settings, house.engine, clock=house.clock.now)


def backed_up(house, path):
    with closing(sqlite3.connect(house.data_dir / "operations.db")) as connection:
        connection.execute("vacuum into ?", [str(path)])
    return path


def lose(house, *, keeping=None):
    house.engine.dispose()
    for path in house.data_dir.glob("operations.db*"):
        path.unlink()
    if keeping is not None:
        shutil.copyfile(keeping, house.data_dir / "operations.db")
    house.engine = open_operations(house.settings)


def healed(house):
    changed = heal(house.settings, house.engine, now=house.clock.now())
    caught_up(house)
    return changed


def rows(house, table, *without):
    with house.engine.connect() as connection:
        found = connection.execute(sa.select(table).order_by(table.c.posting_key)).mappings()
        return [
            {name: value for name, value in row.items() if name not in without} for row in found
        ]


def told(house):
    return sorted(
        (entry.deed.action, entry.deed.object_id, entry.deed.details["outcome"])
        for entry in AuditLog(house.settings.audit).entries()
        if entry.deed.object_kind == "document"
    )


@pytest.fixture
def posted(house):
    sign(house, *DOCUMENTS)
    caught_up(house)
    house.plan()
    house.post()
    house.read_back()
    caught_up(house)
    return house


def test_rows_of_what_was_posted_are_the_same_after_the_read_back(posted):
    """Invariants 7 and 11."""
    before, audited = rows(posted, postings), told(posted)
    held = rows(posted, erp_documents, "read_at")
    lose(posted)
    assert len(DOCUMENTS) == healed(posted)
    assert 0 == posted.plan()
    erp = CountedErp(posted.erp())
    posted.post(erp=erp)
    posted.read_back(erp)
    assert [] == erp.calls
    assert before == rows(posted, postings)
    assert held == rows(posted, erp_documents, "read_at")
    assert audited == told(posted)
    assert [] == faults_of_posting(posted, DOCUMENTS)


def test_healing_twice_changes_nothing(posted):
    lose(posted)
    healed(posted)
    before = rows(posted, postings)
    assert 0 == healed(posted)
    assert before == rows(posted, postings)


def test_a_document_that_is_gone_from_the_erp_is_a_break_and_is_not_sent_again(posted):
    """An edit in the ERP is a break until finance signs what it means."""
    [gone, *_] = posted.erp().find_by_key(KEYS[0])
    with closing(sqlite3.connect(posted.settings.sandbox / f"{posted.erp_name}.sqlite")) as books:
        books.execute("delete from documents where erp_document_id = ?", [gone.erp_document_id])
        books.commit()
    lose(posted)
    healed(posted)
    erp = CountedErp(posted.erp())
    posted.post(erp=erp)
    posted.read_back(erp)
    assert [] == erp.calls
    assert ("posted", "posted_missing") == (
        posted.posting(KEYS[0]).state,
        posted.posting(KEYS[0]).error_code,
    )


def test_what_was_sent_and_never_noted_is_looked_up_and_not_sent_again(house):
    """Invariant 11: the ERP has it, the log and the database do not say so."""
    sign(house, *DOCUMENTS)
    caught_up(house)
    house.plan()
    house.post()
    lose(house)
    healed(house)
    assert {"unknown"} == set(house.states().values())
    assert len(DOCUMENTS) == house.post().waiting
    house.clock.advance(house.erp().limits.settle_seconds + 1)
    erp = CountedErp(house.erp())
    assert len(DOCUMENTS) == house.post(erp=erp).posted
    assert [] == erp.calls
    assert [] == faults_of_posting(house, DOCUMENTS)
    caught_up(house)
    assert len(DOCUMENTS) == len(told(house))


def test_what_was_never_sent_is_sent_once(house):
    sign(house, *DOCUMENTS)
    caught_up(house)
    house.plan()
    lose(house)
    healed(house)
    house.clock.advance(house.erp().limits.settle_seconds + 1)
    assert len(DOCUMENTS) == house.post().posted
    assert [] == faults_of_posting(house, DOCUMENTS)


def test_an_older_copy_of_the_database_is_told_what_was_posted_since(house, tmp_path):
    sign(house, *DOCUMENTS)
    caught_up(house)
    house.plan()
    older = backed_up(house, tmp_path / "older.db")
    house.post()
    house.read_back()
    caught_up(house)
    before, audited = rows(house, postings), told(house)
    lose(house, keeping=older)
    assert {"planned"} == set(house.states().values())
    healed(house)
    erp = CountedErp(house.erp())
    house.post(erp=erp)
    house.read_back(erp)
    assert [] == erp.calls
    assert before == rows(house, postings)
    assert audited == told(house)


def test_an_attempt_that_the_database_knows_is_left_as_it_is(house):
    """Only its entry in the log was lost with the process; the state is the poster's matter."""
    sign(house, *DOCUMENTS[:2])
    caught_up(house)
    house.plan()
    taken = open_postings(house.engine, erp=house.erp_name)[KEYS[0]]
    claim(house.engine, taken, now=house.clock.now(), request={})
    sign(house, *DOCUMENTS[2:3])
    healed(house)
    assert {KEYS[0]: "sending", KEYS[1]: "planned"} == house.states()


def test_a_released_document_stays_abandoned(house):
    sign(house, *DOCUMENTS[:2])
    release = [
        row | {"entry_kind": "release", "original_document_id": f"doc-{KEYS[0]}"}
        for row in released_rows(house, DOCUMENTS[0])
    ]
    sign_rows(house, release)
    caught_up(house)
    lose(house)
    healed(house)
    assert {KEYS[0]: "abandoned", KEYS[1]: "unknown"} == house.states()
    house.clock.advance(house.erp().limits.settle_seconds + 1)
    house.plan()
    house.post()
    assert [KEYS[1]] == [document.posting_key for document in house.erp_documents()]


def released_rows(house, document):
    entries = Register(house.settings.register).entries().to_pylist()
    names = set(ENTRY_SCHEMA.names)
    return [
        {name: value for name, value in entry.items() if name in names}
        | {
            "billed_before": entry["amount"],
            "amount": -entry["amount"],
            "posting_key": None,
            "document_id": None,
            "document_kind": None,
            "line_number": None,
        }
        for entry in entries
        if entry["posting_key"] == document.posting_key
    ]


def test_documents_of_a_signature_that_nobody_noted_are_planned_as_ever(house):
    """A crash right behind the commit is no loss: nothing can have been sent."""
    caught_up(house)
    sign(house, *DOCUMENTS[:1])
    caught_up(house)
    sign(house, *DOCUMENTS[1:])
    healed(house)
    assert {} == house.states()
    house.plan()
    house.post()
    assert [] == faults_of_posting(house, DOCUMENTS)


def test_a_house_without_a_register_has_nothing_to_heal(tmp_path):
    empty = House(tmp_path)
    assert 0 == heal(empty.settings, empty.engine, now=empty.clock.now())
    empty.engine.dispose()
