"""A crash leaves nothing visible, a rerun loads all once, a replay moves what is repaired."""

import multiprocessing
import shutil
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from orchestration.ingest import IngestionBusyError, sweep_uncommitted
from orchestration.ingest import load as load_module
from orchestration.ingest.batch_folder import BatchFolder
from orchestration.ingest.load import ingestion_lock
from orchestration.ingest.loading import Loading
from orchestration.ingest.refusals import RawFilesUnlistedError
from orchestration.ingest.slab_files import SlabFiles
from orchestration.operations_db import open_operations, write_operations_inputs
from orchestration.operations_db.tables import (
    file_sightings,
    ingestion_batches,
    ingestion_files,
    raw_parts,
)

LATER = datetime(2026, 12, 21, tzinfo=UTC)


class PowerCutError(BaseException):
    """Ends a run as a crash would."""


def cut_after(owner, name, monkeypatch):
    """Let a step run to its end and then cut the power."""
    step = getattr(owner, name)

    def cut(*arguments, **keywords):
        step(*arguments, **keywords)
        raise PowerCutError

    monkeypatch.setattr(owner, name, cut)


def cut_before(owner, name, monkeypatch):
    def cut(*_arguments, **_keywords):
        raise PowerCutError

    monkeypatch.setattr(owner, name, cut)


STEPS = {
    "after the folder was made": (BatchFolder, "create", cut_after),
    "after a slab was written": (SlabFiles, "write_events", cut_after),
    "after the exact path": (Loading, "_judge", cut_after),
    "after the rejects": (SlabFiles, "write_rejects", cut_after),
    "after everything was written": (Loading, "write", cut_after),
    "after the files were moved": (BatchFolder, "publish", cut_after),
    "before the transaction": (load_module, "commit_load", cut_before),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_before_the_commit_leaves_nothing_and_a_rerun_loads_everything_once(
    landing, monkeypatch, step
):
    """Invariant 9."""
    landing.put("a.jsonl", f"{landing.line()}\n{{\n{landing.line(id='e-2')} \n")
    owner, name, cut = STEPS[step]
    with monkeypatch.context() as patch:
        cut(owner, name, patch)
        with pytest.raises(PowerCutError):
            landing.load()
    assert ([], []) == (landing.parts("events"), landing.table(ingestion_batches))
    result = landing.load()
    assert (1, 3, 2, 1) == (
        result.ingestion_batch_id,
        result.lines_read,
        result.lines_accepted,
        result.lines_rejected,
    )
    assert ["e-1", "e-2"] == [row["event_id"] for row in landing.rows("events")]
    listed = {
        path for kind in ("events", "keys", "rejects", "affected") for path in landing.parts(kind)
    }
    assert listed == set(landing.settings.raw.rglob("*.parquet"))


def test_what_no_manifest_lists_is_swept_and_what_it_lists_stays(landing):
    landing.put("a.jsonl", landing.line())
    landing.load()
    stray = landing.settings.raw / "events" / "ingestion_batch_id=2" / "event_date=2026-10-31"
    stray.mkdir(parents=True)
    (stray / "part-0-0.parquet").write_bytes(b"half")
    assert [stray / "part-0-0.parquet"] == sweep_uncommitted(landing.settings, landing.engine)
    assert not stray.parent.exists()
    assert 1 == len(landing.rows("events"))


def hold(settings, held, release):
    with ingestion_lock(settings):
        held.set()
        release.wait(30)


def test_two_processes_never_load_at_once(landing):
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=hold, args=(landing.settings, held, release))
    other.start()
    try:
        assert held.wait(30)
        with pytest.raises(IngestionBusyError):
            landing.load()
    finally:
        release.set()
        other.join()
    assert () == landing.load().files


def replayable(landing):
    landing.put(
        "a.jsonl",
        "\n".join(
            [
                landing.line(),
                landing.line(id="later", type="job.run", data={"seconds": 5}),
                landing.line(id="ahead", time="2026-11-25T00:00:00Z"),
                "{",
            ]
        ),
    )
    landing.put(
        "b.csv",
        "id,source,subject,time,type,seconds\nc-1,/g,t,2026-10-31T00:00:00Z,job.run,7\nshort\n",
    )
    landing.load()
    assert ["unknown_contract", "time_in_future", "broken_json", "unknown_contract"] == [
        code for code in landing.reject_codes() if code != "csv_field_count"
    ]


