"""A warehouse of metered usage and reference data with nothing before them, for rating tests.

Belongs here: writing dbt's inputs and the tables that metering would have left, one dbt run, and
reading what came out. Does not belong here: any expected figure.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from orchestration.audit import write_audit_inputs
from orchestration.billing.correction_causes import CAUSE_SCHEMA
from orchestration.billing.entries import PLACE_SCHEMA, REGISTER_ENTRY_SCHEMA, joined
from orchestration.billing.policy_inputs import write_policy_inputs
from orchestration.billing.rerating_inputs import write_rerating_inputs
from orchestration.billing.waivers import WAIVER_INPUT_SCHEMA
from orchestration.dbt import DBT_PROJECT_DIR, run_dbt
from orchestration.exceptions.inputs import write_age_limits
from orchestration.operations_db import open_operations, write_operations_inputs
from orchestration.price_book.moments import start_instant
from orchestration.price_book.policy import ExceptionPolicy
from orchestration.price_book.table_schemas import TABLE_SCHEMAS, input_file_name
from orchestration.settings import Settings
from orchestration.shadow.inputs import keep_shadow_inputs

Row = Mapping[str, Any]

REFERENCE_VERSION = "0123456789abcdef"
BEFORE = (
    "tallyhouse.staging",
    "int_contracts__cells",
    "int_contracts__spans",
    "int_customers__parents",
    "int_subjects__segmented",
    "int_time_zone_days__listed",
    "int_source_days__arrived",
)
RATING = (*BEFORE, "tallyhouse.rating")
TOTALS = ("int_control_totals__standing", "int_control_totals__arrived")
BILLING = (*RATING, *TOTALS, "tallyhouse.billing", "tallyhouse.reconciliation")

# Gathering resolves what metering counts: what it would have made is written, not built.
GATHERED = ("int_usage__gathered",)
UNTESTED = ("--exclude-resource-types", "test", "unit_test")

CHARGE_DEFAULTS = {
    "charge_name": "Charge",
    "product_id": "product",
    "billing_timing": "arrears",
    "effective_from_date": date(2020, 1, 1),
    "convert_multiply": Decimal(1),
    "convert_divide": Decimal(1),
    "convert_rounding": "none",
    "convert_decimals": 0,
    "package_rounding": "up",
    "package_counting": "total",
    "free_quantity": Decimal(0),
    "zero_usage": "skip",
    "ladder": "continue",
    "proration": "day",
    "on_termination": "prorated",
    "rounding_mode": "half_away",
}
METER_DEFAULTS = {
    "meter_name": "Meter",
    "unit": "unit",
    "aggregation": "sum",
    "event_types": ["usage"],
    "value_factors": [{"property": "quantity"}],
    "filters": [],
    "dimensions": [],
    "is_negative_allowed": False,
    "carry_in": "zero",
    "keeps_each_event": False,
    "definition_digest": "d",
}
CONTRACT_DEFAULTS = {
    "legal_entity_id": "entity",
    "currency_code": "USD",
    "time_zone": "UTC",
    "billing_cadence": "monthly",
    "billing_anchor_day": 1,
    "start_date": date(2026, 1, 1),
    "children": "none",
}
TABLE_DEFAULTS = {
    "credit_grants": {"draws_by": "service_date", "restores_after_expiry": "forfeit"},
}


def instant(*parts: int) -> datetime:
    """A UTC instant as DuckDB and Parquet keep it: naive."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


_GATHERED = f"""
create or replace table rating.int_usage__gathered as
select
    * exclude (quantity_sum, slice_start_at),
    slice_start_at as placed_at,
    case when abs(quantity_sum) < {10**20} then quantity_sum end as quantity_sum,
    coalesce(abs(quantity_sum) >= {10**20}, false) as is_beyond_limit
from intermediate.int_usage__metered
where contract_id is not null
"""


