"""What stands in the way of a signature: everything that is not known to be green."""

import pytest

from orchestration.billing.checks import REQUIRED_INVARIANTS, CheckFigure, judge


def figure(number, *, is_passed=True, name=None):
    return CheckFigure(
        check_name=name or f"invariant_{number}_holds",
        invariant_number=number,
        is_passed=is_passed,
    )


ALL = [figure(number) for number in REQUIRED_INVARIANTS]


def test_all_seven_invariants_green_leave_nothing_in_the_way():
    judgement = judge(ALL)
    assert ((), ()) == (judgement.red, judgement.missing)


def test_no_results_at_all_are_seven_missing_invariants():
    assert tuple(f"invariant {number}" for number in range(1, 8)) == judge([]).missing


@pytest.mark.parametrize("number", REQUIRED_INVARIANTS)
def test_one_red_result_is_red_though_another_of_its_invariant_is_green(number):
    """Invariants 1 to 7."""
    judgement = judge([*ALL, figure(number, is_passed=False, name="another_sentence")])
    assert ("another_sentence",) == judgement.red


def test_a_required_check_without_a_result_is_missing_by_name():
    assert ("documents_have_lines",) == judge(ALL, required_checks=["documents_have_lines"]).missing


def test_a_red_check_that_nobody_required_is_still_red():
    assert ("extra",) == judge([*ALL, figure(None, is_passed=False, name="extra")]).red
