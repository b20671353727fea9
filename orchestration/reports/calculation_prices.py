"""The prices of a line, tier by tier: how much each of them prices, at what, what it comes to.

Belongs here: which columns the sheet of a charge model has, how a price reads in it. Does not
belong here: steps before and after it (calculation_steps.py); widths and boxes (layout.py).
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from rich.markup import escape

from orchestration.price_book.currencies import money_text
from orchestration.quality.conservation import plain
from orchestration.reports.calculation_steps import is_reduced, money, time_share
from orchestration.reports.explanation import LineExplanation
from orchestration.reports.layout import Column, Kind, Sheet

_PRICED_BY: Final = {
    "percentage": "rate",
    "graduated_percentage": "rate",
    "cost_plus": "multiplier",
    "dynamic": "multiplier",
}
_EVENT_BOUNDS: Final = (
    ("minimum_per_event", "raised to"),
    ("maximum_per_event", "lowered to"),
)


def prices_sheet(explanation: LineExplanation) -> Sheet:
    """Return the sheet of a line's tiers; a line with a share of time says it beside each."""
    share = time_share(explanation.derivation)
    sheet = Sheet(
        f"At which prices ({explanation.line['currency_code']})",
        *_columns(explanation),
        *([] if share is None else [Column("share\nof time", Kind.FIGURE)]),
        Column(f"amount before\n{_what_follows(explanation)}", Kind.FIGURE),
    )
    for tier in explanation.tiers:
        exact = tier["amount_unrounded"]
        sheet.add_row(
            *_cells(explanation, tier),
            *([] if share is None else [share]),
            "unknown" if exact is None else _money(exact, explanation),
        )
    return sheet


def _what_follows(explanation: LineExplanation) -> str:
    return "discounts" if is_reduced(explanation) else "rounding"


def _columns(explanation: LineExplanation) -> Iterator[Column]:
    line = explanation.line
    model = line["charge_model"]
    if model == "flat":
        yield Column("fee", Kind.FIGURE)
        return
    if model == "percentage":
        yield Column("events")
        yield Column("quantity", Kind.FIGURE)
        yield Column("rate", Kind.FIGURE)
        yield Column("fixed\namounts", Kind.FIGURE)
        return
    unit = "package" if model == "package" else line["unit_label"]
    yield Column("tier", Kind.FIGURE)
    yield Column("above", Kind.FIGURE)
    yield Column("up to", Kind.FIGURE)
    yield Column("quantity", Kind.FIGURE)
    yield Column(_PRICED_BY.get(model, f"price per\n{escape(unit or '')}"), Kind.FIGURE)
    yield Column("flat\namount", Kind.FIGURE)


def _cells(explanation: LineExplanation, tier: Mapping[str, Any]) -> Iterator[str]:
    model = explanation.line["charge_model"]
    flat_amount = _money(tier["flat_amount"], explanation)
    if model == "flat":
        yield flat_amount
        return
    if model == "percentage":
        bound = _event_bound(explanation, tier["tier_number"])
        yield bound or "at the rate"
        yield plain(tier["quantity"])
        yield "" if bound else _price(explanation, tier["unit_price"])
        yield flat_amount
        return
    upper = tier["upper_quantity"]
    yield str(tier["tier_number"])
    yield plain(tier["lower_quantity"])
    yield "no limit" if upper is None else plain(upper)
    yield plain(tier["quantity"])
    yield _price(explanation, tier["unit_price"])
    yield flat_amount


def _event_bound(explanation: LineExplanation, tier_number: int) -> str | None:
    """What the events of a tier behind the first one pay instead of the rate."""
    steps = explanation.derivation
    bounds = [
        f"{how} {money(Decimal(steps[name]), explanation.line)} each"
        for name, how in _EVENT_BOUNDS
        if steps.get(name) is not None
    ]
    return None if tier_number == 1 else bounds[tier_number - 2]


def _price(explanation: LineExplanation, unit_price: Decimal) -> str:
    priced_by = _PRICED_BY.get(explanation.line["charge_model"])
    if priced_by == "rate":
        return f"{plain(unit_price * 100)} %"
    return plain(unit_price) if priced_by else _money(unit_price, explanation)


def _money(amount: Decimal, explanation: LineExplanation) -> str:
    return money_text(amount, explanation.line["currency_code"])
