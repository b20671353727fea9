"""Leaving the judgement of a line: the code, the words and what both need.

Belongs here: the one exception of the exact path and how values are shown in it.
Does not belong here: any rule.
"""

import json
from decimal import Decimal
from typing import Any

SHOWN_CHARACTERS = 80


class RejectedError(ValueError):
    """The line is rejected; `code` is the reject code, the message its detail."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def place(path: tuple[str, ...]) -> str:
    """Return how a property is named to people: data.tokens.input."""
    return ".".join(("data", *path))


def shown(value: Any) -> str:
    """Return a value as JSON of at most one line, for a message."""
    if value is None:
        return "absent"
    if isinstance(value, Decimal):
        text = str(value)
    else:
        text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."


def is_storable(text: str) -> bool:
    """Whether a text can be kept by every database: it holds no null character."""
    return "\0" not in text
