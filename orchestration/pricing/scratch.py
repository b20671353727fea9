"""A warehouse of nothing but a price and a quantity, rated by the same dbt models as any month.

Belongs here: which inputs the rating models need, as one contract for one month on the prices that
are asked for; one dbt run. Does not belong here: which prices those are (question.py); reading
what came of it (answer.py).

The month is a whole cell under one price, so that nothing is shared out. The quantity stands for
what a meter counted, whatever way it counts: its meter is taken as one that sums, with one event.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, TypeAlias

import duckdb
import pyarrow as pa
import yaml

from orchestration.dbt import DBT_PROJECT_DIR, run_dbt
from orchestration.operations_db import tables as operations
from orchestration.operations_db.column_types import arrow_type_of
from orchestration.operations_db.inputs import replace_parquet
from orchestration.price_book.models import Meter
from orchestration.price_book.table_compiler import charge_price_id
from orchestration.price_book.table_schemas import TABLE_SCHEMAS, input_file_name
from orchestration.pricing.question import AskedPrices, PriceQuestion
from orchestration.settings import Settings

_MODELS: Final = (
    *("currencies", "stg_price_book__*", "+int_contracts__cells", "+int_contracts__spans"),
    *("stg_reference__sources", "tallyhouse.rating"),
)
_UNASKED: Final = (
    *("fct_line_events", "fct_metered_usage"),
    *("int_event_dates__spanned", "int_subjects__stretched", "int_usage__gathered"),
)
_METERING: Final = (
    ("intermediate", "int_usage__metered"),
    ("intermediate", "int_usage__distinct_values"),
    ("intermediate", "int_usage__kept_events"),
    ("intermediate", "int_events__set_aside"),
    ("intermediate", "int_subjects__segmented"),
    ("rating", "int_usage__gathered"),
)
_USED: Final = ("int_usage__metered", "int_usage__kept_events", "int_usage__gathered")
_BUILD: Final = ("build", "--no-write-json", "--exclude-resource-type", "unit_test", "test")
_ZONE: Final = "UTC"
_KEPT_TABLES: Final = ("products", "plans", "charge_tiers", "charge_limits")
_OWN: Final = "price"
"""Id of the one contract, of its customer and of its legal entity."""
Record: TypeAlias = dict[str, Any]

_SUMMED: Final[Record] = {
    "aggregation": "sum",
    "distinct_property": None,
    "carry_in": "zero",
    "percentile": None,
    "operation_property": None,
    "operation_add": None,
    "operation_remove": None,
    "weighted_by": None,
    "window_unit": None,
    "window_aggregation": None,
    "empty_windows": None,
}


def rate_quantity(
    scratch: Settings,
    compiled: Mapping[str, pa.Table],
    asked: AskedPrices,
    question: PriceQuestion,
) -> None:
    """Rate a quantity in a data directory of its own; what was rated there before is replaced.

    Args:
        scratch: the data directory; its parsed dbt project is used again.
        compiled: every table of a reference folder without errors.
        asked: the prices that the question means.
        question: what is asked.

    Raises:
        DbtFailedError: a model could not be built.
    """
    scratch.warehouse_inputs.mkdir(parents=True, exist_ok=True)
    scratch.warehouse_file.unlink(missing_ok=True)
    first, after = _month(question.on)
    version = {"reference_version": compiled["plans"]["reference_version"][0].as_py()}
    kept = {name: compiled[name].to_pylist() for name in _KEPT_TABLES}
    rows = (
        kept
        | _asked_rows(compiled, asked, question, first)
        | _contract_rows(version, asked, question, first, after)
    )
    for name, schema in TABLE_SCHEMAS.items():
        target = scratch.warehouse_inputs / input_file_name(name)
        replace_parquet(target, schema, [_table(schema, rows.get(name, ()))])
    _write_operations(scratch, after)
    _write_metering(scratch, asked, question)
    run_dbt(scratch, [*_BUILD, "--select", *_MODELS, "--exclude", *_UNASKED])


def _month(on: date) -> tuple[date, date]:
    first = on.replace(day=1)
    return first, date(first.year + first.month // 12, first.month % 12 + 1, 1)


def _asked_rows(
    compiled: Mapping[str, pa.Table], asked: AskedPrices, question: PriceQuestion, first: date
) -> dict[str, list[Record]]:
    """Rows of the charges and meters alone, each price in force for all of the month."""
    prices = {
        charge_price_id(question.plan_id, each.charge.id, each.version.effective_from)
        for each in asked.charges
    }
    meters = {each.meter.id for each in asked.charges}
    return {
        "charges": [
            row | {"effective_from_date": first, "effective_to_date": None}
            for row in compiled["charges"].to_pylist()
            if row["charge_price_id"] in prices
        ],
        "meters": [
            row | _SUMMED for row in compiled["meters"].to_pylist() if row["meter_id"] in meters
        ],
    }


def _contract_rows(
    version: Record, asked: AskedPrices, question: PriceQuestion, first: date, after: date
) -> dict[str, list[Record]]:
    of_contract = {"contract_id": _OWN, "legal_entity_id": _OWN, **version}
    return {
        "customers": [{"customer_id": _OWN, "customer_name": _OWN, **version}],
        "contracts": [
            of_contract
            | {
                "contract_lineage_id": _OWN,
                "customer_id": _OWN,
                "currency_code": asked.currency_code,
                "time_zone": _ZONE,
                "billing_cadence": "monthly",
                "billing_anchor_day": 1,
                "children": "none",
                "start_date": first,
                "end_date": after,
            }
        ],
        "contract_versions": [
            of_contract
            | {
                "contract_version": 1,
                "effective_from_date": first,
                "plan_id": question.plan_id,
            }
        ],
    }


def _write_operations(scratch: Settings, after: date) -> None:
    """Leave one batch that was loaded when the month was over, and no raw file."""
    over = datetime.combine(after, time())
    batch = {"ingestion_batch_id": 1, "started_at": over, "committed_at": over}
    for table, rows in ((operations.ingestion_batches, [batch]), (operations.raw_parts, [])):
        schema = pa.schema([(each.name, arrow_type_of(each.type)) for each in table.columns])
        target = scratch.warehouse_inputs / f"{table.name}.parquet"
        replace_parquet(target, schema, [_table(schema, rows)])


def _write_metering(scratch: Settings, asked: AskedPrices, question: PriceQuestion) -> None:
    """Leave the tables that metering would have left: a row per meter, none for nothing."""
    meters = {each.meter.id: each.meter for each in asked.charges}.values()
    rows = [_metered(meter, question) for meter in meters if question.quantity]
    with duckdb.connect(scratch.warehouse_file) as connection:
        for room, name in _METERING:
            columns = ", ".join(f"{column} {kind}" for column, kind in _columns_of(name))
            connection.execute(f"create schema if not exists {room}")
            connection.execute(f"create table {room}.{name} ({columns})")
            if rows and name in _USED:
                schema = connection.sql(f"from {room}.{name}").to_arrow_table().schema
                connection.register("asked_rows", _table(schema, rows))
                connection.execute(f"insert into {room}.{name} from asked_rows")


def _metered(meter: Meter, question: PriceQuestion) -> Record:
    """One event of the quantity at noon of the day, as a metered day and as a kept event."""
    noon = datetime.combine(question.on, time(12))
    quantity = question.quantity
    values = {name: question.dimensions.get(name) for name in meter.dimensions}
    return {
        "ingestion_batch_id": 1,
        "event_date": question.on,
        "system_id": _OWN,
        "event_source": _OWN,
        "subject": _OWN,
        "slice_start_at": datetime.combine(question.on, time()),
        "placed_at": noon,
        "local_date": question.on,
        "meter_id": meter.id,
        "dimension_key": json.dumps(values, separators=(",", ":"), ensure_ascii=False),
        "event_count": 1,
        "unvalued_event_count": 0,
        "negative_event_count": int(quantity < 0),
        "quantity": quantity,
        "quantity_sum": quantity,
        "is_beyond_limit": False,
        "quantity_max": quantity,
        "quantity_min": quantity,
        "latest_quantity": quantity,
        "latest_event_at": noon,
        "latest_event_nanos": 0,
        "latest_event_source": _OWN,
        "latest_event_id": _OWN,
        "event_at": noon,
        "event_at_nanos": 0,
        "event_id": _OWN,
        "first_event_at": noon,
        "last_event_at": noon,
        "digest_sum_1": 0,
        "digest_sum_2": 0,
        "customer_id": _OWN,
        "contract_id": _OWN,
        "contract_version": 1,
        "time_zone": _ZONE,
    }


def _columns_of(model: str) -> Iterator[tuple[str, str]]:
    """Yield the columns of a model of metering and their types, as its contract says."""
    [path] = DBT_PROJECT_DIR.glob(f"models/**/{model}.yml")
    [declared] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    for column in declared["columns"]:
        yield column["name"], column["data_type"]


def _table(schema: pa.Schema, rows: Iterable[Record]) -> pa.Table:
    """Return rows as a table; a column that a row does not name is null."""
    listed = list(rows)
    arrays = [
        pa.array([_cell(row.get(each.name), each.type) for row in listed], type=each.type)
        for each in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _cell(value: Any, column_type: pa.DataType) -> Any:
    is_number = value is not None and pa.types.is_decimal(column_type)
    return Decimal(value) if is_number else value
