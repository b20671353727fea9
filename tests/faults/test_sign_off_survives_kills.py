"""Freeze and sign-off, killed or starved at every durable step: nothing lost, nothing doubled."""

import errno
import json
import shutil
import subprocess
import sys
from decimal import Decimal
from itertools import count
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from billing_rows import Line
from billing_world import BillingWorld

from orchestration.billing.derived_rows import rebuild_from_register
from orchestration.billing.refusals import AlreadySignedError
from orchestration.billing.register import write_register_inputs
from orchestration.durable import RegisterWriteError
from orchestration.operations_db.tables import check_results, revisions, sign_offs

FOLDER = Path(__file__).resolve().parents[1] / "unit" / "billing"
LINES = [Line(), Line(charge_id="storage", rated="0.50"), Line(customer_id="bolt", rated="40.00")]
BILLED = {
    "us|acme|tokens|2026-10-01": Decimal("100.0000"),
    "us|acme|storage|2026-10-01": Decimal("0.5000"),
}
REVISION = "us:2026-10:r1"
SIGNING = {"revision_id": REVISION, "held_document_ids": ["INV-us-bolt"]}
REGISTER_STEPS = ("write ", "sync ", "link ")


@pytest.fixture(scope="module")
def processes():
    """Deeds in processes of their own; every answer says how each ended."""
    process = subprocess.Popen(
        [sys.executable, str(FOLDER / "billing_process.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(*deeds):
        process.stdin.write(json.dumps(deeds) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield run
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=60)


@pytest.fixture(scope="module")
def ready_to_freeze(tmp_path_factory):
    world = BillingWorld(tmp_path_factory.mktemp("ready") / "data")
    world.build(*LINES)
    world.engine.dispose()
    return world


@pytest.fixture(scope="module")
def ready_to_sign(ready_to_freeze, tmp_path_factory):
    world = copied(ready_to_freeze, tmp_path_factory.mktemp("frozen") / "data")
    world.freeze()
    world.engine.dispose()
    return world


def copied(world, folder):
    shutil.copytree(world.data_dir, folder)
    return BillingWorld(folder)


def rows(world, table):
    with world.engine.connect() as connection:
        return connection.execute(sa.select(table)).mappings().all()


def assert_frozen_once(world):
    assert () == world.register.verify()
    [freeze] = [each for each in world.register.chain() if each.kind == "freeze"]
    assert [(REVISION, freeze.sha256)] == [
        (row["revision_id"], row["register_manifest_sha256"]) for row in rows(world, revisions)
    ]
    assert 7 == len(rows(world, check_results))
    assert () == world.register.sweep()


def assert_signed_once(world):
    assert () == world.register.verify()
    [signature] = [each for each in world.register.chain() if each.kind == "sign"]
    assert [signature.sha256] == [row["manifest_sha256"] for row in rows(world, sign_offs)]
    assert ["signed"] == [row["state"] for row in rows(world, revisions)]
    assert BILLED == world.register.billed()
    assert 2 == world.register.entries().num_rows
    write_register_inputs(world.settings)
    held = pq.read_table(world.settings.warehouse_inputs / "held_documents.parquet")
    assert [Decimal("40.0000")] == held["amount"].to_pylist()
    assert () == world.register.sweep()


def test_a_freeze_killed_before_any_of_its_steps_is_whole_after_the_next_one(
    ready_to_freeze, processes, tmp_path
):
    for step in count():
        world = copied(ready_to_freeze, tmp_path / str(step))
        deed = {"data_dir": str(world.data_dir), "action": "freeze", "kill_at": step}
        [answer] = processes(deed)
        assert () == world.register.verify()
        rebuild_from_register(world.settings, world.engine)
        kinds = [manifest.kind for manifest in world.register.chain()]
        assert kinds in ([], ["freeze"])
        assert len(kinds) == len(rows(world, revisions))
        assert [REVISION] == [each.revision_id for each in world.freeze()]
        assert_frozen_once(world)
        world.engine.dispose()
        if answer["signal"] == 0:
            break
        assert 9 == answer["signal"]
    assert 20 < step


def test_a_signature_killed_before_any_of_its_steps_is_whole_or_nothing(
    ready_to_sign, processes, tmp_path
):
    """Invariant 10; issue: nothing lost, doubled or half-signed."""
    signed_by_the_killed = []
    for step in count():
        world = copied(ready_to_sign, tmp_path / str(step))
        deed = {
            "data_dir": str(world.data_dir),
            "action": "sign",
            "options": SIGNING,
            "kill_at": step,
        }
        [answer] = processes(deed)
        assert () == world.register.verify()
        assert world.register.billed() in ({}, BILLED)
        rebuild_from_register(world.settings, world.engine)
        is_signed = bool(world.register.billed())
        assert is_signed == (len(rows(world, sign_offs)) == 1)
        signed_by_the_killed.append(is_signed)
        if is_signed:
            with pytest.raises(AlreadySignedError):
                world.sign(**SIGNING)
        else:
            world.sign(**SIGNING)
        assert_signed_once(world)
        world.engine.dispose()
        if answer["signal"] == 0:
            break
        assert 9 == answer["signal"]
    assert [False, True] == sorted(set(signed_by_the_killed))
    assert sorted(signed_by_the_killed) == signed_by_the_killed


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "register_disk_full"),
        (errno.EROFS, "register_read_only"),
        (errno.EIO, "register_write_failed"),
    ],
)
def test_a_disk_that_fails_at_any_step_gives_a_clear_error_and_no_damage(
    ready_to_sign, tmp_path, number, code
):
    names = []
    world = copied(ready_to_sign, tmp_path / "counted")
    world.sign(**SIGNING, steps=names.append)
    world.engine.dispose()
    failing = [at for at, name in enumerate(names) if name.startswith(REGISTER_STEPS)]
    assert 10 < len(failing)
    for at in failing:
        world = copied(ready_to_sign, tmp_path / str(at))
        seen = []

        def fail(name, at=at, seen=seen):
            seen.append(name)
            if len(seen) == at + 1:
                raise OSError(number, "injected")

        with pytest.raises(RegisterWriteError) as failed:
            world.sign(**SIGNING, steps=fail)
        assert code == failed.value.code
        assert "run the same step again" in str(failed.value)
        assert () == world.register.verify()
        if not world.register.billed():
            world.sign(**SIGNING)
        rebuild_from_register(world.settings, world.engine)
        assert_signed_once(world)
        world.engine.dispose()


