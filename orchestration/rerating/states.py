"""What a signed month comes to after each change since, built in a scratch data directory.

Belongs here: which changes there are, in their fixed order; one incremental build after each; the
amounts of every settlement key. Does not belong here: reference tables of a step (mixing.py); the
differences between states (the model fct_rerating_diff).

The order is that of the batches, then identities, contracts, prices. A batch that a replay made is
repaired rejects, one of decisions on events retractions and resolved conflicts, any other one late
usage.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from sqlalchemy.engine import Engine

from orchestration.billing.rerating_inputs import STATE_SCHEMA, STEP_SCHEMA
from orchestration.billing.revisions import Pins, Revision
from orchestration.operations_db import write_operations_inputs
from orchestration.pipeline import Installation, build_models, write_inputs
from orchestration.reproduction.scratch import copy_batches, make_scratch
from orchestration.rerating.mixing import REFERENCE_STEPS, Tables, is_same, mixed_tables
from orchestration.rerating.reference_tables import compiled_tables, put_tables
from orchestration.warehouse import open_warehouse

AS_SIGNED: Final = "as_signed"
_CAUSES: Final = {
    "replay": "repaired_rejects",
    "decisions": "retractions_and_resolved_conflicts",
    "load": "late_usage",
}
_WITHOUT_USAGE: Final = ("control_totals",)
"""Batches of these kinds change no amount."""
RATED: Final = ("--select", "+fct_rated_lines", "--exclude-resource-type", "test")
"""What rates all usage and nothing more; data tests are left out."""
_AMOUNTS: Final = """
    select
        $billing_period as billing_period,
        legal_entity_id,
        list_extract($base_ids, list_position($legal_entity_ids, legal_entity_id))
            as base_revision_id,
        cast($step_number as integer) as step_number,
        settlement_key,
        not bool_or(rating_status = 'unknown') as is_known,
        cast(sum(amount) as decimal(38, 4)) as rated_amount,
        list_contains($held_keys, settlement_key) as is_held
    from rating.fct_rated_lines
    where list_contains($legal_entity_ids, legal_entity_id)
    group by legal_entity_id, settlement_key
"""


@dataclass(frozen=True)
class States:
    """Steps of STEP_SCHEMA and the amounts after each of STATE_SCHEMA."""

    steps: pa.Table
    amounts: pa.Table


@dataclass(frozen=True, kw_only=True)
class Month:
    """What is told of a signed month.

    Attributes:
        billing_period: YYYY-MM.
        bases: by legal entity, the revision that speaks for its lines; all of them have the same
            inputs.
        batches: every batch that is rated now, as (number, kind), in order.
        reference: folder of the reference version that is rated now.
        held_keys: settlement keys of lines that were held when they were signed, and still are.
    """

    billing_period: str
    bases: Mapping[str, str]
    batches: Sequence[tuple[int, str]]
    reference: Path
    held_keys: Sequence[str]


def states_since(
    installation: Installation, engine: Engine, base: Revision, month: Month, *, folder: Path
) -> States:
    """Rate a month as it was signed, then after each change since.

    Args:
        installation: whose month.
        engine: its operations database.
        base: the revision that was signed last for the month.
        month: what is rated now.
        folder: where the scratch data directory is made.

    Raises:
        InputsGoneError: what the revision was computed from is missing or changed.
        DbtFailedError: a model could not be built.
    """
    settings = make_scratch(
        installation.settings,
        engine,
        folder,
        pins=base.pins,
        register_sequence=base.register_head.sequence,
    )
    scratch = replace(installation, settings=settings)
    then = installation.settings.reference_versions / base.pins.reference_version
    causes, amounts = [], []
    for number, cause in enumerate(_steps(scratch, engine, base.pins, month, then=then)):
        build_models(scratch, RATED)
        causes.append((number, cause))
        amounts.append(_amounts(scratch, number, month))
    steps = [
        {
            "billing_period": month.billing_period,
            "legal_entity_id": legal_entity_id,
            "base_revision_id": base_revision_id,
            "step_number": number,
            "cause": cause,
        }
        for legal_entity_id, base_revision_id in month.bases.items()
        for number, cause in causes
    ]
    return States(pa.Table.from_pylist(steps, schema=STEP_SCHEMA), pa.concat_tables(amounts))


def _steps(
    scratch: Installation, engine: Engine, pins: Pins, month: Month, *, then: Path
) -> Iterator[str]:
    """Make one change after the other in the scratch directory; yield its cause, to be built."""
    write_inputs(scratch)
    yield AS_SIGNED
    with scratch.operations() as copied:
        for cause, numbers in later_batches(month.batches, pins):
            copy_batches(engine, copied, numbers)
            write_operations_inputs(scratch.settings, copied)
            yield cause
    signed, today = compiled_tables(then), compiled_tables(month.reference)
    before: Tables = signed
    for step in REFERENCE_STEPS:
        mixed = mixed_tables(signed, today, step)
        if not is_same(before, mixed):
            put_tables(scratch.settings, mixed)
            yield step
        before = mixed


def later_batches(
    batches: Sequence[tuple[int, str]], pins: Pins
) -> Iterator[tuple[str, list[int]]]:
    """Batches that came after a revision, in order; those of one cause that follow are together."""
    pinned = set(pins.ingestion_batch_ids)
    later = [
        (_CAUSES[kind], number)
        for number, kind in batches
        if number not in pinned and kind not in _WITHOUT_USAGE
    ]
    for cause, together in groupby(later, key=itemgetter(0)):
        yield cause, [number for _, number in together]


def _amounts(scratch: Installation, number: int, month: Month) -> pa.Table:
    with open_warehouse(scratch.settings) as connection:
        found: Any = connection.execute(
            _AMOUNTS,
            {
                "step_number": number,
                "billing_period": month.billing_period,
                "legal_entity_ids": list(month.bases),
                "base_ids": list(month.bases.values()),
                "held_keys": list(month.held_keys),
            },
        ).to_arrow_table()
    return pa.table(found).cast(STATE_SCHEMA)
