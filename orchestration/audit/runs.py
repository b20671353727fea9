"""A run's own deeds: it started, it ended.

Belongs here: when a run enters the log, and with what. Does not belong here: who launched it
(orchestration/defs/operations); what it did, whose deeds are kept where they belong.

A run that only looks enters no operations database to change it, and so not the log either.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestration.actors import Actor
from orchestration.audit.entries import Deed


@dataclass
class RunRecord:
    """One run of a job, as the log tells of it.

    Attributes:
        actor: who launched it; its run_id is the run's.
        job_name: which job.
        details: what it is about, such as its billing_period.
        is_started: whether its start is in the log.
    """

    actor: Actor
    job_name: str
    details: Mapping[str, Any] = field(default_factory=dict)
    is_started: bool = False

    def start(self, clock: Callable[[], datetime]) -> list[Deed]:
        """The run's start, unless that is in the log."""
        return [] if self.is_started else [self._deed("start_run", clock(), {})]

    def end(self, clock: Callable[[], datetime], *, outcome: str) -> list[Deed]:
        """The run's end, if its start is in the log.

        Args:
            clock: gives the instant.
            outcome: succeeded or failed.
        """
        if not self.is_started:
            return []
        return [self._deed("end_run", clock(), {"outcome": outcome})]

    def _deed(self, action: str, happened_at: datetime, further: Mapping[str, Any]) -> Deed:
        return Deed(
            happened_at=happened_at,
            actor=self.actor,
            action=action,
            object_kind="job",
            object_id=self.job_name,
            details={**self.details, **further},
        )
