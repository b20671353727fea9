"""What terms and limits compile into, column for column, and which terms go together."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from compiled_reference import VERSION, compiled

NOTHING = {
    "percent": None,
    "quantity": None,
    "trial_unit": None,
    "trial_length": None,
    "commitment_span": None,
    "overage_factor": None,
    "rollover_cap": None,
    "rollover_periods": None,
    "effective_from_date": None,
    "effective_to_date": None,
    "author": None,
    "reason": None,
    "plan_id": None,
    "contract_id": None,
    "reference_version": VERSION,
}
TWO_PLANS = """\
  - id: starter
    charges:
      - {id: starter_calls, product: api, meter: calls, model: per_unit, versions: [
          {effective_from: 2026-01-01, prices: {USD: {unit_price: 1}}}]}
"""


def terms(reference: Any) -> dict[str, dict[str, Any]]:
    return {row["term_id"]: row for row in compiled(reference)["terms"].to_pylist()}


@pytest.mark.parametrize(
    ("number", "term_id", "columns"),
    [
        (
            1,
            "growth_trial",
            {
                "term_kind": "trial",
                "term_name": "Trial",
                "plan_id": "growth",
                "percent": Decimal(100),
                "proration": "none",
                "trial_unit": "days",
                "trial_length": 14,
                "product_id": "platform",
                "author": "ana@example.com",
            },
        ),
        (
            2,
            "growth_included",
            {
                "term_kind": "allowance",
                "term_name": "Included calls",
                "plan_id": "growth",
                "quantity": Decimal(5000),
                "proration": "day",
                "rollover_cap": Decimal("2500.5"),
                "rollover_periods": 3,
                "product_id": "api",
                "author": "ana@example.com",
            },
        ),
        (
            3,
            "growth_floor",
            {
                "term_kind": "commitment",
                "term_name": "Commitment",
                "plan_id": "growth",
                "proration": "fixed_30",
                "commitment_span": "period",
                "product_id": "platform",
            },
        ),
        (
            4,
            "con_1_discount",
            {
                "term_kind": "discount_percent",
                "term_name": "Discount",
                "contract_id": "con_1",
                "effective_from_date": date(2026, 4, 1),
                "effective_to_date": date(2026, 10, 1),
                "percent": Decimal("12.5"),
                "proration": "none",
                "product_id": "api",
                "author": "ana@example.com",
                "reason": "Launch partner",
            },
        ),
        (
            5,
            "con_1_rebate",
            {
                "term_kind": "discount_amount",
                "term_name": "Discount",
                "contract_id": "con_1",
                "proration": "second",
                "product_id": "platform",
            },
        ),
        (
            6,
            "con_1_calls",
            {
                "term_kind": "discount_free_quantity",
                "term_name": "Discount",
                "contract_id": "con_1",
                "quantity": Decimal("0.5"),
                "proration": "day",
                "product_id": "api",
            },
        ),
        (
            7,
            "con_1_commitment",
            {
                "term_kind": "commitment",
                "term_name": "Commitment",
                "contract_id": "con_1",
                "proration": "day",
                "commitment_span": "term",
                "overage_factor": Decimal("1.2"),
                "product_id": "api",
            },
        ),
        (
            8,
            "con_1_cap",
            {
                "term_kind": "maximum_spend",
                "term_name": "Maximum spend",
                "contract_id": "con_1",
                "effective_to_date": date(2026, 7, 1),
                "proration": "day",
                "product_id": "api",
            },
        ),
        (
            9,
            "con_1_setup",
            {
                "term_kind": "one_off",
                "term_name": "Set-up",
                "contract_id": "con_1",
                "effective_from_date": date(2026, 12, 31),
                "effective_to_date": date(2027, 1, 1),
                "proration": "none",
                "product_id": "platform",
            },
        ),
    ],
)
def test_every_kind_of_term_fills_its_own_columns_and_no_other(
    reference: Any, number: int, term_id: str, columns: dict[str, Any]
) -> None:
    expected = NOTHING | {"term_id": term_id, "term_number": number} | columns
    assert expected == terms(reference)[term_id]


def test_the_amounts_of_terms_are_rows_by_currency(reference: Any) -> None:
    amounts = compiled(reference)["term_amounts"].to_pylist()
    assert [
        ("con_1_cap", "USD", Decimal(9000)),
        ("con_1_commitment", "USD", Decimal(50000)),
        ("con_1_rebate", "USD", Decimal("25.5")),
        ("con_1_setup", "USD", Decimal(1500)),
        ("growth_floor", "JPY", Decimal(40000)),
        ("growth_floor", "USD", Decimal(250)),
    ] == [(row["term_id"], row["currency_code"], row["amount"]) for row in amounts]


def covered(reference: Any, term_id: str) -> list[tuple[int, str]]:
    rows = compiled(reference)["term_charges"].to_pylist()
    return sorted(
        (row["charge_number"], row["charge_id"]) for row in rows if row["term_id"] == term_id
    )


def test_charges_that_are_named_keep_their_order(reference: Any) -> None:
    assert [(1, "growth_tokens"), (2, "growth_calls")] == covered(reference, "con_1_commitment")


@pytest.mark.parametrize("term_id", ["growth_trial", "con_1_cap"])
def test_a_term_without_charges_covers_all_of_its_plan(reference: Any, term_id: str) -> None:
    assert [
        (1, "growth_fee"),
        (2, "growth_tokens"),
        (3, "growth_calls"),
        (4, "growth_users"),
        (5, "growth_work"),
    ] == covered(reference, term_id)


def test_a_one_off_amount_covers_no_charge(reference: Any) -> None:
    assert [] == covered(reference, "con_1_setup")


def test_a_contracts_term_covers_every_plan_that_the_contract_is_ever_on(reference: Any) -> None:
    reference.add("price_book/plans.yml", TWO_PLANS)
    reference.replace("tables/contract_versions.csv", "2026-09-15,growth", "2026-09-15,starter")
    assert (6, "starter_calls") == covered(reference, "con_1_rebate")[-1]


@pytest.mark.parametrize(("unit", "length"), [("days", 30), ("months", 2), ("periods", 1)])
def test_a_trial_is_so_many_days_months_or_periods(reference: Any, unit: str, length: int) -> None:
    reference.replace("price_book/plans.yml", "days: 14", f"{unit}: {length}")
    trial = terms(reference)["growth_trial"]
    assert (unit, length) == (trial["trial_unit"], trial["trial_length"])


def test_an_allowance_without_rollover_keeps_nothing(reference: Any) -> None:
    reference.replace("price_book/plans.yml", '        rollover: {cap: "2500.5", periods: 3}\n', "")
    allowance = terms(reference)["growth_included"]
    assert (None, None) == (allowance["rollover_cap"], allowance["rollover_periods"])


def test_a_rollover_may_have_no_cap(reference: Any) -> None:
    reference.replace("price_book/plans.yml", 'cap: "2500.5", ', "")
    allowance = terms(reference)["growth_included"]
    assert (None, 3) == (allowance["rollover_cap"], allowance["rollover_periods"])


@pytest.mark.parametrize("content", [None, "", "contract_terms: []\n"])
def test_a_folder_may_have_no_contract_terms(reference: Any, content: str | None) -> None:
    file = reference.folder / "contract_terms/con_1.yml"
    file.unlink()
    if content is None:
        file.parent.rmdir()
    else:
        reference.write("contract_terms/con_1.yml", content)
    assert ["growth_floor", "growth_included", "growth_trial"] == sorted(terms(reference))


def test_terms_are_numbered_over_files_in_the_order_of_their_paths(reference: Any) -> None:
    text = (
        "contract_terms:\n  - contract: con_3\n    terms:\n      - {id: x, kind: trial, days: 1}\n"
    )
    reference.write("contract_terms/a.yml", text)
    assert (4, 5) == tuple(
        terms(reference)[term_id]["term_number"] for term_id in ("x", "con_1_discount")
    )


def test_what_ends_where_the_next_begins_does_not_overlap(reference: Any) -> None:
    reference.add(
        "contract_terms/con_1.yml",
        """\
      - {id: con_1_later, kind: maximum_spend, amount: {USD: 1}, from: 2026-07-01}
      - {id: con_1_other, kind: commitment, amount: {USD: 1}, per: period, charges: [growth_work]}
