"""Exceptions at an instant: states, ages, limits, order, sums, and how they are shown."""

import json
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

from billing_rows import NOW
from exception_house import history_row
from rich.console import Console

from orchestration.cli_answers import plain
from orchestration.exceptions import ExceptionQuestion, at_risk_by_period
from orchestration.reports.exceptions import (
    at_risk_texts,
    exceptions_json,
    overdue_texts,
    print_exceptions,
)


def printed(found, question, width=140):
    console = Console(file=StringIO(), width=width)
    print_exceptions(console, list(found.values()), question)
    return console.file.getvalue()


def test_an_exception_is_overdue_the_day_after_its_limit(house):
    """31 days unless the policy says otherwise: 2 October plus 31 days is 2 November."""
    assert (31, 31, False) == age_of(house.found()["held"])
    assert (32, 31, True) == age_of(house.found(now=NOW + timedelta(days=1))["held"])


def test_a_codes_limit_wins_over_its_stewards_and_that_over_the_default(house):
    house.put_policy(
        "exceptions:\n"
        "  age_limits_days: {missing_price: 30, pricing: 99, identity: 5, default: 40}\n"
    )
    house.put(history_row("other", exception_code="cell_moved", steward="contract"))
    found = house.found()
    assert {"held": 30, "unmapped": 5, "gone": 30, "other": 40} == {
        name: each.age_limit_days for name, each in found.items()
    }
    assert {"held", "unmapped"} == {name for name, each in found.items() if each.is_overdue}


def test_a_waived_or_resolved_exception_is_never_overdue(house):
    house.waive(until=date(2027, 1, 31))
    found = house.found(now=NOW + timedelta(days=80))
    assert {"held": False, "unmapped": True, "gone": False} == {
        name: each.is_overdue for name, each in found.items()
    }


def test_a_resolved_exception_no_longer_ages(house):
    assert 31 == house.found(now=NOW + timedelta(days=80))["gone"].age_days


def test_an_exception_about_a_day_to_come_has_no_negative_age(house):
    house.put(history_row("ahead", first_seen_date=date(2027, 1, 1)))
    assert 0 == house.found()["ahead"].age_days


def test_a_question_takes_what_it_names(house):
    assert {"held", "unmapped"} == set(house.found(state="open"))
    assert {"gone"} == set(house.found(state="resolved"))
    assert {"unmapped"} == set(house.found(steward="identity"))
    assert {"held", "gone"} == set(house.found(exception_code="missing_price"))
    assert set() == set(house.found(billing_period="2026-09"))


def test_value_at_risk_is_summed_per_month_and_currency_and_what_is_resolved_is_none(house):
    house.put(
        history_row("more", amount_at_risk=Decimal("0.0001")),
        history_row("taken back", amount_at_risk=Decimal("-50.00")),
        history_row("earlier", billing_period="2026-09"),
        history_row("yen", amount_at_risk=Decimal(7), currency_code="JPY"),
    )
    found = at_risk_by_period(house.found().values())
    assert [
        ("2026-09", "USD", Decimal("40.0000"), 1),
        ("2026-10", "JPY", Decimal(7), 1),
        ("2026-10", "USD", Decimal("-9.9999"), 3),
        ("2026-10", None, Decimal(0), 1),
    ] == [(row.billing_period, row.currency_code, row.open_amount, row.open_count) for row in found]
    assert "amount not known: 1 open, 0 waived" == at_risk_texts(found)[-1]


def test_the_list_names_each_with_its_next_step_and_sums_by_code_and_currency(house):
    house.waive()
    question = ExceptionQuestion(state="all")
    text = printed(house.found(), question)
    assert "charges held: missing price, pricing: 2" in text
    assert "Add a price." in text
    words = " ".join(text.split())
    assert "waived until 2026-12-31 by olivia@example.com: the vendor was asked" in words
    assert "missing price pricing 2 0 USD 40.00" in words
    assert "unmapped subject, identity: 1; what is at risk is not known" in text
    assert max(len(line) for line in text.splitlines()) <= 140


def test_of_a_code_twenty_are_shown_unless_it_is_asked_for(house):
    house.put(*(history_row(f"many-{number:02d}") for number in range(30)))
    found = house.found(state="open")
    short = printed(found, ExceptionQuestion(state="open"))
    assert 20 == short.count("USD 40.00 ")
    assert "11 more: `tallyhouse exceptions --code missing_price` lists all." in short
    whole = printed(found, ExceptionQuestion(state="open", exception_code="missing_price"))
    assert "many-29" in whole
    assert " more: " not in whole


def test_nothing_asked_for_is_said_in_words(house):
    assert "There is no such exception in the state waived." in printed(
        {}, ExceptionQuestion(state="waived")
    )


def test_the_answer_for_a_program_has_every_exception_and_exact_sums(house):
    house.waive()
    answer = json.loads(json.dumps(exceptions_json(list(house.found().values())), default=plain))
    by_id = {each["exception_id"]: each for each in answer["exceptions"]}
    assert ("40.00", "waived", "2026-12-31") == (
        by_id["held"]["amount_at_risk"],
        by_id["held"]["state"],
        by_id["held"]["waiver"]["waived_until_date"],
    )
    assert by_id["unmapped"]["amount_at_risk"] is None
    known = next(each for each in answer["sums"] if each["currency_code"] == "USD")
    assert ("0.00", "40.00", 1) == (
        known["open_amount"],
        known["waived_amount"],
        known["waived"],
    )


def test_what_is_overdue_is_said_with_its_oldest_age_and_its_limit(house):
    overdue = [
        each for each in house.found(now=NOW + timedelta(days=3)).values() if each.is_overdue
    ]
    assert [
        "1 charges held: missing price (pricing, up to 34 days, limit 31)",
        "1 unmapped subject (identity, up to 34 days, limit 31)",
    ] == overdue_texts(overdue)


def age_of(found):
    return found.age_days, found.age_limit_days, found.is_overdue
