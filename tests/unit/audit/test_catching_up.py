"""Deeds are read from where they are kept, so the log lacks none of them and has none twice."""

import json
import shutil
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from billing_rows import NOW, Line, entries_table
from billing_world import OLIVIA

from orchestration.actors import TALLYHOUSE, Actor
from orchestration.audit import AuditLog, catch_up
from orchestration.audit.inspection import inspect_log
from orchestration.audit.log import AuditLogDamagedError
from orchestration.audit.runs import RunRecord
from orchestration.operations_db.tables import (
    audit_anchors,
    posting_attempts,
    postings,
    reference_versions,
)
from orchestration.pipeline import Installation

PIA = Actor(name="pia@x", source="self_declared", run_id="run-9")
LINES = [Line(), Line(customer_id="bolt", rated="40.00")]


def caught_up(world, **options):
    return catch_up(world.settings, world.engine, clock=lambda: NOW + timedelta(days=1), **options)


def told(entries):
    return [(each.deed.action, each.deed.object_id) for each in entries]


def problems(world):
    return [problem.code for problem in inspect_log(world.settings, world.engine).problems]


def signed(world):
    [revision] = world.build(*LINES).freeze(actor=PIA)
    world.sign(revision.revision_id, held_document_ids=["INV-us-bolt"])
    return revision


def put_posting(world, *attempts, amount="100", key="UA"):
    with world.engine.begin() as connection:
        connection.execute(
            sa.insert(postings).values(
                posting_key=key,
                document_id=f"document of {key}",
                revision_id="us:2026-10:r1",
                legal_entity_id="us",
                erp="sandbox",
                state="posted",
                payload_sha256="ab",
                document_number="INV-7",
                amount=Decimal(amount),
                currency_code="USD",
                updated_at=NOW,
            )
        )
        for number, outcome in enumerate(attempts, 1):
            connection.execute(
                sa.insert(posting_attempts).values(
                    posting_key=key,
                    attempt_number=number,
                    started_at=NOW,
                    finished_at=NOW + timedelta(seconds=number) if outcome else None,
                    outcome=outcome,
                    actor_name="sensor signed_documents",
                    actor_source="machine",
                    run_id="run-3",
                )
            )


def put_version(world, version, *, minutes, files):
    folder = world.settings.reference_versions / version
    folder.mkdir(parents=True, exist_ok=True)
    listed = [{"path": path, "sha256": digest} for path, digest in files.items()]
    (folder / "version.json").write_text(json.dumps({"files": listed}))
    loaded_at = NOW + timedelta(minutes=minutes)
    with world.engine.begin() as connection:
        again = connection.execute(
            sa.update(reference_versions)
            .where(reference_versions.c.reference_version == version)
            .values(loaded_at=loaded_at)
        )
        if again.rowcount == 0:
            connection.execute(
                sa.insert(reference_versions).values(
                    reference_version=version,
                    loaded_at=loaded_at,
                    content_sha256="ab",
                    author="pia@x",
                    author_source="verified",
                    run_id="run-5",
                )
            )


def test_a_freeze_a_signature_and_a_hold_are_told_with_who_and_by_which_commit(world):
    revision = signed(world)
    freeze, sign, hold = caught_up(world)
    assert [
        ("freeze", "us:2026-10:r1"),
        ("sign", "us:2026-10:r1"),
        ("hold", "INV-us-bolt"),
    ] == told([freeze, sign, hold])
    assert PIA == freeze.deed.actor
    assert (OLIVIA.name, OLIVIA.source, OLIVIA.run_id) == (
        sign.deed.actor.name,
        sign.deed.actor.source,
        sign.deed.actor.run_id,
    )
    first, second = world.register.chain()
    assert [(1, first.sha256), (2, second.sha256), (2, second.sha256)] == [
        (each.deed.commit.sequence, each.deed.commit.manifest_sha256)
        for each in (freeze, sign, hold)
    ]
    assert {"USD": "100.0000"} == sign.deed.details["amounts"]
    assert ("2026-10", "us", revision.content_sha256) == (
        sign.deed.details["billing_period"],
        sign.deed.details["legal_entity_id"],
        sign.deed.details["content_sha256"],
    )
    assert (second.written_at, NOW + timedelta(days=1)) == (sign.deed.happened_at, sign.recorded_at)


