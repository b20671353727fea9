"""The answer of a run: the output of its step, shown as tables in its metadata.

Belongs here: what every job that answers shares. Does not belong here: a question (jobs.py and its
neighbours), tables (orchestration/reports).
"""

from collections.abc import Callable
from io import StringIO
from typing import Final, TypeVar

import dagster as dg
from rich.console import Console

_WIDTH: Final = 160
ANSWER: Final = dg.Out(io_manager_key="in_memory")  # nobody reads an answer from a file

_Answer = TypeVar("_Answer")


def shown(answer: _Answer, layout: Callable[[Console, _Answer], None]) -> dg.Output[_Answer]:
    """Return an answer with its tables as metadata, for the run's page."""
    console = Console(record=True, file=StringIO(), width=_WIDTH)
    layout(console, answer)
    tables = console.export_text().rstrip()
    return dg.Output(answer, metadata={"answer": dg.MetadataValue.md(f"```\n{tables}\n```")})
