"""What generated catalogs hold, in one list.

Belongs here: names of features that are drawn, and why one is not. Does not belong here: how they
are drawn (catalog_strategies, catalog_prices, catalog_terms).
"""

SWITCHES = {
    "aggregations": [
        *("count", "sum", "max", "min", "avg", "latest", "unique_count", "weighted_sum"),
        "percentile",
    ],
    "models": [
        *("flat", "per_unit", "graduated", "volume", "package", "stairstep", "seats"),
        *("percentage", "graduated_percentage", "dimensional", "dynamic", "cost_plus"),
    ],
    "conversion_roundings": ["none", "up", "down", "half_up", "half_even"],
    "prorations": ["day", "second", "fixed_30", "none"],
    "carry_in": ["zero", "previous"],
    "windows": ["hour", "day", "month"],
    "window_aggregations": ["sum", "max", "avg"],
    "ladders": ["continue", "restart"],
    "has_cuts_over_time": False,
    "has_plans_again": False,
    "has_empty_restarts": False,
}
"""What is drawn; take a name out to see the others alone. Four things wait for the engine:

* `has_cuts_over_time` draws quantities over time (weighted sums, and windows that are summed) where
  a cut that changes no price divides a run. Decision 13 computes a run once; the engine measures
  each segment anew, so that a ladder restarts there and a divided window counts twice.
* `has_plans_again` draws contracts that come back to a plan with terms. The engine takes such a
  term to hold in between too, and prorates its amounts and units for that time. Where a plan
  changes within a day, that day counts for the terms of both.
* `has_empty_restarts` draws zero usage that is charged where a ladder restarts. The engine charges
  the flat amount of the first price alone, prorated, and not those of the prices after it.
  does not. The engine does not count events under the latter among the first ones of a period.
"""
