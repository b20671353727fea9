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
        _check_prices(charge, meter, problems)


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


def meter_faults(charge: Charge, meter: Meter) -> Iterator[str]:
    """Why the charge's model cannot price the meter, in words."""
    if charge.model in MONEY_MODELS and meter.aggregation != "sum":
        yield (
            f"a {charge.model} charge prices amounts of money that a meter sums, and "
            f"{meter.id} is a {meter.aggregation}"
        )
    if charge.model == "dimensional" and not meter.dimensions:
        yield f"a dimensional charge prices dimension values, and {meter.id} has no dimensions"


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
    if not looks_at_each_event(price):
        return
    if meter.is_negative_allowed:
        message = f"it prices each event, and meter {meter.id} allows negative ones"
        yield PriceFault((), "meter_not_for_model", message)
    if charge.convert is not None and charge.convert.rounding != "none":
        message = f"it prices each event, and the conversion rounds {charge.convert.rounding}"
        yield PriceFault((), "charge_field_mismatch", message)
