"""Invariant 9: re-running changes nothing, and how usage came in never shows in what is counted."""

import random
import shutil
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from orchestration.dbt import DbtFailedError

ZONES = {"a": "America/New_York", "b": "Asia/Kolkata", "c": "UTC"}
MERGED = """
    select
        system_id, subject, local_date, coalesce(contract_id, resolution_code) as contract,
        contract_version, meter_id, dimension_key, sum(event_count), sum(quantity_sum),
        max(quantity_max), min(quantity_min), quarter_hour_at, max((latest_event_at,
        latest_event_nanos, latest_event_source, latest_event_id, latest_quantity)),
        min(first_event_at), max(last_event_at), sum(digest_sum_1), sum(digest_sum_2)
    from intermediate.int_usage__metered
    group by all
    order by all
"""
VALUES = """
    select subject, local_date, coalesce(contract_id, resolution_code), meter_id,
        dimension_key, distinct_value, quarter_hour_at, sum(event_count), bool_or(has_add),
        min((first_operation_at, first_operation_nanos)), max((last_operation_at,
        last_operation_nanos, last_operation_source, last_operation_id, is_last_add))
    from intermediate.int_usage__distinct_values
    group by all
    order by all
"""
KEPT = """
    select subject, local_date, coalesce(contract_id, resolution_code), meter_id, dimension_key,
        event_at, event_at_nanos, event_source, event_id, quantity
    from intermediate.int_usage__kept_events
    order by all
"""
AFFECTED = """
    select ingestion_batch_id, event_date, subject, cause
    from intermediate.int_partitions__affected
    where cause <> 'new_events'
    order by all
"""


def add_company(warehouse):
    """Three customers in three time zones, every aggregation, a version that starts mid-month."""
    warehouse.add_meter("calls", dimensions=["model"])
    warehouse.add_meter(
        "tokens",
        "sum",
        value="tokens",
        filters=[{"property": "model", "is_negated": True, "values": ["free"]}],
    )
    warehouse.add_meter("peak", "max", value="tokens")
    warehouse.add_meter("level", "latest", value="tokens")
    warehouse.add_meter("users", "unique_count", distinct_property="user", dimensions=["model"])
    hourly = {"window_unit": "hour", "window_aggregation": "sum"}
    warehouse.add_meter("hourly_low", "min", value="tokens", **hourly)
    warehouse.add_meter("p95", "percentile", value="tokens", percentile=Decimal(95), **hourly)
    warehouse.add_meter("weighted", "weighted_sum", value="tokens", carry_in="previous")
    warehouse.add_meter(
        "seats",
        "unique_count",
        distinct_property="user",
        operation_property="model",
        operation_add=["large"],
        operation_remove=["small"],
    )
    for name, time_zone in ZONES.items():
        warehouse.add_customer(name, f"subject-{name}", time_zone=time_zone)


