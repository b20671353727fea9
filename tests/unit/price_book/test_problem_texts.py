"""What a problem says to somebody who made a usual mistake, and what is not told besides it.

Belongs here: the words of a message, and mistakes that must stay one problem. Does not belong here:
that each code is found (test_validation_codes.py).
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

CASES: list[dict[str, str]] = yaml.safe_load(
    (Path(__file__).parent / "problem_texts.yml").read_text(encoding="utf-8")
)
PLANS = "price_book/plans.yml"


@pytest.mark.parametrize("case", CASES, ids=[case["by"] for case in CASES])
def test_a_usual_mistake_is_told_in_plain_words(reference: Any, case: dict[str, str]) -> None:
    reference.replace(case["file"], case["replace"], case["by"])
    assert case["told"] in [
        f"{problem.line} {problem.code}: {problem.message}"
        for problem in reference.problems()
        if problem.path == case["file"]
    ]


@pytest.mark.parametrize(
    ("path", "old", "new", "told_codes"),
    [
        ("price_book/plans.yml", "model: package", "model: pack", ["wrong_value"]),
        ("price_book/plans.yml", "kind: allowance", "kind: allowence", ["wrong_value"]),
        ("price_book/plans.yml", "plans:", "plan:", ["unknown_field"]),
        (
            "price_book/plans.yml",
            "id: growth\n",
            "idd: growth\n",
            ["missing_field", "unknown_field"],
        ),
        ("price_book/plans.yml", "    charges:", "    charge:", ["missing_field", "unknown_field"]),
        ("price_book/plans.yml", "id: growth\n", "id: growht\n", ["unknown_plan"]),
        ("price_book/meters.yml", "unit: token\n", "unit: 5\n", ["wrong_type"]),
        ("price_book/meters.yml", "erp_item: PLAT-1", "erp_item: 1", ["wrong_type"]),
        ("price_book/meters.yml", "products:", "product:", ["unknown_field"]),
        ("contract_terms/con_1.yml", "contract_terms:", "contract_term:", ["unknown_field"]),
        ("contract_terms/con_1.yml", "kind: one_off", "kind: oneoff", ["wrong_value"]),
        ("contract_terms/con_1.yml", "    terms:", "  terms:", ["yaml_syntax"]),
    ],
)
def test_what_cannot_be_read_makes_no_reference_to_it_a_problem(
    reference: Any, path: str, old: str, new: str, told_codes: list[str]
) -> None:
    reference.add(
        "tables/credit_grants.csv",
        "g1,con_1,purchased,100,USD,1,2026-01-01,,1,growth_calls growth_included con_1_setup,,"
        "platform,,\n"
        "g2,con_1,promotional,100,,1,2026-01-01,,,,1M tokens,,,\n",
    )
    assert [] == reference.problems()
    reference.replace(path, old, new)
    assert told_codes == [
        problem.code for problem in sorted(reference.problems(), key=lambda one: one.code)
    ]


def test_a_plan_that_only_its_own_id_misspells_is_told_where_it_stands(reference: Any) -> None:
    reference.replace(PLANS, "id: growth\n", "id: growht\n")
    [problem] = reference.problems()
    message = (
        "plan growht, field id: no contract is on it, and contract_versions names growth, which is "
        "no plan, in 4 rows."
    )
    assert (PLANS, 2, message) == (problem.path, problem.line, problem.message)
