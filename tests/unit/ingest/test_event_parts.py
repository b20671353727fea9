"""Events lie in one part for each date, and the engine reads back what was written."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.ingest.batch_folder import BatchFolder
from orchestration.ingest.event_parts import EventParts
from orchestration.settings import Settings

NOW = datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)
FIRST = date(2026, 10, 1)


@pytest.fixture
def folder(tmp_path):
    made = BatchFolder(Settings.load(tmp_path), 7)
    made.create()
    return made


def events_of(days, text_type, first_line=1):
    """Return a batch with an event for each day after FIRST."""
    count = len(days)
    numbers = range(first_line, first_line + count)
    return pa.record_batch(
        {
            "file_id": pa.array([3] * count, pa.int32()),
            "line_number": pa.array(numbers, pa.int64()),
            "event_id": pa.array([f"event-with-a-long-id-{n}" for n in numbers], text_type),
            "event_type": pa.DictionaryArray.from_arrays(
                pa.array([n % 2 for n in numbers], pa.int16()), pa.array(["call", "job"])
            ),
            "subject": pa.array([None if n % 3 == 0 else "äö" for n in numbers], text_type),
            "event_date": pa.array([FIRST + timedelta(days=day) for day in days], pa.date32()),
            "key_hash": pa.array([n * 7_919 for n in numbers], pa.int64()),
            "q_units": pa.array([Decimal(n).scaleb(-9) for n in numbers], pa.decimal128(38, 9)),
        }
    )


def read(folder):
    with duckdb.connect() as engine:
        return engine.execute(
            "select event_date, line_number, ingestion_batch_id, ingested_at, event_id, "
            "event_type, subject, key_hash, q_units "
            f"from read_parquet('{folder.events}/*/*.parquet') order by line_number"
        ).fetchall()


def expected(days):
    return [
        (
            FIRST + timedelta(days=day),
            n,
            7,
            NOW.replace(tzinfo=None),
            f"event-with-a-long-id-{n}",
            ("call", "job")[n % 2],
            None if n % 3 == 0 else "äö",
            n * 7_919,
            Decimal(n).scaleb(-9),
        )
        for n, day in enumerate(days, start=1)
    ]


@pytest.mark.parametrize("text_type", [pa.string_view(), pa.string()], ids=["views", "offsets"])
@pytest.mark.parametrize(
    "days", [[0], [0, 0, 1, 1, 5], [4, 0, 4, 2, 0], list(range(40)) * 3], ids=len
)
def test_every_event_is_read_back_as_it_was(folder, days, text_type):
    EventParts(folder, now=NOW).write(pa.Table.from_batches([events_of(days, text_type)]), "part-0")
    assert expected(days) == read(folder)


def test_each_date_has_one_part_whose_rows_keep_their_order(folder):
    first, second = [1, 0, 1], [0, 1, 2]
    events = pa.Table.from_batches(
        [events_of(first, pa.string_view()), events_of(second, pa.string_view(), first_line=4)]
    )
    EventParts(folder, now=NOW).write(events, "part-5")
    found = {
        path.parent.name: pq.read_table(path, partitioning=None)["line_number"].to_pylist()
        for path in folder.events.glob("*/*.parquet")
    }
    assert {
        "event_date=2026-10-01": [2, 4],
        "event_date=2026-10-02": [1, 3, 5],
        "event_date=2026-10-03": [6],
    } == found
    assert expected(first + second) == read(folder)


def test_a_batch_without_events_leaves_no_part(folder):
    empty = events_of([], pa.string_view())
    EventParts(folder, now=NOW).write(
        pa.Table.from_batches([empty, events_of([2], pa.string_view())]), "part-0"
    )
    assert ["event_date=2026-10-03"] == [path.name for path in folder.events.iterdir()]
