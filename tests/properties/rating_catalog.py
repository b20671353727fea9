"""What a company could have written: plans, prices, contracts, overrides and a summer of usage.

Belongs here: inputs made from a seeded generator. Does not belong here: any amount.
"""

from datetime import date, timedelta
from decimal import Decimal

CONTRACTS = 300
PLANS = 40
FIRST_DAY = date(2026, 5, 1)
LAST_DAY = date(2026, 9, 30)
MINOR_UNITS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}
AGGREGATIONS = ("sum", "sum", "sum", "count", "max", "latest", "unique_count")
ZONES = ("UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe")


def any_decimal(dice, whole, decimals):
    return Decimal(dice.randrange(whole * 10**decimals)).scaleb(-decimals)


def any_tiers(dice, model):
    if model == "flat":
        return [{"flat_amount": any_decimal(dice, 900, dice.choice((0, 2, 12)))}]
    decimals = dice.choice((0, 2, 6, 12))
    price = any_decimal(dice, dice.choice((1, 50)), decimals)
    if model == "package":
        return [
            {"unit_price": price, "package_size": Decimal(dice.choice(("1", "7", "1000", "0.3")))}
        ]
    if model == "per_unit":
        return [{"unit_price": price}]
    bounds = sorted(
        {any_decimal(dice, 400, dice.choice((0, 3, 9))) + 1 for _ in range(dice.randrange(4))}
    )
    return [
        {
            "upper_quantity": bound,
            "unit_price": any_decimal(dice, 20, decimals),
            "flat_amount": any_decimal(dice, 30, 2) if dice.random() < 0.4 else Decimal(0),
        }
        for bound in [*bounds, None]
    ]


def add_catalog(dice, warehouse, meters):
    """Add meters and plans; returns the prices of each plan's charges."""
    for number in range(14):
        aggregation = AGGREGATIONS[number % len(AGGREGATIONS)]
        meter = {
            "aggregation": aggregation,
            "is_negative_allowed": aggregation == "sum" and number % 3 == 0,
            "carry_in": "previous" if aggregation == "latest" and number > 6 else "zero",
        }
        warehouse.add_meter(f"m{number}", **meter)
        meters[f"m{number}"] = meter
    for plan in range(PLANS):
        warehouse.add_plan(f"p{plan}")
        for charge in range(dice.randrange(2, 6)):
            add_charge(dice, warehouse, f"p{plan}", f"p{plan}c{charge}", dice.choice(list(meters)))


def add_charge(dice, warehouse, plan_id, charge_id, meter_id):
    model = dice.choice(("flat", "per_unit", "graduated", "graduated", "volume", "package"))
    rounding = dice.choice(("none", "none", "none", "up", "down", "half_up"))
    shared = {
        "plan_id": plan_id,
        "charge_id": charge_id,
        "charge_model": model,
        "meter_id": None if model == "flat" else meter_id,
        "billing_timing": dice.choice(("advance", "arrears")) if model == "flat" else "arrears",
        "convert_multiply": Decimal(dice.choice(("1", "1", "3", "0.125"))),
        "convert_divide": Decimal(dice.choice(("1", "1", "1000", "1024000", "0.7"))),
        "convert_rounding": rounding,
        "convert_decimals": dice.randrange(4),
        "package_rounding": dice.choice(("up", "down")),
        "free_quantity": any_decimal(dice, 20, 3) if dice.random() < 0.3 else Decimal(0),
        "zero_usage": dice.choice(("charge", "skip")),
        "proration": dice.choice(("day", "day", "none")),
        "rounding_mode": dice.choice(("half_away", "half_even")),
    }
    cut = FIRST_DAY + timedelta(days=dice.randrange(150))
    spans = [(date(2020, 1, 1), None)]
    if dice.random() < 0.5:
        spans = [(date(2020, 1, 1), cut), (cut, None)]
    elif dice.random() < 0.2:
        spans = [(cut, None)]
    for start, end in spans:
        warehouse.add_charge(
            f"{charge_id}/{start}",
            tiers={currency: any_tiers(dice, model) for currency in MINOR_UNITS},
            effective_from_date=start,
            effective_to_date=end,
            **shared,
        )


def add_contracts(dice, warehouse, meters):
    for number in range(CONTRACTS):
        contract_id = f"k{number}"
        start = FIRST_DAY + timedelta(days=dice.randrange(-200, 120))
        end = start + timedelta(days=dice.randrange(1, 200)) if dice.random() < 0.3 else None
        warehouse.add_contract(
            contract_id,
            currency_code=dice.choice(list(MINOR_UNITS)),
            time_zone=dice.choice(ZONES),
            billing_cadence=dice.choice(("monthly", "monthly", "monthly", "quarterly", "annual")),
            billing_anchor_day=dice.choice((1, 1, 15, 31)),
            start_date=start,
            end_date=end,
        )
        plan, cut = f"p{dice.randrange(PLANS)}", start + timedelta(days=dice.randrange(1, 150))
        versions = [(start, None, plan)]
        if dice.random() < 0.4:
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
        add_usage(dice, warehouse, meters, contract_id=contract_id, start=start, end=end)


def add_override(dice, warehouse, contract_id, plan_id):
    listed = [row for row in warehouse.reference["charges"] if row["plan_id"] == plan_id]
    row = dict(dice.choice(listed))
    start = FIRST_DAY + timedelta(days=dice.randrange(120))
    end = start + timedelta(days=dice.randrange(1, 60)) if dice.random() < 0.5 else None
    row.pop("charge_price_id")
    warehouse.add_charge(
        f"{contract_id}/override",
        tiers={currency: any_tiers(dice, row["charge_model"]) for currency in MINOR_UNITS},
        **row
        | {"contract_id": contract_id, "effective_from_date": start, "effective_to_date": end},
    )


def add_usage(dice, warehouse, meters, *, contract_id, start, end):
    for meter_id, meter in meters.items():
        if dice.random() < 0.45:
            continue
        scale = dice.choice((1, 40, 10**15))
        decimals = dice.choice((0, 0, 2, 9))
        for _ in range(dice.randrange(1, 12)):
            day = FIRST_DAY + timedelta(days=dice.randrange((LAST_DAY - FIRST_DAY).days + 1))
            if day < start or (end and day >= end):
                continue
            quantity = any_decimal(dice, scale, decimals)
            if meter["is_negative_allowed"] and dice.random() < 0.3:
                quantity = -quantity
            warehouse.use(
                contract_id,
                meter_id,
                day,
                quantity,
                batch=dice.randrange(1, 5),
                event_count=dice.randrange(1, 9),
                event_id=f"e{len(warehouse.metered)}",
                dimension_key=dice.choice(('{"model":"a"}', '{"model":"b"}')),
            )
            if meter["aggregation"] == "unique_count":
                for _ in range(dice.randrange(1, 6)):
                    warehouse.distinct_values.append(
                        warehouse.metered[-1] | {"distinct_value": f"u{dice.randrange(9)}"}
                    )
