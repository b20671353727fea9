"""When a signed document or expiry is booked, and what becomes of a credit memo, by policy.

Belongs here: the accounting date, past months that are closed in the books, and whether a credit
memo is offset or paid out. Does not belong here: service dates, which never move; the ERP's own
periods, which its adapter knows.
"""

import calendar
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from orchestration.billing.entries import column
from orchestration.price_book.policy import Policy


def booked(documents: pa.Table, *, run_period: str, policy: Policy | None) -> pa.Table:
    """The documents with accounting_date and credit_settlement.

    A document is booked on the last day of the month whose run bills it, whatever month it is of;
    where that month is closed in the books of its legal entity, on the first day after the last
    closed one.

    Args:
        documents: DOCUMENT_SCHEMA.
        run_period: billing period of the run, YYYY-MM.
        policy: that the revision pinned; None sets no rule.
    """
    settlement = policy.corrections.credit_memos if policy else None
    kinds: list[Any] = documents["document_kind"].to_pylist()
    settlements = [settlement if kind == "credit_memo" else None for kind in kinds]
    return _dated(documents, run_period, policy).append_column(
        column("credit_settlement", pa.string()), pa.array(settlements, pa.string())
    )


def booked_expiries(expiries: pa.Table, *, run_period: str, policy: Policy | None) -> pa.Table:
    """What expires with accounting_date: that of a document of the same run and legal entity.

    Args:
        expiries: EXPIRY_SCHEMA.
        run_period: billing period of the run that lets it expire, YYYY-MM.
        policy: that the revision pinned; None sets no rule.
    """
    return _dated(expiries, run_period, policy)


def _dated(table: pa.Table, run_period: str, policy: Policy | None) -> pa.Table:
    closed = policy.accounting_closed_through if policy else {}
    entities: list[Any] = table["legal_entity_id"].to_pylist()
    dates = [accounting_date(run_period, closed.get(entity)) for entity in entities]
    return table.append_column(column("accounting_date", pa.date32()), pa.array(dates, pa.date32()))


def accounting_date(run_period: str, closed_through: str | None) -> date:
    """Last day of a month, or the first day after the last closed month where that is later."""
    if closed_through is None or closed_through < run_period:
        return last_day_of_month(run_period)
    return last_day_of_month(closed_through) + timedelta(days=1)


def last_day_of_month(billing_period: str) -> date:
    """The last day of a month written YYYY-MM.

    Raises:
        ValueError: it is no month.
    """
    year, month = map(int, billing_period.split("-"))
    return date(year, month, calendar.monthrange(year, month)[1])
