"""Both sides of a comparison from rows that name only what a test is about.

Belongs here: tables as rating leaves them. Does not belong here: what a test expects.
"""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from orchestration.whatif.comparison import compare
from orchestration.whatif.rating import Rated
from orchestration.whatif.scenarios import Scenario

AMOUNTS = pa.schema(
    [
        ("customer_id", pa.string()),
        ("plan_id", pa.string()),
        ("billing_period", pa.string()),
        ("currency_code", pa.string()),
        ("amount", pa.decimal128(38, 4)),
        ("line_count", pa.int64()),
        ("unknown_line_count", pa.int64()),
        ("not_due_line_count", pa.int64()),
        ("exception_codes", pa.list_(pa.string())),
    ]
)
USAGE = pa.schema(
    [("customer_id", pa.string()), ("meter_id", pa.string()), ("event_count", pa.int64())]
)
CUSTOMERS = pa.schema(
    [("customer_id", pa.string()), ("customer_name", pa.string()), ("segment", pa.string())]
)
METERS = pa.schema([("meter_id", pa.string())])


def line(customer_id, amount, currency="USD", *, plan="p", period="2026-09", unknown=0, codes=()):
    """A row of amounts; `unknown` lines of it are unknown."""
    return {
        "customer_id": customer_id,
        "plan_id": plan,
        "billing_period": period,
        "currency_code": currency,
        "amount": Decimal(amount),
        "line_count": 1 + unknown,
        "unknown_line_count": unknown,
        "not_due_line_count": 0,
        "exception_codes": list(codes) or None,
    }


def events(customer_id, event_count, meter_id="calls"):
    return {"customer_id": customer_id, "meter_id": meter_id, "event_count": event_count}


def rated(*rows):
    """What was rated, from rows of lines and of events."""
    amounts = [row for row in rows if "amount" in row]
    usage = [row for row in rows if "event_count" in row]
    return Rated(
        pa.Table.from_pylist(amounts, schema=AMOUNTS), pa.Table.from_pylist(usage, schema=USAGE)
    )


def tables(*, segments=(), meters=("calls",)):
    """Compiled tables of a reference, as far as a comparison reads them."""
    customers = [
        {"customer_id": name, "customer_name": name.title(), "segment": segment}
        for name, segment in dict(segments).items()
    ]
    return {
        "customers": pa.Table.from_pylist(customers, schema=CUSTOMERS),
        "meters": pa.Table.from_pylist([{"meter_id": each} for each in meters], schema=METERS),
    }


def compared(before, after, *, name="scenario", current=None, other=None):
    """Compare two sides."""
    scenario = Scenario(
        name=name,
        folder=Path(name),
        parts=("price_book",),
        content_sha256="0" * 64,
        tables=other or tables(),
    )
    return compare(scenario, rated(*before), rated(*after), current=current or tables())
