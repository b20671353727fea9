"""The oracle's charge models against cases worked out by hand."""

from fractions import Fraction

import pytest
from oracle_prices import (
    RatingError,
    billable,
    converted,
    event_fees,
    scaled,
    seats,
    tier_parts,
)

TIERS = [
    {"up_to": "10", "unit_price": "2", "flat_amount": "5"},
    {"up_to": "20", "unit_price": "1"},
    {"unit_price": "0.5", "flat_amount": "3"},
]
STEPS = [{"up_to": "10", "flat_amount": "5"}, {"flat_amount": "8"}]


def amount(model, price, quantity, **further):
    charge = {"model": model} | {
        name: further.pop(name) for name in ("packages", "package_rounding") if name in further
    }
    parts = tier_parts(charge, price, Fraction(str(quantity)), **further)
    return sum((part for _units, part in parts.values()), Fraction(0))


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("0", "5"),
        ("10", "25"),
        ("10.000000001", "25.000000001"),  # a fraction above the bound is in the second tier
        ("20", "35"),
        ("20.5", "38.25"),  # and enters the third with its flat amount: 35 + 3 + 0.25
    ],
)
def test_graduated_prices_each_unit_in_its_tier(quantity, expected):
    assert Fraction(expected) == amount("graduated", {"tiers": TIERS}, quantity)


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [("0", "5"), ("10", "25"), ("10.000000001", "10.000000001"), ("20.5", "13.25")],
)
def test_volume_prices_all_units_in_the_tier_reached(quantity, expected):
    assert Fraction(expected) == amount("volume", {"tiers": TIERS}, quantity)


@pytest.mark.parametrize(("quantity", "expected"), [("0", 5), ("10", 5), ("10.000000001", 8)])
def test_a_stairstep_is_the_flat_price_of_the_tier_reached(quantity, expected):
    assert expected == amount("stairstep", {"tiers": STEPS}, quantity)


def test_zero_usage_owes_the_first_flat_amount_only_where_it_is_due():
    for model in ("graduated", "volume"):
        assert 0 == amount(model, {"tiers": TIERS}, 0, is_due_at_zero=False)
    assert 0 == amount("stairstep", {"tiers": STEPS}, 0, is_due_at_zero=False)


def test_packages_are_begun_or_full():
    price = {"package_size": "3", "package_price": "10"}
    found = [amount("package", price, q) for q in ("0", "3", "3.000000001", "7")]
    assert [0, 10, 20, 30] == found
    assert 20 == amount("package", price, 7, package_rounding="down")


def test_packages_in_tiers_are_counted_per_tier_or_on_the_total():
    tiers = [{"up_to": "10", "package_price": "2"}, {"package_price": "1", "flat_amount": "4"}]
    price = {"package_size": "5", "tiers": tiers}
    # 11 units: per tier 2 * 2 + 1 * 1 + 4; on the total 15 units: likewise 2 packages and 1.
    assert 9 == amount("package", price, 11, packages="per_tier")
    assert 9 == amount("package", price, 11, packages="total")
    uneven = {"package_size": "4", "tiers": tiers}
    # Per tier: ceil(10/4) = 3 * 2, ceil(1/4) = 1 * 1, and 4.
    assert 11 == amount("package", uneven, 11, packages="per_tier")


def test_a_percentage_and_its_tiers():
    price = {"rate": "0.029", "fixed_amount": "0.3"}
    assert Fraction("3.5") == amount("percentage", price, 100, event_count=2)
    tiers = {"tiers": [{"up_to": "100", "rate": "0.02"}, {"rate": "0.01", "flat_amount": "1"}]}
    assert Fraction("3.5") == amount("graduated_percentage", tiers, 150)


def test_the_most_specific_match_wins_and_no_match_is_no_amount():
    price = {
        "prices": [
            {"match": {"model": "large"}, "unit_price": "2"},
            {"match": {"model": "large", "region": "eu"}, "unit_price": "3"},
        ]
    }
    large_eu = (("model", "large"), ("region", "eu"))
    assert 6 == amount("dimensional", price, 2, dimensions=large_eu)
    assert 4 == amount("dimensional", price, 2, dimensions=(("model", "large"),))
    with pytest.raises(RatingError, match="unpriced_dimension"):
        amount("dimensional", price, 2, dimensions=(("model", "small"),))
    with_default = price | {"default": {"unit_price": "1"}}
    assert 2 == amount("dimensional", with_default, 2, dimensions=(("model", "small"),))


