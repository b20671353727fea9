"""A data directory with raw events and reference data, for tests of de-duplication and metering.

Belongs here: writing raw files and dbt's inputs as ingestion and the price book would, one dbt run,
and reading what came out. Does not belong here: what an event is (raw_events.py); any expected
figure.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import duckdb
import pyarrow as pa
from rating_warehouse import CHARGE_DEFAULTS, write_rows
from raw_events import (
    AFFECTED_FIELDS,
    KEY_FIELDS,
    LOADED_AT,
    Event,
    affected_rows,
    event_rows,
    event_schema,
    key_rows,
)

from orchestration.audit import write_audit_inputs
from orchestration.billing.correction_causes import CAUSE_SCHEMA
from orchestration.billing.entries import PLACE_SCHEMA, REGISTER_ENTRY_SCHEMA, joined
from orchestration.billing.policy_inputs import write_policy_inputs
from orchestration.billing.rerating_inputs import write_rerating_inputs
from orchestration.billing.waivers import WAIVER_INPUT_SCHEMA
from orchestration.dbt import run_dbt
from orchestration.exceptions.inputs import write_age_limits
from orchestration.ingest.digests import key_hash_of
from orchestration.operations_db.column_types import arrow_type_of
from orchestration.operations_db.inputs import EXPORTED_TABLES, REJECT_INPUT_SCHEMA
from orchestration.price_book.policy import ExceptionPolicy
from orchestration.price_book.table_schemas import TABLE_SCHEMAS, input_file_name
from orchestration.settings import Settings
from orchestration.shadow.inputs import keep_shadow_inputs
from orchestration.stewardship.decision_rows import RAW_DECISION_SCHEMA

METERING = (
    "+int_usage__metered",
    "+int_usage__distinct_values",
    "+int_usage__kept_events",
    "+int_events__counted",
    "+int_contracts__cells",
)
METERING_AGAIN = (
    "stg_usage__source_days",
    "stg_usage__event_decisions",
    "stg_usage__events",
    "tallyhouse.intermediate",
)
NOT_METERED = ("int_control_totals__standing", "int_control_totals__arrived")
"""What of intermediate compares metered days, and is tested where it is compared."""


class UsageWarehouse:
    """Load batches, state reference data, count, read tables."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.is_built = False
        self.parts: list[dict[str, Any]] = []
        self.register_sequence = 0
        self.reference: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLE_SCHEMAS}
        self.add_source("/gateway/", "product")

    def add(self, table: str, **columns: Any) -> None:
        """Add one row of reference data."""
        self.reference[table].append(columns)

    def add_source(self, source_prefix: str, system_id: str) -> None:
        """Let the sources with a prefix belong to a system."""
        self.add(
            "sources",
            source_prefix=source_prefix,
            system_id=system_id,
            grace_hours=36,
            is_expected_daily=False,
        )

    def add_meter(self, meter_id: str, aggregation: str = "count", **columns: Any) -> None:
        """Add a meter; `value` names its only factor, `version` goes into its digest."""
        value, version = columns.pop("value", None), columns.pop("version", 1)
        given = {
            "meter_id": meter_id,
            "meter_name": meter_id,
            "unit": "unit",
            "aggregation": aggregation,
            "event_types": ["call"],
            "value_factors": [{"property": value}] if value else [],
            "filters": [],
            "dimensions": [],
            "is_negative_allowed": False,
            "carry_in": "zero",
            "keeps_each_event": False,
            "definition_digest": f"{meter_id} {version}",
        }
        self.add("meters", **given | columns)

    def add_customer(
        self,
        customer_id: str,
        subject: str,
        *,
        time_zone: str = "UTC",
        contract_id: str | None = None,
        start_date: date = date(2020, 1, 1),
        end_date: date | None = None,
        lineage_id: str | None = None,
        plan_id: str = "plan",
    ) -> None:
        """Add an identity without end, and a contract with one version."""
        contract = contract_id or f"{customer_id}-contract"
        if not any(row["external_id"] == subject for row in self.reference["identities"]):
            self.add(
                "identities",
                system_id="product",
                external_id=subject,
                customer_id=customer_id,
                valid_from_at=datetime.fromisoformat("2020-01-01"),
            )
        self.add(
            "contracts",
            contract_id=contract,
            contract_lineage_id=lineage_id or contract,
            customer_id=customer_id,
            legal_entity_id="entity",
            currency_code="USD",
            time_zone=time_zone,
            billing_cadence="monthly",
            billing_anchor_day=1,
            children="none",
            start_date=start_date,
            end_date=end_date,
        )
        self.add(
            "contract_versions",
            contract_id=contract,
            contract_version=1,
            effective_from_date=start_date,
            plan_id=plan_id,
        )

    def add_charge(self, plan_id: str, meter_id: str, *, cut: date | None = None) -> None:
        """Let a plan charge a meter, at another price from a cut on."""
        first = date(2020, 1, 1)
        for start, end in [(first, cut), (cut, None)] if cut else [(first, None)]:
            self._add_price(plan_id, meter_id, start, end)

    def _add_price(self, plan_id: str, meter_id: str, start: date, end: date | None) -> None:
        priced = {
            "charge_price_id": f"{plan_id}/{meter_id}/{start}",
            "plan_id": plan_id,
            "charge_id": f"{plan_id}-{meter_id}",
            "meter_id": meter_id,
            "charge_model": "per_unit",
            "effective_from_date": start,
            "effective_to_date": end,
        }
        self.add("charges", **CHARGE_DEFAULTS | priced)

    def load(self, *events: Event) -> int:
        """Commit one batch as ingestion would, in the given order; return its number."""
        batch = 1 + max((part["ingestion_batch_id"] for part in self.parts), default=0)
        rows = event_rows(batch, events)
        by_date = defaultdict(list)
        for row in rows:
            by_date[row["event_date"]].append(row)
        for event_date, found in sorted(by_date.items()):
            folder = f"raw/events/ingestion_batch_id={batch}/event_date={event_date}"
            self._write_part(
                f"{folder}/part-0.parquet", event_schema(found), found, event_date=event_date
            )
        self._write_part(f"raw/keys/batch-{batch}.parquet", pa.schema(KEY_FIELDS), key_rows(rows))
        self._write_part(
            f"raw/affected/batch-{batch}.parquet",
            pa.schema(AFFECTED_FIELDS),
            affected_rows(batch, rows),
        )
        return batch

    def decide(self, *decisions: Mapping[str, Any]) -> int:
        """Commit one batch of decisions as their delivery would; return its number."""
        batch = 1 + max((part["ingestion_batch_id"] for part in self.parts), default=0)
        self.register_sequence += 1
        rows = [
            {
                "ingestion_batch_id": batch,
                "register_sequence": self.register_sequence,
                "manifest_sha256": f"{self.register_sequence:064x}",
                "decision_number": number,
                "reason": "because",
                "author": "ines",
                "author_source": "self_declared",
                "decided_at": LOADED_AT,
                "key_hash": key_hash_of(decision["event_source"], decision["event_id"]),
                **decision,
            }
            for number, decision in enumerate(decisions, start=1)
        ]
        self._write_part(f"raw/decisions/batch-{batch}.parquet", RAW_DECISION_SCHEMA, rows)
        return batch

    def _write_part(
        self,
        path: str,
        schema: pa.Schema,
        rows: Sequence[dict[str, Any]],
        *,
        event_date: date | None = None,
    ) -> None:
        target = self.settings.data_dir / path
        write_rows(target, schema, rows)
        batch = re.search(r"\d+", path)
        assert batch is not None
        self.parts.append(
            {
                "path": path,
                "ingestion_batch_id": int(batch[0]),
                "part_kind": path.split("/")[1],
                "event_date": event_date,
                "content_sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
                "row_count": len(rows),
                "byte_size": target.stat().st_size,
            }
        )

    def count(self, *arguments: str, select: Sequence[str] | None = None) -> None:
        """Write every input, then run the models; views of inputs stand after the first time."""
        self.write_inputs()
        models = select or (METERING_AGAIN if self.is_built else METERING)
        excluded = () if select else ("--exclude", *NOT_METERED)
        run_dbt(self.settings, ["run", "--select", *models, *excluded, *arguments])
        self.is_built = True

    def write_inputs(self) -> None:
        inputs = self.settings.warehouse_inputs
        batches = sorted({part["ingestion_batch_id"] for part in self.parts})
        rows = {
            "raw_parts": self.parts,
            "ingestion_batches": [
                {
                    "ingestion_batch_id": batch,
                    "batch_kind": "load",
                    "started_at": LOADED_AT,
                    "committed_at": LOADED_AT,
                    "file_count": 1,
                    "lines_read": 0,
                    "lines_accepted": 0,
                    "lines_rejected": 0,
                }
                for batch in batches
            ],
        }
        for table in EXPORTED_TABLES:
            schema = pa.schema(
                [pa.field(column.name, arrow_type_of(column.type)) for column in table.columns]
            )
            write_rows(inputs / f"{table.name}.parquet", schema, rows.get(table.name, []))
        write_rows(inputs / "rejects.parquet", REJECT_INPUT_SCHEMA, [])
        write_rows(inputs / "register_entries.parquet", REGISTER_ENTRY_SCHEMA, [])
        write_rows(inputs / "correction_causes.parquet", joined(PLACE_SCHEMA, CAUSE_SCHEMA), [])
        write_rows(inputs / "exception_waivers.parquet", WAIVER_INPUT_SCHEMA, [])
        write_age_limits(self.settings, ExceptionPolicy())
        write_rerating_inputs(self.settings, "nothing was asked")
        keep_shadow_inputs(self.settings)
        write_policy_inputs(self.settings, None)
        write_audit_inputs(self.settings)
        for name, found in self.reference.items():
            write_rows(
                inputs / input_file_name(name),
                TABLE_SCHEMAS[name],
                [{"reference_version": "0123456789abcdef"} | row for row in found],
            )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Answer a query of the warehouse."""
        with duckdb.connect(self.settings.warehouse_file) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(query).fetchall()

    def counted(self) -> list[tuple[Any, ...]]:
        """Everything that metering keeps between runs, in a fixed order."""
        tables = (
            "int_usage__counted",
            "int_distinct_values__counted",
            "int_events__kept",
            "int_events__set_aside",
            "int_event_contents__kept",
        )
        assert not self.unlisted_series()
        return [
            row for table in tables for row in self.rows(f"from intermediate.{table} order by all")
        ]

    def unlisted_series(self) -> list[tuple[Any, ...]]:
        """What was counted of a series that is not listed, or is listed with another name."""
        names = "series_key, system_id, subject, dimension_key"
        return self.rows(
            f"select {names}, counted_id from intermediate.int_usage__counted "
            "where counted_kind = 'meter' "
            f"except select {names}, meter_id from intermediate.int_usage__series"
        )

    def usage(self, figure: str = "event_count", of: str = "meter_id") -> dict[Any, Any]:
        """The sum of a metered figure by meter, or by other columns."""
        found = self.rows(
            f"select {of}, sum({figure}) from intermediate.int_usage__metered group by {of}"
        )
        return {row[0] if len(row) == 2 else row[:-1]: row[-1] for row in found}
