"""The installation as a run takes it: with who launched the run, whose deeds the audit log keeps.

Belongs here: the resource of every job. Does not belong here: which deeds there are and how they
are kept (orchestration/audit); who launched a run (launchers.py).

A run enters the log with the first step that opens the operations database to change something,
so one that only looks is not in it. Its end is written when its resources are let go of.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import dagster as dg
from dagster import DagsterEventType
from sqlalchemy.exc import SQLAlchemyError

from orchestration.asset_keys import FROZEN_REVISIONS
from orchestration.audit import catch_up
from orchestration.audit.runs import RunRecord
from orchestration.defs.operations.launchers import STARTED_BY_TAG, launcher_of
from orchestration.failures import TallyhouseError
from orchestration.operations_db import open_operations
from orchestration.partitions import period_of_partition
from orchestration.pipeline import Installation

_PARTITION_TAG: Final = "dagster/partition"
_RANGE_TAGS: Final = (
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
)
_JOBS_OF_A_PERIOD: Final = ("close_period", "freeze_period", "sign_off_period")
_ASKED: Final = {
    "period": "billing_period",
    "revision": "revision",
    "entities": "entities",
    "customers": "customers",
    "plans": "plans",
}
"""What an op's configuration says that the log keeps, and under which name."""


def recorded(installation: Installation) -> dg.ResourceDefinition:
    """Return a resource that gives each run the installation, and writes the run's end."""

    @dg.resource(description="The installation, with who launched the run.")
    def taken_by_a_run(context: dg.InitResourceContext) -> Iterator[Installation]:
        run = context.run
        if run is None:
            yield installation
            return
        record = RunRecord(
            actor=launcher_of(installation.settings, run_id=run.run_id, tags=run.tags),
            job_name=run.job_name,
            details=_details(run),
        )
        try:
            yield replace(installation, run=record)
        finally:
            _end(context, installation, record)

    return taken_by_a_run


def _details(run: dg.DagsterRun) -> dict[str, Any]:
    """What a run is about: its period or days, and what was asked for."""
    details: dict[str, Any] = {}
    if STARTED_BY_TAG in run.tags:
        details["started_by"] = run.tags[STARTED_BY_TAG]
    partition = run.tags.get(_PARTITION_TAG)
    if partition is not None:
        details["partition"] = partition
        if _is_of_a_billing_period(run):
            details["billing_period"] = period_of_partition(partition)
    days = [run.tags[tag] for tag in _RANGE_TAGS if tag in run.tags]
    if days:
        details["partitions"] = days
    for step in _configured(run.run_config).values():
        asked = step.get("config") if isinstance(step, Mapping) else None
        if isinstance(asked, Mapping):
            details |= {name: asked[key] for key, name in _ASKED.items() if asked.get(key)}
    return details


def _is_of_a_billing_period(run: dg.DagsterRun) -> bool:
    """Whether the run's partition is a month to bill, and not a day of landing files."""
    stages = {key.path[0] for key in run.asset_selection or ()}
    return run.job_name in _JOBS_OF_A_PERIOD or FROZEN_REVISIONS.path[0] in stages


def _configured(run_config: Mapping[str, Any]) -> Mapping[str, Any]:
    steps = run_config.get("ops", {})
    return steps if isinstance(steps, Mapping) else {}


def _end(context: dg.InitResourceContext, installation: Installation, record: RunRecord) -> None:
    """Write the run's end; what keeps that from being written must not fail a run that is done."""
    if not record.is_started or context.instance is None:
        return
    failed = context.instance.all_logs(
        record.actor.run_id or "", of_type={DagsterEventType.STEP_FAILURE}
    )
    deeds = record.end(installation.clock, outcome="failed" if failed else "succeeded")
    try:
        engine = open_operations(installation.settings)
        try:
            catch_up(installation.settings, engine, clock=installation.clock, deeds=deeds)
        finally:
            engine.dispose()
    except (TallyhouseError, SQLAlchemyError, OSError):
        if context.log is not None:
            context.log.exception("the end of the run is not in the audit log")
