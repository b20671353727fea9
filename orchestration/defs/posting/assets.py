"""Documents in the ERP, and what the ERP says of them.

Belongs here: the two assets and what a run tells about each document that did not go through. Does
not belong here: intent, send, look-up (orchestration/billing); a vendor's calls (adapters).
"""

from typing import Final

import dagster as dg

from orchestration import asset_keys, pipeline
from orchestration.billing.posting import PostingSummary
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.figures import Materialised, texts
from orchestration.defs.operations.owners import DATA_ENGINEERING, FINANCE
from orchestration.pipeline import Installation

ERP_POOL: Final = "erp"
POSTED_CHECK: Final = "signed_documents_are_in_the_erp"


@dg.asset(
    key=asset_keys.ERP_DOCUMENTS,
    deps=[asset_keys.PERIOD_SIGN_OFF],
    group_name="posting",
    owners=[FINANCE],
    kinds={"api"},
    pool=ERP_POOL,
    check_specs=[
        dg.AssetCheckSpec(
            POSTED_CHECK,
            asset=asset_keys.ERP_DOCUMENTS,
            description="Every signed document is in the ERP; those that are not, wait by name.",
        )
    ],
    description=(
        "Every signed document as one document in the ERP, whatever crashed or timed out before. "
        "A document that the ERP refuses stops itself, not the rest."
    ),
)
def erp_documents(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]
) -> Materialised:
    """Plan and send; see pipeline.post_documents."""
    with failures_sorted(retry_number=context.retry_number):
        summary = pipeline.post_documents(installation)
    return dg.MaterializeResult(
        metadata=texts(vars(summary)), check_results=[posted_result(summary)]
    )


def posted_result(summary: PostingSummary) -> dg.AssetCheckResult:
    """Return a warning where documents are not in the ERP: one of them never stops the others."""
    waiting = summary.rejected + summary.unknown + summary.waiting + summary.delayed
    return dg.AssetCheckResult(
        passed=waiting == 0 and summary.broken == 0,
        severity=dg.AssetCheckSeverity.WARN,
        asset_key=asset_keys.ERP_DOCUMENTS,
        check_name=POSTED_CHECK,
        metadata=texts(vars(summary)),
        description=(
            f"{summary.posted} documents were posted now, {waiting} wait, {summary.broken} stand "
            "otherwise than signed. `tallyhouse status` names the exceptions and their stewards."
        ),
    )


@dg.asset(
    key=asset_keys.ERP_STATUSES,
    deps=[asset_keys.ERP_DOCUMENTS],
    group_name="posting",
    owners=[DATA_ENGINEERING],
    kinds={"api"},
    pool=ERP_POOL,
    description="What the ERP holds of each posted document: number, lines, amount, open balance.",
)
def erp_statuses(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]
) -> Materialised:
    """Read back; see pipeline.read_statuses."""
    with failures_sorted(retry_number=context.retry_number):
        count = pipeline.read_statuses(installation)
    return dg.MaterializeResult(metadata={"documents_read": count})
