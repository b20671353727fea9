"""Every rated amount against an independent oracle, to the last digit, in one build.

The oracle walks each contract day by day in exact fractions, from the rules of rating alone; it
shares no code and no intermediate step with the SQL. Invariants 5 and 9.
"""

import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from rating_catalog import MINOR_UNITS, add_catalog, add_contracts
from rating_warehouse import RATING, RatingWarehouse

SEED = 20261121


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


def ladder(price, tiers, quantity):
    """The price of a cumulative quantity."""
    model = price["charge_model"]
    if model == "flat":
        return Fraction(tiers[0]["flat_amount"])
    asked = converted(price, quantity)
    is_used = asked != 0 or price["zero_usage"] == "charge"
    billed = asked if asked <= 0 else max(Fraction(0), asked - Fraction(price["free_quantity"]))
    if model == "per_unit":
        return billed * Fraction(tiers[0]["unit_price"])
    if model == "package":
        packages = rounded(billed / Fraction(tiers[0]["package_size"]), price["package_rounding"])
        return packages * Fraction(tiers[0]["unit_price"])
    paid = Fraction(0)
    for number, tier in enumerate(tiers):
        lower = Fraction(tier["lower_quantity"])
        upper = tier.get("upper_quantity")
        is_first = number == 0
        is_last = upper is None
        if model == "graduated":
            top = billed if is_last else min(billed, Fraction(upper))
            if top > lower:
                paid += (top - lower) * Fraction(tier["unit_price"])
            is_entered = is_used if is_first else billed > lower
        else:
            is_entered = (billed > lower or is_first) and (is_last or billed <= Fraction(upper))
            if is_entered:
                paid += billed * Fraction(tier["unit_price"])
            is_entered = is_entered and is_used
        if is_entered:
            paid += Fraction(tier["flat_amount"])
    return paid


def money(units):
    """Whole 10^-12 units as a decimal, with every digit."""
    return Decimal((int(units < 0), tuple(map(int, str(abs(units)))), -12))


class Oracle:
    """The rules of rating, applied contract by contract and day by day."""

    def __init__(self, warehouse, cells):
        self.reference = warehouse.reference
        self.meters = {row["meter_id"]: row for row in self.reference["meters"]}
        self.cells = cells
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
            amounts = self.amounts(contract, segments, quantities)
            names = [
                (contract["contract_id"], charge_id, cell_start, dimension, segments[number][0][0])
                for number, _ in quantities
            ]
            if amounts is None:
                expected |= dict.fromkeys(names, (None, None))
                continue
            units = [amount * 10**12 for amount in amounts]
            whole = rounded(sum(units))
            spread = shared_out(whole, units)
            step = 10 ** (12 - MINOR_UNITS[contract["currency_code"]])
            mode = segments[quantities[-1][0]][1]["rounding_mode"]
            minor = shared_out(
                rounded(Fraction(whole, step), mode), [Fraction(unit, step) for unit in spread]
            )
            for name, unit, cents in zip(names, spread, minor, strict=True):
                expected[name] = (money(unit), money(cents * step))
        return expected

    def amounts(self, contract, segments, quantities):
        """Exact amount of each part of a key; None where a negative quantity forbids one."""
        found, running = [], None
        for number, quantity in quantities:
            price = segments[number][1]
            tiers = self.tiers[price["charge_price_id"], contract["currency_code"]]
            meter = self.meters.get(price["meter_id"], {"aggregation": "fee"})
            if meter["aggregation"] in {"sum", "count"}:
                before, running = running, (running or 0) + quantity
                if running < 0 and not (
                    price["charge_model"] == "per_unit" and meter["is_negative_allowed"]
                ):
                    return None
                started = Fraction(0) if before is None else ladder(price, tiers, before)
                found.append(ladder(price, tiers, running) - started)
            else:
                found.append(
                    ladder(price, tiers, quantity) * self.share(contract, segments, number, meter)
                )
        return found

    def share(self, contract, segments, number, meter):
        days, price = segments[number]
        if meter["aggregation"] != "fee":
            return Fraction(len(days), sum(len(others) for others, _ in segments))
        if price["proration"] == "none":
            return Fraction(1 if number == 0 else 0)
        [cell] = [
            (start, end)
            for start, end in self.cells[contract["contract_id"]]
            if start <= days[0] < end
        ]
        return Fraction(len(days), (cell[1] - cell[0]).days)


def in_force(row, day):
    until = row.get("effective_to_date")
    return row["effective_from_date"] <= day and (until is None or day < until)


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    dice = random.Random(SEED)  # noqa: S311 — repeatable tests, no secrets
    warehouse = RatingWarehouse(tmp_path_factory.mktemp("oracle"))
    meters = {}
    add_catalog(dice, warehouse, meters)
    add_contracts(dice, warehouse, meters)
    warehouse.build(*RATING)
    cells = defaultdict(list)
    for row in warehouse.rows(
        "select contract_id, cell_start_date, cell_end_date from intermediate.int_contracts__cells "
        "order by 1, 2"
    ):
        cells[row["contract_id"]].append((row["cell_start_date"], row["cell_end_date"]))
    return warehouse, cells


def test_every_amount_equals_the_oracle_to_the_last_digit(rated):
    warehouse, cells = rated
    expected = Oracle(warehouse, cells).lines()
    actual = {
        (
            row["contract_id"],
            row["charge_id"],
            row["cell_start_date"],
            row["dimension_key"],
            row["segment_start_date"],
        ): (row["amount_unrounded"], row["amount"])
        for row in warehouse.rows("select * from rating.fct_rated_lines")
    }
    assert expected.keys() == actual.keys()
    assert {} == {
        name: (amounts, actual[name])
        for name, amounts in expected.items()
        if amounts != actual[name]
    }


def test_tiers_sum_to_their_lines_before_and_after_rounding(rated):
    """Invariant 5."""
    warehouse, _ = rated
    assert [] == warehouse.rows(
        """
        select lines.rated_line_id
        from rating.fct_rated_lines as lines
        left join rating.fct_rated_line_tiers as tiers using (rated_line_id)
        group by lines.rated_line_id, lines.amount, lines.amount_unrounded
        having lines.amount is distinct from
            case when lines.amount is null then null else coalesce(sum(tiers.amount), 0) end
            or (lines.amount is not null
                and lines.amount_unrounded <> coalesce(sum(tiers.amount_unrounded), 0))
        """
    )
