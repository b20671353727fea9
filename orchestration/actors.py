"""Who acts, and how that is known.

Belongs here: the record of an actor. Does not belong here: who may do what (sign_off_rules.py);
how a run's launcher is found (orchestration/defs/operations/launchers.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

ActorSource = Literal["verified", "self_declared", "machine"]


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who did something.

    Attributes:
        name: a person's, or that of the schedule, sensor or program.
        source: verified by a log-in that the run coordinator stamped on the run; self_declared,
            which nobody verified; or a machine.
        run_id: the Dagster run in which it was done; None outside of one.
    """

    name: str
    source: ActorSource
    run_id: str | None = None

    def plain(self) -> dict[str, Any]:
        """The actor as JSON."""
        return {"name": self.name, "source": self.source, "run_id": self.run_id}

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The actor that plain() wrote."""
        return cls(name=plain["name"], source=plain["source"], run_id=plain["run_id"])


TALLYHOUSE: Final = Actor(name="tallyhouse", source="machine")
"""The program itself, called by no run."""
UNKNOWN: Final = Actor(name="unknown", source="machine")
"""Whoever did what a version before the audit log kept without a name."""
