"""The watch over control totals: what notices within a day that one is missing or does not agree.

Belongs here: the check by the clock; the job of the daily watch holds it (watch.py). Does not
belong here: the figures of a build, which are as of the last ingestion batch (invariant 1).
"""

from typing import Final

import dagster as dg

from orchestration import asset_keys, pipeline
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.owners import WAREHOUSE_WRITER
from orchestration.pipeline import Installation

TOTALS_WATCH_CHECK: Final = "no_control_total_is_overdue"
_SHOWN: Final = 20


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
    if not overdue:
        return dg.AssetCheckResult(
            passed=True,
            description=(
                "No model was built yet, so nothing is compared."
                if overdue is None
                else "Every control total whose grace is over agrees with what arrived."
            ),
        )
    named = ", ".join(total.name() for total in overdue[:_SHOWN])
    more = f" and {len(overdue) - _SHOWN} more" if len(overdue) > _SHOWN else ""
    return dg.AssetCheckResult(
        passed=False,
        metadata={
            "overdue": dg.MetadataValue.int(len(overdue)),
            "overdue since": dg.MetadataValue.text(
                min(total.grace_ends_at for total in overdue).isoformat()
            ),
        },
        description=(
            f"Control totals are missing or do not agree: {named}{more}. `tallyhouse "
            "control-totals` shows both sides. Have what is missing delivered, or a corrected "
            "total, then run again."
        ),
    )
