"""A summer of usage for a contract: at random, and aimed at the quantities where prices change.

Belongs here: rows that metering would have left. Does not belong here: prices, or any amount.

Aimed usage is a walk: its rows lie in one half of a month, so that one cell holds them under every
anchor day, and after each row the meter reads one of the edges, a step less or a step more. However
a cell is cut, both the quantity before the cut and the one after it are then edges.
"""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from rating_edges import LARGEST_UNIQUE_COUNT, metered, metered_edges, smallest_step

MIRRORED = ("per_unit", "percentage", "dynamic", "cost_plus")
NANO = Decimal("0.000000001")
FIRST_DAY = date(2026, 5, 1)
LAST_DAY = date(2026, 9, 30)
HALVES = tuple(
    (date(2026, month, first), date(2026, month, last))
    for month in range(FIRST_DAY.month, LAST_DAY.month + 1)
    for first, last in ((1, 14), (16, 28))
)
DIMENSIONS = (
    '{"model":"a","region":"eu"}',
    '{"model":"b","region":"eu"}',
    '{"model":"b","region":"us"}',
)


def any_decimal(dice, whole, decimals):
    return Decimal(dice.randrange(whole * 10**decimals)).scaleb(-decimals)


def add_usage(dice, warehouse, contract):
    prices = prices_of(warehouse, contract)
    cuts = {price["effective_from_date"] for price, _ in prices} | {
        row["effective_from_date"]
        for row in warehouse.reference["contract_versions"]
        if row["contract_id"] == contract["contract_id"]
    }
    halves = [half for half in HALVES if is_active(contract, half[0], half[1])]
    for meter in warehouse.reference["meters"]:
        mine = [priced for priced in prices if priced[0]["meter_id"] == meter["meter_id"]]
        if mine and halves and dice.random() < 0.8:
            cut = [half for half in halves if any(half[0] < day <= half[1] for day in cuts)]
            for half in sorted({*cut, *dice.sample(halves, min(4, len(halves)))}):
                current = [priced for priced in mine if is_in_force(priced[0], half[1])]
                walk = aimed_walk(dice, meter, *dice.choice(current or mine))
                add_walk(dice, warehouse, contract, meter, walk=walk, half=half)
        elif dice.random() < 0.4:
            add_any_usage(dice, warehouse, contract, meter)


def prices_of(warehouse, contract):
    """Pairs (price, tiers in the contract's currency) that the contract may ever meet."""
    plans = {
        row["plan_id"]
        for row in warehouse.reference["contract_versions"]
        if row["contract_id"] == contract["contract_id"]
    }
    prices = {
        row["charge_price_id"]: (row, [])
        for row in warehouse.reference["charges"]
        if row["plan_id"] in plans
        and row["charge_model"] != "flat"
        and row.get("contract_id") in {None, contract["contract_id"]}
    }
    for tier in warehouse.reference["charge_tiers"]:
        if tier["charge_price_id"] in prices and tier["currency_code"] == contract["currency_code"]:
            prices[tier["charge_price_id"]][1].append(tier)
    return list(prices.values())


def is_active(contract, first_day, last_day):
    return first_day >= contract["start_date"] and (
        contract.get("end_date") is None or last_day < contract["end_date"]
    )


def is_in_force(price, day):
    until = price.get("effective_to_date")
    return price["effective_from_date"] <= day and (until is None or day < until)


