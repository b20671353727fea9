"""What sources.yml and policy.yml may say: where usage comes from, who signs, what is billed.

Belongs here: fields, kinds, and the questions that billing asks of a policy. Does not belong here:
how a signer's identity is verified, or what happens at a signature (billing).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from orchestration.price_book.field_types import (
    NOT_EMPTY,
    Currency,
    Day,
    Flag,
    FrozenModel,
    Identifier,
    Month,
    Price,
    Text,
    Whole,
)


def _none_for(word: str) -> BeforeValidator:
    """Reads one word as None, so that None stands for "no bound" and cannot be left by accident."""

    def read(given: Any) -> Any:
        if given is None:
            raise PydanticCustomError(
                "wrong_value", "must be {word} or a bound, and is empty", {"word": word}
            )
        return None if given == word else given

    return BeforeValidator(read, json_schema_input_type=Any)


class QuietDay(FrozenModel):
    """A day on which an announced source truly had no usage, and who says so."""

    day: Day
    reason: Text
    author: Text


class UsageSource(FrozenModel):
    """Usage whose `source` starts with the prefix comes from the system; longest prefix wins.

    A source that is expected daily is announced: each of its UTC days, from the first on, has at
    least one accepted event or is a quiet day.
    """

    prefix: Text
    system: Identifier
    expected: Literal["daily", "none"] = "none"
    expected_from: Day | None = Field(None, description="The first UTC day that is announced.")
    expected_to: Day | None = Field(None, description="The first one that is no more; exclusive.")
    grace_hours: Annotated[Whole, Field(ge=0, le=8760)] = Field(
        36, description="How long after a UTC day's end its usage may still be missing."
    )
    quiet_days: tuple[QuietDay, ...] = Field((), description="Announced days without usage.")

    @property
    def is_announced(self) -> bool:
        """Whether a day without usage of this source is an incomplete load."""
        return self.expected == "daily"


class SourcesFile(FrozenModel):
    """sources.yml."""

    sources: Annotated[tuple[UsageSource, ...], NOT_EMPTY]


class Approver(FrozenModel):
    """A person who may sign revisions, of which entities and up to which amount.

    Attributes:
        legal_entities: ids; None, written `all`, is every entity.
        up_to_amount: by currency, the largest sum of |document| in one revision; a currency that
            is not listed may not be signed; None, written `unlimited`, has no bound.
    """

    name: Text
    legal_entities: Annotated[tuple[Text, ...] | None, NOT_EMPTY, _none_for("all")]
    up_to_amount: Annotated[dict[Currency, Price] | None, NOT_EMPTY, _none_for("unlimited")]

    def may_approve(self, legal_entity_id: str, amount_by_currency: Mapping[str, Decimal]) -> bool:
        """Whether a revision of an entity lies within what this person may sign.

        Args:
            legal_entity_id: the revision's entity.
            amount_by_currency: sum of |document| by currency code, in major units.
        """
        if self.legal_entities is not None and legal_entity_id not in self.legal_entities:
            return False
        limits = self.up_to_amount
        return limits is None or all(
            currency in limits and amount <= limits[currency]
            for currency, amount in amount_by_currency.items()
        )


class SignOffPolicy(FrozenModel):
    """Who may sign, and what needs more than a signature.

    Attributes:
        four_eyes: whether the author of something that a revision uses first may not sign it.
        acknowledgement_threshold: by currency, the |document| above which it needs an
            acknowledgement of its own; a currency that is not listed has no threshold. None can
            be given yet, so a signature over such a document is refused.
        accepts_self_declared: whether a signer whose identity was not verified may sign, where the
            installation's settings allow it too.
    """

    approvers: Annotated[tuple[Approver, ...], NOT_EMPTY]
    four_eyes: Flag = True
    acknowledgement_threshold: dict[Currency, Price] = Field(default_factory=dict)
    accepts_self_declared: Flag = False

    def approver(self, name: str) -> Approver | None:
        """The approver of that name, or None: then this person may not sign."""
        return next((approver for approver in self.approvers if approver.name == name), None)


class Corrections(FrozenModel):
    """How far back differences are billed, and what becomes of a credit memo.

    Attributes:
        months_back: a difference of a month that lies further back from the month of the last
            ingestion batch is not billed but shown as out of window; None has no bound.
        credit_memos: offset lets the ERP set a credit memo off against the customer's next
            invoices; pay_out asks it to pay the money back.
    """

    months_back: Annotated[Whole, Field(ge=1, le=1200)] | None = None
    credit_memos: Literal["offset", "pay_out"] = "offset"


class Policy(FrozenModel):
    """policy.yml.

    Attributes:
        smallest_document: by currency, the amount below which a document is not made; what would
            be on it is carried until a later document of the customer takes it along.
        corrections: what is billed of earlier months, and how it is credited.
        accounting_closed_through: by legal entity, the last month that is closed in its books; a
            document of that month or an earlier one is booked on the first day after it.
    """

    sign_off: SignOffPolicy
    smallest_document: dict[Currency, Price] = Field(default_factory=dict)
    corrections: Corrections = Field(default_factory=Corrections)
    accounting_closed_through: dict[Identifier, Month] = Field(default_factory=dict)
