"""Pushing records to the CRM: only what differs from what it last acknowledged, never twice.

Owns: rows of crm_pushes, one per record and CRM. Does not own: what the records say (records.py).

A record's row goes to "sending" with the digest of what is sent before the first byte, and to
"acknowledged" or "refused" after the answer. A row still "sending" when a push begins was left by
a crash or a lost answer: the record is read from the CRM first, and only sent again where the CRM
does not hold it. Records are written by external id, so even a second write makes no second one.
"""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from adapters.errors import RetryableError, ThrottledError, UnknownOutcomeError
from adapters.models import CrmAcknowledgement, CrmRecord
from adapters.protocols import CrmAdapter
from orchestration.billing.canonical import canonical_digest
from orchestration.operations_db import write_transaction
from orchestration.operations_db.tables import crm_pushes
from orchestration.settings import Settings
from orchestration.signals.records import crm_records, read_signals

MOST_PAUSES: Final = 6
LONGEST_PAUSE_SECONDS: Final = 60.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class PushSummary:
    """What one push did; counts of records.

    Attributes:
        written: sent and acknowledged.
        unchanged: acknowledged before with the same content, or found in the CRM: not sent.
        refused: the CRM refused the record; a person changes data.
        unknown: sent without an answer; the next push looks first.
        delayed: not sent because the CRM asked for a pause or could not be reached.
        stopped_by: why the push ended early; None when it did not.
    """

    written: int = 0
    unchanged: int = 0
    refused: int = 0
    unknown: int = 0
    delayed: int = 0
    stopped_by: str | None = None


def push_signals(
    settings: Settings,
    engine: Engine,
    *,
    crm: CrmAdapter,
    billing_period: str,
    now_fn: Callable[[], datetime],
) -> PushSummary:
    """Tell the CRM what the usage of a billing period ('YYYY-MM') means.

    Raises:
        ConfigurationError: the CRM refuses all calls alike.
        WarehouseBusyError: another process writes the warehouse.
    """
    signals = read_signals(settings, billing_period=billing_period)
    records = crm_records(signals, known_tasks=_known_tasks(engine, crm.name))
    return push_records(engine, records, crm=crm, now_fn=now_fn)


def push_records(
    engine: Engine,
    records: Sequence[CrmRecord],
    *,
    crm: CrmAdapter,
    now_fn: Callable[[], datetime],
    pause: Callable[[float], None] = time.sleep,
) -> PushSummary:
    """Send the records that differ from what the CRM last acknowledged, in the order given.

    Args:
        engine: the operations database.
        records: parents before children.
        crm: where to.
        now_fn: the current instant, aware.
        pause: waits for seconds while the CRM is throttled or away.

    Raises:
        ConfigurationError: the CRM refuses all calls alike.
    """
    push = _Push(engine, crm, now_fn, pause)
    return push.run(records)


def _known_tasks(engine: Engine, crm: str) -> frozenset[str]:
    query = sa.select(crm_pushes.c.push_key, crm_pushes.c.external_id).where(
        crm_pushes.c.object_name == "task", crm_pushes.c.push_key.startswith(f"{crm}/")
    )
    with engine.connect() as connection:
        return frozenset(row.external_id for row in connection.execute(query))


