"""Every other step that keeps something, killed at each of its durable steps: whole or nothing."""

import shutil
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import sqlalchemy as sa
from billing_rows import NOW
from exception_house import history_row
from landing_folder import open_landing

from orchestration.billing.rerating_inputs import (
    BASE_SCHEMA,
    STATE_SCHEMA,
    STEP_SCHEMA,
    put_rerating,
    write_rerating_inputs,
)
from orchestration.exceptions.history import keep_exceptions, read_history
from orchestration.operations_db import inspect_journals, open_operations
from orchestration.operations_db.column_types import arrow_type_of
from orchestration.operations_db.tables import (
    exceptions,
    ingestion_batches,
    ingestion_files,
    reference_versions,
)
from orchestration.price_book import current_reference, load_reference
from orchestration.reports.publication import COPIES_KEPT, open_published, publish
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse


@pytest.fixture(scope="module")
def landed(tmp_path_factory):
    here = open_landing(tmp_path_factory.mktemp("landed") / "data")
    here.put("first.jsonl", f"{here.line(id='e-0')}\n")
    here.load()
    here.put("a.jsonl", f"{here.line()}\n{{\n{here.line(id='e-2')}\n")
    here.engine.dispose()
    return here


def reopened(landed, folder):
    settings = landed.settings.model_copy(update={"data_dir": folder})
    return type(landed)(settings, open_operations(settings), landed.contracts)


def test_a_load_killed_before_any_step_counts_every_line_once(landed, killed):
    """Invariants 1 and 9."""
    outcomes = []
    for folder in killed(landed.settings.data_dir, "load"):
        here = reopened(landed, folder)
        outcomes.append(len(here.table(ingestion_batches)))
        here.load()
        assert [1, 2] == [row["ingestion_batch_id"] for row in here.table(ingestion_batches)]
        assert [(1, 1, 0), (3, 2, 1)] == [
            (row["lines_read"], row["lines_accepted"], row["lines_rejected"])
            for row in here.table(ingestion_files)
        ]
        assert ["e-0", "e-1", "e-2"] == [row["event_id"] for row in here.rows("events")]
        listed = {
            path for kind in ("events", "keys", "rejects", "affected") for path in here.parts(kind)
        }
        assert listed == set(here.settings.raw.rglob("*.parquet"))
        assert (2, []) == inspect_journals(here.settings, here.engine)
        here.engine.dispose()
    assert len(outcomes) > 8
    assert [1] * outcomes.count(1) + [2] * outcomes.count(2) == outcomes
    assert outcomes.count(2) > 1


def test_a_load_that_was_killed_as_it_committed_is_known_to_who_opened_the_database_before(
    landed, processes, tmp_path
):
    """Its files must not be swept by a process that never saw their rows."""
    for step in count():
        folder = tmp_path / str(step)
        shutil.copytree(landed.settings.data_dir, folder)
        here = reopened(landed, folder)
        deed = {"data_dir": str(folder), "action": "load", "kill_at": step}
        [answer] = processes(deed)
        here.load()
        assert ["e-0", "e-1", "e-2"] == [row["event_id"] for row in here.rows("events")]
        here.engine.dispose()
        if answer["signal"] == 0:
            break


