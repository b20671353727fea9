"""Waiving an exception, and withdrawing a waiver: one commit of the register each.

Belongs here: who may, what is refused, the commit. Does not belong here: how a waiver is read back
(orchestration/billing/waivers.py); how a person's identity was verified (defs/sign_off).

A waiver bills nothing and credits nothing. It says that somebody knows of the exception and lets it
stand until a day; what is at risk stays in every figure, as waived.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
from sqlalchemy.engine import Engine

from orchestration.billing.commits import RegisterSession, parquet_file
from orchestration.billing.policies import pinned_policy
from orchestration.billing.refusals import (
    AmountAboveLimitError,
    EntityNotAllowedError,
    SignerNotApproverError,
)
from orchestration.billing.register import Register
from orchestration.billing.sign_off_rules import Signer, refuse_unverified
from orchestration.billing.waivers import (
    WAIVER_SCHEMA,
    WAIVERS_ROLE,
    WITHDRAWAL_SCHEMA,
    WITHDRAWALS_ROLE,
    Waiver,
    in_force,
    read_waivers,
)
from orchestration.durable import Steps, no_steps
from orchestration.exceptions.found import (
    ExceptionQuestion,
    FoundException,
    exception_policy,
    exceptions_at,
)
from orchestration.exceptions.history import read_history
from orchestration.exceptions.refusals import (
    ExceptionResolvedError,
    ExceptionUnknownError,
    WaiverEndInvalidError,
    WaiverReasonMissingError,
    WaiverUnknownError,
)
from orchestration.price_book import current_reference
from orchestration.price_book.currencies import money_text
from orchestration.price_book.policy import ExceptionPolicy, SignOffPolicy
from orchestration.settings import Settings

PolicySource = Callable[[Settings, str], SignOffPolicy]
_LOOK: Final = "`tallyhouse exceptions --state all` lists every exception with its id."


def waive_exception(
    settings: Settings,
    engine: Engine,
    *,
    exception_id: str,
    reason: str,
    until: date,
    signer: Signer,
    now: datetime,
    policy_source: PolicySource = pinned_policy,
    steps: Steps = no_steps,
) -> Waiver:
    """Let an exception stand until the end of a UTC day; a waiver in force is replaced.

    Args:
        settings: the installation.
        engine: its operations database.
        exception_id: as `exceptions` lists it.
        reason: why.
        until: the last UTC day on which it is waived.
        signer: who, and how that is known.
        now: the instant, aware.
        policy_source: gives the sign-off policy of a reference version; the one in force is used.
        steps: announced before each durable step.

    Raises:
        RefusedError: the class and code name the rule; see refusals.py here and in billing.
        RegisterBusyError, RegisterWriteError: the machine could not; nothing was committed.
    """
    tried = f"Tried to waive the exception {exception_id}"
    _refuse_without_reason(reason, tried)
    limits = exception_policy(settings, engine)
    _refuse_end(until, limits, now=now, tried=tried)
    policy = _refuse_stranger(settings, engine, signer, policy_source)
    with Register(settings.register, steps=steps).writing() as session:
        waivers = read_waivers(session.folder, session.chain)
        found = _standing(engine, waivers, limits, exception_id, now=now, tried=tried)
        _refuse_approver(signer, policy, found, tried)
        number = 1 + sum(waiver.exception_id == exception_id for waiver in waivers)
        waiver = Waiver(
            waiver_id=f"{exception_id}:w{number}",
            exception_id=exception_id,
            exception_code=found.exception_code,
            object_kind=found.object_kind,
            object_id=found.object_id,
            legal_entity_id=found.legal_entity_id,
            billing_period=found.billing_period,
            amount_at_risk=found.amount_at_risk,
            currency_code=found.currency_code,
            waived_by=signer.name,
            waived_by_source=signer.source,
            run_id=signer.run_id,
            reason=reason.strip(),
            waived_until_date=until,
            waived_at=_naive(now),
        )
        _commit(session, WAIVERS_ROLE, WAIVER_SCHEMA, waiver.row(), signer=signer, now=now)
    return waiver


def withdraw_waiver(
    settings: Settings,
    engine: Engine,
    *,
    exception_id: str,
    reason: str,
    signer: Signer,
    now: datetime,
    policy_source: PolicySource = pinned_policy,
    steps: Steps = no_steps,
) -> Waiver:
    """End the waiver of an exception now, which is open again; any approver of its entity may.

    Args, Raises: as waive_exception.

    Returns:
        The waiver that ended.
    """
    tried = f"Tried to withdraw the waiver of the exception {exception_id}"
    _refuse_without_reason(reason, tried)
    policy = _refuse_stranger(settings, engine, signer, policy_source)
    with Register(settings.register, steps=steps).writing() as session:
        waivers = read_waivers(session.folder, session.chain)
        waiver = in_force(waivers, on=now.astimezone(UTC).date()).get(exception_id)
        if waiver is None:
            raise WaiverUnknownError(
                f"{tried}: no waiver of it is in force. `tallyhouse exceptions --state waived` "
                "lists those that are."
            )
        _refuse_entity(signer, policy, waiver.legal_entity_id, tried)
        row = {
            "waiver_id": waiver.waiver_id,
            "exception_id": exception_id,
            "withdrawn_by": signer.name,
            "withdrawn_by_source": signer.source,
            "run_id": signer.run_id,
            "reason": reason.strip(),
            "withdrawn_at": _naive(now),
        }
        _commit(session, WITHDRAWALS_ROLE, WITHDRAWAL_SCHEMA, row, signer=signer, now=now)
        [ended] = (
            each
            for each in read_waivers(session.folder, session.chain)
            if each.waiver_id == waiver.waiver_id
        )
    return ended


def _commit(
    session: RegisterSession,
    role: str,
    schema: pa.Schema,
    row: dict[str, Any],
    *,
    signer: Signer,
    now: datetime,
) -> None:
    subject = {
        "record": role,
        "signer": signer.name,
        "signer_source": signer.source,
        **{
            name: row[name].isoformat() if isinstance(row[name], date) else row[name]
            for name in schema.names
            if name != "amount_at_risk"
        },
    }
    table = pa.Table.from_pylist([row], schema=schema)
    session.commit(
        kind="record", subject=subject, now=now, files=[parquet_file(role, table, schema)]
    )


def _standing(
    engine: Engine,
    waivers: tuple[Waiver, ...],
    limits: ExceptionPolicy,
    exception_id: str,
    *,
    now: datetime,
    tried: str,
) -> FoundException:
    history = [row for row in read_history(engine) if row["exception_id"] == exception_id]
    question = ExceptionQuestion(state="all")
    found = exceptions_at(history, waivers, limits, now=now, question=question)
    if not found:
        raise ExceptionUnknownError(f"{tried}: no build found an exception of that id. {_LOOK}")
    if found[0].resolved_at is not None:
        raise ExceptionResolvedError(
            f"{tried}: it is resolved since {found[0].resolved_at:%Y-%m-%d %H:%M} UTC, so there is "
            "nothing to waive."
        )
    return found[0]


def _refuse_without_reason(reason: str, tried: str) -> None:
    if not reason.strip():
        raise WaiverReasonMissingError(f"{tried} without a reason. Say why.")


def _refuse_end(until: date, limits: ExceptionPolicy, *, now: datetime, tried: str) -> None:
    today = now.astimezone(UTC).date()
    latest = today + timedelta(days=limits.longest_waiver_days)
    if not today <= until <= latest:
        raise WaiverEndInvalidError(
            f"{tried} until {until}: the last day must lie between {today} and {latest} "
            f"({limits.longest_waiver_days} days, longest_waiver_days in policy.yml). Say such a "
            "day; it can be waived again when that is over."
        )


def _refuse_stranger(
    settings: Settings, engine: Engine, signer: Signer, policy_source: PolicySource
) -> SignOffPolicy:
    reference = current_reference(settings, engine)
    policy = policy_source(settings, reference.reference_version)
    refuse_unverified(
        signer,
        policy,
        may_sign_self_declared=settings.may_sign_self_declared,
        tried="Tried to decide about an exception",
    )
    return policy


def _refuse_approver(
    signer: Signer, policy: SignOffPolicy, found: FoundException, tried: str
) -> None:
    _refuse_entity(signer, policy, found.legal_entity_id, tried)
    approver = policy.approver(signer.name)
    limits = approver.up_to_amount if approver else None
    amount, currency = found.amount_at_risk, found.currency_code
    if limits is None or amount is None or currency is None:
        return
    if currency not in limits or abs(amount) > limits[currency]:
        limit = money_text(limits[currency], currency) if currency in limits else "none given"
        raise AmountAboveLimitError(
            f"{tried} as {signer.name!r}: {currency} {money_text(amount, currency)} is at risk "
            f"(limit {limit}). Let an approver with a higher limit waive it."
        )


def _refuse_entity(
    signer: Signer, policy: SignOffPolicy, legal_entity_id: str | None, tried: str
) -> None:
    approver = policy.approver(signer.name)
    if approver is None:
        raise SignerNotApproverError(
            f"{tried} as {signer.name!r}, who is not an approver in policy.yml. Let an approver "
            "decide, or add this one and load the reference."
        )
    entities = approver.legal_entities
    if entities is not None and legal_entity_id not in entities:
        whose = legal_entity_id or "any legal entity, since it is not known whose it is"
        raise EntityNotAllowedError(
            f"{tried} as {signer.name!r}, who may approve for {', '.join(entities)} and not for "
            f"{whose}. Let an approver of "
            f"{'that legal entity' if legal_entity_id else 'all legal entities'} decide."
        )


def _naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)
