"""Which contracts a re-rating is about, and whose data rating them takes.

Belongs here: the lineages that a scope names in a reference version; the customers whose contracts,
identities and usage bear on them. Does not belong here: the scope as it is pinned
(billing/run_scope.py); the tables of these customers (excerpt.py).

Two customers bear on each other where one is the parent of the other at some time, where they share
a subject of a product system, or where they hold contracts of one lineage. Usage is placed among
the contracts of all of them, so none may be missing.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.refusals import listed
from orchestration.billing.run_scope import RunScope
from orchestration.failures import InputError
from orchestration.price_book.nearest_names import or_nearest
from orchestration.rerating.mixing import Tables

_DECEMBER: Final = 12


class ScopeUnknownError(InputError):
    """A scope names a customer or a plan that no contract has."""

    code = "scope_unknown"


@dataclass(frozen=True, kw_only=True)
class ScopedContracts:
    """What a scope comes to in one reference version.

    Attributes:
        lineages: the contract lineages that are compared with what was billed, ascending.
        customer_ids: everybody whose data rating them takes, ascending; holders among them.
    """

    lineages: tuple[str, ...]
    customer_ids: tuple[str, ...]


def scoped_contracts(tables: Tables, scope: RunScope, *, billing_period: str) -> ScopedContracts:
    """Find the contracts that a scope names.

    A contract is on a plan where one of its versions is on some day of the month, or where it
    ended before and the last one was.

    Args:
        tables: compiled tables of the reference version that rates.
        scope: with customers, plans or both.
        billing_period: the month, YYYY-MM.

    Raises:
        ScopeUnknownError: a customer holds no contract, a plan has none, or none has both.
    """
    contracts = tables["contracts"]
    on_plans = _contracts_on(tables, scope.plan_ids, billing_period)
    holders = _texts(contracts, "customer_id")
    _refuse_unknown("customer", scope.customer_ids, set(holders), "holds a contract")
    plans = set(_texts(tables["plans"], "plan_id"))
    _refuse_unknown("plan", scope.plan_ids, plans, "is in the price book")
    ids = (_texts(contracts, "contract_id"), _texts(contracts, "contract_lineage_id"))
    found = {
        (lineage, holder)
        for contract, lineage, holder in zip(*ids, holders, strict=True)
        if (not scope.customer_ids or holder in scope.customer_ids)
        and (not scope.plan_ids or contract in on_plans)
    }
    if not found:
        raise ScopeUnknownError(
            f"Looked for {scope.words()} in {billing_period}: there is none. Name a customer "
            "that holds a contract in that month, and a plan that it is on."
        )
    return ScopedContracts(
        lineages=tuple(sorted({lineage for lineage, _ in found})),
        customer_ids=tuple(sorted(_everybody([tables], {holder for _, holder in found}))),
    )


def customers_bearing_on(versions: Sequence[Tables], lineages: Collection[str]) -> tuple[str, ...]:
    """Find everybody whose data rating contracts takes, ascending, in any mixture of versions.

    A link of one version counts in all of them: a subject that is another customer's now links the
    two.

    Args:
        versions: compiled tables of reference versions.
        lineages: the contract lineages that are rated.
    """
    holders = {
        holder
        for tables in versions
        for lineage, holder in zip(
            _texts(tables["contracts"], "contract_lineage_id"),
            _texts(tables["contracts"], "customer_id"),
            strict=True,
        )
        if lineage in lineages
    }
    return tuple(sorted(_everybody(versions, holders)))


def _refuse_unknown(
    kind: str, named: Collection[str], known: Collection[str], is_what: str
) -> None:
    unknown = sorted(set(named) - set(known))
    if unknown:
        nearest = or_nearest(unknown[0], known)
        raise ScopeUnknownError(
            f"Looked for the contracts of {kind} {listed(unknown)}: no {kind} of that id {is_what}"
            f"{nearest}. Name one that does."
        )


def _contracts_on(tables: Tables, plan_ids: Collection[str], billing_period: str) -> set[str]:
    if not plan_ids:
        return set()
    start, end = _month(billing_period)
    last: dict[str, tuple[date, str]] = {}
    found = set()
    for row in tables["contract_versions"].to_pylist():
        begins, ends = row["effective_from_date"], row["effective_to_date"]
        if begins >= end:
            continue
        last[row["contract_id"]] = max(
            last.get(row["contract_id"], (date.min, "")), (begins, row["plan_id"])
        )
        if (ends is None or ends > start) and row["plan_id"] in plan_ids:
            found.add(row["contract_id"])
    return found | {contract for contract, (_, plan) in last.items() if plan in plan_ids}


def _month(billing_period: str) -> tuple[date, date]:
    """First day of a month and of the next one."""
    start = date.fromisoformat(f"{billing_period}-01")
    is_last = start.month == _DECEMBER
    return start, date(start.year + is_last, 1 if is_last else start.month + 1, 1)


def _everybody(versions: Sequence[Tables], seeds: Collection[str]) -> set[str]:
    """Customers that are reached from some by links that bear on rating."""
    links: dict[str, set[str]] = defaultdict(set)
    for one, other in _links(versions):
        links[one].add(other)
        links[other].add(one)
    reached = set(seeds)
    waiting = list(seeds)
    while waiting:
        for other in links.get(waiting.pop(), ()):
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached


def _links(versions: Sequence[Tables]) -> Iterator[tuple[str, str]]:
    subjects: list[tuple[tuple[str, str], str]] = []
    lineages: list[tuple[str, str]] = []
    for tables in versions:
        customers = tables["customers"]
        children = customers.filter(pc.is_valid(customers["parent_customer_id"]))
        for table in (children, tables["customer_parents"]):
            yield from _pairs(table, "customer_id", "parent_customer_id")
        identities, contracts = tables["identities"], tables["contracts"]
        names = _pairs(identities, "system_id", "external_id")
        subjects += zip(names, _texts(identities, "customer_id"), strict=True)
        lineages += _pairs(contracts, "contract_lineage_id", "customer_id")
    yield from _sharing(subjects)
    yield from _sharing(lineages)


def _sharing(holders: Iterable[tuple[Hashable, str]]) -> Iterator[tuple[str, str]]:
    """Pair the customers of what is shared, each with the first one."""
    first: dict[Hashable, str] = {}
    for shared, customer in holders:
        if customer != first.setdefault(shared, customer):
            yield first[shared], customer


def _pairs(table: pa.Table, one: str, other: str) -> Iterator[tuple[str, str]]:
    return zip(_texts(table, one), _texts(table, other), strict=True)


def _texts(table: pa.Table, name: str) -> list[str]:
    values: list[Any] = table[name].to_pylist()
    return values
