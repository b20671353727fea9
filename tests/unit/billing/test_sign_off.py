"""Signing: what it bills, and every way in which it is refused."""

import sys
from datetime import date
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from orchestration.billing.derived_rows import put_check_results, rebuild_from_register
from orchestration.billing.refusals import (
    DecisionUnknownError,
    RegisterDamagedError,
    RegisterMovedError,
)
from orchestration.billing.register import write_register_inputs
from orchestration.failures import RefusedError
from orchestration.operations_db import open_operations
from orchestration.operations_db.tables import check_results, revisions, sign_offs

billing_world = sys.modules["tests_billing_world"]
Line, Signer, NOW = billing_world.Line, billing_world.Signer, billing_world.NOW
passing, policy = billing_world.passing, billing_world.policy


def rows(world, table):
    with world.engine.connect() as connection:
        query = sa.select(table).order_by(*table.primary_key.columns)
        return [dict(row) for row in connection.execute(query).mappings()]


def refused(world, revision_id, **options):
    """The code of the refusal, after proving that nothing was written."""
    return refusal(world, revision_id, **options).code


def refusal(world, revision_id, **options):
    before = world.register.head()
    with pytest.raises(RefusedError) as error:
        world.sign(revision_id, **options)
    assert before == world.register.head()
    assert str(error.value).rstrip().endswith((".", ")"))
    return error.value


def frozen(world, *lines):
    [revision] = world.build(*(lines or [Line()])).freeze()
    return revision


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


def test_an_unknown_revision_is_refused(world):
    frozen(world)
    assert "revision_unknown" == refused(world, "us:2026-10:r9")


def test_a_superseded_revision_is_refused_and_the_latest_named(world):
    first = frozen(world)
    world.put_candidates(Line(rated="101.00"))
    [second] = world.freeze()
    assert "revision_superseded" == refused(world, first.revision_id)
    world.sign(second.revision_id)


def test_a_signed_revision_is_not_signed_twice_and_not_rejected(world):
    revision = frozen(world)
    world.sign(revision.revision_id)
    assert "already_signed" == refused(world, revision.revision_id)
    assert "already_signed" == refused(world, revision.revision_id, decision="reject")


def test_a_rejected_revision_is_not_signed(world):
    revision = frozen(world)
    world.sign(revision.revision_id, decision="reject", note="no")
    assert "already_rejected" == refused(world, revision.revision_id)


@pytest.mark.parametrize("number", range(1, 8))
def test_each_missing_invariant_refuses(world, number):
    world.build(Line())
    world.put_conservation([each for each in billing_world.ALL_HELD if each[0] != number])
    [revision] = world.freeze()
    assert "check_missing" == refused(world, revision.revision_id)


@pytest.mark.parametrize("number", range(1, 8))
def test_each_broken_invariant_refuses(world, number):
    world.build(Line())
    world.put_conservation(broken=[(number, f"invariant_{number}_holds", "document", "D1")])
    [revision] = world.freeze()
    assert "check_red" == refused(world, revision.revision_id)


def test_a_check_that_was_there_at_the_freeze_and_is_gone_refuses(world):
    world.build(Line())
    [revision] = world.freeze(check_figures=[passing("candidates_are_complete")])
    world.freeze()
    assert "check_missing" == refused(world, revision.revision_id)


def test_results_of_another_revisions_content_never_count(world):
    """design.md, Sign-off: check results are rows keyed by revision digest."""
    first = frozen(world)
    world.put_candidates(Line(rated="101.00"))
    world.put_conservation([])
    [second] = world.freeze()
    put_check_results(world.engine, first, [passing("x")], now=NOW)
    assert "check_missing" == refused(world, second.revision_id)


def test_a_signer_who_is_no_approver_is_refused(world):
    revision = frozen(world)
    mallory = Signer(name="mallory@example.com", source="verified", run_id="run-1")
    assert "signer_not_approver" == refused(world, revision.revision_id, signer=mallory)
    assert "signer_not_approver" == refused(
        world, revision.revision_id, signer=mallory, decision="reject"
    )


def test_an_approver_of_another_entity_is_refused(world):
    revision = frozen(world)
    henrik = Signer(name="henrik@example.com", source="verified", run_id="run-1")
    assert "entity_not_allowed" == refused(world, revision.revision_id, signer=henrik)


def test_the_limit_counts_documents_without_their_signs(world):
    revision = frozen(world, Line(rated="6000.00"), Line(customer_id="bolt", rated="-4000.01"))
    assert "amount_above_limit" == refused(world, revision.revision_id)


def test_the_limit_itself_may_be_signed_and_held_documents_do_not_count(world):
    revision = frozen(
        world,
        Line(rated="6000.00"),
        Line(customer_id="bolt", rated="-4000.00"),
        Line(customer_id="cargo", rated="99.00"),
    )
    assert "amount_above_limit" == refused(world, revision.revision_id)
    world.sign(revision.revision_id, held_document_ids=["INV-us-cargo"])


