"""The audit log, killed at every durable step: a sound chain, with each deed in it once."""

import json
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from billing_rows import NOW, Line
from billing_world import BillingWorld

from orchestration.audit import AuditLog, catch_up
from orchestration.audit.inspection import inspect_log

FOLDER = Path(__file__).resolve().parents[1] / "unit" / "billing"
DEEDS = [("freeze", 1), ("sign", 2), ("hold", 2)]
SIGNING = {"revision_id": "us:2026-10:r1", "held_document_ids": ["INV-us-bolt"]}


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
def frozen(tmp_path_factory):
    """A frozen revision that the log tells of."""
    world = BillingWorld(tmp_path_factory.mktemp("frozen") / "data")
    world.build(Line(), Line(customer_id="bolt")).freeze()
    caught_up(world)
    world.engine.dispose()
    return world


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A frozen and signed revision, of which the log tells nothing yet."""
    world = BillingWorld(tmp_path_factory.mktemp("signed") / "data")
    world.build(Line(), Line(customer_id="bolt")).freeze()
    world.sign(**SIGNING)
    world.engine.dispose()
    return world


def copied(world, folder):
    shutil.copytree(world.data_dir, folder)
    return BillingWorld(folder)


def caught_up(world):
    return catch_up(world.settings, world.engine, clock=lambda: NOW)


def told(world):
    return [
        (entry.deed.action, entry.deed.commit.sequence)
        for entry in AuditLog(world.settings.audit).entries()
    ]


def assert_sound_and_whole(world):
    state = inspect_log(world.settings, world.engine)
    assert ((), 0, True) == (state.problems, state.unanchored_count, state.is_caught_up)
    assert DEEDS == told(world)


def test_a_process_killed_before_any_step_of_an_append_loses_and_doubles_nothing(
    signed, processes, tmp_path
):
    unanchored, unfinished = set(), set()
    for step in count():
        world = copied(signed, tmp_path / str(step))
        deed = {"data_dir": str(world.data_dir), "action": "catch_up", "kill_at": step}
        [answer] = processes(deed)
        state = inspect_log(world.settings, world.engine)
        assert () == state.problems
        assert state.entry_count in (0, len(DEEDS))
        unanchored.add(state.unanchored_count)
        unfinished.add(state.unfinished_count)
        caught_up(world)
        assert_sound_and_whole(world)
        world.engine.dispose()
        if answer["signal"] == 0:
            break
        assert 9 == answer["signal"]
    assert step > 5
    assert {0, len(DEEDS)} == unanchored
    assert {0, 1} == unfinished


def test_a_signature_killed_before_any_step_is_in_the_log_exactly_where_it_is_in_the_register(
    frozen, processes, tmp_path
):
    outcomes = set()
    for step in count():
        world = copied(frozen, tmp_path / str(step))
        deed = {"data_dir": str(world.data_dir), "action": "sign", "options": SIGNING}
        [answer] = processes(deed | {"kill_at": step})
        is_signed = bool(world.register.billed())
        caught_up(world)
        assert (DEEDS if is_signed else DEEDS[:1]) == told(world)
        if not is_signed:
            world.sign(**SIGNING)
            caught_up(world)
        assert_sound_and_whole(world)
        outcomes.add(is_signed)
        world.engine.dispose()
        if answer["signal"] == 0:
            break
    assert {False, True} == outcomes


def test_processes_that_catch_up_at_once_write_each_deed_once(signed, processes, tmp_path):
    world = copied(signed, tmp_path / "data")
    deed = {"data_dir": str(world.data_dir), "action": "catch_up"}
    answers = processes(deed, deed, deed, deed)
    assert [[], [], [], [action for action, _ in DEEDS]] == sorted(
        (answer["outcome"] for answer in answers), key=len
    )
    assert_sound_and_whole(world)
    world.engine.dispose()
