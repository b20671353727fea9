"""Tables of a pack that follow from the register alone.

Belongs here: each of them, read from a register folder, which is the installation's when a pack is
made and the pack's own when it is verified: so a table that was changed is found. Does not belong
here: what the operations database knows (operations_tables.py).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.billing.correction_causes import CAUSE_SCHEMA, CAUSES
from orchestration.billing.entries import (
    AMOUNT,
    DOCUMENT_KINDS,
    ENTRY_SCHEMA,
    HELD_SCHEMA,
    INSTANT,
    column,
    joined,
)
from orchestration.billing.manifests import Manifest
from orchestration.billing.provenance import PROVENANCE_SCHEMA
from orchestration.billing.revisions import DOCUMENT_SCHEMA, Revision, revisions_of
from orchestration.billing.signed_rows import completed, read_committed, read_listed, read_rows
from orchestration.billing.waivers import read_waivers, waiver_table
from orchestration.evidence.selection import Subject, signed_before

_REVISION: Final = pa.schema([column("revision_id", pa.string())])
_FLAG: Final = pa.schema([column("is_signed", pa.bool_())])
_TOTALS: Final = pa.schema(
    [
        column("revision_id", pa.string()),
        column("currency_code", pa.string()),
        column("document_count", pa.int64()),
        column("documents_amount", AMOUNT),
        column("entries_amount", AMOUNT),
        column("signature_amount", AMOUNT),
        column("held_document_count", pa.int64()),
        column("held_amount", AMOUNT),
    ]
)
_CHECKS: Final = pa.schema(
    [
        column("revision_id", pa.string()),
        column("invariant_number", pa.int64()),
        column("check_name", pa.string()),
        column("is_passed", pa.bool_()),
        column("label", pa.string()),
        column("figure", pa.string()),
    ]
)
_SIGN_OFFS: Final = pa.schema(
    [
        column("revision_id", pa.string()),
        column("decision", pa.string()),
        column("signer", pa.string()),
        column("signer_source", pa.string()),
        column("signed_at", INSTANT),
        column("note", pa.string()),
        column("run_id", pa.string()),
        column("register_sequence", pa.int64()),
        column("manifest_sha256", pa.string()),
        column("frozen_at", INSTANT),
        column("content_sha256", pa.string()),
        column("code_version", pa.string()),
        column("reference_version", pa.string()),
        column("policy_sha256", pa.string()),
        column("ingestion_sha256", pa.string()),
        column("ingestion_batch_count", pa.int64()),
    ]
)
_BY_CHARGE: Final = ("legal_entity_id", "customer_id", "charge_id", "currency_code")
_READ_FIRST: Final = (
    "revision_id",
    "legal_entity_id",
    "bill_to_customer_id",
    "customer_id",
    "document_id",
    "line_number",
    "entry_kind",
    "cause",
    "charge_id",
    "description",
    "quantity",
    "unit_label",
    "unit_price_display",
    "rated_amount",
    "billed_before",
    "amount",
    "currency_code",
)
_COMPARISON: Final = pa.schema(
    [
        *(column(name, pa.string()) for name in _BY_CHARGE),
        column("amount", AMOUNT),
        column("amount_before", AMOUNT),
        column("difference", AMOUNT),
    ]
)


def register_tables(
    folder: Path, chain: Sequence[Manifest], subject: Subject
) -> dict[str, pa.Table]:
    """Every table that follows from the register, by name.

    Args:
        folder: a register folder with at least the needed files of the subject.
        chain: its commits.
        subject: whose revisions.

    Raises:
        RegisterDamagedError: a needed file is missing or not what was committed.
    """
    revisions = {name: revisions_of(chain)[name] for name in subject.revision_ids}
    freezes = [chain[each.register_sequence - 1] for each in revisions.values()]
    signatures = {
        each.subject["revision_id"]: each
        for each in chain
        if each.kind == "sign" and each.subject["revision_id"] in revisions
    }
    signed = list(signatures.values())
    entries = read_rows(folder, signed, role="entries", schema=ENTRY_SCHEMA)
    held = read_rows(folder, signed, role="held", schema=HELD_SCHEMA)
    documents = _documents(folder, freezes, signatures)
    return {
        "totals": _totals(revisions, signatures, documents, entries),
        "documents": documents,
        "entries": _readable(entries),
        "correction_causes": _explained(folder, chain, revisions),
        "held_lines": held,
        "recorded_entries": _readable(_recorded(folder, chain, subject, entries)),
        "waivers": _waivers(folder, chain, subject),
        "sign_offs": _sign_offs(revisions, signatures),
        "checks": _checks(signatures),
        "exceptions": _exceptions(folder, freezes),
        "provenance": _of_revisions(folder, freezes, "provenance", PROVENANCE_SCHEMA),
        "month_over_month": month_over_month(folder, chain, subject, entries),
    }


def _explained(
    folder: Path, chain: Sequence[Manifest], revisions: Mapping[str, Revision]
) -> pa.Table:
    told = [each for each in chain if each.kind == "explain"]
    mine = [each for each in told if each.subject["revision_id"] in revisions]
    return read_rows(folder, mine, role=CAUSES, schema=CAUSE_SCHEMA)


def month_over_month(
    folder: Path, chain: Sequence[Manifest], subject: Subject, entries: pa.Table
) -> pa.Table:
    """What was signed then and the month before, by customer and charge, and the difference.

    Both sides are all lines of documents that the month's runs signed, corrections of earlier
    months and credit draws among them, so each side adds up to its documents.
    """
    names = signed_before(chain, subject)
    earlier = [
        each for each in chain if each.kind == "sign" and each.subject["revision_id"] in names
    ]
    before = read_rows(folder, earlier, role="entries", schema=ENTRY_SCHEMA)
    sums: dict[tuple[Any, ...], list[Decimal]] = {}
    for place, table in enumerate((entries, before)):
        for row in _document_lines(table).select([*_BY_CHARGE, "amount"]).to_pylist():
            key = tuple(row[name] for name in _BY_CHARGE)
            sums.setdefault(key, [Decimal(0), Decimal(0)])[place] += row["amount"]
    rows = [
        dict(zip(_BY_CHARGE, key, strict=True))
        | {"amount": now, "amount_before": then, "difference": now - then}
        for key, (now, then) in sorted(sums.items(), key=lambda each: [str(k) for k in each[0]])
    ]
    return pa.Table.from_pylist(rows, schema=_COMPARISON)


def _readable(entries: pa.Table) -> pa.Table:
    """Entries with what a person reads first in front, and the rest behind it."""
    rest = [name for name in entries.column_names if name not in _READ_FIRST]
    return entries.select([*_READ_FIRST, *rest])


def _document_lines(entries: pa.Table) -> pa.Table:
    return entries.filter(pc.is_in(entries["entry_kind"], value_set=pa.array(DOCUMENT_KINDS)))


def _documents(
    folder: Path, freezes: Sequence[Manifest], signatures: Mapping[str, Manifest]
) -> pa.Table:
    documents = _of_revisions(folder, freezes, "documents", DOCUMENT_SCHEMA)
    held = {
        (name, document_id)
        for name, signature in signatures.items()
        for document_id in signature.subject["held_document_ids"]
    }
    places = zip(
        documents["revision_id"].to_pylist(), documents["document_id"].to_pylist(), strict=True
    )
    is_signed = pa.array([place not in held for place in places], pa.bool_())
    return documents.append_column(_FLAG.field(0), pa.chunked_array([is_signed]))


def _of_revisions(
    folder: Path, freezes: Sequence[Manifest], role: str, schema: pa.Schema
) -> pa.Table:
    """Rows of one role of some revisions, each after its revision's id."""
    whole = joined(_REVISION, schema)
    tables = [whole.empty_table()]
    for freeze in freezes:
        rows = completed(read_committed(folder, freeze.files_of(role)[0], schema), schema)
        tables.append(pa.table([_ids(freeze, rows.num_rows), *rows.columns], schema=whole))
    return pa.concat_tables(tables)


