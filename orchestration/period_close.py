"""The steps of a billing period's close in plain Python: judge, freeze, find, decide.

Belongs here: each step as one call over an installation. Does not belong here: the steps before
and after it (pipeline.py); the rules of a signature (orchestration/billing).
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from orchestration.billing.acknowledgements import NeededAcknowledgement, acknowledgements_of
from orchestration.billing.checks import CheckFigure
from orchestration.billing.freeze import freeze
from orchestration.billing.refusals import (
    AlreadyRejectedError,
    AlreadySignedError,
    PolicyMissingError,
    RevisionUnknownError,
    listed,
)
from orchestration.billing.register import Register
from orchestration.billing.revisions import Revision, latest_of, revisions_of
from orchestration.billing.run_scope import WHOLE_RUN, RunScope
from orchestration.billing.sign_off import Signer, SignOff, sign_off
from orchestration.billing.unsignable import unsignable_notice
from orchestration.exceptions import (
    AtRisk,
    ExceptionQuestion,
    at_risk_by_period,
    find_exceptions,
)
from orchestration.failures import RefusedError
from orchestration.pipeline import Installation
from orchestration.quality.reports import ExpectationReport
from orchestration.settings import Settings

CANDIDATES_CHECK: Final = "candidates_meet_their_expectations"


class Decision(StrEnum):
    """What finance says about a revision."""

    SIGN = "sign"
    REJECT = "reject"


class CandidatesUnexpectedError(RefusedError):
    """Candidates break an expectation, so they are not frozen."""

    code = "candidates_unexpected"


def refuse_unexpected(report: ExpectationReport) -> None:
    """Let only candidates pass that meet every expectation.

    Raises:
        CandidatesUnexpectedError: names each expectation that is not met.
    """
    if report.is_passed:
        return
    unmet = "; ".join(
        f"{outcome.name} ({outcome.unexpected_count} rows)" for outcome in report.unmet
    )
    raise CandidatesUnexpectedError(
        f"Judged the candidates of {report.subject}: not met are {unmet}. Look at the rows that "
        "the check shows, correct the data they come from, and close the period again."
    )


def freeze_period(
    installation: Installation,
    *,
    billing_period: str,
    expectations: ExpectationReport,
    scope: RunScope = WHOLE_RUN,
    rated_in: Settings | None = None,
) -> list[Revision]:
    """Pin the candidates of a billing period as one revision per legal entity.

    Args:
        installation: whose candidates.
        billing_period: YYYY-MM.
        expectations: what judge_candidates found; each revision keeps it as a check it needs.
        scope: what was declared and rated completely.
        rated_in: the data directory in whose warehouse it was rated; None means its own.
    """
    judged = CheckFigure(
        check_name=CANDIDATES_CHECK,
        invariant_number=None,
        is_passed=expectations.is_passed,
        figures=expectations.figures(),
    )
    with installation.operations() as engine:
        return freeze(
            installation.settings,
            engine,
            billing_period=billing_period,
            now=installation.clock(),
            check_figures=[judged],
            scope=scope,
            rated_in=rated_in,
            actor=installation.actor,
        )


def freeze_notice(installation: Installation, revisions: Sequence[Revision]) -> str | None:
    """Say which of the revisions just frozen cannot be signed, or what must be acknowledged.

    None where all of them can be signed as they are.

    Raises:
        RegisterDamagedError: a manifest of the register is missing or changed.
    """
    with installation.operations() as engine:
        notices = [unsignable_notice(installation.settings, engine, revisions)]
    for revision in revisions:
        needed = acknowledgements_needed(installation, revision)
        if needed:
            notices.append(
                f"{revision.revision_id}: a signature must acknowledge "
                f"{listed([each.text() for each in needed])}. Look at each, and sign with "
                "--acknowledge DOCUMENT_ID."
            )
    return "\n".join(filter(None, notices)) or None


def acknowledgements_needed(
    installation: Installation, revision: Revision
) -> tuple[NeededAcknowledgement, ...]:
    """Return the documents of a frozen revision that its policy wants acknowledged one by one.

    None of a revision that waits for no decision, or whose reference version has no policy, since
    nobody may sign it then.

    Raises:
        RegisterDamagedError: a committed file of the register is missing or changed.
    """
    if revision.state != "frozen":
        return ()
    chain = Register(installation.settings.register).chain()
    try:
        return acknowledgements_of(installation.settings, chain, revision)
    except PolicyMissingError:
        return ()


def value_at_risk(installation: Installation, *, billing_period: str) -> tuple[AtRisk, ...]:
    """Return what exceptions keep from being billed of one month, waived value apart."""
    with installation.operations() as engine:
        found = find_exceptions(
            installation.settings,
            engine,
            now=installation.clock(),
            question=ExceptionQuestion(billing_period=billing_period, state="all"),
        )
    return at_risk_by_period(found)


def find_revision(
    installation: Installation, *, billing_period: str, legal_entity_id: str, revision: str
) -> Revision:
    """Return the revision that a person means by its number, its id or the word latest.

    Raises:
        RevisionUnknownError: there is no such revision; names those that there are.
    """
    known = revisions_of(Register(installation.settings.register).chain())
    if revision == "latest":
        found = latest_of(known, legal_entity_id, billing_period)
    else:
        name = revision.removeprefix("r")
        wanted = f"{legal_entity_id}:{billing_period}:r{name}" if name.isdigit() else revision
        found = known.get(wanted)
    if found is not None:
        return found
    there = ", ".join(sorted(known)) or "none"
    raise RevisionUnknownError(
        f"Looked for revision {revision!r} of {legal_entity_id} for {billing_period}: there is no "
        f"such revision. Frozen so far: {there}. Freeze the period, or name one of these."
    )


def entities_to_decide(installation: Installation, *, billing_period: str) -> list[str]:
    """Return the legal entities whose frozen revision of a period waits for a decision."""
    known = revisions_of(Register(installation.settings.register).chain())
    return sorted(
        revision.legal_entity_id
        for revision in known.values()
        if revision.billing_period == billing_period and revision.state == "frozen"
    )


def refuse_nothing_to_decide(installation: Installation, *, billing_period: str) -> None:
    """Say why no revision of a period waits for a decision; return where one does.

    Raises:
        RevisionUnknownError: nothing of the period was frozen.
        AlreadySignedError: the latest revision of every legal entity is signed; says who and when.
        AlreadyRejectedError: likewise, and at least one of them is rejected.
    """
    chain = Register(installation.settings.register).chain()
    of_period = {
        revision_id: revision
        for revision_id, revision in revisions_of(chain).items()
        if revision.billing_period == billing_period
    }
    if any(revision.state == "frozen" for revision in of_period.values()):
        return
    tried = f"Tried to decide about {billing_period}"
    close_again = f"`tallyhouse run --period {billing_period}`"
    if not of_period:
        raise RevisionUnknownError(
            f"{tried}: nothing of it is frozen. Run {close_again}, which freezes it, and sign then."
        )
    entities = sorted({revision.legal_entity_id for revision in of_period.values()})
    latest = [latest_of(of_period, entity, billing_period) for entity in entities]
    states = {revision.revision_id: revision.state for revision in latest if revision is not None}
    decided = "; ".join(
        f"{manifest.subject['revision_id']} was {states[manifest.subject['revision_id']]} by "
        f"{manifest.subject['signer']} at {manifest.written_at:%Y-%m-%d %H:%M} UTC"
        for manifest in chain
        if manifest.kind in ("sign", "reject") and manifest.subject["revision_id"] in states
    )
    if "rejected" in states.values():
        raise AlreadyRejectedError(
            f"{tried}: nothing of it waits, for {decided}. Correct what was rejected, then run "
            f"{close_again}: that freezes a new revision to decide about."
        )
    raise AlreadySignedError(
        f"{tried}: nothing of it waits, for {decided}. Signatures stand: post what was signed with "
        f"`tallyhouse post`. If data changed since, run {close_again} and sign the next revision."
    )


def decide(
    installation: Installation,
    *,
    revision_id: str,
    decision: Decision,
    signer: Signer,
    note: str,
    held_document_ids: Sequence[str] = (),
    acknowledgements: Mapping[str, str] | None = None,
) -> SignOff:
    """Sign or reject a frozen revision.

    Raises:
        RefusedError: the class names the rule that stands in the way.
    """
    with installation.operations() as engine:
        return sign_off(
            installation.settings,
            engine,
            revision_id=revision_id,
            decision=decision.value,
            signer=signer,
            note=note,
            held_document_ids=held_document_ids,
            acknowledgements=acknowledgements,
            now=installation.clock(),
        )
