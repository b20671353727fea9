"""The Parquet files that dbt reads as sources, written anew before each build.

Belongs here: one asset per origin of inputs. They have no asset upstream in sign-off or posting:
what was signed and posted comes back in only here, at the top, so the graph has no circle.
"""

from collections.abc import Iterator

import dagster as dg

from orchestration import asset_keys, pipeline
from orchestration.automation import inputs_state
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.figures import Materialised
from orchestration.defs.operations.owners import DATA_ENGINEERING, WAREHOUSE_WRITER
from orchestration.pipeline import Installation

_DESCRIPTIONS = {
    asset_keys.MANIFEST_INPUTS: (
        "Batches, files, raw parts and rejected lines of every committed ingestion."
    ),
    asset_keys.REFERENCE_INPUTS: (
        "Price book, customers, identities, contracts and exchange rates of the version in force."
    ),
    asset_keys.REGISTER_INPUTS: "Every signed entry of the register: what was billed.",
    asset_keys.OPERATIONS_INPUTS: (
        "Revisions, check results, sign-offs, postings, the ERP's answers, CRM pushes and the "
        "audit log."
    ),
}
_UPSTREAM = {
    asset_keys.MANIFEST_INPUTS: [asset_keys.USAGE_EVENTS],
    asset_keys.REFERENCE_INPUTS: [asset_keys.REFERENCE_VERSION],
}


@dg.multi_asset(
    name="warehouse_inputs",
    specs=[
        dg.AssetSpec(
            key,
            deps=_UPSTREAM.get(key, []),
            group_name="inputs",
            owners=[DATA_ENGINEERING],
            kinds={"parquet"},
            description=description,
        )
        for key, description in _DESCRIPTIONS.items()
    ],
    pool=WAREHOUSE_WRITER,
)
def warehouse_inputs(
    context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]
) -> Iterator[Materialised]:
    """Write all inputs in one go, so that they show one state; see pipeline.write_inputs.

    Each one's data version is what it was made from, so that Dagster calls only those models out of
    date whose inputs changed.
    """
    with failures_sorted(retry_number=context.retry_number):
        with installation.operations() as engine:
            state = inputs_state(installation.settings, engine)
        reference = pipeline.write_inputs(installation)
    context.log.info("inputs carry reference version %s", reference.reference_version)
    versions = {
        asset_keys.MANIFEST_INPUTS: str(state.ingestion_batch_id),
        asset_keys.REFERENCE_INPUTS: state.reference_version,
        asset_keys.REGISTER_INPUTS: str(state.register_sequence),
        asset_keys.OPERATIONS_INPUTS: state.operations_digest,
    }
    for key, version in versions.items():
        yield dg.MaterializeResult(
            asset_key=key, metadata=state.as_metadata(), data_version=dg.DataVersion(version)
        )
