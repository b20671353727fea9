"""Decisions on events as rows: in the register, and in the raw file of a batch.

Belongs here: the record that a caller gives, the Arrow schemas, reading decisions back. Does not
belong here: whether one may be recorded (recording.py), how it reaches a batch (delivery.py).

A decision is about an identity, (event_source, event_id), and the last one about it stands:
    pick      one content of a conflict counts, every other one is dropped
    drop      no content of a conflict counts
    retract   the event that counts was wrong: it is withdrawn
    restore   undoes what stood: a single content counts again, several conflict again
It stands for the contents that were known when it was made. A content that comes later makes a
conflict of the identity again, until the next decision. Repeats of a known content change nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import pyarrow as pa

from orchestration.billing.entries import INSTANT, PLACE_SCHEMA, column, joined
from orchestration.billing.manifests import Manifest
from orchestration.billing.signed_rows import read_rows

DecisionKind: TypeAlias = Literal["pick", "drop", "retract", "restore"]
Identity: TypeAlias = tuple[str, str]

DECISION_KINDS: Final = ("pick", "drop", "retract", "restore")
ROLE: Final = "event_decisions"

EVENT_DECISION_SCHEMA: Final = pa.schema(
    [
        column("decision_number", pa.int32(), is_nullable=False),
        column("event_source", pa.string(), is_nullable=False),
        column("event_id", pa.string(), is_nullable=False),
        column("decision", pa.string(), is_nullable=False),
        column("content_digest", pa.string()),
        column("known_digests", pa.list_(pa.string()), is_nullable=False),
        column("reason", pa.string(), is_nullable=False),
        column("author", pa.string(), is_nullable=False),
        column("author_source", pa.string(), is_nullable=False),
        column("decided_at", INSTANT, is_nullable=False),
    ]
)
"""A file of role event_decisions: one row per decision of a commit.

decision_number counts them from 1. content_digest is the content that a pick lets count, or that
counted until a retract; null for the others. known_digests are all contents that had come, sorted.
author_source is verified or self_declared. decided_at is UTC.
"""

RAW_DECISION_SCHEMA: Final = joined(
    pa.schema([column("ingestion_batch_id", pa.int32(), is_nullable=False)]),
    PLACE_SCHEMA,
    pa.schema([column("key_hash", pa.int64(), is_nullable=False)]),
    EVENT_DECISION_SCHEMA,
)
"""A raw file of kind decisions: the rows of one commit, with the commit, the batch that brings them
to the models, and the key hash by which the identity's events are found.
"""


@dataclass(frozen=True, kw_only=True)
class EventDecision:
    """What a steward asks for about one identity.

    Attributes:
        event_source, event_id: the identity.
        decision: pick, drop, retract or restore.
        reason: why, for whoever reads it years later.
        content_digest: which content to pick, as fct_conflicting_events shows it; for a pick only.
    """

    event_source: str
    event_id: str
    decision: DecisionKind
    reason: str
    content_digest: str | None = None

    @property
    def identity(self) -> Identity:
        """(event_source, event_id)."""
        return self.event_source, self.event_id


@dataclass(frozen=True, kw_only=True)
class RecordedDecisions:
    """Decisions that are committed.

    Attributes:
        register_sequence, manifest_sha256: the commit.
        decision_count: how many.
        ingestion_batch_ids: batches that bring them, and what was still to be brought, to the
            models.
    """

    register_sequence: int
    manifest_sha256: str
    decision_count: int
    ingestion_batch_ids: tuple[int, ...]


def content_digest_of(digest_1: int, digest_2: int) -> str:
    """Return the two digests of an event as 30 hexadecimal digits."""
    return f"{digest_1:015x}{digest_2:015x}"


def read_event_decisions(folder: Path, chain: Sequence[Manifest]) -> pa.Table:
    """Read every decision in order, after register_sequence and manifest_sha256 of its commit.

    Args:
        folder: register/.
        chain: its commits.

    Raises:
        RegisterDamagedError: a committed file is missing or changed.
        RegisterNewerError: a later version of Tallyhouse wrote it.
    """
    return read_rows(folder, chain, role=ROLE, schema=EVENT_DECISION_SCHEMA)


def last_decisions(decisions: pa.Table) -> dict[Identity, dict[str, Any]]:
    """Return the last decision about each identity, as a row of read_event_decisions."""
    return {(row["event_source"], row["event_id"]): row for row in decisions.to_pylist()}
