"""What rules over rows of the tables have in common: known ids, and spans that share a moment.

Belongs here: what several tables ask alike. Does not belong here: the rules of one table
(table_checks.py, customer_checks.py, contract_checks.py).
"""

from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, datetime
from typing import Any

from orchestration.price_book.field_types import FrozenModel
from orchestration.price_book.nearest_names import or_nearest
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import Row, Tables

FOR_GOOD = datetime.max.replace(tzinfo=UTC)


def check_known(
    row: Row[Any], row_name: str, tables: Tables, problems: ProblemList, *, column: str, table: str
) -> None:
    """Add a problem when a column names a row that its table does not have."""
    record_id = getattr(row.item, column)
    kind = {"legal_entities": "legal_entity"}.get(table, table.removesuffix("s"))
    if record_id is not None and tables.is_unknown(table, record_id):
        problems.add(
            f"unknown_{kind}",
            row.path,
            row.line,
            f"{row_name}, column {column}: there is no {kind.replace('_', ' ')} {record_id}"
            f"{or_nearest(record_id, tables.declared[table])}.",
        )


def overlaps(
    rows: Iterable[Row[FrozenModel]],
    key: Callable[[Any], Hashable],
    span: Callable[[Any], tuple[Any, Any]],
) -> Iterable[tuple[Row[Any], Row[Any]]]:
    """Pairs (earlier, later) of rows of one key whose half-open spans share a moment.

    Each row is compared with the one before it that reaches furthest, so n rows give at most n
    pairs.
    """
    groups: dict[Hashable, list[Row[Any]]] = {}
    for row in rows:
        groups.setdefault(key(row.item), []).append(row)
    for group in groups.values():
        furthest: Row[Any] | None = None
        for row in sorted(group, key=lambda one: (span(one.item)[0], one.line)):
            start, end = span(row.item)
            if furthest is not None and start < span(furthest.item)[1] and start < end:
                yield furthest, row
            if furthest is None or end > span(furthest.item)[1]:
                furthest = row
