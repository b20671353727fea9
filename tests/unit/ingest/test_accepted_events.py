"""What an accepted event looks like in raw/, to the last digit and nanosecond."""

import hashlib
import json
from datetime import date, datetime
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from orchestration.ingest import load as load_module
from orchestration.ingest import sweep_uncommitted
from orchestration.operations_db.tables import ingestion_batches, ingestion_files, raw_parts

COLUMNS = [
    ("ingestion_batch_id", "int32"),
    ("file_id", "int32"),
    ("line_number", "int64"),
    ("ingested_at", "timestamp[us]"),
    ("event_source", "string"),
    ("event_id", "string"),
    ("event_type", "string"),
    ("contract_version", "string"),
    ("subject", "string"),
    ("event_at", "timestamp[us]"),
    ("event_at_nanos", "int16"),
    ("event_date", "date32[day]"),
    ("key_hash", "int64"),
    ("digest_1", "int64"),
    ("digest_2", "int64"),
    ("d_region", "string"),
    ("q_units", "decimal128(38, 9)"),
]


def md5_number(*fields):
    text = "\0".join(fields)
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest(), "little")


def test_an_event_is_kept_with_its_place_its_instant_its_properties_and_its_hashes(landing):
    landing.put("a.jsonl", landing.line(id="ü-1", time="2026-11-01T01:30:00.123456789+02:00"))
    landing.load()
    (row,) = landing.rows("events")
    identity = md5_number("/gateway/eu", "ü-1")
    digest = (
        identity
        ^ md5_number("tenant-1", "1793489400123456789", "eu", "2.5")
        ^ md5_number("", "", "api.request")
        ^ md5_number("", "d_region")
        ^ md5_number("", "q_units")
    )
    assert {
        "ingestion_batch_id": 1,
        "file_id": 1,
        "line_number": 1,
        "ingested_at": datetime(2026, 11, 21, 12),  # noqa: DTZ001 - Parquet keeps UTC without zone
        "event_source": "/gateway/eu",
        "event_id": "ü-1",
        "event_type": "api.request",
        "contract_version": "1",
        "subject": "tenant-1",
        "event_at": datetime(2026, 10, 31, 23, 30, 0, 123456),  # noqa: DTZ001 - likewise
        "event_at_nanos": 789,
        "event_date": date(2026, 10, 31),
        "key_hash": identity >> 68,
        "digest_1": digest >> 68,
        "digest_2": (digest >> 8) % 2**60,
        "d_region": "eu",
        "q_units": Decimal("2.5"),
    } == row


def test_a_part_has_exactly_the_columns_of_raw_events_whichever_way_its_rows_took(landing):
    landing.put("a.jsonl", landing.line())
    landing.put("b.jsonl", landing.line(id="e-2").replace("2.5", "25e-1"))
    landing.load()
    assert 2 == len(landing.parts("events"))
    for path in landing.parts("events"):
        schema = pq.read_schema(path)
        assert COLUMNS == [(one.name, str(one.type)) for one in schema]
        assert "event_date=2026-10-31" == path.parent.name


