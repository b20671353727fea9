"""When documents go to the ERP and when its answers are read.

Belongs here: the stage's jobs, sensors and schedule. Does not belong here: the policies.
"""

import dagster as dg

from orchestration import asset_keys
from orchestration.automation import documents_to_post, documents_to_read
from orchestration.defs.operations.sensing import answer
from orchestration.pipeline import Installation

post_documents = dg.define_asset_job(
    "post_documents",
    selection=dg.AssetSelection.assets(asset_keys.ERP_DOCUMENTS, asset_keys.ERP_STATUSES),
    description="Send every signed document that is not in the ERP yet, and read the answers.",
)

read_statuses = dg.define_asset_job(
    "read_statuses",
    selection=dg.AssetSelection.assets(asset_keys.ERP_STATUSES),
    description="Read what the ERP holds of the posted documents.",
)

daily_statuses = dg.ScheduleDefinition(
    name="daily_statuses",
    job=read_statuses,
    cron_schedule="30 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every day at 05:30 UTC: payments and balances of posted documents.",
)


@dg.sensor(
    job_name="post_documents",
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A signature is followed by the posting of its documents.",
)
def signed_documents(
    context: dg.SensorEvaluationContext, installation: dg.ResourceParam[Installation]
) -> dg.RunRequest | dg.SkipReason:
    """Ask for a posting run where a signed document is not planned, or a posting is open."""
    with installation.operations() as engine:
        work = documents_to_post(installation.settings, engine, now=installation.clock())
    return answer(context, work, job_name="post_documents")


@dg.sensor(
    job_name="read_statuses",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A document that was posted but not read back is read again.",
)
def unread_documents(
    context: dg.SensorEvaluationContext, installation: dg.ResourceParam[Installation]
) -> dg.RunRequest | dg.SkipReason:
    """Ask for a read-back where a posted document has no answer of the ERP yet."""
    with installation.operations() as engine:
        work = documents_to_read(engine, now=installation.clock())
    return answer(context, work, job_name="read_statuses")
