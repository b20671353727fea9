"""What is not billed, as the warehouse has it, and the entries that say that it never will be.

Belongs here: reading a bucket or a candidate document, refusing what is not what was reviewed. Does
not belong here: what falls into a bucket, which dbt decides (billing/fct_unbilled_amounts).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import duckdb
import pyarrow as pa

from orchestration.billing.entries import (
    BUCKET_KINDS,
    SETTLEMENT_KEY_PARTS,
)
from orchestration.failures import RefusedError
from orchestration.price_book.currencies import money_text
from orchestration.recording.credits import RecordUnfitError
from orchestration.recording.models import Closure

_PARTS: Final = ", ".join(SETTLEMENT_KEY_PARTS.names)
_OF_DOCUMENT: Final = f"""
    select
        settlement_key, {_PARTS}, billing_period,
        min(billed_amount_before) as billed_before,
        sum(amount) as amount
    from billing.fct_invoice_candidate_lines
    where document_id = $name and currency_code = $currency and credit_grant_id is null
    group by settlement_key, {_PARTS}, billing_period
    order by settlement_key
"""
_OF_BUCKET: Final = f"""
    select
        settlement_key, {_PARTS}, billing_period,
        billed_amount as billed_before,
        unbilled_amount as amount
    from billing.fct_unbilled_amounts
    where
        bill_to_customer_id = $name
        and currency_code = $currency
        and bucket = $bucket
        and ($period is null or billing_period = $period)
    order by settlement_key
"""
_CLOSED: Final = """
    select settlement_key, sum(amount) as amount
    from staging.stg_register__entries
    where entry_kind in ('waive', 'carry_close')
    group by settlement_key
"""
_BUCKETS: Final = {"waive": "out_of_window", "carry_close": "carried"}


class CandidatesOutdatedError(RefusedError):
    """The warehouse was built before the register's last entries, or never."""

    code = "candidates_outdated"


def closure_entries(
    record: Closure, warehouse: duckdb.DuckDBPyConnection, register: pa.Table
) -> list[dict[str, Any]]:
    """Entries that close what a record names: one for each key, with what is not billed of it.

    Args:
        record: what is closed, and what it comes to.
        warehouse: open, with the candidates of now.
        register: REGISTER_ENTRY_SCHEMA.

    Raises:
        RecordUnfitError: there is nothing of it, or it comes to another amount.
        CandidatesOutdatedError: the register has closures that the warehouse does not know.
    """
    what = (
        f"candidate document {record.document}"
        if record.document is not None
        else f"what is {_BUCKETS[record.kind].replace('_', ' ')} of {record.customer}"
        + (f" for {record.period}" if record.period else "")
    )
    tried = f"Tried to record {record.kind} {record.id} of {what}"
    rows = _rows(record, warehouse, tried)
    amount = sum((row["amount"] for row in rows), Decimal(0))
    if not rows or amount != record.amount:
        found = f"{record.currency} {money_text(amount, record.currency)}" if rows else "nothing"
        raise RecordUnfitError(
            f"{tried}: the warehouse has {found} of it, and the record says "
            f"{money_text(record.amount, record.currency)}. Look at billing.fct_unbilled_amounts "
            "and billing.fct_invoice_candidates, and correct the record."
        )
    _refuse_outdated(tried, rows, warehouse, register)
    return [row | {"entry_kind": record.kind, "description": record.reason} for row in rows]


def _rows(
    record: Closure, warehouse: duckdb.DuckDBPyConnection, tried: str
) -> list[dict[str, Any]]:
    asked: dict[str, Any] = {"currency": record.currency}
    if record.document is not None:
        query, asked["name"] = _OF_DOCUMENT, record.document
    else:
        query, asked["name"] = _OF_BUCKET, record.customer
        asked |= {"period": record.period, "bucket": _BUCKETS[record.kind]}
    try:
        found: Any = warehouse.sql(query, params=asked).to_arrow_table()
    except duckdb.CatalogException as error:
        raise CandidatesOutdatedError(
            f"{tried}: the warehouse has no such table ({error}). Run `tallyhouse run` for the "
            "period, and record again."
        ) from error
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def _refuse_outdated(
    tried: str,
    rows: Sequence[Mapping[str, Any]],
    warehouse: duckdb.DuckDBPyConnection,
    register: pa.Table,
) -> None:
    known = dict(warehouse.execute(_CLOSED).fetchall())
    signed: dict[Any, Decimal] = {}
    for key, kind, amount in zip(
        *(register[name].to_pylist() for name in ("settlement_key", "entry_kind", "amount")),
        strict=True,
    ):
        if kind in BUCKET_KINDS:
            signed[key] = signed.get(key, Decimal(0)) + amount
    if any(
        signed.get(row["settlement_key"], 0) != known.get(row["settlement_key"], 0) for row in rows
    ):
        raise CandidatesOutdatedError(
            f"{tried}: some of it was closed after the warehouse was built. Run `tallyhouse run` "
            "for the period, look at what is left, and record again."
        )
