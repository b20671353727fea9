"""Whether every contract has one plan, one currency and one price at every moment of its term.

Belongs here: contracts and their versions, against each other and against the price book.
Does not belong here: overrides (override_checks.py), credit grants (grant_checks.py); the plans'
own rules (price_checks.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise

from orchestration.price_book.models import Charge
from orchestration.price_book.moments import first_day, start_instant
from orchestration.price_book.nearest_names import nearest_name
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import Located, ReferenceData, Row
from orchestration.price_book.row_checks import FOR_GOOD, check_known, overlaps
from orchestration.price_book.table_models import Contract, ContractVersion


@dataclass(frozen=True)
class _Index:
    """Who belongs to whom, so that a contract is looked at without passing over all others.

    Attributes:
        overridden: by contract and charge, the first day of a negotiated price.
        waiting: by charge, who is on its plan before it has a price: (from which day, contract).
    """

    data: ReferenceData
    versions: Mapping[str, Sequence[Row[ContractVersion]]]
    charges: Mapping[str, Sequence[Charge]]
    overridden: Mapping[str, Mapping[str, date]]
    waiting: dict[str, list[tuple[date, str]]] = field(default_factory=dict)


def check_contracts(data: ReferenceData, problems: ProblemList) -> None:
    """Add every problem of the contracts and their versions."""
    versions: dict[str, list[Row[ContractVersion]]] = {}
    for version in data.tables.contract_versions:
        versions.setdefault(version.item.contract_id, []).append(version)
        name = _version_name(version)
        check_known(version, name, data.tables, problems, column="contract_id", table="contracts")
    charges: dict[str, list[Charge]] = {}
    for plan_id, charge in data.book.charges:
        charges.setdefault(plan_id, []).append(charge.item)
    overridden: dict[str, dict[str, date]] = {}
    for row in data.tables.overrides:
        begun = overridden.setdefault(row.item.contract_id, {})
        first = row.item.effective_from_date
        begun[row.item.charge_id] = min(begun.get(row.item.charge_id, first), first)
    index = _Index(data, versions, charges, overridden)
    _check_plans_known(data, problems)
    for contract in data.tables.contracts:
        _check_contract(data, contract, problems)
        _check_versions(index, contract, problems)
        _check_currency(index, contract, problems)
    for plan_id, charge in data.book.charges:
        if charge.item.id in index.waiting:
            _add_late_charge(plan_id, charge, index.waiting[charge.item.id], problems)
    _check_overlapping_contracts(data, problems)


def _term(contract: Contract) -> tuple[datetime, datetime]:
    end = contract.end_date
    return (
        start_instant(contract.start_date, contract.time_zone),
        FOR_GOOD if end is None else start_instant(end, contract.time_zone),
    )


def _name(contract: Row[Contract]) -> str:
    return f"contracts row {contract.item.contract_id}"


def _version_name(version: Row[ContractVersion]) -> str:
    item = version.item
    return f"contract_versions row {item.contract_id} version {item.contract_version}"


def _check_contract(data: ReferenceData, contract: Row[Contract], problems: ProblemList) -> None:
    name = _name(contract)
    for table, column in (("customers", "customer_id"), ("legal_entities", "legal_entity_id")):
        check_known(contract, name, data.tables, problems, column=column, table=table)
    item = contract.item
    start, end = _term(item)
    if end <= start:
        problems.add(
            "dates_out_of_order",
            contract.path,
            contract.line,
            f"{_name(contract)}, column end_date: it ends on {item.end_date}, exclusive, and "
            f"starts on {item.start_date}.",
        )


def _check_versions(index: _Index, contract: Row[Contract], problems: ProblemList) -> None:
    versions = index.versions.get(contract.item.contract_id, ())
    item = contract.item
    by_number = sorted(versions, key=lambda one: (one.item.contract_version, one.line))

    def begins(version: Row[ContractVersion]) -> datetime:
        return start_instant(version.item.effective_from_date, item.time_zone)

    first = min(versions, key=begins, default=None)
    is_table_whole = "contract_versions" in index.data.tables.declared
    if is_table_whole and (first is None or begins(first) > _term(item)[0]):
        since = (
            "has no version"
            if first is None
            else f"has its first version on {first.item.effective_from_date}"
        )
        problems.add(
            "contract_without_plan",
            contract.path,
            contract.line,
            f"{_name(contract)}, column start_date: it starts on {item.start_date} and {since}.",
        )
    for version in versions:
        _check_version(index.data, contract, version, problems)
    for earlier, later in pairwise(by_number):
        if begins(later) > begins(earlier):
            continue
        is_same = begins(later) == begins(earlier)
        problems.add(
            "overlapping_contract_versions" if is_same else "dates_out_of_order",
            later.path,
            later.line,
            f"{_version_name(later)}, column effective_from_date: it begins on "
            f"{later.item.effective_from_date}, and version {earlier.item.contract_version} on "
            f"{earlier.item.effective_from_date}.",
        )


def _check_version(
    data: ReferenceData,
    contract: Row[Contract],
    version: Row[ContractVersion],
    problems: ProblemList,
) -> None:
    name = _version_name(version)
    for table, column in (
        ("legal_entities", "legal_entity_id"),
        ("customers", "bill_to_customer_id"),
    ):
        check_known(version, name, data.tables, problems, column=column, table=table)
    item = contract.item
    start, end = _term(item)
    if not start <= start_instant(version.item.effective_from_date, item.time_zone) < end:
        problems.add(
            "contract_version_outside_contract",
            version.path,
            version.line,
            f"{name}, column effective_from_date: {version.item.effective_from_date} is not in the "
            f"contract's term from {item.start_date} to {item.end_date or 'no end'}.",
        )


def _check_plans_known(data: ReferenceData, problems: ProblemList) -> None:
    """Add every plan that versions name and nothing declares.

    Where several versions name it, and a plan of a similar name is named by none, the id of that
    plan is misspelt: it is told there, once.
    """
    named: dict[str, list[Row[ContractVersion]]] = {}
    for version in data.tables.contract_versions:
        named.setdefault(version.item.plan_id, []).append(version)
    unnamed = {plan.item.id: plan for plan in data.book.plans if plan.item.id not in named}
    for plan_id, versions in named.items():
        if not data.book.is_unknown("plan", plan_id):
            continue
        misspelt = nearest_name(plan_id, unnamed) if len(versions) > 1 else None
        if misspelt is not None:
            plan = unnamed[misspelt]
            problems.add(
                "unknown_plan",
                plan.path,
                plan.line("id"),
                f"{plan.name('id')}: no contract is on it, and contract_versions names {plan_id}, "
                f"which is no plan, in {len(versions)} rows.",
            )
            continue
        for version in versions:
            problems.add(
                "unknown_plan",
                version.path,
                version.line,
                f"{_version_name(version)}, column plan_id: there is no plan {plan_id}"
                f"{data.book.or_nearest('plan', plan_id)}.",
            )


def _check_currency(index: _Index, contract: Row[Contract], problems: ProblemList) -> None:
    currency = contract.item.currency_code
    overridden = index.overridden.get(contract.item.contract_id, {})
    name = f"{_name(contract)}, column currency_code"
    for version in index.versions.get(contract.item.contract_id, ()):
        plan_id = version.item.plan_id
        charges = index.charges.get(plan_id, ())
        if not charges:
            continue
        listed = [charge for charge in charges if charge.id not in overridden]
        if len(listed) == len(charges) and all(_is_never_priced(one, currency) for one in listed):
            problems.add(
                "contract_currency_unpriced",
                contract.path,
                contract.line,
                f"{name}: no charge of plan {plan_id} has a price in {currency}.",
            )
        elif unpriced := [one.id for one in listed if _is_sometimes_unpriced(one, currency)]:
            problems.add(
                "charge_unpriced_in_currency",
                contract.path,
                contract.line,
                f"{name}: of plan {plan_id}, {', '.join(unpriced)} has no price in {currency}, or "
                "not in every version.",
                severity="warning",
            )
        _check_priced_at_start(index, contract, version, problems)


def _is_never_priced(charge: Charge, currency: str) -> bool:
    return all(currency not in version.prices for version in charge.versions)


def _is_sometimes_unpriced(charge: Charge, currency: str) -> bool:
    return any(currency not in version.prices for version in charge.versions)


def _check_priced_at_start(
    index: _Index,
    contract: Row[Contract],
    version: Row[ContractVersion],
    problems: ProblemList,
) -> None:
    """Add a plan without any price at the version's start; note each charge that begins later."""
    contract_id = contract.item.contract_id
    start = first_day(version.item.effective_from_date, contract.item.time_zone)
    overridden = index.overridden.get(contract_id, {})
    charges = index.charges[version.item.plan_id]
    begins = {
        charge.id: min(_begins(charge), overridden.get(charge.id, date.max)) for charge in charges
    }
    late = [charge for charge in charges if begins[charge.id] > start]
    if len(late) == len(charges):
        problems.add(
            "plan_unpriced_at_start",
            version.path,
            version.line,
            f"{_version_name(version)}, column effective_from_date: the first price of plan "
            f"{version.item.plan_id} begins on {min(begins.values())}, after "
            f"{version.item.effective_from_date}.",
            severity="warning",
        )
        return
    metered = {charge.meter for charge in charges if charge.meter and begins[charge.id] <= start}
    for charge in late:
        if charge.meter not in metered:
            index.waiting.setdefault(charge.id, []).append((start, contract_id))


