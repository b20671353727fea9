"""Which price of a charge is in force on which days: the segments of a cell, and its runs.

Belongs here: contract versions, price versions, overrides, and the share that a run has of what its
price asks. Does not belong here: quantities (rating_quantities.py), or any amount.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction


@dataclass
class Run:
    """Segments of one price: lists of days. The rest is known once the cell is."""

    is_first: bool
    price: dict
    segments: list
    meter: dict | None = None
    is_additive: bool = False
    share: Fraction = Fraction(1)

    @property
    def days(self):
        return [day for days in self.segments for day in days]


class Schedule:
    """The prices of contracts, day by day, as reference data give them."""

    def __init__(self, reference):
        self.contract_versions = reference["contract_versions"]
        self.meters = {row["meter_id"]: row for row in reference["meters"]}
        self.listed = defaultdict(list)
        self.overrides = defaultdict(list)
        for row in reference["charges"]:
            place = (
                self.overrides[row["contract_id"]]
                if row.get("contract_id")
                else self.listed[row["plan_id"]]
            )
            place.append(row)

    def prices_on(self, contract, day):
        """Charge → (contract version, list price, price) in force on a local day."""
        if day < contract["start_date"] or (contract["end_date"] and day >= contract["end_date"]):
            return {}
        [version] = [
            row
            for row in self.contract_versions
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

    def runs(self, segments, metered_days, cell_days):
        """Consecutive segments of one price, with the run's share of what its price asks."""
        runs = []
        for number, (days, price) in enumerate(segments):
            if (
                runs
                and runs[-1].price["charge_price_id"] == price["charge_price_id"]
                and runs[-1].segments[-1][-1] + timedelta(days=1) == days[0]
            ):
                runs[-1].segments.append(days)
            else:
                runs.append(Run(number == 0, price, [days]))
        for run in runs:
            run.meter = self.meters.get(run.price.get("meter_id"), {"aggregation": "fee"})
            run.is_additive = run.meter["aggregation"] in {"sum", "count"}
            if run.meter["aggregation"] != "fee":
                run.share = Fraction(len(run.days), len(metered_days[run.price["meter_id"]]))
            elif run.price["proration"] == "none":
                run.share = Fraction(1 if run.is_first else 0)
            else:
                run.share = Fraction(len(run.days), cell_days)
        return runs


def in_force(row, day):
    until = row.get("effective_to_date")
    return row["effective_from_date"] <= day and (until is None or day < until)
