"""The commands about evidence packs: one is made of a signed month, one is verified anywhere.

Belongs here: their options and exit codes. Does not belong here: the jobs (defs/inspection); what a
pack holds and must be (orchestration/evidence).
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli_answers import Answer, ExitCode, errors_answered
from orchestration.cli_options import DataDir, Json, Period
from orchestration.cli_runs import inspector
from orchestration.reports.evidence import (
    pack_json,
    print_pack,
    print_pack_verification,
    verification_json,
)
from orchestration.settings import Settings


def add_evidence_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(evidence)
    app.command()(verify)


def evidence(
    period: Period,
    data_dir: DataDir = None,
    entity: Annotated[
        list[str] | None, typer.Option(help="Legal entity; without it every one.")
    ] = None,
    revision: Annotated[
        int | None,
        typer.Option(min=1, help="Number of the revision; without it all that are signed."),
    ] = None,
    *,
    is_json: Json = False,
) -> None:
    """Write an evidence pack of a signed month for an auditor: a folder and an archive."""
    answer = Answer(is_json=is_json)
    with errors_answered(answer), inspector(Settings.load(data_dir)) as runner:
        made = runner.ask(
            "prepare_evidence_pack",
            "evidence_pack",
            period=period,
            entities=entity or [],
            **({} if revision is None else {"revision": revision}),
        )
    answer.give(pack_json(made))
    print_pack(answer.console, made)


def verify(
    pack: Annotated[Path, typer.Argument(help="The pack: its folder or its archive.")],
    *,
    is_json: Json = False,
) -> None:
    """Verify an evidence pack, on any machine: no data directory is needed."""
    answer = Answer(is_json=is_json)
    with errors_answered(answer), inspector(Settings.load(), is_recorded=False) as runner:
        found = runner.ask("verify_evidence_pack", "pack_verification", pack=str(pack.resolve()))
    answer.give(verification_json(found))
    print_pack_verification(answer.console, found)
    answer.end(ExitCode.DONE if found.is_sound else ExitCode.CHECKS_RED)
