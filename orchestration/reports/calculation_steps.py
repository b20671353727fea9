"""The steps of a line's calculation in words: quantity in, amount out, one row each.

Belongs here: which steps a line has, their order, what each is called. Does not belong here:
computing any figure, which dbt did and wrote into the derivation; sheets (calculation.py).
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from orchestration.price_book.currencies import money_text
from orchestration.quality.conservation import plain
from orchestration.reports.explanation import LineExplanation

Step: TypeAlias = tuple[str, str, str]
"""What a step is called, its figure, and how it came about."""

_COUNTED_AS: Final = {
    "count": "number of",
    "sum": "sum over",
    "max": "largest of",
    "min": "smallest of",
    "avg": "average of",
    "latest": "latest of",
    "unique_count": "different values in",
    "weighted_sum": "levels times how long they held, of",
}
_OF_WINDOWS: Final = {"sum": "sum", "max": "largest", "avg": "average"}
_TIMES: Final = "\u00d7"
_ROUNDED_AS: Final = {"half_away": "half away from zero", "half_even": "half to even"}
_CONVERTED_AS: Final = {
    "up": "rounded up",
    "down": "rounded down",
    "half_up": "rounded half up",
    "half_even": "rounded half to even",
}
_SECONDS_OF_A_DAY: Final = 86_400
_THRESHOLDS: Final = {
    "minimum": ("minimum", "of the charge in the cell"),
    "true_up": ("commitment", "of the contract"),
    "overage": ("commitment", "of the contract"),
    "cap": ("maximum", "of the contract"),
}


def quantity_steps(explanation: LineExplanation) -> Iterator[Step]:
    """Steps from the events of a line to the quantity that its prices are applied to."""
    line, steps = explanation.line, explanation.derivation
    if line["charge_model"] == "flat":
        yield "quantity", "1", "a fee once per billing period"
        return
    yield "quantity", metered(steps["quantity"], steps), _counting(line, steps)
    if steps["quantity_before"] is not None:
        before = metered(steps["quantity_before"], steps)
        yield "before it", before, "earlier in the same cell: tiers go on from there"
    if steps["converted_quantity"] is not None and _is_converted(steps):
        how = _conversion(line, steps)
        yield "converted", _priced(steps["converted_quantity"], line, steps), how
    if Decimal(steps.get("included_quantity") or 0):
        included = _priced(steps["included_quantity"], line, steps)
        yield "included", included, "by allowances and free units of the contract"
    yield from _free_steps(line, steps)
    yield from _priced_steps(line, steps)


def amount_steps(explanation: LineExplanation) -> Iterator[Step]:
    """Steps from the amounts of a line's tiers to its amount: share, discounts, maximum, rounding.

    Without an amount the one step says why.
    """
    line, steps = explanation.line, explanation.derivation
    yield from _part_steps(steps)
    if steps["amount_unrounded"] is None:
        why = words(line["exception_code"] or "no price")
        yield "amount", "unknown", f"cannot be computed: {why}"
        return
    of_discounts = list(_discount_steps(line, steps))
    of_prices = _of_prices(explanation)
    if of_discounts:
        yield "price", money(Decimal(steps["gross_amount"]), line), of_prices
        yield from of_discounts
    how = "what is left" if of_discounts else of_prices
    yield "before rounding", money(Decimal(steps["amount_unrounded"]), line), how
    rounded = _ROUNDED_AS[steps["rounding_mode"]]
    yield (
        "amount",
        money(Decimal(steps["amount"]), line),
        f"rounded once, {rounded}, to {steps['minor_unit']} decimals" + _held(line),
    )


def is_reduced(explanation: LineExplanation) -> bool:
    """Whether a discount or the maximum of its charge stands between a line's tiers and amount."""
    steps = explanation.derivation
    return bool(steps["discounts"]) or bool(Decimal(steps["above_maximum_amount"] or 0))


