"""Running a part of a benchmark in a process of its own, and what it took.

Belongs here: child processes, their memory, and tables of figures.
Does not belong here: what is measured.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orchestration.settings import PROJECT_ROOT

_SAMPLE_SECONDS: Final = 0.05
_MB: Final = 1_000_000
_SHOWN_CHARACTERS: Final = 8000


class ChildFailedError(Exception):
    """A measured process ended with an error, which the message repeats."""

    code = "benchmark_child_failed"


@dataclass(frozen=True)
class Measured:
    """What a child printed, and the most memory that it and its children held at once."""

    result: dict[str, Any]
    peak_bytes: int


def run_measured(module: str, *arguments: str) -> Measured:
    """Run `python -m module arguments`, whose last line of output is a JSON object.

    Memory is the sum of resident sizes over the process tree, looked at twenty times a second, so
    pages that several processes share count more than once.

    Raises:
        ChildFailedError: it exited with another code than 0.
    """
    command = [sys.executable, "-m", module, *arguments]
    child = subprocess.Popen(
        command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    is_done = threading.Event()
    peaks = [0]

    def watch() -> None:
        while not is_done.wait(_SAMPLE_SECONDS):
            peaks[0] = max(peaks[0], _tree_resident_bytes(child.pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    output, errors = child.communicate()
    is_done.set()
    watcher.join()
    if child.returncode != 0:
        raise ChildFailedError(
            f"Ran {' '.join(command)}: it ended with {child.returncode} and said\n"
            f"{errors[-_SHOWN_CHARACTERS:]}"
        )
    return Measured(json.loads(output.splitlines()[-1]), peaks[0])


def _tree_resident_bytes(root: int) -> int:
    """Resident bytes of a process and all its descendants, from /proc."""
    parents: dict[int, int] = {}
    resident: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(
                line.split(":", 1) for line in status.read_text().splitlines() if ":" in line
            )
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while the others were read
        process = int(status.parent.name)
        parents[process] = int(fields["PPid"])
        resident[process] = int(fields.get("VmRSS", "0 kB").split()[0]) * 1024
    tree = {root}
    for _ in parents:
        grown = tree | {process for process, parent in parents.items() if parent in tree}
        if grown == tree:
            break
        tree = grown
    return sum(resident.get(process, 0) for process in tree)


def print_table(title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Print rows of name, figure and remark under a title, aligned."""
    widest_name = max(len(name) for name, _, _ in rows)
    widest_figure = max(len(figure) for _, figure, _ in rows)
    lines = [title, "-" * len(title)]
    lines += [
        f"{name:<{widest_name}}  {figure:>{widest_figure}}  {remark}".rstrip()
        for name, figure, remark in rows
    ]
    sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.flush()


def seconds(value: float) -> str:
    """A duration for a table."""
    return f"{value:,.2f} s"


def megabytes(value: float) -> str:
    """A size for a table, in millions of bytes."""
    return f"{value / _MB:,.0f} MB"