def some_events(event, seed, size=120):
    """Events over three days at awkward instants, with repeats and conflicts among them."""
    chance = random.Random(seed)  # noqa: S311 — reproducible test data, no secret
    events = []
    for number in range(size):
        instant = datetime.fromisoformat("2026-10-30") + timedelta(
            minutes=30 * chance.randrange(144)
        )
        instant -= timedelta(microseconds=chance.choice([0, 0, 1]))
        events.append(
            event(
                f"e{number}",
                instant,
                subject=f"subject-{chance.choice('abcd')}",
                event_source=f"/gateway/{chance.choice('xy')}",
                nanos=chance.choice([0, 0, 500]),
                properties={
                    "tokens": Decimal(chance.randrange(-5, 1000)) / 8,
                    "model": chance.choice(["large", "small", "free"]),
                    "user": chance.choice("pqrs"),
                },
            )
        )
    repeats = [chance.choice(events) for _ in range(size // 6)]
    conflicts = [
        found.but(properties=found.properties | {"tokens": 77})
        for found in (chance.choice(events) for _ in range(size // 12))
    ]
    everything = events + repeats + conflicts
    chance.shuffle(everything)
    return everything


def expected_calls(events):
    """Per local day and contract, how many identities have one content: counted in plain Python."""
    contents = defaultdict(set)
    for found in events:
        contents[found.event_source, found.event_id].add(
            (found.event_at, found.nanos, found.subject, tuple(sorted(found.properties.items())))
        )
    calls = defaultdict(int)
    for variants in contents.values():
        if len(variants) == 1:
            [(instant, _, subject, _)] = variants
            zone = ZoneInfo(ZONES.get(subject[-1], "UTC"))
            calls[instant.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).date(), subject] += 1
    return dict(calls)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_split_into_batches_in_any_order_counts_the_same(warehouse, event, seed):
    add_company(warehouse)
    events = some_events(event, seed)
    chance = random.Random(seed)  # noqa: S311 — reproducible test data, no secret
    cuts = sorted(chance.sample(range(1, len(events)), 3))
    for start, end in zip([0, *cuts], [*cuts, len(events)], strict=True):
        warehouse.load(*events[start:end])
        warehouse.count()
    in_batches = [warehouse.rows(query) for query in (MERGED, VALUES, KEPT)]
    assert all(in_batches)
    kept = warehouse.counted()
    found = warehouse.rows(
        "select local_date, subject, sum(event_count) from intermediate.int_usage__metered "
        "where meter_id = 'calls' group by all"
    )
    assert expected_calls(events) == {(day, subject): count for day, subject, count in found}

    warehouse.count("--full-refresh")
    assert kept == warehouse.counted()
    assert in_batches == [warehouse.rows(query) for query in (MERGED, VALUES, KEPT)]

    again = type(warehouse)(warehouse.settings)
    warehouse.settings.warehouse_file.unlink()
    add_company(again)
    again.load(*reversed(events))
    again.count()
    assert in_batches == [again.rows(query) for query in (MERGED, VALUES, KEPT)]


def test_running_again_without_new_events_changes_nothing_and_reads_no_raw_file(warehouse, event):
    add_company(warehouse)
    warehouse.load(*some_events(event, 3))
    warehouse.count()
    kept = warehouse.counted()
    shutil.rmtree(warehouse.settings.raw)
    warehouse.count()
    assert kept == warehouse.counted()
    assert [(0,)] == warehouse.rows("select count(*) from intermediate.int_partitions__affected")


def test_an_affected_list_is_read_for_its_sources_only_once(warehouse, event, noon):
    """And again where the list of a batch is another one, which then counts alone."""
    sources = (
        "select ingestion_batch_id, event_source from staging.stg_usage__source_days order by all"
    )
    arrived = (
        "select event_source, event_date, event_count from intermediate.int_source_days__arrived "
        "order by all"
    )
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("b", noon, event_source="/gateway/us"))
    warehouse.count()
    (warehouse.settings.raw / "affected" / "batch-1.parquet").unlink()
    warehouse.load(event("c", noon))
    warehouse.count()
    assert [(1, "/gateway/eu"), (1, "/gateway/us"), (2, "/gateway/eu")] == warehouse.rows(sources)
    assert [("/gateway/eu", noon.date(), 2), ("/gateway/us", noon.date(), 1)] == warehouse.rows(
        arrived
    )
    warehouse.parts.clear()
    warehouse.load(event("d", noon, event_source="/gateway/jp"))
    warehouse.count()
    assert (1, "/gateway/jp") in warehouse.rows(sources)
    assert [("/gateway/jp", noon.date(), 1)] == warehouse.rows(arrived)
    assert {"calls": 1} == warehouse.usage()


def test_a_new_contract_version_recounts_only_the_days_that_it_cuts(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.add_customer("acme", "acme", time_zone="America/New_York")
    warehouse.add_customer("other", "other")
    warehouse.load(
        *(
            event(f"{subject}-{day}-{hour}", noon.replace(day=day, hour=hour), subject=subject)
            for subject in ("acme", "other")
            for day in (14, 15, 16)
            for hour in (1, 12)
        )
    )
    warehouse.count()
    warehouse.reference["contract_versions"][0]["effective_to_date"] = date(2026, 10, 15)
    warehouse.add(
        "contract_versions",
        contract_id="acme-contract",
        contract_version=2,
        effective_from_date=date(2026, 10, 15),
        plan_id="plan",
    )
    warehouse.count()
    # The cut lies on a local midnight, where the day was cut before: nothing is read again.
    assert [] == warehouse.rows(AFFECTED)
    versions = (
        "select contract_version, sum(event_count) from intermediate.int_usage__metered "
        "where subject = 'acme' group by all order by all"
    )
    assert [(1, 3), (2, 3)] == warehouse.rows(versions)

    warehouse.reference["contracts"][0]["time_zone"] = "Asia/Kolkata"
    warehouse.count()
    assert [(1, date(2026, 10, day), "acme", "cut") for day in (14, 15, 16)] == warehouse.rows(
        AFFECTED
    )
    assert [(1, 2), (2, 4)] == warehouse.rows(versions)
    assert {date(2026, 10, day): 2 for day in (14, 15, 16)} == dict(
        warehouse.rows(
            "select local_date, sum(event_count) from intermediate.int_usage__metered "
            "where subject = 'acme' group by all"
        )
    )


def test_an_identity_that_moves_within_a_day_recounts_that_day_over_all_batches(
    warehouse, event, noon
):
    warehouse.add_meter("calls")
    warehouse.add_customer("old", "acme")
    warehouse.load(event("a", noon), event("b", noon + timedelta(days=1)))
    warehouse.load(event("c", noon + timedelta(hours=1)))
    warehouse.count()
    warehouse.reference["identities"][0]["valid_to_at"] = noon + timedelta(minutes=1)
    warehouse.add(
        "identities",
        system_id="product",
        external_id="acme",
        customer_id="new",
        valid_from_at=noon + timedelta(minutes=1),
    )
    warehouse.load(event("d", noon))
    warehouse.count()
    assert [(1, noon.date(), "acme", "cut"), (2, noon.date(), "acme", "cut")] == warehouse.rows(
        AFFECTED
    )
    assert {"old": 2, "new": 2} == warehouse.usage(of="customer_id")


def test_a_subject_that_becomes_known_is_resolved_backwards(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon.replace(hour=3)))
    warehouse.count()
    assert {"unmapped_subject": 1} == warehouse.usage(of="resolution_code")
    warehouse.add_customer("acme", "acme", time_zone="America/New_York")
    warehouse.count()
    assert [("acme", "acme-contract", None, date(2026, 10, 14))] == warehouse.rows(
        "select customer_id, contract_id, resolution_code, local_date "
        "from intermediate.int_usage__metered"
    )


def test_a_changed_meter_counts_the_whole_history_again(warehouse, event, noon):
    warehouse.add_meter("tokens", "sum", value="tokens")
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon, properties={"tokens": 3, "bytes": 8}))
    warehouse.count()
    warehouse.load(event("b", noon, properties={"tokens": 4}))
    warehouse.reference["meters"].clear()
    warehouse.add_meter("tokens", "sum", value="bytes", version=2)
    warehouse.add_meter("traffic", "sum", value="bytes")
    warehouse.count()
    assert {"tokens": 8, "traffic": 8} == warehouse.usage("quantity_sum")
    assert {"tokens": 1, "traffic": 1} == warehouse.usage("unvalued_event_count")


