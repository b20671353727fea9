"""Control totals beside what arrived, as people read them.

Belongs here: reading fct_control_totals of a month. Does not belong here: computing a figure, which
dbt does on every build; layout (reports/control_totals.py).
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from orchestration.failures import RefusedError
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

_WAIT_SECONDS: Final = 60
AGREES: Final = "agrees"
WAITS: Final = "waits"
_IS_BUILT: Final = """
    select 1 from duckdb_tables()
    where schema_name = 'reconciliation' and table_name = 'fct_control_totals'
"""
_DAYS: Final = """
    select
        totals.source_prefix,
        totals.usage_date,
        totals.measure,
        totals.unit,
        totals.announced_quantity,
        totals.arrived_quantity,
        totals.variance_quantity,
        totals.agreement,
        totals.grace_ends_at,
        files.path as file_name,
        totals.line_number,
        totals.replaced_count,
        coalesce(exceptions.state = 'waived', false) as is_waived,
        exceptions.exception_id
    from reconciliation.fct_control_totals as totals
    left join staging.stg_ingestion__files as files on totals.file_id = files.file_id
    left join billing.fct_exceptions as exceptions
        on
            exceptions.object_kind = 'control_total'
            and exceptions.object_id
            = totals.usage_date || ' ' || totals.source_prefix || ' ' || totals.measure
    where $month is null or strftime(totals.usage_date, '%Y-%m') = $month
    order by totals.usage_date, totals.source_prefix, totals.measure
"""


class ControlTotalsMissingError(RefusedError):
    """No control total was compared yet."""

    code = "no_control_totals"


@dataclass(frozen=True, kw_only=True)
class ComparedTotal:
    """A source's day in one measure: what it says that it sent, and what arrived.

    Attributes:
        source_prefix: the source, as sources.yml has it. usage_date: the UTC day.
        measure, unit: `events`, or the id of a meter, and its unit.
        announced_quantity: None where the source said nothing.
        variance_quantity: arrived less announced; None where the source said nothing.
        agreement: agrees, waits, short, over or no_total.
        grace_ends_at: naive UTC.
        file_name, line_number: where the total stands; None where there is none.
        replaced_count: how many earlier totals it replaces.
        is_waived: whether an approver lets it stand. exception_id: of what does not agree.
    """

    source_prefix: str
    usage_date: date
    measure: str
    unit: str
    announced_quantity: Decimal | None
    arrived_quantity: Decimal
    variance_quantity: Decimal | None
    agreement: str
    grace_ends_at: datetime
    file_name: str | None
    line_number: int | None
    replaced_count: int
    is_waived: bool
    exception_id: str | None

    @property
    def is_red(self) -> bool:
        """Whether it stands in the way of a signature."""
        return self.agreement not in (AGREES, WAITS) and not self.is_waived


def read_control_totals(settings: Settings, *, month: str | None) -> list[ComparedTotal]:
    """Return every compared total by day, source and measure, as the last build has them.

    Args:
        settings: the installation.
        month: UTC month, YYYY-MM; None means every one.

    Raises:
        ControlTotalsMissingError: no build has compared any, or the month has none.
        WarehouseBusyError: another process writes the warehouse.
    """
    asked: dict[str, Any] = {"month": month}
    tried = f"Asked for the control totals{'' if month is None else f' of {month}'}"
    with open_warehouse(settings, wait_seconds=_WAIT_SECONDS) as connection:
        if not connection.execute(_IS_BUILT).fetchall():
            raise ControlTotalsMissingError(
                f"{tried}: no build has compared any yet. Run `tallyhouse run` first."
            )
        found = connection.execute(_DAYS, asked)
        names = [column[0] for column in found.description or ()]
        rows = [ComparedTotal(**dict(zip(names, row, strict=True))) for row in found.fetchall()]
    if not rows:
        raise ControlTotalsMissingError(
            f"{tried}: no source stated or owes one. Give a source control_totals in sources.yml, "
            "or correct the month."
        )
    return rows
