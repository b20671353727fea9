"""A month of metered usage of many contracts on one plan: the same for a size, every time.

Belongs here: the tables that metering leaves and the reference data that they are rated by, made
as sets by arithmetic in DuckDB. Does not belong here: measuring; counting events (workload.py).

Every contract has one subject, which bears its name, so that summing by contract needs no join.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow.parquet as pq

from orchestration.dbt import run_dbt
from orchestration.price_book.table_schemas import TABLE_SCHEMAS, input_file_name
from orchestration.settings import Settings
from tests.dbt.rating_warehouse import (
    CONTRACT_DEFAULTS,
    REFERENCE_VERSION,
    RatingWarehouse,
    columns_of,
)

FIRST_DAY: Final = date(2026, 10, 1)
DAYS: Final = 31
ROWS_PER_CONTRACT: Final = 6 * DAYS
_PLAN: Final = "list"
_SYSTEM: Final = "product"
_LOWER: Final = Decimal(2000)
_UPPER: Final = Decimal(5000)
# Model and the three tiers' prices of each charge, which has a meter of its own.
CHARGES: Final[dict[str, tuple[str, tuple[str, str, str]]]] = {
    "api_calls": ("graduated", ("0.0125", "0.01", "0.0075")),
    "core_hours": ("graduated", ("0.31", "0.28", "0.255")),
    "egress": ("volume", ("0.08", "0.07", "0.0425")),
    "storage": ("volume", ("0.023", "0.022", "0.021")),
    "seats": ("stairstep", ("90", "240", "600")),
    "tokens": ("package", ("2.5", "2.25", "2")),
}
_WITH_ROWS: Final = ("int_usage__counted", "int_usage__series", "int_time_zone_days__listed")
# The tables of metering that the rated plan leaves empty.
_WITHOUT_ROWS: Final = (
    "int_distinct_values__counted",
    "int_events__kept",
    "int_events__set_aside",
)


def write_rating_workload(data_dir: Path, contract_count: int) -> Settings:
    """Fill a data directory's warehouse for contracts numbered from 0; returns its settings."""
    warehouse = RatingWarehouse(data_dir, known_until=datetime(2026, 12, 1, tzinfo=UTC))
    _add_plan(warehouse)
    warehouse.write_inputs()
    for table, columns in _PER_CONTRACT.items():
        _write_reference(warehouse.settings, table, columns, contract_count)
    run_dbt(warehouse.settings, ["seed"])
    _write_metered(warehouse.settings, contract_count)
    return warehouse.settings


def _add_plan(warehouse: RatingWarehouse) -> None:
    warehouse.add_plan(_PLAN)
    warehouse.add(
        "sources",
        source_prefix="/",
        system_id=_SYSTEM,
        grace_hours=0,
        is_expected_daily=False,
    )
    for charge_id, (model, prices) in CHARGES.items():
        warehouse.add_meter(charge_id)
        tiers = [
            {"upper_quantity": upper} | _tier_price(model, price)
            for upper, price in zip((_LOWER, _UPPER, None), prices, strict=True)
        ]
        warehouse.add_charge(
            f"{_PLAN}-{charge_id}",
            plan_id=_PLAN,
            charge_id=charge_id,
            charge_model=model,
            meter_id=charge_id,
            tiers={"USD": tiers},
        )


def _tier_price(model: str, price: str) -> dict[str, Decimal]:
    if model == "stairstep":
        return {"flat_amount": Decimal(price)}
    if model == "package":
        return {"unit_price": Decimal(price), "package_size": Decimal(100)}
    return {"unit_price": Decimal(price)}


_CONTRACT: Final = "'contract-' || lpad(cast(number as varchar), 7, '0')"
_CUSTOMER: Final = "'customer-' || lpad(cast(number as varchar), 7, '0')"
# SQL of each column by table; a column that is not named is null.
_PER_CONTRACT: Final[dict[str, dict[str, str]]] = {
    "customers": {"customer_id": _CUSTOMER, "customer_name": _CUSTOMER},
    "identities": {
        "system_id": f"'{_SYSTEM}'",
        "external_id": _CONTRACT,
        "customer_id": _CUSTOMER,
        "valid_from_at": "timestamp '2020-01-01 00:00:00'",
    },
    "contracts": {
        **{name: f"'{usual}'" for name, usual in CONTRACT_DEFAULTS.items()},
        "contract_id": _CONTRACT,
        "contract_lineage_id": _CONTRACT,
        "customer_id": _CUSTOMER,
        "start_date": f"date '{FIRST_DAY}'",
        "end_date": f"date '{FIRST_DAY}' + {DAYS}",
    },
    "contract_versions": {
        "contract_id": _CONTRACT,
        "contract_version": "1",
        "effective_from_date": f"date '{FIRST_DAY}'",
        "plan_id": f"'{_PLAN}'",
    },
}


