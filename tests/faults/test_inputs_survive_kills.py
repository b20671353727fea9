"""What dbt reads, and the differences of a signed month, killed at every change of the disk."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from itertools import count, pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from billing_rows import NOW, PERIOD, QUIET_DATE, Line, entries_table
from billing_world import BillingWorld

from orchestration.operations_db.tables import ingestion_batches, raw_parts
from orchestration.price_book import load_reference
from orchestration.reports.verification import verify_installation

FOLDER = Path(__file__).resolve().parent
UNIT = FOLDER.parent / "unit"
REVISION = "us:2026-10:r1"
LOOKED_AT_AGAIN = 8
"""Of so many kills one is followed by another run, since that is what takes time."""


@pytest.fixture(scope="module")
def processes():
    process = subprocess.Popen(
        [sys.executable, str(FOLDER / "inputs_process.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(UNIT / "billing")},
    )

    def run(folder, action, kill_at=None):
        deed = {"data_dir": str(folder), "action": action}
        deeds = [deed if kill_at is None else deed | {"kill_at": kill_at}]
        process.stdin.write(json.dumps(deeds) + "\n")
        process.stdin.flush()
        [answer] = json.loads(process.stdout.readline())
        assert answer["signal"] or "done" in answer["outcome"], answer
        return answer

    yield run
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=60)


@pytest.fixture(scope="module")
def signed(tmp_path_factory, processes):
    """A signed month whose raw files and reference version are there, and dbt's inputs of then.

    Since then usage was loaded, another reference version is in force, and a record was signed.
    """
    world = BillingWorld(tmp_path_factory.mktemp("signed") / "data")
    folder = world.settings.reference_dir
    shutil.copytree(UNIT / "price_book" / "reference", folder)
    version = load_reference(world.settings, world.engine, now=NOW - timedelta(days=1), author="a")
    with world.warehouse():
        world.put_batches(1, 2)
        put_raw_files(world)
        world.put_candidates(Line(), version=version.reference_version)
        world.put_expiring()
        world.put_conservation()
        world.put_source_days((QUIET_DATE, PERIOD, NOW, "quiet"))
        world.put_control_totals()
        world.put_exceptions()
        world.put_decisions()
    world.freeze()
    world.policy = world.policy.model_copy(update={"four_eyes": False})
    world.sign(REVISION)
    processes(world.data_dir, "write")
    policy = folder / "policy.yml"
    policy.write_text(policy.read_text() + "exceptions: {age_limits_days: {default: 7}}\n")
    load_reference(world.settings, world.engine, now=NOW, author="a")
    with world.engine.begin() as connection:
        late = {"started_at": NOW, "committed_at": NOW, "file_count": 1}
        lines = {"lines_read": 3, "lines_accepted": 3, "lines_rejected": 0}
        row = late | lines | {"ingestion_batch_id": 3}
        connection.execute(sa.insert(ingestion_batches), [row])
    with world.register.writing() as session:
        subject = {"author": "jonas@example.com", "signer": "olivia@example.com", "records": []}
        goodwill = {"entry_kind": "concession", "record_id": "r1", "document_id": None}
        session.commit(kind="record", subject=subject, now=NOW, entries=entries_table(goodwill))
    world.engine.dispose()
    return world.data_dir


def put_raw_files(world):
    """Make the raw files that batches list exist, with their digests."""
    with world.engine.begin() as connection:
        for (path,) in connection.execute(sa.select(raw_parts.c.path)).fetchall():
            content = path.encode()
            (world.data_dir / path).parent.mkdir(parents=True)
            (world.data_dir / path).write_bytes(content)
            digest = {"content_sha256": hashlib.sha256(content).hexdigest()}
            connection.execute(sa.update(raw_parts).where(raw_parts.c.path == path).values(digest))


def copies(data_dir, folder, processes, action):
    """Copies of a data directory, in each of which a step was killed before its next change.

    The last one is where it was not killed.
    """
    for step in count():
        copy = folder / f"{action}-{step}"
        shutil.copytree(data_dir, copy, symlinks=True)
        answer = processes(copy, action, kill_at=step)
        yield copy
        if answer["signal"] == 0:
            return


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }


def truth(data_dir):
    """What cannot be rebuilt, by file; journals and the log are added to by whoever comes next."""
    return {
        name: digest
        for folder in ("raw", "register", "reference")
        for name, digest in digests(data_dir / folder).items()
        if "journals" not in name
    }


def test_inputs_killed_before_any_change_are_whole_files_of_then_or_now(
    signed, tmp_path, processes
):
    """Invariant 9: the next step writes them as if nothing had happened."""
    then, kept = digests(signed / "warehouse" / "inputs"), truth(signed)
    whole = tmp_path / "whole"
    shutil.copytree(signed, whole, symlinks=True)
    processes(whole, "write")
    now = digests(whole / "warehouse" / "inputs")
    changed = {name for name in now if now[name] != then[name]}
    assert {"register_entries.parquet", "ingestion_batches.parquet"} <= changed
    assert {"reference_versions.parquet", "exception_age_limits.parquet"} <= changed
    states = []
    for folder in copies(signed, tmp_path, processes, "write"):
        found = digests(folder / "warehouse" / "inputs")
        beside = {name for name in found if name.startswith(".")}
        assert len(beside) <= 1
        assert now.keys() == found.keys() - beside
        assert all(found[name] in (then[name], now[name]) for name in now)
        states.append(frozenset(name for name in changed if found[name] == now[name]))
        assert kept == truth(folder)
        if len(states) % LOOKED_AT_AGAIN == 1:
            processes(folder, "write")
            assert now == digests(folder / "warehouse" / "inputs")
        shutil.rmtree(folder)
    assert (frozenset(), frozenset(changed)) == (states[0], states[-1])
    assert all(before <= after for before, after in pairwise(states))
    assert len(set(states)) == len(changed) + 1


def rows_of(folder, name):
    """How many rows of a re-rating dbt would read."""
    return pq.read_metadata(folder / "warehouse" / "inputs" / f"rerating_{name}.parquet").num_rows


def test_differences_killed_before_any_change_are_found_by_the_next_run(
    signed, tmp_path, processes
):
    """No scratch folder is left behind for good, and no link out of one leads to harm."""
    kept = truth(signed)
    whole = tmp_path / "whole"
    shutil.copytree(signed, whole, symlinks=True)
    expected = processes(whole, "differ")["outcome"]
    assert ["late_usage", "100.0000"] in expected["done"]
    report = whole / "reports" / "rerating" / "2026-10.csv"
    has_left_a_folder = 0
    for number, folder in enumerate(copies(signed, tmp_path, processes, "differ")):
        assert kept == truth(folder)
        has_left_a_folder += (folder / "warehouse" / "rerated").exists()
        assert rows_of(folder, "steps") in (0, rows_of(whole, "steps"))
        assert not rows_of(folder, "steps") or rows_of(folder, "states") == rows_of(whole, "states")
        if number % LOOKED_AT_AGAIN == 0:
            assert expected == processes(folder, "differ")["outcome"]
            assert not (folder / "warehouse" / "rerated").exists()
            again = folder / "reports" / "rerating" / "2026-10.csv"
            assert report.read_bytes() == again.read_bytes()
            assert kept == truth(folder)
        shutil.rmtree(folder)
    assert has_left_a_folder > 3


def test_the_signed_month_of_these_tests_is_sound(signed):
    world = BillingWorld(signed)
    unsound = [each for each in verify_installation(world.settings) if not each.is_sound]
    world.engine.dispose()
    assert {f"folder {world.settings.landing_usage}"} == {each.subject for each in unsound}
