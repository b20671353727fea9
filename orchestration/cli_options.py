"""Options that several commands take.

Belongs here: their types and what wrong usage of them says. Does not belong here: a command.
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.partitions import BillingPeriodError, partition_of_period

DataDir = Annotated[
    Path | None,
    typer.Option(
        help="The data directory; without it TALLYHOUSE_DATA_DIR, else data/local.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


def _billing_period(text: str) -> str:
    """Let a billing period pass; anything else is wrong usage, before a command does anything."""
    try:
        partition_of_period(text)
    except BillingPeriodError as error:
        raise typer.BadParameter(str(error)) from error
    return text


Period = Annotated[
    str,
    typer.Option(help="The billing period, YYYY-MM.", show_default=False, callback=_billing_period),
]
