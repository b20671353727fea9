"""A credit made by hand in the ERP, as entries of the keys that it is of.

Belongs here: spreading it, and refusing what goes beyond what stands. Does not belong here: the
posting of credit memos that a correction makes (billing).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from orchestration.failures import RefusedError
from orchestration.price_book.currencies import minor_units, money_text
from orchestration.price_book.field_types import decimals_of
from orchestration.recording.documents import SignedDocument
from orchestration.recording.models import HandMadeCredit

_NOTHING: Final = Decimal(0)


class CreditBeyondDocumentError(RefusedError):
    """A credit is more than what is left of the document or of a line."""

    code = "credit_beyond_document"


class RecordUnfitError(RefusedError):
    """A record does not fit what it names."""

    code = "record_unfit"


def credit_entries(record: HandMadeCredit, document: SignedDocument) -> list[dict[str, Any]]:
    """Entries of a credit made by hand: one for each key, adding up to it.

    Raises:
        CreditBeyondDocumentError: it takes back more than what stands.
        RecordUnfitError: a line is not there, or the amount has no whole minor units.
    """
    tried = f"Tried to record {record.kind} {record.id} of document {document.document_id}"
    currency = document.currency_code
    unit = Decimal(1).scaleb(-minor_units()[currency])
    for amount in (record.amount, *(each.amount for each in record.lines)):
        if decimals_of(amount) > minor_units()[currency]:
            raise RecordUnfitError(
                f"{tried}: {amount:f} has more decimals than {currency}. Correct the amount."
            )
    if document.is_released:
        raise RecordUnfitError(
            f"{tried}: the document was released, so nothing of it stands. Name the document that "
            "bills its lines now."
        )
    left = document.standing_amount()
    if left + record.amount < 0:
        raise CreditBeyondDocumentError(
            f"{tried}: {currency} {money_text(left, currency)} is left of it, and the credit is "
            f"{money_text(record.amount, currency)}. Correct the amount, or the document."
        )
    standing = document.standing_by_key()
    parts = _named(record, document, tried) if record.lines else _spread(record, standing, unit)
    if not parts:
        raise RecordUnfitError(
            f"{tried}: nothing stands of any of its lines. Name the lines that the amount is of."
        )
    for key, amount in parts.items():
        if standing.get(key, _NOTHING) + amount < 0:
            line = document.of_key(key)
            raise CreditBeyondDocumentError(
                f"{tried}: line {line['line_number']} ({line['description']}) has "
                f"{currency} {money_text(standing.get(key, _NOTHING), currency)} left, and "
                f"{money_text(amount, currency)} of the credit. Correct the lines."
            )
    return [_entry(record, document, key, amount) for key, amount in parts.items() if amount]


def _named(record: HandMadeCredit, document: SignedDocument, tried: str) -> dict[str, Decimal]:
    parts: dict[str, Decimal] = {}
    for each in record.lines:
        line = document.line(each.line)
        if line is None:
            raise RecordUnfitError(
                f"{tried}: the document has no charged line {each.line}. Correct the line's number."
            )
        key = line["settlement_key"]
        parts[key] = parts.get(key, _NOTHING) + each.amount
    return parts


def _spread(
    record: HandMadeCredit, standing: Mapping[str, Decimal], unit: Decimal
) -> dict[str, Decimal]:
    """In proportion to what stands of each key, in whole minor units, by largest remainder."""
    weights = {key: int(amount / unit) for key, amount in sorted(standing.items()) if amount > 0}
    whole, units = sum(weights.values()), int(abs(record.amount) / unit)
    if not whole:
        return {}
    parts = {key: units * weight // whole for key, weight in weights.items()}
    by_rest = sorted(weights, key=lambda key: (-(units * weights[key] % whole), key))
    for key in by_rest[: units - sum(parts.values())]:
        parts[key] += 1
    sign = 1 if record.amount > 0 else -1
    return {key: sign * count * unit for key, count in parts.items()}


def _entry(
    record: HandMadeCredit, document: SignedDocument, settlement_key: str, amount: Decimal
) -> dict[str, Any]:
    return dict(document.of_key(settlement_key)) | {
        "entry_kind": record.kind,
        "amount": amount,
        "original_document_id": document.document_id,
        "erp_document_number": record.erp_document,
        "description": record.reason,
        "quantity": None,
        "unit_label": None,
        "unit_price_display": None,
        "credit_grant_id": None,
    }
