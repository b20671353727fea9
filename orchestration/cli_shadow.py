"""The command that compares another system's invoices with what is rated here.

Belongs here: its options, and its question to the job. Does not belong here: loading and comparing
(orchestration/shadow), tables and files (orchestration/reports).
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli_answers import Answer, errors_answered
from orchestration.cli_options import DataDir, Json, Period
from orchestration.cli_runs import inspector
from orchestration.reports.shadow import print_shadow, shadow_json
from orchestration.settings import Settings


def compare_invoices(
    period: Period,
    file: Annotated[
        Path | None,
        typer.Argument(help="CSV of invoice lines; without it what was loaded before."),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            help="How the file is read; without it mapping.yml beside it, else the last one."
        ),
    ] = None,
    data_dir: DataDir = None,
    *,
    is_json: Json = False,
) -> None:
    """Compare the invoices of the system in use with what is rated here, cause by cause."""
    answer = Answer(is_json=is_json)
    given = {"file": file, "mapping": mapping}
    question = {name: str(path.resolve()) for name, path in given.items() if path is not None}
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        found = runner.ask("compare_invoices", "invoice_differences", period=period, **question)
    answer.give(shadow_json(found))
    print_shadow(answer.console, found)
