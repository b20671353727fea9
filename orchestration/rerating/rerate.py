"""Rating a signed month again, for all contracts or some, and freezing what differs.

Belongs here: the order of the work, what is told of it. Does not belong here: which contracts
(scope.py), rating some of them (excerpt.py), the rules of a freeze (billing), causes
(difference.py).

All contracts are rated in the warehouse, as every run does. Some are rated in an excerpt, and the
warehouse stays as it is until the next run. Either way only the month asked for is frozen.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from orchestration.billing.manifests import Manifest
from orchestration.billing.register import Register
from orchestration.billing.revisions import Revision, refuse_invalid_period, revisions_of
from orchestration.billing.run_scope import RunScope, is_replaced
from orchestration.period_close import freeze_period, refuse_unexpected
from orchestration.pipeline import (
    RATING,
    WRITER_WAIT_SECONDS,
    Installation,
    build_models,
    judge_candidates,
    load_reference_data,
    write_inputs,
)
from orchestration.price_book import current_reference
from orchestration.reproduction.scratch import scratch_folder
from orchestration.rerating.bases import signed_revisions
from orchestration.rerating.excerpt import rate_excerpt
from orchestration.rerating.explain import Explained, explain_corrections
from orchestration.rerating.reference_tables import compiled_tables
from orchestration.rerating.row_files import KEY_COLUMNS, write_rows
from orchestration.rerating.scope import scoped_contracts
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

_COLUMNS: Final = (*KEY_COLUMNS, "billed_amount", "rated_amount", "due_amount")
_ROWS: Final = f"""
    select {", ".join(_COLUMNS)} from billing.int_settlements__compared
    where billing_period = $billing_period and outcome = 'candidate'
    order by legal_entity_id, bill_to_customer_id, customer_id, charge_id, settlement_key
"""
_HELD: Final = """
    select coalesce(exception_code, 'unknown') as exception_code, count(*) as key_count
    from billing.int_settlements__compared
    where billing_period = $billing_period and outcome = 'held'
    group by all
    order by all
"""
_OTHER_MONTHS: Final = """
    select
        billing_period,
        currency_code,
        count(*) as key_count,
        sum(due_amount) as due_amount
    from billing.int_settlements__compared
    where billing_period <> $billing_period and outcome = 'candidate' and is_in_register
    group by all
    order by all
"""


@dataclass(frozen=True, kw_only=True)
class Rerated:
    """What rating a signed month again came to.

    Attributes:
        billing_period: YYYY-MM.
        scope: what was rated again; everything else stays as it is.
        lineage_count: contract lineages in the scope; None where it is all of them.
        rows: settlement keys of the month that come to something else than what was billed, with
            billed_amount, rated_amount (less what was conceded or waived) and due_amount.
        held_keys: how many keys of the month are not known, by exception code.
        other_months: months of which billed keys differ as well, by currency, with key_count and
            due_amount; they are not frozen here.
        revisions: what was frozen; none where nothing differs.
        explained: why they correct what was signed, of each that was not explained before.
        file: the rows as CSV, relative to the data directory.
    """

    billing_period: str
    scope: RunScope
    lineage_count: int | None
    rows: Sequence[Mapping[str, Any]]
    held_keys: Mapping[str, int]
    other_months: Sequence[Mapping[str, Any]]
    revisions: Sequence[Revision]
    file: Path
    explained: Sequence[Explained]


@dataclass(frozen=True)
class _Rated:
    """Where the scope was rated, and how many lineages it has; None where it is all of them."""

    settings: Settings
    lineage_count: int | None


def rerate_month(
    installation: Installation,
    *,
    billing_period: str,
    customer_ids: Sequence[str] = (),
    plan_ids: Sequence[str] = (),
) -> Rerated:
    """Rate a signed month with today's usage and reference data, freeze what differs, tell why.

    The reference folder is loaded first. Usage files are not: what a run loaded counts.

    Args:
        installation: whose month.
        billing_period: YYYY-MM, signed.
        customer_ids: whose contracts; none means everybody's.
        plan_ids: contracts on these plans; none means on any.

    Raises:
        PeriodNotSignedError: nothing of that month is signed.
        ScopeUnknownError: there is no such contract.
        ReferenceInvalidError: the reference folder has errors; nothing was rated.
        CandidatesUnexpectedError: what came out breaks an expectation.
        RevisionWaitsError, PeriodOpenError: see orchestration/billing/run_scope.py.
        WarehouseBusyError: another process held the warehouse for too long.
        DbtFailedError: a model could not be built, or a data test failed.
    """
    refuse_invalid_period(billing_period)
    chain = Register(installation.settings.register).chain()
    signed_revisions(revisions_of(chain), billing_period)
    scope = RunScope(
        customer_ids=tuple(sorted(set(customer_ids))),
        plan_ids=tuple(sorted(set(plan_ids))),
        is_of_one_month=True,
    )
    load_reference_data(installation)
    with _rated(installation, scope, billing_period) as rated:
        rows, held, others = _found(rated.settings, billing_period)
        revisions: Sequence[Revision] = ()
        explained: Sequence[Explained] = ()
        if rows.num_rows or _is_awaited(chain, billing_period, scope):
            report = judge_candidates(
                installation, billing_period=billing_period, rated_in=rated.settings
            )
            refuse_unexpected(report)
            revisions = freeze_period(
                installation,
                billing_period=billing_period,
                expectations=report,
                scope=scope,
                rated_in=rated.settings,
            )
            explained = explain_corrections(installation, revisions, rated_in=rated.settings)
    return Rerated(
        billing_period=billing_period,
        scope=scope,
        lineage_count=rated.lineage_count,
        rows=rows.to_pylist(),
        held_keys={row["exception_code"]: row["key_count"] for row in held.to_pylist()},
        other_months=others.to_pylist(),
        revisions=revisions,
        explained=explained,
        file=write_rows(
            installation.settings, f"{billing_period}-again.csv", _COLUMNS, rows.to_pylist()
        ),
    )


def _is_awaited(chain: Sequence[Manifest], billing_period: str, scope: RunScope) -> bool:
    """Whether a revision about the same waits, which nobody may sign once it is not due."""
    return any(
        revision.state == "frozen"
        and revision.billing_period == billing_period
        and is_replaced(revision, scope)
        for revision in revisions_of(chain).values()
    )


@contextmanager
def _rated(installation: Installation, scope: RunScope, billing_period: str) -> Iterator[_Rated]:
    """Rate the contracts of a scope, and lend the data directory in which that was done."""
    if scope.has_all_contracts:
        write_inputs(installation)
        build_models(installation, RATING)
        yield _Rated(installation.settings, None)
        return
    with scratch_folder(installation.settings, "rated_again") as folder:
        with installation.operations() as engine:
            reference = current_reference(installation.settings, engine)
            scoped = scoped_contracts(
                compiled_tables(reference.folder), scope, billing_period=billing_period
            )
            excerpt = rate_excerpt(installation, engine, reference, scoped, folder=folder)
        yield _Rated(excerpt.settings, len(scoped.lineages))


def _found(settings: Settings, billing_period: str) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Read keys that differ, keys that are not known, and other months that differ."""
    with open_warehouse(settings, wait_seconds=WRITER_WAIT_SECONDS) as connection:
        month = {"billing_period": billing_period}
        found: list[Any] = [
            connection.sql(query, params=month).to_arrow_table()
            for query in (_ROWS, _HELD, _OTHER_MONTHS)
        ]
    rows, held, others = found
    return rows, held, others
