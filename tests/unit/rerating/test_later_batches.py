"""Batches after a signature are late usage, or rejects that a replay repaired, in their order."""

from types import SimpleNamespace

from orchestration.rerating.states import later_batches

PINS = SimpleNamespace(ingestion_batch_ids=(1, 2))


def test_batches_of_one_cause_that_follow_each_other_are_one_change():
    batches = [(1, "load"), (2, "replay"), (3, "load"), (4, "load"), (5, "replay"), (6, "load")]
    assert [
        ("late_usage", [3, 4]),
        ("repaired_rejects", [5]),
        ("late_usage", [6]),
    ] == list(later_batches(batches, PINS))


def test_nothing_came_where_every_batch_was_pinned():
    assert [] == list(later_batches([(1, "load"), (2, "replay")], PINS))
