"""What one price asks for one quantity, or for one event, in exact fractions.

Belongs here: the rules of each charge model, for the oracle of rated lines. Does not belong here:
contracts and days (rating_runs.py), rounding to money (rating_oracle.py).
"""

import json
from fractions import Fraction


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


def converted(price, quantity):
    exact = (
        Fraction(quantity) * Fraction(price["convert_multiply"]) / Fraction(price["convert_divide"])
    )
    if price["convert_rounding"] == "none":
        return exact
    step = 10 ** price["convert_decimals"]
    return Fraction(rounded(exact * step, price["convert_rounding"]), step)


def ladder(price, tiers, quantity, length=1, dimensions=None, *, pays_for_nothing=False):
    """What a cumulative quantity costs, tier by tier: (priced quantity, flat amount, amount).

    The length is that of the full cell, which seats are divided by. The amount that percentage
    takes of each event is not in it.
    """
    model = price["charge_model"]
    if model == "flat":
        return [tier_part(tiers[0], Fraction(1))]
    asked = converted(price, quantity) / (length if model == "seats" else 1)
    is_used = asked != 0 or (pays_for_nothing and price["zero_usage"] == "charge")
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


def order_of_event(row):
    return row["event_at"], row["event_at_nanos"], row["event_source"], row["event_id"]


def looks_at_each_event(tiers):
    terms = ("free_events", "free_amount", "event_bound")
    return any(tier.get(term) is not None for tier in tiers for term in terms)


def event_fee(tiers, number, before, after):
    """Which tier an event of a percentage pays at, and what it adds to it."""
    first = tiers[0]
    paying = after - before
    is_free = first.get("free_events") is not None and number <= first["free_events"]
    if first.get("free_amount") is not None:
        paying = max(Fraction(0), after - max(before, Fraction(first["free_amount"])))
        is_free = paying == 0
    if is_free:
        return 0, (Fraction(0), Fraction(0), Fraction(0))
    fixed = Fraction(first["flat_amount"])
    fee = Fraction(first["unit_price"]) * paying + fixed
    for place, tier in enumerate(tiers):
        bound, amount = tier.get("event_bound"), Fraction(tier["flat_amount"])
        if (bound == "minimum" and fee < amount) or (bound == "maximum" and fee > amount):
            return place, (Fraction(0), amount, amount)
    return 0, (paying, fixed, fee)


def with_each_event(parts, tiers, events):
    """What percentage charges, with its fixed amount for each event that has a value."""
    [(quantity, _, amount)] = parts
    fixed = Fraction(tiers[0]["flat_amount"]) * events
    return [(quantity, fixed, amount + fixed)]
