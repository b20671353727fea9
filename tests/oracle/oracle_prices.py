"""Prices of a quantity: conversion, free units and every charge model.

Belongs here: what a quantity (or a row of paying events) comes to under one price, exact and by
tier. Does not belong here: which price is in force when, and how runs continue a ladder
(oracle_rating); what happens to amounts afterwards (oracle_money).

An independent statement of the rating rules: it shares no code with the product.
"""

from fractions import Fraction

from oracle_money import rounded, whole_number

PER_EVENT_TERMS = ("free_events", "free_amount", "minimum_per_event", "maximum_per_event")
NEGATIVE_MODELS = {"per_unit", "percentage", "cost_plus", "dynamic"}


class RatingError(Exception):
    """A quantity that has no amount; its code is that of the exception."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def number(value, default=0):
    """Return a number of the price book as a Fraction."""
    return Fraction(str(default if value is None else value))


def converted(charge, quantity):
    """Return a metered quantity in the priced unit; exact without a rounding mode."""
    convert = charge.get("convert", {})
    value = quantity * number(convert.get("multiply"), 1) / number(convert.get("divide"), 1)
    mode = convert.get("rounding", "none")
    return value if mode == "none" else rounded(value, int(convert.get("decimals", 0)), mode)


def ladder_of(price):
    """Return tiers as (lower, upper or None, tier); one without tiers is one open tier."""
    lower, found = Fraction(0), []
    for tier in price.get("tiers", [price]):
        upper = None if tier.get("up_to") is None else number(tier["up_to"])
        found.append((lower, upper, tier))
        lower = upper
    return found


def scaled(price, share):
    """Return a price for a run that restarts its ladder: bounds and flat amounts prorated.

    Unit prices, rates and package sizes stay. Bounds keep 9 decimals, amounts 12.
    """

    def bound(value):
        return rounded(number(value) * share, 9)

    def scale(level):
        made = dict(level)
        if made.get("up_to") is not None:
            made["up_to"] = bound(made["up_to"])
        if made.get("flat_amount") is not None:
            made["flat_amount"] = rounded(number(made["flat_amount"]) * share, 12)
        return made

    made = scale(price)
    if "tiers" in made:
        made["tiers"] = [scale(tier) for tier in made["tiers"]]
    if made.get("free_amount") is not None:
        made["free_amount"] = bound(made["free_amount"])
    if made.get("free_events") is not None:
        made["free_events"] = whole_number(number(made["free_events"]) * share, "half_away")
    return made


def billable(quantity, free):
    """Take free units off a positive quantity, never below zero; a negative one stays."""
    return quantity if quantity < 0 else max(Fraction(0), quantity - free)


def tier_parts(  # noqa: PLR0911 — one answer for each model
    charge, price, quantity, *, dimensions=(), event_count=0, is_due_at_zero=True
):
    """Return {tier number: (quantity, amount)} of a billable quantity, exact.

    Args:
        charge: as in the price book, for its model and fields.
        price: of the contract's currency.
        quantity: converted, without free units.
        dimensions: values of the line, for dimensional prices.
        event_count: events that have a value, for the fixed amount of a percentage.
        is_due_at_zero: whether the first tier's flat amount is due where the quantity is zero.

    Raises:
        RatingError: negative_quantity, unpriced_dimension or beyond_last_tier.
    """
    model = charge["model"]
    if quantity < 0 and model not in NEGATIVE_MODELS:
        raise RatingError("negative_quantity")
    if model == "per_unit":
        return {1: (quantity, quantity * number(price["unit_price"]))}
    if model == "percentage":
        fixed = number(price.get("fixed_amount")) * event_count
        return {1: (quantity, quantity * number(price["rate"]) + fixed)}
    if model == "dynamic":
        return {1: (quantity, quantity)}
    if model == "cost_plus":
        return {1: (quantity, quantity * number(price["multiplier"]))}
    if model == "dimensional":
        return {1: (quantity, quantity * _most_specific(price, dict(dimensions)))}
    if model in {"graduated", "graduated_percentage"}:
        return _graduated(price, quantity, is_due_at_zero, _unit_amount)
    if model in {"volume", "stairstep"}:
        return _reached(price, quantity, is_due_at_zero)
    if model == "package":
        return _packages(charge, price, quantity, is_due_at_zero)
    raise ValueError(model)


def seats(price, quantity, *, per):
    """Return the parts of seat-days (or seat-seconds) at a price per seat and full cell."""
    if quantity < 0:
        raise RatingError("negative_quantity")
    return {1: (quantity, quantity * number(price["unit_price"]) / per)}


def has_match(price, dimensions):
    """Say whether a dimensional price knows dimension values, by a match or its default."""
    return bool(_fitting(price, dimensions)) or price.get("default") is not None


def _fitting(price, dimensions):
    return [
        each
        for each in price["prices"]
        if all(dimensions.get(name) == value for name, value in each["match"].items())
    ]


def _most_specific(price, dimensions):
    fitting = _fitting(price, dimensions)
    if fitting:
        return number(max(fitting, key=lambda each: len(each["match"]))["unit_price"])
    if price.get("default") is None:
        raise RatingError("unpriced_dimension")
    return number(price["default"]["unit_price"])


def _unit_amount(tier, quantity):
    return quantity * number(tier.get("unit_price", tier.get("rate")))


def _graduated(price, quantity, is_due_at_zero, amount_of):
    """Each unit at the price of its tier, plus the flat amount of every tier entered.

    The first tier is entered by any usage, also by one that is free.
    """
    parts = {}
    for place, (lower, upper, tier) in enumerate(ladder_of(price), start=1):
        is_entered = quantity > lower or (place == 1 and is_due_at_zero)
        if not is_entered:
            continue
        inside = (quantity if upper is None else min(quantity, upper)) - lower
        parts[place] = (inside, amount_of(tier, inside) + number(tier.get("flat_amount")))
    _refuse_beyond(price, quantity)
    return parts


def _reached(price, quantity, is_due_at_zero):
    """The whole quantity at the tier that it falls in; stairsteps have no unit price."""
    _refuse_beyond(price, quantity)
    for place, (_lower, upper, tier) in enumerate(ladder_of(price), start=1):
        if upper is None or quantity <= upper:
            if quantity == 0 and not is_due_at_zero:
                return {}
            return (
                {place: (quantity, _unit_amount(tier, quantity) + number(tier["flat_amount"]))}
                if "flat_amount" in tier
                else {place: (quantity, _unit_amount(tier, quantity))}
            )
    raise AssertionError(price)


def _refuse_beyond(price, quantity):
    *_, (_lower, upper, _tier) = ladder_of(price)
    if upper is not None and quantity > upper:
        raise RatingError("beyond_last_tier")


def _packages(charge, price, quantity, is_due_at_zero):
    size = number(price["package_size"])
    mode = charge.get("package_rounding", "up")

    def packages(units):
        return whole_number(units / size, mode)

    if "tiers" not in price:
        return {1: (quantity, packages(quantity) * number(price["package_price"]))}
    if charge["packages"] == "total":
        return _graduated(
            price,
            packages(quantity) * size,
            is_due_at_zero,
            lambda tier, units: units / size * number(tier["package_price"]),
        )
    return _graduated(
        price,
        quantity,
        is_due_at_zero,
        lambda tier, units: packages(units) * number(tier["package_price"]),
    )


def is_per_event(charge, price):
    """Say whether a percentage has to be rated event by event."""
    return charge["model"] == "percentage" and any(term in price for term in PER_EVENT_TERMS)


def event_fees(charge, price, amounts, *, before=(0, Fraction(0))):
    """Return the fees of paying events, in order.

    Args:
        charge: for its conversion.
        price: with rate and per-event terms.
        amounts: metered amounts of the run's events, in order.
        before: events and converted amount of the ladder before the run.
    """
    count, so_far = before
    fees = []
    for metered in amounts:
        amount = converted(charge, metered)
        if amount < 0:
            raise RatingError("negative_quantity")
        count, so_far = count + 1, so_far + amount
        beyond = min(amount, max(Fraction(0), so_far - number(price.get("free_amount"))))
        is_free = count <= int(price.get("free_events") or 0) or (
            "free_amount" in price and beyond == 0
        )
        if is_free:
            fees.append(Fraction(0))
            continue
        fee = number(price["rate"]) * beyond + number(price.get("fixed_amount"))
        if price.get("minimum_per_event") is not None:
            fee = max(fee, number(price["minimum_per_event"]))
        if price.get("maximum_per_event") is not None:
            fee = min(fee, number(price["maximum_per_event"]))
        fees.append(fee)
    return fees
