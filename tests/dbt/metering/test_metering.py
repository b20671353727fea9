"""What one event counts as: meters, filters, dimensions, quantities, and who used it."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest


def test_every_aggregation_is_counted_from_the_same_events(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.add_meter("tokens", "sum", value="tokens")
    warehouse.add_meter("peak", "max", value="tokens")
    warehouse.add_meter("level", "latest", value="tokens")
    warehouse.add_meter("users", "unique_count", distinct_property="user")
    for number, (tokens, user) in enumerate(
        [(5, "ana"), (9, "bo"), (Decimal("2.000000001"), "ana")]
    ):
        moment = noon + timedelta(minutes=number)
        warehouse.load(event(f"e{number}", moment, properties={"tokens": tokens, "user": user}))
    warehouse.count()
    last = noon + timedelta(minutes=2)
    assert {"calls": 3, "level": 3, "peak": 3, "tokens": 3, "users": 3} == warehouse.usage()
    assert Decimal("16.000000001") == warehouse.usage("quantity_sum")["tokens"]
    assert [("peak", Decimal(9))] == warehouse.rows(
        "select meter_id, max(quantity_max) from intermediate.int_usage__metered "
        "where quantity_max is not null group by meter_id"
    )
    assert [("level", last, Decimal("2.000000001"))] == warehouse.rows(
        "select meter_id, latest_event_at, latest_quantity from intermediate.int_usage__metered "
        "where latest_event_at is not null order by latest_event_at desc limit 1"
    )
    assert [("ana", 2), ("bo", 1)] == warehouse.rows(
        "select distinct_value, count(*) from intermediate.int_usage__distinct_values "
        "group by all order by all"
    )


def test_the_latest_of_one_instant_is_decided_by_nanoseconds_then_source_then_id(
    warehouse, event, noon
):
    warehouse.add_meter("level", "latest", value="gb")
    warehouse.load(
        event("z", noon, event_source="/gateway/a", properties={"gb": 1}),
        event("a", noon, event_source="/gateway/b", properties={"gb": 2}),
        event("b", noon, event_source="/gateway/b", properties={"gb": 3}),
        event("y", noon - timedelta(microseconds=1), nanos=999, properties={"gb": 4}),
    )
    warehouse.count()
    latest = "select latest_quantity, latest_event_id from intermediate.int_usage__metered"
    assert [(Decimal(3), "b")] == warehouse.rows(latest)
    warehouse.load(event("a", noon, nanos=1, event_source="/gateway/a", properties={"gb": 5}))
    warehouse.count()
    assert [(Decimal(5), "a")] == warehouse.rows(f"{latest} where ingestion_batch_id = 2")


def test_a_product_raises_each_factor_to_its_step_and_holds_it_between_its_bounds(
    warehouse, event, noon
):
    warehouse.add_meter(
        "mb_ms",
        "sum",
        value_factors=[
            {"property": "invocations"},
            {"property": "ms", "minimum": Decimal(100), "round_up_to": Decimal(1)},
            {"property": "mb", "maximum": Decimal(1536), "round_up_to": Decimal(128)},
        ],
        dimensions=["case"],
    )
    cases = {
        "below": (1, Decimal("3.2"), 1),
        "steps": (2, Decimal("100.000000001"), Decimal("128.5")),
        "on the step": (1, 101, 256),
        "above": (1, 250, 9000),
        "large": (1000000, 100000, 1536),
    }
    warehouse.load(
        *(
            event(name, noon, properties={"case": name, "invocations": count, "ms": ms, "mb": mb})
            for name, (count, ms, mb) in cases.items()
        )
    )
    warehouse.count()
    assert {
        '{"case":"below"}': 100 * 128,
        '{"case":"steps"}': 2 * 101 * 256,
        '{"case":"on the step"}': 101 * 256,
        '{"case":"above"}': 250 * 1536,
        '{"case":"large"}': 1000000 * 100000 * 1536,
    } == warehouse.usage("quantity_sum", of="dimension_key")


def test_a_product_of_fractions_is_rounded_once_to_nine_decimals(warehouse, event, noon):
    factors = [{"property": name} for name in ("a", "b", "c")]
    warehouse.add_meter("two", "sum", value_factors=factors[:2])
    warehouse.add_meter("three", "sum", value_factors=factors)
    third = Decimal("0.333333333")
    warehouse.load(event("e", noon, properties={"a": third, "b": third, "c": Decimal("4.5")}))
    warehouse.count()
    exact = third**2
    assert {
        "two": round(exact, 9),
        "three": round(exact * Decimal("4.5"), 9),
    } == warehouse.usage("quantity_sum")


def test_an_event_without_a_usable_quantity_is_counted_apart_and_spoils_no_sum(
    warehouse, event, noon
):
    warehouse.add_meter("tokens", "sum", value="tokens")
    warehouse.add_meter("credits", "sum", value="tokens", is_negative_allowed=True)
    most = Decimal(10**29 - 1)
    warehouse.load(
        event("fine", noon, properties={"tokens": 5}),
        event("missing", noon, properties={"other": 1}),
        event("absurd", noon, properties={"tokens": most}),
        event("absurd too", noon, properties={"tokens": most}),
        event("negative", noon, properties={"tokens": -2}),
    )
    warehouse.count()
    assert [("credits", 5, 3, 3, 0), ("tokens", 5, 3, 3, 1)] == warehouse.rows(
        "select meter_id, event_count, quantity_sum, unvalued_event_count, negative_event_count "
        "from intermediate.int_usage__metered order by meter_id"
    )


def test_a_product_too_large_for_a_decimal_has_no_quantity(warehouse, event, noon):
    factors = [{"property": "a"}, {"property": "b"}]
    warehouse.add_meter("product", "sum", value_factors=factors)
    warehouse.load(
        event("e1", noon, properties={"a": 9 * 10**17, "b": 9 * 10**17}),
        event("e2", noon, properties={"a": 2, "b": 3}),
    )
    warehouse.count()
    assert {"product": 1} == warehouse.usage("unvalued_event_count")
    assert {"product": 6} == warehouse.usage("quantity_sum")


def test_filters_hold_all_together_and_a_missing_property_has_no_value(warehouse, event, noon):
    accepted = {"property": "status", "is_negated": False, "values": ["200", "204.0"]}
    elsewhere = {"property": "region", "is_negated": True, "values": ["test", "it's"]}
    warehouse.add_meter("ok", filters=[accepted])
    warehouse.add_meter("real", filters=[elsewhere])
    warehouse.add_meter("both", filters=[accepted, elsewhere])
    warehouse.load(
        event("number", noon, properties={"status": "200", "region": "eu"}),
        event("text", noon, properties={"status": 204, "region": "it's"}),
        event("other", noon, properties={"status": 500}),
        event("none", noon),
    )
    warehouse.count()
    assert {"ok": 2, "real": 3, "both": 1} == warehouse.usage()
    assert [(4, 4)] == warehouse.rows(
        "select sum(event_count), sum(metered_event_count) from intermediate.int_events__counted"
    )


def test_dimensions_are_texts_in_order_of_their_names_and_may_be_missing(warehouse, event, noon):
    warehouse.add_meter("calls", dimensions=["zone", "model"])
    warehouse.load(
        event("a", noon, properties={"zone": 'a "b"', "model": "1.50"}),
        event("b", noon, properties={"zone": "ü", "model": Decimal("1.50")}),
        event("c", noon, properties={"zone": "ü"}),
    )
    warehouse.count()
    assert {
        '{"model":"1.50","zone":"a \\"b\\""}': 1,
        '{"model":"1.5","zone":"ü"}': 1,
        '{"model":null,"zone":"ü"}': 1,
    } == warehouse.usage(of="dimension_key")


def test_an_event_that_no_meter_counts_is_still_an_event(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("b", noon, event_type="heartbeat"))
    warehouse.count()
    assert [("call", 1, 1), ("heartbeat", 1, 0)] == warehouse.rows(
        "select event_type, event_count, metered_event_count "
        "from intermediate.int_events__counted order by all"
    )


def test_a_price_book_without_meters_and_a_warehouse_without_events_are_built(
    warehouse, event, noon
):
    warehouse.count()
    assert [] == warehouse.counted()
    warehouse.load(event("a", noon))
    warehouse.count()
    assert [(1, 0)] == warehouse.rows(
        "select event_count, metered_event_count from intermediate.int_events__counted"
    )


def test_usage_without_a_customer_or_a_contract_says_why(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.add_customer("acme", "acme", start_date=date(2026, 10, 16))
    for start in (datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2021-01-01")):
        warehouse.add(
            "identities",
            system_id="product",
            external_id="twice",
            customer_id=f"since {start:%Y}",
            valid_from_at=start,
        )
    warehouse.load(
        event("a", noon),
        event("b", noon + timedelta(days=1)),
        event("c", noon, subject="nobody"),
        event("d", noon, subject="twice"),
        event("e", noon, event_source="/elsewhere"),
    )
    warehouse.count()
    assert [
        ("acme", noon, "acme", None, "no_contract"),
        ("acme", noon, None, None, "unmapped_source"),
        ("acme", noon + timedelta(days=1), "acme", "acme-contract", None),
        ("nobody", noon, None, None, "unmapped_subject"),
        ("twice", noon, None, None, "ambiguous_identity"),
    ] == warehouse.rows(
        """
        select subject, first_event_at, customer_id, contract_id, resolution_code
        from intermediate.int_usage__metered
        order by subject, first_event_at, resolution_code
        """
    )


def test_usage_belongs_to_whoever_held_the_identity_at_its_instant(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.add_customer("old", "old-subject")
    warehouse.add_customer("new", "new-subject")
    for customer, start, end in (
        ("old", datetime.fromisoformat("2020-01-01"), noon),
        ("new", noon, None),
    ):
        warehouse.add(
            "identities",
            system_id="product",
            external_id="moved",
            customer_id=customer,
            valid_from_at=start,
            valid_to_at=end,
        )
    moment = timedelta(microseconds=1)
    warehouse.load(
        event("a", noon - moment, subject="moved"),
        event("b", noon, subject="moved"),
        event("c", noon + moment, subject="moved"),
    )
    warehouse.count()
    assert {"old": 1, "new": 2} == warehouse.usage(of="customer_id")


def test_each_meter_belongs_to_the_contract_whose_plan_charges_it(warehouse, event, noon):
    for meter_id in ("tokens", "storage", "both", "neither"):
        warehouse.add_meter(meter_id)
    warehouse.add_customer("acme", "acme", contract_id="c1", plan_id="ai", time_zone="Asia/Tokyo")
    warehouse.add_customer("acme", "acme", contract_id="c2", plan_id="disk")
    for plan_id, meter_id in (
        ("ai", "tokens"),
        ("ai", "both"),
        ("disk", "storage"),
        ("disk", "both"),
    ):
        warehouse.add_charge(plan_id, meter_id)
    warehouse.load(event("a", noon.replace(hour=20)))
    warehouse.count()
    assert [
        ("both", None, "ambiguous_contract", date(2026, 10, 16)),
        ("neither", "c1", None, date(2026, 10, 16)),
        ("storage", "c2", None, date(2026, 10, 15)),
        ("tokens", "c1", None, date(2026, 10, 16)),
    ] == warehouse.rows(
        "select meter_id, contract_id, resolution_code, local_date "
        "from intermediate.int_usage__metered order by meter_id"
    )


@pytest.mark.parametrize(
    ("time_zone", "last_instant", "local_dates"),
    [
        (
            "America/New_York",
            datetime.fromisoformat("2026-11-01 04:00"),
            (date(2026, 10, 31), date(2026, 11, 1)),
        ),
        (
            "America/New_York",
            datetime.fromisoformat("2026-11-02 05:00"),
            (date(2026, 11, 1), date(2026, 11, 2)),
        ),
        (
            "Asia/Kolkata",
            datetime.fromisoformat("2026-10-15 18:30"),
            (date(2026, 10, 15), date(2026, 10, 16)),
        ),
        (
            "Pacific/Apia",
            datetime.fromisoformat("2011-12-30 10:00"),
            (date(2011, 12, 29), date(2011, 12, 31)),
        ),
        (
            "America/Havana",
            datetime.fromisoformat("2026-11-01 04:00"),
            (date(2026, 10, 31), date(2026, 11, 1)),
        ),
        (
            "America/Sao_Paulo",
            datetime.fromisoformat("2018-11-04 03:00"),
            (date(2018, 11, 3), date(2018, 11, 4)),
        ),
    ],
)
def test_a_local_day_starts_at_its_zones_midnight_to_the_microsecond(
    warehouse, event, time_zone, last_instant, local_dates
):
    warehouse.add_meter("calls")
    warehouse.add_customer("acme", "acme", time_zone=time_zone, start_date=date(2010, 1, 1))
    warehouse.reference["identities"][0]["valid_from_at"] = datetime.fromisoformat("2010-01-01")
    warehouse.load(
        event("before", last_instant - timedelta(microseconds=1), nanos=999),
        event("after", last_instant),
    )
    warehouse.count()
    assert dict.fromkeys(local_dates, 1) == warehouse.usage(of="local_date")
