"""What the ERP says later about what was posted: numbers, balances, and every break.

Belongs here: reading documents back into erp_documents, line by line, and marking where they are
not what was signed (invariant 7). Does not belong here: repairing the ERP: a break stays until
finance signs what it means; the reconciliation itself, which is dbt's.

A row of erp_documents is what the ERP holds, keyed by our posting key. A document that stands in
the ERP without a posting of ours is kept too, under "#" and its id, and so is a second document
under one key: the reconciliation then finds it in the ERP and not in the register. A posted
document that the ERP does not have any more is kept with status "missing" and amount 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from adapters.errors import DocumentStateError
from adapters.models import ErpDocument
from adapters.protocols import ErpAdapter
from orchestration.billing.posting_delivery import differences
from orchestration.billing.posting_payloads import Payload, payloads_of
from orchestration.billing.posting_states import erp_document_row, store_erp_documents
from orchestration.billing.register import Register
from orchestration.operations_db import write_transaction
from orchestration.operations_db.tables import postings
from orchestration.settings import Settings

DIFFERS_CODE: Final = "posted_differs"
MISSING_CODE: Final = "posted_missing"
TWICE_CODE: Final = "posted_twice"
_BREAK_CODES: Final = (DIFFERS_CODE, MISSING_CODE, TWICE_CODE)


@dataclass(frozen=True, kw_only=True)
class _Posted:
    posting_key: str
    erp_document_id: str | None
    currency_code: str
    legal_entity_id: str


def read_back(settings: Settings, engine: Engine, *, erp: ErpAdapter, now: datetime) -> int:
    """Read every document that the ERP holds back into erp_documents; return how many it holds.

    A posting whose document differs, is missing or stands twice gets the code of that break; one
    that is right again loses it; one whose number nobody knows any more gets it. A draft beside the
    posted document of its key is deleted.

    Raises:
        AdapterError: the ERP did not answer; what was read before stays.
        RegisterDamagedError: the register is not as it was committed.
    """
    posted = _posted_rows(engine, erp.name)
    payloads = payloads_of(Register(settings.register).entries())
    by_key: dict[str | None, list[ErpDocument]] = {}
    for document in erp.read_documents():
        by_key.setdefault(document.posting_key, []).append(document)
    rows: list[dict[str, Any]] = []
    breaks: dict[str, tuple[str, str] | None] = {}
    found: dict[str, ErpDocument] = {}
    for key, row in posted.items():
        held = by_key.pop(key, [])
        if not any(not each.is_draft for each in held):
            held = list(erp.find_by_key(key))
        standing = _without_stray_drafts(erp, held)
        breaks[key] = _break_of(payloads.get(key), standing)
        if row.erp_document_id is None and standing:
            found[key] = standing[0]
        rows += _rows_of(row, standing, now)
    for documents in by_key.values():
        rows += [_stranger(each, now) for each in documents if not each.is_draft]
    _store(engine, rows, breaks, found)
    return sum(row["status"] != "missing" for row in rows)


def _posted_rows(engine: Engine, erp: str) -> dict[str, _Posted]:
    query = sa.select(
        postings.c.posting_key,
        postings.c.erp_document_id,
        postings.c.currency_code,
        postings.c.legal_entity_id,
    ).where(postings.c.erp == erp, postings.c.state == "posted")
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(postings.c.posting_key)).mappings().all()
    return {row["posting_key"]: _Posted(**row) for row in rows}


def _without_stray_drafts(erp: ErpAdapter, held: Sequence[ErpDocument]) -> list[ErpDocument]:
    standing = [each for each in held if not each.is_draft]
    if standing:
        for draft in held:
            if draft.is_draft:
                try:
                    erp.void_draft(draft.erp_document_id)
                except DocumentStateError:
                    return list(erp.find_by_key(str(draft.posting_key)))
    return standing


def _break_of(payload: Payload | None, standing: Sequence[ErpDocument]) -> tuple[str, str] | None:
    if not standing:
        return MISSING_CODE, "the ERP has no posted document under this key"
    if len(standing) > 1:
        numbers = ", ".join(str(each.document_number) for each in standing)
        return TWICE_CODE, f"the ERP has {len(standing)} documents under this key: {numbers}"
    if payload is None:
        return DIFFERS_CODE, "the register has no document under this key"
    found = differences(payload.document(), standing[0])
    return (DIFFERS_CODE, "; ".join(found)) if found else None


def _rows_of(
    posted: _Posted, standing: Sequence[ErpDocument], now: datetime
) -> list[dict[str, Any]]:
    if not standing:
        return [_missing(posted, now)]
    return [
        erp_document_row(each, read_at=now) if position == 0 else _stranger(each, now)
        for position, each in enumerate(standing)
    ]


def _stranger(document: ErpDocument, now: datetime) -> dict[str, Any]:
    return erp_document_row(document, read_at=now, posting_key=f"#{document.erp_document_id}")


def _missing(posted: _Posted, now: datetime) -> dict[str, Any]:
    return {
        "posting_key": posted.posting_key,
        "erp_document_id": posted.erp_document_id or posted.posting_key,
        "document_number": None,
        "status": "missing",
        "total_amount": Decimal(0),
        "balance_amount": None,
        "currency_code": posted.currency_code,
        "customer_id": None,
        "legal_entity_id": posted.legal_entity_id,
        "lines": [],
        "read_at": now,
    }


def _store(
    engine: Engine,
    rows: Sequence[Mapping[str, Any]],
    breaks: Mapping[str, tuple[str, str] | None],
    documents: Mapping[str, ErpDocument],
) -> None:
    with write_transaction(engine) as connection:
        store_erp_documents(connection, rows)
        for key, document in documents.items():
            connection.execute(
                sa.update(postings)
                .where(postings.c.posting_key == key)
                .values(
                    erp_document_id=document.erp_document_id,
                    document_number=document.document_number,
                )
            )
        for key, found in breaks.items():
            code, detail = found or (None, None)
            changed = sa.update(postings).where(
                postings.c.posting_key == key, postings.c.state == "posted"
            )
            if found is None:
                changed = changed.where(postings.c.error_code.in_(_BREAK_CODES))
            connection.execute(changed.values(error_code=code, error_detail=detail))
