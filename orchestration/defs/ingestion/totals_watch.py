"""The watch over control totals: what notices within a day that one is missing or does not agree.

Belongs here: the check by the clock; the job of the daily watch holds it (watch.py). Does not
belong here: the figures of a build, which are as of the last ingestion batch (invariant 1).
"""

from typing import Final

import dagster as dg

from orchestration import asset_keys, pipeline
from orchestration.defs.ingestion.overdue import overdue_result
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.owners import WAREHOUSE_WRITER
from orchestration.pipeline import Installation

TOTALS_WATCH_CHECK: Final = "no_control_total_is_overdue"


@dg.asset_check(
    asset=asset_keys.USAGE_EVENTS,
    name=TOTALS_WATCH_CHECK,
    pool=WAREHOUSE_WRITER,
    description=(
        "Every control total whose grace is over by the clock has come and agrees with what "
        "arrived, as far as it was rated, or is waived."
    ),
)
def no_control_total_is_overdue(
    context: dg.AssetCheckExecutionContext, installation: dg.ResourceParam[Installation]
) -> dg.AssetCheckResult:
    """Name the totals that are overdue at this moment; see pipeline.read_overdue_totals."""
    with failures_sorted(retry_number=context.retry_number):
        overdue = pipeline.read_overdue_totals(installation)
    return overdue_result(
        overdue,
        unbuilt="No model was built yet, so nothing is compared.",
        in_order="Every control total whose grace is over agrees with what arrived.",
        told=(
            "Control totals are missing or do not agree: {named}. `tallyhouse control-totals` "
            "shows both sides. Have what is missing delivered, or a corrected total, then run "
            "again."
        ),
    )
