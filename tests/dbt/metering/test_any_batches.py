"""Invariant 9: re-running changes nothing, and how usage came in never shows in what is counted."""

import random
import shutil
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

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
