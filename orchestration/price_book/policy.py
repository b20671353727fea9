"""What sources.yml and policy.yml may say: where usage comes from, who may sign or waive what.

Belongs here: fields, kinds, and the questions that billing asks of a policy. Does not belong here:
how a signer's identity is verified, or what happens at a signature (billing).
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from orchestration.price_book.exception_codes import EXCEPTION_CODES, STEWARDS
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


EVENTS_MEASURE: Final = "events"


def _landing_folder(given: str) -> str:
    path = PurePosixPath(given)
    taken = path.parts[0] if path.parts else ""
    if path.is_absolute() or ".." in path.parts or taken in ("", "usage", "reference"):
        raise PydanticCustomError(
            "wrong_value",
            "must be a folder under landing/ other than usage and reference, such as "
            "totals/gateway, and is '{shown}'",
            {"shown": given},
        )
    return path.as_posix()


class ControlTotals(FrozenModel):
    """What a source says that it sent, for each UTC day and measure, and when that must agree.

    A measure is `events`, or the id of a meter whose quantity is the sum of its events'. Each
    distinct id of an event counts once, however often it is sent.
    """

    expected: Literal["daily", "none"] = "none"
    expected_from: Day | None = Field(None, description="The first UTC day with a total.")
    expected_to: Day | None = Field(None, description="The first one without; exclusive.")
    grace_hours: Annotated[Whole, Field(ge=0, le=8760)] = Field(
        36, description="How long after a UTC day's end its total may be missing or not agree."
    )
    measures: Annotated[tuple[Identifier, ...], NOT_EMPTY] = (EVENTS_MEASURE,)
    folder: Annotated[Text, AfterValidator(_landing_folder)] | None = Field(
        None, description="Folder under landing/ in which a run finds files of totals."
    )


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
    control_totals: ControlTotals | None = None

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


class AcknowledgementPolicy(FrozenModel):
    """Which documents of a revision need an acknowledgement of their own, beside the signature.

    Amounts are what a document charges before credits, in major units by currency. Everything
    but the last is off unless it is given.

    Attributes:
        threshold: the |document| above which it needs one; a currency that is not listed has none.
        variance_percent: how far, in percent, a customer's month may lie from the mean of the
            trailing three signed months; beyond it, its documents need one.
        variance_minimum: a variance up to this amount needs none, whatever its percentage; a
            currency that is not listed has no such minimum.
        first_invoice: whether a customer's first documents need one.
        negative_document: whether a document below zero needs one.
        unexplained_correction: whether a document needs one that corrects something by a cause that
            nobody outside brought about, such as another version of the program, or whose causes
            are not told. This one is on unless it is switched off.
    """

    threshold: dict[Currency, Price] = Field(default_factory=dict)
    variance_percent: Price | None = None
    variance_minimum: dict[Currency, Price] = Field(default_factory=dict)
    first_invoice: Flag = False
    negative_document: Flag = False
    unexplained_correction: Flag = True

    @model_validator(mode="after")
    def _minimum_has_a_variance(self) -> Self:
        if self.variance_minimum and self.variance_percent is None:
            raise PydanticCustomError(
                "wrong_value", "has a variance_minimum, and no variance_percent that it bounds"
            )
        return self


class SignOffPolicy(FrozenModel):
    """Who may sign, and what needs more than a signature.

    Attributes:
        four_eyes: whether the author of something that a revision uses first may not sign it.
        acknowledgements: which documents need an acknowledgement of their own.
        acknowledgement_threshold: the older place of acknowledgements.threshold; it counts as long
            as the newer one is not given.
        accepts_self_declared: whether a signer whose identity was not verified may sign, where the
            installation's settings allow it too.
    """

    approvers: Annotated[tuple[Approver, ...], NOT_EMPTY]
    four_eyes: Flag = True
    acknowledgements: AcknowledgementPolicy = AcknowledgementPolicy()
    acknowledgement_threshold: dict[Currency, Price] = Field(default_factory=dict)
    accepts_self_declared: Flag = False

    @model_validator(mode="after")
    def _one_place_of_the_threshold(self) -> Self:
        if self.acknowledgement_threshold and self.acknowledgements.threshold:
            raise PydanticCustomError(
                "wrong_value",
                "has the threshold twice: keep acknowledgements.threshold, and take "
                "acknowledgement_threshold out",
            )
        return self

    @property
    def acknowledged_documents(self) -> AcknowledgementPolicy:
        """Which documents need an acknowledgement, wherever the file says the threshold."""
        if not self.acknowledgement_threshold:
            return self.acknowledgements
        return self.acknowledgements.model_copy(
            update={"threshold": self.acknowledgement_threshold}
        )

    def approver(self, name: str) -> Approver | None:
        """The approver of that name, or None: then this person may not sign."""
        return next((approver for approver in self.approvers if approver.name == name), None)


Cause = Literal[
    "not_billed_then",
    "repaired_rejects",
    "retractions_and_resolved_conflicts",
    "late_usage",
    "identity",
    "contract",
    "price",
]
"""Why a signed month may come to something else, as fct_rerating_diff names it."""


class Corrections(FrozenModel):
    """How far back differences are billed, and what becomes of a credit memo.

    Attributes:
        months_back: a difference of a month that lies further back from the month of the last
            ingestion batch is not billed but shown as out of window; None has no bound.
        credit_memos: offset lets the ERP set a credit memo off against the customer's next
            invoices; pay_out asks it to pay the money back.
        estimates: causes by which a correction trues up an estimate; by any other it mends an
            error.
    """

    months_back: Annotated[Whole, Field(ge=1, le=1200)] | None = None
    credit_memos: Literal["offset", "pay_out"] = "offset"
    estimates: tuple[Cause, ...] = ("late_usage", "not_billed_then")


DEFAULT_LIMIT: Final = "default"
_LIMITED: Final = frozenset((DEFAULT_LIMIT, *STEWARDS, *EXCEPTION_CODES))


def _limited(name: str) -> str:
    if name not in _LIMITED:
        raise PydanticCustomError(
            "wrong_value",
            "names '{shown}', which is no exception code, no steward ({stewards}) and not default",
            {"shown": name, "stewards": ", ".join(STEWARDS)},
        )
    return name


class ExceptionPolicy(FrozenModel):
    """How long an exception may stay open, and how long it may be waived.

    Attributes:
        age_limits_days: by exception code, steward or `default`; the code wins over the steward,
            and both win over the default. An older exception is overdue.
        longest_waiver_days: the last day of a waiver is at most this many days away.
    """

    age_limits_days: dict[
        Annotated[Text, AfterValidator(_limited)], Annotated[Whole, Field(ge=0, le=3650)]
    ] = Field(default_factory=dict)
    longest_waiver_days: Annotated[Whole, Field(ge=1, le=3650)] = 92

    def age_limit_days(self, exception_code: str, steward: str) -> int:
        """Days after which an exception is overdue; 31 where nothing is said."""
        limits = self.limits()
        return limits.get(exception_code, limits.get(steward, limits[DEFAULT_LIMIT]))

    def limits(self) -> dict[str, int]:
        """Every limit by what it is for, the default included."""
        return {DEFAULT_LIMIT: 31} | self.age_limits_days


class Policy(FrozenModel):
    """policy.yml.

    Attributes:
        smallest_document: by currency, the amount below which a document is not made; what would
            be on it is carried until a later document of the customer takes it along.
        corrections: what is billed of earlier months, and how it is credited.
        accounting_closed_through: by legal entity, the last month that is closed in its books; a
            document of that month or an earlier one is booked on the first day after it.
        exceptions: how long exceptions may stay open or waived.
    """

    sign_off: SignOffPolicy
    smallest_document: dict[Currency, Price] = Field(default_factory=dict)
    corrections: Corrections = Field(default_factory=Corrections)
    accounting_closed_through: dict[Identifier, Month] = Field(default_factory=dict)
    exceptions: ExceptionPolicy = ExceptionPolicy()
