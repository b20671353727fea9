"""A small company with a signed register, an operations database and a sandbox ERP.

Shared by the posting tests: conftest.py files load it by path, poster_process.py imports it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from adapters.models import ErpCurrency, ErpCustomer, ErpDocument, ErpLegalEntity, ErpMasters
from adapters.registry import erp_adapter
from adapters.sandbox.erp import SandboxErp
from adapters.sandbox.faults import NO_FAULTS, FaultPlan
from orchestration.billing.entries import ENTRY_SCHEMA
from orchestration.billing.posting import (
    PostingSummary,
    plan_postings,
    post_pending,
    read_back,
)
from orchestration.billing.register import Register
from orchestration.operations_db import open_operations
from orchestration.operations_db.tables import posting_attempts, postings
from orchestration.settings import Settings

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MASTERS = ErpMasters(
    legal_entities=(
        ErpLegalEntity(legal_entity_id="us", legal_entity_name="US Inc"),
        ErpLegalEntity(legal_entity_id="jp", legal_entity_name="JP KK"),
    ),
    customers=tuple(
        ErpCustomer(customer_id=name, customer_name=name) for name in ("acme", "globex", "initech")
    ),
    items=("TOKENS", "SEATS"),
    currencies=(
        ErpCurrency(currency_code="USD", minor_unit=2),
        ErpCurrency(currency_code="JPY", minor_unit=0),
        ErpCurrency(currency_code="KWD", minor_unit=3),
    ),
)


@dataclass
class Clock:
    """The instant that everything in a test agrees on; each look at it takes a millisecond."""

    instant: datetime = START

    def now(self) -> datetime:
        self.instant += timedelta(milliseconds=1)
        return self.instant

    def advance(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


@dataclass(frozen=True)
class SignedDocument:
    """One document to sign: its lines are (item, quantity, amount)."""

    posting_key: str
    lines: Sequence[tuple[str | None, str, str]]
    customer_id: str = "acme"
    legal_entity_id: str = "us"
    currency_code: str = "USD"
    billing_period: str = "2026-10"

    @property
    def amount(self) -> Decimal:
        return sum((Decimal(amount) for _, _, amount in self.lines), Decimal(0))


def entry_rows(document: SignedDocument, first_number: int) -> list[dict[str, object]]:
    is_credit = document.amount < 0
    return [
        {
            "entry_number": first_number + position,
            "entry_kind": "correct" if is_credit else "bill",
            "settlement_key": f"{document.posting_key}/{position}",
            "contract_lineage_id": "contract-1",
            "charge_id": f"charge-{position}",
            "line_kind": "usage",
            "cell_start_date": date(2026, 10, 1),
            "cell_end_date": date(2026, 11, 1),
            "service_start_date": date(2026, 10, 1),
            "service_end_date": date(2026, 11, 1),
            "customer_id": document.customer_id,
            "bill_to_customer_id": document.customer_id,
            "legal_entity_id": document.legal_entity_id,
            "currency_code": document.currency_code,
            "erp_item": item,
            "revenue_account": "4000",
            "document_id": f"doc-{document.posting_key}",
            "document_kind": "credit_memo" if is_credit else "invoice",
            "posting_key": document.posting_key,
            "line_number": position + 1,
            "billing_period": document.billing_period,
            "description": f"Usage of {item}",
            "quantity": Decimal(quantity).quantize(Decimal("1e-9")),
            "unit_label": "unit",
            "billed_before": Decimal("0.0000"),
            "amount": Decimal(amount).quantize(Decimal("1e-4")),
            "revision_id": "us-2026-10-r1",
            "signer": "fin@example.com",
            "signed_at": START.replace(tzinfo=None),
        }
        for position, (item, quantity, amount) in enumerate(document.lines)
    ]


def usual_documents(count: int) -> list[SignedDocument]:
    """Documents of one or two lines over entities, currencies and kinds, amounts all different."""
    kinds = [
        ("acme", "us", "USD", [("TOKENS", "1234.000000001", "{n}.10"), ("SEATS", "3", "30.01")]),
        ("globex", "jp", "JPY", [("TOKENS", "5", "{n}000")]),
        ("initech", "us", "USD", [("SEATS", "1", "-{n}.99")]),
        ("globex", "us", "KWD", [("TOKENS", "0.5", "1000000000000.{n:03d}")]),
    ]
    documents = []
    for number in range(1, count + 1):
        customer, entity, currency, lines = kinds[(number - 1) % len(kinds)]
        documents.append(
            SignedDocument(
                posting_key=f"U{number:017d}",
                lines=[(item, q, amount.format(n=number)) for item, q, amount in lines],
                customer_id=customer,
                legal_entity_id=entity,
                currency_code=currency,
            )
        )
    return documents


@dataclass
class House:
    """One data directory with everything that posting touches."""

    data_dir: Path
    erp_name: str = "sandbox"
    operations_url: str | None = None
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.settings = Settings(
            data_dir=self.data_dir, erp=self.erp_name, operations_database_url=self.operations_url
        )
        self.engine = open_operations(self.settings)

    def sign(self, *documents: SignedDocument) -> None:
        rows: list[dict[str, object]] = []
        for document in documents:
            rows += entry_rows(document, len(rows) + 1)
        Register(self.settings.register).commit(
            kind="sign",
            subject={"revision_id": "us-2026-10-r1"},
            now=self.clock.now(),
            entries=pa.Table.from_pylist(rows, schema=ENTRY_SCHEMA),
        )

    def erp(self, faults: FaultPlan = NO_FAULTS) -> SandboxErp:
        erp = erp_adapter(
            self.erp_name,
            sandbox_folder=self.settings.sandbox,
            now_fn=self.clock.now,
            faults=faults,
        )
        assert isinstance(erp, SandboxErp)
        return erp

    def open_books(self) -> None:
        self.erp().load_masters(MASTERS)

    def plan(self) -> int:
        return plan_postings(self.settings, self.engine, now=self.clock.now())

    def post(
        self, faults: FaultPlan = NO_FAULTS, *, limit: int | None = None, erp: object = None
    ) -> PostingSummary:
        return post_pending(
            self.settings,
            self.engine,
            erp=erp or self.erp(faults),
            now_fn=self.clock.now,
            limit=limit,
            pause=self.clock.advance,
        )

    def read_back(self, erp: object = None) -> int:
        return read_back(self.settings, self.engine, erp=erp or self.erp(), now=self.clock.now())

    def states(self) -> dict[str, str]:
        with self.engine.connect() as connection:
            rows = connection.execute(
                sa.select(postings.c.posting_key, postings.c.state).order_by(postings.c.posting_key)
            ).all()
        return {row.posting_key: row.state for row in rows}

    def posting(self, posting_key: str) -> sa.Row:
        with self.engine.connect() as connection:
            return connection.execute(
                sa.select(postings).where(postings.c.posting_key == posting_key)
            ).one()

    def attempts(self, posting_key: str) -> list[sa.Row]:
        with self.engine.connect() as connection:
            return list(
                connection.execute(
                    sa.select(posting_attempts)
                    .where(posting_attempts.c.posting_key == posting_key)
                    .order_by(posting_attempts.c.attempt_number)
                ).all()
            )

    def erp_documents(self) -> list[ErpDocument]:
        return list(self.erp().read_documents())


def faults_of_posting(house: House, documents: Sequence[SignedDocument]) -> list[str]:
    """Everything that is not as it must be once all was posted; empty when all is well."""
    held = house.erp_documents()
    found = [f"draft left: {each.posting_key}" for each in held if each.is_draft]
    standing = [each for each in held if not each.is_draft]
    for document in documents:
        ours = [each for each in standing if each.posting_key == document.posting_key]
        if len(ours) != 1:
            found.append(f"{document.posting_key}: {len(ours)} documents in the ERP")
        elif ours[0].total_amount != document.amount:
            found.append(f"{document.posting_key}: {ours[0].total_amount} for {document.amount}")
        elif house.posting(document.posting_key).document_number != ours[0].document_number:
            found.append(f"{document.posting_key}: receipt names another number")
    if len(standing) != len(documents):
        found.append(f"{len(standing)} documents in the ERP for {len(documents)} signed")
    found += [f"{key} is {state}" for key, state in house.states().items() if state != "posted"]
    return found + _gaps(standing)


def _gaps(standing: Sequence[ErpDocument]) -> list[str]:
    numbers: dict[str, list[int]] = {}
    for each in standing:
        series, number = str(each.document_number).rsplit("-", 1)
        numbers.setdefault(series, []).append(int(number))
    return [
        f"numbers of {series} have gaps: {sorted(drawn)}"
        for series, drawn in numbers.items()
        if sorted(drawn) != list(range(1, len(drawn) + 1))
    ]
