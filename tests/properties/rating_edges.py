"""The quantities at which a price changes: what random usage aims at, and what a test counts.

Belongs here: turning a price around, from its tier bounds, packages, free units and rounding points
back to what a meter would have to read. Does not belong here: any amount.
"""

from fractions import Fraction

PACKAGES = (1, 2, 3)
LARGEST_UNIQUE_COUNT = 60


def smallest_step(meter):
    """The difference between two neighbouring readings of a meter."""
    return Fraction(1, 1 if meter["aggregation"] in {"count", "unique_count"} else 10**9)


def metered_edges(price, tiers):
    """Pairs (kind, exact metered quantity) at which the price switches; a meter may not reach all.

    The kinds: nothing, free quantity, tier bound, package size; and where the conversion rounds,
    conversion step (a whole result) and conversion half (midway between two).
    """
    free = Fraction(price["free_quantity"])
    converted = {("nothing", Fraction(0))}
    if free:
        converted.add(("free quantity", free))
    converted |= {(kind, free + quantity) for kind, quantity in billable_edges(price, tiers)}
    if price["convert_rounding"] != "none":
        step = Fraction(1, 10 ** price["convert_decimals"])
        wholes = {quantity // step * step for _, quantity in converted}
        converted |= {("conversion step", whole) for whole in wholes}
        converted |= {("conversion half", whole + step / 2) for whole in wholes}
    return sorted((kind, metered(price, quantity)) for kind, quantity in converted)


def billable_edges(price, tiers):
    bounds = {
        ("tier bound", Fraction(tier["upper_quantity"]))
        for tier in tiers
        if tier.get("upper_quantity") is not None
    }
    if price["charge_model"] != "package":
        return bounds
    size = Fraction(tiers[0]["package_size"])
    starts = {Fraction(0)}
    if price["package_counting"] == "per_tier":
        starts |= {bound for _, bound in bounds}
    return bounds | {
        ("package size", start + number * size) for start in starts for number in PACKAGES
    }


def metered(price, converted):
    """The metered quantity of which this is the converted one, before rounding."""
    return converted * Fraction(price["convert_divide"]) / Fraction(price["convert_multiply"])


def place_of(quantity, edge, step):
    """Where a quantity lies at an edge: on it, within one step below or above; else None."""
    distance = quantity - edge
    if abs(distance) > step:
        return None
    return "on" if distance == 0 else ("above" if distance > 0 else "below")
