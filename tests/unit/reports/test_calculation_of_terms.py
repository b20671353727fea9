"""How a person reads what discounts and contract terms make of a line."""

from typing import Any

import pytest
from explained_line import (
    LINE,
    STEPS,
    explained,
    part,
    printed,
)


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
    "shared_amount": None,
    "weighed_by": None,
    "line_weight": None,
    "run_weight": None,
    "amount_unrounded": "80",
    "amount": "80",
    "exception_code": None,
}
PART_OF_TIME = {"shared_amount": "80", "weighed_by": "time", "amount": "26.67"}
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
        (
            {
                "line_kind": "cap",
                "shared_amount": "-80",
                "weighed_by": "money",
                "line_weight": "1050.5",
                "run_weight": "4000",
                "amount": "-21.01",
            },
            [
                COVERED,
                "maximum USD 100.00 of the contract",
                "in all USD -80.00 what lies above, taken off",
                "part USD 1,050.50 of USD 4,000.00 what is billed here of what it covers",
                "amount USD -21.01 that part of it, by largest remainder",
            ],
        ),
        (
            PART_OF_TIME | {"line_weight": "864000", "run_weight": "2592000"},
            [
                COVERED,
                "commitment USD 100.00 of the contract",
                "in all USD 80.00 what is missing",
                "part 10 of 30 days of its time, billed here",
                "amount USD 26.67 that part of it, by largest remainder",
            ],
        ),
        (
            PART_OF_TIME | {"line_weight": "864000", "run_weight": "2592000.5"},
            [
                COVERED,
                "commitment USD 100.00 of the contract",
                "in all USD 80.00 what is missing",
                "part 864,000 of 2,592,000.5 seconds of its time, billed here",
                "amount USD 26.67 that part of it, by largest remainder",
            ],
        ),
        (
            {"shared_amount": "0", "weighed_by": "money", "line_kind": "cap", "amount": "0"},
            [
                COVERED,
                "maximum USD 100.00 of the contract",
                "amount USD 0.00 what lies above, taken off",
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
