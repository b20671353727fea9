"""Sums over customers who are known on both sides agree; whoever is not stands apart."""

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rated_sides import compared, events, line, tables

from orchestration.whatif.bands import BANDS


def amounts(rows, *columns):
    """Both sides by some columns."""
    return {
        tuple(row[name] for name in columns): (row["before_amount"], row["after_amount"])
        for row in rows.to_pylist()
    }


def apart(comparison):
    return {
        (row["customer_id"], row["currency_code"]): row["apart_because"]
        for row in comparison.apart.to_pylist()
    }


def bands(comparison):
    return {
        (row["currency_code"], BANDS[row["band_number"] - 1]): row["customer_count"]
        for row in comparison.distribution.to_pylist()
        if row["customer_count"]
    }


def test_a_customer_who_changes_plan_is_less_of_one_and_more_of_the_other():
    comparison = compared([line("a", "10", plan="old")], [line("a", "12", plan="later")])
    assert {
        ("USD", "old"): (Decimal(10), Decimal(0)),
        ("USD", "later"): (Decimal(0), Decimal(12)),
    } == amounts(comparison.plans, "currency_code", "plan_id")
    assert {("USD",): (Decimal(10), Decimal(12))} == amounts(comparison.totals, "currency_code")
    assert {("USD", "10 to 25 % more"): 1} == bands(comparison)


def test_currencies_are_never_added_up_and_one_may_be_on_one_side_only():
    comparison = compared(
        [line("a", "10"), line("b", "1000", "JPY")],
        [line("a", "10"), line("b", "1100", "JPY"), line("c", "5", "EUR")],
    )
    assert {
        ("EUR",): (Decimal(0), Decimal(5)),
        ("JPY",): (Decimal(1000), Decimal(1100)),
        ("USD",): (Decimal(10), Decimal(10)),
    } == amounts(comparison.totals, "currency_code")
    assert {("EUR", "from nothing"): 1, ("JPY", "5 to 10 % more"): 1, ("USD", "the same"): 1} == (
        bands(comparison)
    )


@pytest.mark.parametrize(
    ("before", "after", "because"),
    [
        (1, 1, "unknown_in_both"),
        (1, 0, "unknown_now"),
        (0, 1, "unknown_in_scenario"),
    ],
)
def test_whoever_has_an_unknown_line_stands_apart_in_every_currency(before, after, because):
    comparison = compared(
        [line("a", "10", unknown=before, codes=["missing_price"] * before), line("a", "9", "EUR")],
        [line("a", "0", unknown=after, codes=["missing_price"] * after), line("a", "9", "EUR")],
    )
    assert {("a", "USD"): because, ("a", "EUR"): because} == apart(comparison)
    assert [] == comparison.customers.to_pylist() + comparison.losses.to_pylist()
    [eur, usd] = comparison.totals.to_pylist()
    assert (0, Decimal(0), None) == (
        usd["customer_count"],
        usd["difference_amount"],
        usd["change_percent"],
    )
    assert (1, Decimal(10), Decimal(9)) == (
        usd["apart_customer_count"],
        usd["apart_before_amount"],
        eur["apart_before_amount"],
    )


def test_exception_codes_of_both_sides_are_named_once():
    comparison = compared(
        [line("a", "1", unknown=1, codes=["missing_price", "amount_overflow"])],
        [line("a", "1", unknown=1, codes=["missing_price"])],
    )
    assert ["amount_overflow missing_price"] == comparison.apart["exception_codes"].to_pylist()


def test_a_customer_without_a_line_after_is_no_loss():
    comparison = compared([line("a", "10"), line("b", "3")], [line("b", "2")])
    assert {("a", "USD"): "not_in_scenario"} == apart(comparison)
    assert ["b"] == comparison.losses["customer_id"].to_pylist()


def test_a_customer_without_a_line_before_is_a_gain():
    comparison = compared([line("b", "3")], [line("b", "3"), line("a", "10")])
    assert {} == apart(comparison)
    assert ["a"] == comparison.gains["customer_id"].to_pylist()


def test_another_currency_is_in_every_sum_and_neither_a_gain_nor_a_loss():
    comparison = compared([line("a", "10")], [line("a", "9", "EUR")])
    assert {} == apart(comparison)
    assert {("USD", "another currency"): 1, ("EUR", "another currency"): 1} == bands(comparison)
    assert 0 == comparison.gains.num_rows + comparison.losses.num_rows
    assert {("USD",): (Decimal(10), Decimal(0)), ("EUR",): (Decimal(0), Decimal(9))} == amounts(
        comparison.totals, "currency_code"
    )


