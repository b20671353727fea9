"""What an installation has done and what waits: the figures behind `status` and the demo's tables.

Belongs here: reading the published marts, the operations database and the register side by side.
Does not belong here: computing a figure that dbt computes; layout (tables.py).
"""

from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Final

import duckdb
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestration.billing.acknowledgements import NeededAcknowledgement, acknowledgements_of
from orchestration.billing.refusals import PolicyMissingError
from orchestration.billing.register import Register
from orchestration.billing.revisions import revisions_of
from orchestration.exceptions import (
    AtRisk,
    ExceptionQuestion,
    FoundException,
    at_risk_by_period,
    find_exceptions,
)
from orchestration.ingest.manifest import TOTALS_FORMAT
from orchestration.operations_db import tables, write_rejects
from orchestration.quality.conservation import read_conservation
from orchestration.recovery import whole_operations
from orchestration.reports.expired_credit import expired_credits, summed
from orchestration.reports.publication import (
    CURRENT,
    NothingPublishedError,
    open_published,
    published_at,
)
from orchestration.reports.status_figures import (
    CurrencyFigures,
    ExceptionFigures,
    InstallationStatus,
    MoneyFigures,
    RevisionFigures,
    UsageFigures,
)
from orchestration.settings import Settings

__all__ = ["InstallationStatus", "installation_status"]

_ACCEPTED_CHECK: Final = "accepted_events_are_unique_repeated_or_conflicting"


def installation_status(settings: Settings, *, now: datetime | None = None) -> InstallationStatus:
    """Read an installation's status; it opens no file that a run writes.

    Args:
        settings: whose.
        now: the aware instant by which waivers and ages are judged; None means this one.

    Raises:
        OperationsUnavailableError: the operations database cannot be opened.
        RegisterDamagedError: a manifest of the register is missing or changed.
    """
    signed = _signed(settings)
    with whole_operations(settings, now=now) as engine:
        with engine.connect() as operations:
            revisions = _revisions(operations, _to_acknowledge(settings))
            usage, postings = _usage(operations), _postings(operations)
            pushed = _pushed(operations)
        found = find_exceptions(settings, engine, now=now or datetime.now(UTC))
        if not (settings.warehouse_inputs / "rejects.parquet").exists():
            write_rejects(settings, engine)
    exceptions, at_risk = _exceptions(found), at_risk_by_period(found)
    expired = summed(expired_credits(Register(settings.register).entries()))
    copy = _published_copy(settings)
    if copy is None:
        return InstallationStatus(
            data_dir=str(settings.data_dir),
            usage=usage,
            currencies=_currencies(signed, postings, (), at_risk),
            money=(),
            revisions=revisions,
            exceptions=exceptions,
            at_risk=at_risk,
            conservation=(),
            signals_pushed=pushed,
            published_copy=None,
            published_at=None,
            expired=expired,
        )
    with closing(copy) as marts:
        money = _money(marts)
        return InstallationStatus(
            data_dir=str(settings.data_dir),
            usage=replace(usage, **_events(marts), rejects_by_code=_rejects(settings, marts)),
            currencies=_currencies(signed, postings, money, at_risk),
            money=money,
            revisions=revisions,
            exceptions=exceptions,
            at_risk=at_risk,
            conservation=read_conservation(marts),
            signals_pushed=pushed,
            published_copy=(settings.published / CURRENT).resolve().name,
            published_at=published_at(settings),
            expired=expired,
        )


def _published_copy(settings: Settings) -> duckdb.DuckDBPyConnection | None:
    try:
        return open_published(settings)
    except NothingPublishedError:
        return None


def _usage(operations: Connection) -> UsageFigures:
    files, batches = tables.ingestion_files, tables.ingestion_batches
    paths = sa.func.count(files.c.path.distinct())
    is_of_totals = sa.func.coalesce(files.c.format, "").startswith(TOTALS_FORMAT)
    query = (
        sa.select(files.c.status, sa.func.count(), paths)
        .where(sa.not_(sa.and_(files.c.status == "accepted", is_of_totals)))
        .group_by(files.c.status)
    )
    by_status = {row[0]: (row[1], row[2]) for row in operations.execute(query)}
    read, accepted, rejected = (
        int(operations.scalar(sa.select(sa.func.coalesce(sa.func.sum(batches.c[name]), 0))) or 0)
        for name in ("lines_read", "lines_accepted", "lines_rejected")
    )
    return UsageFigures(
        files_loaded=by_status.get("accepted", (0, 0))[0],
        files_refused=by_status.get("refused", (0, 0))[1],
        lines_read=read,
        lines_accepted=accepted,
        lines_rejected=rejected,
    )


