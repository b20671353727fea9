"""The log as dbt reads it: only what is new is read, and a log of another origin replaces it."""

import json

import pyarrow.parquet as pq
from billing_rows import NOW, Line

from orchestration.audit import AuditLog, catch_up, write_audit_inputs
from orchestration.audit.inputs import ENTRY_SCHEMA


def exported(world):
    write_audit_inputs(world.settings)
    return pq.read_table(world.settings.warehouse_inputs / "audit_entries.parquet")


def frozen(world, line):
    with world.warehouse():
        world.put_candidates(line)
    world.freeze()
    catch_up(world.settings, world.engine, clock=lambda: NOW)


def test_an_empty_log_has_its_columns(world):
    assert ENTRY_SCHEMA.names == exported(world).column_names
    assert 0 == exported(world).num_rows


def test_new_entries_are_added_to_those_that_are_there_without_reading_them(world, monkeypatch):
    world.build(Line())
    frozen(world, Line())
    first = exported(world)
    frozen(world, Line(rated="50"))
    read = []
    inspect = AuditLog.inspect
    monkeypatch.setattr(
        AuditLog,
        "inspect",
        lambda self, **options: read.append(options["after"].sequence) or inspect(self, **options),
    )
    second = exported(world)
    assert ([1], 1, 2) == (read, first.num_rows, second.num_rows)
    rows = second.to_pylist()
    assert first.to_pylist() == rows[:1]
    assert ["us:2026-10:r1", "us:2026-10:r2"] == [row["object_id"] for row in rows]
    assert ("freeze", "2026-10", "us", "tallyhouse", "machine") == tuple(
        rows[1][name]
        for name in ("audit_action", "billing_period", "legal_entity_id", "actor", "actor_source")
    )
    assert 1 == json.loads(rows[1]["details"])["document_count"]
    assert second.equals(exported(world))


def test_a_file_of_another_log_gives_way(world, tmp_path):
    world.build(Line())
    frozen(world, Line())
    exported(world)
    path = world.settings.audit / "entries" / "0000000001.jsonl"
    path.unlink()
    assert 0 == exported(world).num_rows
