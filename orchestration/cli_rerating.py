"""The commands about a signed month that comes to something else now.

Belongs here: their options and their answers. Does not belong here: every other command (cli.py).
"""

from typing import Annotated

import typer

from orchestration.cli_answers import Answer, errors_answered
from orchestration.cli_options import DataDir, Json, Period
from orchestration.cli_runs import inspector
from orchestration.reports.differences import differences_json, print_differences
from orchestration.reports.late_usage import late_usage_json, print_late_usage
from orchestration.reports.reratings import print_rerated, rerated_json
from orchestration.settings import Settings


def add_rerating_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.command()(diff)
    app.command()(rerate)
    app.command(name="late-usage")(late_usage)


def diff(period: Period, data_dir: DataDir = None, *, is_json: Json = False) -> None:
    """Explain why a signed month comes to something else now: each difference by its cause."""
    answer = Answer(is_json=is_json)
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        rerating = runner.ask("compare_signed_month", "month_differences", period=period)
    answer.give(differences_json(rerating))
    print_differences(answer.console, rerating)


def rerate(
    period: Period,
    data_dir: DataDir = None,
    customer: Annotated[
        list[str] | None, typer.Option(help="Customer whose contracts; without it everybody's.")
    ] = None,
    plan: Annotated[
        list[str] | None, typer.Option(help="Plan they are on; without it any.")
    ] = None,
    *,
    is_json: Json = False,
) -> None:
    """Rate a signed month again, for all contracts or some, and freeze what differs."""
    answer = Answer(is_json=is_json)
    asked = {"period": period, "customers": customer or [], "plans": plan or []}
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        rerated = runner.ask("rerate_period", "rated_again", **asked)
    answer.give(rerated_json(rerated))
    print_rerated(answer.console, rerated)


def late_usage(data_dir: DataDir = None, *, is_json: Json = False) -> None:
    """Show usage that came after the signature of its month: events, quantity, money."""
    answer = Answer(is_json=is_json)
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        rows = runner.ask("show_late_usage", "late_usage")
    answer.give(late_usage_json(rows))
    print_late_usage(answer.console, rows)
