"""When signals go to the CRM: after each publication.

Belongs here: the stage's job and sensor. Does not belong here: the policy.
"""

import dagster as dg

from orchestration import asset_keys
from orchestration.automation import Work, signals_to_push
from orchestration.defs.operations.sensing import materialised_at, sensor_of
from orchestration.pipeline import Installation

push_signals = dg.define_asset_job(
    "push_signals",
    selection=dg.AssetSelection.assets(asset_keys.CRM_SIGNALS),
    description="Write the accounts' signals to the CRM.",
)


@sensor_of(
    "push_signals",
    seconds=30,
    description="Each publication of the marts is followed by the signals.",
)
def marts_published(
    context: dg.SensorEvaluationContext, _installation: Installation
) -> Work | None:
    """Ask for a push where the last publication is younger than the last push."""
    return signals_to_push(
        published_at=materialised_at(context.instance, asset_keys.PUBLISHED_MARTS),
        pushed_at=materialised_at(context.instance, asset_keys.CRM_SIGNALS),
    )
