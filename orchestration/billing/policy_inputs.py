"""What the policy says about documents and corrections, as dbt reads it.

Belongs here: two small files, of the policy of one reference version. Does not belong here: what a
policy may say (price_book/policy.py), who may sign (policies.py).
"""

from typing import Final

import pyarrow as pa

from orchestration.billing.entries import AMOUNT, column
from orchestration.operations_db import replace_parquet
from orchestration.price_book import ReferenceVersion, policy_of
from orchestration.price_book.policy import Policy
from orchestration.settings import Settings

CORRECTION_SCHEMA: Final = pa.schema([column("months_back", pa.int32())])
SMALLEST_SCHEMA: Final = pa.schema(
    [
        column("currency_code", pa.string(), is_nullable=False),
        column("smallest_amount", AMOUNT, is_nullable=False),
    ]
)


def stated_policy(reference: ReferenceVersion) -> Policy | None:
    """The policy of a reference version; None where it has none, which sets no rule.

    Raises:
        ReferenceDamagedError: its policy.yml was changed after the version was made.
    """
    has_policy = (reference.folder / "source" / "policy.yml").is_file()
    return policy_of(reference) if has_policy else None


def write_policy_inputs(settings: Settings, policy: Policy | None) -> None:
    """Write policy_corrections (one row) and policy_smallest_documents (a row per currency)."""
    settings.warehouse_inputs.mkdir(parents=True, exist_ok=True)
    smallest = policy.smallest_document if policy else {}
    for name, schema, rows in (
        (
            "policy_corrections",
            CORRECTION_SCHEMA,
            [{"months_back": policy.corrections.months_back if policy else None}],
        ),
        (
            "policy_smallest_documents",
            SMALLEST_SCHEMA,
            [
                {"currency_code": currency, "smallest_amount": amount}
                for currency, amount in sorted(smallest.items())
                if amount
            ],
        ),
    ):
        table = pa.Table.from_pylist(rows, schema=schema)
        replace_parquet(settings.warehouse_inputs / f"{name}.parquet", schema, [table])