def term_steps(explanation: LineExplanation) -> Iterator[Step]:
    """Steps of a line that a minimum or a contract term asks for: what it looked at, what it adds.

    Where what it looked at is unknown, the amount is too.
    """
    line, steps = explanation.line, explanation.derivation
    kind = steps["line_kind"]
    if kind in _THRESHOLDS:
        covered = steps["covered_amount"]
        figure = "unknown" if covered is None else money(Decimal(covered), line)
        yield "covered", figure, "what the lines that it looks at come to"
        name, whose = _THRESHOLDS[kind]
        yield name, money(Decimal(steps["threshold_amount"]), line), whose
    if steps["overage_factor"] is not None and kind == "overage":
        factor = _number(steps["overage_factor"])
        yield "factor", factor, "of its price costs what lies above; the price itself is billed"
    if steps["amount"] is None:
        why = words(line["exception_code"] or "no price")
        yield "amount", "unknown", f"cannot be computed: {why}"
        return
    how = _term_amount(kind, line)
    if Decimal(steps["shared_amount"] or 0):
        yield "in all", money(Decimal(steps["shared_amount"]), line), how
        yield "part", *_term_part(line, steps)
        how = "that part of it, by largest remainder"
    yield "amount", money(Decimal(steps["amount"]), line), how + _held(line)


def money(amount: Decimal, line: Mapping[str, Any]) -> str:
    """Return an amount with the line's currency, such as 'USD 1,234.50'."""
    code = line["currency_code"]
    return f"{code} {money_text(amount, code)}"


def metered(number: str | None, steps: Mapping[str, Any]) -> str:
    """Return a quantity in the meter's unit, such as '1 call', '1,320 calls'."""
    return _counted(number, steps["unit"], steps.get("unit_plural"))


def time_share(steps: Mapping[str, Any]) -> str | None:
    """Return the part of the time of its price that a line has, such as '14 of 30 days', or None.

    None where it has all of it.
    """
    if steps["share_units"] == steps["share_of_units"]:
        return None
    return f"{steps['share_units']:,} of {steps['share_of_units']:,} {steps['share_unit']}"


def words(name: str) -> str:
    """Return a name of the price book or a code as words."""
    return name.replace("_", " ")


def _counting(line: Mapping[str, Any], steps: Mapping[str, Any]) -> str:
    aggregation = steps["aggregation"]
    if aggregation is None:
        return "as asked"
    if aggregation == "percentile":
        counted = f"percentile {_number(steps['percentile'])} of"
    else:
        counted = _COUNTED_AS[aggregation]
    events = "1 event" if line["event_count"] == 1 else f"{line['event_count'] or 0:,} events"
    window = steps.get("window_unit")
    if window is None:
        return f"{counted} {events}"
    of_windows = _OF_WINDOWS[steps["window_aggregation"]]
    return f"{of_windows} over each {window}'s {counted} {events}"


def _free_steps(line: Mapping[str, Any], steps: Mapping[str, Any]) -> Iterator[Step]:
    if Decimal(steps["free_quantity"] or 0):
        free = _priced(steps["free_quantity"], line, steps)
        yield "free", free, "the first ones of every cell"
    if steps.get("free_events"):
        yield "free", f"{steps['free_events']:,} events", "the first ones of every cell"
    if steps.get("free_amount"):
        free_amount = money(Decimal(steps["free_amount"]), line)
        yield "free", free_amount, "the first of every cell, event by event"
    for bound, name in (("minimum_per_event", "at least"), ("maximum_per_event", "at most")):
        if steps.get(bound):
            yield name, money(Decimal(steps[bound]), line), "for each event that pays"


def _priced_steps(line: Mapping[str, Any], steps: Mapping[str, Any]) -> Iterator[Step]:
    if line["charge_model"] == "package" and steps.get("package_counting") == "per_tier":
        size = _priced(steps["package_size"], line, steps)
        priced = _priced(steps["priced_quantity"], line, steps)
        yield "priced", priced, f"in packages of {size}, tier by tier"
    elif line["charge_model"] == "package":
        size = _priced(steps["package_size"], line, steps)
        yield "packages", _number(steps["priced_quantity"]), f"of {size} each"
    elif steps["converted_quantity"] not in (None, steps["priced_quantity"]):
        yield "priced", _priced(steps["priced_quantity"], line, steps), "what is left"


def _is_converted(steps: Mapping[str, Any]) -> bool:
    is_scaled: bool = steps["convert_multiply"] != steps["convert_divide"]
    is_shared_by_time = steps.get("period_length") is not None
    return is_scaled or is_shared_by_time or steps["convert_rounding"] != "none"


