"""What a suite of expectations found, in a form that checks, revisions and people can read.

Belongs here: the records and their reading. Does not belong here: running a suite; Great
Expectations' own classes, which stay behind suites.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ExpectationOutcome:
    """One expectation on one table.

    Attributes:
        name: true sentence in snake_case, unique within its suite.
        is_met: whether every row, or the table, is as expected.
        observed: the figure that was looked at, as text.
        unexpected_count: rows that are not as expected; 0 for a table-level expectation.
        examples: up to five unexpected values, as text.
    """

    name: str
    is_met: bool
    observed: str
    unexpected_count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExpectationReport:
    """All outcomes of one suite over one table.

    Attributes:
        suite: name of the suite.
        subject: what was looked at, for example a batch or a billing period.
        row_count: rows in the table.
        outcomes: one per expectation, in the order of the suite.
    """

    suite: str
    subject: str
    row_count: int
    outcomes: tuple[ExpectationOutcome, ...]

    @property
    def is_passed(self) -> bool:
        """Whether every expectation is met."""
        return all(outcome.is_met for outcome in self.outcomes)

    @property
    def unmet(self) -> tuple[ExpectationOutcome, ...]:
        """The expectations that are not met."""
        return tuple(outcome for outcome in self.outcomes if not outcome.is_met)

    def figures(self) -> Mapping[str, str]:
        """Plain figures for a check's metadata: rows, expectations, and each unmet one."""
        found = {
            "rows": str(self.row_count),
            "expectations": str(len(self.outcomes)),
            "unmet": str(len(self.unmet)),
        }
        for outcome in self.unmet:
            examples = f", for example {'; '.join(outcome.examples)}" if outcome.examples else ""
            found[outcome.name] = f"{outcome.unexpected_count} rows{examples}"
        return found
