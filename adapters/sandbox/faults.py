"""What goes wrong on the way to the sandbox and back: planned by call, or drawn from a seed.

Belongs here: which call fails and how. Does not belong here: what the failure does to the books,
which is the sandbox's; killing processes, which is the tests'.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import Literal

Effect = Literal[
    "throttle",  # nothing done; "come back after seconds"
    "refuse_connection",  # nothing done; not reached
    "reject",  # nothing done; a business refusal
    "drop_answer",  # done; the answer is lost
    "commit_late",  # done only after seconds; the answer is lost at once
    "read_stale",  # reads of many documents answer as of seconds ago
]
WRITES = frozenset({"create_draft", "finalise", "void_draft", "upsert"})
DEFERRABLE = frozenset({"create_draft", "finalise"})


@dataclass(frozen=True)
class Fault:
    """One failure: its effect, and the seconds that the effect needs."""

    effect: Effect
    seconds: float = 0.0


@dataclass
class FaultPlan:
    """Which calls fail, counted per call name from 1.

    Attributes:
        planned: (call name, its number) to the fault.
        random: where set, every other call fails with this chance, by its own draws.
        chance: between 0 and 1.
        effects: what random faults are drawn from.
        seconds: of random faults.
    """

    planned: Mapping[tuple[str, int], Fault] = field(default_factory=lambda: MappingProxyType({}))
    random: Random | None = None
    chance: float = 0.0
    effects: Sequence[Effect] = ()
    seconds: float = 0.0
    _counts: Counter[str] = field(default_factory=Counter)

    def next_fault(self, call: str) -> Fault | None:
        """Count the call and return its fault, if it has one."""
        self._counts[call] += 1
        fault = self.planned.get((call, self._counts[call]))
        if fault is None and self.random is not None and self.random.random() < self.chance:
            fault = Fault(self.random.choice(self.effects), self.seconds)
        return fault if fault is not None and _can_befall(call, fault.effect) else None


def _can_befall(call: str, effect: Effect) -> bool:
    if effect in ("drop_answer", "reject"):
        return call in WRITES
    if effect == "commit_late":
        return call in DEFERRABLE
    if effect == "read_stale":
        return call == "read_documents"
    return True


NO_FAULTS = FaultPlan()
