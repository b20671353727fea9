"""Which documents of a revision need an acknowledgement of their own, and why.

Belongs here: the five reasons, computed from a revision and the register alone. Does not belong
here: which reasons a company asks for (price_book/policy.py), the refusal of a signature without
one (sign_off_rules.py).

Amounts are what a document charges before credits pay of it. A customer's month is all that is
billed to one bill-to customer for one billing period by one legal entity in one currency:
corrections count, credits do not.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.correction_causes import (
    UNEXPLAINED,
    causes_of_revision,
    corrections_in,
    unexplained_by_document,
)
from orchestration.billing.entries import BILLED_KINDS
from orchestration.billing.manifests import Manifest
from orchestration.billing.policies import pinned_policy
from orchestration.billing.revisions import DOCUMENT_SCHEMA, LINE_SCHEMA, Revision
from orchestration.billing.signed_rows import completed, read_entries, read_revision
from orchestration.price_book.currencies import money_text
from orchestration.price_book.policy import AcknowledgementPolicy, SignOffPolicy
from orchestration.settings import Settings

TRAILING_MONTHS: Final = 3
_DIGITS: Final = 60  # sums and products of amounts of 38 digits stay exact

_UNEXPLAINED_WORDS: Final[Mapping[str | None, str]] = {
    None: "whose causes are not told",
    "engine_version": "for another version of the program",
    UNEXPLAINED: "for no known cause",
}

_Customer: TypeAlias = tuple[str, str]
"""A bill-to customer in a currency."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a document needs an acknowledgement.

    Attributes:
        code: threshold, variance, first_invoice, negative_document or unexplained_correction.
        text: the same in words, with its figures.
    """

    code: str
    text: str


@dataclass(frozen=True, kw_only=True)
class NeededAcknowledgement:
    """A document that needs an acknowledgement.

    Attributes:
        amount: what it charges before credits, in major units.
        reasons: at least one.
    """

    document_id: str
    bill_to_customer_id: str
    currency_code: str
    amount: Decimal
    reasons: tuple[Reason, ...]

    def text(self) -> str:
        """The document with its amount and its reasons."""
        amount = money_text(self.amount, self.currency_code)
        why = "; ".join(reason.text for reason in self.reasons)
        return f"{self.document_id} ({self.currency_code} {amount}: {why})"

    def plain(self) -> dict[str, Any]:
        """The document as JSON; the amount is text."""
        return {
            "document_id": self.document_id,
            "bill_to_customer_id": self.bill_to_customer_id,
            "currency_code": self.currency_code,
            "amount": format(self.amount, "f"),
            "reasons": [vars(reason) for reason in self.reasons],
        }


def needed_acknowledgements(
    policy: AcknowledgementPolicy,
    documents: pa.Table,
    lines: pa.Table,
    entries: pa.Table,
    causes: pa.Table,
) -> tuple[NeededAcknowledgement, ...]:
    """Find the documents that a signature must acknowledge one by one, by document id.

    Args:
        policy: of the reference version that the revision pinned.
        documents: DOCUMENT_SCHEMA rows of one legal entity that the signature would bill.
        lines: LINE_SCHEMA rows of the revision.
        entries: REGISTER_ENTRY_SCHEMA, all that was signed before.
        causes: CAUSE_SCHEMA, why lines of the revision correct what was signed.
    """
    with localcontext(prec=_DIGITS):
        return tuple(_needed(policy, documents, lines, entries, causes))


def _needed(
    policy: AcknowledgementPolicy,
    documents: pa.Table,
    lines: pa.Table,
    entries: pa.Table,
    causes: pa.Table,
) -> Iterator[NeededAcknowledgement]:
    rows = before_credits(documents, lines).to_pylist()
    net: dict[Any, Any] = dict(
        zip(documents["document_id"].to_pylist(), documents["amount"].to_pylist(), strict=True)
    )
    history = _History.of(entries, rows)
    unexplained = unexplained_by_document(corrections_in(lines), causes)
    for row in sorted(rows, key=lambda each: str(each["document_id"])):
        found = (
            _above_threshold(policy, row),
            _beyond_variance(policy, row, history),
            _first_invoice(policy, row, history),
            _below_zero(policy, row, net[row["document_id"]]),
            _unexplained(policy, row, unexplained.get(row["document_id"], {})),
        )
        reasons = tuple(reason for reason in found if reason is not None)
        if reasons:
            yield NeededAcknowledgement(
                document_id=row["document_id"],
                bill_to_customer_id=row["bill_to_customer_id"],
                currency_code=row["currency_code"],
                amount=row["amount"],
                reasons=reasons,
            )


def acknowledgements_of(
    settings: Settings,
    chain: Sequence[Manifest],
    revision: Revision,
    *,
    policy_source: Callable[[Settings, str], SignOffPolicy] = pinned_policy,
) -> tuple[NeededAcknowledgement, ...]:
    """Find what a signature of a frozen revision must acknowledge, as the register stands.

    Raises:
        PolicyMissingError: the pinned reference version has no policy.
        RegisterDamagedError: a committed file is missing or changed.
    """
    policy = policy_source(settings, revision.pins.reference_version).acknowledged_documents
    if policy == AcknowledgementPolicy(unexplained_correction=False):
        return ()
    documents, lines = (
        completed(
            read_revision(settings.register, chain, revision, role=role, schema=schema), schema
        )
        for role, schema in (("documents", DOCUMENT_SCHEMA), ("lines", LINE_SCHEMA))
    )
    return needed_acknowledgements(
        policy,
        documents,
        lines,
        read_entries(settings.register, chain),
        causes_of_revision(settings.register, chain, revision.revision_id),
    )


def acknowledged(
    acknowledgements: Mapping[str, str], needed: Sequence[NeededAcknowledgement]
) -> list[dict[str, Any]]:
    """What was acknowledged as plain data: document, note, reasons for which it was asked.

    Args:
        acknowledgements: notes by document id; of documents that need none, too.
        needed: what the policy asks for.
    """
    reasons = {each.document_id: [reason.code for reason in each.reasons] for each in needed}
    return [
        {"document_id": document_id, "note": note, "reasons": reasons.get(document_id, [])}
        for document_id, note in sorted(acknowledgements.items())
    ]


def before_credits(documents: pa.Table, lines: pa.Table) -> pa.Table:
    """The documents with what they charge, whatever credits pay of it."""
    drawn = (
        lines.filter(pc.is_valid(lines["credit_grant_id"]))
        .group_by("document_id")
        .aggregate([("amount", "sum")])
    )
    by_document: dict[Any, Any] = dict(
        zip(drawn["document_id"].to_pylist(), drawn["amount_sum"].to_pylist(), strict=True)
    )
    rows = [
        row | {"amount": row["amount"] - by_document.get(row["document_id"], 0)}
        for row in documents.to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=documents.schema)


@dataclass(frozen=True, kw_only=True)
class _History:
    """What customers were billed, and what they would be with the revision.

    Attributes:
        invoiced: bill-to customers with a signed bill of the legal entity.
        signed: by customer and currency, the sum of each month that has signed entries.
        coming: likewise with the documents of the revision, only of their own months.
    """

    invoiced: frozenset[str]
    signed: Mapping[_Customer, Mapping[str, Decimal]]
    coming: Mapping[_Customer, Mapping[str, Decimal]]

    @classmethod
    def of(cls, entries: pa.Table, documents: Sequence[Mapping[str, Any]]) -> "_History":
        """Sum the entries of the documents' legal entity by customer, currency and month."""
        entities = {row["legal_entity_id"] for row in documents}
        mine = [
            entry
            for entry in entries.select(
                [
                    *("entry_kind", "legal_entity_id", "bill_to_customer_id"),
                    *("currency_code", "billing_period", "amount"),
                ]
            )
            .filter(pc.is_in(entries["legal_entity_id"], value_set=pa.array(entities, pa.string())))
            .to_pylist()
            if entry["entry_kind"] in BILLED_KINDS
        ]
        signed = _months(mine)
        coming: dict[_Customer, dict[str, Decimal]] = _months(documents)
        for customer, months in coming.items():
            for month in months:
                months[month] += signed.get(customer, {}).get(month, Decimal(0))
        return cls(
            invoiced=frozenset(
                entry["bill_to_customer_id"] for entry in mine if entry["entry_kind"] == "bill"
            ),
            signed=signed,
            coming=coming,
        )


