"""The graph that Dagster loads: every asset, check, job, sensor and schedule, with its resources.

Belongs here: putting the stages together, with overrides so that tests build the real graph. Does
not belong here: an asset (orchestration/defs), a step (orchestration/pipeline.py).
"""

from pathlib import Path
from typing import Final

import dagster as dg

from orchestration.dbt import dbt_executable, prepare_manifest
from orchestration.defs.exceptions import watch as exceptions_watch
from orchestration.defs.ingestion import assets as ingestion_assets
from orchestration.defs.ingestion import automation as ingestion_automation
from orchestration.defs.ingestion import totals_watch, watch
from orchestration.defs.inspection.jobs import INSPECTIONS, RESOURCES
from orchestration.defs.late_usage.announcement import usage_for_signed_months
from orchestration.defs.operations.recorded_runs import recorded
from orchestration.defs.posting import assets as posting_assets
from orchestration.defs.posting import automation as posting_automation
from orchestration.defs.publishing import assets as publishing_assets
from orchestration.defs.sign_off import assets as sign_off_assets
from orchestration.defs.sign_off import automation as sign_off_automation
from orchestration.defs.signals import assets as signals_assets
from orchestration.defs.signals import automation as signals_automation
from orchestration.defs.transform import automation as transform_automation
from orchestration.defs.transform.checkpoints import checkpoints
from orchestration.defs.transform.conservation import conservation
from orchestration.defs.transform.dbt_assets import build_dbt_assets, build_dbt_resource
from orchestration.defs.transform.inputs import warehouse_inputs
from orchestration.pipeline import Installation
from orchestration.settings import Settings

_ASSETS: Final = (
    ingestion_assets.reference_version,
    ingestion_assets.usage_events,
    ingestion_assets.replayed_rejects,
    warehouse_inputs,
    sign_off_assets.frozen_revisions,
    sign_off_assets.period_sign_off,
    posting_assets.erp_documents,
    posting_assets.erp_statuses,
    publishing_assets.published_marts,
    signals_assets.crm_signals,
)
_CHECKS: Final = (
    conservation,
    checkpoints,
    watch.no_announced_source_day_is_overdue,
    totals_watch.no_control_total_is_overdue,
    exceptions_watch.no_exception_is_overdue,
)
_JOBS: Final = (
    ingestion_automation.ingest_usage,
    ingestion_automation.replay_rejects,
    watch.watch_sources,
    exceptions_watch.watch_exceptions,
    transform_automation.rate_usage,
    transform_automation.reconcile_books,
    sign_off_automation.close_period,
    sign_off_automation.freeze_period,
    sign_off_automation.sign_off_period,
    posting_automation.post_documents,
    posting_automation.read_statuses,
    signals_automation.push_signals,
    *INSPECTIONS,
)
_SENSORS: Final = (
    ingestion_automation.new_usage_files,
    transform_automation.usage_not_rated,
    transform_automation.books_moved,
    posting_automation.signed_documents,
    posting_automation.unread_documents,
    signals_automation.marts_published,
    usage_for_signed_months,
)
_SCHEDULES: Final = (
    ingestion_automation.daily_ingestion,
    watch.daily_watch,
    exceptions_watch.daily_exceptions,
    posting_automation.daily_statuses,
)


def build_definitions(
    *,
    settings: Settings | None = None,
    installation: Installation | None = None,
    manifest: Path | None = None,
) -> dg.Definitions:
    """Return the whole graph over one installation.

    Args:
        settings: the data directory; None reads the environment.
        installation: data directory, clock and adapters at once; wins over settings.
        manifest: dbt's manifest.json; None parses the project where it changed.

    Raises:
        SettingsError: the environment cannot be used.
        DbtFailedError: dbt is missing or its project cannot be parsed.
    """
    installation = installation or Installation(settings or Settings.load())
    return dg.Definitions(
        assets=[*_ASSETS, build_dbt_assets(manifest or prepare_manifest(installation.settings))],
        asset_checks=_CHECKS,
        jobs=_JOBS,
        sensors=_SENSORS,
        schedules=_SCHEDULES,
        resources={
            "installation": recorded(installation),
            "dbt": build_dbt_resource(dbt_executable()),
            **RESOURCES,
        },
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the graph over the installation that the environment names."""
    return build_definitions()
