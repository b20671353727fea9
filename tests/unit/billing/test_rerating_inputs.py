"""States of a re-rating are read for as long as they are about what is rated, and no longer."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.billing.rerating_inputs import (
    BASE_SCHEMA,
    STATE_SCHEMA,
    STEP_SCHEMA,
    put_rerating,
    rerating_target,
    write_rerating_inputs,
)
from orchestration.settings import Settings

STEP = {
    "billing_period": "2026-09",
    "legal_entity_id": "us",
    "base_revision_id": "us:2026-09:r1",
    "step_number": 0,
    "cause": "as_signed",
}


@pytest.fixture
def settings(tmp_path):
    settings = Settings(data_dir=tmp_path)
    settings.warehouse_inputs.mkdir(parents=True)
    return settings


def row_counts(settings):
    return [
        pq.read_table(settings.warehouse_inputs / f"rerating_{name}.parquet").num_rows
        for name in ("steps", "states")
    ]


def put(settings, target, *months):
    """Put one step of each month in place, and one base and state of it."""
    steps = [STEP | {"billing_period": month} for month in months]
    put_rerating(
        settings,
        target,
        months,
        bases=pa.Table.from_pylist(steps, schema=BASE_SCHEMA),
        steps=pa.Table.from_pylist(steps, schema=STEP_SCHEMA),
        states=pa.Table.from_pylist(steps, schema=STATE_SCHEMA),
    )


def months(settings):
    """Months that each file has rows of."""
    return [
        sorted(pq.read_table(path)["billing_period"].to_pylist())
        for path in sorted(settings.warehouse_inputs.glob("rerating_[bs]*.parquet"))
    ]


def test_there_are_empty_files_before_anything_was_asked(settings):
    write_rerating_inputs(settings, "today")
    assert [0, 0] == row_counts(settings)


def test_states_stay_while_nothing_new_is_there(settings):
    put(settings, "today", "2026-09")
    write_rerating_inputs(settings, "today")
    assert [1, 1] == row_counts(settings)


def test_states_go_once_they_lead_to_something_else(settings):
    put(settings, "yesterday", "2026-09")
    write_rerating_inputs(settings, "today")
    assert [0, 0] == row_counts(settings)


def test_other_months_stay_while_they_lead_to_the_same(settings):
    put(settings, "today", "2026-08", "2026-09")
    put(settings, "today", "2026-09", "2026-10")
    assert [["2026-08", "2026-09", "2026-10"]] * 3 == months(settings)


def test_a_month_of_which_nothing_differs_any_more_gives_way_to_nothing(settings):
    put(settings, "today", "2026-08", "2026-09")
    empty = {"bases": BASE_SCHEMA, "steps": STEP_SCHEMA, "states": STATE_SCHEMA}
    tables = {name: schema.empty_table() for name, schema in empty.items()}
    put_rerating(settings, "today", ["2026-09"], **tables)
    assert [["2026-08"]] * 3 == months(settings)


def test_other_months_go_where_they_lead_to_something_else(settings):
    put(settings, "yesterday", "2026-08")
    put(settings, "today", "2026-09")
    assert [["2026-09"]] * 3 == months(settings)


def test_no_contract_is_left_out_unless_a_rerating_says_so(settings):
    def left_out():
        path = settings.warehouse_inputs / "rerating_left_out.parquet"
        return pq.read_table(path)["contract_lineage_id"].to_pylist()

    write_rerating_inputs(settings, "today", lineages_left_out=["bolt"])
    assert ["bolt"] == left_out()
    write_rerating_inputs(settings, "today")
    assert [] == left_out()


def test_a_file_that_cannot_be_read_is_written_anew(settings):
    (settings.warehouse_inputs / "rerating_steps.parquet").write_bytes(b"cut off")
    write_rerating_inputs(settings, "today")
    assert [0, 0] == row_counts(settings)


def test_a_target_is_another_one_with_a_batch_or_a_reference_version_more(settings):
    def target(batch_ids, reference_version):
        path = settings.warehouse_inputs / "ingestion_batches.parquet"
        pq.write_table(pa.table({"ingestion_batch_id": batch_ids}), path)
        return rerating_target(settings, reference_version)

    targets = [target([1], "v"), target([1], "v"), target([1, 2], "v"), target([1], "w")]
    assert targets[0] == targets[1]
    assert 3 == len(set(targets))