def test_a_customer_who_gets_a_currency_beside_the_one_before_gains_in_it():
    comparison = compared([line("a", "10")], [line("a", "10"), line("a", "9", "EUR")])
    assert {("USD", "the same"): 1, ("EUR", "from nothing"): 1} == bands(comparison)


def test_usage_that_is_rated_before_and_not_after_stands_apart():
    comparison = compared(
        [line("a", "10"), events("a", 5), line("b", "10"), events("b", 5)],
        [line("a", "4"), events("a", 4), line("b", "4"), events("b", 6)],
    )
    assert {("a", "USD"): "usage_not_rated"} == apart(comparison)
    assert ["b"] == comparison.losses["customer_id"].to_pylist()


def test_usage_of_a_meter_that_is_no_more_is_missed_by_nobody():
    comparison = compared(
        [line("a", "10"), events("a", 5, "old")],
        [line("a", "4"), events("a", 4, "later")],
        other=tables(meters=["later"]),
    )
    assert {} == apart(comparison)


def test_a_customer_keeps_the_segment_of_today_and_one_of_the_scenario_alone_has_its_own():
    comparison = compared(
        [line("a", "10")],
        [line("a", "11"), line("b", "5"), line("c", "1")],
        current=tables(segments={"a": "small"}),
        other=tables(segments={"a": "large", "b": "large"}),
    )
    assert {
        ("small",): (Decimal(10), Decimal(11)),
        ("large",): (Decimal(0), Decimal(5)),
        ("",): (Decimal(0), Decimal(1)),
    } == amounts(comparison.segments, "segment")


def test_the_largest_changes_come_first_and_ten_of_each_currency_are_shown():
    before = [line(f"c{number:02}", "100") for number in range(12)]
    after = [line(f"c{number:02}", str(100 + 3 * (number % 7))) for number in range(12)]
    gains = compared(before, after).gains.to_pylist()
    assert ["c06", "c05", "c04", "c11", "c03", "c10", "c02", "c09", "c01", "c08"] == [
        row["customer_id"] for row in gains
    ]


def test_nothing_rated_on_either_side_is_an_empty_comparison():
    comparison = compared([], [])
    assert 0 == sum(
        rows.num_rows for rows in (comparison.totals, comparison.plans, comparison.distribution)
    )


LINES = st.lists(
    st.builds(
        line,
        st.sampled_from("abcde"),
        st.decimals(min_value=-1000, max_value=1000, places=2).map(str),
        st.sampled_from(["USD", "EUR"]),
        plan=st.sampled_from("pq"),
        period=st.sampled_from(["2026-08", "2026-09"]),
        unknown=st.sampled_from([0, 0, 0, 0, 1]),
    ),
    max_size=12,
)


def judged(before, after):
    """By hand: who is compared, and both sides by customer and currency."""
    sides = defaultdict(lambda: [Decimal(0), Decimal(0)])
    seen = [defaultdict(set), defaultdict(set)]
    unknown = set()
    for side, rows in enumerate((before, after)):
        for row in rows:
            customer, currency = row["customer_id"], row["currency_code"]
            sides[customer, currency][side] += row["amount"]
            seen[side][customer].add(currency)
            if row["unknown_line_count"]:
                unknown.add(customer)
    left = {
        customer
        for customer, currencies in seen[0].items()
        if currencies - seen[1][customer] and not seen[1][customer] - currencies
    }
    return {
        key: tuple(both)
        for key, both in sides.items()
        if key[0] not in unknown and key[0] not in left
    }


@settings(max_examples=40, deadline=None)
@given(before=LINES, after=LINES)
def test_all_sums_agree_and_are_those_of_the_customers_who_are_known(before, after):
    expected = judged(before, after)
    comparison = compared(before, after, current=tables(segments={"a": "s", "b": "s", "c": "t"}))
    assert expected == amounts(comparison.customers, "customer_id", "currency_code")
    by_currency = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for (_, currency), both in expected.items():
        for side in (0, 1):
            by_currency[currency][side] += both[side]
    for table in ("totals", "plans", "segments", "months", "distribution"):
        found = defaultdict(lambda: [Decimal(0), Decimal(0), Decimal(0)])
        for row in getattr(comparison, table).to_pylist():
            for place, name in enumerate(("before_amount", "after_amount", "difference_amount")):
                found[row["currency_code"]][place] += row[name]
        for currency, both in by_currency.items():
            assert [*both, both[1] - both[0]] == found.pop(currency, [0, 0, 0])
        assert not any(map(any, found.values()))
    counted = sum(row["customer_count"] for row in comparison.distribution.to_pylist())
    assert len(expected) == counted
