"""Rows of the operations database that follow from the register, made again whenever they differ.

Belongs here: revisions, sign_offs and the check results that a decision relied on. Does not belong
here: postings, which are the posting room's; any decision, since a row here never decides.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from orchestration.billing.checks import CheckFigure
from orchestration.billing.decisions import sign_off_row
from orchestration.billing.manifests import Manifest
from orchestration.billing.refusals import RegisterDamagedError, listed
from orchestration.billing.register import Register
from orchestration.billing.revisions import Revision, revisions_of
from orchestration.durable import Steps, no_steps
from orchestration.operations_db import CHECKS, journaled, write_transaction
from orchestration.operations_db.tables import check_results, revisions, sign_offs
from orchestration.settings import Settings


def rebuild_from_register(settings: Settings, engine: Engine) -> int:
    """Bring the rows of revisions and signatures to what the manifests say.

    Run at every start: it heals a crash between a commit and its rows, and a lost operations
    database. Check results that were kept with a decision are restored where they are missing;
    those of undecided revisions are their journal's.

    Returns:
        How many rows were made or changed; 0 when nothing differed.

    Raises:
        RegisterDamagedError: a manifest is missing or changed, or a commit that rows were made from
            is gone.
    """
    with write_transaction(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("lock table revisions in share row exclusive mode"))
        there = {table.name: _rows(connection, table) for table in (revisions, sign_offs)}
        chain = Register(settings.register).chain()
        _refuse_forgotten(settings, chain, there)
        found = revisions_of(chain)
        changed = _put_rows(
            connection,
            revisions,
            there["revisions"],
            {revision.revision_id: _revision_row(revision) for revision in found.values()},
        )
        decisions = [row for row in map(sign_off_row, chain) if row is not None]
        changed += _put_rows(
            connection,
            sign_offs,
            there["sign_offs"],
            {row["sign_off_id"]: row for row in decisions},
        )
        for manifest in chain:
            if manifest.kind in ("sign", "reject"):
                revision = found[manifest.subject["revision_id"]]
                changed += _restore_checks(connection, revision, manifest)
    return changed


def put_check_results(
    settings: Settings,
    engine: Engine,
    revision: Revision,
    figures: Sequence[CheckFigure],
    *,
    now: datetime,
    steps: Steps = no_steps,
) -> None:
    """Keep the results of a revision that waits for a decision, in place of those before.

    A decided revision keeps the results that the decision relied on.

    Raises:
        JournalDamagedError, RegisterWriteError: they could not be kept; nothing changed.
    """
    if revision.state != "frozen":
        return
    rows = [
        {
            "revision_sha256": revision.content_sha256,
            "check_name": figure.check_name,
            "invariant": figure.invariant_number,
            "is_passed": figure.is_passed,
            "figures": dict(figure.figures),
            "computed_at": now,
        }
        for figure in figures
    ]
    of_revision = check_results.c.revision_sha256 == revision.content_sha256
    with journaled(settings, engine, CHECKS, steps=steps) as change:
        change.connection.execute(sa.delete(check_results).where(of_revision))
        if rows:
            change.connection.execute(sa.insert(check_results), rows)
        change.keep(check_results, of_revision)


def read_check_results(engine: Engine, revision: Revision) -> list[CheckFigure]:
    """The results kept for a revision's content, by name."""
    query = (
        sa.select(check_results)
        .where(check_results.c.revision_sha256 == revision.content_sha256)
        .order_by(check_results.c.check_name)
    )
    with engine.connect() as connection:
        rows = connection.execute(query).mappings().all()
    return [
        CheckFigure(
            check_name=row["check_name"],
            invariant_number=row["invariant"],
            is_passed=row["is_passed"],
            figures=row["figures"] or {},
        )
        for row in rows
    ]


def _revision_row(revision: Revision) -> dict[str, Any]:
    return {
        "revision_id": revision.revision_id,
        "legal_entity_id": revision.legal_entity_id,
        "billing_period": revision.billing_period,
        "revision_number": revision.revision_number,
        "content_sha256": revision.content_sha256,
        "frozen_at": revision.frozen_at,
        "state": revision.state,
        "folder": revision.folder,
        "ingestion_batch_ids": list(revision.pins.ingestion_batch_ids),
        "reference_version": revision.pins.reference_version,
        "engine_version": revision.pins.code_version,
        "register_sequence": revision.register_sequence,
        "register_manifest_sha256": revision.manifest_sha256,
        "document_count": revision.document_count,
        "line_count": revision.line_count,
        "amounts": {total.currency_code: format(total.amount, "f") for total in revision.totals},
    }


def _rows(connection: Connection, table: sa.Table) -> dict[str, dict[str, Any]]:
    name = _key(table).name
    return {row[name]: dict(row) for row in connection.execute(sa.select(table)).mappings()}


def _put_rows(
    connection: Connection,
    table: sa.Table,
    there: Mapping[str, Mapping[str, Any]],
    rows: Mapping[str, Mapping[str, Any]],
) -> int:
    new = [dict(row) for name, row in rows.items() if name not in there]
    changed = {name: row for name, row in rows.items() if name in there and row != there[name]}
    if new:
        connection.execute(sa.insert(table), new)
    for name, row in changed.items():
        connection.execute(sa.update(table).where(_key(table) == name).values(**row))
    return len(new) + len(changed)


def _refuse_forgotten(
    settings: Settings,
    chain: Sequence[Manifest],
    there: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> None:
    """Rows are made from commits, so a row whose commit is gone means that the register lost it."""
    known = {manifest.sha256 for manifest in chain}
    forgotten = [
        name
        for table, column in (
            ("revisions", "register_manifest_sha256"),
            ("sign_offs", "manifest_sha256"),
        )
        for name, row in there[table].items()
        if row[column] not in known
    ]
    if forgotten:
        raise RegisterDamagedError(
            f"Compared the operations database with the register {settings.register}: "
            f"{listed(forgotten)} were committed, and their commits are gone from the register. "
            "Restore register/ from a copy that has them; nothing is frozen or signed until then."
        )


def _restore_checks(connection: Connection, revision: Revision, manifest: Manifest) -> int:
    kept = connection.execute(
        sa.select(sa.func.count())
        .select_from(check_results)
        .where(check_results.c.revision_sha256 == revision.content_sha256)
    ).scalar_one()
    rows = [
        {
            "revision_sha256": revision.content_sha256,
            "check_name": figure["check_name"],
            "invariant": figure["invariant_number"],
            "is_passed": figure["is_passed"],
            "figures": dict(figure["figures"]),
            "computed_at": manifest.written_at,
        }
        for figure in manifest.subject["checks"]
    ]
    if kept or not rows:
        return 0
    connection.execute(sa.insert(check_results), rows)
    return len(rows)


def _key(table: sa.Table) -> sa.Column[Any]:
    return next(iter(table.primary_key.columns))
