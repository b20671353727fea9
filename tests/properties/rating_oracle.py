"""The rules of rating once more, in exact fractions: what every rated line and tier must cost.

Belongs here: rating contract by contract, charge by charge, from the rules alone. Neither this nor
what it imports shares code or an intermediate step with the SQL. Does not belong here: which price
is in force when (rating_runs.py), quantities (rating_quantities.py), what one price asks for one of
them (rating_ladders.py), sharing out (rating_shares.py); making inputs, or reading outputs.
"""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rating_catalog import MINOR_UNITS
from rating_ladders import (
    best_match,
    converted,
    event_fee,
    ladder,
    less,
    looks_at_each_event,
    rounded,
    with_each_event,
)
from rating_quantities import MeteredUsage
from rating_runs import Schedule
from rating_shares import Part, decimal_of, shared_out, tier_rows

# Models in which a quantity below zero is the mirror of one above it.
MIRRORED = ("per_unit", "percentage", "dynamic", "cost_plus")


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


class Oracle:
    """The rules of rating, applied contract by contract and day by day.

    Attributes:
        asks: every question that was put to a price.
        settlements: every amount that was rounded.
        event_kinds: how often an event of a percentage was free, partly free, at the rate or at a
            bound.
    """

    def __init__(self, warehouse, cells):
        self.contracts = warehouse.reference["contracts"]
        self.schedule = Schedule(warehouse.reference)
        self.usage = MeteredUsage(warehouse)
        self.cells = cells
        self.asks = []
        self.settlements = []
        self.event_kinds = Counter()
        self.tiers = defaultdict(list)
        for row in warehouse.reference["charge_tiers"]:
            self.tiers[row["charge_price_id"], row["currency_code"]].append(row)

    def lines(self):
        expected = {}
        for contract in self.contracts:
            for start, end in self.cells[contract["contract_id"]]:
                cell = self.schedule.segments(contract, start, end)
                metered_days = defaultdict(set)
                for segments in cell.values():
                    for days, price in segments:
                        metered_days[price.get("meter_id")].update(days)
                for charge_id, segments in cell.items():
                    runs = self.schedule.runs(segments, metered_days, (end - start).days)
                    expected |= self.rated(contract, charge_id, start, runs)
        return expected

    def rated(self, contract, charge_id, cell_start, runs):
        price, meter = runs[0].price, runs[0].meter
        if price["charge_model"] == "flat":
            return self.settled(contract, charge_id, cell_start, {"{}": [(run, 1) for run in runs]})
        measured = []
        for run in runs:
            measured.append(self.usage.quantities(contract, meter, run.days))
            if meter["carry_in"] == "previous":
                measured[-1] = self.usage.level_before(contract, meter, run.days[0]) | measured[-1]
        # A ladder is asked in its first run, a level in every run: used or not.
        asked = {
            dimension: [
                (run, found.get(dimension, 0))
                for run, found in zip(runs, measured, strict=True)
                if dimension in found or not run.is_additive or run is runs[0]
            ]
            for dimension in {name for found in measured for name in found} or {"{}"}
        }
        idle = {
            dimension
            for dimension in asked
            if runs[0].is_additive
            and dimension not in measured[0]
            and any(dimension in found for found in measured)
        }
        return self.settled(contract, charge_id, cell_start, asked, idle)

    def settled(self, contract, charge_id, cell_start, asked, idle=frozenset()):
        """Lines by name; those of a first run that is idle are none where they cost nothing."""
        expected = {}
        for dimension, quantities in asked.items():
            ladders = self.ladders(contract, quantities, dimension)
            if ladders is None:
                for run, _ in quantities:
                    for days in run.segments:
                        name = contract["contract_id"], charge_id, cell_start, dimension, days[0]
                        expected[name] = Line(None, None, {})
                continue
            exact = [sum(amount for *_, amount in parts) * 10**12 for parts in ladders]
            whole = rounded(sum(exact))
            spread = shared_out(whole, exact)
            lines = [
                (run, days, parts, units, part)
                for (run, _), parts, units in zip(quantities, ladders, spread, strict=True)
                for days, part in zip(
                    run.segments, self.parts(contract, run, dimension, units), strict=True
                )
            ]
            decimals = MINOR_UNITS[contract["currency_code"]]
            step = 10 ** (12 - decimals)
            mode = quantities[-1][0].price["rounding_mode"]
            line_units = [part.units for *_, part in lines]
            cents = shared_out(
                rounded(Fraction(whole, step), mode), [Fraction(unit, step) for unit in line_units]
            )
            self.settlements.append(
                Settlement(contract["currency_code"], mode, sum(exact), whole, line_units)
            )
            for (run, days, parts, units, part), cent in zip(lines, cents, strict=True):
                if dimension in idle and run is quantities[0][0] and units == 0:
                    continue
                name = contract["contract_id"], charge_id, cell_start, dimension, days[0]
                expected[name] = Line(
                    decimal_of(part.units, 12),
                    decimal_of(cent, decimals),
                    tier_rows(parts, units, part._replace(cents=cent), decimals, run.is_additive),
                )
        return expected

    def parts(self, contract, run, dimension, units):
        """What each segment of a run has of it: usage where that adds up, days where not."""
        weights = [len(days) for days in run.segments]
        if run.meter["aggregation"] == "fee" and run.price["proration"] == "none":
            weights = [int(run.is_first), *[0] * (len(run.segments) - 1)]
        if run.is_additive:
            used = [
                self.usage.quantities(contract, run.meter, days).get(dimension, 0)
                for days in run.segments
            ]
            weights = used if sum(used) else weights
        if not sum(weights):
            weights = [1, *[0] * (len(run.segments) - 1)]
        shares = [Fraction(weight) / Fraction(sum(weights)) for weight in weights]
        return [
            Part(share, unit)
            for share, unit in zip(
                shares, shared_out(units, [share * units for share in shares]), strict=True
            )
        ]

    def ladders(self, contract, quantities, dimension):
        """Tiers of each run of a ladder; None where something forbids an amount."""
        found, running = [], None
        last = quantities[-1][0].price
        is_unused = converted(last, sum(quantity for _, quantity in quantities)) == 0
        for run, quantity in quantities:
            price, meter = run.price, run.meter
            tiers = self.tiers[price["charge_price_id"], contract["currency_code"]]
            values = json.loads(dimension)
            if price["charge_model"] == "dimensional" and best_match(tiers, values) is None:
                return None
            asked = {"length": self.length(contract, price, run.days[0]), "dimensions": values}
            if run.is_additive:
                before, running = running, (running or 0) + quantity
                is_mirrored = price["charge_model"] in MIRRORED and meter["is_negative_allowed"]
                if running < 0 and not is_mirrored:
                    return None
                pays_for_nothing = is_unused and before is None
                added = ladder(price, tiers, running, **asked, pays_for_nothing=pays_for_nothing)
                if before is not None:
                    added = less(added, ladder(price, tiers, before, **asked))
                    self.asks.append(Ask(meter, price, tiers, before))
                if looks_at_each_event(tiers):
                    runs = [one for one, _ in quantities]
                    added = self.event_fees(contract, runs, run, tiers, dimension)
                elif price["charge_model"] == "percentage":
                    events = self.usage.valued_events(contract, meter, run.days, dimension)
                    added = with_each_event(added, tiers, events)
                found.append(added)
            else:
                found.append(
                    [
                        (priced, flat_amount, amount * run.share)
                        for priced, flat_amount, amount in ladder(
                            price, tiers, quantity, **asked, pays_for_nothing=True
                        )
                    ]
                )
            self.asks.append(Ask(meter, price, tiers, quantity if running is None else running))
        return found

    def event_fees(self, contract, runs, run, tiers, dimension):
        """Tiers of the events of one of the runs of a cell, over which what is free goes on."""
        days = {day for one in runs for day in one.days if day <= run.days[-1]}
        parts = [(Fraction(0), Fraction(0), Fraction(0)) for _ in tiers]
        number, before = 0, Fraction(0)
        for row in self.usage.kept_events(contract, run.meter, dimension):
            if row["local_date"] not in days:
                continue
            number, after = number + 1, before + Fraction(row["quantity"])
            if row["local_date"] >= run.days[0]:
                place, part = event_fee(
                    tiers, number, converted(run.price, before), converted(run.price, after)
                )
                parts[place] = tuple(map(sum, zip(parts[place], part, strict=True)))
                self.event_kinds[event_kind(tiers[place], part, row["quantity"], run.price)] += 1
            before = after
        return parts

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


def event_kind(tier, part, quantity, price):
    """What came of one event: a bound's name, or how much of it was free."""
    paying, _, fee = part
    if tier.get("event_bound"):
        return tier["event_bound"]
    if fee == 0 and paying == 0:
        return "free"
    exact = Fraction(quantity) * Fraction(price["convert_multiply"])
    return "rate" if paying * Fraction(price["convert_divide"]) == exact else "partly free"
