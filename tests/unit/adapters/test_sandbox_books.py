"""The sandbox ERP has rules of its own: numbers, periods, payments, masters."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from adapters.errors import DocumentStateError, RejectedError
from adapters.models import (
    Document,
    DocumentLine,
    ErpCurrency,
    ErpCustomer,
    ErpLegalEntity,
    ErpMasters,
)
from adapters.registry import erp_adapter

NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def erp(tmp_path):
    opened = erp_adapter("sandbox", sandbox_folder=tmp_path, now_fn=lambda: NOW)
    opened.load_masters(
        ErpMasters(
            legal_entities=tuple(
                ErpLegalEntity(legal_entity_id=name, legal_entity_name=name)
                for name in ("us", "jp")
            ),
            customers=(ErpCustomer(customer_id="acme", customer_name="Acme"),),
            items=("SEATS",),
            currencies=tuple(
                ErpCurrency(currency_code=code, minor_unit=digits)
                for code, digits in (("USD", 2), ("JPY", 0), ("KWD", 3))
            ),
        )
    )
    return opened


def document(key, amount="10.00", **changes):
    only = DocumentLine(
        line_number=1,
        item=changes.pop("item", "SEATS"),
        description="Seats",
        quantity=Decimal(1),
        amount=Decimal(amount),
        service_start_date=date(2026, 10, 1),
        service_end_date=date(2026, 11, 1),
    )
    values = {
        "posting_key": key,
        "document_id": f"doc-{key}",
        "document_kind": "credit_memo" if Decimal(amount) < 0 else "invoice",
        "legal_entity_id": "us",
        "customer_id": "acme",
        "currency_code": "USD",
        "billing_period": "2026-10",
        "document_date": date(2026, 10, 31),
        "total_amount": Decimal(amount),
        "memo": "",
        "lines": (only,),
    }
    return Document(**(values | changes))


def posted(erp, wanted):
    draft = erp.create_draft(wanted, correlation_id="test")
    return erp.finalise(draft.erp_document_id, correlation_id="test")


def test_numbers_have_no_gaps_per_entity_and_kind_whatever_is_deleted_or_refused(erp):
    thrown_away = erp.create_draft(document("U0"), correlation_id="test")
    numbers = [posted(erp, document("U1")).document_number]
    erp.void_draft(thrown_away.erp_document_id)
    erp.ledger.close_period("us", "2026-09")
    of_september = document("U9", document_date=date(2026, 9, 30))
    late = erp.create_draft(of_september, correlation_id="test")
    with pytest.raises(RejectedError):
        erp.finalise(late.erp_document_id, correlation_id="test")
    numbers += [
        posted(erp, each).document_number
        for each in (
            document("U2"),
            document("U3", "-1.00"),
            document("U4", "100", legal_entity_id="jp", currency_code="JPY"),
        )
    ]
    assert ["INV-us-000001", "INV-us-000002", "CRM-us-000001", "INV-jp-000001"] == numbers


def test_threads_that_post_at_once_share_one_series(erp):
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda n: posted(erp, document(f"U{n}")), range(24)))
    assert [f"INV-us-{number:06d}" for number in range(1, 25)] == sorted(
        each.document_number for each in drawn
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"customer_id": "nobody"}, "unknown_customer_id"),
        ({"legal_entity_id": "fr"}, "unknown_legal_entity_id"),
        ({"currency_code": "EUR"}, "unknown_currency_code"),
        ({"item": "TOKENS"}, "unknown_item"),
        ({"amount": "10.001"}, "amount_precision"),
        ({"amount": "10.5", "currency_code": "JPY"}, "amount_precision"),
        ({"amount": "10.0001", "currency_code": "KWD"}, "amount_precision"),
    ],
)
def test_what_the_masters_do_not_know_is_rejected(erp, changes, code):
    with pytest.raises(RejectedError) as rejected:
        erp.create_draft(document("U1", **changes), correlation_id="test")
    assert code == rejected.value.code
    assert [] == list(erp.read_documents())


def test_payments_lower_the_balance_until_it_is_paid_and_never_below(erp):
    invoice = posted(erp, document("U1", "1000000000000.01"))
    part = erp.ledger.pay(invoice.erp_document_id, Decimal("0.02"))
    assert ("posted", Decimal("999999999999.99")) == (part.status, part.balance_amount)
    with pytest.raises(RejectedError, match="is open"):
        erp.ledger.pay(invoice.erp_document_id, Decimal(1000000000000))
    with pytest.raises(RejectedError):
        erp.ledger.pay(invoice.erp_document_id, Decimal(-1))
    whole = erp.ledger.pay(invoice.erp_document_id, Decimal("999999999999.99"))
    assert ("paid", Decimal(0)) == (whole.status, whole.balance_amount)
    with pytest.raises(DocumentStateError):
        erp.ledger.pay(invoice.erp_document_id, Decimal("0.01"))


def test_a_credit_memo_is_refunded(erp):
    memo = posted(erp, document("U1", "-5.00"))
    assert "paid" == erp.ledger.pay(memo.erp_document_id, Decimal("-5.00")).status


def test_a_document_over_nothing_is_paid_when_posted(erp):
    assert "paid" == posted(erp, document("U1", "0.00")).status


def test_only_a_posted_and_open_document_can_be_cancelled(erp):
    draft = erp.create_draft(document("U1"), correlation_id="test")
    with pytest.raises(DocumentStateError):
        erp.ledger.cancel(draft.erp_document_id)
    erp.finalise(draft.erp_document_id, correlation_id="test")
    cancelled = erp.ledger.cancel(draft.erp_document_id)
    assert ("cancelled", Decimal(0)) == (cancelled.status, cancelled.balance_amount)


def test_the_books_are_there_after_a_restart(erp, tmp_path):
    posted(erp, document("U1"))
    again = erp_adapter("sandbox", sandbox_folder=tmp_path, now_fn=lambda: NOW)
    assert ["INV-us-000001"] == [each.document_number for each in again.find_by_key("U1")]
    with pytest.raises(RejectedError):
        again.create_draft(document("U1"), correlation_id="test")


def test_many_at_once_may_open_books_that_do_not_exist_yet(tmp_path):
    for number in range(20):
        with ThreadPoolExecutor(4) as pool:
            opened = [
                pool.submit(erp_adapter, "sandbox", sandbox_folder=tmp_path / str(number))
                for _ in range(4)
            ]
        assert [None] * 4 == [each.exception() for each in opened]
