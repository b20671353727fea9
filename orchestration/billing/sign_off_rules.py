"""Every reason for which a signature is refused, one function and one error class each.

Belongs here: the rules of sign-off, over facts that are handed in. Does not belong here: reading or
writing the register (sign_off.py); how a person's identity was verified (defs/sign_off).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

import pyarrow as pa

from orchestration.billing.acknowledgements import NeededAcknowledgement
from orchestration.billing.checks import CheckFigure, judge
from orchestration.billing.refusals import (
    AcknowledgedDocumentUnknownError,
    AcknowledgementMissingError,
    AlreadyRejectedError,
    AlreadySignedError,
    AmountAboveLimitError,
    AuthorUnknownError,
    CheckMissingError,
    CheckRedError,
    DecisionUnknownError,
    EntityNotAllowedError,
    FourEyesError,
    HeldDocumentUnknownError,
    ReasonMissingError,
    RevisionSupersededError,
    RevisionUnknownError,
    SignerNotApproverError,
    SignerUnverifiedError,
    listed,
)
from orchestration.billing.revisions import CurrencyTotal, Revision, latest_of
from orchestration.price_book.currencies import money_text
from orchestration.price_book.policy import Approver, SignOffPolicy

# Where a reference folder names the author of each kind of fact.
_AUTHORED_IN: Final = {
    "contract": "tables/contracts",
    "contract_version": "tables/contract_versions",
    "credit_grant": "tables/credit_grants",
    "event_decision": "the register, with `tallyhouse record`",
    "identity": "tables/identities",
    "parent": "tables/customer_parents",
    "price": "price_book/ (tables/overrides for a negotiated one)",
    "quiet_day": "sources.yml",
    "record": "the register, with `tallyhouse record`",
    "term": "price_book/ (contract_terms/ for one of a contract)",
    "waiver": "the register, with `tallyhouse exceptions waive`",
}


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Who signs, and how that is known.

    Attributes:
        name: as the policy's list of approvers has it.
        source: verified by a log-in that the run coordinator stamped on the run, or self_declared.
        run_id: the Dagster run; a verified signer always has one.
    """

    name: str
    source: Literal["verified", "self_declared"]
    run_id: str | None = None


def refuse_unknown_decision(decision: str) -> None:
    """A decision is to sign or to reject.

    Raises:
        DecisionUnknownError: it is something else.
    """
    if decision not in ("sign", "reject"):
        raise DecisionUnknownError(
            f"Tried to decide {decision!r} about a revision: a decision is sign or reject. Say one "
            "of them."
        )


def find_revision(revisions: Mapping[str, Revision], revision_id: str) -> Revision:
    """The revision, if it can be decided about.

    Raises:
        RevisionUnknownError: there is none of that id.
        AlreadySignedError, AlreadyRejectedError: it was decided.
        RevisionSupersededError: a later one was frozen.
    """
    revision = revisions.get(revision_id)
    if revision is None:
        raise RevisionUnknownError(
            f"Tried to decide about {revision_id}: no revision of that id was frozen. Run "
            "`tallyhouse status` for those that wait, or freeze the period."
        )
    if revision.state == "signed":
        raise AlreadySignedError(
            f"Tried to decide about {revision_id}: it is signed already, and a signature stands. "
            "Whatever changed since is in the next revision: freeze the period and look at that."
        )
    if revision.state == "rejected":
        raise AlreadyRejectedError(
            f"Tried to decide about {revision_id}: it was rejected. Correct what was rejected, or "
            "let it stand, and freeze the period again: that gives a new revision to decide about."
        )
    latest = latest_of(revisions, revision.legal_entity_id, revision.billing_period)
    if revision.state == "superseded" or latest != revision:
        newest = latest.revision_id if latest else "a later one"
        raise RevisionSupersededError(
            f"Tried to decide about {revision_id}: {newest} was frozen after it. Look at {newest} "
            "and decide about that."
        )
    return revision


