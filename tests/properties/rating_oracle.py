"""The rules of rating once more, in exact fractions: what every rated line and tier must cost.

Belongs here: rating contract by contract and day by day, from the rules alone. It shares no code
and no intermediate step with the SQL. Does not belong here: making inputs, or reading outputs.
"""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rating_catalog import MINOR_UNITS

# Models in which a quantity below zero is the mirror of one above it.
MIRRORED = ("per_unit", "percentage", "dynamic", "cost_plus")


def rounded(number, mode="half_away"):
    """A fraction as a whole number."""
    whole, rest = divmod(abs(number), 1)
    up = {
        "down": False,
        "up": rest > 0,
        "half_up": rest >= Fraction(1, 2),
        "half_away": rest >= Fraction(1, 2),
        "half_even": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1),
    }[mode]
    return int(whole + up) * (-1 if number < 0 else 1)


def shared_out(whole, parts):
    """Whole units by largest remainder over parts that are fractions of a unit."""
    floors = [part.numerator // part.denominator for part in parts]
    by_rest = sorted(range(len(parts)), key=lambda number: (floors[number] - parts[number], number))
    for number in by_rest[: whole - sum(floors)]:
        floors[number] += 1
    return floors


def converted(price, quantity):
    exact = (
        Fraction(quantity) * Fraction(price["convert_multiply"]) / Fraction(price["convert_divide"])
    )
    if price["convert_rounding"] == "none":
        return exact
    step = 10 ** price["convert_decimals"]
    return Fraction(rounded(exact * step, price["convert_rounding"]), step)


def ladder(price, tiers, quantity, length=1, dimensions=None):
    """What a cumulative quantity costs, tier by tier: (priced quantity, flat amount, amount).

    The length is that of the full cell, which seats are divided by. The amount that percentage
    takes of each event is not in it.
    """
    model = price["charge_model"]
    if model == "flat":
        return [tier_part(tiers[0], Fraction(1))]
    asked = converted(price, quantity) / (length if model == "seats" else 1)
    is_used = asked != 0 or price["zero_usage"] == "charge"
    billed = asked if asked <= 0 else max(Fraction(0), asked - Fraction(price["free_quantity"]))
    if model == "dimensional":
        chosen = best_match(tiers, dimensions)
        return [
            tier_part(tier, billed if tier is chosen else Fraction(0), is_entered=False)
            for tier in tiers
        ]
    if model in {"per_unit", "seats", "percentage", "dynamic", "cost_plus"}:
        return [tier_part(tiers[0], billed, is_entered=False)]
    if model == "package":
        return package_ladder(price, tiers, billed, is_used=is_used)
    parts = []
    for number, tier in enumerate(tiers):
        lower = Fraction(tier["lower_quantity"])
        top = billed if tier.get("upper_quantity") is None else Fraction(tier["upper_quantity"])
        if model in {"graduated", "graduated_percentage"}:
            priced = max(Fraction(0), min(billed, top) - lower)
            is_entered = is_used if number == 0 else billed > lower
        else:
            is_here = (number == 0 or billed > lower) and billed <= top
            priced = billed if is_here else Fraction(0)
            is_entered = is_used and is_here
        parts.append(tier_part(tier, priced, is_entered=is_entered))
    return parts


def package_ladder(price, tiers, billed, *, is_used):
    """Packages of each tier: those begun in it, or its part of all that were begun."""
    size, mode = Fraction(tiers[0]["package_size"]), price["package_rounding"]
    is_total = price["package_counting"] == "total"
    reached = Fraction(rounded(billed / size, mode)) * size if is_total else billed
    parts = []
    for number, tier in enumerate(tiers):
        lower = Fraction(tier["lower_quantity"])
        top = reached if tier.get("upper_quantity") is None else Fraction(tier["upper_quantity"])
        inside = max(Fraction(0), min(reached, top) - lower)
        is_entered = is_used if number == 0 else reached > lower
        packages = Fraction(rounded(inside / size, mode))
        parts.append(tier_part(tier, packages, is_entered=is_entered))
    return parts


def best_match(tiers, dimensions):
    """The tier of a dimensional price that prices a line; None where no match fits."""
    if not dimensions:
        return tiers[0]
    wanted = [(json.loads(tier["dimension_match"]), tier) for tier in tiers]
    fitting = [
        (len(match), tier)
        for match, tier in wanted
        if all(dimensions.get(name) == value for name, value in match.items())
    ]
    return max(fitting, key=lambda found: found[0])[1] if fitting else None


def tier_part(tier, quantity, *, is_entered=True):
    flat_amount = Fraction(tier["flat_amount"]) if is_entered else Fraction(0)
    return quantity, flat_amount, quantity * Fraction(tier["unit_price"]) + flat_amount


def less(parts, others):
    """What one ladder adds to another, tier by tier."""
    return [
        tuple(mine - other for mine, other in zip(*pair, strict=True))
        for pair in zip(parts, others, strict=True)
    ]


def with_each_event(parts, tiers, events):
    """What percentage charges, with its fixed amount for each event that has a value."""
    [(quantity, _, amount)] = parts
    fixed = Fraction(tiers[0]["flat_amount"]) * events
    return [(quantity, fixed, amount + fixed)]


def decimal_of(whole, decimals):
    """A whole number of the smallest units as a decimal, with every digit."""
    return Decimal((int(whole < 0), tuple(map(int, str(abs(whole)))), -decimals))


class Line(NamedTuple):
    """A rated line: amounts, None where there is none, and the rows of its tiers by number."""

    amount_unrounded: Decimal | None
    amount: Decimal | None
    tiers: dict


class Ask(NamedTuple):
    """One question to a price: what does this cumulative metered quantity cost?"""

    meter: dict
    price: dict
    tiers: list
    quantity: Decimal


class Settlement(NamedTuple):
    """One amount in 10^-12 units: exact, rounded to whole ones, and shared over its lines."""

    currency_code: str
    rounding_mode: str
    exact_units: Fraction
    whole_units: int
    line_units: list


def tier_rows(parts, line_units, line_cents, decimals):
    """Tier number → (quantity, flat amount, unrounded amount, amount), of tiers that are used."""
    rows = {
        number: (decimal_of(rounded(quantity * 10**9), 9), flat_amount, amount * 10**12)
        for number, (quantity, flat_amount, amount) in enumerate(parts, start=1)
    }
    used = {number: row for number, row in rows.items() if any(row)}
    units = shared_out(line_units, [exact for *_, exact in used.values()])
    step = 10 ** (12 - decimals)
    cents = shared_out(line_cents, [Fraction(unit, step) for unit in units])
    return {
        number: (
            quantity,
            decimal_of(int(flat_amount * 10**12), 12),
            decimal_of(unit, 12),
            decimal_of(cent, decimals),
        )
        for (number, (quantity, flat_amount, _)), unit, cent in zip(
            used.items(), units, cents, strict=True
        )
    }


class Oracle:
    """The rules of rating, applied contract by contract and day by day.

    Attributes:
        asks: every question that was put to a price.
        settlements: every amount that was rounded.
    """

    def __init__(self, warehouse, cells):
        self.reference = warehouse.reference
        self.meters = {row["meter_id"]: row for row in self.reference["meters"]}
        self.cells = cells
        self.asks = []
        self.settlements = []
        self.tiers = defaultdict(list)
        for row in self.reference["charge_tiers"]:
            self.tiers[row["charge_price_id"], row["currency_code"]].append(row)
        self.listed = defaultdict(list)
        self.overrides = defaultdict(list)
        for row in self.reference["charges"]:
            place = (
                self.overrides[row["contract_id"]]
                if row.get("contract_id")
                else self.listed[row["plan_id"]]
            )
            place.append(row)
        self.usage = defaultdict(list)
        self.values = defaultdict(set)
        for row in warehouse.metered:
            self.usage[row["contract_id"], row["meter_id"]].append(row)
        for row in warehouse.distinct_values:
            key = (row["contract_id"], row["meter_id"], row["dimension_key"], row["local_date"])
            self.values[key].add(row["distinct_value"])

    def lines(self):
        expected = {}
        for contract in self.reference["contracts"]:
            for start, end in self.cells[contract["contract_id"]]:
                for charge_id, segments in self.segments(contract, start, end).items():
                    expected |= self.rated(contract, charge_id, start, segments)
        return expected

    def prices_on(self, contract, day):
        """Charge → (contract version, list price, price) in force on a local day."""
        if day < contract["start_date"] or (contract["end_date"] and day >= contract["end_date"]):
            return {}
        [version] = [
            row
            for row in self.reference["contract_versions"]
            if row["contract_id"] == contract["contract_id"] and in_force(row, day)
        ]
        found = {}
        for row in self.listed[version["plan_id"]]:
            if in_force(row, day):
                own = [
                    override
                    for override in self.overrides[contract["contract_id"]]
                    if override["charge_id"] == row["charge_id"] and in_force(override, day)
                ]
                found[row["charge_id"]] = (version["contract_version"], row, own[0] if own else row)
        return found

    def segments(self, contract, start, end):
        """Charge → list of (days, price) of a cell."""
        found = defaultdict(list)
        before = {}
        for offset in range((end - start).days):
            day = start + timedelta(days=offset)
            today = self.prices_on(contract, day)
            for charge_id, (version, listed, price) in today.items():
                identity = (version, listed["charge_price_id"], price["charge_price_id"])
                if before.get(charge_id) == identity:
                    found[charge_id][-1][0].append(day)
                else:
                    found[charge_id].append(([day], price))
                before[charge_id] = identity
            before = {charge_id: before[charge_id] for charge_id in today}
        return found

    def quantities(self, contract, meter, days):
        """Dimension → quantity of one segment."""
        rows = [
            row
            for row in self.usage[contract["contract_id"], meter["meter_id"]]
            if days[0] <= row["local_date"] <= days[-1]
        ]
        found = {}
        for dimension in {row["dimension_key"] for row in rows}:
            mine = [row for row in rows if row["dimension_key"] == dimension]
            last = max(mine, key=lambda row: (row["latest_event_at"], row["latest_event_id"]))
            seen = [
                self.values[
                    contract["contract_id"], meter["meter_id"], dimension, row["local_date"]
                ]
                for row in mine
            ]
            found[dimension] = {
                "sum": sum(row["quantity_sum"] for row in mine),
                "count": sum(row["event_count"] for row in mine),
                "max": max(row["quantity_max"] for row in mine),
                "latest": last["latest_quantity"],
                "unique_count": len(set().union(*seen)),
            }[meter["aggregation"]]
        return found

    def level_before(self, contract, meter, day):
        """Dimension → the last reading of all days before a day."""
        rows = [
            row
            for row in self.usage[contract["contract_id"], meter["meter_id"]]
            if row["local_date"] < day
        ]
        rows.sort(key=lambda row: (row["latest_event_at"], row["latest_event_id"]))
        return {row["dimension_key"]: row["latest_quantity"] for row in rows}

    def rated(self, contract, charge_id, cell_start, segments):
        price = segments[0][1]
        if price["charge_model"] == "flat":
            parts = {"{}": [(number, 1) for number in range(len(segments))]}
            return self.settled(contract, charge_id, cell_start, segments, parts)
        meter = self.meters[price["meter_id"]]
        parts = defaultdict(list)
        for number, (days, _) in enumerate(segments):
            measured = self.quantities(contract, meter, days)
            if meter["carry_in"] == "previous":
                measured = self.level_before(contract, meter, days[0]) | measured
            for dimension, quantity in measured.items():
                parts[dimension].append((number, quantity))
        return self.settled(contract, charge_id, cell_start, segments, parts or {"{}": [(0, 0)]})

    def settled(self, contract, charge_id, cell_start, segments, parts):
        expected = {}
        for dimension, quantities in parts.items():
            ladders = self.ladders(contract, segments, quantities, dimension)
            names = [
                (contract["contract_id"], charge_id, cell_start, dimension, segments[number][0][0])
                for number, _ in quantities
            ]
            if ladders is None:
                expected |= dict.fromkeys(names, Line(None, None, {}))
                continue
            units = [sum(amount for *_, amount in parts) * 10**12 for parts in ladders]
            whole = rounded(sum(units))
            spread = shared_out(whole, units)
            decimals = MINOR_UNITS[contract["currency_code"]]
            step = 10 ** (12 - decimals)
            mode = segments[quantities[-1][0]][1]["rounding_mode"]
            cents = shared_out(
                rounded(Fraction(whole, step), mode), [Fraction(unit, step) for unit in spread]
            )
            self.settlements.append(
                Settlement(contract["currency_code"], mode, sum(units), whole, spread)
            )
            for name, parts_of_line, unit, cent in zip(names, ladders, spread, cents, strict=True):
                expected[name] = Line(
                    decimal_of(unit, 12),
                    decimal_of(cent, decimals),
                    tier_rows(parts_of_line, unit, cent, decimals),
                )
        return expected

    def ladders(self, contract, segments, quantities, dimension):
        """Tiers of each line of a key; None where something forbids an amount."""
        found, running = [], None
        for number, quantity in quantities:
            days, price = segments[number]
            tiers = self.tiers[price["charge_price_id"], contract["currency_code"]]
            meter = self.meters.get(price.get("meter_id"), {"aggregation": "fee"})
            values = json.loads(dimension)
            if price["charge_model"] == "dimensional" and best_match(tiers, values) is None:
                return None
            asked = {"length": self.length(contract, price, days[0]), "dimensions": values}
            if meter["aggregation"] in {"sum", "count"}:
                before, running = running, (running or 0) + quantity
                is_mirrored = price["charge_model"] in MIRRORED and meter["is_negative_allowed"]
                if running < 0 and not is_mirrored:
                    return None
                added = ladder(price, tiers, running, **asked)
                if before is not None:
                    added = less(added, ladder(price, tiers, before, **asked))
                    self.asks.append(Ask(meter, price, tiers, before))
                if price["charge_model"] == "percentage":
                    events = self.valued_events(contract, meter, days, dimension)
                    added = with_each_event(added, tiers, events)
                found.append(added)
            else:
                share = self.share(contract, segments, number, meter)
                found.append(
                    [
                        (priced, flat_amount, amount * share)
                        for priced, flat_amount, amount in ladder(price, tiers, quantity, **asked)
                    ]
                )
            self.asks.append(Ask(meter, price, tiers, quantity if running is None else running))
        return found

    def valued_events(self, contract, meter, days, dimension):
        return sum(
            row["event_count"] - row["unvalued_event_count"]
            for row in self.usage[contract["contract_id"], meter["meter_id"]]
            if days[0] <= row["local_date"] <= days[-1] and row["dimension_key"] == dimension
        )

    def cell(self, contract, day):
        [cell] = [
            (start, end) for start, end in self.cells[contract["contract_id"]] if start <= day < end
        ]
        return cell

    def length(self, contract, price, day):
        """Days of the full cell; its seconds where the charge is shared by them."""
        start, end = self.cell(contract, day)
        if price["proration"] != "second":
            return (end - start).days
        zone = ZoneInfo(contract["time_zone"])
        first, last = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (start, end))
        return int((last.astimezone(UTC) - first.astimezone(UTC)).total_seconds())

    def share(self, contract, segments, number, meter):
        days, price = segments[number]
        if meter["aggregation"] != "fee":
            return Fraction(len(days), sum(len(others) for others, _ in segments))
        if price["proration"] == "none":
            return Fraction(1 if number == 0 else 0)
        start, end = self.cell(contract, days[0])
        return Fraction(len(days), (end - start).days)


def in_force(row, day):
    until = row.get("effective_to_date")
    return row["effective_from_date"] <= day and (until is None or day < until)
