"""Raw events of some subjects are cut out whole: every content of an identity is there, or none."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.billing.canonical import file_digest
from orchestration.operations_db.column_types import arrow_type_of
from orchestration.operations_db.tables import raw_parts
from orchestration.reproduction.scratch import InputsGoneError
from orchestration.rerating.raw_excerpt import cut_raw_files
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

FIRST, SECOND = date(2026, 9, 1), date(2026, 9, 2)
PARTS = pa.schema([(column.name, arrow_type_of(column.type)) for column in raw_parts.columns])
DAYS = pa.schema(
    [
        ("ingestion_batch_id", pa.int32()),
        ("event_date", pa.date32()),
        ("subject", pa.string()),
    ]
)
EVENTS = DAYS.append(pa.field("event_id", pa.string())).append(pa.field("key_hash", pa.int64()))
# Batch, day, subject, event, key; acme's e1 came again as bolt's, with another content.
USED = [
    (1, FIRST, "acme", "e1", 1 << 8),
    (1, FIRST, "curl", "e2", 2 << 8),
    (1, SECOND, "curl", "e3", 3 << 8),
    (2, FIRST, "bolt", "e1", 1 << 8),
    (2, FIRST, "bolt", "e4", 4 << 8),
]


@pytest.fixture
def settings(tmp_path):
    settings = Settings(data_dir=tmp_path / "data")
    with open_warehouse(settings) as connection:
        connection.execute("create schema intermediate")
        connection.execute(
            "create table intermediate.int_event_contents__kept as "
            "select 'app' as event_source, * from (values "
            "('e1', 'acme'), ('e1', 'bolt'), ('e9', 'curl'), ('e9', 'dent')) "
            "as contents (event_id, subject)"
        )
    return settings


@pytest.fixture
def parts(settings):
    """The committed raw files of what was used, and one of decisions."""
    rows = []
    for batch in (1, 2):
        used = [event for event in USED if event[0] == batch]
        days = sorted({event[:3] for event in used})
        rows.append(part(settings, "affected", (batch, None), DAYS, days))
        rows.append(part(settings, "keys", (batch, None), EVENTS, used))
        for day in sorted({event[1] for event in used}):
            of_day = [event for event in used if event[1] == day]
            rows.append(part(settings, "events", (batch, day), EVENTS, of_day))
    rows.append(part(settings, "decisions", (2, None), DAYS, []))
    return pa.Table.from_pylist(rows, schema=PARTS)


def part(settings, kind, place, schema, rows):
    batch, day = place
    path = settings.raw / f"{kind}-{batch}-{day}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    mappings = [dict(zip(schema.names, row, strict=True)) for row in rows]
    pq.write_table(pa.Table.from_pylist(mappings, schema=schema), path)
    return {
        "path": str(path.relative_to(settings.data_dir)),
        "ingestion_batch_id": batch,
        "part_kind": kind,
        "event_date": day,
        "content_sha256": file_digest(path),
        "row_count": len(rows),
        "byte_size": path.stat().st_size,
    }


def cut(settings, parts, *subjects):
    folder = settings.data_dir / "scratch"
    return folder, cut_raw_files(settings, parts, subjects, folder=folder)


def rows_of(folder, listed, kind, *columns):
    files = [row for row in listed.to_pylist() if row["part_kind"] == kind and row["row_count"]]
    return sorted(
        tuple(row[name] for name in columns)
        for file in files
        for row in pq.ParquetFile(folder / file["path"]).read().to_pylist()
    )


def test_only_events_of_the_subjects_are_there_with_their_keys_and_days(settings, parts):
    folder, listed = cut(settings, parts, "dent", "curl")
    assert [("e2", FIRST), ("e3", SECOND)] == rows_of(
        folder, listed, "events", "event_id", "event_date"
    )
    assert [(1, 2, FIRST), (1, 3, SECOND)] == rows_of(
        folder, listed, "keys", "ingestion_batch_id", "key_prefix", "event_date"
    )
    assert [("curl", FIRST), ("curl", SECOND)] == rows_of(
        folder, listed, "affected", "subject", "event_date"
    )


def test_whoever_shares_an_identity_of_several_contents_is_cut_out_too(settings, parts):
    folder, listed = cut(settings, parts, "acme")
    assert [(1, "acme", "e1"), (2, "bolt", "e1"), (2, "bolt", "e4")] == rows_of(
        folder, listed, "events", "ingestion_batch_id", "subject", "event_id"
    )


def test_every_committed_file_stays_listed_by_its_batch_and_day(settings, parts):
    """What is known of a batch without their events, such as its dates, stays known."""
    _, listed = cut(settings, parts, "curl")
    place = ("part_kind", "ingestion_batch_id", "event_date")
    places = {tuple(row[name] for name in place) for row in listed.to_pylist()}
    assert {tuple(row[name] for name in place) for row in parts.to_pylist()} == places


def test_every_cut_file_is_listed_once_with_its_batch_and_its_day(settings, parts):
    folder, listed = cut(settings, parts, "curl")
    files = [row for row in listed.to_pylist() if (folder / row["path"]).is_file()]
    assert [("events", 1, FIRST, 1), ("events", 1, SECOND, 1)] == sorted(
        (row["part_kind"], row["ingestion_batch_id"], row["event_date"], row["row_count"])
        for row in files
        if row["part_kind"] == "events"
    )
    assert len({row["path"] for row in listed.to_pylist()}) == listed.num_rows


def test_nothing_is_cut_for_subjects_without_usage(settings, parts):
    _, listed = cut(settings, parts, "elsewhere")
    assert {0} == {row["row_count"] for row in listed.to_pylist()}


def test_a_file_without_their_events_is_not_opened_and_any_other_must_be_what_it_was(
    settings, parts
):
    (settings.raw / f"events-1-{SECOND}.parquet").write_bytes(b"curl's alone")
    _, listed = cut(settings, parts, "acme")
    assert listed.num_rows
    with pytest.raises(InputsGoneError, match=f"events-1-{SECOND}"):
        cut_raw_files(settings, parts, ["curl"], folder=settings.data_dir / "other")
