"""Random events, in any order and any split into batches, against an independent computation.

Every aggregation with every window, over renewals and price changes, in zones that change their
clocks by an hour, by half an hour and not at all.
"""

import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from quantity_oracle import Reading, Run, quantity_of

WINDOWS = (
    {},
    *(
        {"window_unit": unit, "window_aggregation": combined, "empty_windows": empty}
        for unit in ("hour", "day", "month")
        for combined, empty in (("sum", None), ("max", None), ("avg", "skip"), ("avg", "zero"))
    ),
)
NUMBER = {"value": "gb", "is_negative_allowed": True}
VALUE = {"distinct_property": "user"}
OPERATIONS = {"operation_property": "op", "operation_add": ["add"], "operation_remove": ["off"]}
KINDS = {
    "count": {"aggregation": "count"},
    "sum": {"aggregation": "sum", **NUMBER},
    "max": {"aggregation": "max", **NUMBER},
    "min": {"aggregation": "min", **NUMBER},
    "avg": {"aggregation": "avg", **NUMBER},
    "p95": {"aggregation": "percentile", "percentile": Decimal(95), **NUMBER},
    "p37": {"aggregation": "percentile", "percentile": Decimal("37.5"), **NUMBER},
    "latest": {"aggregation": "latest", **NUMBER},
    "held": {"aggregation": "latest", "carry_in": "previous", **NUMBER},
    "weighted": {"aggregation": "weighted_sum", "carry_in": "previous", **NUMBER},
    "unique": {"aggregation": "unique_count", **VALUE},
    "added": {"aggregation": "unique_count", **VALUE, **OPERATIONS},
    "seen": {"aggregation": "unique_count", "carry_in": "previous", **VALUE},
    "seats": {"aggregation": "unique_count", "carry_in": "previous", **VALUE, **OPERATIONS},
}
ZONES = ("America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Europe/London")
FIRST, CUT, RENEWAL = date(2026, 9, 20), date(2026, 10, 4), date(2026, 10, 17)
LAST = datetime.fromisoformat("2026-11-04")


def meters():
    """Every kind with every window, by meter id."""
    found = {
        f"{kind}-{number}": {"carry_in": "zero"} | fields | window
        for kind, fields in KINDS.items()
        for number, window in enumerate(WINDOWS)
    }
    for meter in found.values():
        if meter["aggregation"] == "weighted_sum":
            meter["weighted_by"] = "second"
    period = {"aggregation": "weighted_sum", "carry_in": "previous", "weighted_by": "period"}
    return found | {"share": period | NUMBER}


def add_terms(warehouse):
    """Per zone a customer, a contract and its renewal; a plan whose prices change once."""
    for meter_id, fields in meters().items():
        warehouse.add_meter(meter_id, **fields)
        warehouse.add_charge("plan", meter_id, cut=CUT)
    for zone in ZONES:
        warehouse.add_customer(
            zone, zone, time_zone=zone, contract_id=f"{zone}-1", start_date=FIRST, end_date=RENEWAL
        )
        warehouse.add_customer(
            zone,
            zone,
            time_zone=zone,
            contract_id=f"{zone}-2",
            start_date=RENEWAL,
            lineage_id=f"{zone}-1",
        )


def some_events(event, seed, size):
    """Events at awkward instants: on quarter hours, a microsecond before, several at once."""
    chance = random.Random(seed)  # noqa: S311 — reproducible test data, no secret
    first = datetime.fromisoformat("2026-09-21")
    moments = [
        first + timedelta(minutes=chance.choice((15, 360)) * chance.randrange(120))
        for _ in range(size // 2)
    ]
    moments += [
        # The days on which clocks change, and days after which prices or contracts do.
        datetime.fromisoformat(day) + timedelta(minutes=30 * chance.randrange(48))
        for day in chance.choices(
            ("2026-10-03", "2026-10-16", "2026-10-24", "2026-10-31", "2026-11-01"), k=size // 4
        )
    ]
    events = []
    for number in range(size):
        moment = chance.choice(moments)
        nanos = chance.choice((0, 0, 0, 700))
        if chance.random() < 0.1:
            moment, nanos = moment - timedelta(microseconds=1), 999
        elif chance.random() < 0.2:
            moment += timedelta(microseconds=chance.randrange(10**9))
        properties = {"gb": Decimal(chance.randrange(-50, 200)) / 8, "user": chance.choice("abcde")}
        if chance.random() < 0.1:
            del properties["gb"]
        properties["op"] = chance.choice(("add", "add", "off", "off", "other"))
        events.append(
            event(
                f"e{number}",
                min(moment, LAST),
                subject=chance.choice(ZONES),
                event_source=f"/gateway/{chance.choice('xy')}",
                nanos=nanos,
                properties=properties,
            )
        )
    return events


def readings_of(meter, events):
    """The events of a subject as the meter reads them."""
    for one in events:
        given, is_add = one.properties, True
        value = given.get("user" if "distinct_property" in meter else "gb")
        if "operation_property" in meter:
            is_add = {"add": True, "off": False}.get(given["op"])
            value = value if is_add is not None else None
        yield Reading(one.event_at, one.nanos, one.event_source, one.event_id, value, is_add)


def expected_quantities(warehouse, events):
    """Quantities by charge, run and customer, of runs with events, or with a level carried in."""
    by_subject = defaultdict(list)
    for one in events:
        by_subject[one.subject].append(one)
    expected = {}
    for charge_id, meter_id, zone, *bounds in warehouse.rows(
        "select charge_id, meter_id, time_zone, run_start_at, run_end_at, cell_start_at, "
        "cell_end_at from rating.int_charges__runs"
    ):
        run = Run(*bounds, time_zone=zone)
        meter = meters()[meter_id]
        readings = list(readings_of(meter, by_subject[zone]))
        quantity = quantity_of(meter, readings, run)
        is_used = any(run.start <= one.event_at < run.end for one in readings)
        is_carried = meter["carry_in"] == "previous" and (
            quantity if meter["aggregation"] != "latest" else quantity is not None
        )
        if is_used or is_carried:
            expected[charge_id, run.start, zone] = quantity
    return expected


@pytest.mark.parametrize("seed", [1, 2])
def test_every_quantity_is_that_of_its_events_in_any_order_and_any_batches(warehouse, event, seed):
    add_terms(warehouse)
    chance = random.Random(seed)  # noqa: S311 — reproducible test data, no secret
    events = some_events(event, seed, 70 if seed == 1 else 300)
    arriving = chance.sample(events, len(events))
    for size in (0, len(events) // 3, len(events) // 3 * 2):
        warehouse.load(*arriving[size : size + len(events) // 3])
        if size:
            warehouse.count(select=("+int_usage__assigned",))
    warehouse.load(*arriving[len(events) // 3 * 3 :])
    warehouse.count(select=("+int_usage__assigned",))
    found = {
        row[:3]: row[3]
        for row in warehouse.rows(
            "select charge_id, run_start_at, customer_id, quantity from rating.int_usage__assigned"
        )
    }
    expected = expected_quantities(warehouse, events)
    assert {} == {
        (key[0], str(key[1]), key[2]): (expected.get(key, "no row"), found.get(key, "no row"))
        for key in expected.keys() | found.keys()
        if expected.get(key, "no row") != found.get(key, "no row")
    }
    assert len(expected) > 1000
