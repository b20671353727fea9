"""The command that signs a file of records.

Belongs here: its options and its answer. Does not belong here: every other command (cli.py).
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli_answers import Answer, errors_answered
from orchestration.cli_options import DataDir, Json
from orchestration.cli_runs import inspector
from orchestration.recording import read_file
from orchestration.reports.records import print_recorded, recorded_json
from orchestration.settings import Settings


def record(
    file: Annotated[Path, typer.Argument(help="A file of records, as YAML.")],
    data_dir: DataDir = None,
    signer: Annotated[
        str | None, typer.Option(help="Your name, where a self-declared one counts.")
    ] = None,
    *,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show the entries and sign nothing.")
    ] = False,
    is_json: Json = False,
) -> None:
    """Sign credits made by hand in the ERP, goodwill, releases and closures into the register."""
    answer = Answer(is_json=is_json)
    form = {"name": file.name, "is_preview": preview} | ({"signer": signer} if signer else {})
    with errors_answered(answer):
        text = read_file(file)
        with inspector(Settings.load(data_dir)) as runner:
            recorded = runner.ask("sign_records", "signed_records", text=text, **form)
    answer.give(recorded_json(recorded))
    print_recorded(answer.console, recorded)