class _Push:
    """One run over the records of one CRM."""

    def __init__(
        self,
        engine: Engine,
        crm: CrmAdapter,
        now_fn: Callable[[], datetime],
        pause: Callable[[float], None],
    ) -> None:
        self._engine = engine
        self._crm = crm
        self._now_fn = now_fn
        self._pause = pause
        self._pauses_left = MOST_PAUSES
        self._counts: Counter[str] = Counter()

    def run(self, records: Sequence[CrmRecord]) -> PushSummary:
        held = self._states()
        wanted = [each for each in records if not self._is_acknowledged(each, held)]
        self._counts["unchanged"] += len(records) - len(wanted)
        stopped_by = None
        for batch in _batches(wanted, self._crm.batch_size):
            if stopped_by is None:
                try:
                    self._send(batch, held)
                except RetryableError as error:
                    stopped_by = str(error)
            if stopped_by is not None:
                self._counts["delayed"] += len(batch)
        return PushSummary(**self._counts, stopped_by=stopped_by)

    def _send(self, batch: Sequence[CrmRecord], held: Mapping[str, Mapping[str, Any]]) -> None:
        missing = batch
        try:
            missing = self._without_those_found(batch, held)
            if not missing:
                return
            self._store(missing, "sending")
            correlation_id = uuid.uuid4().hex
            answers = self._patiently(
                lambda: self._crm.upsert(missing, correlation_id=correlation_id)
            )
        except UnknownOutcomeError:
            self._counts["unknown"] += len(missing)
            return
        pairs = list(zip(missing, answers, strict=True))
        self._store([record for record, answer in pairs if answer.is_accepted], "acknowledged")
        for record, answer in pairs:
            self._counts["written" if answer.is_accepted else "refused"] += 1
            if not answer.is_accepted:
                self._store([record], "refused", answer)

    def _without_those_found(
        self, batch: Sequence[CrmRecord], held: Mapping[str, Mapping[str, Any]]
    ) -> list[CrmRecord]:
        """Acknowledge what an interrupted push left in the CRM; return the rest."""
        doubtful: dict[str, list[CrmRecord]] = {}
        for record in batch:
            if held.get(self._key(record), {}).get("state") == "sending":
                doubtful.setdefault(record.object_name, []).append(record)
        found = [
            record
            for object_name, records in doubtful.items()
            for record in self._held_alike(object_name, records)
        ]
        self._store(found, "acknowledged")
        self._counts["unchanged"] += len(found)
        return [record for record in batch if record not in found]

    def _held_alike(self, object_name: str, records: Sequence[CrmRecord]) -> list[CrmRecord]:
        external_ids = [record.external_id for record in records]
        read = self._patiently(lambda: self._crm.read(object_name, external_ids))
        fields = {each.external_id: each.fields for each in read}
        return [
            record
            for record in records
            if record.external_id in fields
            and record.fields.items() <= fields[record.external_id].items()
        ]

    def _patiently(self, call: Callable[[], Answer]) -> Answer:
        while True:
            try:
                return call()
            except RetryableError as error:
                seconds = float(2 ** (MOST_PAUSES - self._pauses_left))
                if isinstance(error, ThrottledError) and error.retry_after is not None:
                    seconds = error.retry_after
                if self._pauses_left == 0 or seconds > LONGEST_PAUSE_SECONDS:
                    raise
                self._pauses_left -= 1
                self._pause(seconds)

    def _key(self, record: CrmRecord) -> str:
        return f"{self._crm.name}/{record.object_name}/{record.external_id}"

    def _is_acknowledged(self, record: CrmRecord, held: Mapping[str, Mapping[str, Any]]) -> bool:
        row = held.get(self._key(record))
        return (
            row is not None
            and row["state"] == "acknowledged"
            and row["payload_sha256"] == canonical_digest(record.fields)
        )

    def _states(self) -> dict[str, dict[str, Any]]:
        query = sa.select(
            crm_pushes.c.push_key, crm_pushes.c.state, crm_pushes.c.payload_sha256
        ).where(crm_pushes.c.push_key.startswith(f"{self._crm.name}/"))
        with self._engine.connect() as connection:
            return {row["push_key"]: dict(row) for row in connection.execute(query).mappings()}

    def _store(
        self,
        records: Sequence[CrmRecord],
        state: str,
        answer: CrmAcknowledgement | None = None,
    ) -> None:
        now = self._now_fn()
        with write_transaction(self._engine) as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            for record in records:
                changed: dict[str, Any] = {
                    "payload_sha256": canonical_digest(record.fields),
                    "state": state,
                    "detail": None if answer is None else _refusal_text(answer),
                }
                if state == "acknowledged":
                    changed["acknowledged_at"] = now
                row = {
                    "push_key": self._key(record),
                    "object_name": record.object_name,
                    "external_id": record.external_id,
                } | changed
                connection.execute(
                    dialect.insert(crm_pushes)
                    .values(row)
                    .on_conflict_do_update(index_elements=["push_key"], set_=changed)
                )


def _refusal_text(answer: CrmAcknowledgement) -> str:
    return f"{answer.error_code}: {answer.error_detail}"


def _batches(records: Sequence[CrmRecord], size: int) -> list[Sequence[CrmRecord]]:
    return [records[start : start + size] for start in range(0, len(records), size)]
