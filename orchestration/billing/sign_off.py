"""Signing or rejecting a frozen revision: the one place where money becomes due.

Belongs here: the order of the rules, the commit. Does not belong here: the rules themselves
(sign_off_rules.py), the entries that a signature makes (signature_entries.py), the protocol of a
commit (commits.py), sending documents (posting.py).

The manifest is the commit. Rows in the operations database follow from it; a crash in between is
healed by rebuild_from_register at the next start.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import Engine

from orchestration.billing.acknowledgements import (
    NeededAcknowledgement,
    acknowledged,
    before_credits,
    needed_acknowledgements,
)
from orchestration.billing.booking import booked, booked_expiries
from orchestration.billing.canonical import table_digest
from orchestration.billing.checks import CheckFigure
from orchestration.billing.closed_buckets import refuse_closed_since
from orchestration.billing.commits import RegisterSession
from orchestration.billing.correction_causes import causes_of_revision
from orchestration.billing.credits import read_grants, refuse_overdrawn
from orchestration.billing.derived_rows import read_check_results, rebuild_from_register
from orchestration.billing.manifests import Manifest
from orchestration.billing.policies import pinned_policy, pinned_rules
from orchestration.billing.provenance import PROVENANCE_SCHEMA, first_used
from orchestration.billing.refusals import RegisterDamagedError
from orchestration.billing.register import Register
from orchestration.billing.revisions import (
    CANDIDATE_DOCUMENT_SCHEMA,
    DOCUMENT_SCHEMA,
    LINE_SCHEMA,
    CurrencyTotal,
    Revision,
    content_digest,
    expiries_digest,
    revisions_of,
    totals_of,
)
from orchestration.billing.sign_off_rules import (
    Signer,
    find_approver,
    find_revision,
    refuse_amount,
    refuse_checks,
    refuse_same_eyes,
    refuse_unacknowledged,
    refuse_unknown_acknowledged,
    refuse_unknown_decision,
    refuse_unknown_documents,
    refuse_unverified,
    refuse_without_reason,
)
from orchestration.billing.signature_entries import (
    Signature,
    expired_grants,
    held_lines,
    signature_entries,
)
from orchestration.billing.signed_rows import (
    completed,
    read_committed,
    read_entries,
    read_expiring,
)
from orchestration.durable import Steps, no_steps
from orchestration.price_book.policy import SignOffPolicy
from orchestration.settings import Settings

__all__ = ["Decision", "SignOff", "Signer", "sign_off"]

Decision = Literal["sign", "reject"]


@dataclass(frozen=True, kw_only=True)
class SignOff:
    """A decision that is committed.

    Attributes:
        sign_off_id: <revision id>:<decision>; a revision is decided about once.
        register_sequence, manifest_sha256: the commit.
        signed_document_count: documents that are billed by it; 0 for a rejection.
        totals: of the billed documents, by currency.
        held_document_ids: documents that wait, ascending.
        acknowledged_document_ids: documents that were acknowledged one by one, ascending.
    """

    sign_off_id: str
    revision_id: str
    decision: Decision
    signer: Signer
    signed_at: datetime
    note: str
    register_sequence: int
    manifest_sha256: str
    signed_document_count: int
    totals: tuple[CurrencyTotal, ...]
    held_document_ids: tuple[str, ...]
    acknowledged_document_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What a signer asks for, and when."""

    decision: Decision
    held_document_ids: tuple[str, ...]
    acknowledgements: Mapping[str, str] = field(hash=False)
    signer: Signer
    note: str
    now: datetime


@dataclass(frozen=True, kw_only=True)
class _Frozen:
    """A revision with its content, proved to be what was frozen."""

    revision: Revision
    documents: pa.Table
    lines: pa.Table
    expiries: pa.Table
    provenance: pa.Table


