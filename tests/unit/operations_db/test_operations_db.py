"""The operations database: migrated on opening, exact, shared safely, exported with its types."""

import multiprocessing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from orchestration.failures import InputError
from orchestration.operations_db import (
    OperationsTooNewError,
    OperationsUnavailableError,
    open_operations,
    tables,
    write_operations_inputs,
    write_transaction,
)
from orchestration.operations_db.column_types import NaiveInstantError
from orchestration.operations_db.database import MIGRATIONS_FOLDER
from orchestration.settings import Settings

NOON = datetime(2026, 10, 31, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def here(tmp_path):
    return Settings(data_dir=tmp_path)


@pytest.fixture
def engine(here):
    engine = open_operations(here)
    yield engine
    engine.dispose()


def posting(**changes):
    return {
        "posting_key": "P-1",
        "document_id": "d-1",
        "revision_id": "r-1",
        "legal_entity_id": "de",
        "erp": "sandbox",
        "state": "planned",
        "payload_sha256": "ab",
        "amount": Decimal("0.1"),
        "currency_code": "EUR",
        "updated_at": NOON,
        **changes,
    }


def write(engine, table, *rows):
    with write_transaction(engine) as connection:
        connection.execute(sa.insert(table), list(rows))


def exported(here, name):
    return pq.read_table(here.warehouse_inputs / f"{name}.parquet")


def test_the_migrations_lead_to_exactly_the_tables(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert [] == compare_metadata(context, tables.metadata)


BATCH = {
    "ingestion_batch_id": 1,
    "batch_kind": "load",
    "started_at": NOON,
    "committed_at": NOON,
    "file_count": 1,
    "lines_read": 2,
    "lines_accepted": 2,
    "lines_rejected": 0,
}
PART = {
    "path": "raw/keys/batch-1.parquet",
    "ingestion_batch_id": 1,
    "part_kind": "keys",
    "content_sha256": "ab",
    "row_count": 2,
    "byte_size": 9,
}


def first_schema(here):
    """Make a database as the first version of the program left it, with a batch in it."""
    engine = sa.create_engine(here.operations_url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(sa.insert(tables.ingestion_batches), [BATCH])
        connection.execute(sa.insert(tables.raw_parts), [PART])
    engine.dispose()


def test_a_database_of_the_first_version_keeps_its_batches_and_takes_decisions(here):
    first_schema(here)
    engine = open_operations(here)
    decisions = BATCH | {"ingestion_batch_id": 2, "batch_kind": "decisions"}
    part = PART | {"path": "raw/decisions/batch-2.parquet", "ingestion_batch_id": 2}
    write(engine, tables.ingestion_batches, decisions)
    write(engine, tables.raw_parts, part | {"part_kind": "decisions"})
    with engine.connect() as connection:
        batches = sa.select(tables.ingestion_batches.c["ingestion_batch_id", "started_at"])
        paths = sa.select(tables.raw_parts.c.path).order_by(tables.raw_parts.c.path)
        assert [(1, NOON), (2, NOON)] == connection.execute(batches).all()
        assert [part["path"], PART["path"]] == connection.scalars(paths).all()
        assert [] == compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": False}), tables.metadata
        )
    for table, row in (
        (tables.ingestion_batches, decisions | {"ingestion_batch_id": 3, "batch_kind": "maybe"}),
        (tables.ingestion_batches, decisions | {"ingestion_batch_id": 3, "lines_read": 3}),
        (tables.raw_parts, part | {"path": "other", "part_kind": "maybe"}),
        (tables.raw_parts, part | {"path": "other", "ingestion_batch_id": 9}),
    ):
        with pytest.raises(sa.exc.IntegrityError):
            write(engine, table, row)
    engine.dispose()


def test_a_database_whose_rows_refer_to_nothing_is_not_migrated(here):
    first_schema(here)
    engine = sa.create_engine(here.operations_url)
    with engine.begin() as connection:
        connection.execute(sa.delete(tables.ingestion_batches))
    with pytest.raises(OperationsUnavailableError, match="raw_parts"):
        open_operations(here)
    with engine.connect() as connection:
        assert "0001" == connection.scalar(sa.text("select version_num from alembic_version"))
    engine.dispose()


def test_opening_twice_changes_nothing_and_prints_nothing(here, engine, capfd):
    write(engine, tables.postings, posting())
    open_operations(here).dispose()
    with engine.connect() as connection:
        assert 1 == connection.scalar(sa.select(sa.func.count()).select_from(tables.postings))
    assert ("", "") == capfd.readouterr()


def test_a_schema_of_a_later_version_is_refused(here, engine):
    with write_transaction(engine) as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(OperationsTooNewError, match="9999"):
        open_operations(here)


def test_what_is_no_database_is_reported_with_the_next_step(here):
    (here.data_dir / "operations.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(OperationsUnavailableError, match="run again"):
        open_operations(here)


def test_sqlite_runs_with_a_log_foreign_keys_and_full_sync(engine):
    with engine.connect() as connection:
        found = [
            connection.scalar(sa.text(f"pragma {name}"))
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        ]
    assert ["wal", 1, 2, 30_000] == found


def test_a_reference_to_nothing_and_an_unknown_state_are_refused(engine):
    with pytest.raises(sa.exc.IntegrityError):
        write(
            engine,
            tables.posting_attempts,
            {"posting_key": "none", "attempt_number": 1, "started_at": NOON},
        )
    with pytest.raises(sa.exc.IntegrityError):
        write(engine, tables.postings, posting(state="maybe"))


@pytest.mark.parametrize(
    "amount", ["0.1", "-12345678901234567890.1234", "0", "9999999999999999999999999999999999.9999"]
)
def test_an_amount_comes_back_to_the_last_digit(engine, amount):
    write(engine, tables.postings, posting(amount=Decimal(amount)))
    with engine.connect() as connection:
        assert Decimal(amount) == connection.scalar(sa.select(tables.postings.c.amount))


@pytest.mark.parametrize("amount", ["0.00001", "NaN", "Infinity"])
def test_an_amount_that_does_not_fit_is_refused_not_rounded(engine, amount):
    with pytest.raises((InputError, sa.exc.StatementError)):
        write(engine, tables.postings, posting(amount=Decimal(amount)))


def test_an_instant_is_stored_as_utc_and_comes_back_aware(engine):
    """Invariant 14."""
    elsewhere = NOON.astimezone(timezone(timedelta(hours=9)))
    write(engine, tables.postings, posting(updated_at=elsewhere))
    with engine.connect() as connection:
        found = connection.scalar(sa.select(tables.postings.c.updated_at))
    assert (NOON, UTC) == (found, found.tzinfo)


def test_an_instant_without_a_zone_is_refused(engine):
    """Invariant 14."""
    with pytest.raises((NaiveInstantError, sa.exc.StatementError)):
        write(engine, tables.postings, posting(updated_at=NOON.replace(tzinfo=None)))


def test_one_content_is_accepted_once_and_may_be_refused_often(engine):
    batch = {
        "ingestion_batch_id": 1,
        "started_at": NOON,
        "committed_at": NOON,
        "file_count": 1,
        "lines_read": 0,
        "lines_accepted": 0,
        "lines_rejected": 0,
    }
    file = {
        "path": "a",
        "content_sha256": "same",
        "lines_read": 0,
        "lines_accepted": 0,
        "lines_rejected": 0,
        "first_seen_at": NOON,
    }
    write(engine, tables.ingestion_batches, batch)
    write(engine, tables.ingestion_files, {**file, "file_id": 1, "status": "refused"})
    write(engine, tables.ingestion_files, {**file, "file_id": 2, "status": "refused"})
    accepted = {**file, "status": "accepted", "ingestion_batch_id": 1}
    write(engine, tables.ingestion_files, {**accepted, "file_id": 3})
    with pytest.raises(sa.exc.IntegrityError):
        write(engine, tables.ingestion_files, {**accepted, "file_id": 4})


def test_lines_that_do_not_add_up_are_refused(engine):
    """Invariant 1."""
    with pytest.raises(sa.exc.IntegrityError):
        write(
            engine,
            tables.ingestion_batches,
            {
                "ingestion_batch_id": 1,
                "started_at": NOON,
                "committed_at": NOON,
                "file_count": 1,
                "lines_read": 3,
                "lines_accepted": 1,
                "lines_rejected": 1,
            },
        )


def open_and_close(settings, results):
    open_operations(settings).dispose()
    results.put("opened")


def test_two_processes_may_open_and_migrate_at_once(here):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    others = [context.Process(target=open_and_close, args=(here, results)) for _ in range(3)]
    for one in others:
        one.start()
    assert ["opened"] * 3 == [results.get(timeout=60) for _ in others]
    for one in others:
        one.join()


def test_a_reader_sees_one_state_while_another_writes(engine):
    with engine.connect() as reader:
        count = sa.select(sa.func.count()).select_from(tables.postings)
        before = reader.scalar(count)
        write(engine, tables.postings, posting())
        assert (0, 0) == (before, reader.scalar(count))


def test_empty_tables_are_exported_with_their_types(here, engine):
    write_operations_inputs(here, engine)
    postings = exported(here, "postings").schema
    assert [pa.decimal128(38, 4), pa.timestamp("us"), pa.string()] == [
        postings.field(name).type for name in ("amount", "updated_at", "state")
    ]
    parts = exported(here, "raw_parts").schema
    assert [pa.date32(), pa.int64(), pa.int32()] == [
        parts.field(name).type for name in ("event_date", "row_count", "ingestion_batch_id")
    ]
    assert pa.bool_() == exported(here, "check_results").schema.field("is_passed").type
    assert 0 == exported(here, "rejects").num_rows
    assert {"raw_text", "reject_code", "file_id"} <= set(exported(here, "rejects").column_names)


def test_rows_are_exported_as_exact_values_in_utc(here, engine):
    write(engine, tables.postings, posting(amount=Decimal("-1234.5")))
    write(
        engine,
        tables.check_results,
        {
            "revision_sha256": "ab",
            "check_name": "tiers_sum_to_their_line",
            "is_passed": True,
            "figures": {"b": "1.50", "a": None},
            "computed_at": NOON,
        },
    )
    write_operations_inputs(here, engine)
    (row,) = exported(here, "postings").to_pylist()
    assert (Decimal("-1234.5000"), NOON.replace(tzinfo=None)) == (row["amount"], row["updated_at"])
    (check,) = exported(here, "check_results").to_pylist()
    assert '{"a": null, "b": "1.50"}' == check["figures"]


def test_an_export_replaces_the_last_one_whole_and_leaves_nothing_beside(here, engine):
    write_operations_inputs(here, engine)
    write(engine, tables.postings, posting())
    write_operations_inputs(here, engine)
    assert 1 == exported(here, "postings").num_rows
    assert [] == list(here.warehouse_inputs.glob(".*"))
