"""Progress bars on long steps, also while Dagster captures what a step prints.

Belongs here: the bars. Does not belong here: what progress is, which each step reports.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

OnProgress = Callable[[str, int, int], None]


@contextmanager
def progress_bars(*, is_shown: bool) -> Iterator[OnProgress]:
    """Give a callback that takes step, done and total, and draws one bar per step on stderr.

    A run in this process sends standard output and error of its steps to Dagster's logs, so the
    bars are drawn on a copy of standard error that was made before. Nothing is drawn where that is
    no terminal.

    Args:
        is_shown: False draws nothing at all.
    """
    with os.fdopen(os.dup(2), "w") as screen:
        console = Console(file=screen, force_terminal=True) if screen.isatty() else None
        if not is_shown or console is None:
            yield lambda _step, _done, _total: None
            return
        columns = (
            TextColumn("{task.description:<24}"),
            BarColumn(bar_width=32),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            bars = _Bars(progress)
            yield bars.move


class _Bars:
    """One bar at a time, named by its step."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._step = ""
        self._task = progress.add_task("", visible=False)

    def move(self, step: str, done: int, total: int) -> None:
        """Draw how far a step is; a new step starts its own time."""
        if step != self._step:
            self._progress.remove_task(self._task)
            self._task = self._progress.add_task(step, total=total)
            self._step = step
        self._progress.update(self._task, completed=done, total=total, description=step)
