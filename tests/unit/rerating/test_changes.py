"""Changes since a signature: batches in their order, then identities, contracts and prices."""

from types import SimpleNamespace

from reference_tables_of_a_test import tables

from orchestration.rerating.changes import changes_since, later_batches

PINS = SimpleNamespace(ingestion_batch_ids=(1, 2))
BATCHES = [(1, "load"), (2, "load"), (3, "load"), (4, "replay")]


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


def contract(customer):
    return {"contract_id": "k", "customer_id": customer}


def test_batches_come_one_after_the_other_then_parts_of_the_reference_data():
    then = tables("then", contracts=[contract("acme")], charge_tiers=[{"package_size": 1}])
    now = tables("now", contracts=[contract("bolt")], charge_tiers=[{"package_size": 2}])
    found = [
        (change.cause, change.batch_ids, change.tables["contracts"]["customer_id"].to_pylist())
        for change in changes_since(PINS, then, now, BATCHES)
    ]
    assert [
        ("as_signed", (1, 2), ["acme"]),
        ("late_usage", (1, 2, 3), ["acme"]),
        ("repaired_rejects", (1, 2, 3, 4), ["acme"]),
        ("contract", (1, 2, 3, 4), ["bolt"]),
        ("price", (1, 2, 3, 4), ["bolt"]),
    ] == found


def test_a_month_of_which_nothing_changed_has_one_state():
    then, now = (tables(name, contracts=[contract("acme")]) for name in ("then", "now"))
    assert ["as_signed"] == [change.cause for change in changes_since(PINS, then, now, BATCHES[:2])]
