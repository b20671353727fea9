"""Records that were signed, for a person and for a program.

Belongs here: the order of the answer, its words. Does not belong here: what a record becomes
(orchestration/recording).
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from rich.console import Console
from rich.markup import escape

from orchestration.price_book.currencies import amount_text, money_text
from orchestration.recording import Recorded
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets


def print_recorded(console: Console, recorded: Recorded) -> None:
    """Print each record with what it comes to, then where it stands in the register."""
    if recorded.entries.num_rows:
        sheet = Sheet(
            "Entries to be signed" if recorded.register_sequence is None else "Signed entries",
            Column("record"),
            Column("kind"),
            Column("bill to"),
            Column("document"),
            Column("charge"),
            Column("amount", Kind.FIGURE),
        )
        for _, rows in groupby(recorded.entries.to_pylist(), itemgetter("record_id")):
            _add_record(sheet, list(rows))
        print_sheets(console, sheet)
    if recorded.event_records:
        decisions = Sheet(
            "Decisions on events",
            Column("record"),
            Column("decision"),
            Column("source"),
            Column("event"),
            Column("content"),
        )
        for record in recorded.event_records:
            texts = (record.id, record.kind, record.source, record.event, record.content or "")
            decisions.add_row(*map(escape, texts))
        print_sheets(console, decisions)
    if recorded.known_ids:
        console.print(
            f"Signed before, and left as they are: {', '.join(recorded.known_ids)}.",
            markup=False,
            highlight=False,
        )
    if recorded.register_sequence is not None:
        console.print(
            f"Register commit {recorded.register_sequence}, {recorded.manifest_sha256}. "
            "`tallyhouse run` for the next period to close counts with it.",
            markup=False,
            highlight=False,
        )


def recorded_json(recorded: Recorded) -> dict[str, Any]:
    """Return the answer as JSON: amounts have their currency's decimals."""
    return {
        "register_sequence": recorded.register_sequence,
        "manifest_sha256": recorded.manifest_sha256,
        "known_records": list(recorded.known_ids),
        "decisions": [
            record.model_dump(mode="json", exclude_none=True) for record in recorded.event_records
        ],
        "entries": [
            {
                "record_id": row["record_id"],
                "entry_kind": row["entry_kind"],
                "settlement_key": row["settlement_key"],
                "bill_to_customer_id": row["bill_to_customer_id"],
                "charge_id": row["charge_id"],
                "original_document_id": row["original_document_id"],
                "erp_document_number": row["erp_document_number"],
                "currency_code": row["currency_code"],
                "amount": amount_text(row["amount"], row["currency_code"]),
            }
            for row in recorded.entries.to_pylist()
        ],
    }


def _add_record(sheet: Sheet, rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        sheet.add_row(
            escape(row["record_id"]),
            row["entry_kind"].replace("_", " "),
            escape(row["bill_to_customer_id"]),
            escape(row["original_document_id"] or ""),
            escape(row["charge_id"]),
            _money(row["amount"], row["currency_code"]),
        )
    if len(rows) > 1:
        amount = sum((row["amount"] for row in rows), Decimal(0))
        money = _money(amount, rows[0]["currency_code"])
        sheet.add_row(escape(rows[0]["record_id"]), "in all", "", "", "", money, style="bold")
    sheet.add_section()


def _money(amount: Decimal, currency_code: str) -> str:
    return f"{currency_code} {money_text(amount, currency_code)}"
