"""Revisions: what was frozen for one legal entity and billing period, and what became of it.

Belongs here: the record of a revision, its content's columns, its state as the manifests tell it.
Does not belong here: making a revision (freeze.py), deciding about it (sign_off.py), rows in the
operations database (derived_rows.py).

A revision's state is a pure function of the register's chain: frozen, until a later freeze of the
same entity and period supersedes it, or a signature or a rejection decides it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Self
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.canonical import canonical_digest, instant_of, table_digest
from orchestration.billing.entries import (
    AMOUNT,
    DIGEST_SUM,
    INSTANT,
    QUANTITY,
    SETTLEMENT_KEY_PARTS,
    column,
    joined,
)
from orchestration.billing.manifests import Head, Manifest
from orchestration.billing.refusals import PeriodInvalidError

CANDIDATE_DOCUMENT_SCHEMA: Final = pa.schema(
    [
        column("document_id", pa.string(), is_nullable=False),
        column("document_kind", pa.string(), is_nullable=False),
        column("legal_entity_id", pa.string(), is_nullable=False),
        column("bill_to_customer_id", pa.string(), is_nullable=False),
        column("currency_code", pa.string(), is_nullable=False),
        column("billing_period", pa.string(), is_nullable=False),
        column("line_count", pa.int64(), is_nullable=False),
        column("amount", AMOUNT, is_nullable=False),
    ]
)

DOCUMENT_SCHEMA: Final = joined(
    CANDIDATE_DOCUMENT_SCHEMA,
    pa.schema([column("posting_key", pa.string(), is_nullable=False)]),
)

LINE_SCHEMA: Final = joined(
    pa.schema(
        [
            column("document_id", pa.string(), is_nullable=False),
            column("line_number", pa.int32(), is_nullable=False),
            column("original_document_id", pa.string()),
            column("settlement_key", pa.string(), is_nullable=False),
        ]
    ),
    SETTLEMENT_KEY_PARTS,
    pa.schema(
        [
            column("rated_line_id", pa.string()),
            column("service_start_date", pa.date32()),
            column("service_end_date", pa.date32()),
            column("service_start_at", INSTANT),
            column("service_end_at", INSTANT),
            column("description", pa.string()),
            column("quantity", QUANTITY),
            column("unit_label", pa.string()),
            column("unit_price_display", pa.string()),
            column("rated_amount", AMOUNT),
            column("billed_amount_before", AMOUNT, is_nullable=False),
            column("amount", AMOUNT, is_nullable=False),
            column("cause", pa.string(), is_nullable=False),
            column("event_count", pa.int64()),
            column("digest_sum_1", DIGEST_SUM),
            column("digest_sum_2", DIGEST_SUM),
            column("credit_grant_id", pa.string()),
        ]
    ),
)

_PERIOD: Final = re.compile(r"^\d{4}-(0[1-9]|1[0-2])$")


@dataclass(frozen=True, kw_only=True)
class Pins:
    """Everything that a revision's content was computed from.

    Attributes:
        tenant_id: the company.
        scope: what was rated completely, as plain data.
        ingestion_batch_ids: the committed batches that the warehouse had taken in, ascending.
        ingestion_sha256: digest of those batches' files, by path, SHA-256 and row count.
        reference_version: price book, contracts, identities.
        policy_sha256: digest of the policy file in that reference version; None without one.
        code_version: package version, and git commit where there is one.
    """

    tenant_id: str
    scope: Mapping[str, Any]
    ingestion_batch_ids: tuple[int, ...]
    ingestion_sha256: str
    reference_version: str
    policy_sha256: str | None
    code_version: str

    def plain(self) -> dict[str, Any]:
        """The pins as JSON."""
        return {
            "tenant_id": self.tenant_id,
            "scope": dict(self.scope),
            "ingestion_batch_ids": list(self.ingestion_batch_ids),
            "ingestion_sha256": self.ingestion_sha256,
            "reference_version": self.reference_version,
            "policy_sha256": self.policy_sha256,
            "code_version": self.code_version,
        }


@dataclass(frozen=True, kw_only=True)
class CurrencyTotal:
    """Documents of one currency: how many, their sum, and the sum of their absolute amounts."""

    currency_code: str
    document_count: int
    amount: Decimal
    absolute_amount: Decimal

    def plain(self) -> dict[str, Any]:
        """The total as JSON; amounts are text."""
        return {
            "currency_code": self.currency_code,
            "document_count": self.document_count,
            "amount": format(self.amount, "f"),
            "absolute_amount": format(self.absolute_amount, "f"),
        }


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A frozen revision of one legal entity and billing period.

    Attributes:
        revision_id: <legal entity>:<period>:r<number>.
        content_sha256: over pins, documents, lines and provenance; equal content, equal digest.
        frozen_at: when, in UTC.
        state: frozen, signed, rejected or superseded.
        folder: where its files are, relative to register/.
        register_head: what the register was when it was frozen.
        totals: by currency, ascending.
        required_checks: checks beyond the invariants that must be green before it is signed.
        documents_sha256, lines_sha256, provenance_sha256: canonical digests of the three tables.
        expiry_count: credit grants of which something expires with it.
        expiries_sha256: canonical digest of what expires; None where nothing does.
        manifest_sha256, register_sequence: the commit that froze it.
    """

    revision_id: str
    legal_entity_id: str
    billing_period: str
    revision_number: int
    content_sha256: str
    frozen_at: datetime
    state: str
    folder: str
    pins: Pins
    register_head: Head
    document_count: int
    line_count: int
    totals: tuple[CurrencyTotal, ...]
    required_checks: tuple[str, ...]
    documents_sha256: str
    lines_sha256: str
    provenance_sha256: str
    expiry_count: int = 0
    expiries_sha256: str | None = None
    manifest_sha256: str = ""
    register_sequence: int = 0

    def content_plain(self) -> dict[str, Any]:
        """What content_sha256 is over.

        Not in it: revision number and posting keys, which follow from it; the register's head and
        the instant, which may differ between two freezes of the same content. What expires is named
        where something does, so that a revision without it has the digest that it always had.
        """
        expiring = {"expiries_sha256": self.expiries_sha256} if self.expiries_sha256 else {}
        return {
            "legal_entity_id": self.legal_entity_id,
            "billing_period": self.billing_period,
            "pins": self.pins.plain(),
            "documents_sha256": self.documents_sha256,
            "lines_sha256": self.lines_sha256,
            "provenance_sha256": self.provenance_sha256,
        } | expiring

    def plain(self) -> dict[str, Any]:
        """The revision as JSON: revision.json, and the subject of the commit that froze it."""
        return {
            "revision_id": self.revision_id,
            "revision_number": self.revision_number,
            "content": self.content_plain(),
            "content_sha256": self.content_sha256,
            "frozen_at": self.frozen_at,
            "folder": self.folder,
            "register_head": {
                "sequence": self.register_head.sequence,
                "manifest_sha256": self.register_head.manifest_sha256,
            },
            "document_count": self.document_count,
            "line_count": self.line_count,
            "expiry_count": self.expiry_count,
            "totals": [total.plain() for total in self.totals],
            "required_checks": list(self.required_checks),
        }

    @classmethod
    def of_manifest(cls, manifest: Manifest) -> Self:
        """The revision that a freeze committed, in the state frozen."""
        plain = manifest.subject
        content = plain["content"]
        pins = dict(content["pins"])
        pins["ingestion_batch_ids"] = tuple(pins["ingestion_batch_ids"])
        return cls(
            revision_id=plain["revision_id"],
            legal_entity_id=content["legal_entity_id"],
            billing_period=content["billing_period"],
            revision_number=plain["revision_number"],
            content_sha256=plain["content_sha256"],
            frozen_at=instant_of(plain["frozen_at"]),
            state="frozen",
            folder=plain["folder"],
            pins=Pins(**pins),
            register_head=Head(**plain["register_head"]),
            document_count=plain["document_count"],
            line_count=plain["line_count"],
            totals=tuple(
                CurrencyTotal(
                    currency_code=total["currency_code"],
                    document_count=total["document_count"],
                    amount=Decimal(total["amount"]),
                    absolute_amount=Decimal(total["absolute_amount"]),
                )
                for total in plain["totals"]
            ),
            required_checks=tuple(plain["required_checks"]),
            documents_sha256=content["documents_sha256"],
            lines_sha256=content["lines_sha256"],
            provenance_sha256=content["provenance_sha256"],
            expiry_count=plain.get("expiry_count", 0),
            expiries_sha256=content.get("expiries_sha256"),
            manifest_sha256=manifest.sha256,
            register_sequence=manifest.sequence,
        )


