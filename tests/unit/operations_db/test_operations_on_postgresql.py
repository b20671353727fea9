"""The operations database on PostgreSQL: the same schema, the same values, the same loads."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from orchestration.ingest import load_usage, replay_rejects
from orchestration.operations_db import (
    open_operations,
    tables,
    write_operations_inputs,
    write_transaction,
)
from orchestration.price_book.event_contracts import EventContracts
from orchestration.settings import Settings

pytestmark = pytest.mark.postgresql

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def here(postgresql_url, tmp_path_factory):
    return Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        operations_database_url=postgresql_url,
        settle_seconds=0,
        duckdb_memory_limit="512MB",
    )


@pytest.fixture
def engine(here):
    engine = open_operations(here)
    yield engine
    engine.dispose()


def test_the_migrations_lead_to_exactly_the_tables(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert [] == compare_metadata(context, tables.metadata)


def test_a_batch_may_hold_decisions_and_nothing_unknown(engine):
    rows = sa.insert(tables.ingestion_batches).values(
        ingestion_batch_id=900,
        started_at=NOON,
        committed_at=NOON,
        file_count=0,
        lines_read=0,
        lines_accepted=0,
        lines_rejected=0,
    )
    with engine.connect() as connection:
        connection.execute(rows.values(batch_kind="decisions"))
        with pytest.raises(sa.exc.IntegrityError):
            connection.execute(rows.values(ingestion_batch_id=901, batch_kind="maybe"))


def test_amounts_and_instants_are_exported_as_they_are_from_sqlite(here, engine):
    with write_transaction(engine) as connection:
        connection.execute(
            sa.insert(tables.postings).values(
                posting_key="P-1",
                document_id="d-1",
                revision_id="r-1",
                legal_entity_id="de",
                erp="sandbox",
                state="planned",
                payload_sha256="ab",
                amount=Decimal("-12345678901234567890.1234"),
                currency_code="EUR",
                updated_at=NOON,
            )
        )
    write_operations_inputs(here, engine)
    (row,) = pq.read_table(here.warehouse_inputs / "postings.parquet").to_pylist()
    assert (Decimal("-12345678901234567890.1234"), NOON.replace(tzinfo=None)) == (
        row["amount"],
        row["updated_at"],
    )


def test_usage_is_loaded_once_and_replayed(here, engine):
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/s",
        "type": "job.run",
        "subject": "t",
        "time": "2026-10-31T00:00:00Z",
        "data": {"seconds": 5},
    }
    here.landing_usage.mkdir(parents=True)
    (here.landing_usage / "a.jsonl").write_text(json.dumps(event))
    folder = here.reference_dir / "event_contracts" / "job.run"
    folder.mkdir(parents=True)
    schema = {"type": "object", "properties": {"seconds": {"type": "integer"}}}
    (folder / "1.json").write_text(json.dumps(schema))
    none, contracts = EventContracts(()), EventContracts.load(folder.parent)
    first = load_usage(here, engine, contracts=none, now=NOON)
    again = load_usage(here, engine, contracts=none, now=NOON)
    repaired = replay_rejects(here, engine, contracts=contracts, now=NOON)
    nothing = replay_rejects(here, engine, contracts=contracts, now=NOON)
    assert [(1, 0, 1), (None, 0, 0), (2, 1, 0), (None, 0, 0)] == [
        (one.ingestion_batch_id, one.lines_accepted, one.lines_rejected)
        for one in (first, again, repaired, nothing)
    ]
