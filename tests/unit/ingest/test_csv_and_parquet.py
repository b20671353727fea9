"""CSV and Parquet go by the same rules as JSON Lines, and give the same rows."""

import gzip
import re
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.ingest import loading as loading_module
from orchestration.settings import PROJECT_ROOT

HEADER = "id,source,subject,time,type,units,region"
ROW = "e-1,/gateway/eu,tenant-1,2026-10-31T23:59:59.123Z,api.request,2.5,eu"


def columns(**changes):
    return {
        "id": ["e-1"],
        "source": ["/gateway/eu"],
        "subject": ["tenant-1"],
        "time": ["2026-10-31T23:59:59.123Z"],
        "type": ["api.request"],
        "units": [2.5],
        "region": ["eu"],
        **changes,
    }


def put_parquet(landing, name, **changes):
    table = {key: cells for key, cells in columns(**changes).items() if cells is not None}
    pq.write_table(pa.table(table), landing.folder / name)


def hashes(landing):
    return {(row["digest_1"], row["digest_2"]) for row in landing.rows("events")}


def test_one_event_is_the_same_in_every_format(landing):
    landing.put("a.jsonl", landing.line())
    landing.put("a.csv", f"{HEADER}\n{ROW}\n")
    landing.put("b.csv.gz", gzip.compress(f"\ufeff{HEADER}\r\n{ROW}".encode()))
    put_parquet(landing, "a.parquet")
    put_parquet(landing, "b.parquet", units=[Decimal("2.500")])
    put_parquet(
        landing,
        "c.parquet",
        units=None,
        region=None,
        data=[{"units": 2.5, "region": "eu"}],
        time=[datetime(2026, 10, 31, 23, 59, 59, 123000, tzinfo=UTC)],
    )
    result = landing.load()
    assert (6, 0) == (result.lines_accepted, result.lines_rejected)
    assert 1 == len(hashes(landing))


def test_the_examples_of_the_reference_page_are_one_event(landing):
    page = (PROJECT_ROOT / "docs" / "reference" / "usage-files.md").read_text("utf-8")
    for format_name, suffix in (("json", "jsonl"), ("csv", "csv")):
        [example] = re.findall(rf"```{format_name}\n(.*?)```", page, re.DOTALL)
        landing.put(f"example.{suffix}", example)

    result = landing.load()
    assert (2, 0) == (result.lines_accepted, result.lines_rejected)
    assert 1 == len(hashes(landing))


def test_a_csv_line_with_quotes_commas_and_other_letters_is_read(landing):
    landing.put("a.csv", f'{HEADER}\n"e,1",/g,"tenant ""ü""",2026-10-31T00:00:00Z,api.request,1,\n')
    landing.load()
    (row,) = landing.rows("events")
    assert ("e,1", 'tenant "ü"', None) == (row["event_id"], row["subject"], row["d_region"])


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (ROW + ",more", "csv_field_count"),
        ("e-1", "csv_field_count"),
        (ROW.replace("eu", '"eu'), "csv_unreadable"),
        (ROW.replace("2.5", "2,5"), "csv_field_count"),
        (ROW.replace("2.5", "many"), "property_wrong_type"),
        (ROW.replace("2.5", "007"), "property_wrong_type"),
        (ROW.replace("2.5", "NaN"), "property_wrong_type"),
        (ROW.replace("2.5", ""), "property_missing"),
        (ROW.replace("2.5", "1e400"), "number_too_large"),
        (ROW.replace("2.5", "0.1234567891"), "number_too_precise"),
        (ROW.replace("e-1", ""), "missing_id"),
        (ROW.replace(".123Z", ""), "time_without_zone"),
        (ROW.replace("api.request", "api.other"), "unknown_contract"),
    ],
)
def test_a_bad_csv_line_is_rejected_as_it_stands_and_its_neighbour_is_loaded(landing, bad, code):
    landing.put("a.csv", f"{HEADER}\n{bad}\n{ROW.replace('e-1', 'good')}\n")
    result = landing.load()
    (reject,) = landing.rows("rejects")
    assert (code, 2, bad) == (reject["reject_code"], reject["line_number"], reject["raw_text"])
    assert ["good"] == [row["event_id"] for row in landing.rows("events")]
    assert 2 == result.lines_read


