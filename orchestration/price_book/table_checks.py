"""Whether the tables, the sources and the policy agree with each other, contracts apart.

Belongs here: ids that repeat or lead nowhere, identities over time, what a policy asks and this
version does not do.
Does not belong here: customers and their parents (customer_checks.py); contracts, their versions,
overrides and grants (contract_checks.py); what sources announce (source_checks.py).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from orchestration.price_book.currencies import money_text
from orchestration.price_book.customer_checks import check_customers
from orchestration.price_book.field_types import FrozenModel
from orchestration.price_book.policy import Policy
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import Located, ReferenceData, Row
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
    _check_policy(data, problems)


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


def _check_policy(data: ReferenceData, problems: ProblemList) -> None:
    policy = data.policy
    if policy is None:
        return
    approvers = policy.item.sign_off.approvers
    for index, approver in enumerate(approvers):
        steps = ("sign_off", "approvers", index)
        if any(approver.name == other.name for other in approvers[:index]):
            problems.add(
                "duplicate_id",
                policy.path,
                policy.line(*steps, "name"),
                f"{policy.name(*steps, 'name')}: the name stands there already.",
            )
        for entity in approver.legal_entities or ():
            if data.tables.is_unknown("legal_entities", entity):
                _add_unknown_entity(policy, (*steps, "legal_entities"), entity, problems)
    _check_what_is_not_done(policy, problems)


def _add_unknown_entity(
    policy: Located[Any], steps: tuple[str | int, ...], entity: str, problems: ProblemList
) -> None:
    problems.add(
        "unknown_legal_entity",
        policy.path,
        policy.line(*steps),
        f"{policy.name(*steps)}: there is no legal entity {entity}.",
    )


def _check_what_is_not_done(policy: Located[Policy], problems: ProblemList) -> None:
    """Warn of fields that ask for what this version does not do; a field that asks nothing passes.

    A smallest document of zero asks nothing: no size lies below it. An acknowledgement threshold
    of zero asks for one of every document that has an amount.
    """
    smallest = {
        currency: amount for currency, amount in policy.item.smallest_document.items() if amount
    }
    if smallest:
        steps: tuple[str, ...] = ("smallest_document",)
        problems.add(
            "small_documents_not_carried",
            policy.path,
            policy.line(*steps),
            f"{policy.name(*steps)}: documents below {_by_currency(smallest)} become candidates "
            "like any other, and no period carries them on.",
            severity="warning",
        )
    thresholds = policy.item.sign_off.acknowledgement_threshold
    if thresholds:
        steps = ("sign_off", "acknowledgement_threshold")
        problems.add(
            "acknowledgements_not_taken",
            policy.path,
            policy.line(*steps),
            f"{policy.name(*steps)}: nobody can acknowledge a document yet, so a signature over "
            f"one above {_by_currency(thresholds)} is refused.",
            severity="warning",
        )


def _by_currency(amounts: Mapping[str, Decimal]) -> str:
    return ", ".join(
        f"{currency} {money_text(amount, currency)}" for currency, amount in sorted(amounts.items())
    )
