"""Another system's invoices beside what is rated here, as a job.

Belongs here: the question's form, the job, the table on the asset. Does not belong here: loading
and comparing (orchestration/shadow); tables and files (orchestration/reports).

It signs nothing and posts nothing. Like every run that writes the warehouse it takes its writer's
place, so a billing run that comes meanwhile waits for it.
"""

from pathlib import Path

import dagster as dg
from pydantic import Field

from orchestration.asset_keys import SHADOW_DIFFERENCES
from orchestration.defs.inspection.answers import ANSWER, shown
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.owners import WAREHOUSE_WRITER
from orchestration.pipeline import Installation
from orchestration.reports.shadow import print_shadow, write_shadow
from orchestration.shadow.compare import ShadowComparison, compare_invoices


class InvoicesAsked(dg.Config):
    """Which month is compared, and the file of invoices where one is loaded."""

    period: str = Field(description="Billing period whose invoices the file holds, YYYY-MM.")
    file: str | None = Field(
        default=None, description="CSV of invoice lines; without it what was loaded before."
    )
    mapping: str | None = Field(
        default=None,
        description="How the file is read; without it mapping.yml beside it, else the last one.",
    )


@dg.op(
    out=ANSWER,
    description="Load invoices of the system in use, and explain each difference to what is rated.",
    pool=WAREHOUSE_WRITER,
)
def invoice_differences(
    context: dg.OpExecutionContext,
    config: InvoicesAsked,
    installation: dg.ResourceParam[Installation],
) -> dg.Output[ShadowComparison]:
    """Answer with both sides and the causes; reports/shadow and the marts hold them, too."""
    with failures_sorted(retry_number=context.retry_number):
        answer = compare_invoices(
            installation,
            billing_period=config.period,
            file=Path(config.file) if config.file else None,
            mapping=Path(config.mapping) if config.mapping else None,
        )
        write_shadow(installation.settings, answer)
    output = shown(answer, print_shadow)
    context.log_event(
        dg.AssetMaterialization(
            SHADOW_DIFFERENCES,
            metadata={"answer": output.metadata["answer"], "rows": answer.differences.num_rows},
        )
    )
    return output


@dg.job(
    name="compare_invoices",
    description="Explain each difference between the invoices of the system in use and ours.",
)
def compare_invoices_job() -> None:
    """Load and compare."""
    invoice_differences()