class RatingWarehouse:
    """One data directory: add rows, build once, read tables.

    Attributes:
        known_until: the instant up to which usage is loaded.
    """

    def __init__(
        self, data_dir: Path, *, known_until: datetime = datetime(2026, 12, 1, tzinfo=UTC)
    ):
        self.settings = Settings.load(data_dir)
        self.known_until = known_until
        self.reference: dict[str, list[Row]] = {name: [] for name in TABLE_SCHEMAS}
        self.register: list[Row] = []
        self.metered: list[Row] = []
        self.distinct_values: list[Row] = []
        self.kept_events: list[Row] = []
        self.events: list[Row] = []
        self.set_aside: list[Row] = []
        self.add(
            "products",
            product_id="product",
            product_name="P",
            erp_item="ITEM",
            revenue_account="4000",
        )
        self.add(
            "legal_entities",
            legal_entity_id="entity",
            legal_entity_name="Entity",
            country_code="US",
            functional_currency_code="USD",
            time_zone="UTC",
        )

    def add(self, table: str, **columns: Any) -> None:
        self.reference[table].append(TABLE_DEFAULTS.get(table, {}) | columns)

    def add_plan(self, plan_id: str) -> None:
        self.add("plans", plan_id=plan_id, plan_name=plan_id)

    def add_meter(self, meter_id: str, **columns: Any) -> None:
        self.add("meters", **METER_DEFAULTS | {"meter_id": meter_id} | columns)

    def add_charge(
        self,
        charge_price_id: str,
        *,
        plan_id: str,
        charge_id: str,
        charge_model: str,
        tiers: Mapping[str, Sequence[Row]],
        **columns: Any,
    ) -> None:
        """Add a price version; tiers: per currency, rows of upper_quantity, unit_price."""
        given = {
            "charge_price_id": charge_price_id,
            "plan_id": plan_id,
            "charge_id": charge_id,
            "charge_model": charge_model,
        }
        self.add("charges", **CHARGE_DEFAULTS | given | columns)
        for currency_code, rows in tiers.items():
            lower = Decimal(0)
            for number, row in enumerate(rows, start=1):
                self.add(
                    "charge_tiers",
                    **{"unit_price": Decimal(0), "flat_amount": Decimal(0), "is_unpriced": False}
                    | {
                        "charge_price_id": charge_price_id,
                        "currency_code": currency_code,
                        "tier_number": number,
                        "lower_quantity": lower,
                    }
                    | dict(row),
                )
                lower = row.get("upper_quantity") or Decimal(0)

    def add_contract(self, contract_id: str, *, plan_id: str | None = None, **columns: Any) -> None:
        """Add a contract of a customer of the same name, with one version where a plan is given."""
        row = (
            CONTRACT_DEFAULTS
            | {
                "contract_id": contract_id,
                "contract_lineage_id": contract_id,
                "customer_id": f"customer-{contract_id}",
            }
            | columns
        )
        self.add("contracts", **row)
        self.add("customers", customer_id=row["customer_id"], customer_name=row["customer_id"])
        if plan_id is not None:
            self.add(
                "contract_versions",
                contract_id=contract_id,
                contract_version=1,
                effective_from_date=row["start_date"],
                plan_id=plan_id,
            )

    def use(
        self,
        contract_id: str,
        meter_id: str,
        local_date: date,
        quantity: Decimal | int | str = 1,
        *,
        batch: int = 1,
        at: datetime | None = None,
        dimension_key: str = "{}",
        event_count: int = 1,
        unvalued_event_count: int = 0,
        event_id: str = "e",
        customer_id: str | None = None,
        subject: str | None = None,
    ) -> None:
        """Add one metered row, as a day of one subject in one batch."""
        noon = at or instant(local_date.year, local_date.month, local_date.day, 12)
        amount = Decimal(quantity)
        self.metered.append(
            {
                "ingestion_batch_id": batch,
                "event_date": local_date,
                "system_id": "product",
                "event_source": "/gateway",
                "subject": subject or contract_id,
                "slice_start_at": None,
                "local_date": local_date,
                "meter_id": meter_id,
                "dimension_key": dimension_key,
                "event_count": event_count,
                "unvalued_event_count": unvalued_event_count,
                "negative_event_count": 0,
                "quantity_sum": amount,
                "quantity_max": amount,
                "quantity_min": amount,
                "latest_quantity": amount,
                "latest_event_at": noon,
                "latest_event_nanos": 0,
                "latest_event_source": "/gateway",
                "latest_event_id": event_id,
                "first_event_at": noon,
                "last_event_at": noon,
                "digest_sum_1": 1,
                "digest_sum_2": 2,
                "customer_id": customer_id or f"customer-{contract_id}",
                "contract_id": contract_id,
                "contract_version": 1,
                "time_zone": "UTC",
                "resolution_code": None,
            }
        )

    def keep_event(
        self,
        contract_id: str,
        meter_id: str,
        at: datetime,
        quantity: Decimal | int | str,
        *,
        event_id: str = "e",
        nanos: int = 0,
        dimension_key: str = "{}",
    ) -> None:
        """Add one event with a value of a meter that keeps each event, as metered rows too."""
        self.use(
            contract_id,
            meter_id,
            at.date(),
            quantity,
            at=at,
            event_id=event_id,
            dimension_key=dimension_key,
        )
        self.kept_events.append(
            self.metered[-1]
            | {
                "event_at": at,
                "event_at_nanos": nanos,
                "event_id": event_id,
                "quantity": Decimal(quantity),
            }
        )

    def build(self, *selected: str) -> None:
        """Write every input and run the selected models."""
        self.write_inputs()
        self.write_tables()
        run_dbt(
            self.settings,
            [
                "build",
                "--exclude",
                *GATHERED,
                "--select",
                "resource_type:seed",
                *selected,
                *UNTESTED,
            ],
        )

    def write_inputs(self) -> None:
        inputs = self.settings.warehouse_inputs
        write_operations_inputs(self.settings, open_operations(self.settings))
        for table, rows in self.reference.items():
            write_rows(
                inputs / input_file_name(table),
                TABLE_SCHEMAS[table],
                [{"reference_version": REFERENCE_VERSION} | dict(row) for row in rows],
            )
        write_rows(inputs / "register_entries.parquet", REGISTER_ENTRY_SCHEMA, self.register)
        write_rows(inputs / "correction_causes.parquet", joined(PLACE_SCHEMA, CAUSE_SCHEMA), [])
        write_rows(inputs / "exception_waivers.parquet", WAIVER_INPUT_SCHEMA, [])
        write_age_limits(self.settings, ExceptionPolicy())
        write_rerating_inputs(self.settings, "nothing was asked")
        keep_shadow_inputs(self.settings)
        write_policy_inputs(self.settings, None)
        write_audit_inputs(self.settings)
        batches = pq.read_schema(inputs / "ingestion_batches.parquet")
        loaded_at = self.known_until.replace(tzinfo=None)
        write_rows(
            inputs / "ingestion_batches.parquet",
            batches,
            [
                {
                    "ingestion_batch_id": 1,
                    "batch_kind": "load",
                    "started_at": loaded_at,
                    "committed_at": loaded_at,
                    "file_count": 0,
                    "lines_read": 0,
                    "lines_accepted": 0,
                    "lines_rejected": 0,
                }
            ],
        )

    def write_tables(self) -> None:
        """Leave the tables that metering would have left."""
        with duckdb.connect(self.settings.warehouse_file) as connection:
            connection.execute("create schema if not exists intermediate")
            for name, rows in (
                ("int_usage__counted", []),
                ("int_usage__series", []),
                ("int_usage__metered", self._sliced(self.metered)),
                ("int_usage__distinct_values", self._sliced(self.distinct_values)),
                ("int_usage__kept_events", self._sliced(self.kept_events)),
                ("int_events__counted", self.events),
                ("int_events__set_aside", self.set_aside),
                ("int_event_contents__kept", []),
                ("int_event_decisions__standing", []),
                ("int_retracted_events__metered", []),
            ):
                columns = ", ".join(f"{column} {kind}" for column, kind in columns_of(name).items())
                connection.execute(f"create or replace table intermediate.{name} ({columns})")
                if rows:
                    schema = connection.sql(f"from intermediate.{name}").to_arrow_table().schema
                    metered_rows = table_of(schema, rows)
                    connection.register("metered_rows", metered_rows)
                    connection.execute(f"insert into intermediate.{name} from metered_rows")
            connection.execute("create schema if not exists rating")
            connection.execute(_GATHERED)

    def _sliced(self, rows: Iterable[Row]) -> list[Row]:
        """Rows of whole local days, each with the instant at which its day starts."""
        zones = {row["contract_id"]: row["time_zone"] for row in self.reference["contracts"]}
        return [
            {
                **row,
                "slice_start_at": row.get("slice_start_at")
                or start_instant(row["local_date"], zones.get(row["contract_id"], "UTC")).replace(
                    tzinfo=None
                ),
            }
            for row in rows
        ]

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Answer a query as one dictionary per row."""
        with duckdb.connect(self.settings.warehouse_file, read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            answer = connection.execute(query)
            names = [column[0] for column in answer.description]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def columns_of(model: str) -> dict[str, str]:
    """The columns of a model of intermediate and their types, as its contract says."""
    path = DBT_PROJECT_DIR / "models" / "intermediate" / f"{model}.yml"
    [declared] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    return {column["name"]: column["data_type"] for column in declared["columns"]}


def write_rows(path: Path, schema: pa.Schema, rows: Iterable[Row]) -> None:
    """Write rows as one Parquet file; a column that no row names is null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table_of(schema, rows), path)


def table_of(schema: pa.Schema, rows: Iterable[Row]) -> pa.Table:
    """Rows as a table; a decimal with more digits than its column is refused by Arrow."""
    listed = list(rows)
    arrays = [
        pa.array([exact(row.get(field.name), field.type) for row in listed], type=field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def exact(cell: Any, column_type: pa.DataType) -> Any:
    """A whole number or a text as the decimal that its column holds."""
    if cell is None or not pa.types.is_decimal(column_type):
        return cell
    return Decimal(cell)
