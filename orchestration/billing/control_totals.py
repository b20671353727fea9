"""Control totals that do not agree at an instant, also where nothing arrives any more.

Belongs here: asking fct_control_totals by an instant that the caller records. Does not belong here:
what was announced and what arrived, which dbt says as of the last ingestion batch; days without any
usage (source_days.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import duckdb

TOTALS_CHECK: Final = "control_totals_agree_after_their_grace"
_INVARIANT: Final = 1
_OVERDUE: Final = """
    select
        totals.source_prefix,
        totals.usage_date,
        totals.measure,
        totals.unit,
        totals.first_billing_period,
        totals.grace_ends_at,
        totals.announced_quantity,
        totals.arrived_quantity,
        totals.agreement <> 'waits'
    from reconciliation.fct_control_totals as totals
    where totals.agreement <> 'agrees' and totals.grace_ends_at <= $now
    order by totals.usage_date, totals.source_prefix, totals.measure
"""
_WAIVED: Final = """
    select object_id from billing.fct_exceptions
    where object_kind = 'control_total' and state = 'waived'
"""


@dataclass(frozen=True, kw_only=True)
class OverdueTotal:
    """A day of a source whose control total is missing or does not agree, its grace being over.

    Attributes:
        source_prefix: the source, as sources.yml has it.
        usage_date: the UTC day.
        measure, unit: `events`, or the id of a meter, and its unit.
        first_billing_period: the first month, YYYY-MM, whose signature it stands in the way of.
        grace_ends_at: when its grace was over, aware.
        announced_quantity: what the source says that it sent; None where it said nothing.
        arrived_quantity: what arrived.
        is_known_to_the_build: whether it was over when the last ingestion batch began, so that
            fct_conservation has it already.
    """

    source_prefix: str
    usage_date: date
    measure: str
    unit: str
    first_billing_period: str
    grace_ends_at: datetime
    announced_quantity: Decimal | None
    arrived_quantity: Decimal
    is_known_to_the_build: bool

    def name(self) -> str:
        """The total as the scopes of fct_conservation name it."""
        return f"{self.usage_date} {self.source_prefix} {self.measure}"

    def as_conservation_row(self) -> Mapping[str, Any]:
        """The total as a broken row of fct_conservation."""
        announced = self.announced_quantity or Decimal(0)
        return {
            "invariant_number": _INVARIANT,
            "check_name": TOTALS_CHECK,
            "scope_kind": "control_total",
            "scope_id": self.name(),
            "unit": self.unit,
            "first_billing_period": self.first_billing_period,
            "left_label": "control total of the source, its grace over at the freeze",
            "left_figure": announced,
            "right_label": "arrived",
            "right_figure": self.arrived_quantity,
            "difference": announced - self.arrived_quantity,
            "is_held": False,
        }


def overdue_totals(connection: duckdb.DuckDBPyConnection, *, now: datetime) -> list[OverdueTotal]:
    """Return the totals that do not agree and whose grace is over, by day, source and measure.

    Args:
        connection: the open warehouse.
        now: aware; the instant to judge by.

    Raises:
        duckdb.Error: no build has made fct_control_totals yet.
    """
    instant = now.astimezone(UTC).replace(tzinfo=None)
    found = connection.execute(_OVERDUE, {"now": instant})
    names = (
        *("source_prefix", "usage_date", "measure", "unit", "first_billing_period"),
        *("grace_ends_at", "announced_quantity", "arrived_quantity", "is_known_to_the_build"),
    )
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return [
        OverdueTotal(**row | {"grace_ends_at": row["grace_ends_at"].replace(tzinfo=UTC)})
        for row in rows
    ]


def waived_totals(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Return the names of those that an approver lets stand, as the last build knows it.

    Raises:
        duckdb.Error: no build has made fct_exceptions yet.
    """
    return frozenset(str(name) for (name,) in connection.execute(_WAIVED).fetchall())
