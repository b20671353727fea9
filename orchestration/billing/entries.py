"""Signed entries: their kinds, their columns, and what they add up to per settlement key.

Belongs here: the Arrow schemas of entries and of held lines, the rules an entry must keep, the fold
billed(key). Does not belong here: files and manifests (register.py); where a candidate comes from
(candidates.py).

billed(key) = bill + correct + release + external + concession. Waive and carry_close close buckets
of what is not billed; credit_* entries move prepaid money; neither changes billed(key).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.refusals import EntryInvalidError, listed

BILLED_KINDS: Final = ("bill", "correct", "release", "external", "concession")
BUCKET_KINDS: Final = ("waive", "carry_close")
CREDIT_KINDS: Final = ("credit_grant", "credit_draw", "credit_restore", "credit_expire")
ENTRY_KINDS: Final = BILLED_KINDS + BUCKET_KINDS + CREDIT_KINDS
DOCUMENT_KINDS: Final = ("bill", "correct", "credit_draw", "credit_restore")
"""Kinds whose entries are lines of a document."""

AMOUNT: Final = pa.decimal128(38, 4)
QUANTITY: Final = pa.decimal128(38, 9)
DIGEST_SUM: Final = pa.decimal128(38, 0)
INSTANT: Final = pa.timestamp("us")


def column(name: str, column_type: pa.DataType, *, is_nullable: bool = True) -> "pa.Field[Any]":
    """A column of a register table."""
    return pa.field(name, column_type, nullable=is_nullable)


def joined(*schemas: pa.Schema) -> pa.Schema:
    """Columns of several schemas, in order."""
    return pa.schema([schema.field(name) for schema in schemas for name in schema.names])


SETTLEMENT_KEY_PARTS: Final = pa.schema(
    [
        column("contract_lineage_id", pa.string()),
        column("charge_id", pa.string()),
        column("line_kind", pa.string()),
        column("cell_start_date", pa.date32()),
        column("cell_end_date", pa.date32()),
        column("dimension_key", pa.string()),
        column("customer_id", pa.string()),
        column("bill_to_customer_id", pa.string()),
        column("legal_entity_id", pa.string()),
        column("currency_code", pa.string()),
        column("tax_profile", pa.string()),
        column("erp_item", pa.string()),
        column("revenue_account", pa.string()),
    ]
)

ENTRY_SCHEMA: Final = joined(
    pa.schema(
        [
            column("entry_number", pa.int32(), is_nullable=False),
            column("entry_kind", pa.string(), is_nullable=False),
            column("settlement_key", pa.string()),
        ]
    ),
    SETTLEMENT_KEY_PARTS,
    pa.schema(
        [
            column("document_id", pa.string()),
            column("document_kind", pa.string()),
            column("posting_key", pa.string()),
            column("original_document_id", pa.string()),
            column("line_number", pa.int32()),
            column("billing_period", pa.string()),
            column("rated_line_id", pa.string()),
            column("service_start_date", pa.date32()),
            column("service_end_date", pa.date32()),
            column("service_start_at", INSTANT),
            column("service_end_at", INSTANT),
            column("description", pa.string()),
            column("quantity", QUANTITY),
            column("unit_label", pa.string()),
            column("unit_price_display", pa.string()),
            column("rated_amount", AMOUNT),
            column("billed_before", AMOUNT, is_nullable=False),
            column("amount", AMOUNT, is_nullable=False),
            column("cause", pa.string()),
            column("correction_kind", pa.string()),
            column("correction_causes", pa.string()),
            column("event_count", pa.int64()),
            column("digest_sum_1", DIGEST_SUM),
            column("digest_sum_2", DIGEST_SUM),
            column("credit_grant_id", pa.string()),
            column("record_id", pa.string()),
            column("erp_document_number", pa.string()),
            column("accounting_date", pa.date32()),
            column("credit_settlement", pa.string()),
            column("breakage_amount", AMOUNT),
            column("reference_version", pa.string()),
            column("revision_id", pa.string()),
            column("signer", pa.string(), is_nullable=False),
            column("signed_at", INSTANT, is_nullable=False),
            column("note", pa.string()),
        ]
    ),
)

PLACE_SCHEMA: Final = pa.schema(
    [
        column("register_sequence", pa.int64(), is_nullable=False),
        column("manifest_sha256", pa.string(), is_nullable=False),
    ]
)
REGISTER_ENTRY_SCHEMA: Final = joined(PLACE_SCHEMA, ENTRY_SCHEMA)

HELD_SCHEMA: Final = pa.schema(
    [
        column("revision_id", pa.string(), is_nullable=False),
        column("document_id", pa.string(), is_nullable=False),
        column("line_number", pa.int32(), is_nullable=False),
        column("settlement_key", pa.string(), is_nullable=False),
        column("legal_entity_id", pa.string(), is_nullable=False),
        column("bill_to_customer_id", pa.string(), is_nullable=False),
        column("billing_period", pa.string(), is_nullable=False),
        column("amount", AMOUNT, is_nullable=False),
        column("currency_code", pa.string(), is_nullable=False),
        column("signer", pa.string(), is_nullable=False),
        column("held_at", INSTANT, is_nullable=False),
        column("reason", pa.string(), is_nullable=False),
    ]
)
REGISTER_HELD_SCHEMA: Final = joined(
    PLACE_SCHEMA, HELD_SCHEMA, pa.schema([column("is_open", pa.bool_(), is_nullable=False)])
)


def filled_table(known: Mapping[str, Any], schema: pa.Schema, count: int) -> pa.Table:
    """A table of a schema from the columns that are known; every other one is null.

    Args:
        known: columns by name, each a list or an Arrow column; an instant is aware.
        schema: of the table.
        count: rows.
    """
    columns = []
    for name in schema.names:
        kind = schema.field(name).type
        given = known.get(name, [None] * count)
        if isinstance(given, pa.ChunkedArray):
            columns.append(given.cast(kind))
        else:
            columns.append(pa.chunked_array([pa.array(given, _storable(kind))]).cast(kind))
    return pa.table(columns, schema=schema)


def _storable(kind: pa.DataType) -> pa.DataType:
    """An aware instant enters Arrow with its zone, and is kept as naive UTC."""
    return pa.timestamp("us", "UTC") if pa.types.is_timestamp(kind) else kind


def fold_billed(entries: pa.Table, *, keys: Iterable[str] | None = None) -> dict[str, Decimal]:
    """Sum what was billed per settlement key, at scale 4, over every kind that counts.

    Args:
        entries: any table with the columns entry_kind, settlement_key and amount.
        keys: only these keys; None means all. A key without entries is absent from the answer.
    """
    counted = pc.is_in(entries["entry_kind"], value_set=pa.array(BILLED_KINDS))
    if keys is not None:
        wanted = pa.array(sorted(set(keys)), pa.string())
        counted = pc.and_(counted, pc.is_in(entries["settlement_key"], value_set=wanted))
    sums = (
        entries.select(["settlement_key", "amount"])
        .filter(counted)
        .group_by("settlement_key")
        .aggregate([("amount", "sum")])
    )
    keys_found: list[Any] = sums["settlement_key"].to_pylist()
    return dict(zip(keys_found, sums["amount_sum"].to_pylist(), strict=True))


def refuse_invalid_entries(entries: pa.Table) -> None:
    """Let only entries pass that keep the rules of their kind.

    A kind is known; every kind but credits names its settlement key, amount and currency; a credit
    names its grant; a bill, a correction, a draw or what goes back to a grant names its document,
    its line and its posting key, unless a record of finance moves credit; entry numbers are
    distinct.

    Raises:
        EntryInvalidError: some entry does not; the message names each rule and the entries.
    """
    if entries.schema != ENTRY_SCHEMA:
        raise EntryInvalidError(
            "Sign entries: their columns are not those of the register. "
            "Build them with the schema orchestration.billing.entries.ENTRY_SCHEMA."
        )
    kinds = entries["entry_kind"]
    is_document = pc.is_in(kinds, value_set=pa.array(DOCUMENT_KINDS))
    is_keyed = pc.is_in(kinds, value_set=pa.array(BILLED_KINDS + BUCKET_KINDS))
    is_credit = pc.is_in(kinds, value_set=pa.array(CREDIT_KINDS))
    is_recorded = pc.is_valid(entries["record_id"])
    is_document = pc.and_(is_document, pc.invert(pc.and_(is_credit, is_recorded)))
    broken: Mapping[str, Any] = {
        "kind unknown": pc.invert(pc.is_in(kinds, value_set=pa.array(ENTRY_KINDS))),
        "settlement key missing": pc.and_(is_keyed, pc.is_null(entries["settlement_key"])),
        "credit grant missing": pc.and_(is_credit, pc.is_null(entries["credit_grant_id"])),
        "legal entity missing": pc.is_null(entries["legal_entity_id"]),
        "currency missing": pc.is_null(entries["currency_code"]),
        "document missing": pc.and_(is_document, pc.is_null(entries["document_id"])),
        "line number missing": pc.and_(is_document, pc.is_null(entries["line_number"])),
        "posting key missing": pc.and_(is_document, pc.is_null(entries["posting_key"])),
        **{
            f"{field.name} missing": pc.is_null(entries[field.name])
            for field in ENTRY_SCHEMA
            if not field.nullable
        },
    }
    problems = []
    for rule, is_broken in broken.items():
        numbers = entries["entry_number"].filter(is_broken).to_pylist()
        if numbers:
            problems.append(f"{rule}: entries {listed([str(number) for number in numbers])}")
    if len(pc.unique(entries["entry_number"])) != entries.num_rows:
        problems.append("entry numbers repeat")
    if problems:
        raise EntryInvalidError(
            f"Sign {entries.num_rows} entries: {'; '.join(problems)}. Correct them and sign again."
        )
