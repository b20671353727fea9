"""What exactly is sent for a signed document: bytes that follow from the register alone.

Belongs here: register entries to payload, its digest, payload to document. Nothing but the
register decides a payload, so that it can be derived again before it is sent and compared.
Does not belong here: a vendor's format, which is its adapter's; states, which are posting_states'.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from adapters.decimals import exact_sum
from adapters.models import Document
from orchestration.billing.booking import last_day_of_month
from orchestration.billing.canonical import canonical_bytes
from orchestration.billing.entries import DOCUMENT_KINDS
from orchestration.failures import BusinessError

HEADER_COLUMNS: Final = (
    "register_sequence",
    "manifest_sha256",
    "posting_key",
    "document_id",
    "document_kind",
    "original_document_id",
    "revision_id",
    "legal_entity_id",
    "bill_to_customer_id",
    "currency_code",
    "billing_period",
    "accounting_date",
    "credit_settlement",
)
LINE_COLUMNS: Final = (
    "line_number",
    "erp_item",
    "revenue_account",
    "tax_profile",
    "charge_id",
    "description",
    "quantity",
    "unit_label",
    "amount",
    "service_start_date",
    "service_end_date",
    "cell_start_date",
    "cell_end_date",
    "cause",
)
OUTSIDE_THE_TAX_BASE: Final = ("purchased_credit", "purchased_restored")
"""Causes of lines of credit that was bought: tax was a matter of the purchase."""


class DocumentInvalidError(BusinessError):
    """What was signed cannot be a document: lines that disagree, or a sum of the wrong sign."""

    code = "document_invalid"


@dataclass(frozen=True, kw_only=True)
class Payload:
    """One signed document as bytes, with what the operations database keeps about it.

    Attributes:
        content: canonical JSON, UTF-8. sha256: of content, 64 hex digits.
        amount: sum of the lines, scale 4, in currency_code.
    """

    posting_key: str
    document_id: str
    revision_id: str
    legal_entity_id: str
    amount: Decimal
    currency_code: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Digest of the bytes."""
        return hashlib.sha256(self.content).hexdigest()

    def document(self) -> Document:
        """Read the bytes as the document to send.

        Raises:
            DocumentInvalidError: they do not make one.
        """
        try:
            return Document.model_validate(json.loads(self.content))
        except ValidationError as error:
            found = "; ".join(
                f"{'.'.join(map(str, each['loc'])) or 'document'}: {each['msg']}"
                for each in error.errors()
            )
            raise DocumentInvalidError(
                f"Prepare document {self.document_id} (key {self.posting_key}) for posting: "
                f"{found}. Correct the reference data that made its lines, then sign a correction."
            ) from error


def payloads_of(
    entries: pa.Table, *, posting_keys: Sequence[str] | None = None
) -> dict[str, Payload]:
    """Derive the payload of every signed document, by posting key, in order of signature.

    Args:
        entries: Register.entries(). Only bills, corrections and movements of credit make
            documents.
        posting_keys: only these; None means all.
    """
    wanted = pc.and_(
        pc.is_in(entries["entry_kind"], value_set=pa.array(DOCUMENT_KINDS)),
        pc.is_valid(entries["posting_key"]),
    )
    if posting_keys is not None:
        keys = pa.array(sorted(set(posting_keys)), pa.string())
        wanted = pc.and_(wanted, pc.is_in(entries["posting_key"], value_set=keys))
    rows = entries.select([*HEADER_COLUMNS, *LINE_COLUMNS]).filter(wanted).to_pylist()
    by_key: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_key.setdefault(row["posting_key"], []).append(row)
    return {key: _payload(lines) for key, lines in by_key.items()}


def _payload(rows: Sequence[Mapping[str, Any]]) -> Payload:
    header = rows[0]
    amount = exact_sum(row["amount"] for row in rows)
    content: dict[str, Any] = {
        "posting_key": header["posting_key"],
        "document_id": header["document_id"],
        "document_kind": header["document_kind"],
        "legal_entity_id": header["legal_entity_id"],
        "customer_id": header["bill_to_customer_id"],
        "currency_code": header["currency_code"],
        "billing_period": header["billing_period"],
        "document_date": header["accounting_date"] or _last_day(header["billing_period"]),
        "total_amount": amount,
        "corrects_document_id": header["original_document_id"],
        "memo": f"{header['document_id']}, signed in register commit "
        f"{header['register_sequence']} {header['manifest_sha256']}",
        "lines": [_line(row) for row in sorted(rows, key=lambda row: row["line_number"])],
    }
    if header["credit_settlement"]:
        content["credit_settlement"] = header["credit_settlement"]
    if disagreeing := sorted(_disagreeing(rows)):
        content["columns_on_which_lines_disagree"] = disagreeing
    return Payload(
        posting_key=header["posting_key"],
        document_id=header["document_id"],
        revision_id=header["revision_id"],
        legal_entity_id=header["legal_entity_id"],
        amount=amount,
        currency_code=header["currency_code"],
        content=canonical_bytes(content),
    )


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    """A line; one signed before lines had service days of their own has those of its cell."""
    line: dict[str, Any] = {
        "line_number": row["line_number"],
        "item": row["erp_item"],
        "revenue_account": row["revenue_account"],
        "tax_profile": row["tax_profile"],
        "description": row["description"] or row["charge_id"],
        "quantity": row["quantity"],
        "unit": row["unit_label"],
        "amount": row["amount"],
        "service_start_date": row["service_start_date"] or row["cell_start_date"],
        "service_end_date": row["service_end_date"] or row["cell_end_date"],
    }
    if row["cause"] in OUTSIDE_THE_TAX_BASE:
        line["is_in_tax_base"] = False
    return line


def _disagreeing(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for column in HEADER_COLUMNS:
        if len({row[column] for row in rows}) > 1:
            yield column


def _last_day(billing_period: str | None) -> date | None:
    """Last day of the month, which dates what was signed before it had a date of its own."""
    try:
        return last_day_of_month(billing_period or "")
    except ValueError:
        return None
