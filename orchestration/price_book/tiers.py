"""Tiers as adjacent ranges: from `up_to` bounds as people write them to (lower, upper] rows.

Belongs here: whether tiers cover every quantity once, and the price of every charge model as tiers.
Does not belong here: what a quantity costs, which dbt computes from the tiers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from orchestration.price_book.models import CurrencyPrice, Tier
from orchestration.price_book.price_forms import TIER_FIELDS, price_form

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


@dataclass(frozen=True)
class TierRange:
    """One row of charge_tiers: what quantities above lower, up to and including upper, cost.

    Attributes:
        upper: None is open.
        unit_price: per unit, or per package where package_size is set; of an amount of money, the
            rate or the multiplier.
        flat_amount: once where the tier is entered; of a percentage price, once per event.
        dimension_match: pairs of a dimension and the value that a line must have, none for a
            default; None is another model.
        free_events, free_amount: what a percentage price leaves free, in its first row.
        event_bound: minimum or maximum, where the row is for events at such a bound.
        is_unpriced: whether it stands for what lies beyond a last tier that ends; what reaches it
            has no price.
    """

    tier_number: int
    lower: Decimal
    upper: Decimal | None
    unit_price: Decimal
    flat_amount: Decimal
    package_size: Decimal | None = None
    dimension_match: tuple[tuple[str, str], ...] | None = None
    free_events: int | None = None
    free_amount: Decimal | None = None
    event_bound: str | None = None
    is_unpriced: bool = False


@dataclass(frozen=True)
class TierFault:
    """What keeps tiers from covering every quantity exactly once, and at which tier."""

    index: int
    code: str
    message: str


def tier_faults(tiers: Sequence[Tier]) -> Iterator[TierFault]:
    """Every gap, overlap and missing end of a list of tiers."""
    lower = ZERO
    for index, tier in enumerate(tiers):
        is_last = index == len(tiers) - 1
        if tier.from_ is not None and tier.from_ != lower:
            code = "overlapping_tiers" if tier.from_ < lower else "gapped_tiers"
            yield TierFault(
                index, code, f"starts at {tier.from_}, and the tier before it ends at {lower}"
            )
        if tier.up_to is None:
            if not is_last:
                yield TierFault(index, "open_tier_not_last", "has no up_to, and is not the last")
            continue
        if tier.up_to <= lower:
            yield TierFault(
                index,
                "overlapping_tiers",
                f"ends at {tier.up_to}, and the tier before it at {lower}",
            )
        if is_last:
            message = f"ends at {tier.up_to}, and no tier follows: usage above it is held"
            yield TierFault(index, "last_tier_not_open", message)
        lower = tier.up_to


def tier_field_faults(model: str, tiers: Sequence[Tier]) -> Iterator[TierFault]:
    """Every price field of a tier that its charge model does not read, or that it lacks.

    Raises:
        KeyError: the charge model has no tiers.
    """
    read = TIER_FIELDS[model]
    unread = sorted({"unit_price", "rate", "package_price", "flat_amount"} - set(read))
    for index, tier in enumerate(tiers):
        for name in unread:
            if getattr(tier, name) is not None:
                message = f"has a {name}, and a {model} tier reads {' and '.join(read)}"
                yield TierFault(index, "price_field_mismatch", message)
        if all(getattr(tier, name) is None for name in read):
            wanted = f"a {read[0]}" if len(read) == 1 else f"a {read[0]}, a {read[1]} or both"
            yield TierFault(index, "price_field_mismatch", f"needs {wanted}")


def tier_ranges(model: str, price: CurrencyPrice) -> tuple[TierRange, ...]:
    """The tiers of a price that has no fault, covering (0, infinity).

    Adjacent, but for dimensional and percentage prices: there each match, and each bound of an
    event, is a tier that covers everything. Beyond a last tier that ends there is one without a
    price.

    Raises:
        KeyError: the charge model is unknown.
        TypeError: the price lacks a field of its model, which validation refuses first.
    """
    given = frozenset(
        name for name in CurrencyPrice.model_fields if getattr(price, name) is not None
    )
    missing = price_form(model, given).required - given
    if missing:
        raise TypeError(f"A {model} price has no {', '.join(sorted(missing))}.")
    if model == "dimensional":
        return _matches(price)
    if model == "percentage":
        return _percentage(price)
    if price.tiers is not None:
        return _ladder(price.tiers, price.package_size)
    flat_amount = price.amount or ZERO
    return (TierRange(1, ZERO, None, _unit_price(model, price), flat_amount, price.package_size),)


def _unit_price(model: str, price: CurrencyPrice) -> Decimal:
    if model == "dynamic":
        return ONE
    return price.unit_price or price.package_price or price.multiplier or ZERO


def _percentage(price: CurrencyPrice) -> tuple[TierRange, ...]:
    ranges = [
        TierRange(
            1,
            ZERO,
            None,
            price.rate or ZERO,
            price.fixed_amount or ZERO,
            free_events=price.free_events,
            free_amount=price.free_amount,
        )
    ]
    bounds = {"minimum": price.minimum_per_event, "maximum": price.maximum_per_event}
    for bound, amount in bounds.items():
        if amount is not None:
            number = len(ranges) + 1
            ranges.append(TierRange(number, ZERO, None, ZERO, amount, event_bound=bound))
    return tuple(ranges)


def _matches(price: CurrencyPrice) -> tuple[TierRange, ...]:
    wanted = [(tuple(sorted(one.match.items())), one.unit_price) for one in price.prices or ()]
    if price.default is not None:
        wanted.append(((), price.default.unit_price))
    return tuple(
        TierRange(number, ZERO, None, unit_price, ZERO, dimension_match=match)
        for number, (match, unit_price) in enumerate(wanted, start=1)
    )


def _ladder(tiers: Sequence[Tier], package_size: Decimal | None) -> tuple[TierRange, ...]:
    ranges = []
    lower = ZERO
    for number, tier in enumerate(tiers, start=1):
        unit_price = tier.unit_price or tier.package_price or tier.rate or ZERO
        flat_amount = tier.flat_amount or ZERO
        ranges.append(TierRange(number, lower, tier.up_to, unit_price, flat_amount, package_size))
        lower = tier.up_to if tier.up_to is not None else lower
    if tiers[-1].up_to is not None:
        number = len(ranges) + 1
        ranges.append(TierRange(number, lower, None, ZERO, ZERO, package_size, is_unpriced=True))
    return tuple(ranges)
