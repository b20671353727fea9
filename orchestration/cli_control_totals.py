"""The commands about control totals: loading a file of them, and which days do not agree.

Belongs here: their options, answers and exit codes. Does not belong here: every other command
(cli.py).
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli_answers import Answer, ExitCode, errors_answered
from orchestration.cli_options import DataDir, Json, billing_period
from orchestration.cli_runs import inspector
from orchestration.reports.control_totals import (
    control_totals_json,
    loaded_json,
    print_control_totals,
    print_loaded,
)
from orchestration.settings import Settings


def add_control_total_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.command(name="load-totals")(load_totals)
    app.command(name="control-totals")(control_totals)


def load_totals(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of totals; without one every new one where sources.yml says."),
    ] = None,
    data_dir: DataDir = None,
    *,
    is_json: Json = False,
) -> None:
    """Load what sources say that they sent: events and quantities by day, as CSV or JSON Lines."""
    answer = Answer(is_json=is_json)
    paths = [str(path.resolve()) for path in files or ()]
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        loaded = runner.ask("load_control_totals", "loaded_control_totals", files=paths)
    answer.give(loaded_json(loaded))
    print_loaded(answer.console, loaded)


def control_totals(
    data_dir: DataDir = None,
    period: Annotated[
        str | None,
        typer.Option(
            help="UTC month of the usage, YYYY-MM; without it every one.", callback=billing_period
        ),
    ] = None,
    *,
    shows_all: Annotated[bool, typer.Option("--all", help="Show days that agree, too.")] = False,
    is_json: Json = False,
) -> None:
    """Show the days of sources on which something else arrived than they say that they sent."""
    answer = Answer(is_json=is_json)
    asked = {"all": shows_all} | ({"period": period} if period else {})
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        found = runner.ask("show_control_totals", "compared_control_totals", **asked)
    answer.give(control_totals_json(found))
    print_control_totals(answer.console, found)
    answer.end(ExitCode.CHECKS_RED if found.red else ExitCode.DONE)
