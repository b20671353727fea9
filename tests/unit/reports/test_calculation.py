"""A line as a calculation: steps with their units, tiers with their prices, and its amount."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from explained_line import (
    CONVERTED,
    DOCUMENT,
    ENTRY,
    EXCEPTION,
    LAST_TIER,
    LINE,
    STEPS,
    TIER,
    explained,
    part,
    printed,
)

from orchestration.cli_answers import plain
from orchestration.reports.explanation import LineExplanation


def test_the_quantity_is_followed_from_its_events_to_what_is_priced() -> None:
    assert [
        "quantity 5,625,567 tokens sum over 1,311 events",
        f"converted 5.625567 \u00d7 1M tokens {CONVERTED}",
        "free 0.5 \u00d7 1M tokens the first ones of every cell",
        "priced 5.125567 \u00d7 1M tokens what is left",
    ] == part(explained(), "How much is priced")


def test_each_tier_stands_with_its_bounds_its_price_and_its_exact_amount() -> None:
    assert [
        "price per flat amount before",
        "tier above up to quantity 1M tokens amount rounding",
        "1 0 5 5 2.00 0.00 10.00",
        "2 5 no limit 0.125567 1.60 0.3018268 0.502734",
    ] == [line for line in part(explained(), "At which prices (USD)") if "\u2500" not in line]


def test_the_amount_has_its_currency_and_says_how_it_was_rounded() -> None:
    assert [
        "before rounding USD 10.502734 sum of its tiers",
        "amount USD 10.50 rounded once, half away from zero, to 2 decimals",
    ] == part(explained(), "What it comes to")


def test_yen_have_no_decimals_and_keep_their_thousands_apart() -> None:
    steps = STEPS | {"amount_unrounded": "1234567.4", "amount": "1234567", "minor_unit": 0}
    yen = explained(line=LINE | {"currency_code": "JPY"}, derivation=steps)

    assert [
        "before rounding JPY 1,234,567.4 sum of its tiers",
        "amount JPY 1,234,567 rounded once, half away from zero, to 0 decimals",
    ] == part(yen, "What it comes to")


def test_what_is_neither_converted_nor_free_has_one_quantity() -> None:
    steps = STEPS | {
        "convert_divide": "1",
        "converted_quantity": "5625567",
        "free_quantity": "0",
        "priced_quantity": "5625567",
    }

    assert ["quantity 5,625,567 tokens sum over 1,311 events"] == part(
        explained(derivation=steps), "How much is priced"
    )


def test_a_rounded_conversion_says_how() -> None:
    steps = STEPS | {
        "convert_multiply": "2",
        "convert_rounding": "up",
        "convert_decimals": 1,
        "free_quantity": "0",
        "priced_quantity": "5.625567",
    }

    assert (
        "times 2, divided by 1,000,000, rounded up to 1 decimals"
        in (part(explained(derivation=steps), "How much is priced")[1])
    )


def test_packages_are_counted_after_free_units() -> None:
    steps = STEPS | {
        "aggregation": "count",
        "unit": "call",
        "unit_plural": "calls",
        "unit_label_plural": "calls",
        "quantity": "1320",
        "convert_divide": "1",
        "converted_quantity": "1320",
        "free_quantity": "500",
        "package_size": "1000",
        "priced_quantity": "1",
    }
    line = LINE | {"charge_model": "package", "unit_label": "call"}

    assert [
        "quantity 1,320 calls number of 1,311 events",
        "free 500 calls the first ones of every cell",
        "packages 1 of 1,000 calls each",
    ] == part(explained(line=line, derivation=steps), "How much is priced")


def test_packages_of_tiers_say_where_they_are_counted() -> None:
    steps = STEPS | {
        "convert_divide": "1",
        "converted_quantity": "5001",
        "free_quantity": "0",
        "package_size": "1000",
        "package_counting": "per_tier",
        "priced_quantity": "5001",
        "unit_label_plural": "calls",
    }
    line = LINE | {"charge_model": "package", "unit_label": "call"}

    assert "priced 5,001 calls in packages of 1,000 calls, tier by tier" in (
        part(explained(line=line, derivation=steps), "How much is priced")
    )


def test_seats_are_divided_by_the_length_of_the_period() -> None:
    steps = STEPS | {
        "unit": "seat-day",
        "unit_plural": "seat-days",
        "unit_label_plural": "seats",
        "quantity": "295",
        "convert_divide": "1",
        "converted_quantity": "9.516129032",
        "free_quantity": "0",
        "period_length": 31,
        "priced_quantity": "9.516129032",
    }
    line = LINE | {"charge_model": "seats", "unit_label": "seat"}

    assert (
        "converted 9.516129032 seats divided by the 31 seat-days of one seat in the full period, "
        "shown to nine decimals, priced exactly"
        in " ".join(part(explained(line=line, derivation=steps), "How much is priced"))
    )


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"free_events": 10}, "free 10 events the first ones of every cell"),
        ({"free_amount": "1000"}, "free USD 1,000.00 the first of every cell, event by event"),
    ],
)
def test_a_percentage_says_its_rate_and_what_is_free(terms: dict[str, Any], said: str) -> None:
    steps = STEPS | terms | {"convert_rounding": "half_even", "convert_decimals": 2}
    line = LINE | {"charge_model": "percentage"}
    explanation = explained(line=line, derivation=steps, tiers=(TIER,))

    quantity = part(explanation, "How much is priced")
    assert said in quantity
    assert "rounded half to even to 2 decimals" in quantity[1]
    assert any("rate" in row for row in part(explanation, "At which prices (USD)"))


def rows_of_prices(explanation: LineExplanation) -> list[str]:
    return [line for line in part(explanation, "At which prices (USD)") if "\u2500" not in line]


def test_a_part_of_a_fee_says_its_share_of_time() -> None:
    fee = explained(
        line=LINE | {"charge_model": "flat", "unit_label": "fee"},
        derivation=STEPS | {"share_units": 20, "share_of_units": 30},
        tiers=(
            TIER
            | {
                "unit_price": Decimal(0),
                "flat_amount": Decimal(300),
                "amount_unrounded": Decimal(200),
            },
        ),
    )

    assert ["quantity 1 a fee once per billing period"] == part(fee, "How much is priced")
    assert [
        "share amount before",
        "fee of time rounding",
        "300.00 20 of 30 days 200.00",
    ] == rows_of_prices(fee)
    assert "before rounding USD 10.502734 as above" == part(fee, "What it comes to")[0]


def test_a_level_says_its_share_of_time_beside_each_tier() -> None:
    level = explained(derivation=STEPS | {"share_units": 20, "share_of_units": 30})

    assert "1 0 5 5 2.00 0.00 20 of 30 days 10.00" == rows_of_prices(level)[2]


EVENTS = {"quantity": Decimal(0), "unit_price": Decimal(0)}


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"minimum_per_event": "0.50"}, "raised to USD 0.50 each 0 1.50 0.502734"),
        ({"maximum_per_event": "5"}, "lowered to USD 5.00 each 0 1.50 0.502734"),
        (
            {"minimum_per_event": "0.50", "maximum_per_event": "5"},
            "raised to USD 0.50 each 0 1.50 0.502734",
        ),
    ],
)
def test_events_at_a_bound_are_no_tier_and_pay_no_rate(bounds: dict[str, Any], said: str) -> None:
    raised = explained(
        line=LINE | {"charge_model": "percentage"},
        derivation=STEPS | bounds,
        tiers=(
            TIER | {"unit_price": Decimal("0.029")},
            LAST_TIER | EVENTS | {"flat_amount": Decimal("1.5")},
        ),
    )

    assert ["at the rate 5 2.9 % 0.00 10.00", said] == rows_of_prices(raised)[2:]
    assert "sum of its events" in part(raised, "What it comes to")[0]


@pytest.mark.parametrize(
    ("model", "price", "said"),
    [
        ("graduated_percentage", "0.029", "1 0 5 5 2.9 % 0.00 10.00"),
        ("cost_plus", "1.200", "1 0 5 5 1.2 0.00 10.00"),
        ("per_unit", "1.200", "1 0 5 5 1.20 0.00 10.00"),
    ],
)
def test_a_rate_is_a_percentage_and_a_multiplier_no_money(
    model: str, price: str, said: str
) -> None:
    tier = TIER | {"unit_price": Decimal(price)}
    priced = explained(line=LINE | {"charge_model": model}, tiers=(tier,))

    assert said == rows_of_prices(priced)[-1]


def test_a_line_without_tiers_has_no_sum_of_them() -> None:
    assert "before rounding USD 10.502734 nothing is priced" in (
        part(explained(tiers=()), "What it comes to")
    )


@pytest.mark.parametrize(
    ("weighed_by", "said"),
    [("usage", "7.5 of 20 tokens"), ("time", "7.5 of 20 days")],
)
def test_a_line_of_a_run_that_was_cut_says_its_part_of_it(weighed_by: str, said: str) -> None:
    cut = {"line_weight": "7.5", "run_weight": "20", "weighed_by": weighed_by}

    assert (
        f"part {said} what was priced together, of which this line has its part; "
        "all above is that part"
    ) == part(explained(derivation=STEPS | cut), "What it comes to")[0]


def test_one_unit_is_one() -> None:
    once = explained(derivation=STEPS | {"quantity": "1"})

    assert "quantity 1 token sum over 1,311 events" == part(once, "How much is priced")[0]


def test_one_event_is_one() -> None:
    once = explained(line=LINE | {"event_count": 1})

    assert "quantity 5,625,567 tokens sum over 1 event" == part(once, "How much is priced")[0]


def test_included_units_stand_between_conversion_and_free_units() -> None:
    names = [
        line.split()[0]
        for line in part(
            explained(derivation=STEPS | {"included_quantity": "1.5"}), "How much is priced"
        )
    ]

    assert ["quantity", "converted", "included", "free", "priced"] == names


@pytest.mark.parametrize(
    ("counting", "said"),
    [
        ({"aggregation": "min"}, "smallest of 1,311 events"),
        ({"aggregation": "avg"}, "average of 1,311 events"),
        ({"aggregation": "percentile", "percentile": "95"}, "percentile 95 of 1,311 events"),
        ({"aggregation": "weighted_sum"}, "levels times how long they held, of 1,311 events"),
        (
            {"aggregation": "max", "window_unit": "day", "window_aggregation": "avg"},
            "average over each day's largest of 1,311 events",
        ),
    ],
)
def test_every_way_of_counting_has_words(counting: dict[str, Any], said: str) -> None:
    quantity = part(explained(derivation=STEPS | counting), "How much is priced")[0]

    assert quantity == f"quantity 5,625,567 tokens {said}"


def test_the_events_of_a_line_are_counted_with_first_last_and_digest() -> None:
    facts = part(explained(), "What it is")

    assert "events 1,311, from 2026-10-01 08:00:00 to 2026-10-31 09:30:00 UTC" in facts
    assert "digest of its events 3 4" in facts


def test_a_segment_that_goes_on_says_what_came_before_it() -> None:
    line = part(explained(derivation=STEPS | {"quantity_before": "100"}), "How much is priced")[1]

    assert "before it 100 tokens earlier in the same cell: tiers go on from there" == line


def test_ids_stay_whole_in_a_narrow_terminal_and_brackets_are_no_markup() -> None:
    long = "0ef362bd6d06761f2dfb4aaf61ab43e3"
    text = " ".join(printed(explained(documents=(DOCUMENT | {"document_id": long},)), width=80))

    assert long in text
    assert "Acme [Labs] (cus_1)" in text


def test_as_many_events_are_named_as_were_asked_for() -> None:
    lines = printed(explained(event_ids=("/gateway e-1", "/gateway e-2")))

    assert ["The first 2 of its 1,311 events", "/gateway e-1", "/gateway e-2"] == lines[-3:]


def test_json_writes_amounts_with_their_currencys_decimals_and_keeps_a_quantitys_digits() -> None:
    steps = STEPS | {
        "tiers": [{"tier_number": 1, "quantity": "5", "unit_price": "2"}],
        "discounts": [{"name": "Loyalty", "percent": "10", "taken": "0.5"}],
    }
    explanation = explained(
        derivation=steps, exceptions=(EXCEPTION,), documents=(DOCUMENT,), signed=(ENTRY,)
    )

    found = json.loads(json.dumps(explanation.as_json(), default=plain))

    assert ("10.50", "5625567.000000000") == (found["line"]["amount"], found["line"]["quantity"])
    assert ("10.50", "10.502734") == (
        found["derivation"]["amount"],
        found["derivation"]["amount_unrounded"],
    )
    assert "2.00" == found["derivation"]["tiers"][0]["unit_price"]
    assert "0.50" == found["derivation"]["discounts"][0]["taken"]
    assert ("2.00", "0.00", "5.000000000") == tuple(
        found["tiers"][0][name] for name in ("unit_price", "flat_amount", "quantity")
    )
    assert "10.50" == found["exceptions"][0]["amount_at_risk"]
    assert ("10.50", "0.00") == (
        found["documents"][0]["amount"],
        found["documents"][0]["billed_amount_before"],
    )
    assert ("10.50", "posted") == (
        found["signed"][0]["amount"],
        found["signed"][0]["posting_state"],
    )


def test_a_dollars_line_in_yen_has_no_decimals_in_json() -> None:
    yen = replace(explained(), line=LINE | {"currency_code": "JPY", "amount": Decimal("5085.0000")})

    assert "5085" == yen.as_json()["line"]["amount"]