def _exceptions(folder: Path, freezes: Sequence[Manifest]) -> pa.Table:
    """Exceptions as they stood at each freeze, with the columns that the mart had then.

    A revision that was frozen before they were kept has none.
    """
    tables = [_REVISION.empty_table()]
    for freeze in freezes:
        for each in freeze.files_of("exceptions"):
            rows = pq.read_table(pa.BufferReader(read_listed(folder, each)))
            ids = pa.chunked_array([_ids(freeze, rows.num_rows)])
            tables.append(rows.add_column(0, _REVISION.field(0), ids))
    return pa.concat_tables(tables, promote_options="default")


def _ids(freeze: Manifest, count: int) -> "pa.Array[Any]":
    return pa.array([freeze.subject["revision_id"]] * count, pa.string())


def _recorded(
    folder: Path, chain: Sequence[Manifest], subject: Subject, entries: pa.Table
) -> pa.Table:
    """Entries that no signature of a revision made, about the month or its settlement keys."""
    records = [each for each in chain if each.kind == "record"]
    found = read_rows(folder, records, role="entries", schema=ENTRY_SCHEMA)
    entities = pa.array(subject.legal_entity_ids, pa.string())
    keys = pc.unique(entries["settlement_key"]).drop_null()
    is_about = pc.or_(
        pc.is_in(found["billing_period"], value_set=pa.array([subject.billing_period])),
        pc.is_in(found["settlement_key"], value_set=keys),
    )
    return found.filter(pc.and_(pc.is_in(found["legal_entity_id"], value_set=entities), is_about))


