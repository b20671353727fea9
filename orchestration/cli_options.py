"""Options that several commands take, and what of them is wrong usage.

Belongs here: their names, help and checks. Does not belong here: a command.
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.partitions import BillingPeriodError, partition_of_period


def billing_period(text: str | None) -> str | None:
    """Let a billing period pass; anything else is wrong usage, before a command does anything."""
    if text is None:
        return None
    try:
        partition_of_period(text)
    except BillingPeriodError as error:
        raise typer.BadParameter(str(error)) from error
    return text


DataDir = Annotated[
    Path | None,
    typer.Option(
        help="The data directory; without it TALLYHOUSE_DATA_DIR, else data/local.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]
Period = Annotated[
    str,
    typer.Option(help="The billing period, YYYY-MM.", show_default=False, callback=billing_period),
]