def sign_off(
    settings: Settings,
    engine: Engine,
    *,
    revision_id: str,
    decision: Decision,
    signer: Signer,
    note: str,
    now: datetime,
    held_document_ids: Sequence[str] = (),
    acknowledgements: Mapping[str, str] | None = None,
    policy_source: Callable[[Settings, str], SignOffPolicy] = pinned_policy,
    steps: Steps = no_steps,
) -> SignOff:
    """Sign a frozen revision, except for the documents that are held, or reject it.

    A rejection needs an approver of the entity and a reason; amount, checks and authors concern a
    signature only.

    Args:
        settings: the installation.
        engine: its operations database.
        revision_id: as freeze gave it.
        decision: sign or reject.
        signer: who, and how that is known.
        note: free text; the reason of a rejection or of a hold.
        now: the instant of the decision, aware.
        held_document_ids: documents that are not billed now. Their lines are kept as held.
        acknowledgements: by document id, the note with which it is acknowledged by itself.
        policy_source: gives the sign-off policy of a reference version; the revision's own is used.
        steps: announced before each durable step.

    Raises:
        DecisionUnknownError: the decision is neither sign nor reject.
        RefusedError: the class and code name the rule; see refusals.py. Nothing was written.
        RegisterBusyError, RegisterWriteError: the machine could not; nothing was committed.
    """
    refuse_unknown_decision(decision)
    rebuild_from_register(settings, engine)
    held = tuple(sorted(set(held_document_ids))) if decision == "sign" else ()
    asked = _Asked(
        decision=decision,
        held_document_ids=held,
        acknowledgements=dict(acknowledgements or {}) if decision == "sign" else {},
        signer=signer,
        note=note,
        now=now,
    )
    with Register(settings.register, steps=steps).writing() as session:
        revision = find_revision(revisions_of(session.chain), revision_id)
        policy = policy_source(settings, revision.pins.reference_version)
        refuse_unverified(signer, policy, may_sign_self_declared=settings.may_sign_self_declared)
        manifest, signed_documents = _commit(
            session, revision, policy, asked, settings=settings, engine=engine
        )
    steps(f"rows of {revision_id}")
    rebuild_from_register(settings, engine)
    return _sign_off_of(manifest, signer=signer, totals=totals_of(signed_documents))


def _commit(
    session: RegisterSession,
    revision: Revision,
    policy: SignOffPolicy,
    asked: _Asked,
    *,
    settings: Settings,
    engine: Engine,
) -> tuple[Manifest, pa.Table]:
    """Refuse what a rule forbids, else commit; return the commit and the documents it bills."""
    approver = find_approver(asked.signer, policy, revision)
    refuse_without_reason(asked.decision, asked.note, asked.held_document_ids, revision)
    frozen = _read_frozen(session, revision)
    figures = read_check_results(engine, revision)
    causes = causes_of_revision(session.folder, session.chain, revision.revision_id)
    signed_documents = _signed_documents(frozen, asked)
    needed: tuple[NeededAcknowledgement, ...] = ()
    if asked.decision == "sign":
        refuse_unknown_documents(asked.held_document_ids, frozen.documents, revision)
        refuse_unknown_acknowledged(asked.acknowledgements, frozen.documents, revision)
        refuse_checks(revision, figures)
        charged = before_credits(signed_documents, frozen.lines)
        refuse_amount(approver, revision, totals_of(charged))
        needed = needed_acknowledgements(
            policy.acknowledged_documents,
            signed_documents,
            frozen.lines,
            read_entries(session.folder, session.chain),
            causes,
        )
        refuse_unacknowledged(revision, needed, asked.acknowledgements)
        refuse_same_eyes(
            asked.signer, policy, revision, _first_used(session, frozen), totals_of(charged)
        )
    version = revision.pins.reference_version
    signature = _signature(revision, asked)
    held = held_lines(frozen.lines, _held_documents(frozen, asked), signature)
    expiries = frozen.expiries if asked.decision == "sign" else frozen.expiries.slice(0, 0)
    period, rules = revision.billing_period, pinned_rules(settings, version)
    entries = signature_entries(
        frozen.lines,
        booked_expiries(expiries, run_period=period, policy=rules),
        booked(signed_documents, run_period=period, policy=rules),
        held,
        causes=causes,
        signature=signature,
    )
    signed = read_entries(session.folder, session.chain)
    refuse_overdrawn(signed, entries, partial(read_grants, settings, version))
    refuse_closed_since(signed, entries, since=revision.register_head, tried=revision.revision_id)
    manifest = session.commit(
        kind=asked.decision,
        subject=_subject(revision, asked, figures, signed_documents)
        | {
            "acknowledgements": acknowledged(asked.acknowledgements, needed),
            "expired_credit_grant_ids": expired_grants(entries),
        },
        now=asked.now,
        entries=entries,
        held=held,
    )
    return manifest, signed_documents


