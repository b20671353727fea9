"""Postings of an operations database that does not know what was posted.

Belongs here: the state in which each signed document is taken up again. Does not belong here:
asking the ERP, which posting does with every document whose state is unknown, and the read-back
with every posted one.

    the log says that it was posted     posted; the read-back finds its number and what became of it
    it was released                     abandoned
    neither                             unknown: it is looked up in the ERP before it is sent

Unknown and not planned, since a process may have sent it and died before anything was noted. What
was tried before is not made again: the log tells of it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from orchestration.audit import Deed
from orchestration.billing.posting_payloads import Payload, payloads_of
from orchestration.billing.posting_release import released_document_ids
from orchestration.billing.register import Register
from orchestration.operations_db import write_transaction
from orchestration.operations_db.tables import posting_attempts, postings
from orchestration.settings import Settings

_UNTOUCHED: Final = "planned"


def restore_postings(
    settings: Settings, engine: Engine, deeds: Sequence[Deed], *, now: datetime
) -> int:
    """Make the rows of postings that are not there, or are behind; return how many.

    A row that this database itself tried to post is left as it is, unless the log says that its
    document was posted.

    Args:
        settings: whose register names the documents.
        engine: the operations database.
        deeds: of the audit log, as far as the database does not know them.
        now: the instant, aware.

    Raises:
        RegisterDamagedError: a file of the register is missing or changed.
    """
    entries = Register(settings.register).entries()
    told = {
        deed.details["posting_key"]: deed
        for deed in deeds
        if deed.object_kind == "document" and deed.details.get("outcome") == "posted"
    }
    released = released_document_ids(entries)
    released_at = _released_at(entries.to_pylist()) if released else {}
    changed = 0
    with write_transaction(engine) as connection:
        states, tried = _known(connection)
        for key, payload in payloads_of(entries).items():
            state = states.get(key)
            is_untouched = state is None or (state == _UNTOUCHED and key not in tried)
            if state == "posted" or not (is_untouched or key in told):
                continue
            ending = (
                _posted(told[key])
                if key in told
                else {"state": "abandoned", "updated_at": released_at[payload.document_id]}
                if payload.document_id in released
                else {"state": "unknown", "updated_at": now}
            )
            _put(connection, _row(payload, erp=settings.erp) | ending, is_new=state is None)
            changed += 1
    return changed


def _known(connection: Connection) -> tuple[dict[str, str], set[str]]:
    """States by posting key, and the keys of which an attempt is known."""
    rows = connection.execute(sa.select(postings.c.posting_key, postings.c.state)).all()
    tried: set[str] = set(connection.scalars(sa.select(posting_attempts.c.posting_key)))
    return {str(row.posting_key): str(row.state) for row in rows}, tried


def _released_at(entries: Sequence[Mapping[str, Any]]) -> dict[str, datetime]:
    return {
        entry["original_document_id"]: entry["signed_at"].replace(tzinfo=UTC)
        for entry in entries
        if entry["entry_kind"] == "release"
    }


def _posted(deed: Deed) -> dict[str, Any]:
    return {
        "state": "posted",
        "erp": deed.details["erp"],
        "document_number": deed.details["document_number"],
        "updated_at": deed.happened_at,
    }


def _row(payload: Payload, *, erp: str) -> dict[str, Any]:
    return {
        "posting_key": payload.posting_key,
        "document_id": payload.document_id,
        "revision_id": payload.revision_id,
        "legal_entity_id": payload.legal_entity_id,
        "erp": erp,
        "payload_sha256": payload.sha256,
        "amount": payload.amount,
        "currency_code": payload.currency_code,
    }


def _put(connection: Connection, row: Mapping[str, Any], *, is_new: bool) -> None:
    if is_new:
        connection.execute(sa.insert(postings).values(row))
    else:
        key = row["posting_key"]
        connection.execute(sa.update(postings).where(postings.c.posting_key == key).values(row))
