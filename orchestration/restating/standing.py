"""What stands from a day until another: who is above a customer, and the rate of two currencies.

Belongs here: on which days two versions of such a table say different things, however their rows
are cut. Does not belong here: tables whose rows are compared one by one (changes.py); signed cells
(judge.py).
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final, TypeAlias

import pyarrow as pa

from orchestration.restating.changes import ALWAYS, FOR_GOOD, Change, Tables

Span: TypeAlias = tuple[Any, Any, Any]
"""Days or instants [first, after) and what stands on them."""
_NOT_BILLED: Final = ("", "none")
_DAYS: Final = (ALWAYS, FOR_GOOD)
_INSTANTS: Final = (datetime.combine(ALWAYS, time()), datetime.combine(FOR_GOOD, time()))


def standing_changes(then: Tables, now: Tables) -> Iterator[Change]:
    """Customers whose parent or whose payer is another one, and exchange rates that differ."""
    yield from _parents(then, now)
    yield from _payers(then, now)
    yield from _rates(then, now)


def differing_spans(
    then: Sequence[Span], now: Sequence[Span], bounds: tuple[Any, Any]
) -> Iterator[Span]:
    """Spans within bounds on which two sides differ, with what stands there on either of them.

    Args:
        then: one side; its spans do not overlap, and where it has none, None stands.
        now: the other one.
        bounds: the first day or instant, and the last.
    """
    sides = sorted(then, key=_start), sorted(now, key=_start)
    cuts = sorted({*bounds, *(cut for side in sides for span in side for cut in span[:2])})
    for first, after in pairwise(cuts):
        before, by_now = (_at(side, first) for side in sides)
        if before != by_now:
            yield first, after, {before, by_now} - {None}


def _start(span: Span) -> Any:
    return span[0]


def _at(side: Sequence[Span], moment: Any) -> Any:
    """What stands on one side at a moment."""
    number = bisect_right(side, moment, key=_start)
    if not number or side[number - 1][1] <= moment:
        return None
    return side[number - 1][2]


def _parents(then: Tables, now: Tables) -> Iterator[Change]:
    """Contracts that bill children, of whoever is above a customer before or after the edit."""
    sides = _links(then), _links(now)
    above = [_above(side) for side in sides]
    contracts = _billing_children(then, now)
    for customer_id in sides[0].keys() | sides[1].keys():
        before, by_now = (side.get(customer_id, []) for side in sides)
        for first, after, parents in differing_spans(before, by_now, _INSTANTS):
            holders = {
                each for parent in parents for links in above for each in _ancestors(parent, links)
            }
            for contract_id in {each for holder in holders for each in contracts.get(holder, ())}:
                days = _local_days(first, after)
                yield Change("customer", customer_id, *days, contract_id=contract_id)


def _payers(then: Tables, now: Tables) -> Iterator[Change]:
    """Contracts of a customer whose invoices go to another one."""
    before, after = (
        {
            row["customer_id"]: row["bill_to_customer_id"] or row["customer_id"]
            for row in tables["customers"].to_pylist()
        }
        for tables in (then, now)
    )
    held = {
        (row["contract_id"], row["customer_id"])
        for tables in (then, now)
        for row in tables["contracts"].select(["contract_id", "customer_id"]).to_pylist()
    }
    for contract_id, customer_id in held:
        if before.get(customer_id, customer_id) != after.get(customer_id, customer_id):
            yield Change("customer", customer_id, ALWAYS, FOR_GOOD, contract_id=contract_id)


def _rates(then: Tables, now: Tables) -> Iterator[Change]:
    """Rates that are others, or gone. One where none was in force translated nothing so far."""
    sides = _rate_spans(then["exchange_rates"]), _rate_spans(now["exchange_rates"])
    for pair, spans in sides[0].items():
        known_from = spans[0][0]
        for first, after, _ in differing_spans(spans, sides[1].get(pair, []), _DAYS):
            if after > known_from:
                days = max(first, known_from), after
                yield Change("exchange_rate", "/".join(pair), *days, currency_code=pair[0])


def _links(tables: Tables) -> dict[str, list[Span]]:
    """Parents of each customer; one that the customer itself names stands at all times."""
    links: dict[str, list[Span]] = defaultdict(list)
    for row in tables["customers"].to_pylist():
        if row["parent_customer_id"]:
            links[row["customer_id"]].append((*_INSTANTS, row["parent_customer_id"]))
    for row in tables["customer_parents"].to_pylist():
        span = row["valid_from_at"], row["valid_to_at"] or _INSTANTS[1]
        links[row["customer_id"]].append((*span, row["parent_customer_id"]))
    return links


def _above(links: Mapping[str, Sequence[Span]]) -> dict[str, set[str]]:
    return {child: {parent for *_, parent in spans} for child, spans in links.items()}


def _ancestors(customer_id: str, above: Mapping[str, Collection[str]]) -> set[str]:
    """A customer and everybody who is above it at some time."""
    found: set[str] = set()
    waiting = [customer_id]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting.extend(above.get(each, ()))
    return found


def _billing_children(then: Tables, now: Tables) -> dict[str, set[str]]:
    """Contracts that bill usage of children, before or after the edit, by holder."""
    contracts: dict[str, set[str]] = defaultdict(set)
    for tables in (then, now):
        for row in tables["contracts"].to_pylist():
            if (row["children"] or "") not in _NOT_BILLED:
                contracts[row["customer_id"]].add(row["contract_id"])
    return contracts


def _rate_spans(table: pa.Table) -> dict[tuple[str, str], list[Span]]:
    """Rates of each pair in order of days; each is in force until the next one."""
    rates: dict[tuple[str, str], dict[date, Any]] = defaultdict(dict)
    for row in table.to_pylist():
        rates[row["from_currency_code"], row["to_currency_code"]][row["rate_date"]] = row["rate"]
    return {
        pair: [
            (first, after, by_day[first]) for first, after in pairwise([*sorted(by_day), FOR_GOOD])
        ]
        for pair, by_day in rates.items()
    }


def _local_days(first: datetime, after: datetime) -> tuple[date, date]:
    """The days of any time zone that two instants lie on or between."""
    return (
        ALWAYS if first == _INSTANTS[0] else first.date() - timedelta(days=1),
        FOR_GOOD if after == _INSTANTS[1] else after.date() + timedelta(days=2),
    )
