"""The same engine on PostgreSQL: claims, upserts and take-overs hold there too (invariant 11)."""

import threading

import pytest
from posting_house import House, faults_of_posting, usual_documents

from adapters.registry import crm_adapter
from adapters.sandbox.faults import Fault, FaultPlan
from orchestration.signals.pushing import PushSummary, push_records
from orchestration.signals.records import CustomerSignal, crm_records

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def house(postgresql_url, tmp_path_factory):
    built = House(
        tmp_path_factory.mktemp("data"), "sandbox_draft_then_post", operations_url=postgresql_url
    )
    built.open_books()
    yield built
    built.engine.dispose()


def test_posters_at_once_takeovers_and_pushes_hold_on_postgresql(house):
    documents = usual_documents(12)
    house.sign(*documents)
    assert [12, 0] == [house.plan(), house.plan()]
    lost = FaultPlan({("create_draft", 1): Fault("drop_answer")})
    first = house.post(lost, limit=3)
    assert (2, 1) == (first.posted, first.unknown)
    house.clock.advance(10)
    posters = [threading.Thread(target=house.post) for _ in range(4)]
    for poster in posters:
        poster.start()
    for poster in posters:
        poster.join()
    assert [] == faults_of_posting(house, documents)
    attempts = [len(house.attempts(each.posting_key)) for each in documents]
    assert [2] + [1] * 11 == attempts
    assert [12, 12] == [house.read_back(), house.read_back()]


def test_signals_are_pushed_once_on_postgresql(house):
    signal = CustomerSignal(
        **dict.fromkeys(CustomerSignal.__dataclass_fields__)
        | {
            "customer_id": "acme",
            "billing_period": "2026-10",
            "currency_code": "USD",
            "open_exception_count": 1,
            "document_count": 0,
            "invoice_status": "not_billed",
        }
    )
    crm = crm_adapter("sandbox", sandbox_folder=house.settings.sandbox, now_fn=house.clock.now)
    records = crm_records([signal], known_tasks=())
    pushed = [
        push_records(house.engine, records, crm=crm, now_fn=house.clock.now) for _ in range(2)
    ]
    assert [PushSummary(written=3), PushSummary(unchanged=3)] == pushed
