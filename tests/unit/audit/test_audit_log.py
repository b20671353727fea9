"""The log's files: appended whole or not at all, read only as one unbroken chain."""

import multiprocessing
from datetime import timedelta

import pytest
from billing_rows import NOW

from orchestration.actors import Actor
from orchestration.audit import AuditLog, Deed, Entry
from orchestration.audit.entries import Commit
from orchestration.audit.log import START, AuditLogBusyError, AuditLogDamagedError, Place

OLIVIA = Actor(name="olivia@example.com", source="verified", run_id="run-1")


def deed(number, **changes):
    told = {
        "happened_at": NOW + timedelta(minutes=number),
        "actor": OLIVIA,
        "action": "sign",
        "object_kind": "revision",
        "object_id": f"us:2026-10:r{number}",
        "details": {"billing_period": "2026-10", "note": "looked at, tout à fait"},
        "commit": Commit(sequence=number, manifest_sha256="ab" * 32),
    }
    return Deed(**told | changes)


def written(log, *counts):
    """Append that many deeds, once per count; returns all entries."""
    number = 0
    for count in counts:
        deeds = [deed(number + each) for each in range(1, count + 1)]
        number += count
        with log.writing():
            log.append(log.head(), deeds, now=NOW)
    return log.entries()


@pytest.fixture
def log(tmp_path):
    return AuditLog(tmp_path / "audit")


def paths(log):
    return sorted((log.folder / "entries").glob("*.jsonl"))


def rewrite(path, content):
    path.chmod(0o644)
    path.write_bytes(content)


def codes(log, **options):
    return [problem.code for problem in log.inspect(**options)[1]]


def test_an_entry_is_read_as_it_was_written_and_chained_to_the_one_before(log):
    first, second, third = written(log, 2, 1)
    assert [1, 2, 3] == [each.sequence for each in (first, second, third)]
    assert ["0" * 64, first.sha256, second.sha256] == [
        each.previous_entry_sha256 for each in (first, second, third)
    ]
    assert deed(2) == second.deed
    assert second == Entry.parse(second.content())
    assert Place(sequence=3, entry_sha256=third.sha256) == log.head()


def test_a_log_that_is_not_there_is_empty(log):
    assert ((), START) == (log.entries(), log.head())


def test_only_what_stands_behind_a_known_entry_is_read(log):
    _, second, third, fourth = written(log, 3, 1)
    after = Place(sequence=second.sequence, entry_sha256=second.sha256)
    assert (third, fourth) == log.entries(after=after)
    assert () == log.entries(after=log.head())


def test_a_known_entry_that_is_not_in_the_log_any_more_is_told(log):
    written(log, 2, 1)
    forgotten = Place(sequence=3, entry_sha256="00" * 32)
    assert ["head_forgotten"] == codes(log, after=forgotten)
    assert ["head_forgotten"] == codes(log, after=Place(sequence=9, entry_sha256="00" * 32))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace(b"looked", b"Looked"), "entry_changed"),
        (lambda text: text[:-1], "entry_changed"),
        (lambda text: text[:-20], "entry_changed"),
        (lambda text: text + b"{}\n", "entry_changed"),
        (lambda text: text + b"\n", "entry_changed"),
        (lambda _text: b"", "entry_changed"),
        (lambda text: b"".join(reversed(text.splitlines(keepends=True))), "entries_out_of_order"),
        (lambda text: text.splitlines(keepends=True)[0], "entries_missing"),
        (lambda text: text.splitlines(keepends=True)[1], "entries_out_of_order"),
    ],
)
def test_a_changed_file_is_told_with_what_happened_to_it(log, change, code):
    written(log, 2, 2)
    first, _ = paths(log)
    rewrite(first, change(first.read_bytes()))
    assert code in codes(log)
    with pytest.raises(AuditLogDamagedError, match="doctor"):
        log.entries()


def test_a_file_that_is_gone_or_stands_twice_or_is_no_files_of_ours_is_told(log):
    written(log, 1, 1, 1)
    _, second, third = paths(log)
    kept = second.read_bytes()
    second.unlink()
    assert ["entries_missing"] == codes(log)
    second.write_bytes(kept)
    third.with_name("0000000004.jsonl").write_bytes(third.read_bytes())
    assert "entries_out_of_order" in codes(log)
    third.with_name("0000000004.jsonl").unlink()
    third.with_name("notes.txt").write_text("of nobody")
    assert ["file_stray"] == codes(log)


def test_a_signature_under_another_name_is_told_also_where_its_own_digest_was_made_anew(log):
    first, _ = written(log, 1, 1)
    mallory = Actor(name="mallory", source="verified")
    forged = Entry.after(0, "0" * 64, deed(1, actor=mallory), now=NOW)
    rewrite(paths(log)[0], forged.content() + b"\n")
    assert first.sha256 != forged.sha256
    assert ["entries_out_of_order"] == codes(log)


def test_what_a_killed_append_left_is_set_aside_and_never_an_entry(log):
    written(log, 1)
    torn = log.folder / "entries" / ".0000000002.jsonl.77.beside"
    torn.write_bytes(b'{"action":"sig')
    empty = log.folder / "entries" / ".0000000002.jsonl.78.beside"
    empty.write_bytes(b"")
    assert [] == codes(log)
    assert 1 == len(log.entries())
    written_again = [deed(2)]
    with log.writing():
        log.append(log.head(), written_again, now=NOW)
    [kept] = (log.folder / "set_aside").iterdir()
    assert b'{"action":"sig' == kept.read_bytes()
    assert (2, [kept]) == (len(log.entries()), log.unfinished())
    assert not torn.exists()
    assert not empty.exists()


def test_a_place_that_is_taken_is_never_written_over(log):
    written(log, 1)
    with log.writing(), pytest.raises(AuditLogDamagedError, match="without the lock"):
        log.append(START, [deed(7)], now=NOW)
    assert [deed(1)] == [entry.deed for entry in log.entries()]


def test_the_end_of_the_log_is_found_in_a_file_of_any_length(log, monkeypatch):
    monkeypatch.setattr("orchestration.audit.log._TAIL_BYTES", 40)
    entries = written(log, 3)
    assert entries[-1].sha256 == log.head().entry_sha256


def test_an_end_that_cannot_be_read_is_refused(log):
    written(log, 1)
    [path] = paths(log)
    rewrite(path, path.read_bytes()[:-30])
    with pytest.raises(AuditLogDamagedError, match="nothing is loaded, frozen, signed or posted"):
        log.head()


def hold_lock(folder, held, release):
    with AuditLog(folder).writing():
        held.set()
        release.wait(30)


def test_another_writer_is_waited_for_and_then_told(log):
    context = multiprocessing.get_context("fork")
    held, release = context.Event(), context.Event()
    other = context.Process(target=hold_lock, args=(log.folder, held, release))
    other.start()
    held.wait(30)
    try:
        with pytest.raises(AuditLogBusyError), AuditLog(log.folder, wait_seconds=0.1).writing():
            pass
    finally:
        release.set()
        other.join()


@pytest.mark.parametrize(
    "changes", [{"action": "delete"}, {"object_kind": "mood"}], ids=["action", "object_kind"]
)
def test_no_verb_or_object_outside_of_the_list_is_written(log, changes):
    with log.writing(), pytest.raises(ValueError, match="unknown action or kind of object"):
        log.append(START, [deed(1, **changes)], now=NOW)
    assert () == log.entries()
