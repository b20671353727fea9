"""A day later somebody runs every step again, and a product system sends a file a second time."""

import pytest

from orchestration.billing.refusals import AlreadySignedError

pytestmark = pytest.mark.slow

MONTH = "2026-09"
NEXT_MONTH = "2026-10"
WITHOUT_DATA_TESTS = ("--exclude-resource-type", "test")
WRITE_ONCE = ("raw", "reference", "register")
RECORDS = ("ingestion_batches", "ingestion_files", "raw_parts", "reference_versions", "revisions")
RECORDS_OF_BILLING = ("check_results", "sign_offs", "postings", "posting_attempts")
LATEST_LOOK = ("read_at",)


def records(house):
    tables = {table: house.operations(table) for table in (*RECORDS, *RECORDS_OF_BILLING)}
    return tables | {"erp_documents": house.operations("erp_documents", without=LATEST_LOOK)}


def erp_texts(house):
    return [document.model_dump_json() for document in house.erp_documents()]


@pytest.fixture(scope="module")
def before(house_in_place):
    house = house_in_place
    return {
        "files": house.file_digests(*WRITE_ONCE),
        "warehouse": house.warehouse_digests(),
        "records": records(house),
        "erp": erp_texts(house),
        "lines": house.mappings("select * from rating.fct_rated_lines order by rated_line_id"),
    }


@pytest.fixture(scope="module")
def again(before, house_in_place):
    """Every step once more, a replayed file on top, and no raw file to be read by any of them."""
    house = house_in_place
    name = "2026-09-10/platform.jsonl"
    house.deliver(
        "2026-11-04/platform-again.jsonl", (house.settings.landing_usage / name).read_bytes()
    )
    with house.raw_files_elsewhere() as made:
        answers = {"reference": house.load_reference(), "loaded": house.load()}
        house.build(*WITHOUT_DATA_TESTS)
        answers["frozen"] = house.freeze(MONTH)
        answers["posted"], answers["read_count"] = house.post()
        house.publish()
    return answers | {"raw_files_made": made}


def test_the_same_reference_folder_and_usage_files_are_nothing_new(again):
    """Invariant 9."""
    assert not again["reference"].is_new
    assert (None, 0) == (again["loaded"].ingestion_batch_id, again["loaded"].lines_read)


def test_files_that_lie_as_they_lay_are_not_looked_into_again(signed_month):
    """Invariant 9: neither the loaded ones, nor the one that was refused."""
    loaded = signed_month.loaded_again
    assert (None, ()) == (loaded.ingestion_batch_id, loaded.files)


def test_a_file_under_another_name_is_seen_as_the_same_content(again, house_in_place):
    """Invariant 9."""
    sightings = house_in_place.operations("file_sightings")
    assert [("landing/usage/2026-11-04/platform-again.jsonl", "same_content")] == [
        (sighting["path"], sighting["outcome"])
        for sighting in sightings
        if "platform-again" in sighting["path"]
    ]


def test_rating_again_without_new_events_reads_no_raw_file(before, again, house_in_place):
    """Invariant 9: the raw files were elsewhere during every step, and every line is the same."""
    assert [] == again["raw_files_made"]
    assert len(before["lines"]) > 500
    assert before["lines"] == house_in_place.mappings(
        "select * from rating.fct_rated_lines order by rated_line_id"
    )


def test_no_row_of_the_warehouse_changes(before, again, house_in_place):
    """Invariant 9, over every table and view with all their columns."""
    assert before["warehouse"] == house_in_place.warehouse_digests()


def test_no_raw_file_no_reference_version_and_nothing_signed_changes(before, again, house_in_place):
    """Invariants 9 and 10, byte for byte."""
    assert before["files"] == house_in_place.file_digests(*WRITE_ONCE)


def test_freezing_a_signed_month_without_candidates_makes_no_revision(again):
    """Invariant 9."""
    assert [] == again["frozen"]


def test_a_signed_revision_is_not_signed_again(before, again, signed_month, house_in_place):
    """Invariants 9 and 10."""
    codes = []
    for revision in signed_month.revisions:
        with pytest.raises(AlreadySignedError) as refusal:
            house_in_place.sign(revision)
        codes.append(refusal.value.code)
    assert ["already_signed"] * 3 == codes
    assert before["files"] == house_in_place.file_digests(*WRITE_ONCE)


def test_posting_again_sends_nothing_and_the_erp_holds_what_it_held(before, again, house_in_place):
    """Invariant 11."""
    posted = again["posted"]
    assert (0, 0, 0) == (posted.posted, posted.rejected, posted.unknown)
    assert len(before["erp"]) == again["read_count"]
    assert before["erp"] == erp_texts(house_in_place)


def test_no_record_of_a_file_a_revision_or_a_posting_changes(before, again, house_in_place):
    """Invariant 9: only the sighting of the replayed file is new."""
    assert before["records"] == records(house_in_place)


def test_an_open_month_frozen_twice_is_one_revision_per_entity(again, house_in_place):
    """Invariants 9 and 13."""
    house = house_in_place
    first = house.freeze(NEXT_MONTH)
    files = house.file_digests(*WRITE_ONCE)
    second = house.freeze(NEXT_MONTH)
    assert ["de_gmbh:2026-10:r1", "jp_kk:2026-10:r1", "us_inc:2026-10:r1"] == [
        revision.revision_id for revision in first
    ]
    assert first == second
    assert files == house.file_digests(*WRITE_ONCE)
