"""Signing: what a signature bills, what a rejection leaves, and what survives a loss."""

from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from billing_rows import NOW, Line
from signing import frozen, rows

from orchestration.billing.derived_rows import rebuild_from_register
from orchestration.billing.refusals import RegisterDamagedError
from orchestration.billing.register import write_register_inputs
from orchestration.operations_db import open_operations
from orchestration.operations_db.tables import check_results, revisions, sign_offs


def test_a_signature_bills_every_line_of_the_revision(world):
    revision = frozen(world, Line(), Line(charge_id="storage", rated="0.50"))
    signed = world.sign(revision.revision_id)
    entries = world.register.entries()
    assert {
        "us|acme|tokens|2026-10-01": Decimal("100.0000"),
        "us|acme|storage|2026-10-01": Decimal("0.5000"),
    } == world.register.billed()
    assert ["bill", "bill"] == entries["entry_kind"].to_pylist()
    assert [1, 2] == entries["entry_number"].to_pylist()
    assert {revision.revision_id} == set(entries["revision_id"].to_pylist())
    assert [NOW.replace(hour=10, tzinfo=None)] * 2 == entries["signed_at"].to_pylist()
    assert (1, Decimal("100.5000")) == (signed.signed_document_count, signed.totals[0].amount)
    assert world.register.head().manifest_sha256 == signed.manifest_sha256


def test_what_is_signed_is_what_was_frozen_column_by_column(world):
    """Invariant 10."""
    revision = frozen(world, Line(), Line(customer_id="bolt", rated="7.25"))
    world.sign(revision.revision_id)
    entries = world.register.entries()
    folder = world.settings.register / revision.folder
    lines = pq.read_table(folder / "lines.parquet")
    documents = pq.read_table(folder / "documents.parquet")
    for name in lines.schema.names:
        signed_name = "billed_before" if name == "billed_amount_before" else name
        assert lines[name].to_pylist() == entries[signed_name].to_pylist()
    keys = dict(
        zip(documents["document_id"].to_pylist(), documents["posting_key"].to_pylist(), strict=True)
    )
    assert [keys[each] for each in lines["document_id"].to_pylist()] == entries[
        "posting_key"
    ].to_pylist()


def test_a_correction_is_a_correct_entry_on_top_of_what_was_billed(world):
    world.sign(frozen(world).revision_id)
    world.put_candidates(Line(rated="80.00", before="100.00", cause="correction"))
    [second] = world.freeze()
    world.sign(second.revision_id)
    assert ["bill", "correct"] == world.register.entries()["entry_kind"].to_pylist()
    assert {"us|acme|tokens|2026-10-01": Decimal("80.0000")} == world.register.billed()


def test_a_signature_is_rows_in_the_operations_database_too(world):
    revision = frozen(world)
    signed = world.sign(revision.revision_id)
    [row] = rows(world, sign_offs)
    assert {
        "sign_off_id": "us:2026-10:r1:sign",
        "revision_id": "us:2026-10:r1",
        "decision": "sign",
        "signer": "olivia@example.com",
        "signer_source": "verified",
        "run_id": "run-1",
        "signed_at": signed.signed_at,
        "note": "looked at",
        "manifest_sha256": signed.manifest_sha256,
        "held_document_ids": [],
        "acknowledgements": [],
    } == row
    assert ["signed"] == [each["state"] for each in rows(world, revisions)]


def test_a_held_document_is_not_billed_and_kept_with_its_amount(world):
    revision = frozen(world, Line(), Line(customer_id="bolt", rated="40.00"))
    signed = world.sign(
        revision.revision_id, held_document_ids=["INV-us-bolt"], note="bolt disputes its seats"
    )
    write_register_inputs(world.settings)
    held = pq.read_table(world.settings.warehouse_inputs / "held_documents.parquet").to_pylist()
    assert {"us|acme|tokens|2026-10-01": Decimal("100.0000")} == world.register.billed()
    assert ("INV-us-bolt",) == signed.held_document_ids
    assert [("INV-us-bolt", Decimal("40.0000"), "USD", "bolt disputes its seats", True)] == [
        (
            row["document_id"],
            row["amount"],
            row["currency_code"],
            row["reason"],
            row["is_open"],
        )
        for row in held
    ]


def test_a_held_document_is_billed_once_by_the_next_revision_and_then_no_longer_open(world):
    """ledger.md: a held document and next month's candidate never both bill the difference."""
    first = frozen(world, Line(), Line(customer_id="bolt", rated="40.00"))
    world.sign(first.revision_id, held_document_ids=["INV-us-bolt"])
    world.put_candidates(Line(customer_id="bolt", rated="40.00"))
    [second] = world.freeze()
    world.sign(second.revision_id)
    write_register_inputs(world.settings)
    held = pq.read_table(world.settings.warehouse_inputs / "held_documents.parquet")
    assert Decimal("40.0000") == world.register.billed()["us|bolt|tokens|2026-10-01"]
    assert [False] == held["is_open"].to_pylist()


def test_the_inputs_have_their_columns_also_when_nothing_was_ever_signed(world):
    write_register_inputs(world.settings)
    found = {
        name: pq.read_table(world.settings.warehouse_inputs / f"{name}.parquet")
        for name in ("register_entries", "sign_offs", "held_documents")
    }
    assert [0, 0, 0] == [table.num_rows for table in found.values()]
    assert "decimal128(38, 4)" == str(found["register_entries"].schema.field("amount").type)
    assert "timestamp[us]" == str(found["register_entries"].schema.field("signed_at").type)
    assert list(sign_offs.columns.keys()) == found["sign_offs"].schema.names


def test_a_rejection_bills_nothing_and_keeps_its_reason(world):
    revision = frozen(world)
    world.put_conservation(broken=[(1, "invariant_1_holds", "file", "a.jsonl")])
    world.freeze()
    rejected = world.sign(revision.revision_id, decision="reject", note="a file is missing")
    assert (0, ()) == (rejected.signed_document_count, rejected.totals)
    assert {} == world.register.billed()
    assert [("reject", "a file is missing")] == [
        (row["decision"], row["note"]) for row in rows(world, sign_offs)
    ]
    assert ["rejected"] == [row["state"] for row in rows(world, revisions)]


def test_later_data_never_blocks_a_signature(world):
    """ledger.md, Freezing."""
    revision = frozen(world)
    world.put_batches(1, 2, 3)
    world.put_candidates(Line(rated="500.00"))
    world.put_conservation([])
    world.sign(revision.revision_id)
    assert {"us|acme|tokens|2026-10-01": Decimal("100.0000")} == world.register.billed()


def test_a_lost_operations_database_is_rebuilt_from_the_register(world):
    us = frozen(world)
    world.sign(us.revision_id)
    world.put_candidates(Line(rated="120.00", before="100.00", cause="correction"))
    [second] = world.freeze()
    tables = (revisions, sign_offs, check_results)
    expected = [rows(world, table) for table in tables]
    world.engine.dispose()
    (world.data_dir / "operations.db").unlink()
    world.engine = open_operations(world.settings)
    rebuild_from_register(world.settings, world.engine)
    assert expected == [rows(world, table) for table in tables]
    assert 0 == rebuild_from_register(world.settings, world.engine)
    assert second.revision_id == world.sign(second.revision_id).revision_id


def test_rows_whose_commit_is_gone_stop_everything(world):
    revision = frozen(world)
    world.sign(revision.revision_id)
    (world.settings.register / "manifests" / "00000002.json").unlink()
    with pytest.raises(RegisterDamagedError, match="us:2026-10:r1:sign"):
        world.freeze()
    assert 1 == world.register.head().sequence
