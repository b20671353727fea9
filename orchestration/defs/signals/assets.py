"""Signals in the CRM.

Belongs here: the asset. Does not belong here: which signals exist (dbt), the wire (adapters).
"""

import dagster as dg

from orchestration import asset_keys, pipeline
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.figures import Materialised, texts
from orchestration.defs.operations.owners import ACCOUNT_TEAMS, WAREHOUSE_WRITER
from orchestration.pipeline import Installation


@dg.asset(
    key=asset_keys.CRM_SIGNALS,
    deps=[asset_keys.PUBLISHED_MARTS],
    group_name="signals",
    owners=[ACCOUNT_TEAMS],
    kinds={"api"},
    pool=WAREHOUSE_WRITER,
    description=(
        "Adoption, trend, risk, invoices and payments of each account, written to the CRM by "
        "external id. A record that the CRM refuses stops itself, not the rest."
    ),
)
def crm_signals(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]
) -> Materialised:
    """Push; see pipeline.push_signals."""
    with failures_sorted(retry_number=context.retry_number):
        summaries = pipeline.push_signals(installation)
    return dg.MaterializeResult(
        metadata=texts(
            {
                f"{billing_period} {name}": figure
                for billing_period, summary in summaries.items()
                for name, figure in vars(summary).items()
            }
        )
    )
