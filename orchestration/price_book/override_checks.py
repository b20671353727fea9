"""Whether negotiated prices fit the contracts that they are for.

Belongs here: overrides against contracts and the price book. Does not belong here: the contracts
themselves (contract_checks.py), credit grants (grant_checks.py).
"""

from datetime import date

from orchestration.price_book.model_checks import metered_price_faults
from orchestration.price_book.models import Charge
from orchestration.price_book.price_faults import (
    WARNED_OF,
    ChargeTerms,
    limit_decimal_faults,
    price_faults,
)
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import ReferenceData, Row
from orchestration.price_book.row_checks import check_known, overlaps
from orchestration.price_book.table_models import Contract, Override


def check_overrides(data: ReferenceData, problems: ProblemList) -> None:
    """Add every problem of the overrides."""
    contracts = {row.item.contract_id: row.item for row in data.tables.contracts}
    plans: dict[str, set[str]] = {}
    for version in data.tables.contract_versions:
        plans.setdefault(version.item.contract_id, set()).add(version.item.plan_id)
    charges = {charge.item.id: (plan, charge.item) for plan, charge in data.book.charges}
    known_plans = data.book.known_plans()
    for row in data.tables.overrides:
        name = f"overrides row {row.item.override_id}"
        check_known(row, name, data.tables, problems, column="contract_id", table="contracts")
        _check_override(row, contracts.get(row.item.contract_id), problems)
        if data.book.is_unknown("charge", row.item.charge_id):
            problems.add(
                "unknown_charge",
                row.path,
                row.line,
                f"{name}, column charge_id: there is no charge {row.item.charge_id}"
                f"{data.book.or_nearest('charge', row.item.charge_id)}.",
            )
        if row.item.charge_id in charges:
            plan_id, charge = charges[row.item.charge_id]
            _check_override_price(data, row, charge, problems)
            own_plans = plans.get(row.item.contract_id, set())
            if known_plans.issuperset(own_plans):
                _check_applies(row, plan_id, own_plans, problems)
    _check_overlapping_overrides(data, problems)


def _check_override(row: Row[Override], contract: Contract | None, problems: ProblemList) -> None:
    item = row.item
    name = f"overrides row {item.override_id}"
    if item.effective_to_date is not None and item.effective_to_date <= item.effective_from_date:
        problems.add(
            "dates_out_of_order",
            row.path,
            row.line,
            f"{name}, column effective_to_date: it ends on {item.effective_to_date}, exclusive, "
            f"and begins on {item.effective_from_date}.",
        )
    if contract is not None and contract.currency_code != item.currency_code:
        problems.add(
            "override_currency_mismatch",
            row.path,
            row.line,
            f"{name}, column currency_code: it is in {item.currency_code}, and contract "
            f"{item.contract_id} in {contract.currency_code}.",
        )


def _check_applies(
    row: Row[Override], plan_id: str, plans: set[str], problems: ProblemList
) -> None:
    if plans and plan_id not in plans:
        problems.add(
            "override_never_applies",
            row.path,
            row.line,
            f"overrides row {row.item.override_id}, column charge_id: {row.item.charge_id} is of "
            f"plan {plan_id}, and contract {row.item.contract_id} has {', '.join(sorted(plans))}.",
            severity="warning",
        )


def _check_override_price(
    data: ReferenceData, row: Row[Override], charge: Charge, problems: ProblemList
) -> None:
    price = data.tables.override_prices.get(row.item.override_id)
    if price is None:
        return
    name = f"overrides row {row.item.override_id}, column price_json"
    terms = ChargeTerms(charge.model, charge.zero_usage is not None, charge.packages)
    faults = [
        *price_faults(terms, price),
        *limit_decimal_faults(price, row.item.currency_code),
    ]
    for meter in data.book.meters:
        if meter.item.id == charge.meter:
            faults += metered_price_faults(charge, price, meter.item)
    for found in faults:
        place = " ".join((f"charge {charge.id},", *map(_step, found.steps))).rstrip(",")
        problems.add(
            found.code,
            row.path,
            row.line,
            f"{name}, {place}: {found.message}.",
            severity="warning" if found.code in WARNED_OF else "error",
        )


def _step(step: str | int) -> str:
    return str(step + 1) if isinstance(step, int) else {"tiers": "tier"}.get(step, step)


def _check_overlapping_overrides(data: ReferenceData, problems: ProblemList) -> None:
    def span(override: Override) -> tuple[date, date]:
        return override.effective_from_date, override.effective_to_date or date.max

    for earlier, later in overlaps(
        data.tables.overrides, lambda one: (one.contract_id, one.charge_id), span
    ):
        problems.add(
            "overlapping_overrides",
            later.path,
            later.line,
            f"overrides row {later.item.override_id}, column effective_from_date: override "
            f"{earlier.item.override_id} of the same contract and charge has not ended by "
            f"{later.item.effective_from_date} (line {earlier.line}).",
        )
