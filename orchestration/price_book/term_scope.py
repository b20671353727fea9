"""Which charges a term covers, for which contracts, and on which days.

Belongs here: following a term to its plan or contract and their charges. Does not belong here:
judging it (term_checks.py, term_overlaps.py); the tables it becomes (term_tables.py).

Days are local days of the contract; a span is (first day, day after the last). A day on which a
plan changes at an instant belongs to both plans.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from orchestration.price_book.models import Charge
from orchestration.price_book.moments import day_after, first_day, start_instant
from orchestration.price_book.reference_data import OwnedTerm, ReferenceData
from orchestration.price_book.table_models import Contract, ContractVersion
from orchestration.price_book.term_models import AnyTerm, CoveringTerm, DatedTerm, OneOff

Span = tuple[date, date]

ALWAYS: Span = (date.min, date.max)


@dataclass(frozen=True)
class PlanSpan:
    """The days on which a contract is on a plan."""

    plan_id: str
    span: Span


@dataclass(frozen=True)
class TermScope:
    """What terms refer to, looked up once.

    Attributes:
        charges: by charge id, with the plan that each belongs to.
        plan_charges: charge ids by plan, in the order of the file.
        contracts: by contract id.
        plan_spans: by contract id, in the order of time; contracts without a version are absent.
        known_plans: ids of the plans of which it is known what they hold.
    """

    charges: Mapping[str, tuple[str, Charge]]
    plan_charges: Mapping[str, Sequence[str]]
    contracts: Mapping[str, Contract]
    plan_spans: Mapping[str, Sequence[PlanSpan]]
    known_plans: frozenset[str]

    def covered(self, owned: OwnedTerm) -> Sequence[str]:
        """Ids of the charges that a term covers, in drawing order; none for a one-off amount."""
        term = owned.term.item
        if not isinstance(term, CoveringTerm):
            return ()
        if term.charges is not None:
            return term.charges
        return [
            charge_id
            for plan_id in self.plans(owned)
            for charge_id in self.plan_charges.get(plan_id, ())
        ]

    def plans(self, owned: OwnedTerm) -> Sequence[str]:
        """The plan of a plan's term; every plan that the contract is ever on, for a contract's."""
        if owned.plan_id is not None:
            return (owned.plan_id,)
        spans = self.plan_spans.get(owned.contract_id or "", ())
        return list(dict.fromkeys(one.plan_id for one in spans))

    def days_of_charge(self, contract_id: str, charge_id: str) -> Iterator[Span]:
        """The spans in which a contract is on the charge's plan."""
        plan_id, _ = self.charges.get(charge_id, ("", None))
        for one in self.plan_spans.get(contract_id, ()):
            if one.plan_id == plan_id:
                yield one.span


def term_scope(data: ReferenceData) -> TermScope:
    """Look up what the terms of a reference folder refer to."""
    plan_charges: dict[str, list[str]] = {}
    for plan_id, charge in data.book.charges:
        plan_charges.setdefault(plan_id, []).append(charge.item.id)
    contracts = {row.item.contract_id: row.item for row in data.tables.contracts}
    versions: dict[str, list[ContractVersion]] = {}
    for row in data.tables.contract_versions:
        versions.setdefault(row.item.contract_id, []).append(row.item)
    return TermScope(
        charges={charge.item.id: (plan, charge.item) for plan, charge in data.book.charges},
        plan_charges=plan_charges,
        contracts=contracts,
        plan_spans={
            contract_id: _plan_spans(contracts[contract_id], found)
            for contract_id, found in versions.items()
            if contract_id in contracts
        },
        known_plans=data.book.known_plans(),
    )


def term_span(term: AnyTerm) -> Span:
    """The days that a term itself names; a trial's depend on the contract, and are all of them."""
    if isinstance(term, OneOff):
        return term.date, term.date + timedelta(days=1)
    if isinstance(term, DatedTerm):
        return term.from_ or date.min, term.to or date.max
    return ALWAYS


def contract_span(contract: Contract) -> Span:
    """The days that a contract touches."""
    zone, end = contract.time_zone, contract.end_date
    return first_day(contract.start_date, zone), date.max if end is None else day_after(end, zone)


def shared_days(*spans: Span) -> Span | None:
    """The days that all spans have in common; None where there are none."""
    start, end = max(one[0] for one in spans), min(one[1] for one in spans)
    return (start, end) if start < end else None


def _plan_spans(contract: Contract, versions: Sequence[ContractVersion]) -> Sequence[PlanSpan]:
    zone = contract.time_zone
    in_order = sorted(versions, key=lambda one: start_instant(one.effective_from_date, zone))
    begins = [version.effective_from_date for version in in_order]
    ends = [*(day_after(begin, zone) for begin in begins[1:]), contract_span(contract)[1]]
    return [
        PlanSpan(version.plan_id, (first_day(version.effective_from_date, zone), end))
        for version, end in zip(in_order, ends, strict=True)
    ]
