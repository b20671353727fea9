"""What a company could have written: meters, plans, prices, contracts and overrides.

Belongs here: inputs made from a seeded generator. Does not belong here: usage (rating_usage.py), or
any amount.
"""

import itertools
import json
from datetime import date, timedelta
from decimal import Decimal

from rating_usage import FIRST_DAY, add_usage, any_decimal

CONTRACTS = 900
PLANS = 150
MINOR_UNITS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}
# Models whose meters sum: amounts of money, and the days or seconds of seats.
SUMMING = ("percentage", "graduated_percentage", "dynamic", "cost_plus", "seats")
MODELS = (
    "flat",
    "stairstep",
    "dimensional",
    *SUMMING,
    *["per_unit", "graduated", "volume", "package"] * 2,
)
LADDERS = ("graduated", "volume", "stairstep", "graduated_percentage")
# Matches of dimensional prices, the default last where there is one.
MATCHES = (
    ({"model": "a"}, {"model": "b"}),
    ({"model": "b"}, {"model": "b", "region": "us"}, {}),
    ({"model": "a", "region": "eu"}, {"model": "a"}, {"model": "b", "region": "us"}),
    ({"region": "us"}, {"model": "b"}, {"model": "b", "region": "us"}, {}),
)
AGGREGATIONS = ("sum", "sum", "sum", "count", "max", "latest", "unique_count", "unique_count")
KEEPING = (1, 2)
CARRYING = (AGGREGATIONS.index("latest"),)
CADENCES = (*["monthly"] * 8, "quarterly", "annual")
ZONES = ("UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe")


def any_money(dice, currency_code, whole):
    """A price or a fee: of any scale, or an odd number of half minor units or of 10^-12."""
    odd = Decimal(2 * dice.randrange(whole * 10) + 1)
    style = dice.random()
    if style < 0.5:
        return (odd / 2).scaleb(-MINOR_UNITS[currency_code])
    if style < 0.6:
        return odd.scaleb(-12)
    return any_decimal(dice, whole, dice.choice((0, 2, 6, 12)))


def any_tiers(dice, model, currency_code, counting="total"):
    if model == "package":
        return any_package_tiers(dice, currency_code, counting)
    if model == "dimensional":
        return any_matches(dice, currency_code)
    if model in LADDERS:
        return any_ladder(dice, model, currency_code)
    price = any_money(dice, currency_code, dice.choice((1, 50)))
    fixed = dice.choice((Decimal(0), any_money(dice, currency_code, 1)))
    if model == "percentage" and counting == "each event":
        return any_event_terms(dice, currency_code)
    return [
        {
            "flat": {"flat_amount": any_money(dice, currency_code, 900)},
            "percentage": {"unit_price": any_rate(dice), "flat_amount": fixed},
            "dynamic": {"unit_price": Decimal(1)},
        }.get(model, {"unit_price": price})
    ]


def any_event_terms(dice, currency_code):
    """A percentage with something free, or bounds of an event's fee, or both."""
    free = dice.choice(
        ({}, {"free_events": dice.randrange(1, 5)}, {"free_amount": any_decimal(dice, 40, 2) + 1})
    )
    low = any_money(dice, currency_code, 2)
    bounds = {"minimum": low, "maximum": low + any_money(dice, currency_code, 9)}
    kept = [bound for bound in bounds if not free or dice.random() < 0.5]
    return [
        {"unit_price": any_rate(dice), "flat_amount": any_money(dice, currency_code, 1)} | free,
        *({"flat_amount": bounds[bound], "event_bound": bound} for bound in kept),
    ]


def any_matches(dice, currency_code):
    return [
        {
            "unit_price": any_money(dice, currency_code, 20),
            "dimension_match": json.dumps(match),
        }
        for match in dice.choice(MATCHES)
    ]


def any_rate(dice):
    return any_decimal(dice, 1, dice.choice((2, 3, 12)))


def any_package_tiers(dice, currency_code, counting):
    size = Decimal(dice.choice(("1", "7", "1000", "0.3")))
    bounds = sorted({dice.randrange(1, 5) * size for _ in range(dice.choice((0, 0, 1, 2)))})
    if counting == "per_tier":
        bounds = [bound + dice.choice((0, size / 2, Decimal("0.1"))) for bound in bounds]
    return [
        {
            "upper_quantity": bound,
            "unit_price": any_money(dice, currency_code, 50),
            "flat_amount": any_money(dice, currency_code, 9) if bounds else Decimal(0),
            "package_size": size,
        }
        for bound in [*bounds, None]
    ]


def any_ladder(dice, model, currency_code):
    reach, decimals = dice.choice((9, 9, 400)), dice.choice((0, 0, 3, 9))
    bounds = sorted({any_decimal(dice, reach, decimals) + 1 for _ in range(dice.randrange(4))})
    return [
        {
            "upper_quantity": bound,
            "unit_price": any_ladder_price(dice, model, currency_code),
            "flat_amount": (
                any_money(dice, currency_code, 30)
                if model == "stairstep" or dice.random() < 0.5
                else Decimal(0)
            ),
        }
        for bound in [*bounds, None]
    ]


def any_ladder_price(dice, model, currency_code):
    if model == "stairstep":
        return Decimal(0)
    if model == "graduated_percentage":
        return any_rate(dice)
    return any_money(dice, currency_code, 20)


def prices_by_currency(dice, model, counting="total"):
    return {
        currency_code: any_tiers(dice, model, currency_code, counting)
        for currency_code in MINOR_UNITS
    }