def test_a_rejection_is_told_with_its_reason(world):
    [revision] = world.build(*LINES).freeze()
    world.sign(revision.revision_id, decision="reject", note="wrong price")
    *_, rejected = caught_up(world)
    assert ("reject", "wrong price") == (rejected.deed.action, rejected.deed.details["note"])


def test_recorded_entries_are_told_with_what_the_commit_says_of_itself(world):
    world.register.commit(
        kind="record",
        subject={"signer": "ana@x", "signer_source": "verified", "run_id": "r", "note": "goodwill"},
        now=NOW,
        entries=entries_table({"entry_kind": "concession"}),
    )
    [entry] = caught_up(world)
    assert ("record", "register_commit", "1") == (
        entry.deed.action,
        entry.deed.object_kind,
        entry.deed.object_id,
    )
    assert ("ana@x", "goodwill") == (entry.deed.actor.name, entry.deed.details["note"])


def test_each_record_of_a_file_and_each_waiver_is_told_with_who_signed_it(world):
    signer = {"signer": "ana@x", "signer_source": "verified", "run_id": "r"}
    records = [
        {"record_id": "cm-1", "kind": "external", "amount": "-3", "lines": [{"line": 1}]},
        {"record_id": "small", "kind": "carry_close", "amount": "0.20"},
    ]
    for subject in ({"records": records}, {"exception_id": "e-1", "reason": "trial"}):
        world.register.commit(kind="record", subject=signer | subject, now=NOW)
    deeds = [entry.deed for entry in caught_up(world)]
    assert [
        ("record", "record", "cm-1"),
        ("waive", "record", "small"),
        ("waive", "exception", "e-1"),
    ] == [(deed.action, deed.object_kind, deed.object_id) for deed in deeds]
    assert {"ana@x"} == {deed.actor.name for deed in deeds}
    assert ("-3", "trial") == (deeds[0].details["amount"], deeds[2].details["reason"])


def test_catching_up_again_writes_nothing(world):
    signed(world)
    caught_up(world)
    files = sorted(world.settings.audit.rglob("*"))
    assert () == caught_up(world)
    assert files == sorted(world.settings.audit.rglob("*"))


def test_each_told_ending_of_an_attempt_is_one_entry_and_a_negative_sum_is_a_credit(world):
    put_posting(world, "unknown", "delayed", "posted")
    put_posting(world, "rejected", None, amount="-5", key="UB")
    entries = caught_up(world)
    assert [
        ("post", "UA", 1, "unknown", None),
        ("credit", "UB", 1, "rejected", None),
        ("post", "UA", 3, "posted", "INV-7"),
    ] == [
        (
            each.deed.action,
            each.deed.details["posting_key"],
            each.deed.details["attempt_number"],
            each.deed.details["outcome"],
            each.deed.details["document_number"],
        )
        for each in entries
    ]
    assert {"sensor signed_documents"} == {each.deed.actor.name for each in entries}
    assert ("2026-10", "-5.0000") == (
        entries[1].deed.details["billing_period"],
        entries[1].deed.details["amount"],
    )
    assert () == caught_up(world)


def test_a_reference_version_is_told_with_its_author_and_what_it_changed(world):
    put_version(world, "v1", minutes=1, files={"price_book/a.yml": "1", "policy.yml": "1"})
    put_version(world, "v2", minutes=2, files={"price_book/a.yml": "2", "policy.yml": "1"})
    first, second = caught_up(world)
    assert (None, 2) == (
        first.deed.details["previous_version"],
        first.deed.details["changed_file_count"],
    )
    assert ("v1", ["price_book/a.yml"]) == (
        second.deed.details["previous_version"],
        second.deed.details["changed_files"],
    )
    assert Actor(name="pia@x", source="verified", run_id="run-5") == second.deed.actor


