"""Terms of one contract that would do the same for the same charge at the same time.

Belongs here: two commitments, two maximum spends or two allowances over one charge, whether the
plan says both, the contract, or each one. Does not belong here: one term by itself
(term_checks.py). Discounts, trials and one-off amounts go together in their declared order.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import OwnedTerm, ReferenceData
from orchestration.price_book.term_models import Allowance, Commitment, MaximumSpend
from orchestration.price_book.term_scope import ALWAYS, TermScope, shared_days, term_span

_ALONE: Final = (Allowance, Commitment, MaximumSpend)


def check_overlapping_terms(data: ReferenceData, scope: TermScope, problems: ProblemList) -> None:
    """Add every pair of terms of which only one can hold for a charge at a time."""
    by_plan: dict[str, list[OwnedTerm]] = {}
    by_contract: dict[str, list[OwnedTerm]] = {}
    for owned in data.book.terms:
        if isinstance(owned.term.item, _ALONE):
            owners = by_plan if owned.plan_id is not None else by_contract
            owners.setdefault(owned.plan_id or owned.contract_id or "", []).append(owned)
    for terms in by_plan.values():
        for earlier, later in combinations(terms, 2):
            _check_pair(scope, earlier, later, None, problems)
    for contract_id, own in by_contract.items():
        for earlier, later in _pairs_of_contract(scope, contract_id, own, by_plan):
            _check_pair(scope, earlier, later, contract_id, problems)


def _pairs_of_contract(
    scope: TermScope,
    contract_id: str,
    own: Sequence[OwnedTerm],
    by_plan: Mapping[str, Sequence[OwnedTerm]],
) -> list[tuple[OwnedTerm, OwnedTerm]]:
    plans = dict.fromkeys(one.plan_id for one in scope.plan_spans.get(contract_id, ()))
    listed = [owned for plan_id in plans for owned in by_plan.get(plan_id, ())]
    return [*combinations(own, 2), *((plan, mine) for plan in listed for mine in own)]


def _check_pair(
    scope: TermScope,
    earlier: OwnedTerm,
    later: OwnedTerm,
    contract_id: str | None,
    problems: ProblemList,
) -> None:
    one, other = earlier.term.item, later.term.item
    if one.kind != other.kind:
        return
    covered = frozenset(scope.covered(earlier))
    for charge_id in scope.covered(later):
        if charge_id not in covered:
            continue
        spans = (ALWAYS,) if contract_id is None else scope.days_of_charge(contract_id, charge_id)
        for span in spans:
            days = shared_days(term_span(one), term_span(other), span)
            if days is not None:
                problems.add(
                    "overlapping_terms",
                    later.term.path,
                    later.term.line(),
                    f"{later.term.name()}: {earlier.term.name()} is a {one.kind} for the charge "
                    f"{charge_id} at the same time ({earlier.term.path}:{earlier.term.line()}).",
                )
                return
