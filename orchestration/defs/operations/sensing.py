"""How a sensor turns a policy's answer into a run.

Belongs here: what all sensors share. Does not belong here: policies (orchestration/automation.py).
"""

from collections.abc import Callable

import dagster as dg
from dagster import DagsterRunStatus

from orchestration.automation import InputsState, Work
from orchestration.pipeline import Installation

_IN_PROGRESS = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
]


Question = Callable[[dg.SensorEvaluationContext, Installation], Work | None]
"""What one sensor asks a policy."""


def sensor_of(
    job_name: str, *, seconds: int, description: str
) -> Callable[[Question], dg.SensorDefinition]:
    """Return a decorator that makes a question a sensor of the job, named after its function.

    Args:
        job_name: what runs when there is work.
        seconds: the least time between two looks.
        description: of the sensor, for the UI.
    """

    def made_sensor(question: Question) -> dg.SensorDefinition:
        def look(
            context: dg.SensorEvaluationContext, installation: dg.ResourceParam[Installation]
        ) -> dg.RunRequest | dg.SkipReason:
            return _answer(context, question(context, installation), job_name=job_name)

        return dg.sensor(
            name=question.__name__,
            job_name=job_name,
            minimum_interval_seconds=seconds,
            default_status=dg.DefaultSensorStatus.RUNNING,
            description=description,
        )(look)

    return made_sensor


def _answer(
    context: dg.SensorEvaluationContext, work: Work | None, *, job_name: str
) -> dg.RunRequest | dg.SkipReason:
    """Return a request for the work, unless there is none or its job is under way already."""
    if work is None:
        return dg.SkipReason("Nothing to do.")
    running = context.instance.get_runs(
        filters=dg.RunsFilter(job_name=job_name, statuses=_IN_PROGRESS), limit=1
    )
    if running:
        return dg.SkipReason(f"{job_name} is under way in run {running[0].run_id}. {work.why}")
    context.log.info(work.why)
    return dg.RunRequest(run_key=work.run_key, tags=work.run_tags)


def built_state(instance: dg.DagsterInstance, key: dg.AssetKey) -> InputsState | None:
    """Return what the inputs of the last build were made from, as its materialisation tells."""
    event = instance.get_latest_materialization_event(key)
    if event is None or event.asset_materialization is None:
        return None
    metadata = event.asset_materialization.metadata
    return InputsState.from_metadata({name: entry.value for name, entry in metadata.items()})


def materialised_at(instance: dg.DagsterInstance, key: dg.AssetKey) -> float | None:
    """Return when an asset was last materialised, in seconds since 1970, or None."""
    event = instance.get_latest_materialization_event(key)
    return event.timestamp if event else None
