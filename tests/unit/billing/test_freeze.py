"""Freezing: the same content is the same revision, another content another one."""

import json
from dataclasses import replace
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from billing_rows import NOW, VERSION, Line

from orchestration.billing.freeze import FreezeIncompleteError
from orchestration.billing.posting_keys import POSTING_KEY_PATTERN
from orchestration.billing.refusals import (
    CandidatesUnusableError,
    PeriodInvalidError,
    RegisterMovedError,
)
from orchestration.billing.revisions import revisions_of
from orchestration.operations_db.tables import revisions


def states(world):
    with world.engine.connect() as connection:
        rows = connection.execute(
            sa.select(revisions.c.revision_id, revisions.c.state).order_by(revisions.c.revision_id)
        )
        return dict(rows.all())


def test_each_legal_entity_gets_a_revision_of_its_own(world):
    world.build(
        Line(rated="100.00"),
        Line(charge_id="storage", rated="0.50"),
        Line(customer_id="bolt", legal_entity_id="de", currency_code="EUR", rated="-7.00"),
    )
    de, us = world.freeze()
    assert ("de:2026-10:r1", "us:2026-10:r1") == (de.revision_id, us.revision_id)
    assert [("EUR", 1, Decimal("-7.0000"), Decimal("7.0000"))] == [
        (each.currency_code, each.document_count, each.amount, each.absolute_amount)
        for each in de.totals
    ]
    assert (1, 2, Decimal("100.5000")) == (us.document_count, us.line_count, us.totals[0].amount)
    assert {"de:2026-10:r1": "frozen", "us:2026-10:r1": "frozen"} == states(world)


def test_a_revision_pins_batches_reference_scope_policy_and_code(world):
    [revision] = world.build(Line()).freeze()
    pins = revision.pins
    assert (1, 2) == pins.ingestion_batch_ids
    assert VERSION == pins.reference_version
    assert {"legal_entity_id": "us", "contracts": "all"} == pins.scope
    assert 64 == len(pins.policy_sha256)
    assert 64 == len(pins.ingestion_sha256)
    assert pins.code_version


def test_a_batch_that_the_warehouse_has_not_taken_in_is_not_pinned(world):
    world.build(Line())
    world.put_batches(1, 2, 3)
    world.put_warehouse_table(
        "intermediate.model_progress",
        pa.table({"model_name": ["a"], "last_batch_id": [2]}),
    )
    [revision] = world.freeze()
    assert (1, 2) == revision.pins.ingestion_batch_ids


def test_models_that_stopped_at_different_batches_cannot_be_frozen(world):
    world.build(Line())
    world.put_warehouse_table(
        "intermediate.model_progress",
        pa.table({"model_name": ["a", "b"], "last_batch_id": [1, 2]}),
    )
    with pytest.raises(CandidatesUnusableError, match=r"up to \[1, 2\]"):
        world.freeze()


def test_the_same_content_frozen_again_is_the_same_revision(world):
    """Invariant 9."""
    world.build(Line())
    first = world.freeze()
    head = world.register.head()
    again = world.freeze(now=NOW.replace(hour=23))
    assert first == again
    assert head == world.register.head()


@pytest.mark.parametrize(
    "change",
    [
        lambda world: world.put_candidates(Line(rated="100.01")),
        lambda world: world.put_candidates(Line(), Line(customer_id="bolt")),
        lambda world: world.put_candidates(Line(document_id="OTHER")),
        lambda world: world.put_batches(1, 2, 3),
        lambda world: world.put_reference(authors={"price": "someone@else"}),
    ],
)
def test_other_content_is_the_next_revision_and_supersedes_the_one_before(world, change):
    [first] = world.build(Line()).freeze()
    change(world)
    [second] = world.freeze()
    assert "us:2026-10:r2" == second.revision_id
    assert first.content_sha256 != second.content_sha256
    assert {"us:2026-10:r1": "superseded", "us:2026-10:r2": "frozen"} == states(world)


def test_a_signed_revision_is_never_superseded(world):
    """Invariant 10."""
    [first] = world.build(Line()).freeze()
    world.sign(first.revision_id)
    world.put_candidates(Line(rated="130.00", before="100.00", cause="correction"))
    [second] = world.freeze()
    assert {first.revision_id: "signed", second.revision_id: "frozen"} == states(world)


def test_a_signed_revision_frozen_again_from_a_stale_warehouse_is_still_itself(world):
    [first] = world.build(Line()).freeze()
    world.sign(first.revision_id)
    [again] = world.freeze()
    assert replace(first, state="signed") == again


def test_a_rejected_content_frozen_again_asks_for_a_new_decision(world):
    [first] = world.build(Line()).freeze()
    world.sign(first.revision_id, decision="reject", note="wrong customer name")
    [second] = world.freeze()
    assert (first.content_sha256, "us:2026-10:r2") == (second.content_sha256, second.revision_id)


def test_candidates_computed_before_the_last_signature_are_refused_by_key(world):
    [first] = world.build(Line()).freeze()
    world.sign(first.revision_id)
    world.put_candidates(Line(rated="130.00"))
    with pytest.raises(RegisterMovedError) as refused:
        world.freeze()
    assert (Line().settlement_key,) == refused.value.settlement_keys
    assert {first.revision_id: "signed"} == states(world)


