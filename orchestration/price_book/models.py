"""What price_book/*.yml may say: meters, products, plans, charges, versions, prices, tiers.

Belongs here: fields, their kinds and defaults, and which values this version of the engine can
compute. Does not belong here: rules over several fields or files (price_checks.py and
meter_checks.py); terms (term_models.py); tables (table_models.py).

Unsupported words of the rating semantics are listed, so that they are refused by name instead of
being called misspelt.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from orchestration.price_book.field_types import (
    NOT_EMPTY,
    Currency,
    Day,
    Flag,
    FrozenModel,
    Identifier,
    PositiveQuantity,
    Price,
    QuantityFromZero,
    ScalarText,
    Text,
    Whole,
)
from orchestration.price_book.term_models import Proration, Term

Aggregation = Literal[
    "count",
    "sum",
    "max",
    "min",
    "avg",
    "latest",
    "unique_count",
    "weighted_sum",
    "percentile",
]
CarryIn = Literal["zero", "previous"]
WeightedBy = Literal["second", "period"]
Window = Literal["hour", "day", "month"]
WindowAggregation = Literal["sum", "max", "avg"]
EmptyWindows = Literal["skip", "zero"]
ChargeModel = Literal[
    "flat",
    "per_unit",
    "seats",
    "graduated",
    "volume",
    "stairstep",
    "package",
    "percentage",
    "graduated_percentage",
    "dimensional",
    "dynamic",
    "cost_plus",
]
BillingTiming = Literal["advance", "arrears"]
ConvertRounding = Literal["none", "up", "down", "half_up", "half_even"]
PackageRounding = Literal["up", "down"]
PackageCounting = Literal["total", "per_tier"]
ZeroUsage = Literal["charge", "skip"]
Ladder = Literal["continue", "restart"]
OnTermination = Literal["no_refund", "prorated", "full"]
RoundingMode = Literal["half_away", "half_even"]

# Fields of the rating semantics that this version of the engine cannot compute.
UNSUPPORTED_FIELDS: Final = frozenset(
    {
        "pool",
        "restates",
        "scope",
    }
)


def _as_factors(given: Any) -> Any:
    return [{"property": given}] if isinstance(given, str) else given


class ValueFactor(FrozenModel):
    """One factor of a meter's value: a property, raised to a step, then clamped."""

    property: Text
    minimum: QuantityFromZero | None = Field(None, description="A smaller value counts as this.")
    maximum: QuantityFromZero | None = Field(None, description="A larger value counts as this.")
    round_up_to: PositiveQuantity | None = Field(
        None, description="The value is raised to the next multiple of this first."
    )


class MeterFilter(FrozenModel):
    """Events count only when the property is among the values, or is not."""

    property: Text
    values_in: Annotated[tuple[ScalarText, ...] | None, NOT_EMPTY, Field(alias="in")] = None
    values_not_in: Annotated[tuple[ScalarText, ...] | None, NOT_EMPTY, Field(alias="not_in")] = None


class UniqueOperation(FrozenModel):
    """Which events of a unique_count add their value, and which take it away."""

    property: Text
    add: Annotated[tuple[ScalarText, ...], NOT_EMPTY]
    remove: Annotated[tuple[ScalarText, ...], NOT_EMPTY]


class Meter(FrozenModel):
    """What is counted: events of some types, filtered, aggregated into one quantity."""

    id: Identifier
    name: Text | None = None
    unit: Text
    event_types: Annotated[tuple[Text, ...], NOT_EMPTY]
    aggregation: Aggregation
    value: Annotated[
        tuple[ValueFactor, ...],
        BeforeValidator(
            _as_factors,
            json_schema_input_type=str | tuple[ValueFactor, ...],
        ),
        Field(description="A property, or a list of factors that are multiplied."),
    ] = ()
    distinct: Text | None = Field(None, description="The property whose values are counted once.")
    filters: tuple[MeterFilter, ...] = ()
    dimensions: tuple[Text, ...] = ()
    is_negative_allowed: Flag = False
    carry_in: CarryIn = Field(
        "zero", description="latest and unique_count: the level at the start of a period."
    )
    percentile: PositiveQuantity | None = Field(
        None, description="percentile: above 0, up to 100; nearest rank."
    )
    operation: UniqueOperation | None = Field(
        None, description="unique_count: events that add a value, and events that remove it."
    )
    weighted_by: WeightedBy = Field(
        "second", description="weighted_sum: unit-seconds, or their average over the period."
    )
    window: Window | None = Field(
        None, description="The quantity is taken per local hour, day or month first."
    )
    window_aggregation: WindowAggregation | None = Field(
        None, description="What is made of the windows' quantities."
    )
    empty_windows: EmptyWindows = Field(
        "skip", description="avg of windows: whether a window without events counts as 0."
    )


class Product(FrozenModel):
    """What is sold: an item of the ERP and a revenue account."""

    id: Identifier
    name: Text
    erp_item: Text
    revenue_account: Text