def _months(rows: Iterable[Mapping[str, Any]]) -> dict[_Customer, dict[str, Decimal]]:
    months: dict[_Customer, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows:
        if row["bill_to_customer_id"] and row["billing_period"]:
            customer = (row["bill_to_customer_id"], row["currency_code"])
            months[customer][row["billing_period"]] += row["amount"]
    return {customer: dict(sums) for customer, sums in months.items()}


def _above_threshold(policy: AcknowledgementPolicy, row: Mapping[str, Any]) -> Reason | None:
    currency = row["currency_code"]
    threshold = policy.threshold.get(currency)
    if threshold is None or abs(row["amount"]) <= threshold:
        return None
    return Reason(code="threshold", text=f"above the threshold {money_text(threshold, currency)}")


def _beyond_variance(
    policy: AcknowledgementPolicy, row: Mapping[str, Any], history: _History
) -> Reason | None:
    """Compare sums, not means, so that nothing is divided before it is decided."""
    if policy.variance_percent is None:
        return None
    currency, month = row["currency_code"], row["billing_period"]
    customer = (row["bill_to_customer_id"], currency)
    signed = history.signed.get(customer, {})
    trailing = sorted(each for each in signed if each < month)[-TRAILING_MONTHS:]
    if not trailing:
        return None
    count = len(trailing)
    total = sum((signed[each] for each in trailing), Decimal(0))
    coming = history.coming[customer][month]
    distance = abs(coming * count - total)
    minimum = policy.variance_minimum.get(currency, Decimal(0))
    if distance * 100 <= policy.variance_percent * abs(total) or distance <= minimum * count:
        return None
    mean = total / count
    return Reason(
        code="variance",
        text=(
            f"{month} comes to {_rounded(coming, currency)}, {_percent(coming - mean, mean)} the "
            f"mean {_rounded(mean, currency)} of {', '.join(trailing)}"
        ),
    )


def _first_invoice(
    policy: AcknowledgementPolicy, row: Mapping[str, Any], history: _History
) -> Reason | None:
    is_first = row["bill_to_customer_id"] not in history.invoiced
    if policy.first_invoice and is_first and row["document_kind"] == "invoice":
        return Reason(code="first_invoice", text="the first invoice of the customer")
    return None


def _below_zero(
    policy: AcknowledgementPolicy, row: Mapping[str, Any], net: Decimal
) -> Reason | None:
    if policy.negative_document and min(row["amount"], net) < 0:
        return Reason(code="negative_document", text="below zero")
    return None


def _unexplained(
    policy: AcknowledgementPolicy, row: Mapping[str, Any], found: Mapping[str | None, Decimal]
) -> Reason | None:
    if not policy.unexplained_correction or not found:
        return None
    currency = row["currency_code"]
    parts = [
        f"{money_text(amount, currency)} {_UNEXPLAINED_WORDS[cause]}"
        for cause, amount in sorted(found.items(), key=lambda each: each[0] or "")
    ]
    return Reason(code="unexplained_correction", text=f"corrects {', '.join(parts)}")


def _rounded(amount: Decimal, currency_code: str) -> str:
    """An amount for people: a mean may have more digits than the currency."""
    return money_text(amount.quantize(Decimal("0.01"), ROUND_HALF_UP), currency_code)


def _percent(difference: Decimal, mean: Decimal) -> str:
    if not mean:
        return "other than"
    share = (abs(difference) * 100 / abs(mean)).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{share} % {'above' if difference > 0 else 'below'}"
