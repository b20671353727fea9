"""The commands about exceptions: list them, waive one, withdraw a waiver.

Belongs here: their options and what they print. Does not belong here: a rule or a figure
(orchestration/exceptions), a table (orchestration/reports), the jobs (defs/exceptions).
"""

from typing import Annotated, Any

import typer

from orchestration.billing.waivers import Waiver
from orchestration.cli_answers import Answer, errors_answered
from orchestration.cli_options import DataDir, Json, billing_period
from orchestration.cli_runs import inspector
from orchestration.exceptions import ExceptionQuestion
from orchestration.reports.exceptions import exceptions_json, print_exceptions, print_waived
from orchestration.settings import Settings

exceptions_app = typer.Typer(
    name="exceptions",
    help="List exceptions with their next step, age and value at risk; waive one until a day.",
    invoke_without_command=True,
)

_ExceptionId = Annotated[str, typer.Argument(help="Id of the exception, as the list has it.")]
_Why = Annotated[str, typer.Option(help="The reason, which the register keeps.")]
_Signer = Annotated[str | None, typer.Option(help="Your name, where a self-declared one counts.")]


@exceptions_app.callback()
def list_exceptions(  # noqa: PLR0917 — Typer turns each parameter into an option of its own
    context: typer.Context,
    period: Annotated[
        str | None, typer.Option(help="Only of this month, YYYY-MM.", callback=billing_period)
    ] = None,
    code: Annotated[str | None, typer.Option(help="Only of this code.")] = None,
    steward: Annotated[str | None, typer.Option(help="Only of this steward.")] = None,
    state: Annotated[str, typer.Option(help="open, waived, resolved or all.")] = "open",
    data_dir: DataDir = None,
    *,
    is_json: Json = False,
) -> None:
    """List exceptions: whose turn it is, what to do, how old each is and what is at risk."""
    if context.invoked_subcommand is not None:
        _refuse_misplaced(context)
        return
    answer = Answer(is_json=is_json)
    given = {"period": period, "code": code, "steward": steward, "state": state}
    asked = {name: text for name, text in given.items() if text is not None}
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        found = runner.ask("list_exceptions", "found_exceptions", **asked)
    answer.give(exceptions_json(found))
    question = ExceptionQuestion(
        billing_period=period, exception_code=code, steward=steward, state=state
    )
    print_exceptions(answer.console, found, question)


@exceptions_app.command()
def waive(
    exception_id: _ExceptionId,
    why: _Why,
    until: Annotated[str, typer.Option(help="The last UTC day of it, YYYY-MM-DD.")],
    signer: _Signer = None,
    data_dir: DataDir = None,
    *,
    is_json: Json = False,
) -> None:
    """Let an exception stand until a day: it bills nothing, and stays listed with its amount."""
    asked = {"exception_id": exception_id, "why": why, "until": until}
    _decide("waive_one_exception", "given_waiver", asked, signer, data_dir, Answer(is_json=is_json))


@exceptions_app.command()
def withdraw(
    exception_id: _ExceptionId,
    why: _Why,
    signer: _Signer = None,
    data_dir: DataDir = None,
    *,
    is_json: Json = False,
) -> None:
    """Withdraw the waiver of an exception, which is open again from now on."""
    asked = {"exception_id": exception_id, "why": why}
    _decide("withdraw_one_waiver", "ended_waiver", asked, signer, data_dir, Answer(is_json=is_json))


def _decide(  # noqa: PLR0917 — what both commands hand on
    job: str,
    step: str,
    asked: dict[str, Any],
    signer: str | None,
    data_dir: DataDir,
    answer: Answer,
) -> None:
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        waiver: Waiver = runner.ask(job, step, **asked, **({"signer": signer} if signer else {}))
    answer.give({"waiver": vars(waiver)})
    print_waived(answer.console, waiver)


def _refuse_misplaced(context: typer.Context) -> None:
    """An option before the subcommand would be lost without a word."""
    misplaced = [name for name in context.params if _is_given(context, name)]
    if misplaced:
        options = ", ".join(f"--{name.removeprefix('is_').replace('_', '-')}" for name in misplaced)
        raise typer.BadParameter(f"{options} must stand after {context.invoked_subcommand}.")


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
