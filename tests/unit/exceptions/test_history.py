"""The history is taken over from the models as it stands there, and twice changes nothing."""

from datetime import UTC, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from billing_rows import NOW
from exception_house import history_row

from orchestration.exceptions.history import keep_exceptions, read_history
from orchestration.exceptions.inputs import write_age_limits
from orchestration.operations_db.column_types import arrow_type_of
from orchestration.operations_db.tables import exceptions
from orchestration.price_book.policy import ExceptionPolicy

SCHEMA = pa.schema([(column.name, arrow_type_of(column.type)) for column in exceptions.columns])


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        connection.execute("create schema billing")
        yield connection


def built(warehouse, *rows):
    naive = [
        {
            name: value.replace(tzinfo=None) if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in rows
    ]
    warehouse.register("given", pa.Table.from_pylist(naive, schema=SCHEMA))
    warehouse.execute("create or replace table billing.fct_exception_history as from given")


def test_what_a_build_found_is_kept_to_the_last_digit_and_instants_are_utc(house, warehouse):
    row = history_row(
        "exact",
        amount_at_risk=Decimal("12345678901234567890.0001"),
        quantity_at_risk=Decimal("0.000000001"),
        opened_at=datetime(2026, 10, 5, 23, 59, 59, 999999, tzinfo=UTC),
    )
    built(warehouse, row)
    assert 1 == keep_exceptions(house.world.settings, warehouse, house.world.engine)
    [kept] = [each for each in read_history(house.world.engine) if each["exception_id"] == "exact"]
    assert row == dict(kept)


def test_keeping_one_build_twice_changes_no_row(house, warehouse):
    """Invariant 9."""
    built(warehouse, history_row("a"), history_row("b", amount_at_risk=None, currency_code=None))
    assert 2 == keep_exceptions(house.world.settings, warehouse, house.world.engine)
    assert 0 == keep_exceptions(house.world.settings, warehouse, house.world.engine)


def test_only_rows_that_changed_are_written_and_none_is_ever_dropped(house, warehouse):
    built(warehouse, history_row("a"), history_row("b"))
    keep_exceptions(house.world.settings, warehouse, house.world.engine)
    built(warehouse, history_row("a", resolved_at=NOW, resolved_batch_id=2))
    assert 1 == keep_exceptions(house.world.settings, warehouse, house.world.engine)
    kept = {each["exception_id"]: each["resolved_at"] for each in read_history(house.world.engine)}
    assert (NOW, None) == (kept["a"], kept["b"])


def test_a_build_without_the_model_changes_nothing(house, warehouse):
    before = read_history(house.world.engine)
    assert 0 == keep_exceptions(house.world.settings, warehouse, house.world.engine)
    assert before == read_history(house.world.engine)


def test_dbt_reads_every_limit_with_the_default(house):
    policy = ExceptionPolicy.model_validate({"age_limits_days": {"finance": 5}})
    write_age_limits(house.world.settings, policy)
    path = house.world.settings.warehouse_inputs / "exception_age_limits.parquet"
    with duckdb.connect() as connection:
        rows = connection.execute("from read_parquet($path)", {"path": str(path)}).fetchall()
    assert [("default", 31), ("finance", 5)] == rows