def test_notation_key_order_and_white_space_leave_no_trace_in_the_hashes(landing):
    event = landing.event()
    same = [
        json.dumps(event),
        json.dumps(event, indent=None, separators=(" , ", " : ")),
        json.dumps(dict(reversed(event.items()))),
        landing.line().replace("2.5", "2.500"),
        landing.line().replace("2.5", "25e-1"),
        landing.line().replace("2.5", "0.25E+1"),
        landing.line(time="2026-11-01T01:59:59.123000000+02:00"),
        landing.line(traceparent="00-1"),
        landing.line().replace('"eu"', '"\\u0065u"'),
        landing.line(datacontenttype="application/json; charset=utf-8"),
        landing.line(dataschema="https://example.com/api.request/1"),
        landing.line(data={"units": 2.5, "region": "eu", "not_declared": {"a": [1, {"b": 2}]}}),
    ]
    landing.put("a.jsonl", "\n".join(same))
    landing.load()
    rows = landing.rows("events")
    assert len(same) == len(rows)
    assert 1 == len({(row["key_hash"], row["digest_1"], row["digest_2"]) for row in rows})


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-0.0",
        "1e3",
        "1.0",
        "0.000000001",
        "123456789012345678901234567.123456789",
        "9007199254740993",
        "18446744073709551616",
        "1234567890.000000001",
        "0.30000000000000000000",
        "12345678901234567890123456789",
    ],
)
def test_a_number_is_kept_to_the_last_digit(landing, text):
    landing.put("a.jsonl", landing.line().replace("2.5", text))
    landing.load()
    assert [] == landing.reject_codes()
    (row,) = landing.rows("events")
    assert Decimal(text) == row["q_units"]


@pytest.mark.parametrize(
    ("text", "microseconds", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0, 0),
        ("2016-12-31T23:59:60Z", 1483228799999999, 999),
        ("2017-01-01T00:59:60.5+01:00", 1483228799999999, 999),
        ("2026-10-31T23:59:59.1234567Z", 1793491199123456, 700),
        ("2026-10-31T23:59:59.123456000000Z", 1793491199123456, 0),
        ("2026-10-31t23:59:59z", 1793491199000000, 0),
        ("2026-10-31T23:59:59-00:00", 1793491199000000, 0),
    ],
)
def test_a_time_is_kept_to_the_nanosecond_and_a_leap_second_stays_in_its_day(
    landing, text, microseconds, nanoseconds
):
    landing.set(earliest_event_year=1971)
    if microseconds == 0:
        text, microseconds = "1971-01-01T00:00:00Z", 31_536_000_000_000
    landing.put("a.jsonl", landing.line(time=text))
    landing.load()
    (row,) = landing.rows("events")
    since = row["event_at"] - datetime(1970, 1, 1)  # noqa: DTZ001 - Parquet keeps UTC without zone
    assert (microseconds, nanoseconds) == (
        since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds,
        row["event_at_nanos"],
    )


def test_one_event_may_carry_several_quantities_nested_ones_and_truth_values(landing):
    landing.contract(
        "llm.completion",
        "1",
        {
            "type": "object",
            "properties": {
                "tokens": {
                    "type": "object",
                    "properties": {"input": {"type": "integer"}, "output": {"type": "integer"}},
                    "required": ["input"],
                },
                "is_cached": {"type": "boolean"},
                "model": {"enum": ["a", "b"], "type": "string"},
                "code": {"type": ["string", "null"], "pattern": "^[A-Z]{2}$"},
            },
            "required": ["tokens"],
        },
    )
    good = [
        {"tokens": {"input": 1, "output": 2}, "is_cached": True, "model": "a", "code": "EU"},
        {"tokens": {"input": 3}, "is_cached": False, "code": None},
    ]
    bad = [
        {},
        {"tokens": 5},
        {"tokens": {"output": 1}},
        {"tokens": {"input": 1}, "is_cached": "true"},
        {"tokens": {"input": 1}, "model": "c"},
        {"tokens": {"input": 1}, "code": "eu"},
        {"tokens": {"input": 1}, "model": None},
    ]
    for number, data in enumerate([*good, *bad]):
        landing.put(f"{number:02}.jsonl", landing.line(type="llm.completion", data=data))
    landing.load()
    names = ("q_tokens__input", "q_tokens__output", "d_is_cached", "d_model", "d_code")
    assert [(1, 2, "true", "a", "EU"), (3, None, "false", None, None)] == [
        tuple(row[name] for name in names) for row in landing.rows("events")
    ]
    assert [
        "property_missing",
        "property_wrong_type",
        "property_missing",
        "property_wrong_type",
        "property_out_of_range",
        "property_out_of_range",
        "property_wrong_type",
    ] == landing.reject_codes()


