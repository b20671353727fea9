"""What a price run is asked to pay for: every aggregation over real events, at its costly edges."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

QUANTITIES = ("+int_usage__assigned",)


def at(text):
    """A UTC instant, naive as in the raw events."""
    return datetime.fromisoformat(text)


def quantities(warehouse, meter_id, *, of="quantity", by="run_start_at"):
    """Pairs (run start, quantity) of a meter, in order."""
    return warehouse.rows(
        f"select cast({by} as varchar), {of} from rating.int_usage__assigned "
        f"where meter_id = '{meter_id}' order by all"
    )


def test_smoke(warehouse, event):
    warehouse.add_customer("ana", "acme", start_date=date(2026, 10, 1))
    for meter, aggregation, more in (
        ("min", "min", {}),
        ("avg", "avg", {}),
        ("p50", "percentile", {"percentile": Decimal(50)}),
        ("level", "weighted_sum", {"carry_in": "previous", "weighted_by": "second"}),
        ("held", "latest", {"carry_in": "previous"}),
        ("hourly", "max", {"window_unit": "hour", "window_aggregation": "sum"}),
    ):
        warehouse.add_meter(meter, aggregation, value="gb", **more)
        warehouse.add_charge("plan", meter)
    warehouse.load(
        event("a", at("2026-10-30 12:00"), properties={"gb": 2}),
        event("b", at("2026-10-30 12:20"), properties={"gb": 5}),
        event("c", at("2026-10-31 12:00"), properties={"gb": 3}),
    )
    warehouse.count(select=QUANTITIES)
    print(warehouse.rows("from rating.int_usage__assigned order by all"))
    assert 0
