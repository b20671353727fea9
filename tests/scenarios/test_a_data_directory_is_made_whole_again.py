"""The warehouse, the operations database or both are deleted, and the next run makes them again."""

import json
import shutil
from datetime import date
from decimal import Decimal

import pytest

from orchestration.billing.sign_off import Signer
from orchestration.exceptions import ExceptionQuestion, find_exceptions, waive_exception
from orchestration.period_close import Decision, decide
from orchestration.recording import read_records, record_entries
from orchestration.reports.verification import verify_installation

pytestmark = pytest.mark.slow

MONTH, NEXT_MONTH = "2026-09", "2026-10"
WITHOUT_DATA_TESTS = ("--exclude-resource-type", "test")
SETTLED = {
    "ingestion_batches": (),
    "ingestion_files": (),
    "file_sightings": (),
    "raw_parts": (),
    "reference_versions": (),
    "revisions": (),
    "sign_offs": (),
    "check_results": (),
    "postings": (),
    "erp_documents": ("read_at",),
    "exceptions": (),
    "journal_marks": (),
}
"""Tables of the operations database, each with the columns that tell when it was last looked."""
OF_ONE_REVISION = "us_inc:2026-10:r1"
DANA = Signer(name="dana.finch@brightloop.example", source="self_declared", run_id=None)
"""Another approver: with four eyes, nobody signs what they decided or waived themselves."""
MARTS = ("dim_", "fct_", "sync_")


def in_database(house):
    """Rows of every table that must be the same afterwards, as texts."""
    return {
        table: sorted(
            json.dumps(parsed(row), sort_keys=True) for row in house.operations(table, without=of)
        )
        for table, of in SETTLED.items()
    }


def parsed(row):
    """A row with its JSON as what it says: the order of names is the writer's."""
    return {
        name: json.loads(value) if str(value).startswith(("{", "[")) else value
        for name, value in row.items()
    }


def in_warehouse(house):
    """Digests of every mart."""
    return {
        name: digest
        for name, digest in house.warehouse_digests().items()
        if name.split(".")[1].startswith(MARTS)
    }


def in_erp(house):
    return [document.model_dump_json() for document in house.erp_documents()]


def retract_one_event(house):
    [(source, event_id)] = house.rows(
        "select event_source, event_id from rating.fct_line_events "
        "order by event_source, event_id limit 1"
    )
    sign_records(
        house,
        {"kind": "retract", "id": "wrong", "source": source, "event": event_id, "reason": "Test."},
    )


def sign_records(house, *records):
    content = json.dumps({"author": "jonas@example.com", "records": records}).encode()
    with house.installation.operations() as engine:
        return record_entries(
            house.settings,
            engine,
            read_records("records.yml", content),
            signer=DANA,
            now=house.installation.clock(),
        )


def give_goodwill(house):
    by_document = {}
    for entry in house.register_entries():
        if entry["posting_key"] is not None:
            amount = by_document.get(entry["document_id"], Decimal(0)) + entry["amount"]
            by_document[entry["document_id"]] = amount
    document_id = max(by_document, key=by_document.get)
    goodwill = {"kind": "concession", "document": document_id, "amount": "-5", "id": "sorry"}
    sign_records(house, goodwill | {"erp_document": "CM-1", "reason": "An outage."})


def waive_one(house):
    with house.installation.operations() as engine:
        found = find_exceptions(
            house.settings,
            engine,
            now=house.installation.clock(),
            question=ExceptionQuestion(state="open"),
        )
        waive_exception(
            house.settings,
            engine,
            exception_id=found[0].exception_id,
            reason="It is known.",
            until=date(2026, 11, 30),
            signer=DANA,
            now=house.installation.clock(),
        )


def hold_one_document(house, revision):
    [document_id, *_] = [
        row["document_id"]
        for row in house.mappings(
            "select document_id from billing.fct_invoice_candidates "
            f"where legal_entity_id = '{revision.legal_entity_id}' order by document_id"
        )
    ]
    decide(
        house.installation,
        revision_id=revision.revision_id,
        decision=Decision.SIGN,
        signer=house.signer,
        note="The customer disputes it.",
        held_document_ids=[document_id],
    )