@pytest.fixture(scope="module")
def referred(tmp_path_factory):
    """A data directory with a version in force, and another reference folder to be loaded."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("referred") / "data")
    source = Path(__file__).resolve().parents[1] / "unit" / "price_book" / "reference"
    shutil.copytree(source, settings.reference_dir)
    engine = open_operations(settings)
    load_reference(settings, engine, now=NOW - timedelta(days=1), author="ana@example.com")
    engine.dispose()
    policy = settings.reference_dir / "policy.yml"
    policy.write_text(policy.read_text() + "\n# changed\n")
    return settings


def test_a_reference_version_killed_before_any_step_is_in_force_whole_or_not_at_all(
    referred, killed
):
    outcomes = set()
    for folder in killed(referred.data_dir, "refer"):
        settings = referred.model_copy(update={"data_dir": folder})
        engine = open_operations(settings)
        before = current_reference(settings, engine)
        version = load_reference(settings, engine, now=NOW, author="jonas@example.com")
        outcomes.add(before.reference_version == version.reference_version)
        assert version.folder == current_reference(settings, engine).folder
        assert [] == list(settings.reference_versions.glob(".*"))
        with engine.connect() as connection:
            rows = sa.select(sa.func.count()).select_from(reference_versions)
            assert 2 == connection.scalar(rows)
        assert (2, []) == inspect_journals(settings, engine)
        engine.dispose()
    assert {False, True} == outcomes


def rate(settings, amount):
    with open_warehouse(settings) as connection:
        connection.execute("create schema if not exists rating")
        connection.execute(
            "create or replace table rating.fct_rated_lines as "
            "select 'line' as rated_line_id, cast(? as decimal(38, 4)) as amount",
            [amount],
        )


def published_amount(settings):
    with closing(open_published(settings)) as copy:
        [(amount,)] = copy.execute("select sum(amount) from rating.fct_rated_lines").fetchall()
    return str(amount)


def test_a_publication_killed_before_any_step_leaves_readers_one_whole_copy(tmp_path, killed):
    settings = Settings(data_dir=tmp_path / "data")
    rate(settings, "1.5")
    for day in range(1, COPIES_KEPT + 1):
        publish(settings, now=datetime(2026, 11, day, tzinfo=UTC))
    rate(settings, "2.5")
    seen = []
    later = datetime(2026, 11, 20, tzinfo=UTC)
    for folder in killed(settings.data_dir, "publish", now=later.isoformat()):
        here = settings.model_copy(update={"data_dir": folder})
        seen.append(published_amount(here))
        publish(here, now=later + timedelta(hours=1))
        assert "2.5000" == published_amount(here)
        copies = [path for path in here.published.iterdir() if not path.is_symlink()]
        assert COPIES_KEPT == len(copies)
        assert [] == list(here.published.glob(".*"))
    assert ["1.5000", "2.5000"] == sorted(set(seen))
    assert seen == sorted(seen)


def test_a_history_of_exceptions_killed_before_any_step_is_that_of_one_build(tmp_path, killed):
    settings = Settings(data_dir=tmp_path / "data")
    schema = pa.schema([(each.name, arrow_type_of(each.type)) for each in exceptions.columns])
    rows = [
        {
            name: value.replace(tzinfo=None) if isinstance(value, datetime) else value
            for name, value in history_row(exception_id).items()
        }
        for exception_id in ("a", "b")
    ]
    with open_warehouse(settings) as warehouse:
        warehouse.execute("create schema billing")
        warehouse.register("given", pa.Table.from_pylist(rows, schema=schema))
        warehouse.execute("create table billing.fct_exception_history as from given")
    open_operations(settings).dispose()
    outcomes = set()
    for folder in killed(settings.data_dir, "keep"):
        here = settings.model_copy(update={"data_dir": folder})
        engine = open_operations(here)
        outcomes.add(len(read_history(engine)))
        with open_warehouse(here) as warehouse:
            keep_exceptions(here, warehouse, engine)
        assert ["a", "b"] == [row["exception_id"] for row in read_history(engine)]
        assert (1, []) == inspect_journals(here, engine)
        engine.dispose()
    assert {0, 2} == outcomes


class PowerCutError(BaseException):
    """Ends a process as a crash would."""


def test_states_of_a_re_rating_cut_off_anywhere_are_whole_for_each_month_or_gone(
    tmp_path, monkeypatch
):
    """Steps of one month beside the states of another would be differences that nobody made."""
    settings = Settings(data_dir=tmp_path)
    settings.warehouse_inputs.mkdir(parents=True)
    target = "t"

    def tables(month):
        base = {
            "billing_period": month,
            "legal_entity_id": "us",
            "base_revision_id": f"us:{month}:r1",
        }
        step = base | {"step_number": 0, "cause": "c"}
        state = base | {
            "step_number": 0,
            "settlement_key": "k",
            "is_known": True,
            "rated_amount": Decimal("1.0000"),
            "is_held": False,
        }
        return {
            "bases": pa.Table.from_pylist([base], schema=BASE_SCHEMA),
            "steps": pa.Table.from_pylist([step], schema=STEP_SCHEMA),
            "states": pa.Table.from_pylist([state], schema=STATE_SCHEMA),
        }

    def months(name):
        with duckdb.connect() as duck:
            found = duck.execute(
                "select billing_period from read_parquet(?)",
                [str(settings.warehouse_inputs / f"rerating_{name}.parquet")],
            ).fetchall()
        return [month for (month,) in found]

    module = sys.modules["orchestration.billing.rerating_inputs"]
    real = module.replace_parquet
    seen = set()
    for cut_before in range(5):
        put_rerating(settings, target, ["2026-08", "2026-09", "2026-10"], **tables("2026-08"))
        put_rerating(settings, target, ["2026-09"], **tables("2026-09"))
        calls = count()

        def cut(path, schema, batches, calls=calls, cut_before=cut_before):
            if next(calls) == cut_before:
                raise PowerCutError
            real(path, schema, batches)

        with monkeypatch.context() as patch:
            patch.setattr(module, "replace_parquet", cut)
            with suppress(PowerCutError):
                put_rerating(settings, target, ["2026-09", "2026-10"], **tables("2026-10"))
        write_rerating_inputs(settings, target)
        steps, states, bases = months("steps"), months("states"), months("bases")
        assert "2026-08" in steps
        assert {*steps} <= {*states}
        assert {*steps} <= {*bases}
        seen.add((*steps,))
    assert {("2026-08", "2026-09"), ("2026-08",), ("2026-08", "2026-10")} == seen
