"""Records and waivers, killed at each durable step or signed two at once: whole or nothing."""

import shutil
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from billing_rows import NOW, VERSION, Line
from billing_world import OLIVIA, BillingWorld
from exception_house import history_row

from orchestration.billing.posting import plan_postings
from orchestration.billing.waivers import read_waivers
from orchestration.operations_db.tables import (
    exceptions,
    postings,
    reference_versions,
)

REVISION = "us:2026-10:r1"
INVOICE = "INV-us-acme"
POLICY = """
sign_off:
  approvers:
    - {name: olivia@example.com, legal_entities: all, up_to_amount: unlimited}
"""
EXTERNAL = {
    "kind": "external",
    "id": "r1",
    "document": INVOICE,
    "amount": "-10.05",
    "erp_document": "CM-7",
    "reason": "As agreed",
}
RELEASE = {
    "kind": "release",
    "id": "r2",
    "document": INVOICE,
    "amount": "100.50",
    "reason": "Never sent",
}


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A signed and planned invoice of 100.00 tokens and 0.50 storage, and an open exception."""
    world = BillingWorld(tmp_path_factory.mktemp("signed") / "data")
    world.build(Line(), Line(charge_id="storage", rated="0.50")).freeze()
    world.sign(REVISION)
    folder = world.settings.reference_versions / VERSION
    (folder / "source" / "policy.yml").write_text(POLICY)
    (folder / "version.json").write_text("{}")
    plan_postings(world.settings, world.engine, now=NOW)
    with world.engine.begin() as connection:
        version = {"reference_version": VERSION, "loaded_at": NOW, "content_sha256": "0"}
        connection.execute(sa.insert(reference_versions), [version])
        connection.execute(sa.insert(exceptions), [history_row("held")])
    world.engine.dispose()
    return world.data_dir


def recorded(world):
    return [
        (row["record_id"], row["settlement_key"], row["amount"])
        for row in world.register.entries().to_pylist()
        if row["record_id"] is not None
    ]


@pytest.mark.parametrize("record", [EXTERNAL, RELEASE], ids=["external", "release"])
def test_a_record_killed_before_any_step_is_in_the_register_whole_or_not_at_all(
    signed, processes, killed, record
):
    whole = None
    outcomes = []
    for folder in reversed(list(killed(signed, "record", records=[record]))):
        world = BillingWorld(folder)
        assert () == world.register.verify()
        found = recorded(world)
        whole = whole or found
        assert found in ([], whole)
        outcomes.append(bool(found))
        deed = {"data_dir": str(folder), "action": "record", "options": {"records": [record]}}
        [again] = processes(deed)
        assert (again["outcome"] == {"done": None}) == bool(found)
        assert whole == recorded(world)
        assert () == world.register.verify() + world.register.sweep()
        with world.engine.connect() as connection:
            states = connection.scalars(sa.select(postings.c.state)).all()
        assert ["abandoned" if record is RELEASE else "planned"] == states
        world.engine.dispose()
    assert len(whole) == 2
    assert outcomes == sorted(outcomes, reverse=True)
    assert {True, False} == set(outcomes)


def test_a_waiver_killed_before_any_step_is_given_or_is_not(signed, processes, killed):
    outcomes = set()
    for folder in killed(signed, "waive"):
        world = BillingWorld(folder)
        assert () == world.register.verify()
        waivers = read_waivers(world.settings.register, world.register.chain())
        outcomes.add(len(waivers))
        if not waivers:
            [again] = processes({"data_dir": str(folder), "action": "waive"})
            assert {"done": "held:w1"} == again["outcome"]
        assert ["held:w1"] == [
            waiver.waiver_id
            for waiver in read_waivers(world.settings.register, world.register.chain())
        ]
        assert () == world.register.verify() + world.register.sweep()
        world.engine.dispose()
    assert {0, 1} == outcomes


def test_a_signature_and_a_record_at_once_leave_one_sound_chain(signed, processes, tmp_path):
    """Two people sign records about one document: together they would credit more than it has."""
    folder = tmp_path / "data"
    shutil.copytree(signed, folder)
    records = [EXTERNAL | {"id": name, "amount": "-60"} for name in ("a", "b")]
    deeds = [
        {"data_dir": str(folder), "action": "record", "options": {"records": [record]}}
        for record in records
    ]
    outcomes = [answer["outcome"] for answer in processes(*deeds)]
    assert 1 == outcomes.count("credit_beyond_document")
    world = BillingWorld(folder)
    assert () == world.register.verify()
    assert Decimal("40.5000") == sum(world.register.billed().values())
    world.engine.dispose()


def test_a_next_signature_and_a_release_at_once_never_bill_twice(signed, processes, tmp_path):
    """ledger.md: compare-and-set, between a monthly run and a record."""
    folder = tmp_path / "data"
    shutil.copytree(signed, folder)
    world = BillingWorld(folder)
    line = Line(before="100.00", rated="120.00")
    with world.warehouse():
        world.put_candidates(line)
    [correction] = world.freeze(now=NOW + timedelta(hours=2))
    world.engine.dispose()
    outcomes = [
        answer["outcome"]
        for answer in processes(
            {
                "data_dir": str(folder),
                "action": "sign",
                "options": {"revision_id": correction.revision_id},
            },
            {"data_dir": str(folder), "action": "record", "options": {"records": [RELEASE]}},
        )
    ]
    kinds = [manifest.kind for manifest in world.register.chain()][-1:]
    told = [outcome for outcome in outcomes if "done" not in outcome]
    assert 1 == len(told)
    assert told[0] in {"register_moved", "document_corrected", "record_unfit", "revision_stale"}
    assert kinds in (["sign"], ["record"])
    assert () == world.register.verify()


def test_the_signer_of_these_tests_may_sign():
    assert OLIVIA.name in POLICY
