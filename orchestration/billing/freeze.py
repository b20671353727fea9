"""Freezing: candidates of one period's run become a revision per legal entity that can be signed.

Belongs here: its digest, its number, its commit. Does not belong here: what it is made of
(revision_contents.py), reading the warehouse (candidates.py), the decision about it (sign_off.py).

Consistency:
* a revision is committed by a manifest like everything in the register: all of it, or nothing;
* the same content frozen again is the same revision; a rejected one asks for a new decision;
* a newer revision supersedes an older frozen one, never a signed one.
"""

from collections import ChainMap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Engine

from orchestration.actors import TALLYHOUSE, Actor
from orchestration.billing.candidates import (
    Candidates,
    conservation_checks,
    refuse_unbalanced,
)
from orchestration.billing.canonical import table_digest
from orchestration.billing.checks import CheckFigure
from orchestration.billing.commits import RegisterSession, refuse_moved
from orchestration.billing.derived_rows import put_check_results, rebuild_from_register
from orchestration.billing.entries import fold_billed
from orchestration.billing.manifests import head_of
from orchestration.billing.provenance_of_deeds import read_deeds
from orchestration.billing.refusals import CandidatesUnusableError, RegisterMovedError, listed
from orchestration.billing.register import Register
from orchestration.billing.revision_contents import EntityContent, entity_content, read_run
from orchestration.billing.revision_files import revision_files
from orchestration.billing.revisions import (
    Revision,
    content_digest,
    expiries_digest,
    latest_of,
    refuse_invalid_period,
    revision_folder,
    revisions_of,
    totals_of,
)
from orchestration.billing.run_scope import (
    WHOLE_RUN,
    RunScope,
    is_replaced,
    refuse_untimely,
)
from orchestration.billing.signed_rows import read_entries
from orchestration.durable import Steps, no_steps
from orchestration.failures import RefusedError
from orchestration.settings import Settings

__all__ = ["Revision", "freeze"]


class FreezeIncompleteError(RefusedError):
    """Some legal entities could not be frozen; the others were."""

    code = "freeze_incomplete"


def freeze(
    settings: Settings,
    engine: Engine,
    *,
    billing_period: str,
    now: datetime,
    legal_entity_ids: Sequence[str] | None = None,
    check_figures: Sequence[CheckFigure] = (),
    scope: RunScope = WHOLE_RUN,
    rated_in: Settings | None = None,
    actor: Actor = TALLYHOUSE,
    steps: Steps = no_steps,
) -> list[Revision]:
    """Pin the candidates of a billing period's run, one revision per legal entity.

    The run bills its period, and what is due of earlier periods that are closed. An entity without
    candidates gets no revision, unless an older one waits for a decision: then an empty revision
    supersedes it, so that nobody signs what is no longer due.

    Args:
        settings: the installation.
        engine: its operations database.
        billing_period: YYYY-MM.
        now: the instant of the freeze, aware; announced source-days whose grace it ends are red.
        legal_entity_ids: only these; None means every entity with candidates or an open revision.
        check_figures: results beside the conservation figures; a revision then needs each of them.
        scope: what the run declared and rated completely.
        rated_in: the data directory in whose warehouse it was rated; None means its own.
        actor: who freezes; kept with the commit.
        steps: announced before each durable step.

    Returns:
        The revisions, by entity, in the state that they are in now.

    Raises:
        CandidatesUnusableError: no usable candidates, or documents that do not add up.
        RegisterMovedError: the warehouse computed candidates before the last signature.
        FreezeIncompleteError: some of several entities failed; the others are frozen.
        WarehouseBusyError, RegisterBusyError, RegisterWriteError: see there.
    """
    refuse_invalid_period(billing_period)
    rebuild_from_register(settings, engine)
    found = read_run(
        settings, engine, billing_period=billing_period, now=now, scope=scope, rated_in=rated_in
    )
    candidates = found.candidates
    with Register(settings.register, steps=steps).writing() as session:
        entities = _entities(
            session, candidates, billing_period, scope=scope, wanted=legal_entity_ids
        )
        refuse_untimely(session.chain, entities, billing_period, scope)
        deeds = read_deeds(session.folder, session.chain)
        contents = (
            entity_content(settings, found, legal_entity_id, deeds=deeds, actor=actor)
            for legal_entity_id in entities
        )
        revisions, failures = _freeze_entities(session, contents, check_figures, now=now)
    rebuild_from_register(settings, engine)
    for revision in revisions:
        steps(f"check results of {revision.revision_id}")
        figures = [*_conservation_of(revision, candidates), *check_figures]
        put_check_results(settings, engine, revision, figures, now=now, steps=steps)
    _raise_failures(failures, revisions, billing_period=billing_period)
    return revisions


def _conservation_of(revision: Revision, candidates: Candidates) -> list[CheckFigure]:
    return conservation_checks(
        candidates.conservation,
        legal_entity_id=revision.legal_entity_id,
        billing_period=revision.billing_period,
    )


