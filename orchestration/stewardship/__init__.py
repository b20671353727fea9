"""What stewards decide about single events: which content of a conflict counts, what is withdrawn.

Owns: decisions in the register, and the batches by which they reach the models. Does not own: which
events conflict and what counts, which the models say (int_events__judged); the register's protocol
(billing); files that people write decisions in; Dagster.
"""

from orchestration.stewardship.decision_rows import (
    EventDecision,
    RecordedDecisions,
    read_event_decisions,
)
from orchestration.stewardship.delivery import deliver_event_decisions
from orchestration.stewardship.recording import EventDecisionsRefusedError, record_event_decisions

__all__ = [
    "EventDecision",
    "EventDecisionsRefusedError",
    "RecordedDecisions",
    "deliver_event_decisions",
    "read_event_decisions",
    "record_event_decisions",
]
