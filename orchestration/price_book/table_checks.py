"""Whether the tables agree with each other, contracts apart.

Belongs here: ids that repeat or lead nowhere, identities over time.
Does not belong here: customers and their parents (customer_checks.py); contracts, their versions,
overrides and grants (contract_checks.py); what sources announce (source_checks.py); the policy
(policy_checks.py).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from orchestration.price_book.customer_checks import check_customers
from orchestration.price_book.field_types import FrozenModel
from orchestration.price_book.policy_checks import check_policy
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import ReferenceData, Row
from orchestration.price_book.row_checks import FOR_GOOD, check_known, overlaps
from orchestration.price_book.source_checks import check_sources
from orchestration.price_book.table_models import ROW_KEYS, Identity


def check_tables(data: ReferenceData, problems: ProblemList) -> None:
    """Add every problem of the tables, sources.yml and policy.yml that is not a contract's."""
    tables = data.tables
    for table, key in ROW_KEYS.items():
        _check_unique(table, getattr(tables, table), key, problems)
    check_customers(tables, problems)
    _check_identities(data, problems)
    for row in tables.exchange_rates:
        if row.item.from_currency_code == row.item.to_currency_code:
            problems.add(
                "wrong_value",
                row.path,
                row.line,
                f"exchange_rates: {row.item.from_currency_code} is translated into itself.",
            )
    check_sources(data, problems)
    check_policy(data, problems)


def _check_unique(
    table: str, rows: Sequence[Row[FrozenModel]], key: tuple[str, ...], problems: ProblemList
) -> None:
    first: dict[tuple[Any, ...], int] = {}
    for row in rows:
        value = tuple(getattr(row.item, column) for column in key)
        line = first.setdefault(value, row.line)
        if line != row.line:
            shown = ", ".join(str(part) for part in value)
            problems.add(
                "duplicate_id",
                row.path,
                row.line,
                f"{table} row {shown}, column {key[0]}: line {line} has the same "
                f"{' and '.join(key)}.",
            )


def _check_identities(data: ReferenceData, problems: ProblemList) -> None:
    tables = data.tables
    systems = {source.system for source in data.sources.item.sources} if data.sources else None
    for row in tables.identities:
        name = f"identities row {row.item.system_id} {row.item.external_id}"
        check_known(row, name, tables, problems, column="customer_id", table="customers")
        if row.item.valid_to_at is not None and row.item.valid_to_at <= row.item.valid_from_at:
            problems.add(
                "dates_out_of_order",
                row.path,
                row.line,
                f"{name}, column valid_to_at: it ends at {row.item.valid_to_at.isoformat()}, and "
                f"begins at {row.item.valid_from_at.isoformat()}.",
            )
        if systems is not None and row.item.system_id not in systems:
            problems.add(
                "unknown_system",
                row.path,
                row.line,
                f"{name}, column system_id: no source of sources.yml is of this system.",
                severity="warning",
            )

    def span(identity: Identity) -> tuple[datetime, datetime]:
        return identity.valid_from_at, identity.valid_to_at or FOR_GOOD

    for earlier, later in overlaps(
        tables.identities, lambda one: (one.system_id, one.external_id), span
    ):
        problems.add(
            "overlapping_identities",
            later.path,
            later.line,
            f"identities row {later.item.system_id} {later.item.external_id}, column "
            f"valid_from_at: it belongs to {earlier.item.customer_id} by line {earlier.line} "
            f"when it begins to belong to {later.item.customer_id}.",
        )
