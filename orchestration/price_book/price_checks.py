"""Whether every price can be rated in one way only: tiers, charge fields, versions, references.

Belongs here: rules within plans and charges. Does not belong here: meters against event contracts
(meter_checks.py); contracts against plans (contract_checks.py).
"""

from decimal import Decimal

from orchestration.price_book.models import Charge, CurrencyPrice
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import Located, PlacedPrice, PriceBook
from orchestration.price_book.tiers import PRICE_FIELDS, TierFault, tier_faults


def check_prices(book: PriceBook, problems: ProblemList) -> None:
    """Add every problem of the plans, their charges and their prices."""
    for placed in book.prices:
        _check_price(placed, problems)
    for _, charge in book.charges:
        _check_references(book, charge, problems)
        _check_fields(charge, problems)
        _check_versions(charge, problems)


def price_field_faults(model: str, price: CurrencyPrice) -> list[str]:
    """What a price has too much or too little for its charge model, in words."""
    wanted = PRICE_FIELDS[model]
    given = {name for name in CurrencyPrice.model_fields if getattr(price, name) is not None}
    return [
        *(f"a {model} price has no field {name}" for name in sorted(given - wanted)),
        *(f"a {model} price needs the field {name}" for name in sorted(wanted - given)),
    ]


def _check_price(placed: PlacedPrice, problems: ProblemList) -> None:
    price = placed.price
    if isinstance(placed.model, str) and placed.model in PRICE_FIELDS:
        for fault in price_field_faults(placed.model, price.item):
            problems.add(
                "price_field_mismatch", price.path, price.line(), f"{price.name()}: {fault}."
            )
    faults = list(tier_faults(price.item.tiers or ()))
    first_flat = price.item.tiers[0].flat_amount if price.item.tiers else None
    if first_flat and not placed.says_zero_usage:
        message = (
            f"has a flat amount of {first_flat}, and the charge does not say whether it is due "
            "without usage"
        )
        faults.append(TierFault(0, "zero_usage_unstated", message))
    for found in faults:
        steps = ("tiers", found.index)
        problems.add(
            found.code, price.path, price.line(*steps), f"{price.name(*steps)}: {found.message}."
        )


def _check_references(book: PriceBook, charge: Located[Charge], problems: ProblemList) -> None:
    for kind, record_id in (("product", charge.item.product), ("meter", charge.item.meter)):
        if record_id is not None and book.is_unknown(kind, record_id):
            problems.add(
                f"unknown_{kind}",
                charge.path,
                charge.line(kind),
                f"{charge.name(kind)}: there is no {kind} {record_id}.",
            )


def _check_fields(charge: Located[Charge], problems: ProblemList) -> None:
    item = charge.item
    is_flat = item.model == "flat"
    faults: list[tuple[str, str]] = []
    if is_flat:
        unread = ("meter", "convert", "free_quantity", "zero_usage")
        faults += [
            (name, "a flat charge does not read it")
            for name in unread
            if getattr(item, name) is not None
        ]
    else:
        if item.meter is None:
            faults.append(("meter", f"a {item.model} charge needs a meter"))
        if item.timing == "advance":
            faults.append(("timing", "only a flat charge is billed in advance"))
    if item.package_rounding is not None and item.model != "package":
        faults.append(("package_rounding", "only a package charge reads it"))
    if item.convert is not None and not is_flat:
        faults += _conversion_faults(item)
    for name, fault in faults:
        problems.add(
            "charge_field_mismatch",
            charge.path,
            charge.line(name),
            f"{charge.name(name)}: {fault}.",
        )


def _conversion_faults(charge: Charge) -> list[tuple[str, str]]:
    convert = charge.convert
    if convert is None:
        return []
    faults = []
    if (convert.multiply or Decimal(1)) != (convert.divide or Decimal(1)) and not convert.unit:
        faults.append(("convert", "the unit after the conversion is not named"))
    if convert.rounding == "none" and convert.decimals is not None:
        faults.append(("convert", "decimals are given, and rounding is none"))
    return faults


def _check_versions(charge: Located[Charge], problems: ProblemList) -> None:
    versions = charge.item.versions
    for index, version in enumerate(versions):
        steps = ("versions", index, "effective_from")
        named = charge.name("versions", index)
        if any(version.effective_from == other.effective_from for other in versions[:index]):
            problems.add(
                "overlapping_charge_versions",
                charge.path,
                charge.line(*steps),
                f"{named}: another version begins on {version.effective_from} too.",
            )
        elif index and version.effective_from < versions[index - 1].effective_from:
            problems.add(
                "dates_out_of_order",
                charge.path,
                charge.line(*steps),
                f"{named}: it begins before the version written above it, which begins on "
                f"{versions[index - 1].effective_from}.",
            )
