"""The states of a re-rating as dbt reads them, for as long as they are about what it builds.

Belongs here: their columns, when they are out of date. Does not belong here: making them
(orchestration/rerating); what they mean for a key (the model fct_rerating_diff).
"""

import hashlib
import json
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.billing.entries import AMOUNT, column
from orchestration.billing.register import Register
from orchestration.operations_db import replace_parquet
from orchestration.operations_db.tables import ingestion_batches
from orchestration.settings import Settings

STEP_SCHEMA: Final = pa.schema(
    [
        column("billing_period", pa.string()),
        column("legal_entity_id", pa.string()),
        column("step_number", pa.int32()),
        column("cause", pa.string()),
    ]
)
STATE_SCHEMA: Final = pa.schema(
    [
        column("billing_period", pa.string()),
        column("legal_entity_id", pa.string()),
        column("step_number", pa.int32()),
        column("settlement_key", pa.string()),
        column("is_known", pa.bool_()),
        column("rated_amount", AMOUNT),
    ]
)
_FILES: Final = {"rerating_steps": STEP_SCHEMA, "rerating_states": STATE_SCHEMA}
_MADE_FOR: Final = b"made_for"


def rerating_target(settings: Settings, engine: Engine, reference_version: str) -> str:
    """Digest of what a re-rating leads to: batches, reference version and the register's head."""
    with engine.connect() as connection:
        batches: list[int] = list(
            connection.scalars(
                sa.select(ingestion_batches.c.ingestion_batch_id).order_by(
                    ingestion_batches.c.ingestion_batch_id
                )
            )
        )
    head = Register(settings.register).head().manifest_sha256
    content = json.dumps([batches, reference_version, head])
    return hashlib.sha256(content.encode()).hexdigest()


def write_rerating_inputs(settings: Settings, target: str) -> None:
    """Keep the states that lead to a target; any others, or none, give way to empty files."""
    for name, schema in _FILES.items():
        path = settings.warehouse_inputs / f"{name}.parquet"
        marked = schema.with_metadata({_MADE_FOR: target.encode()})
        try:
            is_kept = pq.read_schema(path).equals(marked, check_metadata=True)
        except (FileNotFoundError, pa.ArrowInvalid):
            is_kept = False
        if not is_kept:
            replace_parquet(path, marked, [marked.empty_table()])


def put_rerating(settings: Settings, target: str, *, steps: pa.Table, states: pa.Table) -> None:
    """Put the steps and states of one month in place, of STEP_SCHEMA and STATE_SCHEMA."""
    for name, table in (("rerating_steps", steps), ("rerating_states", states)):
        marked = _FILES[name].with_metadata({_MADE_FOR: target.encode()})
        path = settings.warehouse_inputs / f"{name}.parquet"
        replace_parquet(path, marked, [table.cast(marked)])