def test_dynamic_cost_plus_and_seats():
    assert Fraction("1.5") == amount("dynamic", {}, "1.5")
    assert Fraction("1.875") == amount("cost_plus", {"multiplier": "1.25"}, "1.5")
    # Ten seats on each of thirty days.
    assert {1: (300, 70)} == seats({"unit_price": "7"}, Fraction(300), per=30)


def test_a_quantity_below_zero_is_priced_per_unit_only():
    assert -2 == amount("per_unit", {"unit_price": "2"}, -1)
    with pytest.raises(RatingError, match="negative_quantity"):
        amount("graduated", {"tiers": TIERS}, -1)


def test_a_quantity_beyond_a_closed_last_tier_has_no_amount():
    closed = {"tiers": TIERS[:2]}
    assert 35 == amount("graduated", closed, 20)
    for model in ("graduated", "volume"):
        with pytest.raises(RatingError, match="beyond_last_tier"):
            amount(model, closed, "20.000000001")


@pytest.mark.parametrize(
    ("rounding", "quantity", "expected"),
    [
        ("none", "1", Fraction(3, 7)),
        ("up", "1", Fraction("0.43")),
        ("down", "1", Fraction("0.42")),
        ("up", "-1", Fraction("-0.43")),
        ("half_up", "-1", Fraction("-0.43")),
        ("half_even", "7", Fraction(3)),
    ],
)
def test_conversions_multiply_divide_and_then_round(rounding, quantity, expected):
    convert = {"multiply": "3", "divide": "7", "rounding": rounding, "decimals": 2}
    assert expected == converted({"convert": convert}, Fraction(quantity))


def test_a_half_goes_away_from_zero_or_to_the_even_neighbour():
    for rounding, expected in (("half_up", "0.13"), ("half_even", "0.12")):
        convert = {"divide": "8", "rounding": rounding, "decimals": 2}
        assert Fraction(expected) == converted({"convert": convert}, Fraction(1))


def test_free_units_take_nothing_off_a_negative_quantity():
    found = [billable(Fraction(q), Fraction(2)) for q in (-1, 0, 2, 3)]
    assert [-1, 0, 0, 1] == found


def fees(price, *amounts, before=(0, Fraction(0))):
    figures = [Fraction(str(each)) for each in amounts]
    return event_fees({"model": "percentage"}, price, figures, before=before)


def test_the_first_events_are_wholly_free():
    price = {"rate": "0.1", "fixed_amount": "1", "free_events": 2}
    assert [0, 0, 4] == fees(price, 10, 20, 30)
    assert [0, 3, 4] == fees(price, 10, 20, 30, before=(1, Fraction(5)))


def test_an_event_pays_on_what_lies_beyond_the_free_amount():
    price = {"rate": "0.1", "fixed_amount": "1", "free_amount": "15"}
    # 10 is free; of the next 10 five pay; then all. Exactly at the bound nothing pays.
    assert [0, Fraction("1.5"), 2] == fees(price, 10, 10, 10)
    assert [0, 0, 2] == fees(price, 10, 5, 10)


def test_fees_are_raised_to_the_minimum_and_lowered_to_the_maximum_of_an_event():
    price = {"rate": "0.1", "minimum_per_event": "1", "maximum_per_event": "2"}
    assert [1, Fraction("1.5"), 2] == fees(price, 0, 15, 100)


def test_a_ladder_that_restarts_prorates_bounds_and_flat_amounts_and_no_unit_price():
    made = scaled({"tiers": TIERS}, Fraction(1, 3))
    first = made["tiers"][0]
    assert Fraction("3.333333333") == first["up_to"]
    assert Fraction("1.666666666667") == first["flat_amount"]
    assert "2" == first["unit_price"]