def _begins(charge: Charge) -> date:
    return min(version.effective_from for version in charge.versions)


def _add_late_charge(
    plan_id: str,
    charge: Located[Charge],
    waiting: Sequence[tuple[date, str]],
    problems: ProblemList,
) -> None:
    begins = _begins(charge.item)
    dates = [version.effective_from for version in charge.item.versions]
    steps = ("versions", dates.index(begins), "effective_from")
    start, contract_id = min(waiting)
    others = len({waits for _, waits in waiting}) - 1
    more = f" (and {others} more contracts)" if others else ""
    meter = charge.item.meter
    until = f"usage of {meter} until then has no price" if meter else "nothing is due until then"
    problems.add(
        "charge_unpriced_at_start",
        charge.path,
        charge.line(*steps),
        f"{charge.name(*steps)}: its first price begins on {begins}, and contract {contract_id} is "
        f"on plan {plan_id} from {start} on{more}; {until}.",
        severity="warning",
    )


def _check_overlapping_contracts(data: ReferenceData, problems: ProblemList) -> None:
    for earlier, later in overlaps(data.tables.contracts, lambda one: one.customer_id, _term):
        problems.add(
            "overlapping_contracts",
            later.path,
            later.line,
            f"{_name(later)}, column start_date: contract {earlier.item.contract_id} of customer "
            f"{later.item.customer_id} has not ended by then (line {earlier.line}).",
        )
