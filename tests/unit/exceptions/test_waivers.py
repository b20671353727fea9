"""Waivers: who may give one, what it leaves, when it ends, and that money never hides behind it."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from billing_rows import NOW
from billing_world import OLIVIA, SELF_DECLARED, policy
from exception_house import HENRIK, history_row

from orchestration.billing.register import write_register_inputs
from orchestration.billing.sign_off import Signer
from orchestration.billing.waivers import read_waivers
from orchestration.exceptions import at_risk_by_period
from orchestration.failures import RefusedError

STRANGER = Signer(name="mallory@example.com", source="verified", run_id="run-3")


def refused(house, deed, **options):
    """The code of the refusal, after proving that nothing was written."""
    before = house.world.register.head()
    with pytest.raises(RefusedError) as error:
        deed(**options)
    assert before == house.world.register.head()
    return error.value.code


def test_a_waived_exception_stays_listed_with_its_amount_and_who_let_it_stand(house):
    house.waive()
    held = house.found()["held"]
    assert ("waived", Decimal("40.0000"), False) == (
        held.state,
        held.amount_at_risk,
        held.is_overdue,
    )
    assert held.waiver is not None
    assert ("olivia@example.com", "verified", "the vendor was asked", date(2026, 12, 31)) == (
        held.waiver.waived_by,
        held.waiver.waived_by_source,
        held.waiver.reason,
        held.waiver.waived_until_date,
    )


def test_a_waiver_bills_nothing(house):
    house.waive()
    assert {} == house.world.register.billed()
    assert 0 == house.world.register.entries().num_rows


def test_waived_money_is_at_risk_apart_and_an_unknown_amount_is_counted_not_taken_for_zero(house):
    house.waive()
    known, unknown = at_risk_by_period(house.found().values())
    assert ("2026-10", "USD", Decimal(0), Decimal("40.0000"), 0, 1) == (
        known.billing_period,
        known.currency_code,
        known.open_amount,
        known.waived_amount,
        known.open_count,
        known.waived_count,
    )
    assert (None, 1, 0) == (unknown.currency_code, unknown.open_count, unknown.waived_count)
    assert (None, None) == (unknown.as_json()["open_amount"], unknown.as_json()["waived_amount"])


@pytest.mark.parametrize(
    ("day", "state"), [("2026-12-31T23:59:59", "waived"), ("2027-01-01T00:00:00", "open")]
)
def test_a_waiver_ends_with_its_last_utc_day(house, day, state):
    house.waive()
    assert state == house.states(now=datetime.fromisoformat(f"{day}+00:00"))["held"]


@pytest.mark.parametrize(
    ("until", "is_refused"),
    [
        (date(2026, 11, 1), True),
        (date(2026, 11, 2), False),  # the day itself
        (date(2027, 2, 2), False),  # 92 days away
        (date(2027, 2, 3), True),
    ],
)
def test_the_last_day_lies_from_today_to_92_days_away(house, until, is_refused):
    if is_refused:
        assert "waiver_end_invalid" == refused(house, house.waive, until=until)
    else:
        house.waive(until=until)


def test_the_policy_says_how_far_away_the_last_day_may_be(house):
    house.put_policy("exceptions: {longest_waiver_days: 7}\n")
    assert "waiver_end_invalid" == refused(house, house.waive, until=date(2026, 11, 10))
    house.waive(until=date(2026, 11, 9))


@pytest.mark.parametrize("deed", ["waive", "withdraw"])
def test_nobody_decides_without_a_reason_a_name_that_counts_or_a_place_on_the_list(house, deed):
    house.waive()
    do = getattr(house, deed)
    assert "waiver_reason_missing" == refused(house, do, reason=" ")
    assert "signer_not_approver" == refused(house, do, signer=STRANGER)
    house.policy = policy(accepts_self_declared=False)
    assert "signer_unverified" == refused(house, do, signer=SELF_DECLARED)


def test_a_self_declared_name_counts_where_policy_and_settings_say_so(house):
    assert "self_declared" == house.waive(signer=SELF_DECLARED).waived_by_source


def test_an_approver_of_other_entities_may_not_waive_and_nor_may_one_of_some_where_none_is_known(
    house,
):
    assert "entity_not_allowed" == refused(house, house.waive, signer=HENRIK)
    assert "entity_not_allowed" == refused(
        house, house.waive, exception_id="unmapped", signer=HENRIK
    )
    house.waive("unmapped")


def test_what_is_at_risk_stays_within_what_the_approver_may_sign(house):
    house.put(
        history_row("limit", amount_at_risk=Decimal("10000.0000")),
        history_row("above", amount_at_risk=Decimal("-10000.0001")),
        history_row("other", amount_at_risk=Decimal(1), currency_code="CHF"),
    )
    house.waive("limit")
    assert "amount_above_limit" == refused(house, house.waive, exception_id="above")
    assert "amount_above_limit" == refused(house, house.waive, exception_id="other")


def test_only_an_exception_that_stands_can_be_waived(house):
    assert "exception_unknown" == refused(house, house.waive, exception_id="never")
    assert "exception_resolved" == refused(house, house.waive, exception_id="gone")


def test_a_withdrawn_waiver_leaves_the_exception_open_and_stays_in_the_register(house):
    house.waive()
    ended = house.withdraw()
    assert {"held": "open", "unmapped": "open", "gone": "resolved"} == house.states(
        now=NOW + timedelta(hours=2)
    )
    assert (NOW + timedelta(hours=1)).replace(tzinfo=None) == ended.ended_at
    assert "waiver_unknown" == refused(house, house.withdraw)
    assert ["record", "record"] == [each.kind for each in house.world.register.chain()]


def test_a_waiver_that_is_over_cannot_be_withdrawn(house):
    house.waive(until=date(2026, 11, 2))
    assert "waiver_unknown" == refused(house, house.withdraw, now=NOW + timedelta(days=1))


def test_a_later_waiver_takes_the_place_of_the_one_in_force(house):
    first = house.waive(until=date(2026, 11, 5))
    second = house.waive(until=date(2026, 11, 20), now=NOW + timedelta(days=1))
    waivers = read_waivers(house.world.settings.register, house.world.register.chain())
    assert [("held:w1", second.waived_at), ("held:w2", None)] == [
        (each.waiver_id, each.ended_at) for each in waivers
    ]
    assert first.waiver_id == waivers[0].waiver_id
    house.withdraw(now=NOW + timedelta(days=2))
    assert "open" == house.states(now=NOW + timedelta(days=2))["held"]


def test_an_exception_that_was_waived_and_is_resolved_is_resolved(house):
    house.waive()
    with house.world.engine.begin() as connection:
        connection.exec_driver_sql(
            "update exceptions set resolved_at = last_seen_at where exception_id = 'held'"
        )
    held = house.found()["held"]
    assert ("resolved", None) == (held.state, held.waiver)


def test_dbt_reads_every_waiver_with_how_it_ended_also_when_there_is_none(house):
    inputs = house.world.settings.warehouse_inputs
    write_register_inputs(house.world.settings)
    assert 0 == pq.read_table(inputs / "exception_waivers.parquet").num_rows
    house.waive()
    house.waive("unmapped")
    house.withdraw()
    write_register_inputs(house.world.settings)
    table = pq.read_table(inputs / "exception_waivers.parquet")
    assert [("held:w1", "olivia@example.com"), ("unmapped:w1", None)] == [
        (row["waiver_id"], row["withdrawn_by"]) for row in table.to_pylist()
    ]
    assert "decimal128(38, 4)" == str(table.schema.field("amount_at_risk").type)
    assert [Decimal("40.0000"), None] == table["amount_at_risk"].to_pylist()


def test_the_register_is_sound_after_waivers_and_their_withdrawal(house):
    house.waive()
    house.withdraw()
    assert () == house.world.register.verify()
    assert OLIVIA.name == house.world.register.chain()[0].subject["waived_by"]