def test_a_new_version_of_a_contract_arrives_beside_the_old_one(landing):
    landing.contract(
        "api.request",
        "2",
        {
            "$id": "https://example.com/api.request/2",
            "type": "object",
            "properties": {"calls": {"type": "integer"}, "units": {"type": "string"}},
            "required": ["calls"],
        },
    )
    landing.put("a.jsonl", landing.line())
    landing.put(
        "b.jsonl",
        landing.line(
            dataschema="https://example.com/api.request/2", data={"calls": 7, "units": "GB"}
        ),
    )
    landing.load()
    assert [("1", None, Decimal("2.5"), None), ("2", 7, None, "GB")] == [
        (row["contract_version"], row["q_calls"], row["q_units"], row["d_units"])
        for row in landing.rows("events")
    ]


def test_keys_affected_list_and_manifest_describe_the_batch(landing):
    """Invariant 1."""
    landing.put("a.jsonl", "\n".join(landing.line(id=str(number)) for number in range(3)))
    landing.put(
        "b.jsonl", "\n".join([landing.line(time="2026-11-01T00:00:00Z", subject="t-2"), "{"])
    )
    landing.load()
    events = landing.rows("events")
    keys = landing.rows("keys")
    assert sorted((row["key_hash"] >> 8, row["event_date"]) for row in events) == [
        (row["key_prefix"], row["event_date"]) for row in keys
    ]
    assert [
        (1, date(2026, 10, 31), "/gateway/eu", "tenant-1", "new_events", 3),
        (1, date(2026, 11, 1), "/gateway/eu", "t-2", "new_events", 1),
    ] == [tuple(row.values()) for row in landing.rows("affected")]
    assert [(1, "load", 2, 5, 4, 1)] == [
        (
            row["ingestion_batch_id"],
            row["batch_kind"],
            row["file_count"],
            row["lines_read"],
            row["lines_accepted"],
            row["lines_rejected"],
        )
        for row in landing.table(ingestion_batches)
    ]
    assert [("landing/usage/a.jsonl", 3, 3, 0), ("landing/usage/b.jsonl", 2, 1, 1)] == [
        (row["path"], row["lines_read"], row["lines_accepted"], row["lines_rejected"])
        for row in landing.table(ingestion_files)
    ]
    for part in landing.table(raw_parts):
        path = landing.settings.data_dir / part["path"]
        content = path.read_bytes()
        assert (part["content_sha256"], part["byte_size"], part["row_count"]) == (
            hashlib.sha256(content).hexdigest(),
            len(content),
            pq.read_metadata(path).num_rows,
        )


def test_the_same_files_become_the_same_bytes_however_many_threads_load_them(landing, monkeypatch):
    monkeypatch.setattr("orchestration.ingest.slabs.LINES_PER_SLAB", 30)
    monkeypatch.setattr("orchestration.ingest.line_files.CHUNK_BYTES", 2_000)
    for name in ("a", "b", "c"):
        days = [f"2026-10-{1 + number % 3:02}T00:00:00Z" for number in range(100)]
        lines = [landing.line(id=f"{name}-{at}", time=day) for at, day in enumerate(days)]
        landing.put(f"{name}.jsonl", "\n".join([*lines, "{", landing.line(id=" spaced")]))
    raw = landing.settings.raw
    found = []
    for threads in (1, 2, 7):
        landing.set(duckdb_threads=threads)
        with monkeypatch.context() as patch:
            patch.setattr(load_module, "commit_load", lambda *_, **__: None)
            assert 306 == landing.load().lines_read
        parts = sorted(raw.rglob("events/**/*.parquet"))
        found.append({path.relative_to(raw): path.read_bytes() for path in parts})
        sweep_uncommitted(landing.settings, landing.engine)
    assert len(found[0]) > 20
    assert found[0] == found[1] == found[2]