def _sign_off_of(
    manifest: Manifest, *, signer: Signer, totals: tuple[CurrencyTotal, ...]
) -> SignOff:
    subject = manifest.subject
    return SignOff(
        sign_off_id=subject["sign_off_id"],
        revision_id=subject["revision_id"],
        decision="sign" if manifest.kind == "sign" else "reject",
        signer=signer,
        signed_at=manifest.written_at,
        note=subject["note"],
        register_sequence=manifest.sequence,
        manifest_sha256=manifest.sha256,
        signed_document_count=subject["signed_document_count"],
        totals=totals,
        held_document_ids=tuple(subject["held_document_ids"]),
        acknowledged_document_ids=tuple(
            each["document_id"] for each in subject["acknowledgements"]
        ),
    )


def _signed_documents(frozen: _Frozen, asked: _Asked) -> pa.Table:
    """What the decision bills: nothing for a rejection, else every document that is not held."""
    if asked.decision == "reject":
        return frozen.documents.slice(0, 0)
    return frozen.documents.filter(pc.invert(_is_held(frozen, asked)))


def _held_documents(frozen: _Frozen, asked: _Asked) -> pa.Table:
    return frozen.documents.filter(_is_held(frozen, asked))


def _signature(revision: Revision, asked: _Asked) -> Signature:
    return Signature(
        billing_period=revision.billing_period,
        revision_id=revision.revision_id,
        reference_version=revision.pins.reference_version,
        signer=asked.signer.name,
        signed_at=asked.now,
        note=asked.note,
    )


def _is_held(frozen: _Frozen, asked: _Asked) -> Any:
    held = pa.array(asked.held_document_ids, pa.string())
    return pc.is_in(frozen.documents["document_id"], value_set=held)


def _read_frozen(session: RegisterSession, revision: Revision) -> _Frozen:
    """The content of a revision, proved twice: file by file, and by the revision's own digest.

    Raises:
        RegisterDamagedError: it is not what was frozen.
    """
    manifest = next(each for each in session.chain if each.sha256 == revision.manifest_sha256)
    documents, lines, provenance = (
        read_committed(session.folder, manifest.files_of(role)[0], schema)
        for role, schema in (
            ("documents", DOCUMENT_SCHEMA),
            ("lines", LINE_SCHEMA),
            ("provenance", PROVENANCE_SCHEMA),
        )
    )
    expiries = read_expiring(session.folder, manifest)
    found = (
        table_digest(documents.select(CANDIDATE_DOCUMENT_SCHEMA.names)),
        table_digest(lines),
        expiries_digest(expiries),
        table_digest(provenance),
        content_digest(revision),
    )
    frozen = (
        revision.documents_sha256,
        revision.lines_sha256,
        revision.expiries_sha256,
        revision.provenance_sha256,
        revision.content_sha256,
    )
    if found != frozen:
        raise RegisterDamagedError(
            f"Read revision {revision.revision_id}: its content is not what was frozen. "
            "Freeze the period again, which gives a new revision, and look for who changed "
            f"{session.folder / revision.folder}."
        )
    return _Frozen(
        revision=revision,
        documents=documents,
        lines=completed(lines, LINE_SCHEMA),
        expiries=expiries,
        provenance=provenance,
    )


def _first_used(session: RegisterSession, frozen: _Frozen) -> pa.Table:
    signed = {
        revision.manifest_sha256
        for revision in revisions_of(session.chain).values()
        if revision.state == "signed"
    }
    commits = [manifest for manifest in session.chain if manifest.sha256 in signed]
    return first_used(session.folder, frozen.provenance, commits)


def _subject(
    revision: Revision,
    asked: _Asked,
    figures: Sequence[CheckFigure],
    signed_documents: pa.Table,
) -> dict[str, Any]:
    return {
        "sign_off_id": f"{revision.revision_id}:{asked.decision}",
        "revision_id": revision.revision_id,
        "revision_manifest_sha256": revision.manifest_sha256,
        "content_sha256": revision.content_sha256,
        "reference_version": revision.pins.reference_version,
        "ingestion_sha256": revision.pins.ingestion_sha256,
        "policy_sha256": revision.pins.policy_sha256,
        "signer": asked.signer.name,
        "signer_source": asked.signer.source,
        "run_id": asked.signer.run_id,
        "note": asked.note,
        "held_document_ids": list(asked.held_document_ids),
        "signed_document_count": signed_documents.num_rows,
        "totals": [total.plain() for total in totals_of(signed_documents)],
        "checks": [
            {
                "check_name": figure.check_name,
                "invariant_number": figure.invariant_number,
                "is_passed": figure.is_passed,
                "figures": dict(figure.figures),
            }
            for figure in figures
        ],
    }