def refuse_unverified(
    signer: Signer,
    policy: SignOffPolicy,
    *,
    may_sign_self_declared: bool,
    tried: str = "Tried to decide about a revision",
) -> None:
    """A signer's own word counts only where the installation and the policy both say so.

    Args:
        signer: who signs, and how that is known.
        policy: whether it accepts a self-declared name.
        may_sign_self_declared: whether the installation does.
        tried: what the signer does, for the message.

    Raises:
        SignerUnverifiedError: nobody else says who this is.
    """
    if not signer.name.strip():
        raise SignerUnverifiedError(
            f"{tried} without a name. Sign from a run that a logged-in person started."
        )
    if signer.source == "verified" and signer.run_id:
        return
    is_accepted = may_sign_self_declared and policy.accepts_self_declared
    if signer.source == "self_declared" and is_accepted:
        return
    raise SignerUnverifiedError(
        f"{tried} as {signer.name!r}, whom no log-in verified. Start the run from the Dagster UI "
        "behind the log-in. (A local installation may accept a self-declared name: "
        "TALLYHOUSE_MAY_SIGN_SELF_DECLARED=true and accepts_self_declared in policy.yml.)"
    )


def find_approver(signer: Signer, policy: SignOffPolicy, revision: Revision) -> Approver:
    """The signer's row in the policy, if it covers the revision's legal entity.

    Raises:
        SignerNotApproverError: not on the list.
        EntityNotAllowedError: on the list, for other entities.
    """
    approver = policy.approver(signer.name)
    if approver is None:
        raise SignerNotApproverError(
            f"Tried to decide about {revision.revision_id} as {signer.name!r}, who is not an "
            "approver in policy.yml. Let an approver decide, or add this one, load the reference "
            "and freeze."
        )
    entities = approver.legal_entities
    if entities is not None and revision.legal_entity_id not in entities:
        raise EntityNotAllowedError(
            f"Tried to decide about {revision.revision_id} as {signer.name!r}, who may approve for "
            f"{', '.join(entities)} and not for {revision.legal_entity_id}. Let an approver of "
            "that legal entity decide."
        )
    return approver


def refuse_amount(approver: Approver, revision: Revision, totals: Sequence[CurrencyTotal]) -> None:
    """The sum of |document| per currency stays within the approver's limit.

    Raises:
        AmountAboveLimitError: names each currency with its sum and limit; a currency without a
            limit may not be signed.
    """
    limits = approver.up_to_amount
    if limits is None:
        return
    above = [
        f"{total.currency_code} {money_text(total.absolute_amount, total.currency_code)} "
        f"(limit {_limit_text(limits, total.currency_code)})"
        for total in totals
        if total.currency_code not in limits or total.absolute_amount > limits[total.currency_code]
    ]
    if above:
        raise AmountAboveLimitError(
            f"Tried to sign {revision.revision_id} as {approver.name!r}: the documents add up to "
            f"{'; '.join(above)}, counted without their signs. Let an approver with a higher limit "
            "sign, or hold documents."
        )


def refuse_unacknowledged(
    revision: Revision,
    needed: Sequence[NeededAcknowledgement],
    acknowledgements: Mapping[str, str],
) -> None:
    """Each document for which the policy asks an acknowledgement has one.

    Args:
        revision: for the message.
        needed: documents that the signature would bill and that need one.
        acknowledgements: notes by document id.

    Raises:
        AcknowledgementMissingError: names the documents with what each needs it for.
    """
    missing = [each.text() for each in needed if each.document_id not in acknowledgements]
    if missing:
        raise AcknowledgementMissingError(
            f"Tried to sign {revision.revision_id}: {listed(missing)} must be acknowledged one by "
            "one (sign_off.acknowledgements in policy.yml). Look at each and sign with "
            "--acknowledge DOCUMENT_ID, in the launchpad acknowledged_document_ids, or hold it."
        )


def refuse_unknown_acknowledged(
    acknowledgements: Mapping[str, str], documents: pa.Table, revision: Revision
) -> None:
    """Only documents of the revision can be acknowledged; one that needs none may be, too.

    Raises:
        AcknowledgedDocumentUnknownError: names the others.
    """
    unknown = sorted(set(acknowledgements) - set(documents["document_id"].to_pylist()))
    if unknown:
        raise AcknowledgedDocumentUnknownError(
            f"Tried to acknowledge {listed(unknown)} of {revision.revision_id}, which has no such "
            "documents. Take their ids from the revision and decide again."
        )


