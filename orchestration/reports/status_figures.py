"""The figures of a status as records, and as a JSON document.

Belongs here: what each figure means, as of when it is, how it is written for a program. Does not
belong here: reading it (status.py); tables and words for people (tables.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from orchestration.billing.acknowledgements import NeededAcknowledgement
from orchestration.exceptions.risk import AtRisk
from orchestration.price_book.currencies import amount_text
from orchestration.quality.conservation import ConservationFigure
from orchestration.reports.expired_credit import ExpiredFigures


@dataclass(frozen=True)
class UsageFigures:
    """What came in: lines of all files, and what became of the accepted events.

    Attributes:
        files_refused: files of which some content was refused, however often it was tried.
        events_in_marts: accepted events when the marts were built that are published;
            None before the first publication.
        exact_repeats, conflicting, dropped: those that are not unique; dropped by a decision.
        retracted: unique ones that a decision withdrew.
        rejects_by_code: lines that stand rejected, most frequent first.
    """

    files_loaded: int
    files_refused: int
    lines_read: int
    lines_accepted: int
    lines_rejected: int
    events_in_marts: int | None = None
    exact_repeats: int | None = None
    conflicting: int | None = None
    dropped: int | None = None
    retracted: int | None = None
    rejects_by_code: Mapping[str, int] = field(default_factory=dict)

    @property
    def unique(self) -> int | None:
        """Events of one content each, retracted ones included, as of the instant of the marts."""
        if self.events_in_marts is None:
            return None
        apart = (self.exact_repeats, self.conflicting, self.dropped)
        return self.events_in_marts - sum(count or 0 for count in apart)


@dataclass(frozen=True)
class RevisionFigures:
    """One frozen revision, and how far its documents are.

    Attributes:
        amounts: by currency, as the revision was frozen.
        postings_by_state: documents by the state of their posting; empty before a signature.
        to_acknowledge: of a frozen one, documents that a signature must acknowledge one by one.
    """

    revision_id: str
    legal_entity_id: str
    billing_period: str
    state: str
    document_count: int
    amounts: Mapping[str, Decimal]
    frozen_at: datetime
    signer: str | None
    signed_at: datetime | None
    postings_by_state: Mapping[str, int]
    to_acknowledge: Sequence[NeededAcknowledgement] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the revision, its amounts with their currency's decimals."""
        amounts = {code: amount_text(amount, code) for code, amount in self.amounts.items()}
        return asdict(self) | {
            "amounts": amounts,
            "to_acknowledge": [each.plain() for each in self.to_acknowledge],
        }


@dataclass(frozen=True)
class CurrencyFigures:
    """Sums of one currency over everything.

    Attributes:
        signed: documents that finance signed, as the register says, whether or not their posting
            is planned; a held document is not among them. posted: those that are in the ERP.
        due: candidates that wait for a signature.
        at_risk: exceptions whose amount a price tells, waived ones among them.
    """

    currency_code: str
    documents_signed: int
    signed: Decimal
    documents_posted: int
    posted: Decimal
    due: Decimal
    at_risk: Decimal

    def as_json(self) -> dict[str, Any]:
        """Return the sums with their currency's decimals."""
        return _with_amounts(self, self.currency_code, "signed", "posted", "due", "at_risk")


@dataclass(frozen=True)
class MoneyFigures:
    """Sums of one legal entity, billing period and currency.

    Attributes:
        rated: what the rating says: billed before, due, or not due yet. Nothing held is in it.
        due: candidates that wait for a signature.
        not_due_yet: of what is rated, charges whose time to be invoiced has not come.
        held: what held charges would come to, as far as it can be computed.
    """

    legal_entity_id: str
    billing_period: str
    currency_code: str
    rated: Decimal
    due: Decimal
    documents_due: int
    not_due_yet: Decimal
    held: Decimal

    def as_json(self) -> dict[str, Any]:
        """Return the sums with their currency's decimals."""
        return _with_amounts(self, self.currency_code, "rated", "due", "not_due_yet", "held")


@dataclass(frozen=True)
class ExceptionFigures:
    """Open exceptions of one code, kind of object and currency.

    Attributes:
        object_kind: what each exception is about; a settlement_key is a charge that is held.
        amount_at_risk: None where no price tells it.
        overdue_count: of them, those older than the limit of their code or steward.
    """

    exception_code: str
    object_kind: str
    steward: str
    exception_count: int
    event_count: int
    amount_at_risk: Decimal | None
    currency_code: str | None
    what_to_do: str
    overdue_count: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the exceptions, their amount with its currency's decimals."""
        return _with_amounts(self, self.currency_code or "", "amount_at_risk")


@dataclass(frozen=True)
class InstallationStatus:
    """Everything that `status` shows.

    Files, lines, rejected lines, revisions, signatures, expired credit and postings are as of now.
    Exceptions and at_risk are as of the last build, waivers and ages among them as of now. What the
    marts say is as of published_at: which events are not unique or are retracted, due, money and
    conservation. A run that ends red publishes nothing.

    Attributes:
        expired: credit that expired by a signature, over all billing periods.
        at_risk: unbilled value at risk per billing period and currency, waived value apart.
        published_copy: folder name of the published copy; None before the first publication.
        published_at: when it was published, in UTC; None before the first publication.
    """

    data_dir: str
    usage: UsageFigures
    currencies: Sequence[CurrencyFigures]
    money: Sequence[MoneyFigures]
    revisions: Sequence[RevisionFigures]
    exceptions: Sequence[ExceptionFigures]
    at_risk: Sequence[AtRisk]
    conservation: Sequence[ConservationFigure]
    signals_pushed: int
    published_copy: str | None
    published_at: datetime | None
    expired: Sequence[ExpiredFigures] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the status as a JSON document: amounts have their currency's decimals."""
        return asdict(self) | {
            "usage": asdict(self.usage) | {"unique": self.usage.unique},
            "currencies": [row.as_json() for row in self.currencies],
            "money": [row.as_json() for row in self.money],
            "revisions": [row.as_json() for row in self.revisions],
            "exceptions": [row.as_json() for row in self.exceptions],
            "at_risk": [row.as_json() for row in self.at_risk],
            "conservation": [_conservation(figure) for figure in self.conservation],
            "expired": [row.as_json() for row in self.expired],
        }


def _with_amounts(
    row: CurrencyFigures | MoneyFigures | ExceptionFigures, currency_code: str, *names: str
) -> dict[str, Any]:
    plain = asdict(row)
    for name in names:
        if plain[name] is not None:
            plain[name] = amount_text(plain[name], currency_code)
    return plain


def _conservation(figure: ConservationFigure) -> dict[str, Any]:
    """A check; the sides of one in a currency are amounts, all others quantities or counts."""
    sides = []
    for side in figure.sides:
        plain = asdict(side)
        if side.is_amount:
            for name in ("left_figure", "right_figure", "difference"):
                plain[name] = amount_text(plain[name], side.unit)
        sides.append(plain)
    return asdict(figure) | {"sides": sides}
