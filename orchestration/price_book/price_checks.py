"""Whether every charge can be rated in one way only: prices, fields, versions, references.

Belongs here: rules within plans and charges. Does not belong here: what makes a price ambiguous
(price_faults.py); a charge against its meter (model_checks.py); meters against event contracts
(meter_checks.py); contracts against plans (contract_checks.py).
"""

from decimal import Decimal

from orchestration.price_book.model_checks import MONEY_MODELS, check_models
from orchestration.price_book.models import Charge
from orchestration.price_book.price_faults import WARNED_OF, limit_decimal_faults, price_faults
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import Located, PlacedPrice, PriceBook


def check_prices(book: PriceBook, problems: ProblemList) -> None:
    """Add every problem of the plans, their charges and their prices."""
    for placed in book.prices:
        _check_price(placed, problems)
    for _, charge in book.charges:
        _check_references(book, charge, problems)
        _check_fields(charge, problems)
        _check_versions(charge, problems)
    check_models(book, problems)


def _check_price(placed: PlacedPrice, problems: ProblemList) -> None:
    price = placed.price
    currency = str(price.location[-1])
    for found in (
        *price_faults(placed.terms, price.item),
        *limit_decimal_faults(price.item, currency),
    ):
        problems.add(
            found.code,
            price.path,
            price.line(*found.steps),
            f"{price.name(*found.steps)}: {found.message}.",
            severity="warning" if found.code in WARNED_OF else "error",
        )


def _check_references(book: PriceBook, charge: Located[Charge], problems: ProblemList) -> None:
    for kind, record_id in (("product", charge.item.product), ("meter", charge.item.meter)):
        if record_id is not None and book.is_unknown(kind, record_id):
            problems.add(
                f"unknown_{kind}",
                charge.path,
                charge.line(kind),
                f"{charge.name(kind)}: there is no {kind} {record_id}"
                f"{book.or_nearest(kind, record_id)}.",
            )


def _check_fields(charge: Located[Charge], problems: ProblemList) -> None:
    item = charge.item
    is_flat = item.model == "flat"
    faults: list[tuple[str, str]] = []
    if is_flat:
        unread = ("meter", "convert", "free_quantity", "zero_usage", "ladder")
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
    if item.on_termination is not None and not (is_flat and item.timing == "advance"):
        faults.append(("on_termination", "only a flat charge in advance reads it"))
    if item.model != "package":
        faults += [
            (name, "only a package charge reads it")
            for name in ("package_rounding", "packages")
            if getattr(item, name) is not None
        ]
    if item.free_quantity is not None and item.model in {*MONEY_MODELS, "seats"}:
        faults.append(("free_quantity", f"a {item.model} charge does not read it"))
    if item.model == "seats":
        faults += _seats_faults(item)
    elif item.convert is not None and not is_flat:
        faults += _conversion_faults(item)
    for name, fault in faults:
        problems.add(
            "charge_field_mismatch",
            charge.path,
            charge.line(name),
            f"{charge.name(name)}: {fault}.",
        )


def _seats_faults(charge: Charge) -> list[tuple[str, str]]:
    convert = charge.convert
    faults = []
    if charge.proration not in {"day", "second"}:
        faults.append(("proration", "seats come and go by the day or by the second"))
    if convert is None or convert.unit is None:
        faults.append(
            ("convert", "seat-days become seats, and the unit of one is not named: {unit: seat}")
        )
    if convert is not None and convert.model_fields_set - {"unit"}:
        faults.append(("convert", "a seats charge divides by the length of the period alone"))
    return faults


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