def _waivers(folder: Path, chain: Sequence[Manifest], subject: Subject) -> pa.Table:
    """Waivers of exceptions that may be about the month, with how they ended."""
    return waiver_table(
        [
            waiver
            for waiver in read_waivers(folder, chain)
            if any(
                waiver.concerns(legal_entity_id, subject.billing_period)
                for legal_entity_id in subject.legal_entity_ids
            )
        ]
    )


def _totals(
    revisions: Mapping[str, Revision],
    signatures: Mapping[str, Manifest],
    documents: pa.Table,
    entries: pa.Table,
) -> pa.Table:
    rows = []
    of_all = documents.to_pylist()
    lines = _document_lines(entries).select(["revision_id", "currency_code", "amount"]).to_pylist()
    for name in revisions:
        mine = [row for row in of_all if row["revision_id"] == name]
        signature = {
            total["currency_code"]: Decimal(total["amount"])
            for total in signatures[name].subject["totals"]
        }
        for currency in sorted({row["currency_code"] for row in mine} | signature.keys()):
            of_currency = [row for row in mine if row["currency_code"] == currency]
            billed = [row["amount"] for row in of_currency if row["is_signed"]]
            kept = [row["amount"] for row in of_currency if not row["is_signed"]]
            entered = [
                row["amount"]
                for row in lines
                if (row["revision_id"], row["currency_code"]) == (name, currency)
            ]
            rows.append(
                {
                    "revision_id": name,
                    "currency_code": currency,
                    "document_count": len(billed),
                    "documents_amount": sum(billed, Decimal(0)),
                    "entries_amount": sum(entered, Decimal(0)),
                    "signature_amount": signature.get(currency, Decimal(0)),
                    "held_document_count": len(kept),
                    "held_amount": sum(kept, Decimal(0)),
                }
            )
    return pa.Table.from_pylist(rows, schema=_TOTALS)


def _sign_offs(revisions: Mapping[str, Revision], signatures: Mapping[str, Manifest]) -> pa.Table:
    rows = []
    for name, revision in revisions.items():
        signature, pins = signatures[name], revision.pins
        told = ("signer", "signer_source", "note", "run_id")
        rows.append(
            {name: signature.subject[name] for name in told}
            | {
                "revision_id": name,
                "decision": signature.kind,
                "signed_at": signature.written_at.replace(tzinfo=None),
                "register_sequence": signature.sequence,
                "manifest_sha256": signature.sha256,
                "frozen_at": revision.frozen_at.replace(tzinfo=None),
                "content_sha256": revision.content_sha256,
                "code_version": pins.code_version,
                "reference_version": pins.reference_version,
                "policy_sha256": pins.policy_sha256,
                "ingestion_sha256": pins.ingestion_sha256,
                "ingestion_batch_count": len(pins.ingestion_batch_ids),
            }
        )
    return pa.Table.from_pylist(rows, schema=_SIGN_OFFS)


def _checks(signatures: Mapping[str, Manifest]) -> pa.Table:
    """The figures of each check that a signature relied on, one row per figure."""
    rows = [
        {
            "revision_id": name,
            "invariant_number": check["invariant_number"],
            "check_name": check["check_name"],
            "is_passed": check["is_passed"],
            "label": label,
            "figure": figure,
        }
        for name, signature in signatures.items()
        for check in signature.subject["checks"]
        for label, figure in (check["figures"] or {"": None}).items()
    ]
    return pa.Table.from_pylist(rows, schema=_CHECKS)
