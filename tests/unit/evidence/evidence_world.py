"""A small company with two signed months, posted into the sandbox ERP, for tests of evidence.

Belongs here: the months, their reference version, the postings. Does not belong here: any
expectation; the company itself (billing_world.py).
"""

import hashlib
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from billing_rows import NOW, PERIOD, VERSION, Line, entries_table
from billing_world import BillingWorld

from adapters.models import ErpCurrency, ErpCustomer, ErpLegalEntity, ErpMasters
from adapters.registry import erp_adapter
from orchestration.actors import Actor
from orchestration.audit import catch_up
from orchestration.billing.commits import parquet_file
from orchestration.billing.posting import plan_postings, post_pending, read_back
from orchestration.billing.waivers import WAIVER_SCHEMA, WAIVERS_ROLE

MONTH_BEFORE = "2026-09"
PIA = Actor(name="pia@x", source="verified", run_id="run-7")
SEPTEMBER = [
    Line(rated="80.00", billing_period=MONTH_BEFORE, document_id="INV-09-acme"),
    Line(
        customer_id="bolt",
        rated="15.50",
        billing_period=MONTH_BEFORE,
        document_id="INV-09-bolt",
    ),
]
OCTOBER = [
    Line(rated="200.00", before="80.00"),
    Line(charge_id="storage", rated="0.50"),
    Line(customer_id="bolt", rated="15.50", before="55.50", charge_id="seats"),
    Line(customer_id="cargo", rated="40.00"),
    Line(legal_entity_id="de", currency_code="EUR", rated="12.34"),
]
MASTERS = ErpMasters(
    legal_entities=tuple(
        ErpLegalEntity(legal_entity_id=name, legal_entity_name=name) for name in ("us", "de")
    ),
    customers=tuple(
        ErpCustomer(customer_id=name, customer_name=name) for name in ("acme", "bolt", "cargo")
    ),
    items=("ITEM-1",),
    currencies=tuple(ErpCurrency(currency_code=code, minor_unit=2) for code in ("USD", "EUR")),
)


def signed_world(folder: Path) -> BillingWorld:
    """Two signed months: September of us, October of us (a document held) and de, all posted."""
    world = BillingWorld(folder)
    world.build(*SEPTEMBER)
    describe_reference(world)
    with world.warehouse():
        world.put_exceptions(
            {"legal_entity_id": "us", "what_to_do": "=HYPERLINK(1)"},
            {"legal_entity_id": "de"},
            {"billing_period": "2026-12"},
        )
    [september] = world.freeze(billing_period=MONTH_BEFORE, actor=PIA)
    world.sign(september.revision_id)
    recorded(world)
    with world.warehouse():
        world.put_candidates(*OCTOBER)
    for revision in world.freeze(actor=PIA):
        held = ["INV-us-cargo"] if revision.legal_entity_id == "us" else []
        world.sign(revision.revision_id, held_document_ids=held, note="-looked at")
    waived(world)
    post(world)
    catch_up(world.settings, world.engine, clock=lambda: NOW + timedelta(days=1))
    return world


def waived(world: BillingWorld) -> None:
    """Two waivers: of an exception of us in October, and of one of another month to come."""
    waivers = [
        {
            "waiver_id": f"e-{number}:w1",
            "exception_id": f"e-{number}",
            "exception_code": "no_contract",
            "object_kind": "subject",
            "object_id": "tenant-7",
            "legal_entity_id": "us",
            "billing_period": billing_period,
            "waived_by": "ana@example.com",
            "waived_by_source": "verified",
            "reason": "trial",
            "waived_until_date": date(2026, 12, 31),
            "waived_at": NOW.replace(tzinfo=None),
        }
        for number, billing_period in enumerate((PERIOD, "2026-12"), start=1)
    ]
    table = pa.Table.from_pylist(waivers, schema=WAIVER_SCHEMA)
    with world.register.writing() as session:
        session.commit(
            kind="record",
            subject={"signer": "ana@example.com", "signer_source": "verified"},
            now=NOW + timedelta(hours=2),
            files=[parquet_file(WAIVERS_ROLE, table, WAIVER_SCHEMA)],
        )


def recorded(world: BillingWorld) -> None:
    """An entry that no revision made: what makes bolt's seats come to a credit in October."""
    world.register.commit(
        kind="record",
        subject={"signer": "ana@example.com", "signer_source": "verified", "run_id": "run-8"},
        now=NOW,
        entries=entries_table(
            {
                "entry_kind": "external",
                "settlement_key": "us|bolt|seats|2026-10-01",
                "billing_period": PERIOD,
                "document_id": None,
                "posting_key": None,
                "amount": Decimal("55.50"),
            }
        ),
    )


def post(world: BillingWorld) -> None:
    erp = erp_adapter("sandbox", sandbox_folder=world.settings.sandbox, now_fn=lambda: NOW)
    erp.load_masters(MASTERS)
    plan_postings(world.settings, world.engine, now=NOW)
    post_pending(world.settings, world.engine, erp=erp, now_fn=lambda: NOW, actor=PIA)
    read_back(world.settings, world.engine, erp=erp, now=NOW)


def describe_reference(world: BillingWorld) -> None:
    """Write the version.json that loading would have written."""
    folder = world.settings.reference_versions / VERSION

    def digest(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    description = {
        "reference_version": VERSION,
        "files": [
            {
                "path": path.relative_to(folder / "source").as_posix(),
                "sha256": digest(path),
                "byte_size": path.stat().st_size,
            }
            for path in sorted((folder / "source").rglob("*"))
        ],
        "tables": [
            {"name": path.stem, "row_count": 1, "sha256": digest(path)}
            for path in sorted((folder / "tables").iterdir())
        ],
    }
    (folder / "version.json").write_text(json.dumps(description))
