"""Exceptions as jobs: list them, waive one, withdraw a waiver.

Belongs here: the forms, and the jobs whose answer is the metadata of their run. Does not belong
here: rules (orchestration/exceptions), tables (orchestration/reports), the command line's answer.
"""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Final

import dagster as dg
from pydantic import Field
from rich.console import Console

from orchestration.billing.sign_off_rules import Signer
from orchestration.billing.waivers import Waiver
from orchestration.defs.inspection.answers import ANSWER, shown
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.sign_off.signers import signer_of
from orchestration.exceptions import (
    ExceptionQuestion,
    FoundException,
    find_exceptions,
    waive_exception,
    withdraw_waiver,
)
from orchestration.exceptions.found import STATES
from orchestration.exceptions.refusals import WaiverEndInvalidError
from orchestration.failures import InputError
from orchestration.pipeline import Installation
from orchestration.reports.exceptions import print_exceptions, print_waived


class StateUnknownError(InputError):
    """Exceptions were asked for in a state that there is none of."""

    code = "state_unknown"


class ExceptionsAsked(dg.Config):
    """Which exceptions are listed; what is left out asks for all of them."""

    period: str | None = Field(default=None, description="Billing period, YYYY-MM.")
    code: str | None = Field(default=None, description="Exception code.")
    steward: str | None = Field(default=None, description="Who owns them.")
    state: str = Field(default="open", description="open, waived, resolved or all.")

    def question(self) -> ExceptionQuestion:
        """Return what is asked.

        Raises:
            StateUnknownError: there is no such state.
        """
        if self.state not in STATES:
            raise StateUnknownError(
                f"Asked for exceptions in the state {self.state!r}: there is none. Ask for "
                f"{', '.join(STATES[:-1])} or {STATES[-1]}."
            )
        return ExceptionQuestion(
            billing_period=self.period,
            exception_code=self.code,
            steward=self.steward,
            state=self.state,
        )


class WaiverAsked(dg.Config):
    """Which exception is waived, why, and until when."""

    exception_id: str = Field(description="As the list of exceptions has it.")
    why: str = Field(description="The reason.")
    until: str = Field(description="The last UTC day on which it is waived, YYYY-MM-DD.")
    signer: str | None = Field(
        default=None,
        description="Your name, where the installation lets a self-declared name count.",
    )


class WithdrawalAsked(dg.Config):
    """Which exception is to be open again, and why."""

    exception_id: str = Field(description="As the list of exceptions has it.")
    why: str = Field(description="The reason.")
    signer: str | None = Field(
        default=None,
        description="Your name, where the installation lets a self-declared name count.",
    )


@dg.op(out=ANSWER, description="Gather exceptions with their state, age and value at risk.")
def found_exceptions(
    context: dg.OpExecutionContext,
    config: ExceptionsAsked,
    installation: dg.ResourceParam[Installation],
) -> dg.Output[list[FoundException]]:
    """Answer with the exceptions of the last build; waivers and ages are as of now."""
    with failures_sorted(retry_number=context.retry_number), installation.operations() as engine:
        question = config.question()
        found = find_exceptions(
            installation.settings, engine, now=installation.clock(), question=question
        )
    return shown(found, partial(_print_found, question=question))


def _print_found(
    console: Console, found: Sequence[FoundException], *, question: ExceptionQuestion
) -> None:
    print_exceptions(console, found, question)


@dg.op(out=ANSWER, description="Let one exception stand until a day: a commit of the register.")
def given_waiver(
    context: dg.OpExecutionContext,
    config: WaiverAsked,
    installation: dg.ResourceParam[Installation],
) -> dg.Output[Waiver]:
    """Answer with the waiver; refused for good where a rule stands in the way."""
    with failures_sorted(retry_number=context.retry_number), installation.operations() as engine:
        waiver = waive_exception(
            installation.settings,
            engine,
            exception_id=config.exception_id,
            reason=config.why,
            until=_day(config.until),
            signer=_signer(context, installation, config.signer),
            now=installation.clock(),
        )
    return shown(waiver, print_waived)


@dg.op(out=ANSWER, description="End the waiver of one exception: a commit of the register.")
def ended_waiver(
    context: dg.OpExecutionContext,
    config: WithdrawalAsked,
    installation: dg.ResourceParam[Installation],
) -> dg.Output[Waiver]:
    """Answer with the waiver that ended; refused for good where a rule stands in the way."""
    with failures_sorted(retry_number=context.retry_number), installation.operations() as engine:
        waiver = withdraw_waiver(
            installation.settings,
            engine,
            exception_id=config.exception_id,
            reason=config.why,
            signer=_signer(context, installation, config.signer),
            now=installation.clock(),
        )
    return shown(waiver, print_waived)


def _signer(
    context: dg.OpExecutionContext, installation: Installation, declared: str | None
) -> Signer:
    return signer_of(
        installation.settings,
        run_id=context.run.run_id,
        tags=context.run.tags,
        declared=declared,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise WaiverEndInvalidError(
            f"Tried to waive an exception until {text!r}: that is no day. Write it as YYYY-MM-DD."
        ) from error


@dg.job(description="List exceptions: whose turn it is, what to do, how old, what is at risk.")
def list_exceptions() -> None:
    """Gather them."""
    found_exceptions()


@dg.job(
    description="Let an exception stand until a day. It bills nothing and stays listed.",
    tags={"dagster/max_retries": "0"},
)
def waive_one_exception() -> None:
    """Waive it."""
    given_waiver()


@dg.job(
    description="Withdraw the waiver of an exception, which is open again.",
    tags={"dagster/max_retries": "0"},
)
def withdraw_one_waiver() -> None:
    """Withdraw it."""
    ended_waiver()


EXCEPTION_JOBS: Final = (list_exceptions, waive_one_exception, withdraw_one_waiver)
