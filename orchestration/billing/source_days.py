"""Announced source-days that are overdue at an instant, also where nothing arrives any more.

Belongs here: asking fct_source_days by an instant that the caller records. Does not belong here:
which days are announced and what arrived, which dbt says as of the last ingestion batch.

A build judges by its last batch, so that the same inputs give the same figures. When every source
falls silent no batch comes any more: then only whoever has an instant of its own, a freeze or the
daily watch, can tell that a day which was still in its grace has run out of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import duckdb

ARRIVAL_CHECK: Final = "announced_source_days_have_arrived"
_INVARIANT: Final = 1
_OVERDUE: Final = """
    select source_prefix, usage_date, first_billing_period, grace_ends_at, arrival = 'missing'
    from reconciliation.fct_source_days
    where arrival in ('missing', 'pending') and grace_ends_at <= $now
    order by usage_date, source_prefix
"""


@dataclass(frozen=True, kw_only=True)
class OverdueDay:
    """An announced source-day without usage whose grace is over.

    Attributes:
        source_prefix: the source, as sources.yml has it.
        usage_date: the UTC day.
        first_billing_period: the first month, YYYY-MM, whose signature it stands in the way of.
        grace_ends_at: when its grace was over, aware.
        is_known_to_the_build: whether it was over when the last ingestion batch began, so that
            fct_conservation has the day already.
    """

    source_prefix: str
    usage_date: date
    first_billing_period: str
    grace_ends_at: datetime
    is_known_to_the_build: bool

    def name(self) -> str:
        """The day as the scopes of fct_conservation name it."""
        return f"{self.usage_date} {self.source_prefix}"

    def as_conservation_row(self) -> Mapping[str, Any]:
        """The day as a broken row of fct_conservation."""
        return {
            "invariant_number": _INVARIANT,
            "check_name": ARRIVAL_CHECK,
            "scope_kind": "source_day",
            "scope_id": self.name(),
            "unit": "source-days",
            "first_billing_period": self.first_billing_period,
            "left_label": "announced source-days whose grace was over at the freeze",
            "left_figure": Decimal(1),
            "right_label": "source-days that arrived or are quiet",
            "right_figure": Decimal(0),
            "difference": Decimal(1),
            "is_held": False,
        }


def overdue_days(connection: duckdb.DuckDBPyConnection, *, now: datetime) -> list[OverdueDay]:
    """Return the announced source-days without usage whose grace is over, by day and source.

    Args:
        connection: the open warehouse.
        now: aware; the instant to judge by.

    Raises:
        duckdb.Error: no build has made fct_source_days yet.
    """
    instant = now.astimezone(UTC).replace(tzinfo=None)
    return [
        OverdueDay(
            source_prefix=source_prefix,
            usage_date=usage_date,
            first_billing_period=first_billing_period,
            grace_ends_at=grace_ends_at.replace(tzinfo=UTC),
            is_known_to_the_build=is_known,
        )
        for source_prefix, usage_date, first_billing_period, grace_ends_at, is_known in (
            connection.execute(_OVERDUE, {"now": instant}).fetchall()
        )
    ]