def test_a_source_that_changes_its_system_is_counted_again_and_a_new_one_is_not(
    warehouse, event, noon
):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("b", noon, event_source="/gateway/us/1"))
    warehouse.count()
    warehouse.add_source("/batch/", "batch")
    warehouse.count()
    opened = "select after_batch_id from intermediate.model_progress where model_name like 'stg%'"
    assert [(1,)] == warehouse.rows(opened)
    warehouse.add_source("/gateway/us/", "american")
    warehouse.count()
    assert [(0,)] == warehouse.rows(opened)
    assert {"product": 1, "american": 1} == warehouse.usage(of="system_id")


def test_a_conflict_recounts_every_source_of_the_system_on_that_day(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("b", noon, event_source="/gateway/us"))
    warehouse.count()
    warehouse.load(event("a", noon, nanos=7))
    warehouse.count()
    assert {"calls": 1} == warehouse.usage()


def test_a_series_that_only_recounting_finds_is_listed(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.add_customer("acme", "acme")
    warehouse.load(event("a", noon, properties={"region": "eu"}))
    warehouse.count()
    assert not warehouse.unlisted_series()
    warehouse.reference["meters"][0] |= {"dimensions": ["region"], "definition_digest": "other"}
    warehouse.load(event("b", noon, properties={"region": "us"}))
    warehouse.count()
    assert not warehouse.unlisted_series()
    assert {'{"region":"eu"}': 1, '{"region":"us"}': 1} == warehouse.usage(of="dimension_key")


def test_what_is_recounted_leaves_no_deleted_rows_behind(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("b", noon), event("c", noon, subject="other"))
    warehouse.count()
    warehouse.load(event("a", noon, nanos=7))
    warehouse.count()
    size = "select estimated_size from duckdb_tables() where table_name = 'int_usage__counted'"
    assert warehouse.rows("select count(*) from intermediate.int_usage__counted") == (
        warehouse.rows(size)
    )


def test_a_property_that_later_files_have_is_missing_in_the_older_ones(warehouse, event, noon):
    warehouse.add_meter("calls", dimensions=["region"])
    warehouse.add_customer("acme", "acme")
    warehouse.load(event("a", noon))
    warehouse.count()
    warehouse.reference["contracts"][0]["time_zone"] = "Asia/Kolkata"
    warehouse.load(event("b", noon, properties={"region": "eu"}))
    warehouse.count()
    assert {'{"region":null}': 1, '{"region":"eu"}': 1} == warehouse.usage(of="dimension_key")


def test_other_raw_files_under_the_same_numbers_are_all_taken_in_again(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon))
    warehouse.count()
    warehouse.parts.clear()
    warehouse.load(event("b", noon), event("c", noon, subject="other"), event("b", noon))
    warehouse.count()
    assert {"acme": 1, "other": 1} == warehouse.usage(of="subject")


