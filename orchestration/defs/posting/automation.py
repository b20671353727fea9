"""When documents go to the ERP and when its answers are read.

Belongs here: the stage's jobs, sensors and schedule. Does not belong here: the policies.
"""

import dagster as dg

from orchestration import asset_keys
from orchestration.automation import Work, documents_to_post, documents_to_read
from orchestration.defs.operations.sensing import sensor_of
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


@sensor_of(
    "post_documents",
    seconds=10,
    description="A signature is followed by the posting of its documents.",
)
def signed_documents(
    _context: dg.SensorEvaluationContext, installation: Installation
) -> Work | None:
    """Ask for a posting run where a signed document is not planned, or a posting is open."""
    with installation.operations() as engine:
        return documents_to_post(installation.settings, engine, now=installation.clock())


@sensor_of(
    "read_statuses",
    seconds=60,
    description="A document that was posted but not read back is read again.",
)
def unread_documents(
    _context: dg.SensorEvaluationContext, installation: Installation
) -> Work | None:
    """Ask for a read-back where a posted document has no answer of the ERP yet."""
    with installation.operations() as engine:
        return documents_to_read(engine, now=installation.clock())
