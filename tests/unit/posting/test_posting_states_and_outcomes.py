"""What follows each outcome: nothing doubles, nothing is lost, one document never holds another."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from posting_house import (
    MASTERS,
    PostingSummary,
    SignedDocument,
    faults_of_posting,
    usual_documents,
)

from adapters.errors import ConfigurationError, UnknownOutcomeError
from adapters.models import IdempotencyClass
from adapters.sandbox.faults import Fault, FaultPlan
from orchestration.billing.posting import STUCK_AFTER_ATTEMPTS, post_pending
from orchestration.billing.posting_states import redacted
from orchestration.operations_db.tables import erp_documents, postings

SETTLED = 10


def faults(**by_call):
    return FaultPlan(
        {(call, number): fault for call, each in by_call.items() for number, fault in each.items()}
    )


def stored_erp_documents(house):
    with house.engine.connect() as connection:
        return {row.posting_key: row for row in connection.execute(sa.select(erp_documents))}


def test_planning_twice_plans_each_signed_document_once(house):
    """Invariant 9."""
    house.sign(*usual_documents(5))
    assert [5, 0] == [house.plan(), house.plan()]
    house.sign(SignedDocument("UNEXTMONTH", [("SEATS", "1", "5.00")]))
    assert 1 == house.plan()
    assert {"planned"} == set(house.states().values())


def test_documents_arrive_once_in_order_of_signature_with_receipts(house):
    """Invariants 7, 10 and 11."""
    documents = usual_documents(8)
    house.sign(*documents)
    house.plan()
    summary = house.post()
    assert (8, 0, 0) == (summary.posted, summary.broken, summary.unknown)
    assert [] == faults_of_posting(house, documents)
    held = sorted(house.erp_documents(), key=lambda each: each.erp_document_id)
    assert [each.posting_key for each in documents] == [each.posting_key for each in held]
    stored = stored_erp_documents(house)
    assert {each.posting_key: each.amount for each in documents} == {
        key: row.total_amount for key, row in stored.items()
    }
    assert "1000000000000.004" == stored[documents[3].posting_key].lines[0]["amount"]


def test_posting_again_sends_nothing(house):
    """Invariant 9."""
    house.sign(*usual_documents(3))
    house.plan()
    house.post()
    assert PostingSummary() == house.post()
    assert 3 == len(house.erp_documents())


def test_a_rejected_document_never_holds_the_others_and_goes_out_once_the_master_exists(house):
    """Invariant 12."""
    documents = [
        SignedDocument("U1", [("UNKNOWN-ITEM", "1", "1.00")]),
        SignedDocument("U2", [("SEATS", "1", "2.00")]),
    ]
    house.sign(*documents)
    house.plan()
    summary = house.post()
    assert (1, 1) == (summary.posted, summary.rejected)
    assert {"U1": "rejected", "U2": "posted"} == house.states()
    assert "unknown_item" == house.posting("U1").error_code
    house.erp().load_masters(MASTERS.model_copy(update={"items": (*MASTERS.items, "UNKNOWN-ITEM")}))
    assert 1 == house.post().posted
    assert [] == faults_of_posting(house, documents)
    assert house.posting("U1").error_code is None


def test_rejected_documents_never_use_up_the_limit_of_a_run(house):
    house.sign(
        SignedDocument("U1", [("UNKNOWN-ITEM", "1", "1.00")]),
        SignedDocument("U2", [("SEATS", "1", "2.00")]),
    )
    house.plan()
    assert 1 == house.post(limit=1).rejected
    assert 1 == house.post(limit=1).posted


def test_a_closed_accounting_period_rejects_at_posting_and_the_draft_is_taken_up_later(house):
    document = SignedDocument("U1", [("SEATS", "1", "2.00")])
    house.sign(document)
    house.plan()
    house.erp().ledger.close_period("us", "2026-10")
    assert 1 == house.post().rejected
    assert "accounting_period_closed" == house.posting("U1").error_code
    house.erp().ledger.reopen_period("us", "2026-10")
    assert 1 == house.post().posted
    assert [] == faults_of_posting(house, [document])


@pytest.mark.parametrize("call", ["create_draft", "finalise"])
def test_a_lost_answer_is_looked_up_only_after_the_erps_own_time(house, call):
    """Invariant 11."""
    document = SignedDocument("U1", [("SEATS", "1", "2.00")])
    house.sign(document)
    house.plan()
    assert 1 == house.post(faults(**{call: {1: Fault("drop_answer")}})).unknown
    assert {"U1": "unknown"} == house.states()
    assert 1 == house.post().waiting
    assert 1 == len(house.attempts("U1"))
    house.clock.advance(SETTLED)
    assert 1 == house.post().posted
    assert [] == faults_of_posting(house, [document])


@pytest.mark.parametrize("call", ["create_draft", "finalise"])
@pytest.mark.parametrize("seconds", [1.5, 60.0])
def test_a_call_done_late_or_never_makes_one_document(house, call, seconds):
    """Invariant 11: the ERP does it after the answer was given up, or drops it."""
    document = SignedDocument("U1", [("SEATS", "1", "2.00")])
    house.sign(document)
    house.plan()
    assert 1 == house.post(faults(**{call: {1: Fault("commit_late", seconds)}})).unknown
    house.clock.advance(SETTLED)
    assert 1 == house.post().posted
    house.clock.advance(600)
    assert [] == faults_of_posting(house, [document])


def test_a_lost_answer_to_one_document_never_holds_the_others(house):
    """Invariant 12."""
    house.sign(*usual_documents(3))
    house.plan()
    summary = house.post(faults(create_draft={1: Fault("drop_answer")}))
    assert (2, 1) == (summary.posted, summary.unknown)


def test_throttling_is_waited_out_as_long_as_asked(house):
    house.sign(*usual_documents(2))
    house.plan()
    before = house.clock.instant
    summary = house.post(faults(create_draft={1: Fault("throttle", 7.0)}))
    assert (2, None) == (summary.posted, summary.stopped_by)
    assert house.clock.instant - before >= timedelta(seconds=7)
    key = usual_documents(1)[0].posting_key
    assert ["delayed", "posted"] == [each.outcome for each in house.attempts(key)]


def test_an_outage_delays_everything_and_reorders_nothing(house):
    documents = usual_documents(3)
    house.sign(*documents)
    house.plan()
    away = {number: Fault("refuse_connection") for number in range(1, 30)}
    summary = house.post(faults(create_draft=away, find_by_key=away))
    assert (0, 1) == (summary.posted, summary.delayed)
    assert "connection refused" in summary.stopped_by
    assert {"planned"} == set(house.states().values())
    assert 3 == house.post().posted
    assert [] == faults_of_posting(house, documents)


def test_what_cannot_be_found_after_many_unknown_attempts_is_not_created_any_more(house):
    house.sign(SignedDocument("U1", [("SEATS", "1", "2.00")]))
    house.plan()
    for _ in range(STUCK_AFTER_ATTEMPTS):
        house.post(faults(create_draft={1: Fault("commit_late", 600.0)}))
        house.clock.advance(SETTLED)
    assert 1 == house.post().unknown
    assert ("unknown", "posting_stuck") == (
        house.posting("U1").state,
        house.posting("U1").error_code,
    )
    assert [] == house.erp_documents()


def test_a_payload_that_is_not_what_was_planned_is_never_sent(house):
    """Invariant 10."""
    house.sign(SignedDocument("U1", [("SEATS", "1", "2.00")]))
    house.plan()
    with house.engine.begin() as connection:
        connection.execute(sa.update(postings).values(payload_sha256="0" * 64))
    assert 1 == house.post().rejected
    assert "payload_not_signed" == house.posting("U1").error_code
    assert [] == house.erp_documents()


def test_a_posting_that_the_register_does_not_know_is_never_sent(house):
    """Invariant 10."""
    house.sign(SignedDocument("U1", [("SEATS", "1", "2.00")]))
    house.plan()
    with house.engine.begin() as connection:
        connection.execute(sa.update(postings).values(posting_key="UFORGED"))
    assert 1 == house.post().rejected
    assert "payload_not_signed" == house.posting("UFORGED").error_code


def test_a_line_without_an_item_rejects_its_own_document_only(house):
    """Invariant 12."""
    house.sign(
        SignedDocument("U1", [(None, "1", "1.00")]),
        SignedDocument("U2", [("SEATS", "1", "2.00")]),
    )
    house.plan()
    house.post()
    assert {"U1": "rejected", "U2": "posted"} == house.states()
    assert "document_invalid" == house.posting("U1").error_code


def test_an_amount_with_more_decimals_than_the_currency_is_refused_not_rounded(house):
    house.sign(SignedDocument("U1", [("SEATS", "1", "1000.5")], currency_code="JPY"))
    house.plan()
    house.post()
    assert ("rejected", "amount_precision") == (
        house.posting("U1").state,
        house.posting("U1").error_code,
    )


def test_a_draft_with_other_amounts_under_our_key_is_not_posted(house):
    document = SignedDocument("U1", [("SEATS", "1", "2.00")])
    house.sign(document)
    house.plan()
    house.post(faults(create_draft={1: Fault("drop_answer")}))
    (draft,) = house.erp().ledger.under_key("U1")
    house.erp().ledger.change_line_by_hand(draft.erp_document_id, 1, Decimal("9.00"))
    house.clock.advance(SETTLED)
    assert 1 == house.post().rejected
    assert "draft_differs" == house.posting("U1").error_code
    assert [True] == [each.is_draft for each in house.erp_documents()]


class Classless:
    """An ERP that could double whatever is sent twice."""

    name = "sandbox"
    idempotency_class = IdempotencyClass.NONE


def test_an_erp_without_key_and_drafts_is_refused(house):
    with pytest.raises(ConfigurationError) as refused:
        post_pending(house.settings, house.engine, erp=Classless(), now_fn=house.clock.now)
    assert "idempotency_class_refused" == refused.value.code


class Crashes:
    """An adapter with a bug of its own in one call."""

    def __init__(self, erp):
        self._erp = erp

    def __getattr__(self, name):
        return getattr(self._erp, name)

    def create_draft(self, document, *, correlation_id):
        self._erp.create_draft(document, correlation_id=correlation_id)
        raise ZeroDivisionError("bug")


def test_a_bug_of_an_adapter_leaves_the_outcome_unknown_and_settles_later(house):
    """Invariant 11."""
    document = SignedDocument("U1", [("SEATS", "1", "2.00")])
    house.sign(document)
    house.plan()
    assert 1 == house.post(erp=Crashes(house.erp())).unknown
    assert "unexpected_error" == house.posting("U1").error_code
    house.clock.advance(SETTLED)
    house.post()
    assert [] == faults_of_posting(house, [document])


class LosesSecrets:
    """An adapter whose error text carries a credential."""

    def __init__(self, erp):
        self._erp = erp

    def __getattr__(self, name):
        return getattr(self._erp, name)

    def create_draft(self, *_arguments, **_keywords):
        raise UnknownOutcomeError("sent Authorization: Bearer abcdefgh.SECRET-12345")


def test_no_credential_is_kept_with_an_attempt(house):
    house.sign(SignedDocument("U1", [("SEATS", "1", "2.00")]))
    house.plan()
    house.post(erp=LosesSecrets(house.erp()))
    house.engine.dispose()
    kept = b"".join(path.read_bytes() for path in house.data_dir.glob("operations.db*"))
    assert b"sent Authorization" in kept
    assert b"SECRET-12345" not in kept
    assert {"api_key": "[redacted]", "n": [1, "[redacted]"]} == redacted(
        {"api_key": "x", "n": [1, "Basic dXNlcjpwYXNz"]}
    )
