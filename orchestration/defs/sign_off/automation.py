"""The jobs of a period's close. People start them: nothing freezes or signs by itself.

Belongs here: jobs. Does not belong here: a schedule that would close a period unseen.
"""

import dagster as dg

from orchestration import asset_keys
from orchestration.defs.transform.automation import INPUTS, MODELS

FREEZE = dg.AssetSelection.assets(asset_keys.FROZEN_REVISIONS)

close_period = dg.define_asset_job(
    "close_period",
    selection=(
        dg.AssetSelection.assets(asset_keys.REFERENCE_VERSION, asset_keys.PUBLISHED_MARTS)
        | INPUTS
        | (MODELS - dg.AssetSelection.groups("signals"))
        | FREEZE
    ),
    description=(
        "Rate everything that was loaded, judge conservation and candidates, freeze one revision "
        "per legal entity of the billing period, publish the marts."
    ),
)

freeze_period = dg.define_asset_job(
    "freeze_period",
    selection=FREEZE,
    description="Freeze the candidates of a billing period as they stand in the warehouse.",
)

sign_off_period = dg.define_asset_job(
    "sign_off_period",
    selection=dg.AssetSelection.assets(asset_keys.PERIOD_SIGN_OFF),
    description="Sign or reject one legal entity's revision of a billing period.",
    tags={"dagster/max_retries": "0"},
)
