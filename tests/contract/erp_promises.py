"""What every ERP adapter promises, one function per promise, run over every adapter and mode.

A promise takes an account: how to open an adapter on one ERP with faults on the way, and what a
test may know about that ERP. It fails by AssertionError. Add an adapter by adding its account.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.errors import (
    DocumentStateError,
    DuplicateKeyError,
    RejectedError,
    ThrottledError,
    UnavailableError,
    UnknownOutcomeError,
)
from adapters.models import Document, DocumentLine, IdempotencyClass
from adapters.sandbox.faults import NO_FAULTS, Fault, FaultPlan

CORRELATION = "contract-suite"


@dataclass
class ErpAccount:
    """One ERP that knows the masters named here, seen through one adapter.

    Attributes:
        open: makes the adapter; faults befall its calls.
        advance: lets seconds pass for the ERP.
    """

    open: Callable[[FaultPlan], Any]
    advance: Callable[[float], None]
    customer_id: str = "acme"
    legal_entity_id: str = "us"
    item: str = "TOKENS"

    def document(self, key: str = "UCONTRACT0000001", **changes: Any) -> Document:
        lines = changes.pop("lines", None) or (self.line(1, "10.50"), self.line(2, "0.25"))
        values = {
            "posting_key": key,
            "document_id": f"doc-{key}",
            "document_kind": "invoice",
            "legal_entity_id": self.legal_entity_id,
            "customer_id": self.customer_id,
            "currency_code": "USD",
            "billing_period": "2026-10",
            "document_date": date(2026, 10, 31),
            "total_amount": sum((line.amount for line in lines), Decimal(0)),
            "memo": "contract suite",
            "lines": lines,
        }
        return Document(**(values | changes))

    def line(self, number: int, amount: str, quantity: str = "1") -> DocumentLine:
        return DocumentLine(
            line_number=number,
            item=self.item,
            description="Usage",
            quantity=Decimal(quantity),
            amount=Decimal(amount),
            service_start_date=date(2026, 10, 1),
            service_end_date=date(2026, 11, 1),
        )


@dataclass
class AccountClock:
    """The ERP's clock."""

    instant: datetime = field(default_factory=lambda: datetime(2026, 11, 2, tzinfo=UTC))

    def now(self) -> datetime:
        self.instant += timedelta(milliseconds=1)
        return self.instant

    def advance(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


def one_fault(call: str, effect: Any, seconds: float = 0.0) -> FaultPlan:
    return FaultPlan({(call, 1): Fault(effect, seconds)})


def a_document_comes_back_exactly_as_it_was_sent(account: ErpAccount) -> None:
    erp = account.open(NO_FAULTS)
    lines = (
        account.line(1, "1000000000000.01", "123456789.000000001"),
        account.line(2, "-0.02"),
    )
    sent = account.document(lines=lines)
    draft = erp.create_draft(sent, correlation_id=CORRELATION)
    posted = erp.finalise(draft.erp_document_id, correlation_id=CORRELATION)
    (held,) = erp.find_by_key(sent.posting_key)
    assert held.erp_document_id == draft.erp_document_id == posted.erp_document_id
    assert held.total_amount == Decimal("999999999999.99")
    assert held.balance_amount == held.total_amount
    assert [(each.quantity, each.amount) for each in held.lines] == [
        (each.quantity, each.amount) for each in lines
    ]
    assert (held.customer_id, held.legal_entity_id, held.currency_code) == (
        sent.customer_id,
        sent.legal_entity_id,
        sent.currency_code,
    )
    assert held.document_number


def a_draft_has_no_number_and_posting_gives_it_one_for_ever(account: ErpAccount) -> None:
    erp = account.open(NO_FAULTS)
    draft = erp.create_draft(account.document(), correlation_id=CORRELATION)
    assert (draft.is_draft, draft.document_number) == (True, None)
    number = erp.finalise(draft.erp_document_id, correlation_id=CORRELATION).document_number
    with pytest.raises(DocumentStateError):
        erp.finalise(draft.erp_document_id, correlation_id=CORRELATION)
    with pytest.raises(DocumentStateError):
        erp.void_draft(draft.erp_document_id)
    (held,) = erp.find_by_key("UCONTRACT0000001")
    assert held.document_number == number


def the_declared_class_is_what_happens_to_a_second_create(account: ErpAccount) -> None:
    erp = account.open(NO_FAULTS)
    erp.create_draft(account.document(), correlation_id=CORRELATION)
    if erp.idempotency_class is IdempotencyClass.SERVER_KEY:
        with pytest.raises(DuplicateKeyError):
            erp.create_draft(account.document(), correlation_id=CORRELATION)
        assert len(erp.find_by_key("UCONTRACT0000001")) == 1
    else:
        assert erp.idempotency_class is IdempotencyClass.DRAFT_THEN_POST
        second = erp.create_draft(account.document(), correlation_id=CORRELATION)
        found = erp.find_by_key("UCONTRACT0000001")
        assert len(found) == 2
        assert found[1].erp_document_id == second.erp_document_id
        assert found[0].erp_document_id < found[1].erp_document_id


def a_key_is_taken_for_good_once_a_document_is_posted(account: ErpAccount) -> None:
    erp = account.open(NO_FAULTS)
    if erp.idempotency_class is not IdempotencyClass.SERVER_KEY:
        return
    draft = erp.create_draft(account.document(), correlation_id=CORRELATION)
    erp.finalise(draft.erp_document_id, correlation_id=CORRELATION)
    with pytest.raises(DuplicateKeyError):
        erp.create_draft(account.document(), correlation_id=CORRELATION)


def a_deleted_draft_is_gone_and_deleting_it_again_is_no_error(account: ErpAccount) -> None:
    erp = account.open(NO_FAULTS)
    draft = erp.create_draft(account.document(), correlation_id=CORRELATION)
    erp.void_draft(draft.erp_document_id)
    erp.void_draft(draft.erp_document_id)
    assert erp.find_by_key("UCONTRACT0000001") == ()
    with pytest.raises(DocumentStateError):
        erp.finalise(draft.erp_document_id, correlation_id=CORRELATION)


def after_a_lost_answer_the_key_finds_what_was_done(account: ErpAccount) -> None:
    erp = account.open(one_fault("create_draft", "drop_answer"))
    with pytest.raises(UnknownOutcomeError):
        erp.create_draft(account.document(), correlation_id=CORRELATION)
    (draft,) = erp.find_by_key("UCONTRACT0000001")
    erp = account.open(one_fault("finalise", "drop_answer"))
    with pytest.raises(UnknownOutcomeError):
        erp.finalise(draft.erp_document_id, correlation_id=CORRELATION)
    (posted,) = erp.find_by_key("UCONTRACT0000001")
    assert posted.document_number


def what_is_not_there_after_the_stated_time_never_comes(account: ErpAccount) -> None:
    settle_seconds = account.open(NO_FAULTS).limits.settle_seconds
    for seconds in (settle_seconds / 2, settle_seconds * 2):
        key = f"ULATE{seconds:09.3f}".replace(".", "-")
        erp = account.open(one_fault("create_draft", "commit_late", seconds))
        with pytest.raises(UnknownOutcomeError):
            erp.create_draft(account.document(key), correlation_id=CORRELATION)
        account.advance(settle_seconds)
        settled = erp.find_by_key(key)
        account.advance(settle_seconds * 10)
        assert erp.find_by_key(key) == settled


def a_key_is_looked_up_where_the_write_went(account: ErpAccount) -> None:
    erp = account.open(
        FaultPlan({(call, 1): Fault("read_stale", 3600.0) for call in ("read_documents",)})
    )
    erp.create_draft(account.document(), correlation_id=CORRELATION)
    assert len(erp.find_by_key("UCONTRACT0000001")) == 1


def nothing_is_done_when_the_system_throttles_or_is_away(account: ErpAccount) -> None:
    erp = account.open(one_fault("create_draft", "throttle", 7.0))
    with pytest.raises(ThrottledError) as throttled:
        erp.create_draft(account.document(), correlation_id=CORRELATION)
    assert throttled.value.retry_after == 7.0
    erp = account.open(one_fault("create_draft", "refuse_connection"))
    with pytest.raises(UnavailableError):
        erp.create_draft(account.document(), correlation_id=CORRELATION)
    assert erp.find_by_key("UCONTRACT0000001") == ()


def a_rejected_document_leaves_nothing_behind(account: ErpAccount) -> None:
    erp = account.open(NO_FAULTS)
    with pytest.raises(RejectedError) as rejected:
        erp.create_draft(account.document(customer_id="nobody"), correlation_id=CORRELATION)
    assert rejected.value.code == "unknown_customer_id"
    assert erp.find_by_key("UCONTRACT0000001") == ()


def a_credit_memo_is_negative_all_the_way(account: ErpAccount) -> None:
    erp = account.open(NO_FAULTS)
    memo = account.document(document_kind="credit_memo", lines=(account.line(1, "-12.34"),))
    draft = erp.create_draft(memo, correlation_id=CORRELATION)
    posted = erp.finalise(draft.erp_document_id, correlation_id=CORRELATION)
    assert (posted.total_amount, posted.balance_amount) == (Decimal("-12.34"), Decimal("-12.34"))


def changed_documents_are_read_by_the_instant_of_their_change(account: ErpAccount) -> None:
    erp = account.open(NO_FAULTS)
    first = erp.create_draft(account.document("UFIRST"), correlation_id=CORRELATION)
    account.advance(60)
    second = erp.create_draft(account.document("USECOND"), correlation_id=CORRELATION)
    changed = erp.read_documents(changed_since=first.changed_at + timedelta(seconds=30))
    assert [each.posting_key for each in changed] == ["USECOND"]
    assert [each.erp_document_id for each in erp.read_documents()] == [
        first.erp_document_id,
        second.erp_document_id,
    ]


PROMISES = (
    a_document_comes_back_exactly_as_it_was_sent,
    a_draft_has_no_number_and_posting_gives_it_one_for_ever,
    the_declared_class_is_what_happens_to_a_second_create,
    a_key_is_taken_for_good_once_a_document_is_posted,
    a_deleted_draft_is_gone_and_deleting_it_again_is_no_error,
    after_a_lost_answer_the_key_finds_what_was_done,
    what_is_not_there_after_the_stated_time_never_comes,
    a_key_is_looked_up_where_the_write_went,
    nothing_is_done_when_the_system_throttles_or_is_away,
    a_rejected_document_leaves_nothing_behind,
    a_credit_memo_is_negative_all_the_way,
    changed_documents_are_read_by_the_instant_of_their_change,
)
