"""Loads of invoices of the system in use: told once each, and proved by what was told."""

import json
from datetime import timedelta

import pytest
from billing_rows import NOW

from orchestration.actors import Actor
from orchestration.audit import AuditLog
from orchestration.audit.inspection import inspect_log
from orchestration.audit.invoice_loads import inspect_invoice_loads, tell_invoice_loads
from orchestration.reports.verification import verify_installation
from orchestration.shadow.store import InvoiceLoadDamagedError, keep_load, read_loads

PIA = Actor(name="pia@x", source="verified", run_id="run-9")


def keep(world, content=b"a", **options):
    given = {
        "billing_period": "2026-09",
        "file_name": "invoices.csv",
        "content": content,
        "mapping": b"m",
        "now": NOW,
        "actor": PIA,
    }
    return keep_load(world.settings, **(given | options))[0]


def tell(world):
    later = NOW + timedelta(minutes=1)
    return tell_invoice_loads(world.settings, world.engine, clock=lambda: later)


def record_of(world, number):
    return world.settings.shadow / "loads" / f"{number:06}.json"


def rewrite(path, content):
    path.chmod(0o644)
    path.write_bytes(content)


def doctor(world):
    """What doctor finds of loads of invoices."""
    found = verify_installation(world.settings)
    return [(each.is_sound, each.detail) for each in found if each.subject == "loads of invoices"]


def test_each_load_is_told_once_with_who_which_month_and_digests(world):
    first = keep(world)
    [entry] = tell(world)
    keep(world, b"b", billing_period="2026-10")
    [other] = tell(world)
    assert ("load_invoices", "invoice_load", "1") == (
        entry.deed.action,
        entry.deed.object_kind,
        entry.deed.object_id,
    )
    assert (PIA, NOW) == (entry.deed.actor, entry.deed.happened_at)
    assert ("2026-09", first.file_sha256) == (
        entry.deed.details["billing_period"],
        entry.deed.details["file_sha256"],
    )
    assert "2" == other.deed.object_id
    assert () == tell(world)
    assert () == inspect_log(world.settings, world.engine).problems


def test_a_load_whose_process_died_before_its_entry_is_told_by_the_next_comparison(world):
    keep(world)
    tell(world)
    keep(world, b"b")
    [(is_sound, detail)] = doctor(world)
    assert is_sound
    assert "2 loads, each as it was loaded; 1 not in the audit log yet" in detail
    assert ["2"] == [entry.deed.object_id for entry in tell(world)]
    assert [(True, "2 loads, each as it was loaded")] == doctor(world)


def test_a_load_from_before_loads_were_told_is_told_with_the_name_that_it_kept(world):
    keep(world)
    path = record_of(world, 1)
    content = json.loads(path.read_text())
    del content["loaded_by_source"], content["run_id"]
    rewrite(path, json.dumps(content).encode())
    [entry] = tell(world)
    assert Actor(name="pia@x", source="self_declared") == entry.deed.actor


def test_nothing_is_written_where_nothing_was_loaded(world):
    assert () == tell(world)
    assert () == AuditLog(world.settings.audit).entries()
    assert [(True, "0 loads, each as it was loaded")] == doctor(world)


@pytest.mark.parametrize("suffix", ["csv", "yml"])
@pytest.mark.parametrize("is_gone", [True, False])
def test_doctor_names_a_file_or_mapping_that_is_missing_or_changed(world, suffix, is_gone):
    keep(world)
    tell(world)
    [path] = world.settings.shadow.glob(f"files/*.{suffix}")
    if is_gone:
        path.unlink()
    else:
        rewrite(path, b"other")
    [(is_sound, detail)] = doctor(world)
    assert not is_sound
    assert path.name in detail
    assert detail.endswith("nothing that is billed depends on it.")


def test_a_load_that_was_taken_away_is_missed_by_the_log(world):
    keep(world)
    keep(world, b"b")
    tell(world)
    record_of(world, 2).unlink()
    [(is_sound, detail)] = doctor(world)
    assert (False, "load 2 of invoices is told by the audit log and is not there: ") == (
        is_sound,
        detail.removesuffix("restore shadow/ from a copy"),
    )


def test_a_record_that_names_another_month_is_not_what_was_told(world):
    keep(world)
    tell(world)
    path = record_of(world, 1)
    rewrite(path, path.read_bytes().replace(b"2026-09", b"2026-08"))
    assert "2026-08" == read_loads(world.settings)[0].billing_period
    [problem] = inspect_invoice_loads(world.settings).problems
    assert "load 1 of invoices is told by the audit log and is not what it was" in problem


def test_a_record_in_the_middle_that_is_gone_is_damage_and_nothing_is_told(world):
    for content in (b"a", b"b", b"c"):
        keep(world, content)
    record_of(world, 2).unlink()
    with pytest.raises(InvoiceLoadDamagedError):
        tell(world)
    [(is_sound, detail)] = doctor(world)
    assert not is_sound
    assert "load 2 is expected here" in detail
