"""What is asked: billing periods, the folders of the scenarios, and what the answer is called.

Belongs here: reading and refusing a question. Does not belong here: what a folder holds
(scenarios.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestration.billing.refusals import PeriodInvalidError
from orchestration.billing.revisions import refuse_invalid_period
from orchestration.failures import InputError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class QuestionInvalidError(InputError):
    """Scenarios cannot be told apart, or the answer has no usable name."""

    code = "what_if_invalid"


@dataclass(frozen=True, kw_only=True)
class WhatIfQuestion:
    """Which past months are rated with which folders beside the current reference.

    Attributes:
        periods: billing periods YYYY-MM, in order, each once.
        folders: by the name of each scenario, in the order asked for.
        name: of the answer's folder under reports/what-if; None means a digest.
    """

    periods: tuple[str, ...]
    folders: dict[str, Path]
    name: str | None = None


def what_if_question(
    period: str, folders: Sequence[Path], *, name: str | None = None
) -> WhatIfQuestion:
    """Read a question.

    Args:
        period: YYYY-MM, or FIRST:LAST, both included.
        folders: one for each scenario, which is called by the last part of its path, or by as many
            as tell it from the others.
        name: of the answer's folder.

    Raises:
        PeriodInvalidError: the period is something else.
        QuestionInvalidError: no folder is given, or one of them twice, or the name has characters
            that a folder's should not have.
    """
    if name is not None and not _NAME.fullmatch(name):
        raise QuestionInvalidError(
            f"Read the name {name!r} of an answer: it is also the name of a folder. Use letters, "
            "digits and _ . - only, beginning with a letter or digit, up to 100."
        )
    return WhatIfQuestion(periods=periods_of(period), folders=_named(folders), name=name)


def periods_of(text: str) -> tuple[str, ...]:
    """Return the billing periods of YYYY-MM or FIRST:LAST, both included.

    Raises:
        PeriodInvalidError: the text is neither, or the first one is after the last.
    """
    first, separator, last = text.partition(":")
    last = last if separator else first
    for each in (first, last):
        refuse_invalid_period(each)
    if first > last:
        raise PeriodInvalidError(
            f"Read the billing periods {text!r}: {first} is after {last}. "
            "Write the first one first."
        )
    return tuple(
        f"{month // 12:04}-{month % 12 + 1:02}"
        for month in range(_months(first), _months(last) + 1)
    )


def _months(period: str) -> int:
    return int(period[:4]) * 12 + int(period[5:]) - 1


def _named(folders: Sequence[Path]) -> dict[str, Path]:
    if not folders:
        raise QuestionInvalidError("Read a question without a price book. Name one folder or more.")
    paths = [folder.resolve() for folder in folders]
    twice = sorted({str(path) for path in paths if paths.count(path) > 1})
    if twice:
        raise QuestionInvalidError(
            f"Read the price books of a question: {', '.join(twice)} is named twice. "
            "Name each folder once."
        )
    return {_short(path, [other for other in paths if other != path]): path for path in paths}


def _short(path: Path, others: Sequence[Path]) -> str:
    """The last parts of a path that no other one ends with."""
    counts = range(1, len(path.parts))
    found = (path.parts[-count:] for count in counts)
    free = (parts for parts in found if all(o.parts[-len(parts) :] != parts for o in others))
    return "/".join(next(free, (str(path),)))
