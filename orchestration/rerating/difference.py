"""The difference between what was signed of a month and what it is rated at now, by cause.

Belongs here: the order of work, the rows and the file. Does not belong here: which signed revision
a key rests on (bases.py); the states between (states.py); the waterfall (the model
fct_rerating_diff); causes of keys that a run corrects (causes.py).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from orchestration.billing.register import Register
from orchestration.billing.rerating_inputs import put_rerating, rerating_target
from orchestration.billing.revisions import refuse_invalid_period, revisions_of
from orchestration.failures import TechnicalError
from orchestration.pipeline import (
    RATING,
    WRITER_WAIT_SECONDS,
    Installation,
    build_models,
    write_inputs,
)
from orchestration.reproduction.scratch import scratch_folder
from orchestration.rerating.bases import (
    Base,
    bases_of,
    bases_table,
    lineages_by_entity,
    signed_revisions,
)
from orchestration.rerating.row_files import KEY_COLUMNS, write_rows
from orchestration.rerating.states import RatedNow, States, states_since
from orchestration.warehouse import open_warehouse, writer_lock

_MART: Final = ("--select", "fct_rerating_diff")
_ENTITIES: Final = """
    select distinct legal_entity_id from billing.int_settlements__compared
    where billing_period = $billing_period order by legal_entity_id
"""
# Every key of a contract that differs is told, also where its changes cancel out.
_KEYS: Final = """
    with compared as (
        select * from billing.int_settlements__compared
        where
            billing_period = $billing_period
            and outcome in ('candidate', 'billed', 'waived')
    ),

    differing as (
        select distinct contract_lineage_id from compared where outcome = 'candidate'
    )

    select
        compared.billing_period,
        compared.legal_entity_id,
        compared.contract_lineage_id,
        compared.settlement_key
    from compared
    semi join differing on compared.contract_lineage_id = differing.contract_lineage_id
"""
_HELD: Final = """
    select count(*) from billing.int_settlements__compared
    where billing_period = $billing_period and outcome = 'held'
"""
_COLUMNS: Final = (
    *KEY_COLUMNS,
    "cause_number",
    "cause",
    "before_amount",
    "after_amount",
    "difference_amount",
)
_ROWS: Final = f"""
    select {", ".join(_COLUMNS)} from reconciliation.fct_rerating_diff
    where billing_period = $billing_period
    order by
        legal_entity_id,
        bill_to_customer_id,
        customer_id,
        charge_id,
        line_kind,
        settlement_key,
        cause_number
"""


class DifferencesOutdatedError(TechnicalError):
    """While differences were found, something was loaded or signed."""

    code = "differences_outdated"


@dataclass(frozen=True, kw_only=True)
class Rerating:
    """Why a signed month comes to something else now.

    Attributes:
        billing_period: YYYY-MM.
        rows: of fct_rerating_diff, by entity, customer and charge, then in order of causes.
        held_key_count: settlement keys of the month whose amount is not known now; they have no
            row.
        bases: the revisions that each legal entity's amounts are compared with.
        file: the same rows as CSV, relative to the data directory.
    """

    billing_period: str
    rows: Sequence[Mapping[str, Any]]
    held_key_count: int
    bases: Mapping[str, Sequence[str]]
    file: Path


@dataclass(frozen=True, kw_only=True)
class _Today:
    """What is rated now, the target that it is, and the keys that are told."""

    target: str
    rated: RatedNow
    legal_entity_ids: list[str]
    keys: pa.Table
    held_key_count: int


def find_differences(installation: Installation, *, billing_period: str) -> Rerating:
    """Explain each difference of a signed month, and publish it in fct_rerating_diff.

    The models are brought up to date first, as every run does. Then the contracts that differ are
    rated in a scratch data directory as they were signed, and once more after each later batch and
    each part of today's reference data. Where none differs, nothing is.

    Args:
        installation: whose month.
        billing_period: YYYY-MM.

    Raises:
        PeriodNotSignedError: nothing of that month is signed.
        InputsGoneError: what was signed cannot be rebuilt.
        DifferencesOutdatedError: something was loaded or signed meanwhile.
        DbtFailedError: a model could not be built, or a data test failed.
        WarehouseBusyError: another process held the warehouse, or compares a month, for too long.
    """
    refuse_invalid_period(billing_period)
    settings = installation.settings
    signed = signed_revisions(revisions_of(Register(settings.register).chain()), billing_period)
    with scratch_folder(settings, "rerated") as folder:
        today = _rated_now(installation, billing_period)
        differing = lineages_by_entity(today.keys, today.legal_entity_ids)
        bases = bases_of(settings, billing_period, signed, differing)
        found = states_since(installation, bases, today.keys, today.rated, folder=folder)
    rows = _published(installation, today, billing_period, bases, found)
    return Rerating(
        billing_period=billing_period,
        rows=rows,
        held_key_count=today.held_key_count,
        bases=_named(bases),
        file=write_rows(installation.settings, f"{billing_period}.csv", _COLUMNS, rows),
    )


def _rated_now(installation: Installation, billing_period: str) -> _Today:
    settings = installation.settings
    month = {"billing_period": billing_period}
    with writer_lock(settings, wait_seconds=WRITER_WAIT_SECONDS):
        reference = write_inputs(installation)
        build_models(installation, RATING)
        with open_warehouse(settings) as connection:
            entities = connection.execute(_ENTITIES, month).fetchall()
            keys: Any = connection.sql(_KEYS, params=month).to_arrow_table()
            [(held,)] = connection.execute(_HELD, month).fetchall()
        return _Today(
            target=rerating_target(settings, reference.reference_version),
            rated=RatedNow.of_inputs(settings, settings.reference_versions),
            legal_entity_ids=[name for (name,) in entities],
            keys=keys,
            held_key_count=held,
        )


def _published(
    installation: Installation,
    today: _Today,
    billing_period: str,
    bases: Sequence[Base],
    found: States,
) -> list[dict[str, Any]]:
    """Put the states in place, build the mart and read it, unless something came meanwhile."""
    settings = installation.settings
    with writer_lock(settings, wait_seconds=WRITER_WAIT_SECONDS):
        reference = write_inputs(installation)
        if rerating_target(settings, reference.reference_version) != today.target:
            raise DifferencesOutdatedError(
                "Compared a signed month with what is rated now: usage, reference data or a "
                "signature came meanwhile. Run again."
            )
        put_rerating(
            settings,
            today.target,
            [billing_period],
            bases=bases_table(bases),
            steps=found.steps,
            states=found.amounts,
        )
        build_models(installation, _MART)
        with open_warehouse(settings) as connection:
            rows: Any = connection.sql(
                _ROWS, params={"billing_period": billing_period}
            ).to_arrow_table()
    return list(rows.to_pylist())


def _named(bases: Sequence[Base]) -> dict[str, list[str]]:
    """By legal entity, revisions that are compared, and the one of all contracts without others."""
    named: dict[str, list[str]] = defaultdict(list)
    for base in (each for each in bases if each.compared or each.lineages is None):
        named[base.legal_entity_id].append(base.revision.revision_id)
    return dict(named)
