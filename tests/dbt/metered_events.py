"""Single events in every state that metering keeps of them, for rating tests.

Belongs here: which states an event of a meter leaves, by the meter's aggregation and windows. Does
not belong here: writing them (rating_warehouse.py); events in raw files (raw_events.py).
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rating_warehouse import RatingWarehouse

QUARTER = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive is UTC, as DuckDB and Parquet keep it


def use_event(
    warehouse: RatingWarehouse,
    contract_id: str,
    meter_id: str,
    at: datetime,
    quantity: Decimal | int | str | None = None,
    *,
    value: str | None = None,
    is_add: bool | None = None,
    event_id: str = "e",
    nanos: int = 0,
    **columns: Any,
) -> None:
    """Add one event at a naive UTC instant, after its meter and its contract.

    Args:
        warehouse: where to add it.
        contract_id: whose usage it is.
        meter_id: what it counts for; its definition decides which states are left.
        at: when it happened.
        quantity: of a meter that reads values; None is an event without one.
        value: of a unique_count; None is an event without one.
        is_add: whether it adds the value or removes it, for a meter with operations.
        event_id: decides, after the instant and its nanoseconds.
        nanos: its nanoseconds beyond the microsecond.
        **columns: more of RatingWarehouse.use, such as batch or dimension_key.
    """
    meter = _row_of(warehouse, "meters", meter_id=meter_id)
    zone = ZoneInfo(_row_of(warehouse, "contracts", contract_id=contract_id)["time_zone"])
    local_date = at.replace(tzinfo=UTC).astimezone(zone).date()
    warehouse.use(
        contract_id, meter_id, local_date, quantity or 0, at=at, event_id=event_id, **columns
    )
    is_hourly = meter.get("window_unit") == "hour"
    is_counted_only = meter["aggregation"] == "count"
    state = warehouse.metered[-1] | {
        "quarter_hour_at": EPOCH + (at - EPOCH) // QUARTER * QUARTER if is_hourly else None,
        "latest_event_nanos": nanos,
        "unvalued_event_count": int(not is_counted_only and quantity is None and value is None),
    }
    if quantity is None:
        state |= dict.fromkeys(
            ("quantity_sum", "quantity_max", "quantity_min", "latest_quantity", "latest_event_at")
        )
    warehouse.metered[-1] = state
    if meter["aggregation"] == "percentile" and quantity is not None:
        text = format(Decimal(quantity), "f")
        warehouse.distinct_values.append(state | {"distinct_value": text, "event_count": 1})
    if meter["aggregation"] == "unique_count" and value is not None:
        warehouse.distinct_values.append(
            state
            | {"distinct_value": value}
            | ({} if is_add is None else _operation(state, is_add=is_add))
        )
    keeps_events = meter["aggregation"] == "weighted_sum" or meter.get("keeps_each_event")
    if keeps_events and quantity is not None:
        kept = {"event_at": at, "event_at_nanos": nanos, "event_id": event_id, "quantity": quantity}
        warehouse.kept_events.append(state | kept)


def _row_of(warehouse: RatingWarehouse, table: str, **key: str) -> Any:
    [found] = [row for row in warehouse.reference[table] if key.items() <= row.items()]
    return found


def _operation(state: dict[str, Any], *, is_add: bool) -> dict[str, Any]:
    """The first and last operation of a slice that saw only this one."""
    at, nanos = state["first_event_at"], state["latest_event_nanos"]
    return {
        "has_add": is_add,
        "first_operation_at": at,
        "first_operation_nanos": nanos,
        "last_operation_at": at,
        "last_operation_nanos": nanos,
        "last_operation_source": state["event_source"],
        "last_operation_id": state["latest_event_id"],
        "is_last_add": is_add,
    }
