"""What a file of records may say: its fields and kinds.

Belongs here: the form of each record. Does not belong here: whether what it names is there
(credits.py, releases.py, closures.py).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from orchestration.price_book.field_types import (
    Currency,
    FrozenModel,
    Identifier,
    Month,
    SignedAmount,
    Text,
    Whole,
)


class CreditedLine(FrozenModel):
    """What of a credit belongs to one line of the document."""

    line: Annotated[Whole, Field(ge=1)]
    amount: SignedAmount


class HandMadeCredit(FrozenModel):
    """A credit that was made by hand in the ERP, and which lines it is of.

    Attributes:
        kind: external changes what was billed, so that a re-rating counts with it; concession is
            goodwill, which a re-rating never bills back.
        document: id or posting key of the document that it credits.
        amount: negative for a credit. Without `lines` it is spread over what stands of the
            document's lines, to the cent.
        erp_document: its number in the ERP.
    """

    kind: Literal["external", "concession"]
    id: Identifier
    document: Text
    amount: SignedAmount
    lines: tuple[CreditedLine, ...] = ()
    erp_document: Text
    reason: Text

    @model_validator(mode="after")
    def _lines_add_up(self) -> Self:
        if self.kind == "concession" and self.amount >= 0:
            raise PydanticCustomError("wrong_value", "amount must be negative: goodwill is given")
        if not self.amount:
            raise PydanticCustomError("wrong_value", "amount must not be zero")
        found = sum((each.amount for each in self.lines), Decimal(0))
        if self.lines and found != self.amount:
            raise PydanticCustomError(
                "wrong_value",
                "lines add up to {found}, and amount is {amount}",
                {"found": f"{found:f}", "amount": f"{self.amount:f}"},
            )
        return self


class Release(FrozenModel):
    """A signed document that is not, or no longer, in the ERP: its lines may be billed again.

    Attributes:
        document: id or posting key.
        amount: of the document, as its signature has it, so that nobody releases another one.
    """

    kind: Literal["release"]
    id: Identifier
    document: Text
    amount: SignedAmount
    reason: Text


class Closure(FrozenModel):
    """What is not billed, and is not to be billed: it leaves its bucket.

    Attributes:
        kind: waive, of a candidate document or of what is out of window; carry_close, of what is
            carried as too small for a document.
        document: id of the candidate document, as the frozen revision shows it; for waive only.
        customer: who would be invoiced; instead of a document.
        period: billing period; without it every one. For a customer only.
        amount: what all of it comes to, negative where it is not credited.
    """

    kind: Literal["waive", "carry_close"]
    id: Identifier
    document: Text | None = None
    customer: Identifier | None = None
    period: Month | None = None
    currency: Currency
    amount: SignedAmount
    reason: Text

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if (self.document is None) == (self.customer is None):
            raise PydanticCustomError("wrong_value", "names either a document or a customer")
        if self.document is not None and self.kind == "carry_close":
            raise PydanticCustomError("wrong_value", "what is carried is on no document")
        if self.document is not None and self.period is not None:
            raise PydanticCustomError("wrong_value", "period goes with a customer")
        return self


class EventRecord(FrozenModel):
    """What a steward decides about one event.

    Attributes:
        kind: pick one of several contents, drop all of them, retract an event that was valid and
            wrong, or restore what a decision took away.
        source, event: the event's source and id.
        content: digest of the content to pick, as fct_conflicting_events shows it.
    """

    kind: Literal["pick", "drop", "retract", "restore"]
    id: Identifier
    source: Text
    event: Text
    content: Text | None = None
    reason: Text

    @model_validator(mode="after")
    def _picks_a_content(self) -> Self:
        if (self.kind == "pick") != (self.content is not None):
            raise PydanticCustomError("wrong_value", "content is for a pick, which needs it")
        return self


Record = HandMadeCredit | Release | Closure | EventRecord
EntryRecord = HandMadeCredit | Release | Closure
RECORD_MODELS: Final[dict[str, type[Record]]] = {
    "pick": EventRecord,
    "drop": EventRecord,
    "retract": EventRecord,
    "restore": EventRecord,
    "external": HandMadeCredit,
    "concession": HandMadeCredit,
    "release": Release,
    "waive": Closure,
    "carry_close": Closure,
}


class RecordOfNoKind(FrozenModel):
    """Read where a record names no known kind, for its message."""

    model_config = ConfigDict(extra="ignore")

    kind: Literal[
        "external",
        "concession",
        "release",
        "waive",
        "carry_close",
        "pick",
        "drop",
        "retract",
        "restore",
    ]


class RecordsHead(FrozenModel):
    """A file of records without its records, which are read one by one.

    Attributes:
        author: who wrote it; with four eyes, somebody else signs it.
    """

    author: Text


@dataclass(frozen=True, kw_only=True)
class RecordsFile:
    """A file of records, reviewed and signed as a whole.

    Attributes:
        name: of the file. sha256: of its bytes. author: who wrote it. records: in their order.
    """

    name: str
    sha256: str
    author: str
    records: tuple[Record, ...]

    @property
    def event_records(self) -> tuple[EventRecord, ...]:
        """Decisions on events; a file holds them or others, never both."""
        return tuple(record for record in self.records if isinstance(record, EventRecord))

    @property
    def entry_records(self) -> tuple[EntryRecord, ...]:
        """Records that become entries."""
        return tuple(record for record in self.records if not isinstance(record, EventRecord))