def test_a_stale_freeze_says_why_and_what_to_do_before_a_few_keys(world):
    """One reason for all legal entities, and three of the keys."""
    kinds = [{}, {"customer_id": "bolt", "legal_entity_id": "de"}]
    charges = ["calls", "tokens", "seats"]
    lines = [{**kind, "charge_id": charge} for kind in kinds for charge in charges]
    for revision in world.build(*(Line(**line) for line in lines)).freeze():
        world.sign(revision.revision_id)
    world.put_candidates(*(Line(**line, rated="130.00") for line in lines))
    keys = sorted(Line(**line).settlement_key for line in lines)
    named = ", ".join(f"{key} (billed 0 then, 100 now)" for key in keys[:3])

    with pytest.raises(RegisterMovedError) as refused:
        world.freeze()

    assert tuple(keys) == refused.value.settlement_keys
    assert str(refused.value) == (
        "Tried to freeze 2026-10 of de, us: a signature that came after the candidates were "
        "computed changed what is billed for 6 of their settlement keys. Nothing was written. "
        "Close the billing period again (`tallyhouse run`), which computes what is due after that "
        f"signature and freezes it. The settlement keys are {named} and 3 more."
    )


def test_a_stale_freeze_of_one_entity_leaves_the_others_frozen(world):
    [first] = world.build(Line()).freeze()
    world.sign(first.revision_id)
    world.put_candidates(
        Line(rated="130.00"), Line(customer_id="bolt", legal_entity_id="de", rated="7.00")
    )

    with pytest.raises(FreezeIncompleteError) as refused:
        world.freeze()

    assert str(refused.value).startswith(
        "Tried to freeze 2026-10: of 2 legal entities 1 were not frozen. us: Tried to freeze "
    )
    assert {first.revision_id: "signed", "de:2026-10:r1": "frozen"} == states(world)


def test_an_open_revision_whose_candidates_are_gone_is_superseded_by_an_empty_one(world):
    [first] = world.build(Line(), Line(customer_id="bolt", legal_entity_id="de")).freeze()[1:]
    world.put_candidates(Line(customer_id="bolt", legal_entity_id="de"))
    second = world.freeze()[1]
    assert (first.legal_entity_id, 0, 0) == (
        second.legal_entity_id,
        second.document_count,
        second.line_count,
    )
    assert "superseded" == states(world)[first.revision_id]


def test_a_document_that_is_not_the_sum_of_its_lines_stops_its_entity_alone(world):
    """Invariant 5."""
    world.build(Line(), Line(customer_id="bolt", legal_entity_id="de"))
    with duckdb.connect(world.settings.warehouse_file) as connection:
        connection.execute(
            "update billing.fct_invoice_candidates set amount = 99 where legal_entity_id = 'us'"
        )
    with pytest.raises(FreezeIncompleteError, match="INV-us-acme do not add up"):
        world.freeze()
    assert {"de:2026-10:r1": "frozen"} == states(world)


def test_a_line_that_is_not_rated_less_billed_is_refused(world):
    """Invariant 6."""
    world.build(Line(rated="100", before="0", amount="90"))
    with pytest.raises(CandidatesUnusableError, match=r"us\|acme\|tokens"):
        world.freeze()
    assert {} == states(world)


def test_a_key_may_be_split_over_lines_that_together_are_what_is_due(world):
    world.build(Line(amount="60"), Line(amount="40"))
    [revision] = world.freeze()
    assert Decimal("100.0000") == revision.totals[0].amount


def test_posting_keys_are_unique_and_change_with_the_revision(world):
    world.build(Line(), Line(customer_id="bolt"))
    keys = []
    for number in (1, 2):
        world.put_batches(*range(1, number + 1))
        [revision] = world.freeze()
        path = world.settings.register / revision.folder / "documents.parquet"
        keys += pq.read_table(path)["posting_key"].to_pylist()
    assert 4 == len(set(keys))
    assert all(POSTING_KEY_PATTERN.match(key) for key in keys)


def test_revision_json_says_what_the_manifest_says(world):
    [revision] = world.build(Line()).freeze()
    path = world.settings.register / revision.folder / "revision.json"
    assert dict(world.register.chain()[0].subject) == json.loads(path.read_bytes())
    assert {revision.revision_id: revision} == revisions_of(world.register.chain())


def test_an_entity_id_cannot_lead_out_of_the_register(world):
    world.build(Line(legal_entity_id="../../up"))
    [revision] = world.freeze()
    assert "revisions/%2E%2E%2F%2E%2E%2Fup/2026-10/r1" == revision.folder
    assert () == world.register.verify()


@pytest.mark.parametrize("period", ["2026-13", "2026-1", "October", "2026-10-01", "../x"])
def test_a_period_that_is_no_month_is_refused(world, period):
    with pytest.raises(PeriodInvalidError) as refused:
        world.freeze(billing_period=period)
    assert "period_invalid" == refused.value.code


def test_only_the_asked_entities_are_frozen_and_an_unknown_one_is_refused(world):
    world.build(Line(), Line(customer_id="bolt", legal_entity_id="de"))
    assert ["de"] == [each.legal_entity_id for each in world.freeze(legal_entity_ids=["de"])]
    with pytest.raises(CandidatesUnusableError, match="nowhere"):
        world.freeze(legal_entity_ids=["nowhere"])


def test_a_month_without_candidates_has_no_revision(world):
    assert [] == world.build().freeze()


def test_a_warehouse_without_marts_is_an_error_with_the_next_step(world):
    with pytest.raises(CandidatesUnusableError, match="Run the pipeline"):
        world.freeze()


def test_lines_rated_by_two_reference_versions_cannot_be_frozen(world):
    world.build(Line())
    with duckdb.connect(world.settings.warehouse_file) as connection:
        connection.execute(
            "insert into rating.fct_rated_lines select * replace "
            "('other' as reference_version) from rating.fct_rated_lines"
        )
    with pytest.raises(CandidatesUnusableError, match="one is needed"):
        world.freeze()
