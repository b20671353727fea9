"""Loading files of control totals: one batch, all or nothing, nothing lost, found again."""

import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landing_folder import NOW, Landing, open_landing

from orchestration.actors import Actor
from orchestration.audit import catch_up
from orchestration.audit.log import AuditLog
from orchestration.control_totals import (
    ControlTotalsRefusedError,
    load_control_totals,
    refuse_unloaded,
)
from orchestration.ingest.batch_folder import LISTED_KINDS
from orchestration.operations_db import inspect_journals, open_operations
from orchestration.operations_db.tables import (
    file_sightings,
    ingestion_batches,
    ingestion_files,
    raw_parts,
)
from orchestration.price_book import ReferenceVersion
from orchestration.price_book.source_tables import CONTROL_TOTAL_MEASURES

HEADER = "source_prefix,usage_date,measure,quantity\n"
DAY = date(2026, 10, 31)
INES = Actor(name="ines", source="self_declared", run_id="run-1")


class PowerCutError(BaseException):
    """Ends a run as a crash would."""


class Totals:
    """A data directory whose source /gateway/ states events and bytes."""

    def __init__(self, landing: Landing):
        self.landing = landing
        self.folder = landing.settings.data_dir / "landing" / "totals" / "gateway"
        version = landing.settings.reference_versions / "v1"
        rows = [
            {
                "source_prefix": "/gateway/",
                "system_id": "gateway",
                "measure": measure,
                "grace_hours": 36,
                "is_expected_daily": False,
                "landing_folder": "totals/gateway",
                "reference_version": "v1",
            }
            for measure in ("events", "bytes")
        ]
        (version / "tables").mkdir(parents=True, exist_ok=True)
        pq.write_table(
            pa.Table.from_pylist(rows, schema=CONTROL_TOTAL_MEASURES),
            version / "tables" / "control_total_measures.parquet",
        )
        self.reference = ReferenceVersion("v1", version, is_new=False)

    def put(self, name, *lines):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + "".join(f"{line}\n" for line in lines))
        return path

    def load(self, *paths, now=NOW, **given):
        return load_control_totals(
            self.landing.settings,
            self.landing.engine,
            reference=self.reference,
            now=now,
            actor=INES,
            paths=paths or None,
            **given,
        )

    def stated(self):
        return [
            (row["ingestion_batch_id"], row["file_id"], row["measure"], row["quantity"])
            for row in self.landing.rows("control_totals")
        ]

    def batches(self):
        return [row["batch_kind"] for row in self.landing.table(ingestion_batches)]

    def refused(self):
        return [
            (row["path"], row["code"], row["superseded_at"] is None)
            for row in self.landing.table(ingestion_files)
            if row["status"] == "refused"
        ]


@pytest.fixture
def here(tmp_path):
    opened = Totals(open_landing(tmp_path / "data"))
    yield opened
    opened.landing.engine.dispose()


def test_files_of_a_folder_become_one_batch_that_keeps_them_byte_for_byte(here):
    first = here.put("a.csv", "/gateway/,2026-10-30,events,4")
    second = here.put("b.csv", "/gateway/,2026-10-31,events,5", "/gateway/,2026-10-31,bytes,0.5")
    loaded = here.load()
    assert (1, 3) == (loaded.ingestion_batch_id, loaded.total_count)
    assert [
        (1, 1, "events", Decimal(4)),
        (1, 2, "events", Decimal(5)),
        (1, 2, "bytes", Decimal("0.5")),
    ] == here.stated()
    kept = here.landing.rows("control_total_files")
    assert [first.read_bytes(), second.read_bytes()] == [row["content"] for row in kept]
    assert [("landing/totals/gateway/a.csv", "ines", "run-1")] * 1 == [
        (row["path"], row["loaded_by"], row["run_id"]) for row in kept[:1]
    ]
    [batch] = here.landing.table(ingestion_batches)
    assert ("control_totals", 2, 0) == (
        batch["batch_kind"],
        batch["file_count"],
        batch["lines_read"],
    )


def test_a_batch_of_totals_makes_nothing_due(here):
    """decisions/0012: what is due follows the last batch, and totals bring no usage."""
    here.landing.put("usage.jsonl", f"{here.landing.line()}\n")
    here.landing.load(now=NOW)
    here.put("a.csv", "/gateway/,2026-10-31,events,5")
    here.load(now=NOW + timedelta(days=40))
    usage, totals = here.landing.table(ingestion_batches)
    assert usage["started_at"] == totals["started_at"]
    assert NOW + timedelta(days=40) == totals["committed_at"]


def test_loading_again_changes_nothing(here):
    """Invariant 9."""
    path = here.put("a.csv", "/gateway/,2026-10-31,events,5")
    here.load()
    sightings = len(here.landing.table(file_sightings))
    assert (None, ()) == ((again := here.load()).ingestion_batch_id, again.files)
    assert sightings == len(here.landing.table(file_sightings))
    [same] = here.load(path).files
    assert "same_content" == same.outcome
    assert "a file of other content" in same.detail
    assert 1 == len(here.stated())


def test_a_file_with_a_fault_counts_for_nothing_and_the_others_do(here):
    """Invariant 12."""
    bad = here.put("a.csv", "/gateway/,2026-10-31,events,5", "/gateway/,2026-10-30,events,x")
    here.put("b.csv", "/gateway/,2026-10-31,bytes,7")
    loaded = here.load()
    assert [(1, 2, "bytes", Decimal(7))] == here.stated()
    assert [("landing/totals/gateway/a.csv", "control_totals_refused", True)] == here.refused()
    with pytest.raises(ControlTotalsRefusedError, match=r"a\.csv: nothing(.|\n)*line 3, quantity"):
        refuse_unloaded(loaded)
    here.put(bad.name, "/gateway/,2026-10-31,events,5", "/gateway/,2026-10-30,events,6")
    here.load()
    assert [False] == [is_open for *_, is_open in here.refused()]
    assert 3 == len(here.stated())


