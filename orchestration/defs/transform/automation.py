"""When models are built: after new usage or reference data, and after the register moved.

Belongs here: the stage's jobs and sensors. Does not belong here: the policies.
"""

import dagster as dg

from orchestration import asset_keys
from orchestration.automation import (
    InputsState,
    Work,
    books_to_reconcile,
    inputs_state,
    usage_to_rate,
)
from orchestration.defs.operations.sensing import built_state, sensor_of
from orchestration.pipeline import Installation

INPUTS = dg.AssetSelection.groups("inputs")
MODELS = dg.AssetSelection.kind("dbt") - dg.AssetSelection.groups("shadow")
"""Of the comparison with another system's invoices nothing stands in the way of a bill."""
BOOKS = MODELS & dg.AssetSelection.assets(
    asset_keys.REGISTER_INPUTS, asset_keys.OPERATIONS_INPUTS
).downstream(include_self=False)

rate_usage = dg.define_asset_job(
    "rate_usage",
    selection=INPUTS | MODELS | dg.AssetSelection.assets(asset_keys.PUBLISHED_MARTS),
    description="Build every model from what was loaded, judge conservation, publish the marts.",
)

reconcile_books = dg.define_asset_job(
    "reconcile_books",
    selection=INPUTS | BOOKS | dg.AssetSelection.assets(asset_keys.PUBLISHED_MARTS),
    description=(
        "Build what signatures, postings and the ERP's answers change, hold documents against the "
        "register, publish the marts."
    ),
)


@sensor_of(
    "rate_usage",
    seconds=60,
    description="A new ingestion batch or reference version is rated.",
)
def usage_not_rated(context: dg.SensorEvaluationContext, installation: Installation) -> Work | None:
    """Ask for a rating run where the last inputs are older than what was loaded."""
    return usage_to_rate(*_built_and_now(context, installation))


@sensor_of(
    "reconcile_books",
    seconds=30,
    description="After signatures, postings and receipts the books are reconciled and published.",
)
def books_moved(context: dg.SensorEvaluationContext, installation: Installation) -> Work | None:
    """Ask for a reconciliation where register or postings moved since the last build."""
    return books_to_reconcile(*_built_and_now(context, installation))


def _built_and_now(
    context: dg.SensorEvaluationContext, installation: Installation
) -> tuple[InputsState | None, InputsState]:
    """What the inputs of the last build were made from, and what they would be made from now."""
    with installation.operations() as engine:
        state = inputs_state(installation.settings, engine)
    return built_state(context.instance, asset_keys.MANIFEST_INPUTS), state
