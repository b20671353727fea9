"""Rating a signed month again, as a job.

Belongs here: the form and the job. Does not belong here: the order of the work
(orchestration/rerating/rerate.py); signing what was frozen (defs/sign_off).
"""

import dagster as dg
from pydantic import Field

from orchestration.defs.inspection.answers import ANSWER, shown
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.owners import WAREHOUSE_WRITER
from orchestration.pipeline import Installation
from orchestration.reports.reratings import print_rerated
from orchestration.rerating.rerate import Rerated, rerate_month


class RerateAsked(dg.Config):
    """Which month is rated again, and what of it."""

    period: str = Field(description="Billing period that is signed, YYYY-MM.")
    customers: list[str] = Field(
        default=[], description="Customers whose contracts; none means everybody's."
    )
    plans: list[str] = Field(default=[], description="Plans they are on; none means any.")


@dg.op(
    out=ANSWER,
    description="Load reference data, rate a signed month again, freeze what differs; tell why.",
    pool=WAREHOUSE_WRITER,
)
def rated_again(
    context: dg.OpExecutionContext,
    config: RerateAsked,
    installation: dg.ResourceParam[Installation],
) -> dg.Output[Rerated]:
    """Answer with what differs and what was frozen; finance signs it like every revision."""
    with failures_sorted(retry_number=context.retry_number):
        rerated = rerate_month(
            installation,
            billing_period=config.period,
            customer_ids=config.customers,
            plan_ids=config.plans,
        )
    return shown(rerated, print_rerated)


@dg.job(
    description="Rate a signed month again, for all contracts or some; freeze what differs.",
    tags={"dagster/max_retries": "0"},
)
def rerate_period() -> None:
    """Rate and freeze."""
    rated_again()