def _postings(operations: Connection) -> list[tuple[str, str, Decimal]]:
    postings = tables.postings
    query = sa.select(postings.c.currency_code, postings.c.state, postings.c.amount)
    return [(row[0], row[1], row[2]) for row in operations.execute(query)]


def _signed(settings: Settings) -> dict[str, tuple[int, Decimal]]:
    """Return how many documents the register says are signed, and their sum, by currency."""
    signed: dict[str, tuple[int, Decimal]] = {}
    for manifest in Register(settings.register).chain():
        if manifest.kind != "sign":
            continue
        for total in manifest.subject["totals"]:
            count, amount = signed.get(total["currency_code"], (0, Decimal(0)))
            signed[total["currency_code"]] = (
                count + total["document_count"],
                amount + Decimal(total["amount"]),
            )
    return signed


def _currencies(
    signed: Mapping[str, tuple[int, Decimal]],
    postings: Sequence[tuple[str, str, Decimal]],
    money: Sequence[MoneyFigures],
    at_risk: Sequence[AtRisk],
) -> tuple[CurrencyFigures, ...]:
    codes = signed.keys() | {code for code, _, _ in postings} | {row.currency_code for row in money}
    codes |= {row.currency_code for row in at_risk if row.currency_code is not None}
    zero = Decimal(0)
    figures = []
    for code in sorted(codes):
        documents_signed, amount_signed = signed.get(code, (0, zero))
        posted = [
            amount for currency, state, amount in postings if currency == code and state == "posted"
        ]
        figures.append(
            CurrencyFigures(
                currency_code=code,
                documents_signed=documents_signed,
                signed=amount_signed,
                documents_posted=len(posted),
                posted=sum(posted, zero),
                due=sum((row.due for row in money if row.currency_code == code), zero),
                at_risk=sum(
                    (
                        row.open_amount + row.waived_amount
                        for row in at_risk
                        if row.currency_code == code
                    ),
                    zero,
                ),
            )
        )
    return tuple(figures)


def _pushed(operations: Connection) -> int:
    pushes = tables.crm_pushes
    acknowledged = pushes.c.acknowledged_at.is_not(None)
    return operations.scalar(sa.select(sa.func.count()).where(acknowledged)) or 0


def _to_acknowledge(settings: Settings) -> dict[str, tuple[NeededAcknowledgement, ...]]:
    """Return what a signature of each frozen revision must acknowledge, by its id."""
    chain = Register(settings.register).chain()
    needed: dict[str, tuple[NeededAcknowledgement, ...]] = {}
    for revision in revisions_of(chain).values():
        if revision.state == "frozen":
            with suppress(PolicyMissingError):  # then nobody may sign it
                needed[revision.revision_id] = acknowledgements_of(settings, chain, revision)
    return needed


def _revisions(
    operations: Connection, to_acknowledge: Mapping[str, Sequence[NeededAcknowledgement]]
) -> tuple[RevisionFigures, ...]:
    revisions, sign_offs, postings = tables.revisions, tables.sign_offs, tables.postings
    by_state: dict[str, dict[str, int]] = {}
    for row in operations.execute(
        sa.select(postings.c.revision_id, postings.c.state, sa.func.count()).group_by(
            postings.c.revision_id, postings.c.state
        )
    ):
        by_state.setdefault(row[0], {})[row[1]] = row[2]
    rows = operations.execute(
        sa.select(revisions, sign_offs.c.signer, sign_offs.c.signed_at)
        .outerjoin(sign_offs, sign_offs.c.revision_id == revisions.c.revision_id)
        .order_by(
            revisions.c.billing_period, revisions.c.legal_entity_id, revisions.c.revision_number
        )
    ).mappings()
    return tuple(
        RevisionFigures(
            revision_id=row["revision_id"],
            legal_entity_id=row["legal_entity_id"],
            billing_period=row["billing_period"],
            state=row["state"],
            document_count=row["document_count"] or 0,
            amounts={code: Decimal(text) for code, text in (row["amounts"] or {}).items()},
            frozen_at=row["frozen_at"],
            signer=row["signer"],
            signed_at=row["signed_at"],
            postings_by_state=by_state.get(row["revision_id"], {}),
            to_acknowledge=to_acknowledge.get(row["revision_id"], ()),
        )
        for row in rows
    )


