"""The oracle from book and events to lines, against cases worked out by hand."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from oracle_book import Book
from oracle_events import Event
from oracle_rating import rate

UNTIL = datetime(2026, 10, 1, tzinfo=UTC)
METERS = {
    "calls": {"aggregation": "sum", "value": "amount"},
    "seats": {"aggregation": "latest", "value": "amount", "carry_in": "previous"},
    "peak": {"aggregation": "max", "value": "amount"},
    "spend": {"aggregation": "sum", "value": "amount", "is_negative_allowed": True},
    "seat_days": {
        "aggregation": "latest",
        "value": "amount",
        "carry_in": "previous",
        "window": "day",
        "window_aggregation": "sum",
    },
    "peak_days": {
        "aggregation": "max",
        "value": "amount",
        "window": "day",
        "window_aggregation": "sum",
    },
    "share": {"aggregation": "weighted_sum", "value": "amount", "weighted_by": "period"},
    "by_region": {"aggregation": "sum", "value": "amount", "dimensions": ["region"]},
}


def version(price, since="2026-01-01", currency="USD"):
    return {"effective_from": since, "prices": {currency: price}}


def charge(charge_id, model, *versions, **fields):
    return {"id": charge_id, "model": model, "versions": list(versions), **fields}


def use(day, amount, *, subject="acme", name=None, **data):
    at = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(days=day - 1)
    identity = name or f"{subject}-{day}-{amount}"
    return Event("/app/1", identity, "usage", subject, at, {"amount": Decimal(str(amount)), **data})


def book_of(*plans, versions=None, overrides=(), **contract):
    """Return a book of one contract in September 2026; versions: (first day, place of the plan)."""
    versions = versions or [(contract.get("start_date", "2026-09-01"), 0)]
    row = {
        "contract_id": "con",
        "customer_id": "acme",
        "legal_entity_id": "us",
        "currency_code": "USD",
        "time_zone": "UTC",
        "billing_cadence": "monthly",
        "billing_anchor_day": "1",
        "start_date": "2026-09-01",
        "end_date": "2026-10-01",
    }
    tables = {
        "customers": [
            {"customer_id": "acme"},
            {"customer_id": "labs", "parent_customer_id": "acme"},
            {"customer_id": "shop", "parent_customer_id": "acme"},
        ],
        "identities": [
            {
                "system_id": "app",
                "external_id": name,
                "customer_id": name,
                "valid_from_at": "2026-01-01T00:00:00Z",
            }
            for name in ("acme", "labs", "shop")
        ],
        "contracts": [row | contract],
        "contract_versions": [
            {"contract_id": "con", "contract_version": n, "effective_from_date": d, "plan_id": p}
            | more
            for n, (d, p, *rest) in enumerate(versions, 1)
            for more in [rest[0] if rest else {}]
        ],
        "overrides": list(overrides),
    }
    price_book = {
        "meters": [{"id": name, "event_types": ["usage"], **m} for name, m in METERS.items()],
        "plans": [{"id": place, "charges": charges} for place, charges in enumerate(plans)],
    }
    return Book(price_book, tables, [{"prefix": "/app/", "system": "app"}])


def rated(book, *events):
    lines, _exceptions = rate(book, events, until=UNTIL)
    return lines


def amounts(lines):
    return [str(Decimal(line.amount.numerator) / line.amount.denominator) for line in lines]


def test_a_hundred_seats_that_are_cut_once_are_still_paid_once():
    seats = charge("c", "per_unit", version({"unit_price": "7"}), meter="seats")
    book = book_of([seats], versions=[("2026-09-01", 0), ("2026-09-13", 0)])
    lines = rated(book, use(-30, 50), use(1, 100))
    assert ["280", "420"] == amounts(lines)
    assert [100, 100] == [line.quantity for line in lines]


def test_a_new_price_of_a_level_shares_the_cell_by_days():
    seats = charge(
        "c",
        "per_unit",
        version({"unit_price": "3"}),
        version({"unit_price": "6"}, since="2026-09-11"),
        meter="seats",
    )
    # 100 * 3 * 10/30 and 40 * 6 * 20/30.
    assert ["100", "160"] == amounts(rated(book_of([seats]), use(1, 100), use(12, 40)))


def test_a_new_plan_that_charges_the_same_level_shares_it_with_the_old_one():
    one = charge("one", "per_unit", version({"unit_price": "3"}), meter="seats")
    two = charge("two", "per_unit", version({"unit_price": "6"}), meter="seats")
    book = book_of([one], [two], versions=[("2026-09-01", 0), ("2026-09-11", 1)])
    assert ["100", "400"] == amounts(rated(book, use(1, 100)))


def test_a_ladder_continues_over_a_new_price():
    tiers = [{"up_to": "10", "unit_price": "2"}, {"unit_price": "1"}]
    later = [{"up_to": "10", "unit_price": "4"}, {"unit_price": "3"}]
    made = charge(
        "c",
        "graduated",
        version({"tiers": tiers}),
        version({"tiers": later}, since="2026-09-16"),
        meter="calls",
        zero_usage="skip",
    )
    # 8 * 2; then 2 more at 4 and 5 at 3.
    assert ["16", "23"] == amounts(rated(book_of([made]), use(2, 8), use(20, 7)))
    again = made | {"ladder": "restart"}
    # Bounds of half the size: 5 * 2 + 3 * 1; 5 * 4 + 2 * 3.
    assert ["13", "26"] == amounts(rated(book_of([again]), use(2, 8), use(20, 7)))


def test_a_first_tier_is_entered_by_the_first_usage_and_paid_once():
    price = {"tiers": [{"unit_price": "1", "flat_amount": "10"}]}
    made = charge(
        "c",
        "graduated",
        version(price),
        version(price, since="2026-09-16"),
        meter="calls",
        zero_usage="charge",
    )
    assert ["0", "13"] == amounts(rated(book_of([made]), use(20, 3)))
    assert ["12", "3"] == amounts(rated(book_of([made]), use(2, 2), use(20, 3)))
    assert ["10", "0"] == amounts(rated(book_of([made])))
    assert ["0", "0"] == amounts(rated(book_of([made | {"zero_usage": "skip"}])))


def test_usage_that_is_free_enters_the_first_tier():
    price = {"tiers": [{"unit_price": "1", "flat_amount": "10"}]}
    fields = {"meter": "calls", "zero_usage": "skip", "free_quantity": "5"}
    made = charge("c", "graduated", version(price), **fields)
    assert ["10"] == amounts(rated(book_of([made]), use(2, 5)))


def test_a_maximum_without_events_has_zero_usage():
    price = {"tiers": [{"unit_price": "1", "flat_amount": "10"}]}
    for zero_usage, expected in (("charge", "10"), ("skip", "0")):
        made = charge("c", "graduated", version(price), meter="peak", zero_usage=zero_usage)
        assert [expected] == amounts(rated(book_of([made])))


def test_another_entity_in_mid_month_gets_its_share_of_one_rounded_amount():
    made = charge("c", "per_unit", version({"unit_price": "0.333333333333"}), meter="calls")
    moved = ("2026-09-11", 0, {"legal_entity_id": "de"})
    lines = rated(book_of([made], versions=[("2026-09-01", 0), moved]), use(2, 1), use(20, 2))
    assert [("us", Fraction("0.33")), ("de", Fraction("0.67"))] == [
        (line.entity, line.amount) for line in lines
    ]


def test_a_window_counts_for_the_piece_in_which_it_begins():
    made = charge("c", "per_unit", version({"unit_price": "1"}), meter="peak_days")
    moved = ("2026-09-10T12:00:00+00:00", 0, {"legal_entity_id": "de"})
    book = book_of([made], versions=[("2026-09-01", 0), moved])
    lines = rated(book, use(10.25, 5), use(10.75, 6), use(11, 2))
    assert [("us", 6, 6), ("de", 2, 2)] == [(e.entity, e.quantity, e.amount) for e in lines]


def test_a_level_is_weighted_once_for_its_run_and_shared_to_the_last_digit():
    made = charge("c", "per_unit", version({"unit_price": "1"}), meter="share")
    book = book_of([made], versions=[("2026-09-01", 0), ("2026-09-02", 0), ("2026-09-03", 0)])
    lines = rated(book, use(1, 1))
    assert ["0.033333333", "0.033333333", "0.933333334"] == [
        str(Decimal(line.quantity.numerator) / line.quantity.denominator) for line in lines
    ]


def test_a_negotiated_price_replaces_the_lists_while_it_lasts():
    made = charge("c", "per_unit", version({"unit_price": "1"}), meter="calls")
    row = {
        "override_id": "o",
        "contract_id": "con",
        "charge_id": "c",
        "effective_from_date": "2026-09-10",
        "effective_to_date": "2026-09-20",
        "currency_code": "USD",
        "price_json": '{"unit_price": "0.5"}',
    }
    book = book_of([made], overrides=[row])
    assert ["1", "1", "4"] == amounts(rated(book, use(9, 1), use(10, 2), use(20, 4)))


def test_an_instant_cuts_a_day_between_two_plans():
    one = charge("one", "per_unit", version({"unit_price": "1"}), meter="calls")
    two = charge("two", "per_unit", version({"unit_price": "10"}), meter="calls")
    versions = [("2026-09-01", 0), ("2026-09-10T12:00:00+00:00", 1)]
    book = book_of([one], [two], versions=versions)
    assert ["3", "40"] == amounts(rated(book, use(10, 3), use(10.5, 4)))


@pytest.mark.parametrize(
    ("rule", "expected"), [("prorated", "15"), ("no_refund", "30"), ("full", "0")]
)
def test_an_advance_fee_says_what_termination_does(rule, expected):
    fee = charge("c", "flat", version({"amount": "30"}), timing="advance", on_termination=rule)
    assert [expected] == amounts(rated(book_of([fee], end_date="2026-09-16")))


def test_a_fee_and_its_minimum_follow_the_share_of_the_cell():
    price = {"unit_price": "1", "minimum": "30"}
    made = charge("c", "per_unit", version(price), meter="calls")
    lines = rated(book_of([made], start_date="2026-09-16"), use(20, 4))
    # Half the cell: a minimum of 15, of which 4 are used.
    assert [("usage", 4), ("minimum", 11)] == [(line.kind, line.amount) for line in lines]


def test_a_maximum_counts_all_dimension_values():
    made = charge("c", "per_unit", version({"unit_price": "1", "maximum": "10"}), meter="by_region")
    lines = rated(book_of([made]), use(2, 5, region="eu"), use(3, 15, region="us"))
    assert ["2.5", "7.5"] == amounts(lines)


def test_children_are_rated_by_themselves_or_in_one_pool():
    tiers = [{"up_to": "10", "unit_price": "2"}, {"unit_price": "1"}]
    made = charge("c", "graduated", version({"tiers": tiers}), meter="calls", zero_usage="skip")
    events = [use(2, 8, subject="labs"), use(3, 4, subject="shop")]
    separate = rated(book_of([made], children="separate"), *events)
    assert [("labs", 16), ("shop", 8)] == [(line.child, line.amount) for line in separate]
    # The pool of 12 costs 22, shared 8 to 4.
    pooled = rated(book_of([made], children="pooled"), *events)
    assert [("labs", Fraction("14.67")), ("shop", Fraction("7.33"))] == [
        (line.child, line.amount) for line in pooled
    ]
    _lines, exceptions = rate(book_of([made]), events, until=UNTIL)
    assert Counter(no_contract=2) == exceptions


def test_what_has_no_amount_has_a_code():
    made = charge("c", "graduated", version({"tiers": [{"unit_price": "1"}]}), meter="spend")
    (line,) = rated(book_of([made]), use(2, -1))
    assert "negative_quantity" == line.code
    refused = charge("c", "per_unit", version({"unit_price": "1"}), meter="calls")
    (line,) = rated(book_of([refused]), use(2, -1), use(3, 5))
    assert "negative_quantity" == line.code
    (line,) = rated(book_of([made], currency_code="EUR"), use(2, 1))
    assert "missing_price" == line.code
    price = {"prices": [{"match": {"region": "eu"}, "unit_price": "2"}]}
    by_region = charge("c", "dimensional", version(price), meter="by_region")
    lines = rated(book_of([by_region]), use(2, 1, region="eu"), use(3, 1, region="us"))
    assert [None, "unpriced_dimension"] == [line.code for line in lines]


def test_a_contradiction_holds_the_cell_and_a_repeat_does_not():
    made = charge("c", "per_unit", version({"unit_price": "1"}), meter="calls")
    (line,) = rated(book_of([made]), use(2, 1, name="x"), use(2, 2, name="x"), use(3, 4))
    assert "conflicting_events" == line.code
    assert ["5"] == amounts(
        rated(book_of([made]), use(2, 1, name="x"), use(2, 1, name="x"), use(3, 4))
    )


def test_free_events_go_on_over_a_new_price():
    price = {"rate": "0.1", "free_events": 2}
    later = {"rate": "0.2", "free_events": 2}
    made = charge(
        "c",
        "percentage",
        version(price),
        version(later, since="2026-09-16"),
        meter="calls",
    )
    events = [use(2, 10), use(17, 20), use(18, 30)]
    assert ["0", "6"] == amounts(rated(book_of([made]), *events))


def test_seats_that_come_and_go_are_paid_by_the_day():
    made = charge("c", "seats", version({"unit_price": "30"}), meter="seat_days")
    # Ten seats for the whole month; then ten for 10 days and 4 for 20: 300 * 10/30 + 120 * 20/30.
    assert ["300"] == amounts(rated(book_of([made]), use(1, 10)))
    assert ["180"] == amounts(rated(book_of([made]), use(1, 10), use(11, 4)))


def test_the_lines_say_their_cell_and_their_service_period():
    made = charge("c", "per_unit", version({"unit_price": "1"}), meter="calls")
    (line,) = rated(book_of([made], time_zone="Asia/Kolkata", start_date="2026-09-03"), use(4, 1))
    assert (date(2026, 9, 1), datetime(2026, 9, 2, 18, 30, tzinfo=UTC)) == (line.cell, line.start)
    assert datetime(2026, 9, 30, 18, 30, tzinfo=UTC) == line.end
