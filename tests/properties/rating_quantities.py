"""What a contract used of a meter over some days, from the rows that metering left.

Belongs here: quantities by dimension, levels before a day, and events that have a value. Does not
belong here: which days are asked for (rating_runs.py), or what any of it costs.
"""

from collections import defaultdict

from rating_ladders import order_of_event


class MeteredUsage:
    """Metered rows, distinct values and kept events of all contracts."""

    def __init__(self, warehouse):
        self.rows = defaultdict(list)
        self.values = defaultdict(set)
        for row in warehouse.metered:
            self.rows[row["contract_id"], row["meter_id"]].append(row)
        self.events = defaultdict(list)
        for row in sorted(warehouse.kept_events, key=order_of_event):
            key = row["contract_id"], row["meter_id"], row["dimension_key"]
            self.events[key].append(row)
        for row in warehouse.distinct_values:
            key = (row["contract_id"], row["meter_id"], row["dimension_key"], row["local_date"])
            self.values[key].add(row["distinct_value"])

    def quantities(self, contract, meter, days):
        """Dimension → quantity of one segment."""
        rows = [
            row
            for row in self.rows[contract["contract_id"], meter["meter_id"]]
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
            for row in self.rows[contract["contract_id"], meter["meter_id"]]
            if row["local_date"] < day
        ]
        rows.sort(key=lambda row: (row["latest_event_at"], row["latest_event_id"]))
        return {row["dimension_key"]: row["latest_quantity"] for row in rows}

    def valued_events(self, contract, meter, days, dimension):
        return sum(
            row["event_count"] - row["unvalued_event_count"]
            for row in self.rows[contract["contract_id"], meter["meter_id"]]
            if days[0] <= row["local_date"] <= days[-1] and row["dimension_key"] == dimension
        )

    def kept_events(self, contract, meter, dimension):
        """Events with a value, one after another, of a meter that keeps each."""
        return self.events[contract["contract_id"], meter["meter_id"], dimension]
