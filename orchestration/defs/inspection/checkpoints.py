"""Reconciling a month as a job: its checkpoints from raw lines to payments, and why they vary.

Belongs here: the question's form, the job. Does not belong here: figures (dbt), reading them
(orchestration/quality), tables and files (orchestration/reports).
"""

import dagster as dg
from pydantic import Field

from orchestration.defs.inspection.answers import ANSWER, shown
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.owners import WAREHOUSE_WRITER
from orchestration.pipeline import Installation
from orchestration.quality.checkpoints import Reconciliation, reconcile
from orchestration.reports.checkpoints import print_reconciliation, write_reconciliation


class MonthAsked(dg.Config):
    """Which month is reconciled, and of whom."""

    period: str = Field(description="Billing period, YYYY-MM.")
    customer: str | None = Field(
        default=None, description="Id of a customer, by product line; without it everybody."
    )


@dg.op(
    out=ANSWER,
    description="Compare the checkpoints of a month; every row is in reports/reconciliation.",
    pool=WAREHOUSE_WRITER,
)
def compared_checkpoints(
    context: dg.OpExecutionContext,
    config: MonthAsked,
    installation: dg.ResourceParam[Installation],
) -> dg.Output[Reconciliation]:
    """Answer with the checkpoints as the last build computed them."""
    settings = installation.settings
    with failures_sorted(retry_number=context.retry_number):
        answer = reconcile(settings, billing_period=config.period, customer_id=config.customer)
        write_reconciliation(settings, answer)
    return shown(answer, print_reconciliation)


@dg.job(
    description="Compare a month's checkpoints from raw lines to payments, and say why they vary.",
)
def reconcile_period() -> None:
    """Gather them."""
    compared_checkpoints()
