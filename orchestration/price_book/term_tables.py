"""From sound terms to the tables that dbt reads: terms, their amounts and the charges they cover.

Belongs here: defaults, kinds of the tables, covered charges written out. Does not belong here:
judging terms (term_checks.py); every other table (table_compiler.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from orchestration.price_book.reference_data import OwnedTerm, ReferenceData
from orchestration.price_book.term_models import (
    Allowance,
    AnyTerm,
    Commitment,
    DatedTerm,
    Discount,
    OneOff,
    Trial,
)
from orchestration.price_book.term_scope import TermScope, term_scope, term_span

Record = dict[str, Any]

_WHOLE_PERCENT: Final = Decimal(100)
_NOT_SHARED: Final = "none"


def term_rows(data: ReferenceData) -> dict[str, Sequence[Record]]:
    """Rows of terms, term_amounts and term_charges by table, of data without errors."""
    scope = term_scope(data)
    return {
        "terms": [
            _term(scope, owned, number) for number, owned in enumerate(data.book.terms, start=1)
        ],
        "term_amounts": [row for owned in data.book.terms for row in _amounts(owned)],
        "term_charges": [
            {"term_id": owned.term.item.id, "charge_id": charge_id, "charge_number": number}
            for owned in data.book.terms
            for number, charge_id in enumerate(scope.covered(owned), start=1)
        ],
    }


def _term(scope: TermScope, owned: OwnedTerm, number: int) -> Record:
    term = owned.term.item
    first_day, end_day = _days(term)
    return {
        "term_id": term.id,
        "term_kind": _kind(term),
        "term_name": term.name or term.default_name,
        "plan_id": owned.plan_id,
        "contract_id": owned.contract_id,
        "term_number": number,
        "effective_from_date": first_day,
        "effective_to_date": end_day,
        "percent": _percent(term),
        "quantity": _quantity(term),
        "proration": _proration(term),
        **_trial(term),
        **_commitment(term),
        **_rollover(term),
        "product_id": _product(scope, owned),
        "author": term.author,
        "reason": term.reason,
    }


def _kind(term: AnyTerm) -> str:
    if not isinstance(term, Discount):
        return term.kind
    by_field = {"percent": term.percent, "amount": term.amount, "free_quantity": term.free_quantity}
    return next(f"discount_{name}" for name, given in by_field.items() if given is not None)


def _days(term: AnyTerm) -> tuple[Any, Any]:
    if isinstance(term, OneOff):
        return term_span(term)
    return (term.from_, term.to) if isinstance(term, DatedTerm) else (None, None)


def _percent(term: AnyTerm) -> Decimal | None:
    if isinstance(term, Trial):
        return _WHOLE_PERCENT
    return term.percent if isinstance(term, Discount) else None


def _quantity(term: AnyTerm) -> Decimal | None:
    if isinstance(term, Allowance):
        return term.quantity
    return term.free_quantity if isinstance(term, Discount) else None


def _proration(term: AnyTerm) -> str:
    if isinstance(term, Trial | OneOff):
        return _NOT_SHARED
    if isinstance(term, Discount):
        return _NOT_SHARED if term.percent is not None else term.proration or "day"
    return term.proration


def _trial(term: AnyTerm) -> Record:
    lengths: Mapping[str, int | None] = {}
    if isinstance(term, Trial):
        lengths = {"days": term.days, "months": term.months, "periods": term.periods}
    given = [(unit, length) for unit, length in lengths.items() if length is not None]
    unit, length = given[0] if given else (None, None)
    return {"trial_unit": unit, "trial_length": length}


def _commitment(term: AnyTerm) -> Record:
    commitment = term if isinstance(term, Commitment) else None
    return {
        "commitment_span": commitment.per if commitment else None,
        "overage_factor": commitment.overage_factor if commitment else None,
    }


def _rollover(term: AnyTerm) -> Record:
    rollover = term.rollover if isinstance(term, Allowance) else None
    return {
        "rollover_cap": rollover.cap if rollover else None,
        "rollover_periods": rollover.periods if rollover else None,
    }


def _product(scope: TermScope, owned: OwnedTerm) -> str:
    """What the term names, else the product of the first charge that it covers."""
    named = getattr(owned.term.item, "product", None)
    if named is not None:
        return str(named)
    _, charge = scope.charges[scope.covered(owned)[0]]
    return charge.product


def _amounts(owned: OwnedTerm) -> Iterator[Record]:
    term = owned.term.item
    amounts: Mapping[str, Decimal] = getattr(term, "amount", None) or {}
    for currency, amount in amounts.items():
        yield {"term_id": term.id, "currency_code": currency, "amount": amount}
