"""Rows of fct_control_totals for tests of freezing. Does not belong here: any expectation."""

from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa

SCHEMA = pa.schema(
    [
        ("source_prefix", pa.string()),
        ("usage_date", pa.date32()),
        ("measure", pa.string()),
        ("unit", pa.string()),
        ("first_billing_period", pa.string()),
        ("grace_ends_at", pa.timestamp("us")),
        ("announced_quantity", pa.decimal128(38, 9)),
        ("arrived_quantity", pa.decimal128(38, 9)),
        ("agreement", pa.string()),
    ]
)


def control_totals_table(
    *totals: tuple[date, str, datetime, int | None, int, str],
) -> pa.Table:
    """Rows of events; each is (day, first period, end of grace, announced, arrived, agreement)."""
    return pa.Table.from_pylist(
        [
            {
                "source_prefix": "/gateway/",
                "usage_date": day,
                "measure": "events",
                "unit": "events",
                "first_billing_period": first_period,
                "grace_ends_at": grace_ends_at.replace(tzinfo=None),
                "announced_quantity": None if announced is None else Decimal(announced),
                "arrived_quantity": Decimal(arrived),
                "agreement": agreement,
            }
            for day, first_period, grace_ends_at, announced, arrived, agreement in totals
        ],
        schema=SCHEMA,
    )
