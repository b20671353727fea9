"""The watch over announced sources: what notices within a day that everything fell silent.

Belongs here: the check by the clock, and the job and schedule that hold it every day. Does not
belong here: the figures of a build, which are as of the last ingestion batch (invariant 1), nor
which days are announced: the build lists each source up to a day that still waits, so a silence
that lasts is named by its first days, and a source that was announced since is not seen yet.

It stops nothing: whether a period may be signed, its revision says. It is no part of loading
either, since what was just loaded is not in the models yet.
"""

from typing import Final

import dagster as dg

from orchestration import asset_keys, pipeline
from orchestration.defs.ingestion.overdue import overdue_result
from orchestration.defs.ingestion.totals_watch import TOTALS_WATCH_CHECK
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.owners import WAREHOUSE_WRITER
from orchestration.pipeline import Installation

WATCH_CHECK: Final = "no_announced_source_day_is_overdue"


@dg.asset_check(
    asset=asset_keys.USAGE_EVENTS,
    name=WATCH_CHECK,
    pool=WAREHOUSE_WRITER,
    description=(
        "Every announced source-day whose grace is over by the clock has arrived, as far as it "
        "was rated. Red also when no source delivers anything any more."
    ),
)
def no_announced_source_day_is_overdue(
    context: dg.AssetCheckExecutionContext, installation: dg.ResourceParam[Installation]
) -> dg.AssetCheckResult:
    """Name the days that are overdue at this moment; see pipeline.read_overdue_days."""
    with failures_sorted(retry_number=context.retry_number):
        overdue = pipeline.read_overdue_days(installation)
    return overdue_result(
        overdue,
        unbuilt="No model was built yet, so nothing is announced.",
        in_order="Every announced source-day whose grace is over has arrived or is quiet.",
        told=(
            "No usage arrived of {named}. Have it delivered to landing/usage, or list the days "
            "under quiet_days of their source in sources.yml, then run again."
        ),
    )


WATCH: Final = dg.AssetSelection.checks(
    dg.AssetCheckKey(asset_key=asset_keys.USAGE_EVENTS, name=WATCH_CHECK),
    dg.AssetCheckKey(asset_key=asset_keys.USAGE_EVENTS, name=TOTALS_WATCH_CHECK),
)

watch_sources = dg.define_asset_job(
    "watch_sources",
    selection=WATCH,
    description="Look by the clock whether announced sources deliver, and what their totals say.",
)

daily_watch = dg.ScheduleDefinition(
    name="daily_watch",
    job=watch_sources,
    cron_schedule="0 6 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every day at 06:00 UTC, after the day's ingestion and rating.",
)
