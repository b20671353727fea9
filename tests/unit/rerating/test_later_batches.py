"""Batches after a signature are late usage, repaired rejects or decisions, in their order."""

from types import SimpleNamespace

from orchestration.rerating.changes import later_batches

PINS = SimpleNamespace(ingestion_batch_ids=(1, 2))


def test_batches_of_one_cause_that_follow_each_other_are_one_change():
    batches = [(1, "load"), (2, "replay"), (3, "load"), (4, "load"), (5, "replay"), (6, "load")]
    assert [
        ("late_usage", [3, 4]),
        ("repaired_rejects", [5]),
        ("late_usage", [6]),
    ] == list(later_batches(batches, PINS))


def test_decisions_are_a_cause_of_their_own():
    batches = [(2, "replay"), (3, "decisions"), (4, "decisions"), (5, "load"), (6, "decisions")]
    assert [
        ("retractions_and_resolved_conflicts", [3, 4]),
        ("late_usage", [5]),
        ("retractions_and_resolved_conflicts", [6]),
    ] == list(later_batches(batches, PINS))


def test_nothing_came_where_every_batch_was_pinned():
    assert [] == list(later_batches([(1, "load"), (2, "replay")], PINS))


def test_control_totals_change_no_amount_and_are_no_cause():
    batches = [(2, "replay"), (3, "load"), (4, "control_totals"), (5, "load")]
    assert [("late_usage", [3, 5])] == list(later_batches(batches, PINS))