@pytest.mark.parametrize(
    "header", ["id;source;subject;time;type", "id,source,time,type", HEADER + ",id"]
)
def test_a_csv_header_that_cannot_be_used_refuses_the_file(landing, header):
    landing.put("a.csv", f"{header}\n{ROW}\n")
    landing.put("z.jsonl", landing.line())
    result = landing.load()
    assert ["csv_header_unusable", None] == [one.code for one in result.files]
    assert 1 == len(landing.rows("events"))


def test_parquet_keeps_nanoseconds_and_every_digit(landing):
    put_parquet(
        landing,
        "a.parquet",
        time=pa.array([1_793_491_199_123_456_789], pa.timestamp("ns", tz="UTC")),
        units=pa.array([Decimal("12345678901234567890.123456789")], pa.decimal128(38, 9)),
    )
    landing.load()
    (row,) = landing.rows("events")
    assert (789, Decimal("12345678901234567890.123456789")) == (
        row["event_at_nanos"],
        row["q_units"],
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"units": [float("nan")]}, "number_not_finite"),
        ({"units": [float("-inf")]}, "number_not_finite"),
        ({"units": [1 / 3]}, "number_too_precise"),
        ({"units": [1e300]}, "number_too_large"),
        ({"units": ["2.5"]}, "property_wrong_type"),
        ({"units": pa.array([None], pa.float64())}, "property_missing"),
        ({"id": [""]}, "empty_id"),
        ({"id": [5]}, "wrong_type_id"),
        ({"subject": pa.array([None], pa.string())}, "missing_subject"),
        ({"time": [datetime(2026, 10, 31)]}, "time_without_zone"),  # noqa: DTZ001 - the point
    ],
)
def test_a_bad_parquet_row_is_rejected_as_json_with_its_row_number(landing, changes, code):
    put_parquet(landing, "a.parquet", **changes)
    landing.load()
    (reject,) = landing.rows("rejects")
    assert (code, 1) == (reject["reject_code"], reject["line_number"])
    assert reject["raw_text"].startswith('{"specversion":"1.0",')


@pytest.mark.parametrize(
    "changes",
    [{"id": None}, {"units": [[1, 2]]}, {"data": ["{}"]}, {"units": [b"x"]}],
)
def test_parquet_columns_that_cannot_be_events_refuse_the_file(landing, changes):
    put_parquet(landing, "a.parquet", **changes)
    result = landing.load()
    assert ["parquet_columns_unusable"] == [one.code for one in result.files]


def test_nested_properties_come_from_flat_columns_and_from_structs(landing):
    landing.contract(
        "llm.completion",
        "1",
        {
            "type": "object",
            "properties": {
                "tokens": {"type": "object", "properties": {"input": {"type": "integer"}}}
            },
        },
    )
    common = {"type": ["llm.completion"], "units": None, "region": None}
    put_parquet(landing, "a.parquet", **common, tokens__input=[3])
    put_parquet(landing, "b.parquet", **common, data=[{"tokens": {"input": 3}}])
    header = HEADER.replace("units,region", "tokens__input")
    row = ROW.replace("api.request", "llm.completion").replace("2.5,eu", "3")
    landing.put("c.csv", f"{header}\n{row}\n")
    landing.load()
    assert [3, 3, 3] == [row["q_tokens__input"] for row in landing.rows("events")]
    assert 1 == len(hashes(landing))


def test_an_empty_parquet_file_is_accepted_with_no_lines(landing):
    pq.write_table(pa.table(columns()).slice(0, 0), landing.folder / "a.parquet")
    assert [("loaded", 0)] == [(one.outcome, one.lines_read) for one in landing.load().files]


def test_csv_files_with_one_header_are_read_together_and_others_apart(landing, monkeypatch):
    read = []
    lines_of = loading_module._lines_of
    monkeypatch.setattr(loading_module, "_lines_of", lambda *of: read.append(of) or lines_of(*of))
    other = "time,id,source,subject,type,units"
    landing.put("a.csv", f"{HEADER}\n{ROW}\n")
    landing.put("b.csv", f"{HEADER}\n{ROW.replace('e-1', 'e-2')}\n")
    landing.put("c.csv", f"{other}\n2026-10-31T00:00:00Z,e-3,/g,t,api.request,1\n")
    landing.load()
    assert ["e-1", "e-2", "e-3"] == [row["event_id"] for row in landing.rows("events")]
    assert 2 == len(read)
