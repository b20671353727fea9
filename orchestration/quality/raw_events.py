"""What must be true of every raw event of an ingestion batch before dbt reads it.

Belongs here: the suite and its run over a batch's committed files. Does not belong here: the
rules by which a line is accepted, which are ingest's; this suite looks at what was written.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import sqlalchemy

from orchestration.operations_db import tables
from orchestration.quality.duckdb_source import run_suite
from orchestration.quality.library import import_great_expectations
from orchestration.quality.reports import ExpectationReport
from orchestration.settings import Settings

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

SUITE = "raw_events"
_HASH_BOUND = (1 << 60) - 1
_ROWS_WHERE = "select file_id, line_number from {batch} where "
_UNEXPECTED_ROWS = {
    "names_are_filled": ("'' in (event_source, event_id, event_type, subject, contract_version)"),
    "hashes_have_60_bits": (
        f"not (key_hash between 0 and {_HASH_BOUND} and digest_1 between 0 and {_HASH_BOUND} "
        f"and digest_2 between 0 and {_HASH_BOUND})"
    ),
    "event_dates_are_utc_dates_of_event_times": "event_date <> cast(event_at as date)",
}


def check_raw_events(
    settings: Settings, engine: sqlalchemy.Engine, *, ingestion_batch_id: int, now: datetime
) -> ExpectationReport:
    """Judge the raw files of one committed batch, in DuckDB, without loading a row into Python.

    Args:
        settings: the data directory.
        engine: the operations database, whose manifest names the files.
        ingestion_batch_id: a committed batch.
        now: aware instant; no event may lie further ahead than the settings tolerate.

    Raises:
        ExpectationRunError: an expectation could not be evaluated.
    """
    parts, batch = tables.raw_parts, tables.ingestion_batches
    with engine.connect() as reader:
        paths: Sequence[str] = (
            reader.execute(
                sqlalchemy.select(parts.c.path)
                .where(
                    parts.c.ingestion_batch_id == ingestion_batch_id, parts.c.part_kind == "events"
                )
                .order_by(parts.c.path)
            )
            .scalars()
            .all()
        )
        files = [settings.data_dir / path for path in paths]
        accepted: int = reader.execute(
            sqlalchemy.select(batch.c.lines_accepted).where(
                batch.c.ingestion_batch_id == ingestion_batch_id
            )
        ).scalar_one()
    subject = f"ingestion batch {ingestion_batch_id}"
    if not files:
        return ExpectationReport(suite=SUITE, subject=subject, row_count=0, outcomes=())
    with duckdb.connect(
        config={
            "memory_limit": settings.duckdb_memory_limit,
            "threads": settings.duckdb_threads,
            "autoinstall_known_extensions": False,
        }
    ) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            f"create view raw_events as select * from read_parquet({_sql_list(files)}, "
            "union_by_name = true, hive_partitioning = false)"
        )
        return run_suite(
            connection,
            suite=SUITE,
            subject=subject,
            table="raw_events",
            expectations=expectations(
                accepted=accepted,
                ingestion_batch_id=ingestion_batch_id,
                earliest=datetime(settings.earliest_event_year, 1, 1),  # noqa: DTZ001 — stored instants are naive UTC
                latest=now.replace(tzinfo=None) + timedelta(hours=settings.future_tolerance_hours),
            ),
        )


def expectations(
    *, accepted: int, ingestion_batch_id: int, earliest: datetime, latest: datetime
) -> Sequence[tuple[str, "Expectation"]]:
    """Return the suite: pairs of name and expectation, for a table of raw event rows.

    Args:
        accepted: rows that the manifest says were accepted.
        ingestion_batch_id: the batch that every row must carry.
        earliest: first allowed event time, naive UTC.
        latest: last allowed event time, naive UTC.
    """
    import_great_expectations()
    import great_expectations.expectations as gxe  # noqa: PLC0415 — see library.py

    present = [
        (f"{column}_is_present", gxe.ExpectColumnValuesToNotBeNull(column=column))
        for column in (
            *("event_source", "event_id", "event_type", "subject", "contract_version"),
            *("event_at", "event_date", "file_id", "line_number", "ingested_at"),
            *("key_hash", "digest_1", "digest_2"),
        )
    ]
    return (
        ("rows_equal_the_manifest", gxe.ExpectTableRowCountToEqual(value=accepted)),
        *present,
        (
            "rows_belong_to_their_batch",
            gxe.ExpectColumnValuesToBeInSet(
                column="ingestion_batch_id", value_set=[ingestion_batch_id]
            ),
        ),
        (
            "line_numbers_start_at_one",
            gxe.ExpectColumnValuesToBeBetween(column="line_number", min_value=1),
        ),
        (
            "event_times_are_plausible",
            gxe.ExpectColumnValuesToBeBetween(
                column="event_at", min_value=earliest, max_value=latest
            ),
        ),
        (
            "nanoseconds_are_a_remainder",
            gxe.ExpectColumnValuesToBeBetween(column="event_at_nanos", min_value=0, max_value=999),
        ),
        *(
            (name, gxe.UnexpectedRowsExpectation(unexpected_rows_query=_ROWS_WHERE + condition))
            for name, condition in _UNEXPECTED_ROWS.items()
        ),
    )


def _sql_list(paths: Sequence[Path]) -> str:
    quoted = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"[{quoted}]"
