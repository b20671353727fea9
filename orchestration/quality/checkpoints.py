"""The checkpoints from raw lines to payments, as people and checks read them.

Belongs here: reading fct_checkpoints and fct_checkpoint_reasons, added up by month and unit. Does
not belong here: computing a figure, which dbt does on every build; layout (reports/checkpoints.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb
import pyarrow as pa

from orchestration.failures import RefusedError
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

SOURCE_DAYS, EVENTS, QUANTITIES, AMOUNTS = "source_days", "events", "quantities", "amounts"
ANNOUNCED_EVENTS = "announced_events"

_WAIT_SECONDS: Final = 60
_IS_BUILT: Final = """
    select 1 from duckdb_tables()
    where schema_name = 'reconciliation' and table_name = 'fct_checkpoints'
"""
_ASKED: Final = """
    where
        coalesce(billing_period, event_month, '') = coalesce(
            $billing_period, billing_period, event_month, ''
        )
        and ($customer_id is null or customer_id = $customer_id)
"""
_GROUP: Final = """
    leg,
    coalesce(billing_period, event_month) as month,
    case leg
        when 'quantities' then meter_id
        when 'amounts' then case when $by_product_line then erp_item end
        else system_id
    end as part,
    case leg when 'quantities' then unit when 'amounts' then currency_code end as unit,
    checkpoint_name as checkpoint,
"""
_CHECKPOINTS: Final = f"""
    select
        {_GROUP}
        any_value(checkpoint_number) as checkpoint_number,
        cast(sum(item_count) as bigint) as item_count,
        sum(quantity) as quantity,
        sum(amount) as amount,
        cast(sum(count_variance) as bigint) as count_variance,
        sum(quantity_variance) as quantity_variance,
        sum(amount_variance) as amount_variance,
        cast(sum(abs(unexplained_count)) as bigint) as unexplained_count,
        sum(abs(unexplained_quantity)) as unexplained_quantity,
        sum(abs(unexplained_amount)) as unexplained_amount,
        count(*) filter (where not is_explained) as unexplained_scopes
    from reconciliation.fct_checkpoints
    {_ASKED}
    group by all
    order by leg, month nulls last, part nulls last, unit, checkpoint_number
"""
_REASONS: Final = f"""
    select
        {_GROUP}
        reason,
        case when reason = 'held' then reason_code end as reason_code,
        cast(sum(item_count) as bigint) as item_count,
        sum(quantity) as quantity,
        sum(amount) as amount
    from reconciliation.fct_checkpoint_reasons
    {_ASKED}
    group by all
    order by reason, reason_code
"""
_UNDATED: Final = """
    select coalesce(-sum(item_count), 0) from reconciliation.fct_checkpoint_reasons
    where leg = 'events' and event_month is null and $customer_id is null
"""
_ROWS: Final = f"select * from reconciliation.{{table}} {_ASKED} order by all"


class CheckpointsMissingError(RefusedError):
    """Nothing is known to reconcile."""

    code = "no_checkpoints"


@dataclass(frozen=True, kw_only=True)
class ReasonTotal:
    """What one reason explains of a variance.

    Attributes:
        reason_code: of what is held, the code of its exception; else None.
        item_count: how many more, or below zero fewer.
        quantity, amount: likewise; None where the leg counts none.
    """

    reason: str
    reason_code: str | None
    item_count: int
    quantity: Decimal | None
    amount: Decimal | None

    @property
    def figure(self) -> Decimal | None:
        """The amount or the quantity, whichever its leg has."""
        return self.quantity if self.amount is None else self.amount


@dataclass(frozen=True, kw_only=True)
class CheckpointTotal:
    """A checkpoint in one month and unit, over all customers that were asked for.

    Attributes:
        leg: source_days, announced_events, events, quantities or amounts.
        month: YYYY-MM, of the events in UTC or the billing period; None where none can be told.
        part: system of source-days and events, meter of quantities, product line of amounts where
            they were asked for by product line; else None.
        unit: the meter's unit or the currency; else None.
        item_count: source-days, lines, events or settlement keys that reached it.
        quantity, amount: what reached it; None where the leg counts none.
        count_variance, quantity_variance, amount_variance: more than at the checkpoint before; None
            at the first one of a leg.
        unexplained_count, unexplained_quantity, unexplained_amount: what no reason explains,
            without signs, so that scopes do not cancel out.
        unexplained_scopes: in how many scopes something is unexplained.
        reasons: what explains the variance.
    """

    leg: str
    month: str | None
    part: str | None
    unit: str | None
    checkpoint_number: int
    checkpoint: str
    item_count: int
    quantity: Decimal | None
    amount: Decimal | None
    count_variance: int | None
    quantity_variance: Decimal | None
    amount_variance: Decimal | None
    unexplained_count: int | None
    unexplained_quantity: Decimal | None
    unexplained_amount: Decimal | None
    unexplained_scopes: int
    reasons: tuple[ReasonTotal, ...]

    @property
    def figure(self) -> Decimal | None:
        """The amount or the quantity, whichever its leg has."""
        return self.quantity if self.amount is None else self.amount

    @property
    def figure_variance(self) -> Decimal | None:
        """The variance of the figure."""
        return self.quantity_variance if self.amount is None else self.amount_variance

    @property
    def unexplained_figure(self) -> Decimal | None:
        """What of the figure's variance no reason explains."""
        return self.unexplained_quantity if self.amount is None else self.unexplained_amount


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """The checkpoints of a month, of one customer or of all.

    Attributes:
        billing_period: YYYY-MM; of events the same UTC month.
        customer_id: only its quantities and amounts; None means everybody's, and events.
        totals: by month, part and unit, in the order of the checkpoints.
        undated_rejects: rejected lines of all months, since a rejected line has no month; 0 where
            one customer is asked for.
        checkpoints, reasons: every row of fct_checkpoints and fct_checkpoint_reasons behind them.
    """

    billing_period: str
    customer_id: str | None
    totals: tuple[CheckpointTotal, ...]
    undated_rejects: int
    checkpoints: pa.Table
    reasons: pa.Table

    @property
    def is_explained(self) -> bool:
        """Whether no variance has an unexplained rest."""
        return not any(total.unexplained_scopes for total in self.totals)


