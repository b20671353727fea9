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
_THRESHOLDS: Final = {
    "minimum": ("minimum", "of the charge in the cell"),
    "true_up": ("commitment", "of the contract"),
    "overage": ("commitment", "of the contract"),
    "cap": ("maximum", "of the contract"),
}


def quantity_steps(explanation: LineExplanation) -> Iterator[Step]:
    """Steps from the events of a line to the quantity that its prices are applied to."""
    line, steps = explanation.line, explanation.derivation
    label = line["unit_label"]
    if line["charge_model"] == "flat":
        yield "quantity", "1", "a fee once per billing period"
        return
    yield "quantity", _units(steps["quantity"], steps["unit"]), _counting(line, steps)
    if steps["quantity_before"] is not None:
        before = _units(steps["quantity_before"], steps["unit"])
        yield "before it", before, "earlier in the same cell: tiers go on from there"
    if steps["converted_quantity"] is not None and _is_converted(steps):
        yield "converted", _units(steps["converted_quantity"], label), _conversion(steps)
    if Decimal(steps.get("included_quantity") or 0):
        included = _units(steps["included_quantity"], label)
        yield "included", included, "by allowances and free units of the contract"
    yield from _free_steps(line, steps)
    yield from _priced_steps(line, steps)


def amount_steps(explanation: LineExplanation) -> Iterator[Step]:
    """Steps from the amounts of a line's tiers to its amount: share, discounts, maximum, rounding.

    Without an amount the one step says why.
    """
    line, steps = explanation.line, explanation.derivation
    yield from _share_steps(steps)
    if steps["amount_unrounded"] is None:
        why = words(line["exception_code"] or "no price")
        yield "amount", "unknown", f"cannot be computed: {why}"
        return
    of_discounts = list(_discount_steps(line, steps))
    if of_discounts:
        yield "price", money(Decimal(steps["gross_amount"]), line), "sum of its tiers"
        yield from of_discounts
    how = "what is left" if of_discounts else "sum of its tiers"
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
    yield "amount", money(Decimal(steps["amount"]), line), _term_amount(kind, line) + _held(line)


def money(amount: Decimal, line: Mapping[str, Any]) -> str:
    """Return an amount with the line's currency, such as 'USD 1,234.50'."""
    code = line["currency_code"]
    return f"{code} {money_text(amount, code)}"


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
        free = _units(steps["free_quantity"], line["unit_label"])
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
    label = line["unit_label"]
    if line["charge_model"] == "package" and steps.get("package_counting") == "per_tier":
        size = _units(steps["package_size"], label)
        priced = _units(steps["priced_quantity"], label)
        yield "priced", priced, f"in packages of {size}, tier by tier"
    elif line["charge_model"] == "package":
        size = _units(steps["package_size"], label)
        yield "packages", _number(steps["priced_quantity"]), f"of {size} each"
    elif steps["converted_quantity"] not in (None, steps["priced_quantity"]):
        yield "priced", _units(steps["priced_quantity"], label), "what is left"


def _is_converted(steps: Mapping[str, Any]) -> bool:
    is_scaled: bool = steps["convert_multiply"] != steps["convert_divide"]
    is_shared_by_time = steps.get("period_length") is not None
    return is_scaled or is_shared_by_time or steps["convert_rounding"] != "none"


def _conversion(steps: Mapping[str, Any]) -> str:
    parts = []
    if steps["convert_multiply"] != "1":
        parts.append(f"times {_number(steps['convert_multiply'])}")
    if steps["convert_divide"] != "1":
        parts.append(f"divided by {_number(steps['convert_divide'])}")
    if steps.get("period_length") is not None:
        parts.append(f"divided by the {steps['period_length']:,} of the full period")
    rounding = steps["convert_rounding"]
    if rounding == "none":
        parts.append("shown to nine decimals, priced exactly")
    else:
        parts.append(f"{_CONVERTED_AS[rounding]} to {steps['convert_decimals']} decimals")
    return ", ".join(parts)


def _share_steps(steps: Mapping[str, Any]) -> Iterator[Step]:
    """A level or a fee has a share of time; usage that was cut has a share of its whole run."""
    if steps["share_units"] != steps["share_of_units"]:
        share = f"{steps['share_units']:,} of {steps['share_of_units']:,} {steps['share_unit']}"
        yield "share", share, "in the amount of each tier already"
    elif steps["line_weight"] != steps["run_weight"]:
        share = f"{_number(steps['line_weight'])} of {_number(steps['run_weight'])}"
        unit = steps["unit"] if steps["weighed_by"] == "usage" else steps["share_unit"]
        how = "of all at this price in the cell; in the amount of each tier already"
        yield "share", f"{share} {unit}", how


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


def _held(line: Mapping[str, Any]) -> str:
    return "; HELD and not billed" if line["rating_status"] == "unknown" else ""


def _units(number: str | None, unit: str | None) -> str:
    counts_several = (unit or "")[:1].isdigit()
    return " ".join((_number(number), *([_TIMES] if counts_several else []), unit or "")).rstrip()


def _number(number: str | None) -> str:
    return "unknown" if number is None else plain(Decimal(number))
