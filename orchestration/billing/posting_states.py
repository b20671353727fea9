"""Moves of a posting between its states, each one transaction of the operations database.

Belongs here: claiming, renewing and ending an attempt so that two posters never hold one document.
Does not belong here: what is sent (posting_delivery.py); which move follows what (posting.py).

    planned ──► sending ──► posted
       ▲          │  ├────► rejected ──► sending   (after a person changed data)
       └──────────┘  └────► unknown ───► sending   (after the ERP can no longer be at it)
    retryable

A posting begins as unknown where the operations database was lost (orchestration/recovery).

A claim is a compare-and-set on the posting's row and a new attempt number. Whoever holds the
latest attempt number may write; every other poster finds out before it touches the ERP again.
Every transaction writes the posting's row first, so the row's lock serialises posters on every
database, and what is read after it is current.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from adapters.models import ErpDocument
from orchestration.actors import TALLYHOUSE, Actor
from orchestration.billing.posting_payloads import Payload
from orchestration.failures import TechnicalError
from orchestration.operations_db import write_transaction
from orchestration.operations_db.tables import erp_documents, posting_attempts, postings

OPEN_STATES: Final = ("planned", "sending", "unknown", "rejected")
_SECRET_NAME = re.compile(
    r"authorization|cookie|password|secret|token|api[-_]?key|signature", re.IGNORECASE
)
_SECRET_TEXT = re.compile(r"\b(bearer|basic|session)\s+[\w.~+/=:-]{8,}", re.IGNORECASE)
_REDACTED = "[redacted]"
_DETAIL_LENGTH = 2000


class ClaimLostError(TechnicalError):
    """Another poster took the document over; this one stops and changes nothing."""

    code = "claim_lost"


@dataclass(frozen=True, kw_only=True)
class OpenPosting:
    """A posting that is not done, as it was read.

    Attributes:
        attempt_count: attempts begun so far.
    """

    posting_key: str
    state: str
    payload_sha256: str
    updated_at: datetime
    attempt_count: int


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to send one document, until another poster takes a later attempt number."""

    posting_key: str
    attempt_number: int
    correlation_id: str
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How an attempt ended: the posting's next state and what is kept about it."""

    state: str
    outcome: str
    error_code: str | None = None
    error_detail: str | None = None
    erp_document: ErpDocument | None = None
    calls: Sequence[Mapping[str, Any]] = ()


def insert_planned(engine: Engine, payloads: Sequence[Payload], *, erp: str, now: datetime) -> int:
    """Insert a planned row per payload that has none; return how many were inserted."""
    rows = [
        {
            "posting_key": payload.posting_key,
            "document_id": payload.document_id,
            "revision_id": payload.revision_id,
            "legal_entity_id": payload.legal_entity_id,
            "erp": erp,
            "state": "planned",
            "payload_sha256": payload.sha256,
            "amount": payload.amount,
            "currency_code": payload.currency_code,
            "updated_at": now,
        }
        for payload in payloads
    ]
    with write_transaction(engine) as connection:
        insert = _insert(connection, postings).on_conflict_do_nothing()
        inserted = [
            connection.execute(insert.values(row).returning(postings.c.posting_key)).all()
            for row in rows
        ]
    return sum(map(len, inserted))


def known_posting_keys(engine: Engine) -> set[str]:
    """Return every posting key that has a row."""
    with engine.connect() as connection:
        return set(connection.execute(sa.select(postings.c.posting_key)).scalars())


def open_postings(engine: Engine, *, erp: str) -> dict[str, OpenPosting]:
    """Return the postings of one ERP that are neither posted nor abandoned, by key."""
    attempt_count = (
        sa.select(sa.func.count())
        .where(posting_attempts.c.posting_key == postings.c.posting_key)
        .scalar_subquery()
    )
    query = sa.select(
        postings.c.posting_key,
        postings.c.state,
        postings.c.payload_sha256,
        postings.c.updated_at,
        attempt_count.label("attempt_count"),
    ).where(postings.c.erp == erp, postings.c.state.in_(OPEN_STATES))
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(postings.c.posting_key)).mappings().all()
    return {row["posting_key"]: OpenPosting(**row) for row in rows}


def claim(
    engine: Engine,
    posting: OpenPosting,
    *,
    now: datetime,
    request: Mapping[str, Any],
    actor: Actor = TALLYHOUSE,
) -> Claim | None:
    """Move a posting to sending and begin its next attempt, both committed on return.

    Args:
        engine: the operations database.
        posting: as it was read; the claim holds only if it has not moved since.
        now: the current instant, aware.
        request: the payload as JSON, kept redacted with the attempt.
        actor: whose run makes the attempt.

    Returns:
        The claim; None when another poster moved the posting since it was read.
    """
    claimed = Claim(
        posting_key=posting.posting_key,
        attempt_number=posting.attempt_count + 1,
        correlation_id=uuid.uuid4().hex,
        started_at=now,
    )
    try:
        with write_transaction(engine) as connection:
            _begin_attempt(
                connection, claimed, from_state=posting.state, request=request, actor=actor
            )
    except ClaimLostError:
        return None
    return claimed


