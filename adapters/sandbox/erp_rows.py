"""Rows of the sandbox ERP's books, read as documents and held against its masters.

Belongs here: reading, and the check of what a document names. Does not belong here: writing.
"""

import sqlite3
from datetime import datetime
from decimal import Decimal

from adapters.decimals import decimals_of
from adapters.errors import RejectedError
from adapters.models import Document, DocumentLine, ErpDocument

LINE_COLUMNS = tuple(DocumentLine.model_fields)


def refuse_unknown_masters(books: sqlite3.Connection, document: Document) -> None:
    """Let a document pass only when every master it names is known and its amounts fit.

    Raises:
        RejectedError: code unknown_<column> or amount_precision.
    """
    wanted = [
        ("legal_entities", "legal_entity_id", document.legal_entity_id),
        ("customers", "customer_id", document.customer_id),
        ("currencies", "currency_code", document.currency_code),
        *(("items", "item", item) for item in sorted({line.item for line in document.lines})),
    ]
    for table, column, value in wanted:
        if not books.execute(f"select 1 from {table} where {column} = ?", (value,)).fetchone():
            raise RejectedError(
                f"Take document {document.posting_key}: the ERP has no {column} {value!r}. "
                "Create it in the ERP, or correct the reference data, and post again.",
                code=f"unknown_{column}",
            )
    minor_unit = books.execute(
        "select minor_unit from currencies where currency_code = ?", (document.currency_code,)
    ).fetchone()[0]
    for line in document.lines:
        if decimals_of(line.amount) > minor_unit:
            raise RejectedError(
                f"Take document {document.posting_key}: line {line.line_number} is {line.amount}, "
                f"{document.currency_code} has {minor_unit} decimals. Correct the rounding.",
                code="amount_precision",
            )


def row_of(books: sqlite3.Connection, erp_document_id: str) -> sqlite3.Row | None:
    """Return a document's own row; None when there is none."""
    found: sqlite3.Row | None = books.execute(
        "select * from documents where erp_document_id = ?", (erp_document_id,)
    ).fetchone()
    return found


def document_of(books: sqlite3.Connection, erp_document_id: str) -> ErpDocument:
    """Return a document that exists, with its lines."""
    return documents_where(books, "where erp_document_id = ?", (erp_document_id,))[0]


def documents_where(
    books: sqlite3.Connection, condition: str, values: tuple[str, ...]
) -> tuple[ErpDocument, ...]:
    """Return the documents that meet a condition on their table, oldest first."""
    rows = books.execute(
        f"select * from documents {condition} order by erp_document_id", values
    ).fetchall()
    lines: dict[int, list[DocumentLine]] = {}
    for line in books.execute(
        "select * from document_lines where erp_document_id in"
        f" (select erp_document_id from documents {condition}) order by line_number",
        values,
    ):
        lines.setdefault(line["erp_document_id"], []).append(
            DocumentLine.model_validate({column: line[column] for column in LINE_COLUMNS})
        )
    return tuple(
        ErpDocument(
            erp_document_id=f"{row['erp_document_id']:09d}",
            posting_key=row["posting_key"],
            status=row["status"],
            document_number=row["document_number"],
            document_kind=row["document_kind"],
            legal_entity_id=row["legal_entity_id"],
            customer_id=row["customer_id"],
            currency_code=row["currency_code"],
            document_date=row["document_date"],
            total_amount=Decimal(row["total_amount"]),
            balance_amount=None
            if row["balance_amount"] is None
            else Decimal(row["balance_amount"]),
            lines=tuple(lines.get(row["erp_document_id"], ())),
            changed_at=datetime.fromisoformat(row["changed_at"]),
        )
        for row in rows
    )
