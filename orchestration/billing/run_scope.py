"""What a billing run is about: all contracts, or those of some customers and plans.

Belongs here: the scope as a revision pins it, and that none takes another one's place unseen. Does
not belong here: the contracts that a scope names (orchestration/rerating/scope.py); freezing
(freeze.py).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from orchestration.billing.manifests import Manifest
from orchestration.billing.refusals import PeriodOpenError, RevisionWaitsError, listed
from orchestration.billing.revisions import Revision, revisions_of

_ALL: Final = "all"


@dataclass(frozen=True, kw_only=True, order=True)
class RunScope:
    """What a run declares and rates completely; everything else stays as it is.

    Attributes:
        customer_ids: holders of the contracts, ascending; none means whoever holds them.
        plan_ids: plans that the contracts are on in the run's month, ascending; none means any.
        is_of_one_month: whether what is due of earlier closed months is left to other runs.
    """

    customer_ids: tuple[str, ...] = ()
    plan_ids: tuple[str, ...] = ()
    is_of_one_month: bool = False

    @property
    def has_all_contracts(self) -> bool:
        """Whether no customer and no plan is named."""
        return not (self.customer_ids or self.plan_ids)

    def plain(self) -> dict[str, Any]:
        """The scope as JSON; that of a month's ordinary run names no month."""
        named = {"customers": list(self.customer_ids), "plans": list(self.plan_ids)}
        contracts = _ALL if self.has_all_contracts else named
        return {"contracts": contracts} | ({"only_month": True} if self.is_of_one_month else {})

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The scope that a revision pins."""
        contracts = plain["contracts"]
        named: Mapping[str, Any] = {} if contracts == _ALL else contracts
        return cls(
            customer_ids=tuple(named.get("customers", ())),
            plan_ids=tuple(named.get("plans", ())),
            is_of_one_month=bool(plain.get("only_month", False)),
        )

    def words(self) -> str:
        """The contracts in words: `all contracts`, `contracts of acme on plan growth`."""
        if self.has_all_contracts:
            return "all contracts"
        whose = f" of {', '.join(self.customer_ids)}" if self.customer_ids else ""
        plans = f" on plan {', '.join(self.plan_ids)}" if self.plan_ids else ""
        return f"contracts{whose}{plans}"


WHOLE_RUN: Final = RunScope()
"""All contracts, with what is due of earlier closed months: what a month's close bills."""


def is_replaced(waiting: Revision, scope: RunScope) -> bool:
    """Whether a run takes the place of a revision of its month that waits for a decision.

    The run of a month does; a re-rating only where it is about the same contracts.
    """
    return not scope.is_of_one_month or RunScope.of_plain(waiting.pins.scope) == scope


def refuse_untimely(
    chain: Sequence[Manifest],
    legal_entity_ids: Collection[str],
    billing_period: str,
    scope: RunScope,
) -> None:
    """Let one month be rated again only where it is signed, and nothing else of it waits.

    The run of a month is never untimely: it bills all that is due, whatever it takes the place of.

    Args:
        chain: commits of the register.
        legal_entity_ids: whose revision is about to be frozen.
        billing_period: its month, YYYY-MM.
        scope: what it is about.

    Raises:
        RevisionWaitsError: a revision about other contracts waits, and would be superseded.
        PeriodOpenError: a legal entity froze something of the month, and signed nothing.
    """
    if not scope.is_of_one_month:
        return
    tried = f"Tried to freeze {scope.words()} of {billing_period}"
    states: dict[str, set[str]] = {}
    waiting = {}
    for revision in revisions_of(chain).values():
        if revision.billing_period != billing_period:
            continue
        if revision.legal_entity_id not in legal_entity_ids:
            continue
        states.setdefault(revision.legal_entity_id, set()).add(revision.state)
        if revision.state == "frozen" and not is_replaced(revision, scope):
            theirs = RunScope.of_plain(revision.pins.scope)
            waiting[revision.revision_id] = theirs.words()
    if waiting:
        named = ", ".join(f"{name} with {words}" for name, words in waiting.items())
        raise RevisionWaitsError(
            f"{tried}: {named} waits for a decision, and would be superseded. Sign or reject it "
            "first, or name its contracts too."
        )
    unsigned = sorted(name for name, found in states.items() if "signed" not in found)
    if unsigned:
        raise PeriodOpenError(
            f"{tried}: {listed(unsigned)} signed nothing of that month yet. Close it with "
            f"`tallyhouse run --period {billing_period}`."
        )
