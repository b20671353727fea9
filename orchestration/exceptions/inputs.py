"""What dbt reads of the policy for exceptions: the age limits.

Belongs here: the file and its columns. Does not belong here: waivers, which are the register's
(orchestration/billing/register.py); the history, which is exported with the operations database.
"""

from typing import Final

import pyarrow as pa

from orchestration.billing.entries import column
from orchestration.operations_db import replace_parquet
from orchestration.price_book.policy import ExceptionPolicy
from orchestration.settings import Settings

AGE_LIMIT_SCHEMA: Final = pa.schema(
    [
        column("limit_for", pa.string(), is_nullable=False),
        column("age_limit_days", pa.int32(), is_nullable=False),
    ]
)


def write_age_limits(settings: Settings, policy: ExceptionPolicy) -> None:
    """Write warehouse/inputs/exception_age_limits.parquet: one row per limit, by what it is for."""
    rows = [
        {"limit_for": name, "age_limit_days": days}
        for name, days in sorted(policy.limits().items())
    ]
    settings.warehouse_inputs.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=AGE_LIMIT_SCHEMA)
    replace_parquet(
        settings.warehouse_inputs / "exception_age_limits.parquet", AGE_LIMIT_SCHEMA, [table]
    )
