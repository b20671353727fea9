"""Whether customers form a tree at every instant.

Belongs here: customers, who invoices go to, and their parents over time. Does not belong here: what
their contracts say (contract_checks.py).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from heapq import heappop, heappush
from itertools import groupby

from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import Row, Tables
from orchestration.price_book.row_checks import FOR_GOOD, check_known, overlaps
from orchestration.price_book.table_models import Customer, CustomerParent

_SHOWN_IN_FULL = 8


def check_customers(tables: Tables, problems: ProblemList) -> None:
    """Add every problem of the customers and of who is above them at any instant."""
    for row in tables.customers:
        name = f"customers row {row.item.customer_id}"
        for column in ("parent_customer_id", "bill_to_customer_id"):
            check_known(row, name, tables, problems, column=column, table="customers")
    for link in tables.customer_parents:
        _check_link(link, tables, problems)
    _check_given_once(tables, problems)

    def span(link: CustomerParent) -> tuple[datetime, datetime]:
        return link.valid_from_at, link.valid_to_at or FOR_GOOD

    for earlier, later in overlaps(tables.customer_parents, lambda one: one.customer_id, span):
        problems.add(
            "overlapping_parents",
            later.path,
            later.line,
            f"{_name(later)}, column valid_from_at: its parent is "
            f"{earlier.item.parent_customer_id} by line {earlier.line} when "
            f"{later.item.parent_customer_id} begins to be.",
        )
    _check_circles(tables, problems)


def _name(link: Row[CustomerParent]) -> str:
    return f"customer_parents row {link.item.customer_id}"


def _check_link(link: Row[CustomerParent], tables: Tables, problems: ProblemList) -> None:
    for column in ("customer_id", "parent_customer_id"):
        check_known(link, _name(link), tables, problems, column=column, table="customers")
    start, end = link.item.valid_from_at, link.item.valid_to_at
    if end is not None and end <= start:
        problems.add(
            "dates_out_of_order",
            link.path,
            link.line,
            f"{_name(link)}, column valid_to_at: it ends at {end.isoformat()}, and begins at "
            f"{start.isoformat()}.",
        )


def _check_given_once(tables: Tables, problems: ProblemList) -> None:
    lines = {link.item.customer_id: link.line for link in reversed(tables.customer_parents)}
    for row in tables.customers:
        line = lines.get(row.item.customer_id)
        if row.item.parent_customer_id is not None and line is not None:
            problems.add(
                "parent_given_twice",
                row.path,
                row.line,
                f"customers row {row.item.customer_id}, column parent_customer_id: it says "
                f"{row.item.parent_customer_id}, and line {line} of customer_parents says who is "
                "its parent when.",
            )


def _check_circles(tables: Tables, problems: ProblemList) -> None:
    """Look for circles in the links that always hold, then wherever one begins to hold."""
    parents = {
        row.item.customer_id: row.item.parent_customer_id
        for row in tables.customers
        if row.item.parent_customer_id is not None
    }
    on_circle = _on_circles(parents)
    for row in tables.customers:
        if row.item.customer_id in on_circle:
            _add_circle(row, f"customers row {row.item.customer_id}", parents, problems)
    for begun in _begun_together(tables, parents):
        for link in begun:
            if _is_on_circle(link.item.customer_id, parents):
                since = f" from {link.item.valid_from_at.isoformat()} on"
                _add_circle(link, _name(link), parents, problems, since=since)


def _begun_together(tables: Tables, parents: dict[str, str]) -> Iterator[list[Row[CustomerParent]]]:
    """The links that begin at each instant, in order of time; parents then says who is above whom.

    Where links of a customer overlap, which is a problem of its own, the later one counts.
    """
    ending: list[tuple[datetime, int, CustomerParent]] = []
    in_order = sorted(tables.customer_parents, key=lambda one: (one.item.valid_from_at, one.line))
    for instant, group in groupby(in_order, key=lambda one: one.item.valid_from_at):
        while ending and ending[0][0] <= instant:
            *_, ended = heappop(ending)
            if parents.get(ended.customer_id) == ended.parent_customer_id:
                del parents[ended.customer_id]
        begun = list(group)
        for link in begun:
            parents[link.item.customer_id] = link.item.parent_customer_id
            heappush(ending, (link.item.valid_to_at or FOR_GOOD, link.line, link.item))
        yield begun


def _is_on_circle(customer_id: str, parents: Mapping[str, str]) -> bool:
    """Whether following the parents of a customer leads back to it."""
    passed: set[str] = set()
    node = parents.get(customer_id)
    while node is not None and node != customer_id and node not in passed:
        passed.add(node)
        node = parents.get(node)
    return node == customer_id


def _on_circles(parents: dict[str, str]) -> set[str]:
    """The ids from which following the parents leads back to themselves."""
    found: set[str] = set()
    settled: set[str] = set()
    for start in parents:
        way: list[str] = []
        places: dict[str, int] = {}
        node = start
        while node in parents and node not in settled and node not in places:
            places[node] = len(way)
            way.append(node)
            node = parents[node]
        if node in places:
            found.update(way[places[node] :])
        settled.update(way)
    return found


def _add_circle(
    row: Row[Customer] | Row[CustomerParent],
    row_name: str,
    parents: Mapping[str, str],
    problems: ProblemList,
    since: str = "",
) -> None:
    circle = [row.item.customer_id]
    while len(circle) == 1 or circle[-1] != circle[0]:
        circle.append(parents[circle[-1]])
    shown = " → ".join(
        circle if len(circle) <= _SHOWN_IN_FULL else [*circle[:4], "…", *circle[-3:]]
    )
    problems.add(
        "circular_parents",
        row.path,
        row.line,
        f"{row_name}, column parent_customer_id: {shown}{since}.",
    )
