"""Which prices a question means: the plan, its charges in force on a day, their currency.

Belongs here: finding them in a sound reference folder, and saying what there is where one is not
found. Does not belong here: reading the folder (price_book); pricing (answer.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from orchestration.failures import InputError
from orchestration.price_book.models import Charge, ChargeVersion, Meter
from orchestration.price_book.reference_data import PriceBook

_LARGEST: Final = Decimal(10) ** 20
_DECIMALS: Final = 9


class PriceUnknownError(InputError):
    """A question names a plan, a charge, a currency, a day or a dimension that has no price."""

    code = "price_unknown"


@dataclass(frozen=True)
class PriceQuestion:
    """What is asked.

    Attributes:
        plan_id: the plan whose charges are priced.
        quantity: in the unit of each charge's meter, up to 9 decimals, below 10^20.
        on: the day whose prices count.
        charge_id: the one charge; None means every usage charge that is in force that day.
        currency_code: None means the only one that there are prices in.
        dimensions: values of dimensions of the meters by name.
    """

    plan_id: str
    quantity: Decimal
    on: date
    charge_id: str | None = None
    currency_code: str | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AskedCharge:
    """A usage charge with the version in force on the day, and its meter."""

    charge: Charge
    version: ChargeVersion
    meter: Meter


@dataclass(frozen=True)
class AskedPrices:
    """What a question means.

    Attributes:
        charges: in the order of the plan. currency_code: that of every amount.
    """

    charges: Sequence[AskedCharge]
    currency_code: str


def asked_prices(book: PriceBook, question: PriceQuestion) -> AskedPrices:
    """Find the prices that a question means in a price book without errors.

    Raises:
        PriceUnknownError: there is no such plan, charge, currency, day or dimension, or the
            quantity has more digits than one can have; names what there is.
    """
    _refuse_quantity(question.quantity)
    charges = _in_force(_usage_charges(book, question), book, question)
    _refuse_dimensions(charges, question)
    return AskedPrices(charges, _currency(charges, question))


def _refuse_quantity(quantity: Decimal) -> None:
    exponent = quantity.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > _DECIMALS or abs(quantity) >= _LARGEST:
        raise PriceUnknownError(
            f"Asked for the price of quantity {quantity}: a quantity is a number below 10^20 with "
            f"up to {_DECIMALS} decimals. Ask for one."
        )


def _usage_charges(book: PriceBook, question: PriceQuestion) -> list[Charge]:
    plans = [plan.item.id for plan in book.plans]
    if question.plan_id not in plans:
        raise PriceUnknownError(
            f"Looked for plan {question.plan_id} in the price book: there is none. "
            f"Its plans are {_listed(plans)}."
        )
    of_plan = [item.item for plan, item in book.charges if plan == question.plan_id]
    usage = [charge for charge in of_plan if charge.meter is not None]
    if question.charge_id is None and usage:
        return usage
    found = [charge for charge in usage if charge.id == question.charge_id]
    if not found:
        fees = [charge.id for charge in of_plan if charge.meter is None]
        raise PriceUnknownError(
            f"Looked for {_asked_for(question)} in plan {question.plan_id}: there is none. "
            f"Its usage charges are {_listed(charge.id for charge in usage)}; "
            f"its fees, which have no quantity, are {_listed(fees)}."
        )
    return found


def _asked_for(question: PriceQuestion) -> str:
    return f"usage charge {question.charge_id}" if question.charge_id else "a usage charge"


def _in_force(
    charges: Sequence[Charge], book: PriceBook, question: PriceQuestion
) -> list[AskedCharge]:
    meters = {meter.item.id: meter.item for meter in book.meters}
    found = [
        AskedCharge(charge, max(versions, key=lambda one: one.effective_from), meters[charge.meter])
        for charge in charges
        if charge.meter is not None
        and (versions := [one for one in charge.versions if one.effective_from <= question.on])
    ]
    if not found:
        first = min(one.effective_from for charge in charges for one in charge.versions)
        raise PriceUnknownError(
            f"Looked for prices of plan {question.plan_id} on {question.on}: none is in force. "
            f"The first one begins on {first}; ask for a day from then on."
        )
    return found


def _refuse_dimensions(charges: Sequence[AskedCharge], question: PriceQuestion) -> None:
    known = {name for asked in charges for name in asked.meter.dimensions}
    unknown = sorted(set(question.dimensions) - known)
    if unknown:
        raise PriceUnknownError(
            f"Asked for prices by dimension {_listed(unknown)}: no meter of what is priced has it. "
            f"The dimensions of their meters are {_listed(sorted(known))}."
        )


def _currency(charges: Sequence[AskedCharge], question: PriceQuestion) -> str:
    known = sorted({currency for asked in charges for currency in asked.version.prices})
    asked_for = question.currency_code
    if asked_for is None and len(known) == 1:
        return known[0]
    if asked_for is None or asked_for not in known:
        looked = f"in {asked_for}: there are none" if asked_for else "without a currency"
        raise PriceUnknownError(
            f"Looked for prices of plan {question.plan_id} on {question.on} {looked}. "
            f"There are prices in {_listed(known)}: name one with --currency."
        )
    return asked_for


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
