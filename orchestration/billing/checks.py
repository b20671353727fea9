"""Results of checks as evidence: what a revision needs to be green before it can be signed.

Belongs here: the record that every kind of check hands over, and the judgement which of the needed
ones are missing or red. Does not belong here: computing a check (dbt, orchestration/quality),
keeping it (orchestration/operations_db), refusing a signature (sign_off_rules.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

REQUIRED_INVARIANTS: Final = (1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True, kw_only=True)
class CheckFigure:
    """One check, as it stood when a revision was frozen.

    Attributes:
        check_name: true sentence in snake_case, such as documents_equal_their_lines.
        invariant_number: the invariant of docs/invariants.md that it proves; None for other checks.
        is_passed: whether the sentence is true.
        figures: what was compared, as text by label, for people and for the evidence.
    """

    check_name: str
    invariant_number: int | None
    is_passed: bool
    figures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Which needed checks stand in the way of a signature.

    Attributes:
        red: names of checks that failed, sorted.
        missing: needed checks without a result, as "invariant 3" or the check's name, sorted.
    """

    red: tuple[str, ...]
    missing: tuple[str, ...]


def judge(figures: Iterable[CheckFigure], *, required_checks: Iterable[str] = ()) -> Judgement:
    """Find what is red or missing; anything not known to be green counts against the signature.

    Args:
        figures: the results kept for one revision.
        required_checks: names that the revision needs beyond one result per required invariant.
    """
    known = list(figures)
    names = {figure.check_name for figure in known}
    invariants = {figure.invariant_number for figure in known}
    missing = [f"invariant {number}" for number in REQUIRED_INVARIANTS if number not in invariants]
    missing += sorted(set(required_checks) - names)
    red = sorted({figure.check_name for figure in known if not figure.is_passed})
    return Judgement(red=tuple(red), missing=tuple(missing))