""",
    )
    assert {"con_1_later", "con_1_other"} <= set(terms(reference))


def test_terms_of_plan_and_contract_meet_only_while_the_contract_is_on_the_plan(
    reference: Any,
) -> None:
    reference.add("price_book/plans.yml", TWO_PLANS)
    reference.add(
        "price_book/plans.yml",
        """\
    terms:
      - {id: starter_cap, kind: maximum_spend, amount: {USD: 5}}
""",
    )
    assert [] == reference.problems()
    reference.replace("tables/contract_versions.csv", "2026-09-15,growth", "2026-09-15,starter")
    assert [] == reference.problems(), "the contract's maximum ends before it moves to the plan"
    reference.replace("contract_terms/con_1.yml", ", to: 2026-07-01", ", to: 2026-09-16")
    assert ["overlapping_terms"] == [problem.code for problem in reference.problems()]


def test_a_discount_trial_or_one_off_amount_may_stand_beside_another(reference: Any) -> None:
    reference.add(
        "contract_terms/con_1.yml",
        """\
      - {id: more_1, kind: discount, percent: 100}
      - {id: more_2, kind: discount, amount: {USD: 5}}
      - {id: more_3, kind: discount, free_quantity: 5, charges: [growth_calls]}
      - {id: more_4, kind: trial, months: 1}
      - {id: more_5, kind: one_off, name: A, product: api, amount: {USD: 0}, date: 2026-12-31}
