"""What the scanner takes and what it leaves aside, beyond what the exact rules say of a line."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import duckdb
import numba
import numpy as np
import pyarrow as pa
import pytest

from orchestration.ingest.line_files import LINE_SCHEMA
from orchestration.ingest.records import TimeWindow
from orchestration.ingest.scan import LineScanner
from orchestration.ingest.scan.breaks import find_line_feeds
from orchestration.ingest.scan.hashing import put_number
from orchestration.ingest.scan.memory import PADDING
from orchestration.price_book.event_contracts import EventContracts

WINDOW = TimeWindow.around(
    datetime(2026, 11, 21, tzinfo=UTC), earliest_event_year=2000, future_tolerance_hours=24
)


@pytest.fixture
def scanner(tmp_path):
    schema = {
        "type": "object",
        "properties": {"units": {"type": "number"}, "label": {"type": "string"}},
        "required": ["units"],
    }
    (tmp_path / "api.request").mkdir()
    (tmp_path / "api.request" / "1.json").write_text(json.dumps(schema))
    return LineScanner(EventContracts.load(tmp_path), WINDOW)


def line(number, **data):
    return json.dumps(
        {
            "specversion": "1.0",
            "id": f"e-{number}",
            "source": "/gateway",
            "type": "api.request",
            "subject": f"tenant-{number % 7}",
            "time": "2026-10-31T23:59:59.123Z",
            "data": {"units": number, **data},
        }
    )


def batch_of(lines):
    return pa.RecordBatch.from_arrays(
        [
            pa.array([1] * len(lines), pa.int32()),
            pa.array(range(1, len(lines) + 1), pa.int64()),
            pa.array([f"{one}\n" for one in lines], pa.string()),
        ],
        schema=LINE_SCHEMA,
    )


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 1000])
def test_every_good_line_of_a_batch_of_any_size_is_taken(scanner, count):
    scanned = scanner.scan(batch_of([line(number) for number in range(count)]))

    assert count == scanned.events.num_rows
    assert [] == scanned.left_aside.tolist()


def test_a_slice_of_a_batch_is_scanned_as_its_lines_are(scanner):
    lines = [line(number) for number in range(40)]

    of_a_slice = scanner.scan(batch_of(lines).slice(11, 20)).events.drop_columns(["line_number"])

    alone = scanner.scan(batch_of(lines[11:31])).events.drop_columns(["line_number"])
    assert alone.to_pylist() == of_a_slice.to_pylist()


def test_threads_share_a_scanner(scanner):
    batches = [
        batch_of(
            [line(number, label='é\\"x' * (number % 9)) for number in range(first, first + 99)]
        )
        for first in range(0, 990, 99)
    ]
    one_by_one = [scanner.scan(batch).events.to_pylist() for batch in batches]

    with ThreadPoolExecutor(4) as pool:
        side_by_side = list(pool.map(lambda batch: scanner.scan(batch).events, batches * 4))

    assert one_by_one * 4 == [events.to_pylist() for events in side_by_side]


def test_the_engine_reads_texts_of_every_length_as_they_were_written(scanner):
    texts = [
        "",
        "short",
        "twelve bytes",
        "thirteen byte",
        "x" * 33,
        "line\nfeed",
        "\u20ac" * 5,
        "𝄞",
    ]
    lines = [
        line(number, label=text).replace("\\ud834\\udd1e", escaped)
        for escaped in ("𝄞", "\\ud834\\udd1e")
        for number, text in enumerate(texts)
    ]

    events = scanner.scan(batch_of(lines)).events

    with duckdb.connect() as duck:
        duck.register("events", pa.Table.from_batches([events]))
        read = duck.sql("select d_label from events order by line_number").fetchall()
    assert [(text,) for text in texts * 2] == read


def test_strangers_up_to_sixteen_are_passed_over_and_more_are_left_aside(scanner):
    strangers = [line(count, **{f"s{n}": [n, ["x"]] for n in range(count)}) for count in (16, 17)]

    scanned = scanner.scan(batch_of(strangers))

    assert [1] == scanned.left_aside.tolist()


@pytest.mark.parametrize("text", ["", "{}", "{}\n{}"])
def test_a_line_that_does_not_end_is_a_mistake_of_the_caller(scanner, text):
    batch = batch_of(["{}"]).set_column(2, "line", pa.array([text], pa.string()))

    with pytest.raises(ValueError, match="must end with a line feed"):
        scanner.scan(batch)


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 64, 200])
@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
def test_line_feeds_are_found_wherever_they_are(length, share):
    text = np.where(np.random.default_rng(length).random(length) < share, 10, 65).astype(np.uint8)
    ends = np.empty(length, np.int64)
    count, has_null, is_beyond_ascii = find_line_feeds(text, ends)
    assert np.flatnonzero(text == 10).tolist() == ends[:count].tolist()
    assert (False, False) == (has_null, is_beyond_ascii)


@pytest.mark.parametrize("place", [0, 30, 31, 32, 63, 64, 69])
@pytest.mark.parametrize(("byte", "found"), [(0, (True, False)), (128, (False, True))])
def test_a_null_byte_or_one_beyond_ascii_is_seen_wherever_it_is(place, byte, found):
    text = np.full(70, 127, np.uint8)
    text[place] = byte
    assert (0, *found) == find_line_feeds(text, np.empty(70, np.int64))


def test_a_number_is_written_in_plain_digits():
    edges = [0, 7, 99_999_999, 10**17 + 90_000_000, 2**63 - 1, -1, -(10**16), -(2**63) + 1]
    around = [10**digits + step for digits in range(19) for step in (-1, 0, 1)]
    drawn = np.random.default_rng(5).integers(0, 10**18, 5_000).tolist()
    for number in (*edges, *around, *drawn):
        message = np.full(64 + PADDING, 0xFF, np.uint8)
        end = written_digits(message, number)
        assert str(number).encode() == bytes(message[3:end])


@numba.njit
def written_digits(message, number):
    return put_number(message, 3, np.int64(number))
