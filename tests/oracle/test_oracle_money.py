"""The oracle's rounding and what follows the gross, against cases worked out by hand."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from oracle_money import (
    PICO,
    Discount,
    Piece,
    Whole,
    completed,
    set_gross,
    settle,
    shared,
    take_amounts,
    whole_number,
)

DAYS = [datetime(2026, 9, day, tzinfo=UTC) for day in (1, 11, 21)]


def whole(*amounts, child="cus"):
    pieces = [
        Piece(DAYS[place], DAYS[place + 1], child, exact=Fraction(str(each)))
        for place, each in enumerate(amounts)
    ]
    set_gross([pieces])
    return Whole((), pieces)


def amounts(*wholes):
    return [piece.amount for each in wholes for piece in each.pieces]


@pytest.mark.parametrize(
    ("value", "mode", "expected"),
    [
        ("2.5", "half_away", 3),
        ("-2.5", "half_away", -3),
        ("2.5", "half_even", 2),
        ("-3.5", "half_even", -4),
        ("2.0000001", "up", 3),
        ("-2.9", "down", -2),
    ],
)
def test_rounding_modes(value, mode, expected):
    assert expected == whole_number(Fraction(value), mode)


def test_shares_go_to_the_largest_remainder_and_ties_to_the_earlier_place():
    third = [Fraction(1, 3)] * 3
    assert [4, 3, 3] == shared(10, third)
    # Each is rounded down to -4, and two of equal remainder get one back.
    assert [-3, -3, -4] == shared(-10, third)
    assert [5, 0] == shared(5, [Fraction(0), Fraction(0)])
    assert [1, 2] == completed(3, [Fraction("1.4"), Fraction("1.6")])
    assert [1, -3] == completed(-2, [Fraction("0.6"), Fraction("-2.6")])


def test_of_equal_shares_of_an_amount_the_first_place_gives_more():
    later, first = Piece(DAYS[0], DAYS[1], "cus"), Piece(DAYS[0], DAYS[1], "cus")
    later.place, first.place = (DAYS[1], "a"), (DAYS[0], "b")
    later.units = first.units = 10
    take_amounts([later, first], [Discount("amount", Fraction(7, 10**12))])
    assert [6, 7] == [first.units, later.units]


def test_a_whole_is_divided_once_and_its_pieces_sum_to_it():
    found = whole(Fraction(1, 3), Fraction(1, 3))
    units = [piece.units for piece in found.pieces]
    # 0.666666666666666… is …667; the first piece gets the unit that is missing.
    assert [333333333334, 333333333333] == units


def test_a_line_is_rounded_once_and_split_by_largest_remainder():
    found = whole("0.005", "0.005")
    assert 0 == settle([found], currency="USD")
    assert [1, 0] == amounts(found)


@pytest.mark.parametrize(("currency", "expected"), [("JPY", 1), ("USD", 50), ("KWD", 500)])
def test_currencies_have_their_minor_unit(currency, expected):
    found = whole("0.5")
    settle([found], currency=currency)
    assert [expected] == amounts(found)


def test_half_even_goes_to_the_even_cent():
    one, two = whole("0.125"), whole("0.135")
    settle([one, two], currency="USD", mode="half_even")
    assert [12, 14] == amounts(one, two)


def test_percentages_come_before_amounts_and_each_takes_of_what_is_left():
    found = whole("100")
    discounts = [
        Discount("amount", Fraction(5)),
        Discount("percent", Fraction(1, 10)),
        Discount("percent", Fraction(1, 10)),
    ]
    settle([found], currency="USD", discounts=discounts)
    assert [7600] == amounts(found)


def test_an_amount_never_goes_below_zero_and_is_shared_in_proportion():
    one, two = whole("1"), whole("3")
    settle([one, two], currency="USD", discounts=[Discount("amount", Fraction(2))])
    assert [50, 150] == amounts(one, two)
    one, two = whole("1"), whole("3")
    settle([one, two], currency="USD", discounts=[Discount("amount", Fraction(9))])
    assert [0, 0] == amounts(one, two)


def test_a_discount_covers_the_pieces_within_its_dates():
    found = whole("10", "10")
    settle([found], currency="USD", discounts=[Discount("percent", Fraction(1, 2), DAYS[1])])
    assert [1000, 500] == amounts(found)


def test_a_minimum_is_reached_exactly_by_a_line_of_its_own():
    one, two = whole("1.005"), whole("1.005")
    assert 1000 - 202 == settle([one, two], currency="USD", minimum=Fraction(10))
    assert 0 == settle([whole("10")], currency="USD", minimum=Fraction(10))


def test_lines_above_a_maximum_are_reduced_in_proportion():
    one, two = whole("10"), whole("30")
    settle([one, two], currency="USD", maximum=Fraction(20))
    assert [500, 1500] == amounts(one, two)
    assert 20 * PICO == sum(piece.units for each in (one, two) for piece in each.pieces)
