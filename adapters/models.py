"""What goes out to an ERP or a CRM and what comes back, in words that no vendor owns.

Belongs here: frozen records with their own arithmetic checks. Amounts are Decimal in the
document's currency, negative where the customer gets money back; days are dates; periods are
half-open. Does not belong here: vendors' field names, which are each mapping's.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from adapters.decimals import decimals_of, exact_sum

DocumentKind = Literal["invoice", "credit_memo"]
CreditSettlement = Literal["offset", "pay_out"]
ErpDocumentStatus = Literal["draft", "posted", "paid", "cancelled"]
FieldValue = str | bool | Decimal | date | None

POSTING_KEY = re.compile(r"[A-Z0-9-]{1,20}")
BILLING_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def _finite(number: Decimal) -> Decimal:
    if not number.is_finite():
        raise ValueError("an amount or a quantity is a finite number")
    return number


ExactNumber = Annotated[Decimal, AfterValidator(_finite)]


class IdempotencyClass(StrEnum):
    """What a system does when the same document is sent twice.

    SERVER_KEY (A): a second create under one key is refused or answered from store.
    ASYNC_JOB (B): work is taken with a key and reported later.
    DRAFT_THEN_POST (C): no key; drafts can be found and deleted, posting is the commit.
    NONE (D): nothing; the engine refuses to post to it.
    """

    SERVER_KEY = "A"
    ASYNC_JOB = "B"
    DRAFT_THEN_POST = "C"
    NONE = "D"


class Record(BaseModel):
    """Frozen; unknown fields are refused, because nobody would look at them."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DocumentLine(Record):
    """One line: its amount is given, never quantity times a price.

    Attributes:
        quantity: in `unit`, up to 9 decimals.
        amount: in the document's currency, in its minor unit.
        service_start_date, service_end_date: [start, end) of the service.
        is_in_tax_base: whether tax is due on it; a draw on purchased credit only lowers what is
            left to pay.
    """

    line_number: int = Field(ge=1)
    item: str = Field(min_length=1)
    revenue_account: str | None = None
    tax_profile: str | None = None
    description: str
    quantity: ExactNumber
    unit: str | None = None
    amount: ExactNumber
    service_start_date: date
    service_end_date: date
    is_in_tax_base: bool = True


class Document(Record):
    """One signed document, complete: what the ERP is to hold once.

    Attributes:
        posting_key: at most 20 characters of [A-Z0-9-], unique for ever.
        customer_id: whom it is billed to.
        billing_period: 'YYYY-MM', the month that is billed.
        document_date: day on which it is booked.
        total_amount: the sum of its lines; negative exactly for a credit memo.
        corrects_document_id: of a credit memo, our id of the document that it corrects.
        credit_settlement: of a credit memo, whether it is offset against what is open or paid out.
        memo: readable provenance, with the digest of the register's manifest.
    """

    posting_key: str
    document_id: str
    document_kind: DocumentKind
    legal_entity_id: str = Field(min_length=1)
    customer_id: str = Field(min_length=1)
    currency_code: str = Field(pattern=r"^[A-Z]{3}$")
    billing_period: str
    document_date: date
    total_amount: ExactNumber
    corrects_document_id: str | None = None
    credit_settlement: CreditSettlement | None = None
    memo: str
    lines: tuple[DocumentLine, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if not POSTING_KEY.fullmatch(self.posting_key):
            raise ValueError(f"posting key {self.posting_key!r} is not 1-20 of [A-Z0-9-]")
        if not BILLING_PERIOD.fullmatch(self.billing_period):
            raise ValueError(f"billing period {self.billing_period!r} is not YYYY-MM")
        if len({line.line_number for line in self.lines}) != len(self.lines):
            raise ValueError("two lines have one line number")
        summed = exact_sum(line.amount for line in self.lines)
        if summed != self.total_amount:
            raise ValueError(f"lines sum to {summed}, the document says {self.total_amount}")
        if (self.document_kind == "credit_memo") != (self.total_amount < 0):
            raise ValueError(f"a {self.document_kind} of {self.total_amount} has the wrong sign")
        return self


class ErpDocument(Record):
    """A document as the ERP holds it, draft or posted, read back by an adapter.

    Attributes:
        erp_document_id: the ERP's own id; ids of one ERP sort in order of creation.
        posting_key: our key as the ERP holds it; None for a document that is not ours.
        document_number: the legal number; None while a draft.
        balance_amount: what is open; None while a draft.
    """

    erp_document_id: str
    posting_key: str | None
    status: ErpDocumentStatus
    document_number: str | None
    document_kind: DocumentKind
    legal_entity_id: str
    customer_id: str
    currency_code: str
    document_date: date
    total_amount: ExactNumber
    balance_amount: ExactNumber | None
    lines: tuple[DocumentLine, ...]
    changed_at: datetime

    @property
    def is_draft(self) -> bool:
        """Whether it can still be deleted; anything else has a number and stays."""
        return self.status == "draft"


class ErpLimits(Record):
    """What one ERP account can hold and bear, as its vendor states it.

    Attributes:
        settle_seconds: after so long the ERP cannot still be working on a call.
        longest_key: characters of the field that holds our key.
        most_lines: lines of one document.
        quantity_decimals: decimals that a line's quantity keeps.
    """

    settle_seconds: float = Field(ge=0)
    longest_key: int = Field(default=20, ge=1)
    most_lines: int = Field(default=10_000, ge=1)
    quantity_decimals: int = Field(default=9, ge=0)

    def problems(self, document: Document) -> tuple[str, ...]:
        """Name what of the document this ERP cannot hold unchanged."""
        found = []
        if len(document.posting_key) > self.longest_key:
            found.append(f"its key is longer than {self.longest_key} characters")
        if len(document.lines) > self.most_lines:
            found.append(f"it has {len(document.lines)} lines, the most is {self.most_lines}")
        found += [
            f"line {line.line_number}'s quantity {line.quantity} needs more than "
            f"{self.quantity_decimals} decimals"
            for line in document.lines
            if decimals_of(line.quantity) > self.quantity_decimals
        ]
        return tuple(found)


class ErpCustomer(Record):
    """A customer as an ERP knows it."""

    customer_id: str
    customer_name: str
    erp_customer_number: str | None = None


class ErpLegalEntity(Record):
    """A legal entity with books of its own."""

    legal_entity_id: str
    legal_entity_name: str


class ErpCurrency(Record):
    """A currency in which an ERP keeps amounts, with its ISO 4217 minor unit."""

    currency_code: str
    minor_unit: int


class ErpMasters(Record):
    """Master data that an ERP must know before it takes a document."""

    legal_entities: tuple[ErpLegalEntity, ...]
    customers: tuple[ErpCustomer, ...]
    items: tuple[str, ...]
    currencies: tuple[ErpCurrency, ...]


class CrmRecord(Record):
    """Fields of one CRM object, found by our external id; what is not named stays as it is."""

    object_name: str = Field(min_length=1)
    external_id: str = Field(min_length=1, max_length=255)
    fields: dict[str, FieldValue]


class CrmAcknowledgement(Record):
    """What the CRM did with one record of a call.

    Attributes:
        error_code, error_detail: set when it refused this record; the others stand.
    """

    object_name: str
    external_id: str
    error_code: str | None = None
    error_detail: str | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the CRM now holds what was sent."""
        return self.error_code is None