def test_loading_usage_leaves_refused_totals_listed_and_the_other_way_round(here):
    here.put("a.csv", "/gateway/,2026-10-30,events,x")
    here.load()
    here.landing.put("usage.txt", "x")
    here.landing.load()
    here.load()
    assert [
        ("landing/totals/gateway/a.csv", True),
        ("landing/usage/usage.txt", True),
    ] == [(path, is_open) for path, _, is_open in here.refused()]
    (here.folder / "a.csv").unlink()
    here.load()
    assert [False, True] == [is_open for *_, is_open in here.refused()]


def test_two_files_of_one_run_that_contradict_each_other_count_neither_until_one_is_named(here):
    here.put("a.csv", "/gateway/,2026-10-31,events,5", "/gateway/,2026-10-30,events,1")
    later = here.put("b.csv", "/gateway/,2026-10-31,events,6")
    here.put("c.csv", "/gateway/,2026-10-29,events,2")
    loaded = here.load()
    assert [(1, 3, "events", Decimal(2))] == here.stated()
    assert "b.csv" in loaded.files[0].detail
    here.load(later)
    assert Decimal(6) == here.stated()[-1][-1]


def test_files_that_agree_may_state_the_same(here):
    here.put("a.csv", "/gateway/,2026-10-31,events,5")
    here.put("b.csv", "/gateway/,2026-10-31,events,5", "/gateway/,2026-10-30,events,1")
    assert 3 == here.load().total_count


@pytest.mark.parametrize("name", ["totals.parquet", "totals.csv.gz", "totals.txt"])
def test_another_format_is_refused(here, name):
    path = here.folder / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    [found] = here.load().files
    assert "refused" == found.outcome
    assert [] == here.stated()


def test_a_file_that_is_still_being_written_waits_for_the_next_run(here):
    here.landing.set(settle_seconds=60)
    path = here.put("a.csv", "/gateway/,2026-10-31,events,5")
    assert ["still_being_written"] == [each.outcome for each in here.load().files]
    settled = datetime.now(UTC).timestamp() - 3600
    os.utime(path, (settled, settled))
    assert 1 == here.load().ingestion_batch_id


def test_a_later_total_is_another_batch_and_the_earlier_one_stays(here):
    here.put("a.csv", "/gateway/,2026-10-31,events,5")
    here.load()
    here.put("a.csv", "/gateway/,2026-10-31,events,6")
    assert ["changed_content"] == [each.outcome for each in here.load().files]
    assert [(1, 1, "events", Decimal(5)), (2, 2, "events", Decimal(6))] == here.stated()
    assert ["control_totals", "control_totals"] == here.batches()


def test_a_load_killed_at_any_step_leaves_nothing_half_done(tmp_path):
    """Invariant 9."""

    def made(name):
        here = Totals(open_landing(tmp_path / name))
        here.put("a.csv", "/gateway/,2026-10-31,events,5", "/gateway/,2026-10-31,bytes,7")
        return here

    whole = made("whole")
    names = []
    whole.load(steps=names.append)
    outcomes = []
    for number in range(len(names)):
        here = made(str(number))
        reached = []

        def cut(name, reached=reached, number=number):
            reached.append(name)
            if len(reached) > number:
                raise PowerCutError

        with pytest.raises(PowerCutError):
            here.load(steps=cut)
        here.landing.engine.dispose()
        here.landing.engine = open_operations(here.landing.settings)
        outcomes.append(len(here.batches()))
        here.load()
        assert ["control_totals"] == here.batches()
        assert whole.stated() == here.stated()
        listed = {path for kind in LISTED_KINDS for path in here.landing.parts(kind)}
        assert listed == set(here.landing.settings.raw.rglob("*.parquet"))
        assert [] == inspect_journals(here.landing.settings, here.landing.engine)[1]
        here.landing.engine.dispose()
    whole.landing.engine.dispose()
    assert {0, 1} == set(outcomes)
    assert sorted(outcomes) == outcomes


def test_totals_survive_the_loss_of_the_operations_database(here):
    here.put("a.csv", "/gateway/,2026-10-31,events,5")
    here.load()
    before = [here.landing.table(table) for table in (ingestion_batches, raw_parts)]
    here.landing.engine.dispose()
    for path in here.landing.settings.data_dir.glob("operations.db*"):
        path.unlink()
    here.landing.engine = open_operations(here.landing.settings)
    assert before == [here.landing.table(table) for table in (ingestion_batches, raw_parts)]


def test_who_loaded_which_file_enters_the_audit_log_once(here):
    here.put("a.csv", "/gateway/,2026-10-31,events,5")
    here.load()

    def caught_up():
        return catch_up(here.landing.settings, here.landing.engine, clock=lambda: NOW)

    [entry] = caught_up()
    deed = entry.deed
    assert ("load_totals", "ingestion_batch", "1", INES) == (
        deed.action,
        deed.object_kind,
        deed.object_id,
        deed.actor,
    )
    [file] = deed.details["files"]
    assert "landing/totals/gateway/a.csv" == file["path"]
    assert () == caught_up()
    here.landing.engine.dispose()
    for path in here.landing.settings.data_dir.glob("operations.db*"):
        path.unlink()
    here.landing.engine = open_operations(here.landing.settings)
    assert () == caught_up()
    assert 1 == len(AuditLog(here.landing.settings.audit).entries())