def test_a_currency_without_a_limit_may_not_be_signed(world):
    revision = frozen(world, Line(currency_code="KWD", rated="0.001"))
    assert "amount_above_limit" == refused(world, revision.revision_id)


def test_a_limit_is_told_in_each_currencys_own_minor_units(world):
    revision = frozen(
        world,
        Line(rated="10000.50"),
        Line(customer_id="bolt", currency_code="JPY", rated="1000001"),
        Line(customer_id="cargo", currency_code="KWD", rated="2.5"),
    )
    assert (
        "JPY 1,000,001 (limit 1,000,000); KWD 2.500 (limit none given); "
        "USD 10,000.50 (limit 10,000.00)"
    ) in str(refusal(world, revision.revision_id))


def test_a_document_above_the_acknowledgement_threshold_is_not_signed_and_can_be_held(world):
    world.policy = policy(acknowledgement_threshold={"USD": "4000", "JPY": "0"})
    revision = frozen(
        world,
        Line(rated="4000.00"),
        Line(customer_id="bolt", rated="-4000.01"),
        Line(customer_id="cargo", currency_code="JPY", rated="1"),
    )
    missing = refusal(world, revision.revision_id)
    assert "acknowledgement_missing" == missing.code
    assert (
        "INV-us-bolt (USD -4,000.01, threshold 4,000.00), INV-us-cargo (JPY 1, threshold 0) must"
    ) in str(missing)
    held = ["INV-us-bolt", "INV-us-cargo"]
    signed = world.sign(revision.revision_id, held_document_ids=held)
    assert 1 == signed.signed_document_count


def test_a_currency_without_an_acknowledgement_threshold_has_none(world):
    world.policy = policy(acknowledgement_threshold={"EUR": "0"})
    world.sign(frozen(world).revision_id)


def test_a_revision_with_a_document_above_the_threshold_can_be_rejected(world):
    world.policy = policy(acknowledgement_threshold={"USD": "5"})
    world.sign(frozen(world).revision_id, decision="reject", note="too much")


@pytest.mark.parametrize("kind", ["price", "contract", "contract_version", "identity", "quiet_day"])
def test_an_author_of_something_used_for_the_first_time_may_not_sign(world, kind):
    world.build(Line())
    world.put_reference(authors={kind: " Olivia@Example.com "})
    [revision] = world.freeze()
    assert "four_eyes" == refused(world, revision.revision_id)
    ana = Signer(name="ana@example.com", source="verified", run_id="run-1")
    world.sign(revision.revision_id, signer=ana)


@pytest.mark.parametrize("author", [None, "", "  "])
def test_an_unknown_author_refuses(world, author):
    world.build(Line())
    world.put_reference(authors={"price": author})
    [revision] = world.freeze()
    assert "author_unknown" == refused(world, revision.revision_id)


def test_four_eyes_can_be_switched_off_by_policy(world):
    world.build(Line())
    world.put_reference(authors={"price": "olivia@example.com"})
    world.policy = policy(four_eyes=False)
    [revision] = world.freeze()
    world.sign(revision.revision_id)


def test_what_another_signature_used_before_is_no_first_use(world):
    world.build(Line())
    world.put_reference(authors={"price": "olivia@example.com"})
    [first] = world.freeze()
    ana = Signer(name="ana@example.com", source="verified", run_id="run-1")
    world.sign(first.revision_id, signer=ana)
    world.put_candidates(Line(rated="120.00", before="100.00", cause="correction"))
    [second] = world.freeze()
    world.sign(second.revision_id)


def test_an_edited_price_is_used_for_the_first_time_again(world):
    first = frozen(world)
    world.sign(first.revision_id)
    world.put_reference(version="ffff", authors={"price": "olivia@example.com"}, unit_price="3.00")
    world.put_candidates(Line(rated="120.00", before="100.00", cause="correction"), version="ffff")
    [second] = world.freeze()
    assert "four_eyes" == refused(world, second.revision_id)


def test_the_author_of_a_quiet_day_of_another_month_may_sign(world):
    world.build(Line())
    world.put_reference(authors={"quiet_day": "olivia@example.com"}, quiet_date=date(2026, 11, 2))
    [revision] = world.freeze()
    world.sign(revision.revision_id)


def test_a_month_with_a_missing_source_day_is_not_signed(world):
    """Invariant 1."""
    world.build(Line())
    day = (date(2026, 10, 31), "2026-10", NOW, "pending")
    world.put_source_days(day)
    [revision] = world.freeze()
    assert "check_red" == refused(world, revision.revision_id)
    world.put_source_days((*day[:3], "arrived"))
    world.freeze()
    world.sign(revision.revision_id)


