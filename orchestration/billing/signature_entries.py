"""What a signature writes: an entry per line of the documents that it bills, and what expires.

Belongs here: entries and held lines of a decision about a frozen revision. Does not belong here:
whether it may be signed (sign_off_rules.py), its commit (sign_off.py).
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.entries import ENTRY_SCHEMA, HELD_SCHEMA, filled_table
from orchestration.billing.expiries import without_lineages_of

_KIND_BY_CAUSE: Final = {
    "new": "bill",
    "promotional_credit": "credit_draw",
    "purchased_credit": "credit_draw",
    "promotional_restored": "credit_restore",
    "purchased_restored": "credit_restore",
}
_HEADERS: Final = (
    "document_id",
    "document_kind",
    "billing_period",
    "posting_key",
    "accounting_date",
    "credit_settlement",
)


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Of which revision, by whom and when; the same in every entry.

    Attributes:
        billing_period: of the revision's run.
        signed_at: aware.
        note: free text; may be empty.
    """

    billing_period: str
    revision_id: str
    reference_version: str
    signer: str
    signed_at: datetime
    note: str


def signature_entries(
    lines: pa.Table,
    expiries: pa.Table,
    signed_documents: pa.Table,
    held: pa.Table,
    *,
    causes: pa.Table,
    signature: Signature,
) -> pa.Table:
    """One entry per line of the signed documents, in order of document and line; then expiries.

    Nothing expires of a contract that has a line on a document that is held: it may draw yet.

    Args:
        lines: LINE_SCHEMA, all of the revision.
        expiries: EXPIRY_SCHEMA, with what booking adds; none where nothing is signed.
        signed_documents: DOCUMENT_SCHEMA, with what booking adds.
        held: HELD_SCHEMA, lines of the documents that wait.
        causes: why the lines correct what was signed, as CAUSE_SCHEMA.
        signature: what every entry says.

    Returns:
        ENTRY_SCHEMA.
    """
    billed = _with_documents(lines, signed_documents)
    waiting = lines.filter(
        pc.is_in(lines["document_id"], value_set=pc.unique(held["document_id"]).cast(pa.string()))
    )
    dues: list[Any] = billed["cause"].to_pylist()
    count = billed.num_rows
    known: dict[str, Any] = {name: billed[name] for name in billed.schema.names}
    known |= {
        "entry_number": list(range(1, count + 1)),
        "entry_kind": [_KIND_BY_CAUSE.get(due, "correct") for due in dues],
        "billed_before": billed["billed_amount_before"],
    }
    known |= _corrected(billed, causes) | _signed(signature, count)
    expired = _expiry_entries(
        without_lineages_of(expiries, waiting), signature, first_number=count + 1
    )
    return pa.concat_tables([filled_table(known, ENTRY_SCHEMA, count), expired])


def held_lines(lines: pa.Table, held_documents: pa.Table, signature: Signature) -> pa.Table:
    """The lines of the documents that wait, as HELD_SCHEMA; the note is the reason."""
    waiting = _with_documents(lines, held_documents)
    count = waiting.num_rows
    known: dict[str, Any] = {name: waiting[name] for name in waiting.schema.names}
    known |= {
        "revision_id": [signature.revision_id] * count,
        "signer": [signature.signer] * count,
        "held_at": [signature.signed_at] * count,
        "reason": [signature.note] * count,
    }
    return filled_table(known, HELD_SCHEMA, count)


def expired_grants(entries: pa.Table) -> list[str]:
    """Ids of the grants of which something expires by these entries, ascending."""
    is_expiry = pc.is_in(entries["entry_kind"], value_set=pa.array(["credit_expire"]))
    found: list[Any] = entries["credit_grant_id"].filter(is_expiry).to_pylist()
    return sorted(found)


def _expiry_entries(expiries: pa.Table, signature: Signature, *, first_number: int) -> pa.Table:
    """What expires is negative, in money or in units; of units no money moves."""
    rows = expiries.to_pylist()
    count = len(rows)
    money = [row["unit_label"] is None for row in rows]
    left: list[Decimal] = [row["quantity"] for row in rows]
    known: dict[str, Any] = {
        name: expiries[name] for name in expiries.schema.names if name in ENTRY_SCHEMA.names
    }
    known |= {
        "entry_number": list(range(first_number, first_number + count)),
        "entry_kind": ["credit_expire"] * count,
        "billing_period": [signature.billing_period] * count,
        "description": [f"Expired: {row['credit_grant_name']}" for row in rows],
        "quantity": [Decimal(-1) if one else -each for one, each in zip(money, left, strict=True)],
        "amount": [-each if one else Decimal(0) for one, each in zip(money, left, strict=True)],
        "billed_before": [Decimal(0)] * count,
    } | _signed(signature, count)
    return filled_table(known, ENTRY_SCHEMA, count)


def _corrected(lines: pa.Table, causes: pa.Table) -> dict[str, list[Any]]:
    """Of each line whether it mends an error or trues up an estimate, or both, and by what."""
    kinds: dict[tuple[Any, Any], set[str]] = defaultdict(set)
    names: dict[tuple[Any, Any], list[str]] = defaultdict(list)
    for row in causes.sort_by("cause_number").to_pylist():
        place = (row["document_id"], row["line_number"])
        kinds[place].add(row["correction_kind"])
        names[place].append(row["cause"])
    places = list(
        zip(lines["document_id"].to_pylist(), lines["line_number"].to_pylist(), strict=True)
    )
    return {
        "correction_kind": [" and ".join(sorted(kinds.get(each, ()))) or None for each in places],
        "correction_causes": [", ".join(names.get(each, ())) or None for each in places],
    }


def _signed(signature: Signature, count: int) -> dict[str, list[Any]]:
    """What every entry says, so many times."""
    return {
        "reference_version": [signature.reference_version] * count,
        "revision_id": [signature.revision_id] * count,
        "signer": [signature.signer] * count,
        "signed_at": [signature.signed_at] * count,
        "note": [signature.note or None] * count,
    }


def _with_documents(lines: pa.Table, documents: pa.Table) -> pa.Table:
    """Lines of these documents, in order, with what the header says of each."""
    headers = documents.select([name for name in _HEADERS if name in documents.schema.names])
    joined = lines.join(headers, keys="document_id", join_type="inner")
    return joined.sort_by([("document_id", "ascending"), ("line_number", "ascending")])
