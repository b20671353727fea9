"""Events as ingestion leaves them in raw files, for tests of de-duplication and metering.

Belongs here: an event with its hashes, and the columns and rows of the files of a batch. Does not
belong here: where the files lie (usage_warehouse.py); any expected figure.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from orchestration.ingest.digests import hashes_of
from orchestration.ingest.records import AcceptedEvent

QUANTITY = pa.decimal128(38, 9)
LOADED_AT = datetime.fromisoformat("2026-11-05")
EPOCH = datetime.fromisoformat("1970-01-01")
EVENT_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("ingestion_batch_id", pa.int32()),
    pa.field("file_id", pa.int32()),
    pa.field("line_number", pa.int64()),
    pa.field("ingested_at", pa.timestamp("us")),
    pa.field("event_source", pa.string()),
    pa.field("event_id", pa.string()),
    pa.field("event_type", pa.string()),
    pa.field("contract_version", pa.string()),
    pa.field("subject", pa.string()),
    pa.field("event_at", pa.timestamp("us")),
    pa.field("event_at_nanos", pa.int16()),
    pa.field("event_date", pa.date32()),
    pa.field("key_hash", pa.int64()),
    pa.field("digest_1", pa.int64()),
    pa.field("digest_2", pa.int64()),
]
KEY_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("key_prefix", pa.int64()),
    pa.field("event_date", pa.date32()),
]
AFFECTED_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("ingestion_batch_id", pa.int32()),
    pa.field("event_date", pa.date32()),
    pa.field("event_source", pa.string()),
    pa.field("subject", pa.string()),
    pa.field("cause", pa.string()),
    pa.field("event_count", pa.int64()),
]


@dataclass(frozen=True)
class Event:
    """An accepted event; numbers and texts in `properties` become q_ and d_ columns.

    Attributes:
        key_hash: stands in for the hash over source and id, to construct collisions.
        digests: stand in for the two digests over identity and content, likewise.
    """

    event_id: str
    event_at: datetime
    subject: str = "acme"
    event_type: str = "call"
    event_source: str = "/gateway/eu"
    nanos: int = 0
    properties: dict[str, Any] = field(default_factory=dict)
    key_hash: int | None = None
    digests: tuple[int, int] | None = None

    def but(self, **changes: Any) -> "Event":
        return replace(self, **changes)

    def columns(self) -> dict[str, Any]:
        return {
            ("d_" if isinstance(value, str) else "q_") + name: (
                value if isinstance(value, str) else Decimal(value)
            )
            for name, value in self.properties.items()
        }

    def hashes(self) -> dict[str, int]:
        key_hash, digest_1, digest_2 = hashes_of(
            AcceptedEvent(
                event_source=self.event_source,
                event_id=self.event_id,
                event_type=self.event_type,
                contract_version="1",
                subject=self.subject,
                epoch_microseconds=(self.event_at - EPOCH) // timedelta(microseconds=1),
                nanoseconds=self.nanos,
                properties=self.columns(),
            )
        )
        if self.digests is not None:
            digest_1, digest_2 = self.digests
        if self.key_hash is not None:
            key_hash = self.key_hash
        return {"key_hash": key_hash, "digest_1": digest_1, "digest_2": digest_2}


def event_rows(batch: int, events: Sequence[Event]) -> list[dict[str, Any]]:
    """The rows of events in one file of a batch, in the given order."""
    return [
        {
            "ingestion_batch_id": batch,
            "file_id": batch,
            "line_number": number,
            "ingested_at": LOADED_AT,
            "event_source": event.event_source,
            "event_id": event.event_id,
            "event_type": event.event_type,
            "contract_version": "1",
            "subject": event.subject,
            "event_at": event.event_at,
            "event_at_nanos": event.nanos,
            "event_date": event.event_at.date(),
            **event.hashes(),
            **event.columns(),
        }
        for number, event in enumerate(events, start=1)
    ]


def key_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The key index of event rows, sorted as ingestion sorts it."""
    keys = [{"key_prefix": row["key_hash"] >> 8, "event_date": row["event_date"]} for row in rows]
    return sorted(keys, key=lambda row: row["key_prefix"])


def affected_rows(batch: int, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The affected list of event rows."""
    places = Counter((r["event_date"], r["event_source"], r["subject"]) for r in rows)
    names = [field.name for field in AFFECTED_FIELDS]
    return [
        dict(zip(names, (batch, *place, "new_events", count), strict=True))
        for place, count in sorted(places.items())
    ]


def event_schema(rows: Sequence[dict[str, Any]]) -> pa.Schema:
    """The columns that events have, and the properties that these events have."""
    properties = sorted({name for row in rows for name in row if name[:2] in ("q_", "d_")})
    added: list[pa.Field[Any]] = [
        pa.field(name, QUANTITY if name[:2] == "q_" else pa.string()) for name in properties
    ]
    return pa.schema([*EVENT_FIELDS, *added])
