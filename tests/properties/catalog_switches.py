"""What generated catalogs hold, in one list.

Belongs here: names of features that are drawn; what has to wait is left out here, with the reason.
Does not belong here: how they are drawn (catalog_strategies, catalog_prices, catalog_terms).
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
}
"""What is drawn; take a name out to see the others alone."""
