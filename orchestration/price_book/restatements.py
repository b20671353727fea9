"""What restates.yml may say: which signed cells an edit is meant to change, and why.

Belongs here: its fields. Does not belong here: finding edits that need one, which is the room
orchestration/restating.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from orchestration.price_book.field_types import (
    NOT_EMPTY,
    Day,
    Flag,
    FrozenModel,
    Identifier,
    Text,
)


class Restatement(FrozenModel):
    """Signed cells that an edit may change.

    Attributes:
        from_: first day of service that may come to something else.
        to: first one that may not any more; None has no end.
        charges: charges and terms. contracts: theirs. identities: external ids of subjects.
        customers: those whose parent or payer is another one.
        exchange_rates: pairs, as EUR/USD. credit_grants: theirs.
        everything: instead of these, whatever is edited.
    """

    reason: Text
    author: Text
    from_: Day = Field(alias="from")
    to: Day | None = None
    charges: tuple[Identifier, ...] = ()
    contracts: tuple[Identifier, ...] = ()
    identities: tuple[Text, ...] = ()
    customers: tuple[Identifier, ...] = ()
    exchange_rates: tuple[Text, ...] = ()
    credit_grants: tuple[Identifier, ...] = ()
    everything: Flag = False

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        is_scoped = any(self._named().values())
        if is_scoped == self.everything:
            raise PydanticCustomError(
                "wrong_value",
                "names charges, contracts, identities, customers, exchange_rates or "
                "credit_grants, or everything",
            )
        if self.to is not None and self.to <= self.from_:
            raise PydanticCustomError("dates_out_of_order", "ends before it begins")
        return self

    def covers(self, kind: str, object_id: str, first: date, after: date) -> bool:
        """Whether an edit of an object may change the days [first, after).

        Args:
            kind: charge, contract, identity, customer, exchange_rate or credit_grant.
            object_id: which one.
            first: first day of service within signed cells that changes.
            after: first one that does not any more.
        """
        is_named = self.everything or object_id in self._named()[kind]
        return is_named and self.from_ <= first and (self.to is None or after <= self.to)

    def _named(self) -> Mapping[str, tuple[str, ...]]:
        """What it names, by the kind of object."""
        return {
            "charge": self.charges,
            "contract": self.contracts,
            "identity": self.identities,
            "customer": self.customers,
            "exchange_rate": self.exchange_rates,
            "credit_grant": self.credit_grants,
        }


class RestatesFile(FrozenModel):
    """restates.yml."""

    restates: Annotated[tuple[Restatement, ...], NOT_EMPTY]