def expiries_digest(expiries: pa.Table) -> str | None:
    """Canonical digest of what expires with a revision; None where nothing does."""
    return table_digest(expiries) if expiries.num_rows else None


def content_digest(revision: Revision) -> str:
    """SHA-256 over the canonical form of what the revision is."""
    return canonical_digest(revision.content_plain())


def revisions_of(chain: Sequence[Manifest]) -> dict[str, Revision]:
    """Every revision by id, in order of freezing, in the state that the chain tells."""
    revisions: dict[str, Revision] = {}
    for manifest in chain:
        if manifest.kind == "freeze":
            new = Revision.of_manifest(manifest)
            for older in _frozen_beside(revisions, new):
                revisions[older.revision_id] = replace(older, state="superseded")
            revisions[new.revision_id] = new
        elif manifest.kind in ("sign", "reject"):
            revision_id = manifest.subject["revision_id"]
            state = "signed" if manifest.kind == "sign" else "rejected"
            revisions[revision_id] = replace(revisions[revision_id], state=state)
    return revisions


def latest_of(
    revisions: Mapping[str, Revision], legal_entity_id: str, billing_period: str
) -> Revision | None:
    """The revision with the highest number of an entity and period."""
    beside = [
        revision
        for revision in revisions.values()
        if (revision.legal_entity_id, revision.billing_period) == (legal_entity_id, billing_period)
    ]
    return max(beside, key=lambda revision: revision.revision_number, default=None)