def add_catalog(dice, warehouse):
    """Meters and plans; every model meets every meter, so that no combination is left to luck."""
    for number in range(2 * len(AGGREGATIONS)):
        aggregation = AGGREGATIONS[number % len(AGGREGATIONS)]
        warehouse.add_meter(
            f"m{number}",
            aggregation=aggregation,
            is_negative_allowed=aggregation == "sum" and number not in KEEPING,
            keeps_each_event=number in KEEPING,
            carry_in="previous" if number in CARRYING else "zero",
        )
    every_pair = [
        (model, meter)
        for model, meter in itertools.product(MODELS, warehouse.reference["meters"])
        if model not in SUMMING or meter["aggregation"] == "sum"
    ]
    pairs = itertools.cycle(dice.sample(every_pair, len(every_pair)))
    for plan in range(PLANS):
        warehouse.add_plan(f"p{plan}")
        for charge in range(dice.randrange(3, 8)):
            model, meter = next(pairs)
            add_charge(dice, warehouse, f"p{plan}", f"p{plan}c{charge}", model=model, meter=meter)


def fee_columns(dice):
    return {
        "billing_timing": dice.choice(("advance", "arrears")),
        "proration": dice.choice(("day", "day", "none")),
    }


def usage_columns(dice, model, meter):
    if model == "seats":
        return {"meter_id": meter["meter_id"], "proration": dice.choice(("day", "second"))}
    factors, divisors = ("1", "1", "1", "3", "0.125"), ("1", "1", "1", "1000", "1024000", "0.7")
    if meter["aggregation"] == "unique_count":
        factors, divisors = ("1", "1", "3"), ("1", "1", "0.7")
    return {
        "meter_id": meter["meter_id"],
        "convert_multiply": Decimal(dice.choice(factors)),
        "convert_divide": Decimal(dice.choice(divisors)),
        "convert_rounding": dice.choice(
            ("none", "none", "none", "none", "up", "down", "half_up", "half_even")
        ),
        "convert_decimals": dice.choice((0, 0, 1, 3, 9)),
        "package_rounding": dice.choice(("up", "down")),
        "package_counting": dice.choice(("total", "per_tier")),
        "free_quantity": (
            Decimal(0)
            if model in SUMMING
            else dice.choice((Decimal(0), Decimal(5), any_decimal(dice, 20, 3)))
        ),
        "zero_usage": dice.choice(("charge", "skip")),
    }


def add_charge(dice, warehouse, plan_id, charge_id, *, model, meter):
    shared = {
        "plan_id": plan_id,
        "charge_id": charge_id,
        "charge_model": model,
        "rounding_mode": dice.choice(("half_away", "half_even")),
    } | (fee_columns(dice) if model == "flat" else usage_columns(dice, model, meter))
    counting = shared.get("package_counting")
    if model == "percentage" and meter["keeps_each_event"]:
        counting = "each event"
        shared["convert_rounding"] = "none"
    cut = FIRST_DAY + timedelta(days=dice.randrange(150))
    spans = [(date(2020, 1, 1), None)]
    if dice.random() < 0.5:
        spans = [(date(2020, 1, 1), cut), (cut, None)]
    elif dice.random() < 0.2:
        spans = [(cut, None)]
    for start, end in spans:
        warehouse.add_charge(
            f"{charge_id}/{start}",
            tiers=prices_by_currency(dice, model, counting),
            effective_from_date=start,
            effective_to_date=end,
            **shared,
        )


def add_contracts(dice, warehouse):
    for number in range(CONTRACTS):
        contract_id = f"k{number}"
        start = FIRST_DAY + timedelta(days=dice.randrange(-100, 120))
        end = start + timedelta(days=dice.randrange(1, 200)) if dice.random() < 0.3 else None
        warehouse.add_contract(
            contract_id,
            currency_code=dice.choice(list(MINOR_UNITS)),
            time_zone=dice.choice(ZONES),
            billing_cadence=dice.choice(CADENCES),
            billing_anchor_day=dice.choice((1, 1, 15, 31)),
            start_date=start,
            end_date=end,
        )
        plan, cut = f"p{dice.randrange(PLANS)}", start + timedelta(days=dice.randrange(1, 150))
        versions = [(start, None, plan)]
        if dice.random() < 0.6:
            other = dice.choice((plan, f"p{dice.randrange(PLANS)}"))
            versions = [(start, cut, plan), (cut, None, other)]
        for version, (from_date, to_date, plan_id) in enumerate(versions, start=1):
            warehouse.add(
                "contract_versions",
                contract_id=contract_id,
                contract_version=version,
                effective_from_date=from_date,
                effective_to_date=to_date,
                plan_id=plan_id,
            )
        if dice.random() < 0.25:
            add_override(dice, warehouse, contract_id, plan)
        add_usage(dice, warehouse, warehouse.reference["contracts"][-1])


def add_override(dice, warehouse, contract_id, plan_id):
    listed = [row for row in warehouse.reference["charges"] if row["plan_id"] == plan_id]
    row = dict(dice.choice(listed))
    start = FIRST_DAY + timedelta(days=dice.randrange(120))
    end = start + timedelta(days=dice.randrange(1, 60)) if dice.random() < 0.5 else None
    row.pop("charge_price_id")
    meters = {meter["meter_id"]: meter for meter in warehouse.reference["meters"]}
    counting = row.get("package_counting")
    if row["charge_model"] == "percentage" and meters[row["meter_id"]]["keeps_each_event"]:
        counting = "each event"
    warehouse.add_charge(
        f"{contract_id}/override",
        tiers=prices_by_currency(dice, row["charge_model"], counting),
        **row
        | {"contract_id": contract_id, "effective_from_date": start, "effective_to_date": end},
    )