def test_the_author_of_a_price_that_this_revision_does_not_use_may_sign(world):
    world.build(Line(), Line(customer_id="bolt", legal_entity_id="de"))
    world.put_reference(authors={"contract": "olivia@example.com"})
    world.put_candidates(Line())
    path = world.settings.reference_versions / billing_world.VERSION / "tables/contracts.parquet"
    contracts = pq.read_table(path)
    mask = [each == "contract-acme" for each in contracts["contract_id"].to_pylist()]
    authors = ["cleo@x" if own else "olivia@example.com" for own in mask]
    position = contracts.schema.get_field_index("author")
    pq.write_table(contracts.set_column(position, "author", [authors]), path)
    [revision] = world.freeze()
    world.sign(revision.revision_id)


def test_a_self_declared_signer_needs_the_settings_and_the_policy(world):
    revision = frozen(world)
    own_word = billing_world.SELF_DECLARED
    world.policy = policy(accepts_self_declared=False)
    assert "signer_unverified" == refused(world, revision.revision_id, signer=own_word)
    world.policy = policy()
    world.settings = world.settings.model_copy(update={"may_sign_self_declared": False})
    assert "signer_unverified" == refused(world, revision.revision_id, signer=own_word)
    world.settings = world.settings.model_copy(update={"may_sign_self_declared": True})
    world.sign(revision.revision_id, signer=own_word)
    assert ["self_declared"] == [row["signer_source"] for row in rows(world, sign_offs)]


@pytest.mark.parametrize(
    "signer",
    [
        Signer(name="olivia@example.com", source="verified", run_id=None),
        Signer(name=" ", source="verified", run_id="run-1"),
        Signer(name="", source="self_declared", run_id="run-1"),
    ],
)
def test_a_signer_without_a_run_or_a_name_is_refused(world, signer):
    revision = frozen(world)
    assert "signer_unverified" == refused(world, revision.revision_id, signer=signer)


def test_a_rejection_and_a_hold_need_a_reason(world):
    revision = frozen(world)
    assert "reason_missing" == refused(world, revision.revision_id, decision="reject", note=" ")
    assert "reason_missing" == refused(
        world, revision.revision_id, held_document_ids=["INV-us-acme"], note=""
    )


def test_a_decision_that_is_neither_sign_nor_reject_is_refused(world):
    revision = frozen(world)
    with pytest.raises(DecisionUnknownError):
        world.sign(revision.revision_id, decision="approve")
    assert 1 == world.register.head().sequence


def test_a_document_that_is_not_in_the_revision_cannot_be_held(world):
    revision = frozen(world)
    assert "held_document_unknown" == refused(
        world, revision.revision_id, held_document_ids=["INV-de-acme"]
    )


def test_a_register_that_moved_after_the_freeze_refuses_and_names_the_keys(world):
    """ledger.md: a correction on demand and the monthly run never both bill the difference."""
    revision = frozen(world)
    world.register.commit(
        kind="record",
        subject={"note": "goodwill"},
        now=NOW,
        entries=billing_world.entries_table(
            {
                "entry_kind": "concession",
                "settlement_key": Line().settlement_key,
                "amount": Decimal(-10),
            }
        ),
    )
    before = world.register.head()
    with pytest.raises(RegisterMovedError) as moved:
        world.sign(revision.revision_id)
    assert (Line().settlement_key,) == moved.value.settlement_keys
    assert before == world.register.head()


def test_a_revision_whose_files_were_changed_cannot_be_signed(world):
    """ledger.md: only a change of the frozen revision's own content voids."""
    revision = frozen(world)
    path = world.settings.register / revision.folder / "lines.parquet"
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "register_damaged" == refused(world, revision.revision_id)


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
    tables = (revisions, sign_offs)
    expected = [rows(world, table) for table in tables]
    kept = [
        row for row in rows(world, check_results) if row["revision_sha256"] == us.content_sha256
    ]
    world.engine.dispose()
    (world.data_dir / "operations.db").unlink()
    world.engine = open_operations(world.settings)
    rebuild_from_register(world.settings, world.engine)
    assert expected == [rows(world, table) for table in tables]
    restored = rows(world, check_results)
    assert [(row["check_name"], row["is_passed"]) for row in kept] == [
        (row["check_name"], row["is_passed"]) for row in restored
    ]
    assert 0 == rebuild_from_register(world.settings, world.engine)
    assert "check_missing" == refused(world, second.revision_id)


def test_rows_whose_commit_is_gone_stop_everything(world):
    revision = frozen(world)
    world.sign(revision.revision_id)
    (world.settings.register / "manifests" / "00000002.json").unlink()
    with pytest.raises(RegisterDamagedError, match="us:2026-10:r1:sign"):
        world.freeze()
    assert 1 == world.register.head().sequence
