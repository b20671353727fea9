"""What dbt reads of a re-rating: its states, while they are about what is built, and its scope.

Belongs here: their columns, when they are out of date. Does not belong here: making them
(orchestration/rerating); what they mean for a key (the model fct_rerating_diff).
"""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
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
        path = settings.warehouse_inputs / f"{name}.parquet"
        marked = schema.with_metadata({_MADE_FOR: target.encode()})
        try:
            is_kept = pq.read_schema(path).equals(marked, check_metadata=True)
        except (FileNotFoundError, pa.ArrowInvalid):
            is_kept = False
        if not is_kept:
            replace_parquet(path, marked, [marked.empty_table()])


def put_rerating(
    settings: Settings, target: str, *, bases: pa.Table, steps: pa.Table, states: pa.Table
) -> None:
    """Put bases, steps and states of one month in place, each of its schema.

    Without steps there is no difference, so they go first and come last: whoever is killed between
    leaves none, and never the steps of one month with the states of another.
    """
    for name, table in (
        ("rerating_steps", STEP_SCHEMA.empty_table()),
        ("rerating_bases", bases),
        ("rerating_states", states),
        ("rerating_steps", steps),
    ):
        marked = _FILES[name].with_metadata({_MADE_FOR: target.encode()})
        path = settings.warehouse_inputs / f"{name}.parquet"
        replace_parquet(path, marked, [table.cast(marked)])
