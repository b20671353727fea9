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
