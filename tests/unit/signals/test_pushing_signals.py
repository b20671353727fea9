"""The CRM is told what differs, once; a crash between sending and acknowledging doubles nothing."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest
import sqlalchemy as sa

from adapters.errors import UnknownOutcomeError
from adapters.registry import crm_adapter
from adapters.sandbox.faults import NO_FAULTS, Fault, FaultPlan
from orchestration.operations_db import open_operations
from orchestration.operations_db.tables import crm_pushes
from orchestration.settings import Settings
from orchestration.signals.pushing import PushSummary, push_records, push_signals
from orchestration.signals.records import CustomerSignal, crm_records, read_signals

START = datetime(2026, 11, 2, tzinfo=UTC)
COLUMNS = {
    "customer_id": "varchar",
    "customer_name": "varchar",
    "crm_account_id": "varchar",
    "billing_period": "varchar",
    "currency_code": "varchar",
    "rated_amount": "decimal(38,4)",
    "billed_amount": "decimal(38,4)",
    "rated_amount_month_before": "decimal(38,4)",
    "rated_amount_change": "decimal(38,4)",
    "top_product_id": "varchar",
    "top_product_amount": "decimal(38,4)",
    "open_exception_count": "bigint",
    "document_count": "bigint",
    "invoice_status": "varchar",
    "latest_document_number": "varchar",
}


class Desk:
    """One data directory with an operations database, a warehouse and a sandbox CRM."""

    def __init__(self, data_dir):
        self.settings = Settings(data_dir=data_dir)
        self.engine = open_operations(self.settings)
        self.instant = START

    def now(self):
        self.instant += timedelta(seconds=1)
        return self.instant

    def crm(self, faults=NO_FAULTS):
        return crm_adapter(
            "sandbox", sandbox_folder=self.settings.sandbox, now_fn=self.now, faults=faults
        )

    def push(self, records, faults=NO_FAULTS, crm=None):
        return push_records(
            self.engine,
            records,
            crm=crm or self.crm(faults),
            now_fn=self.now,
            pause=lambda _seconds: None,
        )

    def states(self):
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(crm_pushes)).all()
        return {row.push_key: row.state for row in rows}


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.engine.dispose()


def signal(customer_id="acme", **changes):
    values = {
        "customer_id": customer_id,
        "customer_name": customer_id.title(),
        "crm_account_id": None,
        "billing_period": "2026-10",
        "currency_code": "USD",
        "rated_amount": Decimal("1000000000000.0100"),
        "billed_amount": Decimal("0.0000"),
        "rated_amount_month_before": Decimal("10.0000"),
        "rated_amount_change": Decimal("999999999990.0100"),
        "top_product_id": "llm",
        "top_product_amount": Decimal("5.0000"),
        "open_exception_count": 0,
        "document_count": 1,
        "invoice_status": "posted",
        "latest_document_number": "INV-us-000001",
    }
    return CustomerSignal(**(values | changes))


def records(*signals, known_tasks=()):
    return crm_records(signals, known_tasks=known_tasks)


def test_the_second_push_of_the_same_signals_writes_nothing(desk):
    """Invariant 9."""
    wanted = records(signal("acme", open_exception_count=2), signal("globex"))
    assert PushSummary(written=5) == desk.push(wanted)
    writes = desk.crm().write_count()
    assert PushSummary(unchanged=5) == desk.push(wanted)
    assert writes == desk.crm().write_count() == 5


def test_only_what_changed_is_sent(desk):
    desk.push(records(signal("acme"), signal("globex")))
    changed = records(signal("acme", invoice_status="paid"), signal("globex"))
    assert PushSummary(written=1, unchanged=3) == desk.push(changed)
    (held,) = desk.crm().read("usage_summary", ["acme/2026-10/USD"])
    assert ("paid", Decimal("1000000000000.01")) == (
        held.fields["invoice_status"],
        held.fields["rated_amount"],
    )


def test_a_lost_answer_is_looked_up_and_makes_no_second_task(desk):
    wanted = records(signal(open_exception_count=1))
    lost = FaultPlan({("upsert", 1): Fault("drop_answer")})
    assert PushSummary(unknown=3) == desk.push(wanted, lost)
    assert {"sending"} == set(desk.states().values())
    assert PushSummary(unchanged=3) == desk.push(wanted)
    assert 1 == len(desk.crm().records("task"))
    assert 3 == desk.crm().write_count()
    assert {"acknowledged"} == set(desk.states().values())


@pytest.mark.parametrize("is_done", [True, False])
def test_a_crash_between_sending_and_acknowledging_makes_no_second_task(desk, is_done):
    class Dies:
        name, batch_size = "sandbox", 200

        def upsert(self, records, *, correlation_id):
            if is_done:
                desk.crm().upsert(records, correlation_id=correlation_id)
            raise KeyboardInterrupt

    wanted = records(signal(open_exception_count=1))
    with pytest.raises(KeyboardInterrupt):
        desk.push(wanted, crm=Dies())
    expected = PushSummary(unchanged=3) if is_done else PushSummary(written=3)
    assert expected == desk.push(wanted)
    assert [1, 1, 1] == [
        len(desk.crm().records(name)) for name in ("account", "usage_summary", "task")
    ]
    assert 3 == desk.crm().write_count()


def test_two_pushes_at_once_make_each_record_once(desk):
    wanted = records(*(signal(f"c{number:03d}", open_exception_count=1) for number in range(50)))
    threads = [threading.Thread(target=desk.push, args=(wanted,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [50, 50, 50] == [
        len(desk.crm().records(name)) for name in ("account", "usage_summary", "task")
    ]
    assert PushSummary(unchanged=150) == desk.push(wanted)


def test_a_task_is_closed_when_its_reason_ends_and_none_is_made_only_to_be_closed(desk):
    desk.push(records(signal(open_exception_count=1)))
    known = {"acme/2026-10/open_exceptions"}
    assert PushSummary(written=2, unchanged=1) == desk.push(records(signal(), known_tasks=known))
    (task,) = desk.crm().records("task")
    assert "closed" == task.fields["status"]
    assert [] == [each for each in records(signal()) if each.object_name == "task"]


def test_a_field_that_a_person_added_stays(desk):
    desk.push(records(signal()))
    (account,) = desk.crm().read("account", ["acme"])
    desk.crm().upsert(
        [account.model_copy(update={"fields": {"owner": "Kim"}})], correlation_id="by hand"
    )
    desk.push(records(signal(customer_name="Acme Inc")))
    (held,) = desk.crm().read("account", ["acme"])
    assert {"name": "Acme Inc", "owner": "Kim", "crm_account_id": None} == held.fields


def test_one_refused_record_never_stops_the_others_and_is_tried_again(desk):
    """Invariant 12."""
    wanted = records(signal("acme"), signal("globex"))
    orphaned = [
        each for each in wanted if (each.object_name, each.external_id) != ("account", "acme")
    ]
    summary = desk.push(orphaned)
    assert (2, 1) == (summary.written, summary.refused)
    assert PushSummary(written=2, unchanged=2) == desk.push(wanted)


def test_an_outage_delays_the_rest_and_loses_nothing(desk):
    away = FaultPlan({("upsert", number): Fault("throttle", 1.0) for number in range(1, 20)})
    wanted = records(signal("acme"))
    summary = desk.push(wanted, away)
    assert (0, 2) == (summary.written, summary.delayed)
    assert "too many calls" in summary.stopped_by
    assert PushSummary(written=2) == desk.push(wanted)


def test_records_come_parents_first_and_once_per_account():
    wanted = records(signal("b"), signal("a"), signal("a", currency_code="JPY"))
    assert [
        ("account", "a"),
        ("account", "b"),
        ("usage_summary", "a/2026-10/JPY"),
        ("usage_summary", "a/2026-10/USD"),
        ("usage_summary", "b/2026-10/USD"),
    ] == [(each.object_name, each.external_id) for each in wanted]


def test_signals_of_one_period_are_read_from_the_warehouse_as_decimals_and_pushed(desk):
    desk.settings.warehouse.mkdir(parents=True)
    listed = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    with duckdb.connect(desk.settings.warehouse_file) as connection:
        connection.execute("create schema signals")
        connection.execute(
            "create table signals.fct_customer_usage_signals"
            f" (customer_signal_id varchar, {listed})"
        )
        for each in (signal(), signal(billing_period="2026-09")):
            values = [getattr(each, name) for name in COLUMNS]
            marks = ", ".join("?" * len(values))
            connection.execute(
                f"insert into signals.fct_customer_usage_signals values ('id', {marks})", values
            )
    assert [signal()] == read_signals(desk.settings, billing_period="2026-10")
    summary = push_signals(
        desk.settings, desk.engine, crm=desk.crm(), billing_period="2026-10", now_fn=desk.now
    )
    assert PushSummary(written=2) == summary


def test_a_lost_answer_while_looking_up_is_no_reason_to_send_again(desk):
    class ReadsNothing:
        name, batch_size = "sandbox", 200

        def upsert(self, *_arguments, **_keywords):
            raise AssertionError("sent again")

        def read(self, *_arguments):
            raise UnknownOutcomeError("no answer")

    wanted = records(signal())
    desk.push(wanted, FaultPlan({("upsert", 1): Fault("drop_answer")}))
    summary = desk.push(wanted, crm=ReadsNothing())
    assert (0, 2) == (summary.written, summary.unknown)
