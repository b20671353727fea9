"""Sources as compiled tables: one row per measure of a control total, with its grace."""

from datetime import date
from types import SimpleNamespace

import pyarrow as pa
import pytest

from orchestration.price_book.policy import SourcesFile
from orchestration.price_book.source_tables import CONTROL_TOTAL_MEASURES, source_rows
from orchestration.price_book.table_schemas import TABLE_SCHEMAS
from orchestration.price_book.versions import read_compiled_table


def rows_of(*sources):
    located = SimpleNamespace(item=SourcesFile.model_validate({"sources": list(sources)}))
    return source_rows(SimpleNamespace(sources=located))


def test_a_source_states_events_with_a_grace_of_its_own_unless_it_says_more():
    rows = rows_of(
        {"prefix": "/a/", "system": "a", "control_totals": {}},
        {
            "prefix": "/b/",
            "system": "b",
            "grace_hours": 2,
            "control_totals": {
                "expected": "daily",
                "expected_from": date(2026, 10, 1),
                "grace_hours": 5,
                "measures": ["events", "bytes"],
                "folder": "totals/b/",
            },
        },
        {"prefix": "/c/", "system": "c"},
    )["control_total_measures"]
    assert [
        ("/a/", "a", "events", 36, False, None, None),
        ("/b/", "b", "events", 5, True, date(2026, 10, 1), "totals/b"),
        ("/b/", "b", "bytes", 5, True, date(2026, 10, 1), "totals/b"),
    ] == [
        (
            row["source_prefix"],
            row["system_id"],
            row["measure"],
            row["grace_hours"],
            row["is_expected_daily"],
            row["expected_from_date"],
            row["landing_folder"],
        )
        for row in rows
    ]
    stored = [row | {"reference_version": "v"} for row in rows]
    assert 3 == pa.Table.from_pylist(stored, schema=CONTROL_TOTAL_MEASURES).num_rows


def test_a_version_from_before_control_totals_declares_none(tmp_path):
    found = read_compiled_table(tmp_path, "control_total_measures")
    assert (0, TABLE_SCHEMAS["control_total_measures"]) == (found.num_rows, found.schema)
    with pytest.raises(FileNotFoundError):
        read_compiled_table(tmp_path, "sources")
