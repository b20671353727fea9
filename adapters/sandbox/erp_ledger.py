"""The sandbox ERP's own books: what it accepts, numbers, posts and pays.

Belongs here: the rules of a real receivables ledger, each enforced in the transaction that
writes. Does not belong here: faults and time-outs on the way to it (erp.py); rating.

Rules: a draft names a known entity, customer, currency and items, in amounts of the currency's
minor unit; posting needs an open accounting period and draws the next number of the entity's
series, so that numbers have no gaps; what is posted is never deleted; with unique keys, a second
document under a key is refused by an index, not by a search.
"""

import sqlite3
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from adapters.decimals import decimal_text, exact_difference
from adapters.errors import AdapterError, DocumentStateError, DuplicateKeyError, RejectedError
from adapters.models import Document, ErpDocument, ErpMasters
from adapters.sandbox.erp_rows import document_of, documents_where, refuse_unknown_masters, row_of
from adapters.sandbox.store import ERP_SCHEMA, UNIQUE_KEY_SCHEMA, Store, instant_text

NUMBER_PREFIXES = {"invoice": "INV", "credit_memo": "CRM"}


class ErpLedger:
    """The books of one sandbox ERP.

    Attributes:
        path: its SQLite file.
        has_unique_keys: whether the books refuse a second document under one posting key.
        settle_seconds: a call that was not done after so long is dropped.
    """

    def __init__(
        self,
        path: Path,
        *,
        has_unique_keys: bool,
        settle_seconds: float,
        now_fn: Callable[[], datetime],
    ) -> None:
        self.settle_seconds = settle_seconds
        self._now_fn = now_fn
        self._store = Store(path, ERP_SCHEMA + (UNIQUE_KEY_SCHEMA if has_unique_keys else ""))

    def load_masters(self, masters: ErpMasters) -> None:
        """Make exactly these masters known."""
        tables: dict[str, Iterable[tuple[object, ...]]] = {
            "legal_entities": (
                (entity.legal_entity_id, entity.legal_entity_name)
                for entity in masters.legal_entities
            ),
            "customers": (
                (customer.customer_id, customer.customer_name, customer.erp_customer_number)
                for customer in masters.customers
            ),
            "items": ((item,) for item in masters.items),
            "currencies": (
                (currency.currency_code, currency.minor_unit) for currency in masters.currencies
            ),
        }
        with self._store.writing() as books:
            for table, rows in tables.items():
                books.execute(f"delete from {table}")
                for row in rows:
                    marks = ", ".join("?" * len(row))
                    books.execute(f"insert into {table} values ({marks})", row)

    def create_draft(self, document: Document, *, correlation_id: str) -> ErpDocument:
        """Enter the document as a draft.

        Raises:
            DuplicateKeyError: with unique keys: the key is taken.
            RejectedError: a master is unknown, or an amount does not fit the currency.
        """
        with self._store.writing() as books:
            return self._enter(books, document, correlation_id)

    def finalise(self, erp_document_id: str) -> ErpDocument:
        """Post a draft under the next number of its series.

        Raises:
            DocumentStateError: it is no draft. RejectedError: its accounting period is closed.
        """
        with self._store.writing() as books:
            return self._post(books, erp_document_id)

    def void_draft(self, erp_document_id: str) -> None:
        """Delete a draft; one that is gone is no error.

        Raises:
            DocumentStateError: it is posted.
        """
        with self._store.writing() as books:
            row = row_of(books, erp_document_id)
            if row is None:
                return
            if row["status"] != "draft":
                raise DocumentStateError(
                    f"Delete document {erp_document_id}: it is {row['status']} as "
                    f"{row['document_number']}. Cancel or credit it instead."
                )
            books.execute("delete from documents where erp_document_id = ?", (erp_document_id,))

    def under_key(self, posting_key: str) -> tuple[ErpDocument, ...]:
        """Return every document under the key, oldest first."""
        with self._store.reading() as books:
            return documents_where(books, "where posting_key = ?", (posting_key,))

    def changed_between(
        self, start: datetime | None, end: datetime | None
    ) -> tuple[ErpDocument, ...]:
        """Return the documents whose last change is in [start, end], open where None."""
        lower = "" if start is None else instant_text(start)
        upper = "~" if end is None else instant_text(end)
        with self._store.reading() as books:
            return documents_where(
                books, "where changed_at >= ? and changed_at <= ?", (lower, upper)
            )

    def close_period(self, legal_entity_id: str, accounting_period: str) -> None:
        """Close the books of an entity's month: nothing is posted into it any more."""
        with self._store.writing() as books:
            books.execute(
                "insert or ignore into closed_periods values (?, ?)",
                (legal_entity_id, accounting_period),
            )

    def reopen_period(self, legal_entity_id: str, accounting_period: str) -> None:
        """Open a closed month again."""
        with self._store.writing() as books:
            books.execute(
                "delete from closed_periods where legal_entity_id = ? and accounting_period = ?",
                (legal_entity_id, accounting_period),
            )

    def pay(self, erp_document_id: str, amount: Decimal) -> ErpDocument:
        """Record a payment (of a credit memo: a refund, negative); the whole balance makes it paid.

        Raises:
            DocumentStateError: it is not open. RejectedError: the amount exceeds the balance.
        """
        with self._store.writing() as books:
            row = row_of(books, erp_document_id)
            if row is None or row["status"] != "posted":
                raise DocumentStateError(
                    f"Pay document {erp_document_id}: it is not posted and open. Look it up first."
                )
            left = exact_difference(Decimal(row["balance_amount"]), amount)
            if abs(left) > abs(Decimal(row["balance_amount"])) or left * amount < 0:
                raise RejectedError(
                    f"Pay {amount} on {row['document_number']}: {row['balance_amount']} is open. "
                    "Record at most that.",
                    code="payment_exceeds_balance",
                )
            now = instant_text(self._now_fn())
            books.execute(
                "insert into payments (erp_document_id, amount, paid_at) values (?, ?, ?)",
                (erp_document_id, decimal_text(amount), now),
            )
            books.execute(
                "update documents set balance_amount = ?, status = ?, changed_at = ?"
                " where erp_document_id = ?",
                (decimal_text(left), "posted" if left else "paid", now, erp_document_id),
            )
            return document_of(books, erp_document_id)

    def cancel(self, erp_document_id: str) -> ErpDocument:
        """Cancel a posted document by hand: it keeps its number and owes nothing.

        Raises:
            DocumentStateError: it is not posted.
        """
        with self._store.writing() as books:
            done = books.execute(
                "update documents set status = 'cancelled', balance_amount = '0', changed_at = ?"
                " where erp_document_id = ? and status = 'posted'",
                (instant_text(self._now_fn()), erp_document_id),
            )
            if done.rowcount != 1:
                raise DocumentStateError(
                    f"Cancel document {erp_document_id}: it is not posted and open. "
                    "Delete a draft, refund a paid one."
                )
            return document_of(books, erp_document_id)

    def change_line_by_hand(
        self, erp_document_id: str, line_number: int, amount: Decimal
    ) -> ErpDocument:
        """Change a line's amount as a person in the ERP could, and the totals with it."""
        with self._store.writing() as books:
            before = document_of(books, erp_document_id)
            change = exact_difference(
                amount,
                next(line.amount for line in before.lines if line.line_number == line_number),
            )
            books.execute(
                "update document_lines set amount = ?"
                " where erp_document_id = ? and line_number = ?",
                (decimal_text(amount), erp_document_id, line_number),
            )
            balance = before.balance_amount
            books.execute(
                "update documents set total_amount = ?, balance_amount = ?, changed_at = ?"
                " where erp_document_id = ?",
                (
                    decimal_text(exact_difference(before.total_amount, -change)),
                    None if balance is None else decimal_text(exact_difference(balance, -change)),
                    instant_text(self._now_fn()),
                    erp_document_id,
                ),
            )
            return document_of(books, erp_document_id)

    def take_for_later(
        self, call: str, argument: str, *, correlation_id: str, seconds: float
    ) -> None:
        """Keep a call under way: done_late does it when its seconds are over."""
        now = self._now_fn()
        with self._store.writing() as books:
            books.execute(
                "insert into calls_under_way (due_at, expires_at, call, argument, correlation_id)"
                " values (?, ?, ?, ?, ?)",
                (
                    instant_text(now + timedelta(seconds=seconds)),
                    instant_text(now + timedelta(seconds=self.settle_seconds)),
                    call,
                    argument,
                    correlation_id,
                ),
            )

    def do_what_is_due(self) -> None:
        """Do the calls under way that are due; drop those older than settle_seconds undone.

        What the books refuse is refused silently: whoever called has hung up.
        """
        now = instant_text(self._now_fn())
        with self._store.reading() as books:
            is_any_due = books.execute(
                "select 1 from calls_under_way where due_at <= ? limit 1", (now,)
            ).fetchone()
        if not is_any_due:
            return
        with self._store.writing() as books:
            due = books.execute(
                "delete from calls_under_way where due_at <= ? returning *", (now,)
            ).fetchall()
            for call in sorted(due, key=lambda row: (row["due_at"], row["call_id"])):
                if call["due_at"] > call["expires_at"]:
                    continue
                books.execute("savepoint one_call")
                try:
                    self._do(books, call)
                except AdapterError:
                    books.execute("rollback to one_call")
                books.execute("release one_call")

    def _do(self, books: sqlite3.Connection, call: sqlite3.Row) -> None:
        if call["call"] == "create_draft":
            document = Document.model_validate_json(call["argument"])
            self._enter(books, document, call["correlation_id"])
        else:
            self._post(books, call["argument"])

    def _enter(
        self, books: sqlite3.Connection, document: Document, correlation_id: str
    ) -> ErpDocument:
        refuse_unknown_masters(books, document)
        try:
            entered = books.execute(
                "insert into documents (posting_key, status, document_kind, legal_entity_id,"
                " customer_id, currency_code, billing_period, document_date, memo,"
                " corrects_document_id, total_amount, correlation_id, changed_at)"
                " values (?, 'draft', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    document.posting_key,
                    document.document_kind,
                    document.legal_entity_id,
                    document.customer_id,
                    document.currency_code,
                    document.billing_period,
                    document.document_date.isoformat(),
                    document.memo,
                    document.corrects_document_id,
                    decimal_text(document.total_amount),
                    correlation_id,
                    instant_text(self._now_fn()),
                ),
            )
        except sqlite3.IntegrityError as error:
            raise DuplicateKeyError(
                f"Create a document under key {document.posting_key}: the key is taken. "
                "Look the document up by its key."
            ) from error
        erp_document_id = str(entered.lastrowid)
        books.executemany(
            "insert into document_lines values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    erp_document_id,
                    line.line_number,
                    line.item,
                    line.revenue_account,
                    line.tax_profile,
                    line.description,
                    decimal_text(line.quantity),
                    line.unit,
                    decimal_text(line.amount),
                    line.service_start_date.isoformat(),
                    line.service_end_date.isoformat(),
                    line.is_in_tax_base,
                )
                for line in document.lines
            ],
        )
        return document_of(books, erp_document_id)

    def _post(self, books: sqlite3.Connection, erp_document_id: str) -> ErpDocument:
        row = row_of(books, erp_document_id)
        if row is None or row["status"] != "draft":
            raise DocumentStateError(
                f"Post document {erp_document_id}: it is "
                f"{'gone' if row is None else row['status']}. Look it up by its key."
            )
        period = (row["legal_entity_id"], row["document_date"][: len("2026-01")])
        if books.execute(
            "select 1 from closed_periods where legal_entity_id = ? and accounting_period = ?",
            period,
        ).fetchone():
            raise RejectedError(
                f"Post document {erp_document_id}: the books of {period[0]} are closed for "
                f"{period[1]}. Open the accounting period in the ERP and post again.",
                code="accounting_period_closed",
            )
        number = books.execute(
            "insert into number_series values (?, ?, 1) on conflict do update"
            " set last_number = last_number + 1 returning last_number",
            (row["legal_entity_id"], row["document_kind"]),
        ).fetchone()[0]
        prefix = NUMBER_PREFIXES[row["document_kind"]]
        books.execute(
            "update documents set status = ?, document_number = ?, balance_amount = total_amount,"
            " changed_at = ? where erp_document_id = ?",
            (
                "posted" if Decimal(row["total_amount"]) else "paid",
                f"{prefix}-{row['legal_entity_id']}-{number:06d}",
                instant_text(self._now_fn()),
                erp_document_id,
            ),
        )
        return document_of(books, erp_document_id)
