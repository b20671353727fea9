"""Which fields a price of each charge model has, and which its tiers have.

Belongs here: the forms that a price may take. Does not belong here: whether its figures make sense
(price_faults.py), or what they cost (dbt).
"""

from dataclasses import dataclass
from typing import Final

from orchestration.price_book.models import CurrencyPrice


@dataclass(frozen=True)
class FieldForm:
    """Fields that must be there, and fields that may."""

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    @property
    def allowed(self) -> frozenset[str]:
        """Every field that the form has."""
        return self.required | self.optional


# What a charge costs at least and at most per period, whatever its model.
LIMIT_FIELDS: Final = ("minimum", "maximum")


def _form(*required: str, may_have: tuple[str, ...] = ()) -> FieldForm:
    return FieldForm(frozenset(required), frozenset((*may_have, *LIMIT_FIELDS)))


# The fields of a percentage price that look at each event, and not at the sum of all.
EVENT_FIELDS: Final = ("free_events", "free_amount", "minimum_per_event", "maximum_per_event")

# The forms of a price by charge model; the first is the usual one.
PRICE_FORMS: Final[dict[str, tuple[FieldForm, ...]]] = {
    "flat": (_form("amount"),),
    "per_unit": (_form("unit_price"),),
    "seats": (_form("unit_price"),),
    "graduated": (_form("tiers"),),
    "volume": (_form("tiers"),),
    "stairstep": (_form("tiers"),),
    "package": (_form("package_size", "package_price"), _form("package_size", "tiers")),
    "percentage": (_form("rate", may_have=("fixed_amount", *EVENT_FIELDS)),),
    "graduated_percentage": (_form("tiers"),),
    "dimensional": (_form("prices", may_have=("default",)),),
    "dynamic": (_form(),),
    "cost_plus": (_form("multiplier"),),
}

# The fields that price a tier, by charge model; a tier has at least one of them.
TIER_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "graduated": ("unit_price", "flat_amount"),
    "volume": ("unit_price", "flat_amount"),
    "stairstep": ("flat_amount",),
    "package": ("package_price", "flat_amount"),
    "graduated_percentage": ("rate", "flat_amount"),
}


def price_form(model: str, given: frozenset[str]) -> FieldForm:
    """The form of a model's price that the given fields come closest to.

    Raises:
        KeyError: the charge model is unknown.
    """
    return max(PRICE_FORMS[model], key=lambda form: len(form.required & given))


def looks_at_each_event(price: CurrencyPrice) -> bool:
    """Whether a price asks something of each event, so that its meter has to keep them."""
    return any(getattr(price, name) is not None for name in EVENT_FIELDS)