def reconcile(
    settings: Settings, *, billing_period: str, customer_id: str | None = None
) -> Reconciliation:
    """Read the checkpoints of a month as the last build computed them.

    Args:
        settings: the installation.
        billing_period: YYYY-MM.
        customer_id: only this customer, by product line; None means all.

    Raises:
        CheckpointsMissingError: no build has compared any, or the month or customer has none.
        WarehouseBusyError: another process writes the warehouse.
    """
    asked: dict[str, Any] = {"billing_period": billing_period, "customer_id": customer_id}
    with open_warehouse(settings, wait_seconds=_WAIT_SECONDS) as connection:
        if not connection.execute(_IS_BUILT).fetchall():
            raise CheckpointsMissingError(
                f"Asked for the checkpoints of {billing_period}: no build has compared any yet. "
                f"Run `tallyhouse run --period {billing_period}` first."
            )
        totals = read_checkpoints(connection, **asked, by_product_line=customer_id is not None)
        rejects = connection.execute(_UNDATED, {"customer_id": customer_id}).fetchall()
        checkpoints = _rows(connection, "fct_checkpoints", asked)
        reasons = _rows(connection, "fct_checkpoint_reasons", asked)
    if not totals:
        whose = "" if customer_id is None else f" of customer {customer_id}"
        raise CheckpointsMissingError(
            f"Asked for the checkpoints of {billing_period}{whose}: nothing was used, rated or "
            "signed there. Correct the month or the customer's id, or load its usage and run again."
        )
    return Reconciliation(
        **asked,
        totals=tuple(totals),
        undated_rejects=int(rejects[0][0]),
        checkpoints=checkpoints,
        reasons=reasons,
    )


def read_totals(settings: Settings) -> list[CheckpointTotal]:
    """Return the checkpoints of every month, over all customers.

    Raises:
        WarehouseBusyError: another process writes the warehouse.
    """
    with open_warehouse(settings, wait_seconds=_WAIT_SECONDS) as connection:
        return read_checkpoints(connection)


def read_checkpoints(
    connection: duckdb.DuckDBPyConnection,
    *,
    billing_period: str | None = None,
    customer_id: str | None = None,
    by_product_line: bool = False,
) -> list[CheckpointTotal]:
    """Add the checkpoints up by month, part and unit, in the order of the way.

    Args:
        connection: a warehouse or a published copy.
        billing_period: only this month; None means all.
        customer_id: only this customer; None means all.
        by_product_line: whether amounts are told apart by product line.
    """
    asked = {
        "billing_period": billing_period,
        "customer_id": customer_id,
        "by_product_line": by_product_line,
    }
    reasons: dict[tuple[Any, ...], list[ReasonTotal]] = {}
    for row in _records(connection, _REASONS, asked):
        place = tuple(row.pop(name) for name in _PLACE)
        reasons.setdefault(place, []).append(ReasonTotal(**row))
    return [
        CheckpointTotal(**row, reasons=tuple(reasons.get(tuple(row[name] for name in _PLACE), ())))
        for row in _records(connection, _CHECKPOINTS, asked)
    ]


_PLACE: Final = ("leg", "month", "part", "unit", "checkpoint")


def _records(
    connection: duckdb.DuckDBPyConnection, query: str, asked: Mapping[str, Any]
) -> list[dict[str, Any]]:
    found = connection.execute(query, dict(asked))
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _rows(connection: duckdb.DuckDBPyConnection, table: str, asked: Mapping[str, Any]) -> pa.Table:
    found: Any = connection.execute(_ROWS.format(table=table), dict(asked)).to_arrow_table()
    rows: pa.Table = found
    return rows