def renew(engine: Engine, claimed: Claim, *, now: datetime) -> None:
    """Prove that the claim still holds, and move the instant from which the ERP must settle.

    Raises:
        ClaimLostError: another poster has the document.
    """
    with write_transaction(engine) as connection:
        if not _still_held(connection, claimed, now):
            raise _lost(claimed)


def end(engine: Engine, claimed: Claim, ending: Ending, *, now: datetime) -> bool:
    """Keep how the attempt ended; move the posting if the claim still holds, and say whether."""
    with write_transaction(engine) as connection:
        is_held = _still_held(connection, claimed, now)
        if is_held:
            connection.execute(
                sa.update(postings)
                .where(postings.c.posting_key == claimed.posting_key)
                .values(_posting_values(ending))
            )
            if ending.erp_document is not None and not ending.erp_document.is_draft:
                store_erp_documents(
                    connection, [erp_document_row(ending.erp_document, read_at=now)]
                )
        connection.execute(
            sa.update(posting_attempts)
            .where(
                posting_attempts.c.posting_key == claimed.posting_key,
                posting_attempts.c.attempt_number == claimed.attempt_number,
            )
            .values(
                finished_at=now,
                outcome=ending.outcome if is_held else "superseded",
                response=redacted({"calls": list(ending.calls), "detail": ending.error_detail}),
                latency_ms=round((now - claimed.started_at).total_seconds() * 1000),
            )
        )
    return is_held


def store_erp_documents(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or replace rows of erp_documents."""
    for row in rows:
        insert = _insert(connection, erp_documents).values(row)
        connection.execute(
            insert.on_conflict_do_update(index_elements=["posting_key"], set_=dict(row))
        )


def erp_document_row(
    document: ErpDocument, *, read_at: datetime, posting_key: str | None = None
) -> dict[str, Any]:
    """Return a document of the ERP as a row: lines as JSON, their decimals as text."""
    return {
        "posting_key": posting_key or document.posting_key,
        "erp_document_id": document.erp_document_id,
        "document_number": document.document_number,
        "status": document.status,
        "total_amount": document.total_amount,
        "balance_amount": document.balance_amount,
        "currency_code": document.currency_code,
        "customer_id": document.customer_id,
        "legal_entity_id": document.legal_entity_id,
        "lines": [
            {
                "line_number": line.line_number,
                "erp_item": line.item,
                "revenue_account": line.revenue_account,
                "tax_profile": line.tax_profile,
                "quantity": format(line.quantity, "f"),
                "amount": format(line.amount, "f"),
            }
            for line in document.lines
        ],
        "read_at": read_at,
    }


def redacted(content: Any) -> Any:
    """Return JSON content without secrets: values under secret names, credentials in texts."""
    if isinstance(content, Mapping):
        return {
            name: _REDACTED if _SECRET_NAME.search(str(name)) else redacted(value)
            for name, value in content.items()
        }
    if isinstance(content, list | tuple):
        return [redacted(each) for each in content]
    if isinstance(content, str):
        return _SECRET_TEXT.sub(_REDACTED, content)
    return content


def _posting_values(ending: Ending) -> dict[str, Any]:
    detail = redacted(ending.error_detail)
    values: dict[str, Any] = {
        "state": ending.state,
        "error_code": ending.error_code,
        "error_detail": None if detail is None else detail[:_DETAIL_LENGTH],
    }
    if ending.erp_document is not None:
        values["erp_document_id"] = ending.erp_document.erp_document_id
        values["document_number"] = ending.erp_document.document_number
    return values


def _still_held(connection: Connection, claimed: Claim, now: datetime) -> bool:
    locked = connection.execute(
        sa.update(postings)
        .where(postings.c.posting_key == claimed.posting_key, postings.c.state == "sending")
        .values(updated_at=now)
    )
    return locked.rowcount == 1 and claimed.attempt_number == _latest_attempt(
        connection, claimed.posting_key
    )


def _begin_attempt(
    connection: Connection,
    claimed: Claim,
    *,
    from_state: str,
    request: Mapping[str, Any],
    actor: Actor,
) -> None:
    moved = connection.execute(
        sa.update(postings)
        .where(postings.c.posting_key == claimed.posting_key, postings.c.state == from_state)
        .values(state="sending", updated_at=claimed.started_at)
    )
    latest = _latest_attempt(connection, claimed.posting_key)
    if moved.rowcount != 1 or latest != claimed.attempt_number - 1:
        raise _lost(claimed)
    connection.execute(
        sa.insert(posting_attempts).values(
            posting_key=claimed.posting_key,
            attempt_number=claimed.attempt_number,
            started_at=claimed.started_at,
            request=redacted(request),
            correlation_id=claimed.correlation_id,
            actor_name=actor.name,
            actor_source=actor.source,
            run_id=actor.run_id,
        )
    )


def _lost(claimed: Claim) -> ClaimLostError:
    return ClaimLostError(
        f"Sent document {claimed.posting_key} as attempt {claimed.attempt_number}: another poster "
        "took it over. Leave it to that one."
    )


def _latest_attempt(connection: Connection, posting_key: str) -> int:
    latest: int | None = connection.execute(
        sa.select(sa.func.max(posting_attempts.c.attempt_number)).where(
            posting_attempts.c.posting_key == posting_key
        )
    ).scalar_one()
    return latest or 0


def _insert(connection: Connection, table: sa.Table) -> Any:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
