"""The name that was probably meant where one is misspelt.

Belongs here: which known name is nearest, and the words that offer it. Does not belong here: which
names are known (the checks).
"""

from collections.abc import Collection
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

_MOST_KNOWN: Final = 500  # comparing with more takes longer than the words are worth
_SIMILARITY: Final = 0.7


def nearest_name(given: str, known: Collection[str]) -> str | None:
    """The known name most like the given one; None where none is alike, or over 500 are known."""
    return _nearest(given, tuple(known)) if len(known) <= _MOST_KNOWN else None


def or_nearest(given: str, known: Collection[str]) -> str:
    """What to say after a name that is unknown: the nearest one, or nothing."""
    found = nearest_name(given, known)
    return "" if found is None else f"; the nearest name is {found}"


@lru_cache(maxsize=1024)
def _nearest(given: str, known: tuple[str, ...]) -> str | None:
    return next(iter(get_close_matches(given, known, n=1, cutoff=_SIMILARITY)), None)
