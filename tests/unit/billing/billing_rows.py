"""Rows of a small company: what dbt, the reference loader and the register would leave.

Belongs here: plain rows and tables, plausible in every column that a test does not name. Does not
belong here: where they are put (billing_world.py); any expectation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from orchestration.billing.entries import ENTRY_SCHEMA
from orchestration.billing.expiries import EXPIRY_SCHEMA

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PERIOD = "2026-10"
VERSION = "a1b2c3d4e5f60718"
QUIET_DATE = date(2026, 10, 12)
CUSTOMERS = ("acme", "bolt", "cargo")
CHARGES = ("tokens", "storage", "seats")
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
EXCEPTION_SCHEMA = pa.schema(
    [
        ("exception_id", pa.string()),
        ("exception_code", pa.string()),
        ("steward", pa.string()),
        ("object_kind", pa.string()),
        ("object_id", pa.string()),
        ("legal_entity_id", pa.string()),
        ("billing_period", pa.string()),
        ("amount_at_risk", pa.decimal128(38, 4)),
        ("currency_code", pa.string()),
        ("what_to_do", pa.string()),
    ]
)
DECISION_SCHEMA = pa.schema(
    [
        ("event_source", pa.string()),
        ("event_id", pa.string()),
        ("decision", pa.string()),
        ("author", pa.string()),
        ("register_sequence", pa.int64()),
        ("decision_number", pa.int32()),
        ("ingestion_batch_id", pa.int32()),
    ]
)
CONTENT_SCHEMA = pa.schema(
    [
        ("event_source", pa.string()),
        ("event_id", pa.string()),
        ("subject", pa.string()),
        ("event_at", pa.timestamp("us")),
        ("content_standing", pa.string()),
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
    original_document_id: str | None = None
    cause: str = "new"
    amount: str | None = None
    line_kind: str = "usage"
    credit_grant_id: str | None = None
    quantity: str = "40"

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


def document_row(document_id: str, lines: Sequence[Line]) -> dict[str, Any]:
    """A candidate document of these lines."""
    amount = sum((line.due for line in lines), Decimal(0))
    return {
        "document_id": document_id,
        "document_kind": "invoice" if amount >= 0 else "credit_memo",
        "legal_entity_id": lines[0].legal_entity_id,
        "bill_to_customer_id": lines[0].customer_id,
        "currency_code": lines[0].currency_code,
        "billing_period": lines[0].billing_period,
        "line_count": len(lines),
        "amount": amount,
    }


def line_row(line: Line, number: int) -> dict[str, Any]:
    """A candidate line under its number in the document."""
    return {
        "document_id": line.document,
        "line_number": number,
        "original_document_id": line.original_document_id,
        "settlement_key": line.settlement_key,
        "contract_lineage_id": f"contract-{line.customer_id}",
        "charge_id": line.charge_id,
        "line_kind": line.line_kind,
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
        "service_start_date": date(2026, 10, 5),
        "service_end_date": date(2026, 10, 20),
        "service_start_at": datetime.fromisoformat("2026-10-01"),
        "service_end_at": datetime.fromisoformat("2026-11-01"),
        "description": f"{line.charge_id} in October",
        "quantity": Decimal(line.quantity),
        "unit_label": "1M tokens",
        "unit_price_display": "2.50",
        "rated_amount": Decimal(line.rated),
        "billed_amount_before": Decimal(line.before),
        "amount": line.due,
        "cause": line.cause,
        "event_count": 12,
        "digest_sum_1": Decimal(77),
        "digest_sum_2": Decimal(78),
        "credit_grant_id": line.credit_grant_id,
    }


def rated_row(line: Line, version: str) -> dict[str, Any]:
    """The rated line behind a candidate line."""
    return {
        "settlement_key": line.settlement_key,
        "contract_id": f"contract-{line.customer_id}",
        "contract_version": 1,
        "charge_price_id": f"growth/{line.charge_id}/2026-01-01",
        "reference_version": version,
    }


def conservation_table(
    held: Sequence[tuple[int, str]],
    broken: Sequence[tuple[int, str, str, str]],
    bears_on_from: str | None,
) -> pa.Table:
    """Figures of fct_conservation; broken rows are (invariant, name, scope kind, scope id).

    bears_on_from is the first billing period of every broken row whose scope is not all.
    """
    rows = [(number, name, "all", "", True) for number, name in held]
    rows += [(*row, False) for row in broken]
    return pa.Table.from_pylist(
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
    )


def source_days_table(days: Sequence[tuple[date, str, datetime, str]]) -> pa.Table:
    """Rows of fct_source_days; days are (day, first period, end of its grace, arrival)."""
    return pa.Table.from_pylist(
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
    )


def exceptions_table(*rows: Mapping[str, Any]) -> pa.Table:
    """Rows of fct_exceptions with the given columns; the rest are plausible."""
    full = [
        {
            "exception_id": f"exception-{number}",
            "exception_code": "no_contract",
            "steward": "contract",
            "object_kind": "subject",
            "object_id": f"tenant-{number}",
            "what_to_do": "Load the contract.",
        }
        | dict(row)
        for number, row in enumerate(rows, 1)
    ]
    return pa.Table.from_pylist(full, schema=EXCEPTION_SCHEMA)


def expiring_table(*rows: Mapping[str, Any]) -> pa.Table:
    """Rows of int_credits__expiring with the given columns: 40 dollars of the prepaid grant."""
    full = [
        {
            "credit_grant_id": "prepaid",
            "credit_grant_name": "Prepaid",
            "contract_lineage_id": "contract-acme",
            "customer_id": "acme",
            "legal_entity_id": "us",
            "currency_code": "USD",
            "expires_on": date(2026, 11, 1),
            "quantity": Decimal(40),
            "breakage_amount": Decimal(36),
        }
        | dict(row)
        for row in rows
    ]
    return pa.Table.from_pylist(full, schema=EXPIRY_SCHEMA)


def decision_tables(*rows: Mapping[str, Any]) -> dict[str, pa.Table]:
    """What dbt leaves of decisions on events: these decisions, each over one content of acme's.

    A row may also name the content's subject, event_at and content_standing. Every customer has a
    tenant for good, under a contract that the entity `us` invoices, but for cargo, which has none.
    """
    full = [
        {
            "event_source": "/gateway/us",
            "event_id": f"e{number}",
            "decision": "retract",
            "author": "olivia@example.com",
            "decision_number": number,
            "ingestion_batch_id": 2,
            "subject": "tenant-acme",
            "event_at": datetime.fromisoformat("2026-10-07"),
            "content_standing": "retracted",
        }
        | dict(row)
        for number, row in enumerate(rows, 1)
    ]
    segments = [
        {
            "system_id": "product",
            "subject": f"tenant-{customer}",
            "segment_start_at": datetime.fromisoformat("0001-01-01"),
            "segment_end_at": datetime.fromisoformat("9999-01-01"),
            "customer_id": customer,
            "contract_id": None if customer == "cargo" else f"contract-{customer}",
            "contract_version": 1,
        }
        for customer in CUSTOMERS
    ]
    spans = [
        {
            "contract_id": f"contract-{customer}",
            "contract_version": 1,
            "legal_entity_id": "us",
        }
        for customer in CUSTOMERS
    ]
    return {
        "staging.stg_usage__event_decisions": pa.Table.from_pylist(full, DECISION_SCHEMA),
        "intermediate.int_event_contents__kept": pa.Table.from_pylist(full, CONTENT_SCHEMA),
        "intermediate.int_subjects__segmented": pa.Table.from_pylist(segments),
        "intermediate.int_contracts__spans": pa.Table.from_pylist(spans),
    }


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