""",
    )
    assert 14 == len(terms(reference))


def test_the_limits_of_list_prices_and_overrides_are_rows_of_their_prices(reference: Any) -> None:
    reference.replace(
        "price_book/plans.yml", 'USD: {amount: "500"}', "USD: {amount: 1, minimum: 0}"
    )
    reference.replace(
        "price_book/plans.yml", "JPY: {amount: 75000}", "JPY: {amount: 1, maximum: 9}"
    )
    reference.replace(
        "tables/overrides.csv",
        '{""tiers""',
        '{""minimum"": ""5.50"", ""maximum"": 5.5, ""tiers""',
    )
    assert [
        ("growth/growth_fee/2026-01-01", "JPY", None, Decimal(9)),
        ("growth/growth_fee/2026-01-01", "USD", Decimal(0), None),
        ("ovr_1", "USD", Decimal("5.5"), Decimal("5.5")),
    ] == [
        (
            row["charge_price_id"],
            row["currency_code"],
            row["minimum_amount"],
            row["maximum_amount"],
        )
        for row in compiled(reference)["charge_limits"].to_pylist()
    ]


def ladders(reference: Any) -> dict[str, str]:
    rows = compiled(reference)["charges"].to_pylist()
    return {row["charge_id"]: row["ladder"] for row in rows}


def test_a_ladder_continues_unless_it_says_that_it_restarts(reference: Any) -> None:
    reference.replace(
        "price_book/plans.yml", "model: graduated", "model: graduated\n        ladder: restart"
    )
    found = ladders(reference)
    assert ("restart", "continue", "continue") == tuple(
        found[charge_id] for charge_id in ("growth_tokens", "growth_calls", "growth_fee")
    )


@pytest.mark.parametrize(
    ("counted", "codes"),
    [
        ("aggregation: weighted_sum\n    value: tokens", []),
        ("aggregation: max\n    value: tokens\n    window: day\n    window_aggregation: sum", []),
        (
            "aggregation: sum\n    value: tokens\n    window: day\n    window_aggregation: max",
            ["charge_field_mismatch"],
        ),
        ("aggregation: latest\n    value: tokens", ["charge_field_mismatch"]),
    ],
)
def test_a_ladder_may_restart_for_what_adds_up_over_time(
    reference: Any, counted: str, codes: list[str]
) -> None:
    reference.replace(
        "price_book/plans.yml", "model: graduated", "model: graduated\n        ladder: restart"
    )
    reference.replace("price_book/meters.yml", "aggregation: sum\n    value: tokens", counted)
    assert codes == [problem.code for problem in reference.problems()]
