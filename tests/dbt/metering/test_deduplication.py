"""Invariant 2: accepted events = unique + exact repeats + conflicting, over any history."""

from datetime import timedelta


def set_aside(warehouse):
    return warehouse.rows(
        "select event_id, ingestion_batch_id, line_number, set_aside_reason "
        "from intermediate.int_events__set_aside order by all"
    )


def test_a_repeat_in_the_same_batch_counts_once(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("b", noon), event("a", noon))
    warehouse.count()
    assert [("a", 1, 3, "exact_repeat")] == set_aside(warehouse)
    assert {"calls": 2} == warehouse.usage()


def test_a_repeat_in_a_later_batch_counts_once_however_late_it_comes(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon))
    warehouse.count()
    for day in range(1, 4):
        warehouse.load(event(f"other-{day}", noon + timedelta(days=day)))
    warehouse.count()
    warehouse.load(event("a", noon))
    warehouse.count()
    assert [("a", 5, 1, "exact_repeat")] == set_aside(warehouse)
    assert {"calls": 4} == warehouse.usage()


def test_two_contents_under_one_id_conflict_and_neither_counts(warehouse, event, noon):
    warehouse.add_meter("tokens", "sum", value="tokens")
    first = event("a", noon, properties={"tokens": 1})
    warehouse.load(
        first, first.but(properties={"tokens": 2}), event("b", noon, properties={"tokens": 4})
    )
    warehouse.count()
    assert [("a", 1, 1, "conflicting"), ("a", 1, 2, "conflicting")] == set_aside(warehouse)
    assert {"tokens": 4} == warehouse.usage("quantity_sum")


def test_a_conflict_that_comes_later_takes_the_counted_event_back(warehouse, event, noon):
    warehouse.add_meter("tokens", "sum", value="tokens")
    first = event("a", noon, properties={"tokens": 1})
    beside = event("b", noon, properties={"tokens": 2})
    untouched = event("c", noon, subject="other", properties={"tokens": 4})
    warehouse.load(first, beside, untouched)
    warehouse.count()
    assert {"tokens": 7} == warehouse.usage("quantity_sum")
    warehouse.load(first.but(event_at=noon + timedelta(days=40)))
    warehouse.count()
    assert [("a", 1, 1, "conflicting"), ("a", 2, 1, "conflicting")] == set_aside(warehouse)
    assert {"tokens": 6} == warehouse.usage("quantity_sum")
    assert [(1, "acme", "conflict"), (2, "acme", "new_events")] == warehouse.rows(
        "select ingestion_batch_id, subject, cause from intermediate.int_partitions__affected "
        "order by all"
    )


def test_a_repeat_of_a_conflicting_content_is_a_repeat_and_a_third_content_conflicts(
    warehouse, event, noon
):
    warehouse.add_meter("calls")
    first = event("a", noon)
    second = first.but(subject="other")
    for batch in ([first], [second], [first], [second.but(nanos=1)], [second]):
        warehouse.load(*batch)
        warehouse.count()
    assert [
        ("a", 1, 1, "conflicting"),
        ("a", 2, 1, "conflicting"),
        ("a", 3, 1, "exact_repeat"),
        ("a", 4, 1, "conflicting"),
        ("a", 5, 1, "exact_repeat"),
    ] == set_aside(warehouse)
    assert {} == warehouse.usage()


def test_the_same_id_from_another_source_is_another_event(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("a", noon, event_source="/gateway/us"))
    warehouse.count()
    assert [] == set_aside(warehouse)
    assert {"calls": 2} == warehouse.usage()


def test_a_shared_key_prefix_is_no_repeat(warehouse, event, noon):
    warehouse.add_meter("calls")
    prefix = 0x12345_6789A_BCD << 8
    warehouse.load(event("a", noon, key_hash=prefix + 1), event("b", noon, key_hash=prefix + 2))
    warehouse.count()
    warehouse.load(event("c", noon, key_hash=prefix + 1))
    warehouse.count()
    assert [(1, 2), (2, 1)] == warehouse.rows(
        "select ingestion_batch_id, count(*) from intermediate.int_events__revisited "
        "group by all order by all"
    )
    assert [] == set_aside(warehouse)
    assert {"calls": 3} == warehouse.usage()


def test_equal_digests_over_different_contents_conflict_all_the_same(warehouse, event, noon):
    warehouse.add_meter("calls")
    first = event("a", noon, properties={"tokens": 1}, digests=(7, 8))
    warehouse.load(first)
    warehouse.count()
    warehouse.load(first.but(properties={"tokens": 2}))
    warehouse.count()
    assert ["conflicting", "conflicting"] == [row[3] for row in set_aside(warehouse)]
    assert {} == warehouse.usage()


def test_a_broken_run_is_taken_up_where_it_stopped(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("b", noon))
    warehouse.count()
    warehouse.load(event("a", noon, subject="other"))
    warehouse.count(select=("+int_events__set_aside",))
    warehouse.load(event("b", noon), event("c", noon))
    warehouse.count()
    assert [
        ("a", 1, 1, "conflicting"),
        ("a", 2, 1, "conflicting"),
        ("b", 3, 1, "exact_repeat"),
    ] == set_aside(warehouse)
    assert {"calls": 2} == warehouse.usage()