def refuse_checks(revision: Revision, figures: Sequence[CheckFigure]) -> None:
    """Every check that the revision needs has a result, and it is green.

    Raises:
        CheckMissingError, CheckRedError: name the checks.
    """
    judgement = judge(figures, required_checks=revision.required_checks)
    if judgement.missing:
        raise CheckMissingError(
            f"Tried to sign {revision.revision_id}: no result of {listed(judgement.missing)} is "
            "kept for it. Run the pipeline for the period and freeze it again, which keeps the "
            "results."
        )
    if judgement.red:
        raise CheckRedError(
            f"Tried to sign {revision.revision_id}: {listed(judgement.red)} failed. Look at the "
            "figures in the period's checks, correct what they name, run the pipeline and freeze "
            "again."
        )


def refuse_same_eyes(
    signer: Signer,
    policy: SignOffPolicy,
    revision: Revision,
    first_used: pa.Table,
    totals: Sequence[CurrencyTotal],
) -> None:
    """Nobody signs for the first time what they wrote themselves, where the policy asks for that.

    Args:
        signer: who signs.
        policy: with four_eyes on or off.
        revision: for the message.
        first_used: PROVENANCE_SCHEMA rows that no signed revision rests on.
        totals: of what the signature would charge, which limit who else may sign.

    Raises:
        AuthorUnknownError: some fact names no author, so nothing can be said.
        FourEyesError: the signer is the author of some fact; it says who may sign.
    """
    if not policy.four_eyes:
        return
    facts = first_used.to_pylist()
    unknown = [fact for fact in facts if not (fact["author"] or "").strip()]
    if unknown:
        kinds = sorted({fact["object_kind"] for fact in unknown})
        places = " and ".join(
            f"of each {kind.replace('_', ' ')} in {_AUTHORED_IN[kind]}" for kind in kinds
        )
        raise AuthorUnknownError(
            f"Tried to sign {revision.revision_id}: nobody is named as author of "
            f"{listed([_name(fact) for fact in unknown])}, used for the first time. Name the "
            f"author {places}, run the pipeline and freeze again."
        )
    own = [_name(fact) for fact in facts if _same_person(fact["author"], signer.name)]
    if own:
        others = _others(facts, policy, revision, totals)
        raise FourEyesError(
            f"Tried to sign {revision.revision_id} as {signer.name!r}, the author of "
            f"{listed(own)}, used for the first time. "
            + (
                f"Let another approver sign: {listed(others)}."
                if others
                else "No other approver in policy.yml may sign it: each wrote some of it too, or "
                f"may not approve that much of {revision.legal_entity_id}. Add one, load the "
                "reference and freeze."
            )
        )


def refuse_without_reason(
    decision: str, note: str, held_document_ids: Sequence[str], revision: Revision
) -> None:
    """A rejection and a hold say why.

    Raises:
        ReasonMissingError: the note is empty.
    """
    if note.strip() or (decision == "sign" and not held_document_ids):
        return
    deed = "reject" if decision == "reject" else "hold documents of"
    raise ReasonMissingError(
        f"Tried to {deed} {revision.revision_id} without a reason. Say in the note what must "
        "change."
    )


def refuse_unknown_documents(
    held_document_ids: Sequence[str], documents: pa.Table, revision: Revision
) -> None:
    """Only documents of the revision can be held.

    Raises:
        HeldDocumentUnknownError: names the others.
    """
    known = set(documents["document_id"].to_pylist())
    unknown = sorted(set(held_document_ids) - known)
    if unknown:
        raise HeldDocumentUnknownError(
            f"Tried to hold {listed(unknown)} of {revision.revision_id}, which has no such "
            "documents. Take their ids from the revision and decide again."
        )


def _others(
    facts: Sequence[Mapping[str, Any]],
    policy: SignOffPolicy,
    revision: Revision,
    totals: Sequence[CurrencyTotal],
) -> list[str]:
    """Name the approvers who wrote none of the facts and may sign that much."""
    amounts = {total.currency_code: total.absolute_amount for total in totals}
    return [
        approver.name
        for approver in policy.approvers
        if approver.may_approve(revision.legal_entity_id, amounts)
        and not any(_same_person(fact["author"], approver.name) for fact in facts)
    ]


def _name(fact: Mapping[str, Any]) -> str:
    return f"{fact['object_kind']} {fact['object_id']}"


def _limit_text(limits: Mapping[str, Decimal], currency_code: str) -> str:
    limit = limits.get(currency_code)
    return "none given" if limit is None else money_text(limit, currency_code)


def _same_person(author: str, signer: str) -> bool:
    return author.strip().casefold() == signer.strip().casefold()
