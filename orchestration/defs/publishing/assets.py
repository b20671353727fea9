"""The analysts' copy of the marts.

Belongs here: the asset. Does not belong here: the copy's making (orchestration/reports).
"""

import dagster as dg

from orchestration import asset_keys, pipeline
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.figures import Materialised
from orchestration.defs.operations.owners import DATA_ENGINEERING, WAREHOUSE_WRITER
from orchestration.pipeline import Installation


@dg.asset(
    key=asset_keys.PUBLISHED_MARTS,
    deps=[
        asset_keys.INVOICE_CANDIDATES,
        asset_keys.INVOICE_CANDIDATE_LINES,
        asset_keys.CONSERVATION,
    ],
    group_name="publishing",
    owners=[DATA_ENGINEERING],
    kinds={"duckdb"},
    pool=WAREHOUSE_WRITER,
    description=(
        "Read-only copy of the marts for analysts. A reader with an open connection keeps the copy "
        "that it opened, and never blocks or breaks a run."
    ),
)
def published_marts(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]
) -> Materialised:
    """Publish; see pipeline.publish_marts."""
    with failures_sorted(retry_number=context.retry_number):
        published = pipeline.publish_marts(installation)
    return dg.MaterializeResult(metadata={"copy": dg.MetadataValue.path(str(published))})
