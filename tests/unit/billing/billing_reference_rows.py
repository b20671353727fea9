"""Compiled reference tables of a small company, with the author of each fact.

Belongs here: plain rows, plausible in every column that a test does not name. Does not belong here:
rows of the warehouse and of the register (billing_rows.py); any expectation.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa
from billing_rows import CHARGES, CUSTOMERS

from orchestration.price_book.table_schemas import TABLE_SCHEMAS

AUTHORS = {
    "price": "pia@x",
    "contract": "cleo@x",
    "contract_version": "cleo@x",
    "term": "tess@x",
    "credit_grant": "gina@x",
    "identity": "ivan@x",
    "parent": "ivan@x",
    "quiet_day": "ivan@x",
}


def reference_rows(
    authors: Mapping[str, str | None], unit_price: str, quiet_date: date
) -> dict[str, list[dict[str, Any]]]:
    """Compiled reference tables; authors by the kind of what they wrote."""
    source = {"source_prefix": "/gateway/", "system_id": "product"}
    quiet_day = _filled(
        "quiet_days",
        source_prefix="/gateway/",
        quiet_date=quiet_date,
        author=authors["quiet_day"],
    )
    return (
        _price_rows(authors["price"], Decimal(unit_price))
        | _contract_rows(authors)
        | _term_rows(authors["term"])
        | _grant_rows(authors["credit_grant"])
        | {"quiet_days": [quiet_day], "sources": [_filled("sources", **source)]}
    )


def _grant_rows(author: str | None) -> dict[str, list[dict[str, Any]]]:
    """A grant of 100 dollars, and one of 50 units of usage."""
    grants = {
        "prepaid": {"amount": Decimal(100), "currency_code": "USD"},
        "units": {"amount": Decimal(50), "currency_code": None, "unit": "1M tokens"},
    }
    return {
        "credit_grants": [
            _filled("credit_grants", credit_grant_id=name, author=author, **columns)
            for name, columns in grants.items()
        ],
        "credit_grant_scopes": [],
    }


def _price_rows(author: str | None, unit_price: Decimal) -> dict[str, list[dict[str, Any]]]:
    return {
        "charge_limits": [],
        "charges": [
            _filled(
                "charges",
                charge_price_id=f"growth/{charge}/2026-01-01",
                charge_id=charge,
                effective_from_date=date(2026, 1, 1),
                author=author,
            )
            for charge in CHARGES
        ],
        "charge_tiers": [
            _filled(
                "charge_tiers",
                charge_price_id=f"growth/{charge}/2026-01-01",
                currency_code="USD",
                tier_number=1,
                unit_price=unit_price,
            )
            for charge in CHARGES
        ],
    }


def _contract_rows(authors: Mapping[str, str | None]) -> dict[str, list[dict[str, Any]]]:
    return {
        "contracts": [
            _filled(
                "contracts",
                contract_id=f"contract-{customer}",
                customer_id=customer,
                time_zone="America/New_York",
                author=authors["contract"],
            )
            for customer in CUSTOMERS
        ],
        "contract_versions": [
            _filled(
                "contract_versions",
                contract_id=f"contract-{customer}",
                contract_version=1,
                plan_id="growth",
                author=authors["contract_version"],
            )
            for customer in CUSTOMERS
        ],
        "identities": [
            _filled(
                "identities",
                system_id="product",
                external_id=f"tenant-{customer}",
                customer_id=customer,
                valid_from_at=datetime.fromisoformat("2026-01-01"),
                author=authors["identity"],
            )
            for customer in CUSTOMERS
        ],
        "customers": [_filled("customers", customer_id=customer) for customer in CUSTOMERS],
        "customer_parents": [
            _filled(
                "customer_parents",
                customer_id=child,
                parent_customer_id=parent,
                valid_from_at=datetime.fromisoformat("2026-01-01"),
                author=authors["parent"],
            )
            for child, parent in pairwise(CUSTOMERS)
        ],
    }


def _term_rows(author: str | None) -> dict[str, list[dict[str, Any]]]:
    return {
        "terms": [term_row("growth_trial", plan_id="growth", author=author)],
        "term_amounts": [],
        "term_charges": [
            _filled("term_charges", term_id="growth_trial", charge_id=charge) for charge in CHARGES
        ],
    }


def term_row(term_id: str, **columns: Any) -> dict[str, Any]:
    """A compiled term; without days it holds for good."""
    return _filled("terms", term_id=term_id, **columns)


def _filled(table: str, **given: Any) -> dict[str, Any]:
    """A row with something in every column that may not be null."""
    plain = {
        pa.string(): "x",
        pa.int32(): 1,
        pa.bool_(): False,
        pa.date32(): date(2026, 1, 1),
        pa.timestamp("us"): datetime.fromisoformat("2026-01-01"),
    }
    row: dict[str, Any] = {}
    for column in TABLE_SCHEMAS[table]:
        if not column.nullable and column.name != "reference_version":
            row[column.name] = plain.get(column.type, Decimal(1))
    return row | given