class Tier(FrozenModel):
    """One range of quantities, above the one before it and up to and including up_to."""

    from_: Annotated[
        QuantityFromZero | None,
        Field(alias="from", description="Where it starts; may be given to be checked."),
    ] = None
    up_to: PositiveQuantity | None = Field(
        None, description="Inclusive; as a rule absent in the last."
    )
    unit_price: Price | None = None
    rate: Price | None = Field(None, description="graduated_percentage: 0.029 is 2.9 %.")
    package_price: Price | None = Field(None, description="package: the price of one package.")
    flat_amount: Price | None = None


class DefaultPrice(FrozenModel):
    """What a line costs that no match fits."""

    unit_price: Price


class DimensionPrice(DefaultPrice):
    """What a line costs whose dimension values are these; the match with most of them wins."""

    match: Annotated[dict[Text, ScalarText], NOT_EMPTY]


class CurrencyPrice(FrozenModel):
    """A price in one currency; which fields it has is decided by the charge's model."""

    amount: Price | None = Field(None, description="flat: the fee per period.")
    unit_price: Price | None = Field(None, description="per_unit, seats: the price of one unit.")
    tiers: Annotated[
        tuple[Tier, ...] | None,
        NOT_EMPTY,
        Field(description="graduated, volume, stairstep, package, graduated_percentage."),
    ] = None
    package_size: PositiveQuantity | None = Field(None, description="package: units in one.")
    package_price: Price | None = Field(None, description="package: the price of one package.")
    rate: Price | None = Field(None, description="percentage: a fraction, 0.029 is 2.9 %.")
    fixed_amount: Price | None = Field(None, description="percentage: for each event.")
    free_events: Annotated[Whole, Field(ge=1)] | None = Field(
        None, description="percentage: how many events of a period cost nothing, the first ones."
    )
    free_amount: PositiveQuantity | None = Field(
        None, description="percentage: how much of a period costs nothing, the first of it."
    )
    minimum_per_event: Price | None = Field(
        None, description="percentage: what an event costs at least, unless it is free."
    )
    maximum_per_event: Price | None = Field(
        None, description="percentage: what an event costs at most."
    )
    multiplier: Price | None = Field(None, description="cost_plus: 1.2 adds 20 % to the cost.")
    prices: Annotated[
        tuple[DimensionPrice, ...] | None, NOT_EMPTY, Field(description="dimensional.")
    ] = None
    default: DefaultPrice | None = Field(
        None, description="dimensional: where no match fits; without it such usage is held."
    )
    minimum: Price | None = Field(None, description="What the charge costs at least per period.")
    maximum: Price | None = Field(None, description="What the charge costs at most per period.")


class ChargeVersion(FrozenModel):
    """The prices of a charge from a day on, until the next version."""

    effective_from: Day
    author: Text | None = None
    reason: Text | None = None
    prices: Annotated[dict[Currency, CurrencyPrice], NOT_EMPTY]


class Conversion(FrozenModel):
    """From the meter's unit to the priced one: multiplied, divided, then rounded."""

    multiply: PositiveQuantity | None = None
    divide: PositiveQuantity | None = None
    unit: Text | None = None
    rounding: ConvertRounding = "none"
    decimals: Annotated[Whole, Field(ge=0, le=9)] | None = None


class Charge(FrozenModel):
    """One position of a plan. Its id is global and never used again for another charge."""

    id: Identifier
    name: Text | None = None
    product: Text
    meter: Text | None = None
    model: ChargeModel
    timing: BillingTiming = "arrears"
    convert: Conversion | None = None
    package_rounding: PackageRounding | None = None
    packages: PackageCounting | None = Field(
        None, description="package with tiers: where packages are counted."
    )
    free_quantity: QuantityFromZero | None = Field(
        None, description="Units that cost nothing, after the conversion."
    )
    zero_usage: ZeroUsage | None = None
    ladder: Ladder | None = Field(
        None, description="Where the price changes within a period; continue unless given."
    )
    proration: Proration = "day"
    on_termination: OnTermination | None = Field(
        None,
        description="What a fee in advance gives back where the contract ends within its cell; "
        "prorated unless given.",
    )
    rounding_mode: RoundingMode = "half_away"
    versions: Annotated[tuple[ChargeVersion, ...], NOT_EMPTY]


class PlanHead(FrozenModel):
    """A plan without its charges and terms."""

    id: Identifier
    name: Text | None = None


class Plan(PlanHead):
    """A set of charges that a contract version refers to."""

    charges: Annotated[tuple[Charge, ...], NOT_EMPTY]
    terms: tuple[Term, ...] = Field((), description="They hold for every contract on the plan.")


class PriceBookFile(FrozenModel):
    """One file of price_book/; any of the three lists may be absent."""

    meters: tuple[Meter, ...] = ()
    products: tuple[Product, ...] = ()
    plans: tuple[Plan, ...] = ()