def test_rebuilding_one_table_from_a_part_of_the_batches_is_refused(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon))
    warehouse.count()
    warehouse.load(event("b", noon))
    warehouse.count()
    with pytest.raises(DbtFailedError, match=r"Select stg_usage__events\+ with --full-refresh"):
        warehouse.count("--full-refresh", select=("int_usage__counted",))
    warehouse.count()
    assert {"calls": 2} == warehouse.usage()


def test_an_event_that_no_affected_list_names_stops_the_run(warehouse, event, noon):
    warehouse.add_meter("calls")
    warehouse.load(event("a", noon), event("b", noon, subject="other"))
    warehouse.parts = [part for part in warehouse.parts if part["part_kind"] != "affected"]
    with pytest.raises(DbtFailedError, match="NOT NULL constraint failed"):
        warehouse.count()


def test_tables_of_an_earlier_version_gain_columns_and_are_not_counted_again(
    warehouse, event, noon
):
    warehouse.add_meter("calls")
    warehouse.add_meter("users", "unique_count", distinct_property="user")
    warehouse.load(event("a", noon, properties={"user": "ana"}))
    warehouse.count()
    later = {
        "int_usage__counted": ("quarter_hour_at", "quantity_min"),
        "int_distinct_values__counted": ("quarter_hour_at", "event_count", "has_add"),
    }
    for view in ("int_usage__metered", "int_usage__distinct_values", "int_usage__kept_events"):
        warehouse.rows(f"drop view intermediate.{view}")
    warehouse.rows("drop table intermediate.int_events__kept")
    for table, columns in later.items():
        for column in columns:
            warehouse.rows(f"alter table intermediate.{table} drop column {column}")
    warehouse.load(event("b", noon, properties={"user": "bo"}))
    warehouse.count()
    opened = "select after_batch_id from intermediate.model_progress where model_name like 'stg%'"
    assert [(1,)] == warehouse.rows(opened)
    assert {"calls": 2, "users": 2} == warehouse.usage()
    assert [("ana",), ("bo",)] == warehouse.rows(
        "select distinct_value from intermediate.int_usage__distinct_values order by all"
    )


def test_events_that_a_meter_needs_are_found_again_where_their_table_is_missing(
    warehouse, event, noon
):
    warehouse.add_meter("level", "weighted_sum", value="gb", carry_in="previous")
    warehouse.load(event("a", noon, properties={"gb": 1}))
    warehouse.count()
    warehouse.rows("drop table intermediate.int_events__kept cascade")
    warehouse.load(event("b", noon, properties={"gb": 2}))
    warehouse.count()
    assert [("a", Decimal(1)), ("b", Decimal(2))] == warehouse.rows(
        "select event_id, quantity from intermediate.int_usage__kept_events order by all"
    )
