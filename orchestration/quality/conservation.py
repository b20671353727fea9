"""The conservation figures: invariants 1 to 7 with both of their sides, in their units.

Belongs here: reading fct_conservation, for people and as check results. Does not belong here:
computing a figure, which dbt does in SQL on every run; layout (reports/tables.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb

from orchestration.billing.checks import CheckFigure
from orchestration.price_book.currencies import money_text
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

_BROKEN_SHOWN: Final = 5
_CHECKS: Final = """
    select
        invariant_number,
        check_name,
        bool_or(is_headline) as is_headline,
        bool_and(is_held) as is_held,
        arg_max(left_label, scope_kind <> 'all') as left_label,
        arg_max(right_label, scope_kind <> 'all') as right_label,
        count(*) filter (where scope_kind <> 'all') as scope_count,
        coalesce(
            list(scope_kind || ' ' || scope_id order by scope_kind = 'all', scope_kind, scope_id)
                filter (where not is_held),
            []
        ) as broken,
        any_value(what_to_do) as what_to_do
    from reconciliation.fct_conservation
    group by invariant_number, check_name
    order by invariant_number, is_headline desc, check_name
"""
_SIDES: Final = """
    select
        check_name,
        unit,
        bool_or(scope_kind = 'currency') as is_amount,
        sum(left_figure) as left_figure,
        sum(right_figure) as right_figure,
        sum(difference) as difference
    from reconciliation.fct_conservation
    where scope_kind <> 'all'
    group by check_name, unit
    order by check_name, unit
"""


@dataclass(frozen=True, kw_only=True)
class ConservedSides:
    """Both sides of a check in one unit, over all scopes that are counted in it.

    Attributes:
        unit: lines, events, charges, a meter's unit, or a currency code.
        is_amount: whether the unit is a currency.
    """

    unit: str
    is_amount: bool
    left_figure: Decimal
    right_figure: Decimal
    difference: Decimal

    def text(self, figure: Decimal) -> str:
        """Write one of the figures with its unit: "USD 71,440.69", "203,198 lines"."""
        if self.is_amount:
            return f"{self.unit} {money_text(figure, self.unit)}"
        return f"{plain(figure)} {self.unit}"

    def difference_text(self) -> str:
        """Write left less right; a count needs no unit again."""
        return self.text(self.difference) if self.is_amount else plain(self.difference)


@dataclass(frozen=True, kw_only=True)
class ConservationFigure:
    """One conservation check over everything.

    Attributes:
        invariant_number: 1 to 7.
        check_name: the check, a true sentence in snake_case.
        is_headline: whether finance reads it first.
        is_held: whether both sides are equal, in every scope.
        left_label, right_label: what stands on the two sides.
        sides: one pair of figures per unit, since units never add up; none where nothing is there
            to compare yet.
        scope_count: how many scopes were compared.
        broken: the scopes that are not equal, by kind and id.
        what_to_do: the next step where it is broken.
    """

    invariant_number: int
    check_name: str
    is_headline: bool
    is_held: bool
    left_label: str
    right_label: str
    sides: tuple[ConservedSides, ...]
    scope_count: int
    broken: tuple[str, ...]
    what_to_do: str

    def broken_text(self) -> str:
        """Name the first broken scopes, and how many more there are."""
        shown = ", ".join(self.broken[:_BROKEN_SHOWN])
        more = len(self.broken) - _BROKEN_SHOWN
        return f"{shown} and {more:,} more" if more > 0 else shown

    def as_check(self) -> CheckFigure:
        """Return it as a check result, all figures as text by label."""
        sides = self.sides
        figures = {
            self.left_label: _listed(each.text(each.left_figure) for each in sides),
            self.right_label: _listed(each.text(each.right_figure) for each in sides),
            "difference": _listed(each.difference_text() for each in sides),
        }
        figures["scopes"] = str(self.scope_count)
        if not self.is_held:
            figures |= {"broken": self.broken_text(), "what to do": self.what_to_do}
        return CheckFigure(
            check_name=self.check_name,
            invariant_number=self.invariant_number,
            is_passed=self.is_held,
            figures=figures,
        )


def conservation_figures(settings: Settings) -> list[CheckFigure]:
    """Return one check result per conservation check, in order of invariant, headlines first.

    Raises:
        WarehouseBusyError: another process writes the warehouse.
    """
    with open_warehouse(settings, wait_seconds=60) as connection:
        return [figure.as_check() for figure in read_conservation(connection)]


def read_conservation(connection: duckdb.DuckDBPyConnection) -> list[ConservationFigure]:
    """Read fct_conservation from an open warehouse or published copy, in the same order."""
    sides: dict[str, list[ConservedSides]] = {}
    for row in _rows(connection, _SIDES):
        sides.setdefault(row.pop("check_name"), []).append(ConservedSides(**row))
    return [
        ConservationFigure(
            **row | {"broken": tuple(_scopes(row["broken"]))},
            sides=tuple(sides.get(row["check_name"], ())),
        )
        for row in _rows(connection, _CHECKS)
    ]


def plain(figure: Decimal | None) -> str:
    """Write a figure without exponent and without trailing zeros; an absent one as "none"."""
    if figure is None:
        return "none"
    text = f"{figure:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(texts) or "none yet"


def _scopes(broken: list[str]) -> list[str]:
    """The broken scopes without the row over all of them, unless that one is alone."""
    return [scope for scope in broken if scope != "all all"] or broken


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    found = connection.execute(query)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
