"""What `terms:` of a plan and contract_terms/*.yml may say: one model per kind of term.

Belongs here: the fields of each kind, their kinds of value and defaults. Does not belong here:
rules over several fields, terms or files (term_checks.py, term_overlaps.py); tables
(term_tables.py).
"""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from orchestration.price_book.field_types import (
    NOT_EMPTY,
    Currency,
    Day,
    FrozenModel,
    Identifier,
    PositivePrice,
    PositiveQuantity,
    Price,
    Text,
    Whole,
)

TermKind = Literal["discount", "trial", "allowance", "commitment", "maximum_spend", "one_off"]
Proration = Literal["day", "second", "fixed_30", "none"]
CommitmentSpan = Literal["period", "term"]

_WHOLE_PERCENT: Final = Decimal(100)
_LEAST_FACTOR: Final = Decimal(1)
_FACTOR_BOUND: Final = Decimal(10)  # from here on a percentage is what was meant


def _up_to_hundred(value: Decimal) -> Decimal:
    if value > _WHOLE_PERCENT:
        raise PydanticCustomError(
            "wrong_value", "must be at most 100, and is {shown}", {"shown": str(value)}
        )
    return value


def _overage_factor(value: Decimal) -> Decimal:
    if not _LEAST_FACTOR <= value < _FACTOR_BOUND:
        raise PydanticCustomError(
            "wrong_value",
            "must be a factor such as 1.2, not percent: at least {least} and below {bound}, and is "
            "{shown}",
            {"least": str(_LEAST_FACTOR), "bound": str(_FACTOR_BOUND), "shown": str(value)},
        )
    return value


Percent = Annotated[PositivePrice, AfterValidator(_up_to_hundred)]
OverageFactor = Annotated[Price, AfterValidator(_overage_factor)]
Length = Annotated[Whole, Field(ge=1)]
Amounts = Annotated[dict[Currency, PositivePrice], NOT_EMPTY]
AmountsFromZero = Annotated[dict[Currency, Price], NOT_EMPTY]
ChargeIds = Annotated[
    tuple[Text, ...],
    NOT_EMPTY,
    Field(description="Charge ids; an allowance is drawn for them in this order."),
]


class TermHead(FrozenModel):
    """What every term says. Its id is global, shared with charges, and never used again."""

    default_name: ClassVar[str]

    id: Identifier
    name: Text | None = Field(None, description="What the customer reads.")
    author: Text | None = None
    reason: Text | None = None


class CoveringTerm(TermHead):
    """A term over charges: those that are named, or all of the plan or of the contract."""

    charges: ChargeIds | None = None


class DatedTerm(CoveringTerm):
    """A term with a first day and an end, which is exclusive; either may be open."""

    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None


class Discount(DatedTerm):
    """Less to pay: a share, an amount per period, or units that cost nothing."""

    default_name = "Discount"

    kind: Literal["discount"]
    percent: Percent | None = Field(None, description='"10" takes 10 % off.')
    amount: Amounts | None = Field(None, description="Taken off per period, never below zero.")
    free_quantity: PositiveQuantity | None = Field(
        None, description="Units of one charge that cost nothing, after the conversion."
    )
    proration: Proration | None = Field(
        None, description="day unless given; for an amount and a free quantity."
    )


class Trial(CoveringTerm):
    """Nothing to pay from the contract's start on."""

    default_name = "Trial"

    kind: Literal["trial"]
    days: Length | None = None
    months: Length | None = None
    periods: Length | None = None


class Rollover(FrozenModel):
    """What becomes of units that were not used."""

    cap: PositiveQuantity | None = Field(None, description="No more than these are carried on.")
    periods: Length = Field(description="For how many periods they are kept.")


class Allowance(DatedTerm):
    """Units per period that are included, drawn for the charges in the order given."""

    default_name = "Included quantity"

    kind: Literal["allowance"]
    charges: ChargeIds
    quantity: PositiveQuantity = Field(description="Units per period, after the conversion.")
    proration: Proration = "day"
    rollover: Rollover | None = None


class Commitment(DatedTerm):
    """A minimum spend, trued up by a line of its own; what lies above may have a factor."""

    default_name = "Commitment"

    kind: Literal["commitment"]
    amount: Amounts
    per: CommitmentSpan
    overage_factor: OverageFactor | None = Field(
        None,
        description="1.2: what lies above the commitment costs a fifth more; from 1 to below 10.",
    )
    proration: Proration = "day"
    product: Text | None = None


class MaximumSpend(DatedTerm):
    """The most that a period costs; what lies above is given back by a line of its own."""

    default_name = "Maximum spend"

    kind: Literal["maximum_spend"]
    amount: AmountsFromZero
    proration: Proration = "day"
    product: Text | None = None


class OneOff(TermHead):
    """An amount that is billed once, for one day."""

    default_name = "One-off amount"

    kind: Literal["one_off"]
    name: Text
    amount: AmountsFromZero
    date: Day
    product: Text


AnyTerm = Discount | Trial | Allowance | Commitment | MaximumSpend | OneOff
Term = Annotated[AnyTerm, Field(discriminator="kind")]

TERM_MODELS: Final[dict[Any, type[TermHead]]] = {
    "discount": Discount,
    "trial": Trial,
    "allowance": Allowance,
    "commitment": Commitment,
    "maximum_spend": MaximumSpend,
    "one_off": OneOff,
}


class TermOfNoKind(FrozenModel, extra="ignore"):
    """Any term, read only to say what is wrong with its kind."""

    kind: TermKind


class ContractTerms(FrozenModel):
    """The terms of one contract, beside those of its plans."""

    contract: Text
    terms: Annotated[tuple[Term, ...], NOT_EMPTY]


class ContractTermsHead(FrozenModel):
    """The terms of one contract without the terms."""

    contract: Text


class ContractTermsFile(FrozenModel):
    """One file of contract_terms/."""

    contract_terms: tuple[ContractTerms, ...] = ()


def term_fields(model: type[TermHead]) -> frozenset[str]:
    """The fields of a kind of term as files write them, such as `from`."""
    return frozenset(field.alias or name for name, field in model.model_fields.items())


# Every field that a term of some kind has: one that is none of them is misspelt.
TERM_FIELDS: Final = frozenset(
    name for model in TERM_MODELS.values() for name in term_fields(model)
)