def aimed_walk(dice, meter, price, tiers):
    """Readings of a meter, one after another, each at or beside an edge of the price."""
    step = smallest_step(meter)
    edges = [edge for _, edge in metered_edges(price, tiers)]
    walk = []
    for _ in range(dice.randrange(1, 5)):
        aim = dice.choice(edges)
        if dice.random() < (0.7 if meter["is_negative_allowed"] else 0.4):
            # Odd units and odd halves: of many prices they make half of a minor unit, or of 10^-12.
            aim = metered(price, Fraction(2 * dice.randrange(30) + 1, dice.choice((1, 2))))
        reading = (aim // step + dice.choice((-1, 0, 0, 1))) * step
        if meter["is_negative_allowed"]:
            is_mirrored = dice.random() < (0.8 if price["charge_model"] in MIRRORED else 0.05)
            walk.append(-reading if is_mirrored else reading)
        elif reading >= 0:
            walk.append(reading)
    if meter["aggregation"] == "unique_count":
        walk = [reading for reading in walk if reading <= LARGEST_UNIQUE_COUNT]
    return walk if meter["is_negative_allowed"] else sorted(walk)


def add_walk(dice, warehouse, contract, meter, *, walk, half):
    is_level = meter["aggregation"] in {"max", "latest"}
    days = sorted(
        half[0] + timedelta(days=dice.randrange((half[1] - half[0]).days + 1)) for _ in walk
    )
    before = Fraction(0)
    for day, reading in zip(days, walk, strict=True):
        added = reading - before
        if added == 0 and meter["aggregation"] == "count":
            continue
        quantity = reading if is_level else added
        warehouse.use(
            contract["contract_id"],
            meter["meter_id"],
            day,
            Decimal(int(quantity * 10**9)).scaleb(-9),
            batch=dice.randrange(1, 5),
            event_count=int(added) if meter["aggregation"] == "count" else 1,
            event_id=f"e{len(warehouse.metered):08}",
            dimension_key=DIMENSIONS[HALVES.index(half) % 2],
        )
        keep_events(dice, warehouse, meter)
        if meter["aggregation"] == "unique_count":
            add_distinct_values(warehouse, range(int(before), int(reading)))
        before = reading


def add_any_usage(dice, warehouse, contract, meter):
    scale = dice.choice((1, 40, 10**15))
    decimals = dice.choice((0, 0, 2, 9))
    for _ in range(dice.randrange(1, 12)):
        day = FIRST_DAY + timedelta(days=dice.randrange((LAST_DAY - FIRST_DAY).days + 1))
        if not is_active(contract, day, day):
            continue
        quantity = any_decimal(dice, scale, decimals)
        if meter["is_negative_allowed"] and dice.random() < 0.3:
            quantity = -quantity
        event_count = dice.randrange(1, 9)
        warehouse.use(
            contract["contract_id"],
            meter["meter_id"],
            day,
            quantity,
            batch=dice.randrange(1, 5),
            event_count=event_count,
            unvalued_event_count=dice.choice((0, 0, dice.randrange(event_count))),
            event_id=f"e{len(warehouse.metered):08}",
            dimension_key=dice.choice(DIMENSIONS),
        )
        keep_events(dice, warehouse, meter)
        if meter["aggregation"] == "unique_count":
            add_distinct_values(warehouse, [dice.randrange(9) for _ in range(dice.randrange(1, 6))])


def add_distinct_values(warehouse, numbers):
    """Values of the row that was added last."""
    warehouse.distinct_values.extend(
        warehouse.metered[-1] | {"distinct_value": f"u{number}"} for number in numbers
    )


def keep_events(dice, warehouse, meter):
    """Events with a value of the row that was added last, of a meter that keeps each."""
    if not meter["keeps_each_event"]:
        return
    row = warehouse.metered[-1]
    left = row["quantity_sum"]
    valued = row["event_count"] - row["unvalued_event_count"]
    for number in range(valued):
        is_last = number == valued - 1
        quantity = left if is_last else (left * dice.choice((0, 0, 1, 3)) / 8).quantize(NANO)
        left -= quantity
        warehouse.kept_events.append(
            row
            | {
                "event_at": row["latest_event_at"] + timedelta(minutes=dice.randrange(3)),
                "event_at_nanos": dice.randrange(2),
                "event_id": f"{row['latest_event_id']}-{dice.randrange(10**6):06}-{number}",
                "quantity": quantity,
            }
        )