def is_closed(revisions: Mapping[str, Revision], legal_entity_id: str, billing_period: str) -> bool:
    """Say whether nothing of a billing period waits for a decision of an entity any more.

    So it is once its last revision is signed. An entity without one had nothing to sign: its
    period is closed once another entity of the company has signed it.
    """
    latest = latest_of(revisions, legal_entity_id, billing_period)
    if latest is not None:
        return latest.state == "signed"
    return any(
        revision.billing_period == billing_period and revision.state == "signed"
        for revision in revisions.values()
    )


def revision_folder(legal_entity_id: str, billing_period: str, revision_number: int) -> str:
    """Where a revision's files are, relative to register/; an odd entity id is percent-encoded."""
    safe = quote(legal_entity_id, safe="").replace(".", "%2E")
    return f"revisions/{safe}/{billing_period}/r{revision_number}"


def totals_of(documents: pa.Table) -> tuple[CurrencyTotal, ...]:
    """Totals by currency of a table with currency_code and amount, ascending by currency."""
    rows = (
        pa.table(
            {
                "currency_code": documents["currency_code"],
                "amount": documents["amount"],
                "absolute_amount": pc.abs(documents["amount"]),
            }
        )
        .group_by("currency_code")
        .aggregate([("amount", "count"), ("amount", "sum"), ("absolute_amount", "sum")])
        .sort_by("currency_code")
    )
    return tuple(
        CurrencyTotal(
            currency_code=row["currency_code"],
            document_count=row["amount_count"],
            amount=row["amount_sum"],
            absolute_amount=row["absolute_amount_sum"],
        )
        for row in rows.to_pylist()
    )


def refuse_invalid_period(billing_period: str) -> None:
    """Let only YYYY-MM pass.

    Raises:
        PeriodInvalidError: it is something else.
    """
    if not _PERIOD.match(billing_period):
        raise PeriodInvalidError(
            f"Read the billing period {billing_period!r}: it is not a month. "
            "Write it as YYYY-MM, for example 2026-10."
        )


def _frozen_beside(revisions: Mapping[str, Revision], new: Revision) -> list[Revision]:
    return [
        older
        for older in revisions.values()
        if older.state == "frozen"
        and (older.legal_entity_id, older.billing_period)
        == (new.legal_entity_id, new.billing_period)
    ]