def test_of_many_signatures_at_once_one_wins_and_the_others_are_told(
    ready_to_sign, processes, tmp_path
):
    world = copied(ready_to_sign, tmp_path / "data")
    deed = {"data_dir": str(world.data_dir), "action": "sign", "options": SIGNING}
    answers = processes(deed, deed, deed, deed)
    assert ["already_signed"] * 3 + [f"{REVISION}:sign"] == sorted(
        answer["outcome"] for answer in answers
    )
    assert_signed_once(world)
    world.engine.dispose()


def test_a_signature_and_a_correction_on_demand_at_once_never_bill_both(
    ready_to_sign, processes, tmp_path
):
    """ledger.md: compare-and-set."""
    world = copied(ready_to_sign, tmp_path / "data")
    row = {"settlement_key": "us|acme|tokens|2026-10-01", "amount": "100"}
    answers = processes(
        {"data_dir": str(world.data_dir), "action": "sign", "options": SIGNING},
        {"data_dir": str(world.data_dir), "action": "record", "options": {"rows": [row]}},
    )
    assert 1 == [answer["outcome"] for answer in answers].count("register_moved")
    assert Decimal("100.0000") == world.register.billed()["us|acme|tokens|2026-10-01"]
    assert () == world.register.verify()
    world.engine.dispose()


def test_freezes_at_once_give_one_revision(ready_to_freeze, processes, tmp_path):
    world = copied(ready_to_freeze, tmp_path / "data")
    deed = {"data_dir": str(world.data_dir), "action": "freeze"}
    answers = processes(deed, deed, deed)
    outcomes = [answer["outcome"] for answer in answers]
    assert [REVISION] in outcomes
    assert {0} == {answer["signal"] for answer in answers}
    assert_frozen_once(world)
    world.engine.dispose()
