"""Anchors: where the audit log's head was noted outside of its folder.

Belongs here: the rows of audit_anchors, one per append, never changed. Does not belong here: the
log's files (log.py); the digests that evidence packs carry (orchestration/evidence).

An anchor also says how far the log has caught up with what it is made from, so that nothing before
it is read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from orchestration.audit.entries import Entry
from orchestration.audit.log import START, Place
from orchestration.operations_db.tables import audit_anchors, posting_attempts


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """A head of the log, and what it had caught up with.

    Attributes:
        place: the last entry.
        register_sequence: the last commit of the register that has its entries; 0 for none.
        reference_loaded_at: when the last reference version with an entry came into force.
        control_totals_batch_id: the last batch of control totals with an entry; 0 for none.
    """

    place: Place
    register_sequence: int = 0
    reference_loaded_at: datetime | None = None
    control_totals_batch_id: int = 0

    def moved(self, entries: Sequence[Entry]) -> "Anchor":
        """The anchor behind further entries."""
        if not entries:
            return self
        commits = [each.deed.commit.sequence for each in entries if each.deed.commit is not None]
        loads = [
            each.deed.happened_at for each in entries if each.deed.action == "change_reference"
        ]
        if self.reference_loaded_at is not None:
            loads.append(self.reference_loaded_at)
        batches = [
            each.deed.details["ingestion_batch_id"]
            for each in entries
            if each.deed.action == "load_totals"
        ]
        last = entries[-1]
        return Anchor(
            place=Place(sequence=last.sequence, entry_sha256=last.sha256),
            register_sequence=max(commits, default=self.register_sequence),
            reference_loaded_at=max(loads, default=None),
            control_totals_batch_id=max(batches, default=self.control_totals_batch_id),
        )


NOTHING: Final = Anchor(place=START)


def last_anchor(connection: Connection) -> Anchor:
    """The last head that was noted."""
    query = sa.select(audit_anchors).order_by(audit_anchors.c.sequence.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    if row is None:
        return NOTHING
    return Anchor(
        place=Place(sequence=row["sequence"], entry_sha256=row["entry_sha256"]),
        register_sequence=row["register_sequence"],
        reference_loaded_at=row["reference_loaded_at"],
        control_totals_batch_id=row["control_totals_batch_id"],
    )


def anchored_places(engine: Engine) -> list[Place]:
    """Every head that was noted, in order."""
    query = sa.select(audit_anchors.c.sequence, audit_anchors.c.entry_sha256)
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(audit_anchors.c.sequence)).all()
    return [Place(sequence=row.sequence, entry_sha256=row.entry_sha256) for row in rows]


def put_anchor(
    connection: Connection, anchor: Anchor, entries: Sequence[Entry], *, now: datetime
) -> None:
    """Note a head, and mark the attempts that have their entry."""
    connection.execute(
        sa.insert(audit_anchors).values(
            sequence=anchor.place.sequence,
            entry_sha256=anchor.place.entry_sha256,
            register_sequence=anchor.register_sequence,
            reference_loaded_at=anchor.reference_loaded_at,
            control_totals_batch_id=anchor.control_totals_batch_id,
            anchored_at=now,
        )
    )
    marks: list[dict[str, Any]] = [
        {
            "key": each.deed.details["posting_key"],
            "number": each.deed.details["attempt_number"],
            "place": each.sequence,
        }
        for each in entries
        if each.deed.object_kind == "document" and "attempt_number" in each.deed.details
    ]
    if marks:
        mark = (
            sa.update(posting_attempts)
            .where(
                posting_attempts.c.posting_key == sa.bindparam("key"),
                posting_attempts.c.attempt_number == sa.bindparam("number"),
            )
            .values(audit_sequence=sa.bindparam("place"))
        )
        connection.execute(mark, marks)
