from collections.abc import Iterator
from datetime import datetime

import duckdb
import pytest

from orchestration.quality.duckdb_source import ExpectationRunError, run_suite
from orchestration.quality.raw_events import expectations
from orchestration.quality.reports import ExpectationReport

GOOD_ROWS = """
    create table raw_events as
    select
        1 as ingestion_batch_id, 1 as file_id, n as line_number,
        timestamp '2026-10-02 00:00:00' as ingested_at, '/gateway/eu' as event_source,
        'event-' || n as event_id, 'api.request' as event_type, '1' as contract_version,
        'tenant-1' as subject, timestamp '2026-10-01 23:59:59.999999' as event_at,
        999::smallint as event_at_nanos, date '2026-10-01' as event_date,
        (1::bigint << 60) - 1 as key_hash, 0::bigint as digest_1, n as digest_2
    from range(1, 4) as numbers (n)
"""


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(GOOD_ROWS)
        yield connection


def judge(connection: duckdb.DuckDBPyConnection, *, accepted: int = 3) -> ExpectationReport:
    return run_suite(
        connection,
        suite="raw_events",
        subject="ingestion batch 1",
        table="raw_events",
        expectations=expectations(
            accepted=accepted,
            ingestion_batch_id=1,
            earliest=datetime(2000, 1, 1),  # noqa: DTZ001 — stored instants are naive UTC
            latest=datetime(2026, 10, 2),  # noqa: DTZ001 — stored instants are naive UTC
        ),
    )


def test_rows_as_ingestion_writes_them_meet_every_expectation(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    report = judge(warehouse)

    assert () == report.unmet
    assert report.row_count == 3


def test_a_row_fewer_than_the_manifest_says_is_found(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert ["rows_equal_the_manifest"] == [o.name for o in judge(warehouse, accepted=4).unmet]


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("subject = null", "subject_is_present"),
        ("event_id = ''", "names_are_filled"),
        ("event_date = date '2026-10-02'", "event_dates_are_utc_dates_of_event_times"),
        ("event_at_nanos = 1000", "nanoseconds_are_a_remainder"),
        ("key_hash = 1::bigint << 60", "hashes_have_60_bits"),
        ("digest_2 = -1", "hashes_have_60_bits"),
        ("line_number = 0", "line_numbers_start_at_one"),
        ("ingestion_batch_id = 2", "rows_belong_to_their_batch"),
        (
            "event_at = timestamp '1999-12-31', event_date = date '1999-12-31'",
            "event_times_are_plausible",
        ),
        (
            "event_at = timestamp '2026-10-03', event_date = date '2026-10-03'",
            "event_times_are_plausible",
        ),
    ],
)
def test_one_damaged_row_is_found_by_the_expectation_for_it(
    warehouse: duckdb.DuckDBPyConnection, damage: str, found: str
) -> None:
    warehouse.execute(f"update raw_events set {damage} where line_number = 2")

    unmet = judge(warehouse).unmet

    assert [found] == [outcome.name for outcome in unmet]
    assert unmet[0].unexpected_count == 1


def test_an_expectation_that_cannot_be_evaluated_is_an_error_and_no_pass(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("alter table raw_events drop column digest_2")

    with pytest.raises(ExpectationRunError, match="digest_2"):
        judge(warehouse)