def _freeze_entities(
    session: RegisterSession,
    contents: Iterable[EntityContent],
    check_figures: Sequence[CheckFigure],
    *,
    now: datetime,
) -> tuple[list[Revision], dict[str, CandidatesUnusableError | RefusedError]]:
    """Freeze one entity after another; return the revisions, and why the others have none."""
    revisions: list[Revision] = []
    failures: dict[str, CandidatesUnusableError | RefusedError] = {}
    for content in contents:
        try:
            revisions.append(_freeze_entity(session, content, check_figures=check_figures, now=now))
        except (CandidatesUnusableError, RefusedError) as error:
            failures[content.legal_entity_id] = error
    return revisions, failures


def _freeze_entity(
    session: RegisterSession,
    content: EntityContent,
    *,
    check_figures: Sequence[CheckFigure],
    now: datetime,
) -> Revision:
    revisions = revisions_of(session.chain)
    latest = latest_of(revisions, content.legal_entity_id, content.billing_period)
    number = latest.revision_number + 1 if latest else 1
    draft = _draft(session, content, number=number, check_figures=check_figures, now=now)
    is_same = latest is not None and latest.content_sha256 == draft.content_sha256
    if latest is not None and is_same and latest.state in ("frozen", "signed"):
        return latest
    refuse_unbalanced(content.documents, content.lines)
    believed: Any = zip(
        content.lines["settlement_key"].to_pylist(),
        content.lines["billed_amount_before"].to_pylist(),
        strict=True,
    )
    billed = fold_billed(read_entries(session.folder, session.chain))
    refuse_moved(billed, believed, tried=f"Tried to freeze {draft.revision_id}")
    subject = draft.plain() | {"frozen_by": content.frozen_by.plain()}
    files = revision_files(
        draft,
        subject=subject,
        documents=content.documents,
        lines=content.lines,
        expiries=content.expiries,
        provenance=content.provenance,
        exceptions=content.exceptions,
    )
    manifest = session.commit(kind="freeze", subject=subject, now=now, files=files)
    return Revision.of_manifest(manifest)


def _draft(
    session: RegisterSession,
    content: EntityContent,
    *,
    number: int,
    check_figures: Sequence[CheckFigure],
    now: datetime,
) -> Revision:
    draft = Revision(
        revision_id=f"{content.legal_entity_id}:{content.billing_period}:r{number}",
        legal_entity_id=content.legal_entity_id,
        billing_period=content.billing_period,
        revision_number=number,
        content_sha256="",
        frozen_at=now,
        state="frozen",
        folder=revision_folder(content.legal_entity_id, content.billing_period, number),
        pins=content.pins,
        register_head=head_of(session.chain),
        document_count=content.documents.num_rows,
        line_count=content.lines.num_rows,
        totals=totals_of(content.documents),
        required_checks=tuple(sorted({figure.check_name for figure in check_figures})),
        documents_sha256=table_digest(content.documents),
        lines_sha256=table_digest(content.lines),
        provenance_sha256=table_digest(content.provenance),
        expiry_count=content.expiries.num_rows,
        expiries_sha256=expiries_digest(content.expiries),
    )
    return replace(draft, content_sha256=content_digest(draft))


def _entities(
    session: RegisterSession,
    candidates: Candidates,
    billing_period: str,
    *,
    scope: RunScope,
    wanted: Sequence[str] | None,
) -> list[str]:
    found = set(candidates.legal_entity_ids())
    known = {
        revision.legal_entity_id: revision
        for revision in revisions_of(session.chain).values()
        if revision.billing_period == billing_period
    }
    found |= {
        entity
        for entity, revision in known.items()
        if revision.state == "frozen" and is_replaced(revision, scope)
    }
    if wanted is None:
        return sorted(found)
    unknown = sorted(set(wanted) - found - set(known))
    if unknown:
        raise CandidatesUnusableError(
            f"Tried to freeze {billing_period} of {listed(unknown)}: the warehouse has no "
            "candidates of these legal entities. Look at the period's exceptions, or correct the "
            "entity's id."
        )
    return sorted(found & set(wanted))


def _raise_failures(
    failures: dict[str, CandidatesUnusableError | RefusedError],
    revisions: Sequence[Revision],
    *,
    billing_period: str,
) -> None:
    """Raise why entities were not frozen; one reason that several share is said once."""
    moved = {
        entity: error.moved
        for entity, error in failures.items()
        if isinstance(error, RegisterMovedError) and error.moved
    }
    reasons = {entity: error for entity, error in failures.items() if entity not in moved}
    if moved:
        entities = listed(sorted(moved))
        reasons[entities] = RegisterMovedError.of_keys(
            dict(ChainMap(*moved.values())),
            tried=f"Tried to freeze {billing_period} of {entities}",
        )
    if len(reasons) == 1 and not revisions:
        raise next(iter(reasons.values()))
    if reasons:
        texts = " ".join(f"{entities}: {error}" for entities, error in sorted(reasons.items()))
        raise FreezeIncompleteError(
            f"Tried to freeze {billing_period}: of {len(failures) + len(revisions)} legal entities "
            f"{len(failures)} were not frozen. {texts}"
        )