@pytest.fixture(scope="module")
def full(house_of_the_signed_month):
    """Documents posted, held and credited, an exception waived, an event retracted.

    Two legal entities of the next month wait for a signature.
    """
    house = house_of_the_signed_month
    retract_one_event(house)
    give_goodwill(house)
    waive_one(house)
    house.load()
    house.build(*WITHOUT_DATA_TESTS)
    revisions = {each.revision_id: each for each in house.freeze(NEXT_MONTH)}
    hold_one_document(house, revisions[OF_ONE_REVISION])
    house.post()
    house.build(*WITHOUT_DATA_TESTS)
    house.freeze(NEXT_MONTH)
    house.build(*WITHOUT_DATA_TESTS)
    return house


@pytest.fixture(scope="module")
def before(full):
    return {
        "database": in_database(full),
        "warehouse": in_warehouse(full),
        "erp": in_erp(full),
        "files": full.file_digests("raw", "reference", "register"),
    }


def lost(full, folder, *, warehouse, database):
    """A copy of the data directory without its warehouse, its operations database, or both."""
    house = full.copy(folder, now=full.installation.clock())
    if warehouse:
        shutil.rmtree(house.settings.warehouse)
    if database:
        for path in house.settings.data_dir.glob("operations.db*"):
            path.unlink()
    return house


def test_a_world_in_which_everything_happened(before):
    """The tests below would prove little over less."""
    assert min(map(len, before["database"].values())) > 0
    kinds = {json.loads(row)["state"] for row in before["database"]["revisions"]}
    assert {"signed", "frozen"} <= kinds
    assert {"load", "decisions"} == {
        json.loads(row)["batch_kind"] for row in before["database"]["ingestion_batches"]
    }


def test_a_deleted_operations_database_is_the_same_after_the_next_run(full, before, tmp_path):
    house = lost(full, tmp_path / "data", warehouse=False, database=True)
    posted, _ = house.post()
    assert (0, 0, 0, 0) == (posted.posted, posted.rejected, posted.unknown, posted.waiting)
    assert before["database"] == in_database(house)
    assert before["erp"] == in_erp(house)
    house.build(*WITHOUT_DATA_TESTS)
    assert before["warehouse"] == in_warehouse(house)
    assert (None, 0) == (house.load().ingestion_batch_id, house.load().lines_read)
    assert [] == [found for found in verify_installation(house.settings) if not found.is_sound]


def test_a_deleted_warehouse_is_the_same_after_the_next_run(full, before, tmp_path):
    house = lost(full, tmp_path / "data", warehouse=True, database=False)
    house.build(*WITHOUT_DATA_TESTS)
    assert before["warehouse"] == in_warehouse(house)
    assert before["database"] == in_database(house)


def test_both_are_made_again_and_the_next_month_goes_on_as_if_nothing_happened(
    full, before, tmp_path
):
    """Invariants 9, 11 and 13."""
    house = lost(full, tmp_path / "data", warehouse=True, database=True)
    posted, _ = house.post()
    assert (0, 0, 0) == (posted.posted, posted.unknown, posted.waiting)
    house.build(*WITHOUT_DATA_TESTS)
    assert before["database"] == in_database(house)
    assert before["warehouse"] == in_warehouse(house)
    assert before["files"] == house.file_digests("raw", "reference", "register")
    assert before["erp"] == in_erp(house)
    revisions = house.freeze(NEXT_MONTH)
    assert house.load().ingestion_batch_id is None
    waiting = [revision for revision in revisions if revision.state == "frozen"]
    assert waiting
    for revision in waiting:
        house.sign(revision, acknowledges=True)
    posted, _ = house.post()
    assert (0, 0) == (posted.rejected, posted.unknown)
    keys = [document.posting_key for document in house.erp_documents()]
    assert len(keys) == len(set(keys)) == len(before["erp"]) + posted.posted
    house.build(*WITHOUT_DATA_TESTS)
    assert [] == house.broken_invariants()