def _events(marts: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return how many accepted events the marts were built from, and which of them do not count."""
    rows = marts.execute(
        "select set_aside_reason, count(*) from intermediate.int_events__set_aside group by all"
    ).fetchall()
    counts = dict(rows)
    accepted = marts.execute(
        "select sum(left_figure) from reconciliation.fct_conservation "
        "where check_name = $check and scope_kind <> 'all'",
        {"check": _ACCEPTED_CHECK},
    ).fetchone()
    return {
        "events_in_marts": int((accepted and accepted[0]) or 0),
        "exact_repeats": counts.get("exact_repeat", 0),
        "conflicting": counts.get("conflicting", 0),
        "dropped": counts.get("dropped", 0),
        "retracted": counts.get("retracted", 0),
    }


def _rejects(settings: Settings, marts: duckdb.DuckDBPyConnection) -> dict[str, int]:
    rejects = settings.warehouse_inputs / "rejects.parquet"
    rows = marts.execute(
        "select reject_code, count(*) as lines from read_parquet($rejects) "
        "group by all order by lines desc, reject_code",
        {"rejects": str(rejects)},
    ).fetchall()
    return dict(rows)


def _money(marts: duckdb.DuckDBPyConnection) -> tuple[MoneyFigures, ...]:
    rows = marts.execute(
        """
        with rated as (
            select
                legal_entity_id, billing_period, currency_code,
                sum(amount) as rated,
                sum(amount) filter (where not is_due) as not_due_yet,
                sum(computed_amount) filter (where amount is null) as held
            from rating.fct_rated_lines
            group by all
        ),
        due as (
            select
                legal_entity_id, billing_period, currency_code,
                sum(amount) as due, count(*) as documents_due
            from billing.fct_invoice_candidates
            group by all
        )
        select
            coalesce(rated.legal_entity_id, due.legal_entity_id) as legal_entity_id,
            coalesce(rated.billing_period, due.billing_period) as billing_period,
            coalesce(rated.currency_code, due.currency_code) as currency_code,
            coalesce(rated.rated, 0) as rated,
            coalesce(due.due, 0) as due,
            coalesce(due.documents_due, 0) as documents_due,
            coalesce(rated.not_due_yet, 0) as not_due_yet,
            coalesce(rated.held, 0) as held
        from rated
        full outer join due
            using (legal_entity_id, billing_period, currency_code)
        order by billing_period, legal_entity_id, currency_code
        """
    ).fetchall()
    return tuple(MoneyFigures(*row) for row in rows)


def _exceptions(found: Sequence[FoundException]) -> tuple[ExceptionFigures, ...]:
    """Sum the open exceptions by code, kind of object and currency; unknown amounts last."""
    is_open = ExceptionQuestion(state="open").takes

    def group(each: FoundException) -> tuple[str, str, bool, str]:
        is_unknown = each.amount_at_risk is None
        currency = "" if is_unknown else each.currency_code or ""
        return each.exception_code, each.object_kind, is_unknown, currency

    figures = []
    for (code, kind, is_unknown, currency), together in groupby(
        sorted(filter(is_open, found), key=group), key=group
    ):
        mine = list(together)
        figures.append(
            ExceptionFigures(
                exception_code=code,
                object_kind=kind,
                steward=mine[0].steward,
                exception_count=len(mine),
                event_count=sum(each.event_count or 0 for each in mine),
                amount_at_risk=None
                if is_unknown
                else sum((each.amount_at_risk or Decimal(0) for each in mine), Decimal(0)),
                currency_code=currency or None,
                what_to_do=mine[0].what_to_do,
                overdue_count=sum(each.is_overdue for each in mine),
            )
        )
    return tuple(figures)
