"""When usage is loaded: whenever new files have settled, and every day in any case.

Belongs here: the stage's jobs, sensor and schedule. Does not belong here: the policy, which is
orchestration/automation.py's.
"""

import dagster as dg

from orchestration import asset_keys
from orchestration.automation import WaitingFiles, files_waiting
from orchestration.defs.ingestion.watch import WATCH
from orchestration.defs.operations.sensing import sensor_of
from orchestration.pipeline import Installation

ingest_usage = dg.define_asset_job(
    "ingest_usage",
    selection=(
        dg.AssetSelection.assets(asset_keys.REFERENCE_VERSION, asset_keys.USAGE_EVENTS) - WATCH
    ),
    description="Load the reference folder and the usage files of a landing day or range of days.",
)

replay_rejects = dg.define_asset_job(
    "replay_rejects",
    selection=dg.AssetSelection.assets(asset_keys.REFERENCE_VERSION, asset_keys.REPLAYED_REJECTS),
    description="Judge rejected lines again, after a contract or a setting was put right.",
)

daily_ingestion = dg.build_schedule_from_partitioned_job(
    ingest_usage,
    name="daily_ingestion",
    description="Every day at 02:00 UTC: the files of the day before, whether announced or not.",
    hour_of_day=2,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


@sensor_of(
    "ingest_usage",
    seconds=30,
    description="New files under landing/usage are loaded once they have settled.",
)
def new_usage_files(
    _context: dg.SensorEvaluationContext, installation: Installation
) -> WaitingFiles | None:
    """Ask for one run over the landing days of all waiting files."""
    with installation.operations() as engine:
        return files_waiting(installation.settings, engine, now=installation.clock())
