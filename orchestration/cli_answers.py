"""How the command line answers: exit codes, errors, and JSON where a program asks.

Belongs here: what all commands share. Does not belong here: a command; a table (reports).
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, TextIO

import typer
from rich.console import Console

from adapters.errors import AdapterError, RetryableError
from orchestration.disk_failures import disk_failure
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
    """One command's answer: a JSON document on standard output, or text for a person.

    Attributes:
        console: text and tables for a person, on standard output; silent where JSON is asked for.
        errors: why something was not done, on standard error, in either case.
    """

    def __init__(self, *, is_json: bool) -> None:
        self.is_json = is_json
        self.console = Console(width=_width(sys.stdout), quiet=is_json)
        self.errors = Console(width=_width(sys.stderr), stderr=True)

    def give(self, content: Mapping[str, Any]) -> None:
        """Print the document where JSON is asked for; amounts and instants are text."""
        if self.is_json:
            typer.echo(json.dumps(content, indent=2, default=plain))

    def say(self, sentence: str) -> None:
        """Print a sentence for a person; nothing where JSON is asked for."""
        self.console.print(sentence, markup=False, highlight=False)

    def end(self, code: ExitCode) -> None:
        """Leave with an exit code.

        Raises:
            Exit: always, unless the code is DONE.
        """
        if code is not ExitCode.DONE:
            raise typer.Exit(int(code))


def _width(stream: TextIO) -> int | None:
    """None lets the terminal or COLUMNS say; a file or a pipe without either has a fixed width."""
    is_known = stream.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return None if is_known else _WIDTH_WITHOUT_TERMINAL


@contextmanager
def errors_answered(answer: Answer) -> Iterator[None]:
    """Turn an error of the pipeline into a message with its code, and the right exit code.

    So is a disk that refuses, wherever it was met.
    """
    try:
        yield
    except (TallyhouseError, AdapterError) as error:
        is_technical = isinstance(error, TechnicalError | RetryableError)
        _tell(answer, error.code, str(error))
        raise typer.Exit(int(ExitCode.TECHNICAL if is_technical else ExitCode.REFUSED)) from error
    except Exception as error:
        told = disk_failure(error)
        if told is None:
            raise
        _tell(answer, told.code, str(told))
        raise typer.Exit(int(ExitCode.TECHNICAL)) from error


def _tell(answer: Answer, code: str, message: str) -> None:
    answer.give({"error": {"code": code, "message": message}})
    answer.errors.print(f"[bold red]{code}[/]: ", end="")
    answer.errors.print(message, markup=False, highlight=False)


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
