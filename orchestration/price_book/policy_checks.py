"""Whether the policy agrees with the tables and with itself.

Belongs here: approvers named twice, legal entities that are not there, amounts of no currency's
decimals. Does not belong here: the form of each field (policy.py); who may sign (billing).
"""

from typing import Any

from orchestration.price_book.currencies import minor_units
from orchestration.price_book.field_types import decimals_of
from orchestration.price_book.policy import Policy
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import Located, ReferenceData


def check_policy(data: ReferenceData, problems: ProblemList) -> None:
    """Add every problem of policy.yml that its fields alone do not show."""
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
    for entity in policy.item.accounting_closed_through:
        if data.tables.is_unknown("legal_entities", entity):
            _add_unknown_entity(policy, ("accounting_closed_through", entity), entity, problems)
    _check_smallest_documents(policy, problems)


def _check_smallest_documents(policy: Located[Policy], problems: ProblemList) -> None:
    for currency, amount in policy.item.smallest_document.items():
        if decimals_of(amount) > minor_units()[currency]:
            steps = ("smallest_document", currency)
            problems.add(
                "too_many_decimals",
                policy.path,
                policy.line(*steps),
                f"{policy.name(*steps)}: {amount:f} has more decimals than {currency}.",
            )


def _add_unknown_entity(
    policy: Located[Any], steps: tuple[str | int, ...], entity: str, problems: ProblemList
) -> None:
    problems.add(
        "unknown_legal_entity",
        policy.path,
        policy.line(*steps),
        f"{policy.name(*steps)}: there is no legal entity {entity}.",
    )