def test_an_older_version_that_is_in_force_again_is_a_change_too(world):
    put_version(world, "v1", minutes=1, files={"a": "1"})
    put_version(world, "v2", minutes=2, files={"a": "2"})
    caught_up(world)
    put_version(world, "v1", minutes=3, files={"a": "1"})
    [again] = caught_up(world)
    assert ("v1", "v2") == (again.deed.object_id, again.deed.details["previous_version"])


def test_entries_whose_anchor_was_lost_are_anchored_and_not_written_again(world):
    """As after a crash between the append and the anchor."""
    signed(world)
    put_posting(world, "posted")
    caught_up(world)
    with world.engine.begin() as connection:
        connection.execute(sa.delete(audit_anchors))
        connection.execute(sa.update(posting_attempts).values(audit_sequence=None))
    assert () == caught_up(world)
    assert [] == problems(world)
    with world.engine.connect() as connection:
        assert [4] == list(connection.scalars(sa.select(audit_anchors.c.sequence)))
        assert [2] == list(connection.scalars(sa.select(posting_attempts.c.audit_sequence)))
    assert 4 == len(AuditLog(world.settings.audit).entries())


def test_a_log_whose_end_was_cut_off_stops_everything_until_it_is_restored(world):
    signed(world)
    caught_up(world)
    put_posting(world, "posted")
    [last] = caught_up(world)
    path = world.settings.audit / "entries" / f"{last.sequence:010d}.jsonl"
    kept = path.read_bytes()
    path.unlink()
    installation = Installation(world.settings)
    with pytest.raises(AuditLogDamagedError, match="Nothing is loaded"), installation.operations():
        pass
    assert {"head_forgotten", "posting_not_logged"} == set(problems(world))
    path.write_bytes(kept)
    with installation.operations():
        assert [] == problems(world)


def test_a_log_that_was_taken_away_is_not_begun_anew(world):
    signed(world)
    caught_up(world)
    shutil.rmtree(world.settings.audit)
    put_posting(world, "posted")
    with pytest.raises(AuditLogDamagedError):
        caught_up(world)
    assert not list(world.settings.audit.glob("entries/*"))


def test_the_log_and_the_register_are_compared_both_ways(world):
    signed(world)
    caught_up(world)
    manifests = world.settings.register / "manifests"
    kept = manifests / "00000002.json"
    content = kept.read_bytes()
    kept.unlink()
    assert {"commit_unknown"} == set(problems(world))
    kept.write_bytes(content)
    log = AuditLog(world.settings.audit)
    entries = log.entries()
    rewritten = log.folder / "entries" / "0000000001.jsonl"
    rewritten.chmod(0o644)
    rewritten.write_bytes(b"".join(each.content() + b"\n" for each in entries[:2]))
    assert {"head_forgotten", "commit_not_logged"} == set(problems(world))


def test_a_commit_that_no_step_has_told_yet_is_no_damage(world):
    signed(world)
    state = inspect_log(world.settings, world.engine)
    assert ((), False, 0) == (state.problems, state.is_caught_up, state.entry_count)
    caught_up(world)
    state = inspect_log(world.settings, world.engine)
    assert ((), True, 3) == (state.problems, state.is_caught_up, state.entry_count)


def test_a_step_over_an_installation_begins_with_the_start_of_its_run_and_tells_what_it_did(world):
    run = RunRecord(actor=PIA, job_name="freeze_period", details={"billing_period": "2026-10"})
    installation = Installation(world.settings, clock=lambda: NOW, run=run)
    world.build(*LINES)
    for _ in range(2):
        with installation.operations():
            world.freeze(actor=installation.actor)
    entries = AuditLog(world.settings.audit).entries()
    assert [("start_run", "freeze_period"), ("freeze", "us:2026-10:r1")] == told(entries)
    assert {PIA} == {each.deed.actor for each in entries}
    [end] = run.end(installation.clock, outcome="failed")
    assert ("end_run", "failed", "2026-10") == (
        end.action,
        end.details["outcome"],
        end.details["billing_period"],
    )


def test_a_run_that_opened_nothing_has_no_end_to_tell(world):
    assert [] == RunRecord(actor=PIA, job_name="show_status").end(lambda: NOW, outcome="succeeded")
    assert TALLYHOUSE == Installation(world.settings).actor
