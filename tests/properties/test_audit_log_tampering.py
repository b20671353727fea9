"""Random audit logs, tampered with at random: whatever is done to their files is found."""

import tempfile
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path

from billing_rows import NOW
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.actors import Actor
from orchestration.audit import AuditLog, Deed, Entry, catch_up
from orchestration.audit.inspection import inspect_log
from orchestration.operations_db import open_operations
from orchestration.settings import Settings

texts = st.text(max_size=6)
deeds = st.builds(
    lambda name, minutes, job, note: Deed(
        happened_at=NOW + timedelta(minutes=minutes),
        actor=Actor(name=name, source="self_declared", run_id=None),
        action="start_run",
        object_kind="job",
        object_id=job,
        details={"note": note},
    ),
    texts,
    st.integers(0, 9),
    texts,
    texts,
)
logs = st.lists(st.lists(deeds, min_size=1, max_size=3), min_size=1, max_size=4)


@cache
def empty_operations():
    """The bytes of an operations database without rows: migrating one takes longer than a test."""
    with tempfile.TemporaryDirectory() as folder:
        here = Settings(data_dir=Path(folder))
        open_operations(here).dispose()
        return (here.data_dir / "operations.db").read_bytes()


@contextmanager
def written(appends):
    """A data directory whose log was appended to so many times; yields how it is inspected."""
    with tempfile.TemporaryDirectory() as folder:
        here = Settings(data_dir=Path(folder))
        (here.data_dir / "operations.db").write_bytes(empty_operations())
        engine = open_operations(here)
        try:
            for deeds_of_append in appends:
                catch_up(here, engine, clock=lambda: NOW, deeds=deeds_of_append)
            yield here, lambda: inspect_log(here, engine)
        finally:
            engine.dispose()


def lines_of(here):
    """Every file's lines, by path."""
    return {
        path: path.read_bytes().splitlines(keepends=True)
        for path in sorted((here.audit / "entries").iterdir())
    }


def put(files):
    for path, lines in files.items():
        path.chmod(0o644)
        path.write_bytes(b"".join(lines))


def places_of(files):
    return [(path, place) for path, lines in files.items() for place in range(len(lines))]


def chained_again(files):
    """The same deeds with sequences and digests that follow from each other."""
    sequence, sha256, again = 0, "0" * 64, {}
    for path, lines in files.items():
        again[path] = []
        for line in lines:
            told = Entry.parse(line.removesuffix(b"\n"))
            entry = Entry.after(sequence, sha256, told.deed, now=told.recorded_at)
            again[path].append(entry.content() + b"\n")
            sequence, sha256 = entry.sequence, entry.sha256
    return again


def is_told(state):
    """Whether an inspection says that something is wrong, or newer than the noted head."""
    return bool(state.problems) or state.unanchored_count > 0


@settings(max_examples=25, deadline=None)
@given(appends=logs)
def test_a_log_that_nobody_touched_is_sound_and_whole(appends):
    with written(appends) as (here, inspect):
        assert not is_told(inspect())
        assert [each for append in appends for each in append] == [
            entry.deed for entry in AuditLog(here.audit).entries()
        ]


@settings(max_examples=25, deadline=None)
@given(appends=logs, data=st.data())
def test_any_flipped_byte_is_found(appends, data):
    with written(appends) as (here, inspect):
        path = data.draw(st.sampled_from(sorted(lines_of(here))))
        content = bytearray(path.read_bytes())
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] ^= data.draw(st.integers(1, 255))
        put({path: [bytes(content)]})
        assert is_told(inspect())


@settings(max_examples=25, deadline=None)
@given(appends=logs, data=st.data())
def test_any_entry_that_is_taken_out_is_found_with_its_digests_made_anew_or_not(appends, data):
    with written(appends) as (here, inspect):
        files = lines_of(here)
        path, place = data.draw(st.sampled_from(places_of(files)))
        del files[path][place]
        if data.draw(st.booleans()):
            files = chained_again(files)
        put(files)
        if not files[path] and data.draw(st.booleans()):
            path.unlink()
        assert is_told(inspect())


@settings(max_examples=25, deadline=None)
@given(appends=logs, other=deeds, data=st.data())
def test_any_entry_that_is_put_in_is_found_with_its_digests_made_anew_or_not(appends, other, data):
    with written(appends) as (here, inspect):
        files = lines_of(here)
        path = data.draw(st.sampled_from(sorted(files)))
        place = data.draw(st.integers(0, len(files[path])))
        forged = Entry.after(place, "0" * 64, other, now=NOW)
        files[path].insert(place, forged.content() + b"\n")
        if data.draw(st.booleans()):
            files = chained_again(files)
        put(files)
        assert is_told(inspect())


@settings(max_examples=25, deadline=None)
@given(appends=logs, other=deeds, data=st.data())
def test_any_entry_that_is_told_otherwise_is_found_with_its_digests_made_anew(appends, other, data):
    with written(appends) as (here, inspect):
        files = lines_of(here)
        path, place = data.draw(st.sampled_from(places_of(files)))
        before = Entry.parse(files[path][place].removesuffix(b"\n"))
        forged = Entry.after(before.sequence - 1, "0" * 64, other, now=NOW)
        files[path][place] = forged.content() + b"\n"
        put(chained_again(files))
        assert (before.deed != other or before.deed.details != other.details) == is_told(inspect())


@settings(max_examples=25, deadline=None)
@given(appends=logs, data=st.data())
def test_any_two_entries_that_changed_places_are_found(appends, data):
    with written(appends) as (here, inspect):
        files = lines_of(here)
        places = st.sampled_from(places_of(files))
        one, other = data.draw(st.tuples(places, places))
        mine, theirs = files[one[0]][one[1]], files[other[0]][other[1]]
        files[one[0]][one[1]], files[other[0]][other[1]] = theirs, mine
        put(files)
        assert (mine != theirs) == is_told(inspect())


@settings(max_examples=25, deadline=None)
@given(appends=logs, data=st.data())
def test_any_cut_end_is_found(appends, data):
    with written(appends) as (here, inspect):
        files = lines_of(here)
        kept = data.draw(st.integers(0, sum(len(x) for each in files.values() for x in each) - 1))
        for path, lines in files.items():
            content = b"".join(lines)
            put({path: [content[: max(0, kept)]]})
            if kept <= 0 and data.draw(st.booleans()):
                path.unlink()
            kept -= len(content)
        assert is_told(inspect())
