"""A line as a calculation: steps with their units, the amount with its currency, its standing."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from orchestration.cli_answers import plain
from orchestration.reports.calculation import print_explanation, standing
from orchestration.reports.explanation import LineExplanation

SIGNED_AT = datetime(2026, 11, 3, 9, 51, 6, tzinfo=UTC).replace(tzinfo=None)
LINE: dict[str, Any] = {
    "rated_line_id": "line-1",
    "settlement_key": "key-1",
    "description": "Output tokens, 1\u201331 Oct 2026: 5,625,567 tokens at USD 2.00 per 1M tokens",
    "customer_id": "cus_1",
    "customer_name": "Acme [Labs]",
    "bill_to_customer_id": "cus_1",
    "legal_entity_id": "us_inc",
    "contract_id": "con_1",
    "contract_version": 1,
    "charge_id": "tokens",
    "charge_name": "Output tokens",
    "charge_model": "graduated",
    "charge_price_id": "plan/tokens/2025-01-01",
    "reference_version": "0123456789abcdef",
    "service_start_at": datetime(2026, 10, 1, tzinfo=UTC).replace(tzinfo=None),
    "service_end_at": datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None),
    "billing_period": "2026-10",
    "unit_label": "1M tokens",
    "currency_code": "USD",
    "is_due": True,
    "rating_status": "amount",
    "exception_code": None,
    "event_count": 1_311,
    "amount": Decimal("10.5000"),
    "quantity": Decimal("5625567.000000000"),
    "first_event_at": datetime(2026, 10, 1, 8, tzinfo=UTC).replace(tzinfo=None),
    "last_event_at": datetime(2026, 10, 31, 9, 30, tzinfo=UTC).replace(tzinfo=None),
    "segment_start_date": date(2026, 10, 1),
    "digest_sum_1": Decimal(3),
    "digest_sum_2": Decimal(4),
}
STEPS: dict[str, Any] = {
    "quantity": "5625567",
    "unit": "token",
    "unit_plural": "tokens",
    "unit_label_plural": "1M tokens",
    "aggregation": "sum",
    "quantity_before": None,
    "convert_multiply": "1",
    "convert_divide": "1000000",
    "convert_rounding": "none",
    "convert_decimals": 9,
    "converted_quantity": "5.625567",
    "free_quantity": "0.5",
    "package_size": None,
    "priced_quantity": "5.125567",
    "share_units": 1,
    "share_of_units": 1,
    "share_unit": "days",
    "line_weight": "1",
    "run_weight": "1",
    "weighed_by": None,
    "discounts": [],
    "gross_amount": "10.502734",
    "above_maximum_amount": "0",
    "amount_unrounded": "10.502734",
    "rounding_mode": "half_away",
    "minor_unit": 2,
    "amount": "10.5",
}
TIER: dict[str, Any] = {
    "tier_number": 1,
    "lower_quantity": Decimal("0.000000000"),
    "upper_quantity": Decimal("5.000000000"),
    "quantity": Decimal("5.000000000"),
    "unit_price": Decimal("2.000000000000"),
    "flat_amount": Decimal("0.000000000000"),
    "amount_unrounded": Decimal("10.000000000000"),
}
LAST_TIER = TIER | {
    "tier_number": 2,
    "lower_quantity": Decimal("5.000000000"),
    "upper_quantity": None,
    "quantity": Decimal("0.125567000"),
    "unit_price": Decimal("1.600000000000"),
    "flat_amount": Decimal("0.301826800000"),
    "amount_unrounded": Decimal("0.502734000000"),
}
EXCEPTION = {
    "exception_code": "conflicting_events",
    "steward": "integration",
    "amount_at_risk": Decimal("10.5000"),
    "currency_code": "USD",
    "what_to_do": "Have the source send the right one anew.",
}
DOCUMENT = {
    "document_id": "doc-1",
    "line_number": 3,
    "rated_line_id": "line-1",
    "cause": "new",
    "rated_amount": Decimal("10.5000"),
    "billed_amount_before": Decimal("0.0000"),
    "amount": Decimal("10.5000"),
    "currency_code": "USD",
    "credit_grant_id": None,
}
ENTRY = {
    "register_sequence": 6,
    "document_id": "doc-1",
    "line_number": 3,
    "rated_line_id": "line-1",
    "entry_kind": "bill",
    "amount": Decimal("10.5000"),
    "currency_code": "USD",
    "signer": "olivia",
    "signed_at": SIGNED_AT,
    "posting_key": "U1",
    "revision_id": "us_inc:2026-10:r1",
    "posting_state": "posted",
    "document_number": "INV-1",
    "credit_grant_id": None,
}
LEFT_OUT = {
    "revision_id": "us_inc:2026-10:r1",
    "document_id": "doc-1",
    "line_number": 3,
    "amount": Decimal("10.5000"),
    "currency_code": "USD",
    "signer": "olivia",
    "reason": "The customer disputes it.",
}
CONVERTED = "divided by 1,000,000, shown to nine decimals, priced exactly"
SIGNATURE = (
    "USD 10.50 (bill) on line 3 of document doc-1, revision us_inc:2026-10:r1, by olivia at "
    "2026-11-03 09:51 UTC, register commit 6."
)


def explained(**changes: Any) -> LineExplanation:
    given: dict[str, Any] = {
        "line": LINE,
        "derivation": STEPS | {"tiers": []},
        "tiers": (TIER, LAST_TIER),
        "exceptions": (),
        "holding_lines": (),
        "documents": (),
        "held_back": (),
        "signed": (),
        "event_ids": (),
    }
    return LineExplanation(**given | changes)


def printed(explanation: LineExplanation, *, width: int = 120) -> list[str]:
    page = StringIO()
    print_explanation(Console(file=page, width=width), explanation)
    return [" ".join(line.split()) for line in page.getvalue().splitlines()]


def part(explanation: LineExplanation, title: str) -> list[str]:
    """The lines below a title, up to the blank line after them."""
    lines = printed(explanation)
    start = lines.index(title) + 1
    return lines[start : lines.index("", start)]


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


def test_each_discount_says_its_term_its_rate_or_amount_and_what_it_took() -> None:
    percent = {"term_id": "d", "name": "Loyalty [10]", "percent": "10", "amount": None}
    amount = {"term_id": "w", "name": "Welcome", "percent": None, "amount": "3"}
    steps = STEPS | {
        "gross_amount": "40",
        "discounts": [percent | {"taken": "4"}, amount | {"taken": "1.25"}],
        "above_maximum_amount": "14.75",
        "amount_unrounded": "20",
        "amount": "20",
    }

    assert [
        "price USD 40.00 sum of its tiers",
        "Loyalty [10] USD -4.00 10 % of what was left",
        "Welcome USD -1.25 its part of USD 3.00 off the lines that it covers",
        "above the maximum USD -14.75 of the charge in the cell",
        "before rounding USD 20.00 what is left",
        "amount USD 20.00 rounded once, half away from zero, to 2 decimals",
    ] == part(explained(derivation=steps), "What it comes to")
    assert "discounts" in part(explained(derivation=steps), "At which prices (USD)")[1].split()


TERM = {
    "line_kind": "true_up",
    "term_id": "promise",
    "term_name": "Promise",
    "threshold_amount": "100",
    "covered_amount": "20",
    "overage_factor": None,
    "amount_unrounded": "80",
    "amount": "80",
    "exception_code": None,
}
COVERED = "covered USD 20.00 what the lines that it looks at come to"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"line_kind": "minimum"},
            [
                COVERED,
                "minimum USD 100.00 of the charge in the cell",
                "amount USD 80.00 what is missing",
            ],
        ),
        (
            {},
            [
                COVERED,
                "commitment USD 100.00 of the contract",
                "amount USD 80.00 what is missing",
            ],
        ),
        (
            {"line_kind": "overage", "overage_factor": "1.5", "covered_amount": None},
            [
                "covered unknown what the lines that it looks at come to",
                "commitment USD 100.00 of the contract",
                "factor 1.5 of its price costs what lies above; the price itself is billed",
                "amount USD 80.00 what lies above, times the factor less one",
            ],
        ),
        (
            {"line_kind": "cap", "amount": "-80"},
            [
                COVERED,
                "maximum USD 100.00 of the contract",
                "amount USD -80.00 what lies above, taken off",
            ],
        ),
        ({"line_kind": "one_off"}, ["amount USD 80.00 once, on 2026-10-01"]),
        (
            {"amount": None, "exception_code": "depends_on_held"},
            [
                COVERED,
                "commitment USD 100.00 of the contract",
                "amount unknown cannot be computed: depends on held",
            ],
        ),
    ],
)
def test_a_line_of_a_term_says_what_it_looked_at(changes: dict[str, Any], said: list[str]) -> None:
    line = LINE | {"event_count": 0, "exception_code": changes.get("exception_code")}
    explanation = explained(line=line, derivation=TERM | changes, tiers=())

    assert said == part(explanation, "What it comes to")
    assert "How much is priced" not in printed(explanation)


def test_the_events_of_a_line_are_counted_with_first_last_and_digest() -> None:
    facts = part(explained(), "What it is")

    assert "events 1,311, from 2026-10-01 08:00:00 to 2026-10-31 09:30:00 UTC" in facts
    assert "digest of its events 3 4" in facts


def test_a_segment_that_goes_on_says_what_came_before_it() -> None:
    line = part(explained(derivation=STEPS | {"quantity_before": "100"}), "How much is priced")[1]

    assert "before it 100 tokens earlier in the same cell: tiers go on from there" == line


def test_a_held_line_says_by_what_and_that_it_is_not_billed() -> None:
    held = explained(
        line=LINE | {"rating_status": "unknown", "exception_code": "conflicting_events"},
        exceptions=(EXCEPTION,),
    )

    assert "HELD" == standing(held)[0][0]
    assert standing(held)[0][1] == (
        "Not billed, because of conflicting events. All lines of its settlement key would come to "
        "USD 10.50. Have the source send the right one anew. (Steward: integration.)"
    )
    assert " ".join(part(held, "What it comes to")).endswith(
        "to 2 decimals; of this line alone, HELD and not billed"
    )


HOLDER = {
    "rated_line_id": "line-9",
    "charge_name": "API calls",
    "exception_code": "conflicting_events",
    "service_start_at": SIGNED_AT,
}


@pytest.mark.parametrize(
    ("holders", "said"),
    [
        ([HOLDER], "Held in the contract at that time: line-9 (API calls: conflicting events). ("),
        ([HOLDER] * 5, "line-9 (API calls: conflicting events); 2 more. ("),
        ([], "Have the source send the right one anew. ("),
    ],
)
def test_a_line_that_others_hold_names_them(holders: list[dict[str, Any]], said: str) -> None:
    exception = EXCEPTION | {"exception_code": "depends_on_held"}
    dependent = explained(exceptions=(exception,), holding_lines=tuple(holders))

    assert f"{said}Steward: integration.)" in standing(dependent)[0][1]
    assert "line-9" not in standing(explained(exceptions=(EXCEPTION,)))[0][1]


def test_a_line_without_a_price_has_no_amount_and_says_why() -> None:
    unpriced = explained(
        line=LINE | {"rating_status": "unknown", "exception_code": "missing_price"},
        derivation=STEPS
        | {
            "convert_divide": None,
            "convert_multiply": None,
            "convert_rounding": None,
            "converted_quantity": None,
            "free_quantity": None,
            "priced_quantity": "0",
            "amount_unrounded": None,
            "amount": None,
            "rounding_mode": None,
        },
        tiers=(),
        exceptions=(EXCEPTION | {"exception_code": "missing_price", "amount_at_risk": None},),
    )

    assert (
        "because of missing price. All lines of its settlement key would come to unknown."
        in standing(unpriced)[0][1]
    )
    assert ["amount unknown cannot be computed: missing price"] == part(
        unpriced, "What it comes to"
    )
    assert ["quantity 5,625,567 tokens sum over 1,311 events"] == part(
        unpriced, "How much is priced"
    )


def test_a_candidate_is_on_a_document_that_waits() -> None:
    assert [
        (
            "ON A DOCUMENT",
            (
                "USD 10.50 (billed for the first time) on line 3 of document doc-1, which waits "
                "for a signature."
            ),
        )
    ] == standing(explained(documents=(DOCUMENT,)))


def test_a_signed_line_says_by_whom_and_where_the_erp_has_it() -> None:
    assert [("SIGNED", SIGNATURE), ("POSTED", "In the ERP as INV-1, key U1.")] == standing(
        explained(signed=(ENTRY,))
    )


def test_what_credit_pays_of_a_line_is_said_by_grant_before_and_after_the_signature() -> None:
    draw = {"credit_grant_id": "g1", "amount": Decimal("-4.0000"), "line_number": 9}
    paid = "USD 4.00 of its settlement key by grant g1, on line 9 of document doc-1"

    assert [
        ("PAID BY CREDIT", f"{paid}, which waits for a signature."),
        ("PAID BY CREDIT", f"{paid}, signed by olivia, register commit 6."),
    ] == standing(explained(documents=(DOCUMENT | draw,), signed=(ENTRY | draw,)))


@pytest.mark.parametrize(
    ("state", "said"),
    [(None, "not planned yet"), ("planned", "planned"), ("rejected", "rejected")],
)
def test_a_signed_line_that_is_not_posted_says_so(state: str | None, said: str) -> None:
    entry = ENTRY | {"posting_state": state, "document_number": None}

    assert [
        ("SIGNED", SIGNATURE),
        ("NOT IN THE ERP", f"Its posting is {said}, key U1."),
    ] == standing(explained(signed=(entry,)))


def test_an_entry_of_another_line_of_the_same_key_is_not_taken_for_this_ones() -> None:
    [(_, details), _] = standing(explained(signed=(ENTRY | {"rated_line_id": "line-2"},)))

    assert "document doc-1 for line line-2 of the same settlement key, revision" in details


def test_a_line_that_a_signature_left_out_says_who_and_why() -> None:
    assert [
        "ON A DOCUMENT",
        "LEFT OUT",
    ] == [state for state, _ in standing(explained(documents=(DOCUMENT,), held_back=(LEFT_OUT,)))]
    assert (
        "USD 10.50: olivia left document doc-1 out of the signature of us_inc:2026-10:r1, because: "
        "The customer disputes it."
    ) == standing(explained(held_back=(LEFT_OUT,)))[0][1]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"is_due": False, "rating_status": "amount"}, "not due yet"),
        ({"is_due": False, "rating_status": "proven_zero"}, "not due yet"),
        ({"rating_status": "proven_zero"}, "nothing to bill"),
        ({}, "on no document"),
    ],
)
def test_a_line_on_no_document_says_why(changes: dict[str, Any], state: str) -> None:
    assert [state] == [each for each, _ in standing(explained(line=LINE | changes))]


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
