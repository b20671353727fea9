"""A document that never came into the ERP, or was cancelled there: what it billed may be billed.

Belongs here: when a document may be released, and the entries that take its lines back. Does not
belong here: the state of its posting (billing/posting_release.py).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from orchestration.price_book.currencies import money_text
from orchestration.recording.credits import RecordUnfitError
from orchestration.recording.documents import SignedDocument, is_credit
from orchestration.recording.models import Release


def release_entries(record: Release, document: SignedDocument) -> list[dict[str, Any]]:
    """Entries that take every line of a document back, credit that it drew or restored included.

    Raises:
        RecordUnfitError: another amount, released before, or credited by what still stands.
    """
    tried = f"Tried to record release {record.id} of document {document.document_id}"
    currency = document.currency_code
    if record.amount != document.amount:
        raise RecordUnfitError(
            f"{tried}: it comes to {currency} {money_text(document.amount, currency)}, and the "
            f"record says {money_text(record.amount, currency)}. Correct the amount, or the "
            "document."
        )
    if document.is_released:
        raise RecordUnfitError(f"{tried}: it was released before. Take the record out.")
    documents = {str(entry["document_id"]) for entry in document.later if entry["document_id"]}
    if documents:
        raise RecordUnfitError(
            f"{tried}: {', '.join(sorted(documents))} corrects it and stands. Release that first."
        )
    by_hand = sum((entry["amount"] for entry in document.later), Decimal(0))
    if by_hand:
        raise RecordUnfitError(
            f"{tried}: {currency} {money_text(by_hand, currency)} was recorded of it by hand. "
            "Record the opposite amount first, with the document that takes it back in the ERP."
        )
    return [_reversed(line) for line in document.lines]


def _reversed(line: Mapping[str, Any]) -> dict[str, Any]:
    kind, placed = "release", line["document_id"]
    if is_credit(line):
        is_drawn = line["entry_kind"] == "credit_draw"
        kind = "credit_restore" if is_drawn else "credit_draw"
        placed = line["document_id"] if is_drawn else line["original_document_id"]
    quantity = line["quantity"]
    return dict(line) | {
        "entry_kind": kind,
        "amount": -line["amount"],
        "quantity": None if quantity is None else -quantity,
        "original_document_id": placed,
        "unit_price_display": None,
    }
