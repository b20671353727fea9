"""What keeps a price from being rated in one way only, whether it is listed or negotiated.

Belongs here: rules within one price of one charge: fields, tiers, matches, rates. Does not belong
here: where the price stands (price_checks.py, override_checks.py); the charge's own fields
(price_checks.py); its meter (model_checks.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Any, Final

from orchestration.price_book.currencies import minor_units
from orchestration.price_book.field_types import decimals_of
from orchestration.price_book.models import CurrencyPrice
from orchestration.price_book.price_forms import (
    LIMIT_FIELDS,
    PRICE_FORMS,
    TIER_FIELDS,
    price_form,
)
from orchestration.price_book.tiers import tier_faults, tier_field_faults

Steps = tuple[str | int, ...]

_HIGHEST_RATE: Final = Decimal(1)

WARNED_OF: Final = frozenset({"last_tier_not_open"})
"""Codes of what may be meant, and is then an exception where usage meets it."""


@dataclass(frozen=True)
class PriceFault:
    """One fault: at which field of the price, its code, and a sentence without its end."""

    steps: Steps
    code: str
    message: str


@dataclass(frozen=True)
class ChargeTerms:
    """What a price needs to know of its charge.

    Attributes:
        model: as the file has it; anything that is no charge model is judged elsewhere.
        packages: where packages are counted, as the file has it.
    """

    model: Any
    says_zero_usage: bool
    packages: Any = None


def price_faults(terms: ChargeTerms, price: CurrencyPrice) -> Iterator[PriceFault]:
    """Every fault of a price that can be seen without its meter."""
    if isinstance(terms.model, str) and terms.model in PRICE_FORMS:
        yield from _field_faults(terms.model, price)
        yield from _rate_faults(price)
        yield from _package_faults(terms, price)
        yield from _event_faults(price)
    for found in tier_faults(price.tiers or ()):
        yield PriceFault(("tiers", found.index), found.code, found.message)
    first_flat = price.tiers[0].flat_amount if price.tiers else None
    if first_flat and not terms.says_zero_usage:
        message = (
            f"has a flat amount of {first_flat}, and the charge does not say whether it is due "
            "without usage"
        )
        yield PriceFault(("tiers", 0), "zero_usage_unstated", message)
    yield from _match_faults(price)
    yield from _limit_faults(price)


def _field_faults(model: str, price: CurrencyPrice) -> Iterator[PriceFault]:
    given = frozenset(
        name for name in CurrencyPrice.model_fields if getattr(price, name) is not None
    )
    form = price_form(model, given)
    for name in sorted(given - form.allowed):
        yield PriceFault((), "price_field_mismatch", f"a {model} price has no field {name}")
    for name in sorted(form.required - given):
        yield PriceFault((), "price_field_mismatch", f"a {model} price needs the field {name}")
    if model in TIER_FIELDS:
        for found in tier_field_faults(model, price.tiers or ()):
            yield PriceFault(("tiers", found.index), found.code, found.message)


def _rate_faults(price: CurrencyPrice) -> Iterator[PriceFault]:
    rates: list[tuple[Steps, Decimal | None]] = [(("rate",), price.rate)]
    rates += [(("tiers", index), tier.rate) for index, tier in enumerate(price.tiers or ())]
    for steps, rate in rates:
        if rate is not None and rate > _HIGHEST_RATE:
            message = f"a rate of {rate} is {format((rate * 100).normalize(), 'f')} %"
            yield PriceFault(steps, "rate_above_one", message)


def _event_faults(price: CurrencyPrice) -> Iterator[PriceFault]:
    if price.free_events is not None and price.free_amount is not None:
        message = "free events and a free amount are given, and each says by itself what is free"
        yield PriceFault(("free_amount",), "price_terms_conflict", message)
    low, high = price.minimum_per_event, price.maximum_per_event
    if low is not None and high is not None and low > high:
        message = f"the minimum per event is {low}, above its maximum of {high}"
        yield PriceFault(("minimum_per_event",), "price_terms_conflict", message)


def _limit_faults(price: CurrencyPrice) -> Iterator[PriceFault]:
    low, high = price.minimum, price.maximum
    if low is not None and high is not None and low > high:
        message = f"the minimum per period is {low}, above its maximum of {high}"
        yield PriceFault(("minimum",), "price_terms_conflict", message)


def limit_decimal_faults(price: CurrencyPrice, currency: str) -> Iterator[PriceFault]:
    """A minimum or maximum per period that has more decimals than its currency."""
    most = minor_units().get(currency)
    for name in LIMIT_FIELDS:
        limit = getattr(price, name)
        if most is not None and limit is not None and decimals_of(limit) > most:
            message = f"{limit} has {decimals_of(limit)} decimals, and {currency} has {most}"
            yield PriceFault((name,), "too_many_decimals", message)


def _package_faults(terms: ChargeTerms, price: CurrencyPrice) -> Iterator[PriceFault]:
    if terms.model != "package" or price.tiers is None:
        return
    if terms.packages is None:
        yield PriceFault(
            ("tiers",), "packages_unstated", "the charge does not say where packages are counted"
        )
    if terms.packages == "total" and price.package_size is not None:
        for index, tier in enumerate(price.tiers):
            if tier.up_to and Fraction(tier.up_to) % Fraction(price.package_size):
                message = (
                    f"ends at {tier.up_to}, within a package of {price.package_size}, and packages "
                    "are counted on the total"
                )
                yield PriceFault(("tiers", index), "package_bound_not_multiple", message)


def _match_faults(price: CurrencyPrice) -> Iterator[PriceFault]:
    """Pairs of equally specific matches that can both fit a line, none more specific deciding."""
    matches = [frozenset(one.match.items()) for one in price.prices or ()]
    for (first, one), (second, other) in combinations(enumerate(matches), 2):
        both = one | other
        if len(one) != len(other) or len({name for name, _ in both}) < len(both):
            continue
        if any(len(one) < len(third) and third <= both for third in matches):
            continue
        message = f"it fits the same lines as match {first + 1}, and neither is more specific"
        yield PriceFault(("prices", second, "match"), "ambiguous_match", message)
