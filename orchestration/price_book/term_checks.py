"""Whether every term by itself can be rated in one way only, and has an effect.

Belongs here: a term's fields, ids, charges, dates and amounts, against its plan or contract.
Does not belong here: terms against each other (term_overlaps.py); the fields of a kind by
themselves (term_models.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from orchestration.price_book.currencies import minor_units
from orchestration.price_book.field_types import decimals_of
from orchestration.price_book.model_checks import MONEY_MODELS
from orchestration.price_book.models import Charge
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import OwnedTerm, ReferenceData
from orchestration.price_book.table_models import Contract
from orchestration.price_book.term_models import (
    Allowance,
    AnyTerm,
    Commitment,
    CoveringTerm,
    DatedTerm,
    Discount,
    MaximumSpend,
    OneOff,
    Trial,
)
from orchestration.price_book.term_overlaps import check_overlapping_terms
from orchestration.price_book.term_scope import (
    TermScope,
    contract_span,
    shared_days,
    term_scope,
    term_span,
)

Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class _Fault:
    """At which field of the term, its code, and a sentence without its end."""

    steps: Steps
    code: str
    message: str


def check_terms(data: ReferenceData, problems: ProblemList) -> None:
    """Add every problem of the terms of plans and contracts."""
    scope = term_scope(data)
    for owned in data.book.terms:
        faults = [
            *_field_faults(owned.term.item),
            *_reference_faults(data, owned),
            *_charge_faults(data, scope, owned),
            *_amount_faults(owned.term.item),
        ]
        if owned.contract_id is not None:
            faults += _contract_faults(scope, owned, owned.contract_id)
        for found in faults:
            _add(owned, found, problems)
        _check_contract_known(data, owned, problems)
    _check_contracts_on_plans(data, scope, problems)
    check_overlapping_terms(data, scope, problems)


def _add(owned: OwnedTerm, found: _Fault, problems: ProblemList) -> None:
    term = owned.term
    problems.add(
        found.code,
        term.path,
        term.line(*found.steps),
        f"{term.name(*found.steps)}: {found.message}.",
    )


def _check_contract_known(data: ReferenceData, owned: OwnedTerm, problems: ProblemList) -> None:
    contract_id = owned.contract_id
    if contract_id is not None and data.tables.is_unknown("contracts", contract_id):
        document, place = owned.term.document, owned.term.location[:-2]
        problems.add(
            "unknown_contract",
            document.path,
            document.line((*place, "contract")),
            f"contract {contract_id}, field contract: there is no contract {contract_id}.",
        )


def _field_faults(term: AnyTerm) -> Iterator[_Fault]:
    if isinstance(term, Discount):
        yield from _one_of(term, ("percent", "amount", "free_quantity"))
        if term.percent is not None and term.proration is not None:
            yield _mismatch("proration", "a discount in percent is shared by no time")
        if term.free_quantity is not None and (term.charges is None or len(term.charges) != 1):
            yield _mismatch(
                "free_quantity",
                "a free quantity is of one charge, which `charges` names; units for several "
                "charges are an allowance",
            )
    if isinstance(term, Trial):
        yield from _one_of(term, ("days", "months", "periods"))
    if isinstance(term, DatedTerm) and term.from_ and term.to and term.to <= term.from_:
        message = f"it ends on {term.to}, exclusive, and begins on {term.from_}"
        yield _Fault(("to",), "dates_out_of_order", message)


def _one_of(term: AnyTerm, names: Sequence[str]) -> Iterator[_Fault]:
    given = [name for name in names if getattr(term, name) is not None]
    if len(given) != 1:
        listed = f"{', '.join(names[:-1])} or {names[-1]}"
        has = " and ".join(given) or "none of them"
        where = (given[-1],) if given else ()
        message = f"a {term.kind} has exactly one of {listed}, and this one has {has}"
        yield _Fault(where, "term_field_mismatch", message)


def _mismatch(name: str, message: str) -> _Fault:
    return _Fault((name,), "term_field_mismatch", message)


def _reference_faults(data: ReferenceData, owned: OwnedTerm) -> Iterator[_Fault]:
    term = owned.term.item
    charge_place = data.book.declared.get("charge", {}).get(term.id)
    if charge_place is not None:
        path, line = charge_place
        message = f"the charge at {path}:{line} has the same id"
        yield _Fault(("id",), "duplicate_id", message)
    product = getattr(term, "product", None)
    if product is not None and data.book.is_unknown("product", product):
        nearest = data.book.or_nearest("product", product)
        yield _Fault(("product",), "unknown_product", f"there is no product {product}{nearest}")


def _charge_faults(data: ReferenceData, scope: TermScope, owned: OwnedTerm) -> Iterator[_Fault]:
    term = owned.term.item
    if not isinstance(term, CoveringTerm) or term.charges is None:
        return
    plans = scope.plans(owned)
    for index, charge_id in enumerate(term.charges):
        steps = ("charges", index)
        if charge_id in term.charges[:index]:
            yield _Fault(steps, "wrong_value", f"{charge_id} stands there twice")
        if data.book.is_unknown("charge", charge_id):
            nearest = data.book.or_nearest("charge", charge_id)
            yield _Fault(steps, "unknown_charge", f"there is no charge {charge_id}{nearest}")
        if charge_id not in scope.charges:
            continue
        plan_id, charge = scope.charges[charge_id]
        if plans and plan_id not in plans and scope.known_plans.issuperset(plans):
            has = (
                "the term is of another"
                if owned.plan_id
                else f"contract {owned.contract_id} has {', '.join(plans)}"
            )
            message = f"{charge_id} is of plan {plan_id}, and {has}"
            yield _Fault(steps, "term_charge_outside", message)
        if _counts_units(term) and (fault := _unit_fault(charge)):
            yield _Fault(steps, "charge_not_for_term", fault)
    if isinstance(term, Allowance):
        yield from _pool_faults(data, scope, term)


def _counts_units(term: AnyTerm) -> bool:
    return isinstance(term, Allowance) or (
        isinstance(term, Discount) and term.free_quantity is not None
    )


def _unit_fault(charge: Charge) -> str | None:
    if charge.model in {*MONEY_MODELS, "seats", "flat"}:
        return f"the term counts units, and a {charge.model} charge such as {charge.id} sells none"
    return None


def _pool_faults(data: ReferenceData, scope: TermScope, term: Allowance) -> Iterator[_Fault]:
    meter_units = {meter.item.id: meter.item.unit for meter in data.book.meters}
    units: dict[str, str] = {}
    for charge_id in term.charges:
        if charge_id in scope.charges:
            _, charge = scope.charges[charge_id]
            unit = charge.convert.unit if charge.convert and charge.convert.unit else None
            unit = unit or meter_units.get(charge.meter or "")
            if unit is not None:
                units.setdefault(unit, charge_id)
    if len(units) > 1:
        listed = ", ".join(f"{charge_id} in {unit}" for unit, charge_id in units.items())
        message = f"its charges count different units, {listed}"
        yield _Fault(("charges",), "allowance_units_differ", message)


def _amounts(term: AnyTerm) -> Mapping[str, Decimal]:
    """The amounts of money of a term by currency; empty for a term that has none."""
    if isinstance(term, Discount | Commitment | MaximumSpend | OneOff):
        return term.amount or {}
    return {}


def _amount_faults(term: AnyTerm) -> Iterator[_Fault]:
    for currency, amount in _amounts(term).items():
        most = minor_units()[currency]
        if decimals_of(amount) > most:
            message = f"{amount} has {decimals_of(amount)} decimals, and {currency} has {most}"
            yield _Fault(("amount", currency), "too_many_decimals", message)


def _contract_faults(scope: TermScope, owned: OwnedTerm, contract_id: str) -> Iterator[_Fault]:
    contract = scope.contracts.get(contract_id)
    if contract is None:
        return
    term = owned.term.item
    whole = contract_span(contract)
    if shared_days(term_span(term), whole) is None:
        step = "date" if isinstance(term, OneOff) else "from"
        if isinstance(term, DatedTerm) and (term.from_ is None or term.from_ < whole[0]):
            step = "to"
        message = (
            f"contract {contract_id} lasts from {contract.start_date} to "
            f"{contract.end_date or 'no end'}, and the term holds on no day of it"
        )
        yield _Fault((step,), "term_outside_contract", message)
    amounts, currency = _amounts(term), contract.currency_code
    if amounts and set(amounts) != {currency}:
        message = f"it has {', '.join(amounts)}, and contract {contract_id} bills in {currency}"
        yield _Fault(("amount",), "term_currency_mismatch", message)
    if _lasts_for_good(term) and contract.end_date is None:
        message = f"contract {contract_id} has no end, so it is never trued up"
        yield _Fault(("per",), "commitment_without_end", message)


def _lasts_for_good(term: AnyTerm) -> bool:
    return isinstance(term, Commitment) and term.per == "term" and term.to is None


def _check_contracts_on_plans(data: ReferenceData, scope: TermScope, problems: ProblemList) -> None:
    """Add plan terms that say nothing for a contract on the plan, once for all such contracts."""
    unpriced: dict[tuple[int, str], list[str]] = {}
    endless: dict[int, list[str]] = {}
    for number, owned, contract in _plan_terms_of_contracts(data, scope):
        amounts, currency = _amounts(owned.term.item), contract.currency_code
        if amounts and currency not in amounts:
            unpriced.setdefault((number, currency), []).append(contract.contract_id)
        if _lasts_for_good(owned.term.item) and contract.end_date is None:
            endless.setdefault(number, []).append(contract.contract_id)
    for (number, currency), contract_ids in unpriced.items():
        message = f"it has no amount in {currency}, in which {_contracts(contract_ids)} bills"
        fault = _Fault(("amount",), "term_currency_mismatch", message)
        _add(data.book.terms[number], fault, problems)
    for number, contract_ids in endless.items():
        message = f"{_contracts(contract_ids)} has no end, so it is never trued up"
        fault = _Fault(("per",), "commitment_without_end", message)
        _add(data.book.terms[number], fault, problems)


def _plan_terms_of_contracts(
    data: ReferenceData, scope: TermScope
) -> Iterator[tuple[int, OwnedTerm, Contract]]:
    """Plan terms by their place, each with every contract for which it holds on some day."""
    by_plan: dict[str, list[tuple[int, OwnedTerm]]] = {}
    for number, owned in enumerate(data.book.terms):
        if owned.plan_id is not None:
            by_plan.setdefault(owned.plan_id, []).append((number, owned))
    for contract_id, spans in scope.plan_spans.items():
        for one in spans:
            for number, owned in by_plan.get(one.plan_id, ()):
                if shared_days(term_span(owned.term.item), one.span) is not None:
                    yield number, owned, scope.contracts[contract_id]


def _contracts(contract_ids: Sequence[str]) -> str:
    first, *others = dict.fromkeys(contract_ids)
    return f"contract {first}" + (f" (and {len(others)} more)" if others else "")
