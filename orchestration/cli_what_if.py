"""The command that rates past usage with other price books.

Belongs here: its options, and its question to the job. Does not belong here: rating (whatif),
tables and files (reports), other commands (cli.py).
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli_answers import Answer, errors_answered
from orchestration.cli_options import DataDir, Json
from orchestration.cli_runs import inspector
from orchestration.failures import InputError
from orchestration.partitions import partition_of_period
from orchestration.reports.what_ifs import print_what_if, what_if_json
from orchestration.settings import Settings
from orchestration.whatif.question import periods_of


def _billing_periods(text: str) -> str:
    """Let one billing period or FIRST:LAST pass; anything else is wrong usage."""
    try:
        for period in (periods_of(text)[0], periods_of(text)[-1]):
            partition_of_period(period)
    except InputError as error:
        raise typer.BadParameter(str(error)) from error
    return text


def what_if(
    price_book: Annotated[
        list[Path],
        typer.Option(
            help="Folder that holds other parts of the reference folder; once for each scenario.",
            show_default=False,
        ),
    ],
    period: Annotated[
        str,
        typer.Option(
            help="Billing periods, YYYY-MM or FIRST:LAST, both included.",
            show_default=False,
            callback=_billing_periods,
        ),
    ],
    data_dir: DataDir = None,
    name: Annotated[
        str | None,
        typer.Option(help="Folder of the answer under reports/what-if; without it a digest."),
    ] = None,
    *,
    is_json: Json = False,
) -> None:
    """Rate past usage with other price books or contracts beside today's; touch nothing."""
    answer = Answer(is_json=is_json)
    question = {
        "price_books": [str(folder.resolve()) for folder in price_book],
        "period": period,
        **({} if name is None else {"name": name}),
    }
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        found = runner.ask("compare_scenarios", "scenario_differences", **question)
    answer.give(what_if_json(found))
    print_what_if(answer.console, found)
