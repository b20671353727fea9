"""A small company with candidates in its warehouse, for tests of freezing and signing.

Belongs here: plain tables as dbt and the reference loader would leave them. Does not belong here:
any expectation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.billing.checks import CheckFigure
from orchestration.billing.entries import ENTRY_SCHEMA
from orchestration.billing.freeze import Revision, freeze
from orchestration.billing.register import Register
from orchestration.billing.revisions import CANDIDATE_DOCUMENT_SCHEMA, LINE_SCHEMA
from orchestration.billing.sign_off import Signer, SignOff, sign_off
from orchestration.operations_db import open_operations
from orchestration.operations_db.tables import ingestion_batches, raw_parts
from orchestration.price_book.policy import SignOffPolicy
from orchestration.price_book.table_schemas import TABLE_SCHEMAS
from orchestration.settings import Settings

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PERIOD = "2026-10"
VERSION = "a1b2c3d4e5f60718"
OLIVIA = Signer(name="olivia@example.com", source="verified", run_id="run-1")
SELF_DECLARED = Signer(name="olivia@example.com", source="self_declared", run_id="run-1")
CONSERVATION_SCHEMA = pa.schema(
    [
        ("invariant_number", pa.int32()),
        ("check_name", pa.string()),
        ("scope_kind", pa.string()),
        ("scope_id", pa.string()),
        ("unit", pa.string()),
        ("first_billing_period", pa.string()),
        ("left_label", pa.string()),
        ("left_figure", pa.decimal128(38, 9)),
        ("right_label", pa.string()),
        ("right_figure", pa.decimal128(38, 9)),
        ("difference", pa.decimal128(38, 9)),
        ("is_held", pa.bool_()),
    ]
)
SOURCE_DAYS_SCHEMA = pa.schema(
    [
        ("source_prefix", pa.string()),
        ("usage_date", pa.date32()),
        ("first_billing_period", pa.string()),
        ("grace_ends_at", pa.timestamp("us")),
        ("arrival", pa.string()),
    ]
)
ALL_HELD = tuple((number, f"invariant_{number}_holds") for number in range(1, 8))


@dataclass(frozen=True, kw_only=True)
class Line:
    """One candidate line; its settlement key names customer and charge."""

    customer_id: str = "acme"
    charge_id: str = "tokens"
    rated: str = "100.00"
    before: str = "0"
    legal_entity_id: str = "us"
    currency_code: str = "USD"
    billing_period: str = PERIOD
    document_id: str | None = None
    cause: str = "new"
    amount: str | None = None

    @property
    def settlement_key(self) -> str:
        return f"{self.legal_entity_id}|{self.customer_id}|{self.charge_id}|2026-10-01"

    @property
    def document(self) -> str:
        return self.document_id or f"INV-{self.legal_entity_id}-{self.customer_id}"

    @property
    def due(self) -> Decimal:
        if self.amount is not None:
            return Decimal(self.amount)
        return Decimal(self.rated) - Decimal(self.before)


def policy(**changes: Any) -> SignOffPolicy:
    plain: dict[str, Any] = {
        "approvers": [
            {
                "name": "olivia@example.com",
                "legal_entities": "all",
                "up_to_amount": {"USD": "10000", "EUR": "10000", "JPY": "1000000"},
            },
            {
                "name": "henrik@example.com",
                "legal_entities": ["de"],
                "up_to_amount": "unlimited",
            },
            {"name": "ana@example.com", "legal_entities": "all", "up_to_amount": "unlimited"},
        ],
        "four_eyes": True,
        "accepts_self_declared": True,
    }
    return SignOffPolicy.model_validate(plain | changes)


@dataclass
class BillingWorld:
    """One data directory with a warehouse, a reference version and an operations database."""

    data_dir: Path
    settings: Settings = field(init=False)
    engine: Engine = field(init=False)
    policy: SignOffPolicy = field(default_factory=policy)

    def __post_init__(self) -> None:
        self.settings = Settings(data_dir=self.data_dir, may_sign_self_declared=True)
        self.engine = open_operations(self.settings)

    @property
    def register(self) -> Register:
        return Register(self.settings.register)

    def build(self, *lines: Line) -> "BillingWorld":
        """Everything that freeze reads, with these candidates and every invariant held."""
        self.put_reference()
        self.put_batches(1, 2)
        self.put_candidates(*lines)
        self.put_conservation()
        self.put_source_days()
        return self

    def put_batches(self, *batch_ids: int) -> None:
        batches = [
            {
                "ingestion_batch_id": batch_id,
                "started_at": NOW,
                "committed_at": NOW,
                "file_count": 1,
                "lines_read": 3,
                "lines_accepted": 3,
                "lines_rejected": 0,
            }
            for batch_id in batch_ids
        ]
        parts = [
            {
                "path": f"raw/events/ingestion_batch_id={batch_id}/part-0.parquet",
                "ingestion_batch_id": batch_id,
                "part_kind": "events",
                "content_sha256": f"{batch_id:064d}",
                "row_count": 3,
                "byte_size": 10,
            }
            for batch_id in batch_ids
        ]
        with self.engine.begin() as connection:
            for table in (raw_parts, ingestion_batches):
                connection.execute(sa.delete(table))
            connection.execute(sa.insert(ingestion_batches), batches)
            connection.execute(sa.insert(raw_parts), parts)
        self.put_warehouse_table(
            "staging.stg_ingestion__batches",
            pa.table({"ingestion_batch_id": pa.array(batch_ids, pa.int32())}),
        )
        self.put_warehouse_table(
            "intermediate.model_progress",
            pa.table(
                {
                    "model_name": ["int_usage__metered"],
                    "last_batch_id": pa.array([max(batch_ids)], pa.int32()),
                }
            ),
        )

    def put_candidates(self, *lines: Line, version: str = VERSION) -> None:
        """Replace candidates and rated lines."""
        by_document: dict[str, list[Line]] = {}
        for line in lines:
            by_document.setdefault(line.document, []).append(line)
        documents = [
            {
                "document_id": document_id,
                "document_kind": "invoice"
                if sum(each.due for each in group) >= 0
                else "credit_memo",
                "legal_entity_id": group[0].legal_entity_id,
                "bill_to_customer_id": group[0].customer_id,
                "currency_code": group[0].currency_code,
                "billing_period": group[0].billing_period,
                "line_count": len(group),
                "amount": sum((each.due for each in group), Decimal(0)),
            }
            for document_id, group in by_document.items()
        ]
        rows = [
            _line_row(line, number)
            for group in by_document.values()
            for number, line in enumerate(group, 1)
        ]
        rated = [
            {
                "settlement_key": line.settlement_key,
                "contract_id": f"contract-{line.customer_id}",
                "contract_version": 1,
                "charge_price_id": f"growth/{line.charge_id}/2026-01-01",
                "reference_version": version,
            }
            for line in (lines or [Line()])
        ]
        self.put_warehouse_table(
            "billing.fct_invoice_candidates",
            pa.Table.from_pylist(documents, schema=CANDIDATE_DOCUMENT_SCHEMA),
        )
        self.put_warehouse_table(
            "billing.fct_invoice_candidate_lines", pa.Table.from_pylist(rows, schema=LINE_SCHEMA)
        )
        self.put_warehouse_table("rating.fct_rated_lines", pa.Table.from_pylist(rated))

    def put_conservation(
        self,
        held: Sequence[tuple[int, str]] = ALL_HELD,
        *,
        broken: Sequence[tuple[int, str, str, str]] = (),
        bears_on_from: str | None = None,
    ) -> None:
        """Replace fct_conservation; broken rows are (invariant, name, scope kind, scope id).

        bears_on_from is the first billing period of every broken row whose scope is not all.
        """
        rows = [(number, name, "all", "", True) for number, name in held]
        rows += [(*row, False) for row in broken]
        self.put_warehouse_table(
            "reconciliation.fct_conservation",
            pa.Table.from_pylist(
                [
                    {
                        "invariant_number": number,
                        "check_name": name,
                        "scope_kind": kind,
                        "scope_id": scope,
                        "unit": "lines",
                        "first_billing_period": None if kind == "all" else bears_on_from,
                        "left_label": "read",
                        "left_figure": Decimal("10.000000000"),
                        "right_label": "accounted",
                        "right_figure": Decimal("10.000000000" if is_held else "9.000000000"),
                        "difference": Decimal("0.000000000" if is_held else "1.000000000"),
                        "is_held": is_held,
                    }
                    for number, name, kind, scope, is_held in rows
                ],
                schema=CONSERVATION_SCHEMA,
            ),
        )

    def put_source_days(self, *days: tuple[date, str, datetime, str]) -> None:
        """Replace fct_source_days; days are (day, first period, end of its grace, arrival)."""
        self.put_warehouse_table(
            "reconciliation.fct_source_days",
            pa.Table.from_pylist(
                [
                    {
                        "source_prefix": "/gateway/",
                        "usage_date": day,
                        "first_billing_period": first_period,
                        "grace_ends_at": grace_ends_at.replace(tzinfo=None),
                        "arrival": arrival,
                    }
                    for day, first_period, grace_ends_at, arrival in days
                ],
                schema=SOURCE_DAYS_SCHEMA,
            ),
        )

    def put_warehouse_table(self, name: str, table: pa.Table) -> None:
        self.settings.warehouse.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(self.settings.warehouse_file) as connection:
            connection.execute(f"create schema if not exists {name.split('.', maxsplit=1)[0]}")
            connection.register("given", table)
            connection.execute(f"create or replace table {name} as select * from given")

    def put_reference(
        self,
        *,
        version: str = VERSION,
        authors: Mapping[str, str | None] | None = None,
        unit_price: str = "2.50",
        quiet_date: date = date(2026, 10, 12),
    ) -> None:
        """Store a compiled reference version; authors by the kind of what they wrote."""
        wrote = {"price": "pia@x", "contract": "cleo@x", "contract_version": "cleo@x"}
        others = {"identity": "ivan@x", "quiet_day": "ivan@x"}
        who: dict[str, str | None] = {**wrote, **others, **(authors or {})}
        customers = ("acme", "bolt", "cargo")
        charges = ("tokens", "storage", "seats")
        rows: dict[str, list[dict[str, Any]]] = {
            "charges": [
                _filled(
                    "charges",
                    charge_price_id=f"growth/{charge}/2026-01-01",
                    charge_id=charge,
                    effective_from_date=date(2026, 1, 1),
                    author=who["price"],
                )
                for charge in charges
            ],
            "charge_tiers": [
                _filled(
                    "charge_tiers",
                    charge_price_id=f"growth/{charge}/2026-01-01",
                    currency_code="USD",
                    tier_number=1,
                    unit_price=Decimal(unit_price),
                )
                for charge in charges
            ],
            "contracts": [
                _filled(
                    "contracts",
                    contract_id=f"contract-{customer}",
                    customer_id=customer,
                    author=who["contract"],
                )
                for customer in customers
            ],
            "contract_versions": [
                _filled(
                    "contract_versions",
                    contract_id=f"contract-{customer}",
                    contract_version=1,
                    author=who["contract_version"],
                )
                for customer in customers
            ],
            "identities": [
                _filled(
                    "identities",
                    system_id="product",
                    external_id=f"tenant-{customer}",
                    customer_id=customer,
                    valid_from_at=datetime(2026, 1, 1),  # noqa: DTZ001 — naive UTC in Parquet
                    author=who["identity"],
                )
                for customer in customers
            ],
            "quiet_days": [
                _filled(
                    "quiet_days",
                    source_prefix="/gateway/",
                    quiet_date=quiet_date,
                    author=who["quiet_day"],
                )
            ],
        }
        folder = self.settings.reference_versions / version
        (folder / "tables").mkdir(parents=True, exist_ok=True)
        (folder / "source").mkdir(parents=True, exist_ok=True)
        (folder / "source" / "policy.yml").write_text("sign_off: {}\n")
        for name, each in rows.items():
            stored = [row | {"reference_version": version} for row in each]
            pq.write_table(
                pa.Table.from_pylist(stored, schema=TABLE_SCHEMAS[name]),
                folder / "tables" / f"{name}.parquet",
            )

    def freeze(self, **options: Any) -> list[Revision]:
        options = {"billing_period": PERIOD, "now": NOW} | options
        return freeze(self.settings, self.engine, **options)

    def sign(self, revision_id: str, **options: Any) -> SignOff:
        given: dict[str, Any] = {
            "decision": "sign",
            "signer": OLIVIA,
            "note": "looked at",
            "now": NOW + timedelta(hours=1),
            "policy_source": lambda _settings, _version: self.policy,
        }
        return sign_off(self.settings, self.engine, revision_id=revision_id, **(given | options))


def entries_table(*rows: Mapping[str, Any]) -> pa.Table:
    """Entries with the given columns; the rest are plausible."""
    full = [
        {
            "entry_number": number,
            "entry_kind": "bill",
            "settlement_key": "k1",
            "legal_entity_id": "us",
            "currency_code": "USD",
            "document_id": "D1",
            "document_kind": "invoice",
            "posting_key": "UAAAAAAAAAAAAAAAA1",
            "line_number": number,
            "billed_before": Decimal(0),
            "amount": Decimal("1.0000"),
            "signer": "olivia@example.com",
            "signed_at": NOW.replace(tzinfo=None),
        }
        | dict(row)
        for number, row in enumerate(rows, 1)
    ]
    return pa.Table.from_pylist(full, schema=ENTRY_SCHEMA)


def passing(name: str) -> CheckFigure:
    return CheckFigure(check_name=name, invariant_number=None, is_passed=True)


def _line_row(line: Line, number: int) -> dict[str, Any]:
    return {
        "document_id": line.document,
        "line_number": number,
        "settlement_key": line.settlement_key,
        "contract_lineage_id": f"contract-{line.customer_id}",
        "charge_id": line.charge_id,
        "line_kind": "usage",
        "cell_start_date": date(2026, 10, 1),
        "cell_end_date": date(2026, 11, 1),
        "dimension_key": "",
        "customer_id": line.customer_id,
        "bill_to_customer_id": line.customer_id,
        "legal_entity_id": line.legal_entity_id,
        "currency_code": line.currency_code,
        "tax_profile": "standard",
        "erp_item": "ITEM-1",
        "revenue_account": "4000",
        "rated_line_id": f"rated-{line.settlement_key}",
        "service_start_at": datetime(2026, 10, 1),  # noqa: DTZ001 — naive UTC in Parquet
        "service_end_at": datetime(2026, 11, 1),  # noqa: DTZ001 — naive UTC in Parquet
        "description": f"{line.charge_id} in October",
        "quantity": Decimal(40),
        "unit_label": "1M tokens",
        "unit_price_display": "2.50",
        "rated_amount": Decimal(line.rated),
        "billed_amount_before": Decimal(line.before),
        "amount": line.due,
        "cause": line.cause,
        "event_count": 12,
        "digest_sum_1": Decimal(77),
        "digest_sum_2": Decimal(78),
    }


def _filled(table: str, **given: Any) -> dict[str, Any]:
    """A row with something in every column that may not be null."""
    plain = {
        pa.string(): "x",
        pa.int32(): 1,
        pa.date32(): date(2026, 1, 1),
        pa.timestamp("us"): datetime(2026, 1, 1),  # noqa: DTZ001 — naive UTC in Parquet
    }
    row: dict[str, Any] = {}
    for column in TABLE_SCHEMAS[table]:
        if not column.nullable and column.name != "reference_version":
            row[column.name] = plain.get(column.type, Decimal(1))
    return row | given
