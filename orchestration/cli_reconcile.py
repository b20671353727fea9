"""The command that compares the checkpoints of a month.

Belongs here: its options and exit codes. Does not belong here: the job (defs/inspection), tables
and files (reports), other commands (cli.py).
"""

from typing import Annotated

import typer

from orchestration.cli_answers import Answer, ExitCode, errors_answered
from orchestration.cli_options import DataDir, Json, Period
from orchestration.cli_runs import inspector
from orchestration.reports.checkpoints import print_reconciliation, reconciliation_json
from orchestration.settings import Settings


def reconcile(
    period: Period,
    data_dir: DataDir = None,
    customer: Annotated[
        str | None, typer.Option(help="Id of a customer, by product line; without it everybody.")
    ] = None,
    *,
    is_json: Json = False,
) -> None:
    """Compare a month's checkpoints from raw lines to payments, and say why they vary."""
    answer = Answer(is_json=is_json)
    asked = {"period": period} | ({"customer": customer} if customer else {})
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        found = runner.ask("reconcile_period", "compared_checkpoints", **asked)
    answer.give(reconciliation_json(found))
    print_reconciliation(answer.console, found)
    answer.end(ExitCode.DONE if found.is_explained else ExitCode.CHECKS_RED)
