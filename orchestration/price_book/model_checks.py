"""Whether a charge's model fits the meter that it prices.

Belongs here: rules over a charge, its prices and its meter. Does not belong here: prices by
themselves (price_faults.py); meters by themselves (meter_checks.py).
"""

from collections.abc import Iterator
from typing import Final

from orchestration.price_book.models import Charge, CurrencyPrice, Meter
from orchestration.price_book.price_faults import PriceFault
from orchestration.price_book.price_forms import looks_at_each_event
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import Located, PriceBook

# Aggregations that add up over time, without windows; every other one is a level.
ADDITIVE: Final = frozenset({"count", "sum", "weighted_sum"})

# Models whose quantity is an amount of money: the meter sums amounts.
MONEY_MODELS: Final = frozenset({"percentage", "graduated_percentage", "dynamic", "cost_plus"})


def check_models(book: PriceBook, problems: ProblemList) -> None:
    """Add every charge whose model cannot price its meter, and every price that does not fit it."""
    meters = {meter.item.id: meter.item for meter in book.meters}
    for _, charge in book.charges:
        meter = meters.get(charge.item.meter or "")
        if meter is None:
            continue
        for fault in meter_faults(charge.item, meter):
            problems.add(
                "meter_not_for_model",
                charge.path,
                charge.line("meter"),
                f"{charge.name('meter')}: {fault}.",
            )
        _check_ladder(charge, meter, problems)
        _check_prices(charge, meter, problems)


def _check_ladder(charge: Located[Charge], meter: Meter, problems: ProblemList) -> None:
    if charge.item.ladder is not None and not is_additive(meter):
        problems.add(
            "charge_field_mismatch",
            charge.path,
            charge.line("ladder"),
            f"{charge.name('ladder')}: {meter.id} is a level, which is priced anew wherever the "
            "price changes; a ladder goes on for what adds up over time.",
        )


def _check_prices(charge: Located[Charge], meter: Meter, problems: ProblemList) -> None:
    for index, version in enumerate(charge.item.versions):
        for currency, price in version.prices.items():
            for found in metered_price_faults(charge.item, price, meter):
                steps = ("versions", index, "prices", currency, *found.steps)
                problems.add(
                    found.code,
                    charge.path,
                    charge.line(*steps),
                    f"{charge.name(*steps)}: {found.message}.",
                )


def is_additive(meter: Meter) -> bool:
    """Whether a meter's quantities of two stretches of time add up to that of both."""
    if meter.window_aggregation is not None:
        return meter.window_aggregation == "sum"
    return meter.aggregation in ADDITIVE


def meter_faults(charge: Charge, meter: Meter) -> Iterator[str]:
    """Why the charge's model cannot price the meter, in words."""
    counted = f"{meter.id} is a {meter.aggregation}" + (
        f" in windows of a {meter.window}" if meter.window else ""
    )
    if charge.model in MONEY_MODELS and (meter.aggregation != "sum" or meter.window):
        yield f"a {charge.model} charge prices amounts of money that a meter sums, and {counted}"
    if charge.model == "seats" and charge.proration == "second" and not _has_seat_seconds(meter):
        yield (
            "seats by the second need a weighted_sum that is weighted by second, without windows, "
            f"and {counted}"
        )
    if charge.model == "seats" and charge.proration == "day" and not _has_seat_days(meter):
        yield (
            "seats by the day need a meter with `window: day` and `window_aggregation: sum`, and "
            f"{counted}"
        )
    if charge.model == "dimensional" and not meter.dimensions:
        yield f"a dimensional charge prices dimension values, and {meter.id} has no dimensions"


def _has_seat_days(meter: Meter) -> bool:
    return meter.window == "day" and meter.window_aggregation == "sum"


def _has_seat_seconds(meter: Meter) -> bool:
    is_weighted = meter.aggregation == "weighted_sum" and meter.weighted_by == "second"
    return is_weighted and meter.window is None


def metered_price_faults(
    charge: Charge, price: CurrencyPrice, meter: Meter
) -> Iterator[PriceFault]:
    """Every fault of a price that shows only beside its meter."""
    for index, one in enumerate(price.prices or ()):
        for name in one.match:
            if name not in meter.dimensions:
                known = ", ".join(meter.dimensions) or "none"
                message = f"{name} is no dimension of meter {meter.id}, which has {known}"
                yield PriceFault(("prices", index, "match"), "unknown_dimension", message)
    if charge.ladder == "restart":
        yield from _restart_faults(charge, price)
    if not looks_at_each_event(price):
        return
    if meter.is_negative_allowed:
        message = f"it prices each event, and meter {meter.id} allows negative ones"
        yield PriceFault((), "meter_not_for_model", message)
    if charge.convert is not None and charge.convert.rounding != "none":
        message = f"it prices each event, and the conversion rounds {charge.convert.rounding}"
        yield PriceFault((), "charge_field_mismatch", message)


def _restart_faults(charge: Charge, price: CurrencyPrice) -> Iterator[PriceFault]:
    if looks_at_each_event(price):
        message = "it prices each event, and what is free of a period's events cannot restart"
        yield PriceFault((), "charge_field_mismatch", message)
    if charge.packages == "total" and price.tiers is not None and len(price.tiers) > 1:
        message = (
            "packages are counted on the total, and tiers that restart would end within a package"
        )
        yield PriceFault(("tiers",), "charge_field_mismatch", message)
