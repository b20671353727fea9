"""Tiers as adjacent ranges: from `up_to` bounds as people write them to (lower, upper] rows.

Belongs here: whether tiers cover every quantity once, and the price of every charge model as tiers.
Does not belong here: what a quantity costs, which dbt computes from the tiers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from orchestration.price_book.models import CurrencyPrice, Tier

ZERO: Final = Decimal(0)

# The fields that a price of each charge model has, no more and no less.
PRICE_FIELDS: Final[dict[str, frozenset[str]]] = {
    "flat": frozenset({"amount"}),
    "per_unit": frozenset({"unit_price"}),
    "graduated": frozenset({"tiers"}),
    "volume": frozenset({"tiers"}),
    "package": frozenset({"package_size", "package_price"}),
}


@dataclass(frozen=True)
class TierRange:
    """One row of charge_tiers: what quantities above lower, up to and including upper, cost.

    Attributes:
        upper: None is open. unit_price: per unit, or per package where package_size is set.
    """

    tier_number: int
    lower: Decimal
    upper: Decimal | None
    unit_price: Decimal
    flat_amount: Decimal
    package_size: Decimal | None = None


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
        if tier.unit_price is None and tier.flat_amount is None:
            yield TierFault(
                index, "price_field_mismatch", "needs a unit_price, a flat_amount or both"
            )
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
            yield TierFault(
                index, "last_tier_not_open", f"ends at {tier.up_to}, and no tier follows"
            )
        lower = tier.up_to


def tier_ranges(model: str, price: CurrencyPrice) -> tuple[TierRange, ...]:
    """The tiers of a price that has no fault, adjacent, covering (0, infinity).

    Raises:
        KeyError: the charge model is unknown.
        TypeError: the price lacks a field of its model, which validation refuses first.
    """
    missing = [name for name in PRICE_FIELDS[model] if getattr(price, name) is None]
    if missing:
        raise TypeError(f"A {model} price has no {', '.join(sorted(missing))}.")
    if model == "flat":
        return (_single(flat_amount=price.amount or ZERO),)
    if model == "per_unit":
        return (_single(unit_price=price.unit_price or ZERO),)
    if model == "package":
        return (_single(unit_price=price.package_price or ZERO, package_size=price.package_size),)
    return _ladder(price.tiers or ())


def _single(
    *,
    unit_price: Decimal = ZERO,
    flat_amount: Decimal = ZERO,
    package_size: Decimal | None = None,
) -> TierRange:
    return TierRange(1, ZERO, None, unit_price, flat_amount, package_size)


def _ladder(tiers: Sequence[Tier]) -> tuple[TierRange, ...]:
    ranges = []
    lower = ZERO
    for number, tier in enumerate(tiers, start=1):
        ranges.append(
            TierRange(number, lower, tier.up_to, tier.unit_price or ZERO, tier.flat_amount or ZERO)
        )
        lower = tier.up_to if tier.up_to is not None else lower
    return tuple(ranges)
