"""What dbt reads of a re-rating: its states, while they are about what is built, and its scope.

Belongs here: their columns, when they are out of date. Does not belong here: making them
(orchestration/rerating); what they mean for a key (the model fct_rerating_diff).
"""

from collections.abc import Collection, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.billing.canonical import canonical_digest
from orchestration.billing.entries import AMOUNT, column
from orchestration.billing.register import Register
from orchestration.operations_db import replace_parquet
from orchestration.settings import Settings

BASE_SCHEMA: Final = pa.schema(
    [
        column("billing_period", pa.string()),
        column("legal_entity_id", pa.string()),
        column("contract_lineage_id", pa.string()),
        column("base_revision_id", pa.string()),
    ]
)
STEP_SCHEMA: Final = pa.schema(
    [
        column("billing_period", pa.string()),
        column("legal_entity_id", pa.string()),
        column("base_revision_id", pa.string()),
        column("step_number", pa.int32()),
        column("cause", pa.string()),
    ]
)
STATE_SCHEMA: Final = pa.schema(
    [
        column("billing_period", pa.string()),
        column("legal_entity_id", pa.string()),
        column("base_revision_id", pa.string()),
        column("step_number", pa.int32()),
        column("settlement_key", pa.string()),
        column("is_known", pa.bool_()),
        column("rated_amount", AMOUNT),
        column("is_held", pa.bool_()),
    ]
)
LEFT_OUT_SCHEMA: Final = pa.schema([column("contract_lineage_id", pa.string())])
_FILES: Final = {
    "rerating_bases": BASE_SCHEMA,
    "rerating_steps": STEP_SCHEMA,
    "rerating_states": STATE_SCHEMA,
}
SIGNED_KINDS: Final = ("sign", "record")
"""Commits that change what was billed."""
_MADE_FOR: Final = b"made_for"


def rerating_target(settings: Settings, reference_version: str) -> str:
    """Digest of what a re-rating leads to: batches and reference in the inputs, and signatures.

    Args:
        settings: whose inputs were just written.
        reference_version: of the reference tables in them.
    """
    batches = pq.read_table(
        settings.warehouse_inputs / "ingestion_batches.parquet", columns=["ingestion_batch_id"]
    )
    signed = [
        manifest.sha256
        for manifest in Register(settings.register).chain()
        if manifest.kind in SIGNED_KINDS
    ]
    content = [batches["ingestion_batch_id"].to_pylist(), reference_version, signed[-1:]]
    return canonical_digest(content)


def write_rerating_inputs(
    settings: Settings, target: str, *, lineages_left_out: Sequence[str] = ()
) -> None:
    """Keep the states that lead to a target; any others, or none, give way to empty files.

    Args:
        settings: where the files go.
        target: as rerating_target gives it.
        lineages_left_out: contract lineages that are rated and not compared with what was billed.
    """
    left_out = pa.table({"contract_lineage_id": list(lineages_left_out)}, schema=LEFT_OUT_SCHEMA)
    path = settings.warehouse_inputs / "rerating_left_out.parquet"
    replace_parquet(path, LEFT_OUT_SCHEMA, [left_out])
    for name, schema in _FILES.items():
        if not _is_made_for(settings, name, target):
            marked = schema.with_metadata({_MADE_FOR: target.encode()})
            path = settings.warehouse_inputs / f"{name}.parquet"
            replace_parquet(path, marked, [marked.empty_table()])


def put_rerating(
    settings: Settings,
    target: str,
    billing_periods: Collection[str],
    *,
    bases: pa.Table,
    steps: pa.Table,
    states: pa.Table,
) -> None:
    """Put bases, steps and states of months in place, each of its schema.

    Those of other months stay where they lead to the same target. Without steps there is no
    difference, so those of the months go first and come last: whoever is killed between leaves
    none, and never the steps of a month with other states of it.

    Args:
        settings: whose inputs.
        target: as rerating_target gives it.
        billing_periods: the months; what was there of them gives way.
        bases: of BASE_SCHEMA.
        steps: of STEP_SCHEMA.
        states: of STATE_SCHEMA.
    """
    others = _of_other_months(settings, target, billing_periods)
    for name, table in (
        ("rerating_steps", STEP_SCHEMA.empty_table()),
        ("rerating_bases", bases),
        ("rerating_states", states),
        ("rerating_steps", steps),
    ):
        marked = _FILES[name].with_metadata({_MADE_FOR: target.encode()})
        path = settings.warehouse_inputs / f"{name}.parquet"
        replace_parquet(path, marked, [others[name].cast(marked), table.cast(marked)])


def _of_other_months(
    settings: Settings, target: str, billing_periods: Collection[str]
) -> dict[str, pa.Table]:
    """Read what stays of each file; nothing where one of them leads to something else."""
    if not all(_is_made_for(settings, name, target) for name in _FILES):
        return {name: schema.empty_table() for name, schema in _FILES.items()}
    months = pa.array(list(billing_periods), pa.string())
    there = {name: pq.read_table(settings.warehouse_inputs / f"{name}.parquet") for name in _FILES}
    return {
        name: table.filter(pc.invert(pc.is_in(table["billing_period"], value_set=months)))
        for name, table in there.items()
    }


def _is_made_for(settings: Settings, name: str, target: str) -> bool:
    """Whether a file is there, whole, and leads to a target."""
    marked = _FILES[name].with_metadata({_MADE_FOR: target.encode()})
    try:
        found = pq.read_schema(settings.warehouse_inputs / f"{name}.parquet")
    except (FileNotFoundError, pa.ArrowInvalid):
        return False
    return found.equals(marked, check_metadata=True)
