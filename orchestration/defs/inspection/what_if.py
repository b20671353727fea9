"""What past usage would come to with other price books, as a job.

Belongs here: the question's form, the job. Does not belong here: rating and comparing
(orchestration/whatif); tables, files and charts (orchestration/reports).

It needs no place of the warehouse's writer: it copies the warehouse under its lock and rates in a
data directory of its own.
"""

from pathlib import Path

import dagster as dg
from pydantic import Field

from orchestration.defs.inspection.answers import ANSWER, shown
from orchestration.defs.operations.failures import failures_sorted
from orchestration.pipeline import Installation
from orchestration.reports.what_if_files import write_what_if
from orchestration.reports.what_ifs import print_what_if
from orchestration.whatif.question import what_if_question
from orchestration.whatif.what_if import WhatIf, compare_scenarios


class ScenariosAsked(dg.Config):
    """Which past months are rated with which folders."""

    price_books: list[str] = Field(
        description="Folders that hold other parts of the reference folder, one for each scenario."
    )
    period: str = Field(description="Billing periods, YYYY-MM or FIRST:LAST, both included.")
    name: str | None = Field(
        default=None, description="Folder of the answer under reports/what-if; else a digest."
    )


@dg.op(
    out=ANSWER,
    description="Rate past months with the current reference and each scenario, beside today's.",
)
def scenario_differences(
    context: dg.OpExecutionContext,
    config: ScenariosAsked,
    installation: dg.ResourceParam[Installation],
) -> dg.Output[WhatIf]:
    """Answer with what each scenario changes; every row and the charts are in reports/what-if."""
    with failures_sorted(retry_number=context.retry_number):
        folders = [Path(each) for each in config.price_books]
        question = what_if_question(config.period, folders, name=config.name)
        answer = compare_scenarios(installation, question)
        write_what_if(installation.settings, answer)
    return shown(answer, print_what_if)


@dg.job(
    name="compare_scenarios",
    description="Rate past usage with other price books or contracts, beside what is rated now.",
)
def compare_scenarios_job() -> None:
    """Gather the differences."""
    scenario_differences()
