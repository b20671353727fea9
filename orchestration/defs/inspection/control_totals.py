"""Control totals as jobs: loading files of them, and showing which days do not agree.

Belongs here: the forms and the jobs. Does not belong here: loading (orchestration/control_totals),
figures (dbt), tables (orchestration/reports).
"""

from pathlib import Path

import dagster as dg
from pydantic import Field

from orchestration import pipeline
from orchestration.control_totals import ControlTotalsLoaded, refuse_unloaded
from orchestration.defs.inspection.answers import ANSWER, shown
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.owners import WAREHOUSE_WRITER
from orchestration.pipeline import Installation
from orchestration.quality.control_totals import read_control_totals
from orchestration.reports.control_totals import (
    ControlTotalsAnswer,
    print_control_totals,
    print_loaded,
    shown_totals,
)


class TotalsFilesAsked(dg.Config):
    """Which files of control totals are loaded."""

    files: list[str] = Field(
        default_factory=list,
        description="Paths of files; none means every new one where sources.yml says.",
    )


class TotalsAsked(dg.Config):
    """Of which days control totals are shown."""

    period: str | None = Field(
        default=None, description="UTC month of the usage, YYYY-MM; without it every one."
    )
    all: bool = Field(default=False, description="Show days that agree, too.")


@dg.op(
    out=ANSWER,
    description="Load files of control totals as one ingestion batch; a faulty file is refused.",
)
def loaded_control_totals(
    context: dg.OpExecutionContext,
    config: TotalsFilesAsked,
    installation: dg.ResourceParam[Installation],
) -> dg.Output[ControlTotalsLoaded]:
    """Answer with what became of each file. Fails for good where a file was refused."""
    with failures_sorted(retry_number=context.retry_number):
        paths = [Path(each) for each in config.files] or None
        loaded = pipeline.load_totals(installation, paths=paths)
        refuse_unloaded(loaded)
    return shown(loaded, print_loaded)


@dg.op(
    out=ANSWER,
    description="Compare what sources say that they sent with what arrived, day by day.",
    pool=WAREHOUSE_WRITER,
)
def compared_control_totals(
    context: dg.OpExecutionContext,
    config: TotalsAsked,
    installation: dg.ResourceParam[Installation],
) -> dg.Output[ControlTotalsAnswer]:
    """Answer with the totals as the last build compared them."""
    with failures_sorted(retry_number=context.retry_number):
        totals = read_control_totals(installation.settings, month=config.period)
    answer = shown_totals(config.period, totals, shows_all=config.all)
    return shown(answer, print_control_totals)


@dg.job(description="Load files of control totals: what sources say that they sent.")
def load_control_totals() -> None:
    """Load them."""
    loaded_control_totals()


@dg.job(description="Show which days of sources do not agree with their control totals.")
def show_control_totals() -> None:
    """Read them."""
    compared_control_totals()


TOTALS_JOBS = (load_control_totals, show_control_totals)