def _conversion(line: Mapping[str, Any], steps: Mapping[str, Any]) -> str:
    parts = []
    if steps["convert_multiply"] != "1":
        parts.append(f"times {_number(steps['convert_multiply'])}")
    if steps["convert_divide"] != "1":
        parts.append(f"divided by {_number(steps['convert_divide'])}")
    if steps.get("period_length") is not None:
        length = metered(str(steps["period_length"]), steps)
        parts.append(f"divided by the {length} of one {line['unit_label']} in the full period")
    rounding = steps["convert_rounding"]
    if rounding == "none":
        parts.append("shown to nine decimals, priced exactly")
    else:
        parts.append(f"{_CONVERTED_AS[rounding]} to {steps['convert_decimals']} decimals")
    return ", ".join(parts)


def _part_steps(steps: Mapping[str, Any]) -> Iterator[Step]:
    """Usage that was priced with that of other lines has its part of all of it."""
    if time_share(steps) is not None or steps["line_weight"] == steps["run_weight"]:
        return
    if steps["weighed_by"] == "usage":
        whole = metered(steps["run_weight"], steps)
    else:
        whole = f"{_number(steps['run_weight'])} {steps['share_unit']}"
    how = "what was priced together, of which this line has its part; all above is that part"
    yield "part", f"{_number(steps['line_weight'])} of {whole}", how


def _of_prices(explanation: LineExplanation) -> str:
    """How the amount of a line's prices came about from the sheet above it."""
    if not explanation.tiers:
        return "nothing is priced"
    if len(explanation.tiers) == 1:
        return "as above"
    is_of_events = explanation.line["charge_model"] == "percentage"
    return "sum of its events" if is_of_events else "sum of its tiers"


def _discount_steps(line: Mapping[str, Any], steps: Mapping[str, Any]) -> Iterator[Step]:
    for discount in steps["discounts"]:
        if discount["percent"] is not None:
            how = f"{_number(discount['percent'])} % of what was left"
        else:
            whole = money(Decimal(discount["amount"]), line)
            how = f"its part of {whole} off the lines that it covers"
        taken = discount["taken"]
        figure = "unknown" if taken is None else money(-Decimal(taken), line)
        yield discount["name"] or discount["term_id"], figure, how
    above = Decimal(steps["above_maximum_amount"] or 0)
    if above:
        yield "above the maximum", money(-above, line), "of the charge in the cell"


def _term_amount(kind: str, line: Mapping[str, Any]) -> str:
    if kind in {"minimum", "true_up"}:
        return "what is missing"
    if kind == "overage":
        return "what lies above, times the factor less one"
    if kind == "cap":
        return "what lies above, taken off"
    return f"once, on {line['segment_start_date']}"


def _term_part(line: Mapping[str, Any], steps: Mapping[str, Any]) -> tuple[str, str]:
    """What one of several who bill a term's line has of it, and by what."""
    part, whole = Decimal(steps["line_weight"]), Decimal(steps["run_weight"])
    if steps["weighed_by"] == "money":
        figure = f"{money(part, line)} of {money(whole, line)}"
        return figure, "what is billed here of what it covers"
    if part % _SECONDS_OF_A_DAY == whole % _SECONDS_OF_A_DAY == 0:
        days, all_days = part / _SECONDS_OF_A_DAY, whole / _SECONDS_OF_A_DAY
        return f"{plain(days)} of {plain(all_days)} days", "of its time, billed here"
    return f"{plain(part)} of {plain(whole)} seconds", "of its time, billed here"


def _held(line: Mapping[str, Any]) -> str:
    return "; of this line alone, HELD and not billed" if line["rating_status"] == "unknown" else ""


def _priced(number: str | None, line: Mapping[str, Any], steps: Mapping[str, Any]) -> str:
    """A quantity in the unit that is priced."""
    return _counted(number, line["unit_label"], steps.get("unit_label_plural"))


def _counted(number: str | None, unit: str | None, plural: str | None) -> str:
    """A number with its unit; the plural is the one that the line's text has, made by dbt."""
    unit = unit or ""
    if unit[:1].isdigit():
        return f"{_number(number)} {_TIMES} {unit}"
    return f"{_number(number)} {unit if number in {'1', '-1'} else plural or unit}".rstrip()


def _number(number: str | None) -> str:
    return "unknown" if number is None else plain(Decimal(number))
