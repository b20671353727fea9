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


def put(settings, target):
    steps = pa.Table.from_pylist([STEP], schema=STEP_SCHEMA)
    put_rerating(
        settings,
        target,
        bases=BASE_SCHEMA.empty_table(),
        steps=steps,
        states=STATE_SCHEMA.empty_table(),
    )


def test_there_are_empty_files_before_anything_was_asked(settings):
    write_rerating_inputs(settings, "today")
    assert [0, 0] == row_counts(settings)


def test_states_stay_while_nothing_new_is_there(settings):
    put(settings, "today")
    write_rerating_inputs(settings, "today")
    assert [1, 0] == row_counts(settings)


def test_states_go_once_they_lead_to_something_else(settings):
    put(settings, "yesterday")
    write_rerating_inputs(settings, "today")
    assert [0, 0] == row_counts(settings)


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
