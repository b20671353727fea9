"""What stands of a signed document, key by key, as the register tells it.

Belongs here: finding a document by a name that finance has, and what was billed, credited and paid
by credit of it. Does not belong here: what a record makes of it (credits.py, releases.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.entries import BILLED_KINDS, CREDIT_KINDS
from orchestration.failures import RefusedError

_NOTHING: Final = Decimal(0)
DOCUMENT_ENTRIES: Final = ("bill", "correct")


class DocumentUnknownError(RefusedError):
    """No signed document has that name."""

    code = "document_unknown"


@dataclass(frozen=True, kw_only=True)
class SignedDocument:
    """A document with its lines and with what came of it later.

    Attributes:
        document_id, posting_key, original_document_id, legal_entity_id, currency_code: its header.
        lines: entries that are its lines, in their order.
        later: entries of other commits that name it as their original document.
    """

    document_id: str
    posting_key: str
    original_document_id: str | None
    legal_entity_id: str
    currency_code: str
    lines: Sequence[Mapping[str, Any]]
    later: Sequence[Mapping[str, Any]]

    @property
    def amount(self) -> Decimal:
        """What the document comes to, credits that paid for it taken off."""
        return sum((line["amount"] for line in self.lines), _NOTHING)

    @property
    def is_released(self) -> bool:
        """Whether it was released before."""
        return any(entry["entry_kind"] == "release" for entry in self.later)

    def standing_by_key(self) -> dict[str, Decimal]:
        """What is billed and not credited yet, by settlement key; credit draws play no part."""
        standing: dict[str, Decimal] = {}
        for entry in (*self.lines, *self.later):
            if entry["entry_kind"] in BILLED_KINDS:
                key = entry["settlement_key"]
                standing[key] = standing.get(key, _NOTHING) + entry["amount"]
        return standing

    def standing_amount(self) -> Decimal:
        """What is left of it in money."""
        return self.amount + sum((entry["amount"] for entry in self.later), _NOTHING)

    def line(self, number: int) -> Mapping[str, Any] | None:
        """The line of that number that was charged; None where there is none."""
        found = (
            line
            for line in self.lines
            if line["line_number"] == number and line["entry_kind"] in DOCUMENT_ENTRIES
        )
        return next(found, None)

    def of_key(self, settlement_key: str) -> Mapping[str, Any]:
        """Its first line of a key; of a key that only a correction of it has, that one's."""
        entries = (*self.lines, *self.later)
        return next(entry for entry in entries if entry["settlement_key"] == settlement_key)


def find_document(entries: pa.Table, name: str, *, tried: str) -> SignedDocument:
    """The signed document of that id or posting key.

    Args:
        entries: REGISTER_ENTRY_SCHEMA.
        name: its document id or its posting key.
        tried: what is being done, for the message.

    Raises:
        DocumentUnknownError: there is none.
    """
    lines = _where(entries, "document_id", name) or _where(entries, "posting_key", name)
    if not lines:
        raise DocumentUnknownError(
            f"{tried}: no signed document has the id or the posting key {name}. Take it from "
            "the register (billing.stg_register__entries) or from the memo of the ERP's document."
        )
    first = lines[0]
    later = _where(entries, "original_document_id", first["document_id"])
    return SignedDocument(
        document_id=first["document_id"],
        posting_key=first["posting_key"],
        original_document_id=first["original_document_id"],
        legal_entity_id=first["legal_entity_id"],
        currency_code=first["currency_code"],
        lines=sorted(lines, key=lambda line: line["line_number"]),
        later=[entry for entry in later if not _stands_alone(entries, later, entry)],
    )


def _stands_alone(
    entries: pa.Table, later: Sequence[Mapping[str, Any]], entry: Mapping[str, Any]
) -> bool:
    """Whether an entry is of an invoice, which is to be paid itself, or of a released document."""
    document_id = entry["document_id"]
    if document_id is None:
        return False
    charged = sum(
        (
            other["amount"]
            for other in later
            if other["document_id"] == document_id and other["entry_kind"] in DOCUMENT_ENTRIES
        ),
        _NOTHING,
    )
    return charged > 0 or any(
        other["entry_kind"] == "release"
        for other in _where(entries, "original_document_id", document_id)
    )


def _where(entries: pa.Table, column: str, name: str) -> list[dict[str, Any]]:
    is_named: Any = pc.is_in(entries[column], value_set=pa.array([name], pa.string()))
    return entries.filter(is_named).to_pylist()


def is_credit(entry: Mapping[str, Any]) -> bool:
    """Whether an entry moves prepaid credit."""
    return entry["entry_kind"] in CREDIT_KINDS
