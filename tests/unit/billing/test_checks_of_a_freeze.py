"""Freezing: which checks a revision keeps, and which of them are red for it."""

from datetime import date, timedelta

import pytest
from billing_rows import NOW, Line

from orchestration.billing.checks import CheckFigure
from orchestration.billing.control_totals import TOTALS_CHECK
from orchestration.billing.derived_rows import read_check_results
from orchestration.billing.source_days import ARRIVAL_CHECK


def red_checks(world, revision):
    kept = read_check_results(world.engine, revision)
    return [each.check_name for each in kept if not each.is_passed]


def test_conservation_and_other_checks_are_kept_for_the_revisions_content(world):
    world.build(Line())
    world.put_conservation(broken=[(7, "documents_equal_the_erp", "document", "D9")])
    figure = CheckFigure(
        check_name="candidates_are_complete",
        invariant_number=None,
        is_passed=True,
        figures={"rows": "3"},
    )
    [revision] = world.freeze(check_figures=[figure])
    kept = {each.check_name: each for each in read_check_results(world.engine, revision)}
    assert 9 == len(kept)
    assert figure == kept["candidates_are_complete"]
    assert not kept["documents_equal_the_erp"].is_passed
    assert {
        "scopes": "1",
        "together": "10 and 9 lines",
        "document D9": "read 10, accounted 9, difference 1",
    } == kept["documents_equal_the_erp"].figures
    assert ("candidates_are_complete",) == revision.required_checks


def test_a_broken_check_of_another_month_or_entity_says_nothing_about_this_one(world):
    """design.md, Sign-off: the latest check of another month must never count."""
    world.build(Line())
    world.put_conservation(
        broken=[
            (6, "every_cell_has_one_outcome", "billing_period", "2026-09"),
            (6, "every_cell_has_one_outcome", "all", "all"),
            (7, "documents_equal_the_erp", "legal_entity", "de"),
            (7, "documents_equal_the_erp", "all", "all"),
        ]
    )
    [revision] = world.freeze()
    assert all(each.is_passed for each in read_check_results(world.engine, revision))


@pytest.mark.parametrize(
    "scope", [("billing_period", "2026-10"), ("legal_entity", "us"), ("all", "all"), ("meter", "m")]
)
def test_a_broken_check_of_this_month_entity_or_everything_counts(world, scope):
    world.build(Line())
    world.put_conservation(broken=[(6, "every_cell_has_one_outcome", *scope)])
    [revision] = world.freeze()
    assert ["every_cell_has_one_outcome"] == [
        each.check_name for each in read_check_results(world.engine, revision) if not each.is_passed
    ]


@pytest.mark.parametrize(
    ("bears_on_from", "is_red"),
    [("2026-09", True), ("2026-10", True), ("2026-11", False), (None, True)],
)
def test_a_missing_day_counts_for_its_own_month_and_every_later_one(world, bears_on_from, is_red):
    """Invariant 1."""
    world.build(Line())
    broken = [
        (1, ARRIVAL_CHECK, "source_day", "a day"),
        (1, ARRIVAL_CHECK, "all", "all"),
    ]
    world.put_conservation(broken=broken, bears_on_from=bears_on_from)
    [revision] = world.freeze()
    assert ([ARRIVAL_CHECK] if is_red else []) == red_checks(world, revision)


@pytest.mark.parametrize(
    ("day", "is_red"),
    [
        ((date(2026, 10, 31), "2026-10", NOW, "pending"), True),
        ((date(2026, 9, 30), "2026-09", NOW - timedelta(days=31), "pending"), True),
        ((date(2026, 10, 31), "2026-10", NOW + timedelta(microseconds=1), "pending"), False),
        ((date(2026, 11, 1), "2026-11", NOW, "pending"), False),
        ((date(2026, 10, 31), "2026-10", NOW, "arrived"), False),
        ((date(2026, 10, 31), "2026-10", NOW, "quiet"), False),
    ],
)
def test_a_day_whose_grace_ended_since_the_last_batch_is_red_at_the_freeze(world, day, is_red):
    """Invariant 1: when everything falls silent no batch comes that could tell."""
    world.build(Line())
    world.put_source_days(day)
    [revision] = world.freeze()
    assert ([ARRIVAL_CHECK] if is_red else []) == red_checks(world, revision)


@pytest.mark.parametrize(
    ("total", "is_red"),
    [
        ((date(2026, 10, 31), "2026-10", NOW, 9, 8, "waits"), True),
        ((date(2026, 10, 31), "2026-10", NOW, None, 8, "waits"), True),
        ((date(2026, 9, 30), "2026-09", NOW - timedelta(days=31), 8, 9, "waits"), True),
        ((date(2026, 10, 31), "2026-10", NOW + timedelta(microseconds=1), 9, 8, "waits"), False),
        ((date(2026, 11, 1), "2026-11", NOW, 9, 8, "waits"), False),
        ((date(2026, 10, 31), "2026-10", NOW, 8, 8, "agrees"), False),
        # What was red at the last batch stands in fct_conservation already.
        ((date(2026, 10, 31), "2026-10", NOW, 9, 8, "short"), False),
    ],
)
def test_a_total_whose_grace_ended_since_the_last_batch_is_red_at_the_freeze(world, total, is_red):
    """Invariant 1."""
    world.build(Line())
    world.put_control_totals(total)
    [revision] = world.freeze()
    assert ([TOTALS_CHECK] if is_red else []) == red_checks(world, revision)


def test_a_red_total_is_kept_with_both_of_its_sides(world):
    """Invariant 1."""
    world.build(Line())
    world.put_control_totals((date(2026, 10, 31), "2026-10", NOW, 9, 8, "waits"))
    [revision] = world.freeze()
    [kept] = [
        each
        for each in read_check_results(world.engine, revision)
        if each.check_name == TOTALS_CHECK
    ]
    assert (
        "control total of the source, its grace over at the freeze 9, arrived 8, difference 1"
        == kept.figures["control_total 2026-10-31 /gateway/ events"]
    )


def test_the_evidence_adds_up_the_scopes_and_not_their_total_again(world):
    world.build(Line())
    dates = [(2, "events_add_up", "event_date", day) for day in ("2026-10-01", "2026-10-02")]
    world.put_conservation(broken=[*dates, (2, "events_add_up", "all", "all")])
    [revision] = world.freeze()
    kept = {each.check_name: each for each in read_check_results(world.engine, revision)}
    assert "20 and 18 lines" == kept["events_add_up"].figures["together"]


def test_the_evidence_counts_the_announced_days_and_names_the_missing_one(world):
    """Invariant 1."""
    world.build(Line())
    world.put_source_days(
        (date(2026, 10, 30), "2026-10", NOW, "pending"),
        (date(2026, 10, 31), "2026-10", NOW, "pending"),
    )
    [revision] = world.freeze()
    [kept] = [
        each
        for each in read_check_results(world.engine, revision)
        if each.check_name == ARRIVAL_CHECK
    ]
    assert ("2", "2 and 0 source-days") == (kept.figures["scopes"], kept.figures["together"])
    assert {"source_day 2026-10-30 /gateway/", "source_day 2026-10-31 /gateway/"} <= set(
        kept.figures
    )


def test_freezing_the_same_content_again_replaces_its_check_results(world):
    world.build(Line())
    world.put_conservation(broken=[(1, "invariant_1_holds", "file", "a.jsonl")])
    [revision] = world.freeze()
    world.put_conservation()
    world.freeze()
    assert all(each.is_passed for each in read_check_results(world.engine, revision))