def test_lines_that_a_new_contract_accepts_become_a_batch_under_their_file_and_line(landing):
    """Invariant 1."""
    replayable(landing)
    landing.contract(
        "job.run", "1", {"type": "object", "properties": {"seconds": {"type": "integer"}}}
    )
    result = landing.replay()
    assert (2, 5, 2, 3) == (
        result.ingestion_batch_id,
        result.lines_read,
        result.lines_accepted,
        result.lines_rejected,
    )
    assert [(2, 1, 2, "later", 5), (2, 2, 2, "c-1", 7)] == [
        (
            row["ingestion_batch_id"],
            row["file_id"],
            row["line_number"],
            row["event_id"],
            row["q_seconds"],
        )
        for row in landing.rows("events")
        if row["ingestion_batch_id"] == 2
    ]
    assert [(4, 2, 2), (2, 1, 1)] == [
        (row["lines_read"], row["lines_accepted"], row["lines_rejected"])
        for row in landing.table(ingestion_files)
    ]
    assert ["load", "replay"] == [row["batch_kind"] for row in landing.table(ingestion_batches)]


def test_replaying_twice_changes_nothing_and_time_alone_may_repair_a_line(landing):
    """Invariant 9."""
    replayable(landing)
    assert None is landing.replay().ingestion_batch_id
    later = landing.replay(now=LATER)
    assert (2, 1) == (later.ingestion_batch_id, later.lines_accepted)
    again = landing.replay(now=LATER)
    assert (None, 0, 4) == (again.ingestion_batch_id, again.lines_accepted, again.lines_rejected)
    assert 2 == len(landing.table(ingestion_batches))


def test_the_rejects_that_dbt_sees_are_those_that_still_stand(landing):
    replayable(landing)
    landing.replay(now=LATER)
    write_operations_inputs(landing.settings, landing.engine)
    seen = pq.read_table(landing.settings.warehouse_inputs / "rejects.parquet").to_pylist()
    assert [(1, 2), (1, 4), (2, 2), (2, 3)] == sorted(
        (row["file_id"], row["line_number"]) for row in seen
    )


def test_the_rejects_that_dbt_sees_are_read_from_raw_only_when_there_are_others(landing):
    """Without news raw files may be elsewhere; a file that is not whole is written again."""
    replayable(landing)
    write_operations_inputs(landing.settings, landing.engine)
    seen = landing.settings.warehouse_inputs / "rejects.parquet"
    rejects, away = landing.settings.raw / "rejects", landing.settings.raw / "elsewhere"
    first = seen.read_bytes()
    rejects.rename(away)
    write_operations_inputs(landing.settings, landing.engine)
    assert (5, first) == (pq.read_metadata(seen).num_rows, seen.read_bytes())
    seen.write_bytes(first[:-1])
    with pytest.raises(FileNotFoundError):
        write_operations_inputs(landing.settings, landing.engine)
    away.rename(rejects)
    write_operations_inputs(landing.settings, landing.engine)
    assert 5 == pq.read_table(seen).num_rows
    landing.replay(now=LATER)
    write_operations_inputs(landing.settings, landing.engine)
    assert 4 == pq.read_table(seen).num_rows


def test_a_line_that_was_too_long_is_taken_once_the_setting_allows_it(landing):
    landing.set(max_line_bytes=1024)
    landing.put("a.jsonl", landing.line(subject="s" * 2000))
    landing.load()
    assert ["line_too_long"] == landing.reject_codes()
    landing.set(max_line_bytes=4096)
    assert 1 == landing.replay().lines_accepted


MANIFEST = (ingestion_batches, ingestion_files, file_sightings, raw_parts)


def lose_the_database(landing):
    landing.engine.dispose()
    for path in landing.settings.data_dir.glob("operations.db*"):
        path.unlink()
    landing.engine = open_operations(landing.settings)


def three_batches(landing):
    """Two loads, one of a file that is refused, and a replay."""
    replayable(landing)
    landing.put("c.jsonl", landing.line(id="e-9"))
    landing.put("d.csv", b"\xff\xfe broken")
    landing.load()
    landing.contract(
        "job.run", "1", {"type": "object", "properties": {"seconds": {"type": "integer"}}}
    )
    landing.replay()


def test_a_lost_manifest_is_the_same_when_the_database_is_opened_again(landing):
    """Invariants 1 and 9: batches, files with their counts after the replay, sightings, parts."""
    three_batches(landing)
    before = [landing.table(table) for table in MANIFEST]
    files = sorted(landing.settings.raw.rglob("*.parquet"))
    assert 3 == len(before[0])
    lose_the_database(landing)
    assert before == [landing.table(table) for table in MANIFEST]
    assert () == landing.load().files
    assert files == sorted(landing.settings.raw.rglob("*.parquet"))
    landing.put("e.jsonl", landing.line(id="e-10"))
    assert 4 == landing.load().ingestion_batch_id


def test_raw_files_that_nothing_lists_any_more_are_never_swept(landing):
    """Neither the database nor the journal: better no load than no events."""
    three_batches(landing)
    files = sorted(landing.settings.raw.rglob("*.parquet"))
    shutil.rmtree(landing.settings.register)
    lose_the_database(landing)
    with pytest.raises(RawFilesUnlistedError) as refused:
        landing.load()
    assert "Restore register/journals" in str(refused.value)
    assert files == sorted(landing.settings.raw.rglob("*.parquet"))
    assert [] == landing.table(ingestion_batches)
