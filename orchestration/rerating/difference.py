"""The difference between what was signed of a month and what it is rated at now, by cause.

Belongs here: which signed revision a month rests on for each legal entity, the order of work, the
rows and the file. Does not belong here: the states between (states.py); the waterfall (the model
fct_rerating_diff).
"""

import csv
import io
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from filelock import FileLock

from orchestration.billing.refusals import listed
from orchestration.billing.register import Register
from orchestration.billing.rerating_inputs import put_rerating, rerating_target
from orchestration.billing.revisions import Revision, refuse_invalid_period, revisions_of
from orchestration.failures import RefusedError
from orchestration.pipeline import Installation, build_models, write_inputs
from orchestration.rerating.states import states_since
from orchestration.warehouse import open_warehouse

_MART: Final = ("--select", "+fct_rerating_diff", "--exclude-resource-type", "test")
_ONLY_MART: Final = ("--select", "fct_rerating_diff")
_ENTITIES: Final = "select legal_entity_id from staging.stg_reference__legal_entities order by 1"
_ROWS: Final = """
    select
        billing_period,
        legal_entity_id,
        bill_to_customer_id,
        customer_id,
        contract_lineage_id,
        charge_id,
        line_kind,
        cell_start_date,
        cell_end_date,
        currency_code,
        settlement_key,
        cause_number,
        cause,
        before_amount,
        after_amount,
        difference_amount
    from reconciliation.fct_rerating_diff
    order by
        legal_entity_id,
        bill_to_customer_id,
        customer_id,
        charge_id,
        line_kind,
        settlement_key,
        cause_number
"""


class PeriodNotSignedError(RefusedError):
    """Nothing of a billing period was signed, so there is nothing to compare with."""

    code = "period_not_signed"


@dataclass(frozen=True)
class Rerating:
    """Why a signed month comes to something else now.

    Attributes:
        billing_period: YYYY-MM.
        rows: of fct_rerating_diff, by entity, customer and charge, then in order of causes.
        bases: the revision that each legal entity's amounts are compared with.
        file: the same rows as CSV, relative to the data directory.
    """

    billing_period: str
    rows: Sequence[Mapping[str, Any]]
    bases: Mapping[str, str]
    file: Path


def find_differences(installation: Installation, *, billing_period: str) -> Rerating:
    """Explain each difference of a signed month, and publish it in fct_rerating_diff.

    The models are brought up to date first. Then the month is rated in a scratch data directory as
    it was signed, and once more after each later batch and each part of today's reference data.

    Args:
        installation: whose month.
        billing_period: YYYY-MM.

    Raises:
        PeriodNotSignedError: nothing of that month is signed.
        InputsGoneError: what was signed cannot be rebuilt.
        DbtFailedError: a model could not be built.
    """
    refuse_invalid_period(billing_period)
    settings = installation.settings
    revisions = revisions_of(Register(settings.register).chain())
    signed = _signed(revisions, billing_period)
    folder = settings.warehouse / "rerated"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")), installation.operations() as engine:
        reference = write_inputs(installation)
        build_models(installation, _MART)
        bases = _bases(signed, _entities(installation))
        try:
            found = [
                states_since(
                    installation,
                    engine,
                    base,
                    billing_period=billing_period,
                    legal_entity_ids=names,
                    now=reference.folder,
                    folder=folder,
                )
                for base, names in _with_same_inputs(bases)
            ]
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        put_rerating(
            settings,
            rerating_target(settings, engine, reference.reference_version),
            steps=pa.concat_tables([each.steps for each in found]),
            states=pa.concat_tables([each.amounts for each in found]),
        )
    build_models(installation, _ONLY_MART)
    rows = _rows(installation)
    return Rerating(
        billing_period=billing_period,
        rows=rows,
        bases={name: base.revision_id for name, base in bases.items()},
        file=_written(installation, billing_period, rows),
    )


def _signed(revisions: Mapping[str, Revision], billing_period: str) -> list[Revision]:
    """Signed revisions that bill something of a month, in order of freezing."""
    signed = [
        revision
        for revision in revisions.values()
        if revision.state == "signed"
        and (
            revision.billing_period == billing_period
            or billing_period in revision.pins.scope.get("earlier_periods", ())
        )
    ]
    if not signed:
        there = sorted({each.billing_period for each in revisions.values()})
        raise PeriodNotSignedError(
            f"Compared {billing_period} with what was signed of it: nothing was. "
            + (f"Revisions are of {listed(there)}." if there else "Nothing was frozen yet.")
        )
    return signed


def _bases(signed: Sequence[Revision], legal_entity_ids: Sequence[str]) -> dict[str, Revision]:
    """Say which revision each entity is compared with.

    It is the entity's own last one; an entity that signed nothing of the month takes the last one.
    """
    own = {revision.legal_entity_id: revision for revision in signed}
    return {name: own.get(name, signed[-1]) for name in legal_entity_ids}


def _with_same_inputs(bases: Mapping[str, Revision]) -> list[tuple[Revision, list[str]]]:
    """Group legal entities whose revisions one build serves, each with one of them."""
    groups: dict[tuple[tuple[int, ...], str], list[str]] = defaultdict(list)
    for name, base in bases.items():
        groups[base.pins.ingestion_batch_ids, base.pins.reference_version].append(name)
    return [(bases[names[0]], names) for names in groups.values()]


def _entities(installation: Installation) -> list[str]:
    with open_warehouse(installation.settings) as connection:
        return [name for (name,) in connection.execute(_ENTITIES).fetchall()]


def _rows(installation: Installation) -> list[dict[str, Any]]:
    with open_warehouse(installation.settings) as connection:
        found: Any = connection.execute(_ROWS).to_arrow_table()
    return list(found.to_pylist())


def _written(
    installation: Installation, billing_period: str, rows: Sequence[Mapping[str, Any]]
) -> Path:
    settings = installation.settings
    path = settings.reports / "rerating" / f"{billing_period}.csv"
    text = io.StringIO()
    names = list(rows[0]) if rows else ["billing_period", "cause", "difference_amount"]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue(), "utf-8")
    return path.relative_to(settings.data_dir)
