"""Signal rows as CRM records: an account, a usage summary, and a task while something is open.

Belongs here: reading the mart and the pure mapping to records. Does not belong here: which of them
are sent (pushing.py); the CRM's own field names, which are its adapter's.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from adapters.models import CrmRecord
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

TASK_REASON = "open_exceptions"
WAREHOUSE_WAIT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class CustomerSignal:
    """One row of signals.fct_customer_usage_signals; amounts are in currency_code."""

    customer_id: str
    customer_name: str | None
    crm_account_id: str | None
    billing_period: str
    currency_code: str
    rated_amount: Decimal
    billed_amount: Decimal
    rated_amount_month_before: Decimal | None
    rated_amount_change: Decimal | None
    top_product_id: str | None
    top_product_amount: Decimal | None
    open_exception_count: int
    document_count: int
    invoice_status: str
    latest_document_number: str | None


def read_signals(settings: Settings, *, billing_period: str) -> list[CustomerSignal]:
    """Read the signals of a billing period ('YYYY-MM') by customer and currency.

    Raises:
        WarehouseBusyError: another process writes the warehouse.
    """
    names = tuple(CustomerSignal.__dataclass_fields__)
    with open_warehouse(settings, wait_seconds=WAREHOUSE_WAIT_SECONDS) as connection:
        rows = connection.execute(
            f"select {', '.join(names)} from signals.fct_customer_usage_signals"
            " where billing_period = ? order by customer_id, currency_code",
            [billing_period],
        ).fetchall()
    return [CustomerSignal(**dict(zip(names, row, strict=True))) for row in rows]


def crm_records(
    signals: Sequence[CustomerSignal], *, known_tasks: Collection[str]
) -> list[CrmRecord]:
    """Return the records that the CRM should hold: accounts, then summaries, then tasks.

    Within each they are sorted by account, so that a CRM locks each parent once. A customer with
    open exceptions has one open task per period; a task that the CRM was given and whose reason
    ended becomes a closed one, and no task is made only to be closed.

    Args:
        signals: of any number of periods.
        known_tasks: external ids of the tasks that were ever sent.
    """
    ordered = sorted(
        signals, key=lambda each: (each.customer_id, each.billing_period, each.currency_code)
    )
    accounts = {each.customer_id: _account(each) for each in ordered}
    return [
        *accounts.values(),
        *(_summary(each) for each in ordered),
        *_tasks(ordered, known_tasks),
    ]


def _account(signal: CustomerSignal) -> CrmRecord:
    return CrmRecord(
        object_name="account",
        external_id=signal.customer_id,
        fields={
            "name": signal.customer_name or signal.customer_id,
            "crm_account_id": signal.crm_account_id,
        },
    )


def _summary(signal: CustomerSignal) -> CrmRecord:
    return CrmRecord(
        object_name="usage_summary",
        external_id=f"{signal.customer_id}/{signal.billing_period}/{signal.currency_code}",
        fields={
            "account_external_id": signal.customer_id,
            "billing_period": signal.billing_period,
            "currency_code": signal.currency_code,
            "rated_amount": signal.rated_amount,
            "billed_amount": signal.billed_amount,
            "rated_amount_month_before": signal.rated_amount_month_before,
            "rated_amount_change": signal.rated_amount_change,
            "top_product_id": signal.top_product_id,
            "top_product_amount": signal.top_product_amount,
            "open_exception_count": Decimal(signal.open_exception_count),
            "document_count": Decimal(signal.document_count),
            "invoice_status": signal.invoice_status,
            "latest_document_number": signal.latest_document_number,
        },
    )


def _tasks(signals: Iterable[CustomerSignal], known_tasks: Collection[str]) -> Iterable[CrmRecord]:
    counts: dict[tuple[str, str], int] = {}
    for each in signals:
        key = (each.customer_id, each.billing_period)
        counts[key] = max(counts.get(key, 0), each.open_exception_count)
    for (customer_id, billing_period), count in counts.items():
        external_id = f"{customer_id}/{billing_period}/{TASK_REASON}"
        if not count and external_id not in known_tasks:
            continue
        yield CrmRecord(
            object_name="task",
            external_id=external_id,
            fields={
                "account_external_id": customer_id,
                "reason": TASK_REASON,
                "billing_period": billing_period,
                "subject": f"Billing exceptions in {billing_period}",
                "open_exception_count": Decimal(count),
                "status": "open" if count else "closed",
            },
        )
