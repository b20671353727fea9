"""Causes of the differences that a run corrects, for some settlement keys of several months.

Belongs here: the causes of given keys, as rows. Does not belong here: a month as a whole, its mart
and its file (difference.py); the states between (states.py); the waterfall (the model
fct_rerating_diff).

The warehouse is taken as it stands: what a run rated is what its corrections are of. The waterfall
is built in the scratch directory, so nothing of the installation is touched.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.register import Register
from orchestration.billing.rerating_inputs import put_rerating
from orchestration.billing.revisions import revisions_of
from orchestration.dbt import BUILD_ARGUMENTS, run_dbt
from orchestration.pipeline import WRITER_WAIT_SECONDS, Installation
from orchestration.reproduction.scratch import scratch_folder
from orchestration.rerating.bases import (
    Base,
    bases_of,
    bases_table,
    lineages_by_entity,
    signed_revisions,
)
from orchestration.rerating.states import RatedNow, States, states_since
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, writer_lock

_WATERFALL: Final = (
    "--select",
    "stg_rerating__bases",
    "stg_rerating__steps",
    "stg_rerating__states",
    "fct_rerating_diff",
    "--exclude-resource-type",
    "test",
)
_COMPARED: Final = """
    select compared.*
    from billing.int_settlements__compared as compared
    semi join asked
        on
            compared.billing_period = asked.billing_period
            and compared.settlement_key = asked.settlement_key
    where compared.outcome in ('candidate', 'billed', 'waived')
"""
_CAUSES: Final = """
    select
        billing_period,
        settlement_key,
        cause_number,
        cause,
        difference_amount
    from reconciliation.fct_rerating_diff
    order by billing_period, settlement_key, cause_number
"""


def causes_of(
    installation: Installation,
    keys: Mapping[str, Collection[str]],
    *,
    rated_in: Settings | None = None,
) -> list[dict[str, Any]]:
    """Tell why settlement keys of signed months come to something else than what was billed.

    Only the contracts of these keys are rated, as they were signed and after each change since.

    Args:
        installation: whose keys.
        keys: settlement keys by billing period, YYYY-MM.
        rated_in: the data directory in whose warehouse they were rated; None means its own.

    Returns:
        Rows with billing_period, settlement_key, cause_number, cause and difference_amount, by
        period, key and number. Over the rows of a key, the amounts are what is due of it, to the
        cent. A key that is held, or that nothing was due of, has none.

    Raises:
        PeriodNotSignedError: nothing of one of the months is signed.
        InputsGoneError: what was signed cannot be rebuilt.
        DbtFailedError: a model could not be built.
        WarehouseBusyError: another process held the warehouse, or compares a month, for too long.
    """
    settings = installation.settings
    compared, now = _rated(rated_in or settings, settings, keys)
    months: list[Any] = compared["billing_period"].unique().to_pylist()
    if not months:
        return []
    revisions = revisions_of(Register(settings.register).chain())
    bases: list[Base] = []
    for month in sorted(months):
        of_month = compared.filter(pc.equal(compared["billing_period"], month))
        signed = signed_revisions(revisions, month)
        bases += bases_of(settings, month, signed, lineages_by_entity(of_month))
    with scratch_folder(settings, "rerated") as folder:
        found = states_since(installation, bases, compared, now, folder=folder)
        if not found.steps.num_rows:
            return []
        return _waterfall(installation, folder, compared, bases, found)


def _rated(
    rated_in: Settings, settings: Settings, keys: Mapping[str, Collection[str]]
) -> tuple[pa.Table, RatedNow]:
    """Read what the keys are compared with, and what rated them."""
    asked = pa.table(
        {
            "billing_period": [month for month, names in keys.items() for _ in names],
            "settlement_key": [name for names in keys.values() for name in names],
        },
        schema=pa.schema([("billing_period", pa.string()), ("settlement_key", pa.string())]),
    )
    with open_warehouse(rated_in, wait_seconds=WRITER_WAIT_SECONDS) as connection:
        connection.register("asked", asked)
        compared: Any = connection.sql(_COMPARED).to_arrow_table()
        return compared, RatedNow.of_inputs(rated_in, settings.reference_versions)


def _waterfall(
    installation: Installation,
    folder: Path,
    compared: pa.Table,
    bases: Sequence[Base],
    found: States,
) -> list[dict[str, Any]]:
    """Build the mart beside the states, and read it."""
    scratch = installation.settings.in_scratch(folder)
    with writer_lock(scratch, wait_seconds=WRITER_WAIT_SECONDS):
        put_rerating(
            scratch,
            "a run",
            (),
            bases=bases_table(bases),
            steps=found.steps,
            states=found.amounts,
        )
        with open_warehouse(scratch) as connection:
            connection.register("found", compared)
            connection.execute("create schema if not exists billing")
            connection.execute(
                "create or replace table billing.int_settlements__compared as from found"
            )
        run_dbt(scratch, [*BUILD_ARGUMENTS, *_WATERFALL], on_node=installation.report)
        with open_warehouse(scratch) as connection:
            rows: Any = connection.sql(_CAUSES).to_arrow_table()
    return list(rows.to_pylist())
