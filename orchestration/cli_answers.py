"""How the command line answers: exit codes, errors, and JSON where a program asks.

Belongs here: what all commands share. Does not belong here: a command; a table (reports).
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console

from adapters.errors import AdapterError, RetryableError
from orchestration.failures import TallyhouseError, TechnicalError

_WIDTH_WITHOUT_TERMINAL: Final = 140


class ExitCode(IntEnum):
    """What a command's exit code says; docs/reference lists them too."""

    DONE = 0
    TECHNICAL = 1
    USAGE = 2
    REFUSED = 3
    CHECKS_RED = 4


class Answer:
    """One command's answer: a JSON document on standard output, or text for a person."""

    def __init__(self, *, is_json: bool) -> None:
        self.is_json = is_json
        stream = sys.stderr if is_json else sys.stdout
        width = None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL
        self.console = Console(stderr=is_json, width=width)

    def give(self, content: Mapping[str, Any]) -> None:
        """Print the document where JSON is asked for; amounts and instants are text."""
        if self.is_json:
            typer.echo(json.dumps(content, indent=2, default=plain))

    def say(self, sentence: str) -> None:
        """Print a sentence for a person; to standard error where JSON goes to standard output."""
        self.console.print(sentence, markup=False, highlight=False)

    def end(self, code: ExitCode) -> None:
        """Leave with an exit code.

        Raises:
            Exit: always, unless the code is DONE.
        """
        if code is not ExitCode.DONE:
            raise typer.Exit(int(code))


@contextmanager
def errors_answered(answer: Answer) -> Iterator[None]:
    """Turn an error of the pipeline into a message with its code, and the right exit code."""
    try:
        yield
    except (TallyhouseError, AdapterError) as error:
        is_technical = isinstance(error, TechnicalError | RetryableError)
        answer.give({"error": {"code": error.code, "message": str(error)}})
        answer.console.print(f"[bold red]{error.code}[/]: ", end="")
        answer.console.print(str(error), markup=False, highlight=False)
        raise typer.Exit(int(ExitCode.TECHNICAL if is_technical else ExitCode.REFUSED)) from error


def plain(value: object) -> str | int | list[Any]:
    """Return what JSON has no word for as text; a Decimal keeps every digit."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
