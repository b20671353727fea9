"""Exceptions as they stand at an instant: history, waivers and limits put together.

Belongs here: state, age and what is overdue by the clock; what a question asks for. Does not belong
here: finding exceptions (dbt), making a waiver (waiving.py), tables for people (reports).

A build judges waivers and ages by the day of its last batch, so that the same inputs give the same
marts. Here they are judged by the clock: a waiver that was just given or ended counts at once, and
an exception grows old also when no batch comes any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.billing.register import Register
from orchestration.billing.waivers import Waiver, in_force, read_waivers
from orchestration.exceptions.history import read_history
from orchestration.operations_db.tables import reference_versions
from orchestration.price_book import current_reference, policy_of
from orchestration.price_book.policy import ExceptionPolicy
from orchestration.settings import Settings

State = Literal["open", "waived", "resolved"]
STATES: Final = ("open", "waived", "resolved", "all")


@dataclass(frozen=True, kw_only=True)
class FoundException:
    """One exception at an instant.

    Attributes:
        object_name: what it is about, as people call it; object_id: what the marts call it.
        customer: name of the customer, or its id, or None.
        state: open, waived or resolved.
        amount_at_risk: in major units; None where no price tells it. Of a resolved exception it is
            the figure with which it last stood.
        age_days: whole UTC days since the first day that it is about; until it was resolved.
        is_overdue: open and older than age_limit_days.
        opened_at, last_seen_at, resolved_at, reopened_at: UTC instants of the builds' inputs.
        waiver: the one in force, or None.
    """

    exception_id: str
    exception_code: str
    steward: str
    object_kind: str
    object_id: str
    object_name: str
    legal_entity_id: str | None
    customer_id: str | None
    customer: str | None
    billing_period: str | None
    state: State
    quantity_at_risk: Decimal | None
    unit: str | None
    amount_at_risk: Decimal | None
    currency_code: str | None
    event_count: int | None
    first_seen_date: date | None
    age_days: int
    age_limit_days: int
    is_overdue: bool
    what_to_do: str
    opened_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    reopened_at: datetime | None
    reopened_count: int
    waiver: Waiver | None


@dataclass(frozen=True, kw_only=True)
class ExceptionQuestion:
    """Which exceptions are asked for; None asks for all of them.

    Attributes:
        state: open, waived, resolved or all.
    """

    billing_period: str | None = None
    exception_code: str | None = None
    steward: str | None = None
    state: str = "open"

    def takes(self, found: FoundException) -> bool:
        """Whether an exception is asked for."""
        return (
            self.state in ("all", found.state)
            and self.billing_period in (None, found.billing_period)
            and self.exception_code in (None, found.exception_code)
            and self.steward in (None, found.steward)
        )


def find_exceptions(
    settings: Settings,
    engine: Engine,
    *,
    now: datetime,
    question: ExceptionQuestion | None = None,
) -> list[FoundException]:
    """Return the exceptions that are asked for, the overdue and most expensive of a code first.

    They are as of the last build, waivers and ages as of now.

    Args:
        settings: the installation.
        engine: its operations database.
        now: the instant, aware.
        question: which ones; None asks for every one in any state.

    Raises:
        RegisterDamagedError: a committed file of the register is missing or changed.
        ReferenceMissingError, ReferenceDamagedError: the policy in force is gone or changed.
    """
    register = Register(settings.register)
    waivers = read_waivers(settings.register, register.chain())
    return exceptions_at(
        read_history(engine),
        waivers,
        exception_policy(settings, engine),
        now=now,
        question=question or ExceptionQuestion(state="all"),
    )


def exceptions_at(
    history: Sequence[Mapping[str, Any]],
    waivers: Sequence[Waiver],
    policy: ExceptionPolicy,
    *,
    now: datetime,
    question: ExceptionQuestion,
) -> list[FoundException]:
    """Put history, waivers and limits together; see find_exceptions for the order.

    Args:
        history: rows of the table exceptions.
        waivers: as read_waivers gives them.
        policy: with the age limits.
        now: the instant, aware.
        question: which ones.
    """
    today = now.astimezone(UTC).date()
    waived = in_force(waivers, on=today)
    found = [_found(row, waived.get(row["exception_id"]), policy, today=today) for row in history]
    return sorted(filter(question.takes, found), key=_order)


def exception_policy(settings: Settings, engine: Engine) -> ExceptionPolicy:
    """Return what the policy in force says of exceptions; its defaults where there is none yet.

    Raises:
        ReferenceMissingError: the folder of the version in force is gone.
        ReferenceDamagedError: its policy.yml is not what was loaded.
    """
    with engine.connect() as connection:
        if connection.execute(sa.select(reference_versions).limit(1)).first() is None:
            return ExceptionPolicy()
    reference = current_reference(settings, engine)
    if not (reference.folder / "source" / "policy.yml").is_file():
        return ExceptionPolicy()
    return policy_of(reference).exceptions


def _found(
    row: Mapping[str, Any], waiver: Waiver | None, policy: ExceptionPolicy, *, today: date
) -> FoundException:
    is_resolved = row["resolved_at"] is not None
    state: State = "resolved" if is_resolved else "waived" if waiver else "open"
    until = row["resolved_at"].date() if is_resolved else today
    since = row["first_seen_date"] or row["opened_at"].date()
    age_days = max((until - since).days, 0)
    limit = policy.age_limit_days(row["exception_code"], row["steward"])
    taken = {name: row[name] for name in _TAKEN}
    return FoundException(
        **taken,
        customer=row["customer_name"] or row["customer_id"],
        state=state,
        age_days=age_days,
        age_limit_days=limit,
        is_overdue=state == "open" and age_days > limit,
        waiver=None if is_resolved else waiver,
    )


_TAKEN: Final = (
    *("exception_id", "exception_code", "steward", "object_kind", "object_id", "object_name"),
    *("legal_entity_id", "customer_id", "billing_period", "quantity_at_risk", "unit"),
    *("amount_at_risk", "currency_code", "event_count", "first_seen_date", "what_to_do"),
    *("opened_at", "last_seen_at", "resolved_at", "reopened_at", "reopened_count"),
)


def _order(found: FoundException) -> tuple[Any, ...]:
    return (
        found.exception_code,
        found.object_kind,
        not found.is_overdue,
        found.currency_code or "",
        -(abs(found.amount_at_risk) if found.amount_at_risk is not None else 0),
        found.billing_period or "",
        found.object_name,
        found.exception_id,
    )
