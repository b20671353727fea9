"""The conservation figures as check results: invariants 1 to 7 with both of their sides.

Belongs here: reading fct_conservation. Does not belong here: computing a figure, which dbt does
in SQL on every run.
"""

from decimal import Decimal

import duckdb

from orchestration.billing.checks import CheckFigure
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

_BROKEN_SHOWN = 5


def conservation_figures(settings: Settings) -> list[CheckFigure]:
    """Return one check result per conservation check, in order of invariant and name.

    Its figures are the two sides and their difference over everything, as text, and up to five
    broken scopes by name.

    Raises:
        WarehouseBusyError: another process writes the warehouse.
    """
    with open_warehouse(settings, wait_seconds=60) as connection:
        return read_conservation(connection)


def read_conservation(connection: duckdb.DuckDBPyConnection) -> list[CheckFigure]:
    """Read fct_conservation from an open warehouse; see conservation_figures."""
    rows = connection.execute(
        """
        select
            invariant_number,
            check_name,
            bool_and(is_held) as is_passed,
            any_value(left_label) filter (where scope_kind = 'all') as left_label,
            sum(left_figure) filter (where scope_kind = 'all') as left_figure,
            any_value(right_label) filter (where scope_kind = 'all') as right_label,
            sum(right_figure) filter (where scope_kind = 'all') as right_figure,
            sum(difference) filter (where scope_kind = 'all') as difference,
            count(*) filter (where scope_kind <> 'all') as scope_count,
            list(scope_kind || ' ' || scope_id order by scope_id) filter (where not is_held)
                as broken
        from reconciliation.fct_conservation
        group by invariant_number, check_name
        order by invariant_number, check_name
        """
    ).fetchall()
    return [
        CheckFigure(
            check_name=name,
            invariant_number=number,
            is_passed=bool(is_passed),
            figures={
                left_label: plain(left),
                right_label: plain(right),
                "difference": plain(difference),
                "scopes": str(scopes),
            }
            | ({"broken": ", ".join(broken[:_BROKEN_SHOWN])} if broken else {}),
        )
        for (
            number,
            name,
            is_passed,
            left_label,
            left,
            right_label,
            right,
            difference,
            scopes,
            broken,
        ) in rows
    ]


def plain(figure: Decimal | None) -> str:
    """Write a figure without exponent and without trailing zeros; an absent one as "none"."""
    if figure is None:
        return "none"
    text = f"{figure:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