def _write_reference(
    settings: Settings, table: str, columns: Mapping[str, str], contract_count: int
) -> None:
    schema = TABLE_SCHEMAS[table]
    named = {"reference_version": f"'{REFERENCE_VERSION}'"} | dict(columns)
    selected = ", ".join(f"{named.get(name, 'null')} as {name}" for name in schema.names)
    with duckdb.connect() as connection:
        rows = connection.sql(f"select {selected} from range({contract_count}) as n (number)")
        pq.write_table(
            rows.to_arrow_table().cast(schema),
            settings.warehouse_inputs / input_file_name(table),
        )


def _write_metered(settings: Settings, contract_count: int) -> None:
    """Leave what metering leaves after a batch a day; within one, rows are in no order."""
    with duckdb.connect(settings.warehouse_file, config=_config(settings)) as connection:
        connection.execute("create schema if not exists intermediate")
        for model in (*_WITH_ROWS, *_WITHOUT_ROWS):
            declared = ", ".join(f"{name} {kind}" for name, kind in columns_of(model).items())
            connection.execute(f"create or replace table intermediate.{model} ({declared})")
        connection.execute(
            f"insert into intermediate.int_time_zone_days__listed by name {_ZONE_DAYS}"
        )
        for day in range(DAYS):
            connection.execute(
                "insert into intermediate.int_usage__counted by name "
                + _COUNTED.format(day=day, contract_count=contract_count)
            )
        connection.execute(f"insert into intermediate.int_usage__series by name {_SERIES}")


def _config(settings: Settings) -> dict[str, Any]:
    return {
        "threads": settings.duckdb_threads,
        "memory_limit": settings.duckdb_memory_limit,
        "temp_directory": str(settings.warehouse / "spill"),
        "preserve_insertion_order": False,
    }


_ZONE_DAYS: Final = f"""
select
    'UTC' as time_zone,
    date '{FIRST_DAY}' + cast(day as integer) as event_date,
    date '{FIRST_DAY}' + cast(day as integer) as local_date,
    cast(date '{FIRST_DAY}' + cast(day as integer) as timestamp) as part_start_at,
    cast(date '{FIRST_DAY}' + cast(day + 1 as integer) as timestamp) as part_end_at
from range({DAYS}) as days (day)
"""
_METERS: Final = ", ".join(f"'{meter_id}'" for meter_id in CHARGES)
# Rows of six meters and one of their event type for each contract. A row is a function of its
# number; larger contracts use more, so that each of the three tiers is where some of them end.
_COUNTED: Final = f"""
with numbered as (
    select
        number,
        meter_number,
        ((number * {DAYS} + {{day}}) * 7 + meter_number) * 2654435761 % 4294967296 as mix
    from range({{contract_count}}) as contracts (number)
    cross join range({len(CHARGES) + 1}) as meters (meter_number)
),
placed as (
    select
        *,
        meter_number < {len(CHARGES)} as is_metered,
        1 + mix % 20 as events,
        cast(date '{FIRST_DAY}' + {{day}} as timestamp) as day_start_at,
        cast(
            (1 + number % 5) * cast((mix >> 8) % 100000 as decimal(18, 3)) * 0.001
            as decimal(38, 9)
        ) as quantity
    from numbered
)
select
    {{day}} + 1 as ingestion_batch_id,
    date '{FIRST_DAY}' + {{day}} as event_date,
    '{_SYSTEM}' as system_id,
    {_CONTRACT} as subject,
    day_start_at as slice_start_at,
    day_start_at + interval 1 day as slice_end_at,
    case when is_metered then 'meter' else 'event_type' end as counted_kind,
    [{_METERS}, 'usage'][1 + meter_number] as counted_id,
    '{{{{}}}}' as dimension_key,
    md5_number({_CONTRACT} || ' ' || counted_kind || ' ' || counted_id) as series_key,
    events as event_count,
    events as metered_event_count,
    0 as unvalued_event_count,
    0 as negative_event_count,
    case when is_metered then quantity end as quantity_sum,
    day_start_at + to_seconds(mix % 40000) as first_event_at,
    day_start_at + to_seconds(40000 + mix % 40000) as last_event_at,
    cast(mix as decimal(38, 0)) * 4294967291 as digest_sum_1,
    cast(mix as decimal(38, 0)) * 4294967279 as digest_sum_2
from placed
order by mix
"""
# Every series has usage on the first day.
_SERIES: Final = """
select series_key, system_id, subject, counted_id as meter_id, dimension_key
from intermediate.int_usage__counted
where ingestion_batch_id = 1 and counted_kind = 'meter'
"""
