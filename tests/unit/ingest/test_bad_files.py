"""A file that cannot be taken is refused as a whole, and the next file is loaded."""

import gzip
import os
import time

import pytest
import zstandard

from orchestration.operations_db.tables import file_sightings, ingestion_files


def outcome_of(result, name):
    return next(one for one in result.files if one.path.name == name)


def bad_file_alone_is_refused(landing, name, code):
    landing.put("z.jsonl", landing.line(id="good"))
    result = landing.load()
    assert ("refused", code) == (outcome_of(result, name).outcome, outcome_of(result, name).code)
    assert outcome_of(result, name).detail
    assert ["good"] == [row["event_id"] for row in landing.rows("events")]
    assert [] == landing.rows("rejects")
    refused = [row for row in landing.table(ingestion_files) if row["status"] == "refused"]
    assert [(code, None, 0)] == [
        (row["code"], row["ingestion_batch_id"], row["lines_read"]) for row in refused
    ]


def many_lines(landing, count=20_000):
    return "\n".join(landing.line(id=f"e-{number}") for number in range(count)).encode()


def test_a_truncated_gzip_is_refused_and_the_next_file_is_loaded(landing):
    landing.put("a.jsonl.gz", gzip.compress(many_lines(landing))[:-9])
    bad_file_alone_is_refused(landing, "a.jsonl.gz", "truncated_file")


def test_a_truncated_zstandard_file_is_refused_and_the_next_file_is_loaded(landing):
    whole = zstandard.ZstdCompressor().compress(many_lines(landing))
    landing.put("a.jsonl.zst", whole[: len(whole) // 2])
    bad_file_alone_is_refused(landing, "a.jsonl.zst", "truncated_file")


def test_a_gzip_with_a_wrong_checksum_is_refused(landing):
    whole = bytearray(gzip.compress(many_lines(landing)))
    whole[-6] ^= 0xFF
    landing.put("a.jsonl.gz", bytes(whole))
    bad_file_alone_is_refused(landing, "a.jsonl.gz", "damaged_file")


def test_a_file_named_gz_that_is_none_is_refused(landing):
    landing.put("a.jsonl.gz", landing.line())
    bad_file_alone_is_refused(landing, "a.jsonl.gz", "damaged_file")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_in_another_encoding_is_refused(landing, encoding):
    landing.put("a.jsonl", landing.line().encode(encoding))
    bad_file_alone_is_refused(landing, "a.jsonl", "wrong_encoding")


def test_a_directory_named_like_a_file_is_refused_and_its_files_are_loaded(landing):
    landing.put("a.jsonl/inner.jsonl", landing.line(id="inner"))
    result = landing.load()
    assert "not_a_file" == outcome_of(result, "a.jsonl").code
    assert ["inner"] == [row["event_id"] for row in landing.rows("events")]


def test_an_unreadable_file_is_reported_and_the_next_file_is_loaded(landing):
    if os.geteuid() == 0:  # for whom only the kernel's own write-only files are unreadable
        (landing.folder / "a.jsonl").symlink_to("/proc/sys/vm/compact_memory")
    else:
        landing.put("a.jsonl", landing.line()).chmod(0)
    landing.put("z.jsonl", landing.line(id="good"))
    assert "unreadable" == outcome_of(landing.load(), "a.jsonl").outcome
    assert ["good"] == [row["event_id"] for row in landing.rows("events")]


def test_a_link_to_nowhere_is_unreadable_and_the_next_file_is_loaded(landing):
    (landing.folder / "a.jsonl").symlink_to(landing.folder / "nowhere")
    landing.put("z.jsonl", landing.line(id="good"))
    result = landing.load()
    assert ("unreadable", "unreadable_file") == (
        outcome_of(result, "a.jsonl").outcome,
        outcome_of(result, "a.jsonl").code,
    )
    assert 1 == len(landing.rows("events"))


def test_a_file_whose_reading_fails_is_refused_and_the_next_file_is_loaded(landing):
    (landing.folder / "a.jsonl").symlink_to("/proc/self/mem")  # opens, and fails at its first byte
    bad_file_alone_is_refused(landing, "a.jsonl", "unreadable_file")


def test_an_unknown_format_is_refused(landing):
    landing.put("a.xlsx", b"PK")
    bad_file_alone_is_refused(landing, "a.xlsx", "unknown_format")


def test_a_damaged_parquet_file_is_refused(landing):
    landing.put("a.parquet", b"PAR1 and then nothing")
    bad_file_alone_is_refused(landing, "a.parquet", "damaged_file")


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.jsonl.gz"])
def test_an_empty_file_is_accepted_with_no_lines(landing, name):
    landing.put(name, gzip.compress(b"") if name.endswith(".gz") else b"")
    result = landing.load()
    assert (1, 0, ["loaded"]) == (
        result.ingestion_batch_id,
        result.lines_read,
        [one.outcome for one in result.files],
    )
    assert [] == landing.rows("events")


def test_a_file_that_was_just_modified_is_left_for_the_next_run(landing):
    landing.set(settle_seconds=60)
    path = landing.put("a.jsonl", landing.line())
    assert ["still_being_written"] == [one.outcome for one in landing.load().files]
    long_ago = time.time() - 120
    os.utime(path, (long_ago, long_ago))
    assert ["loaded"] == [one.outcome for one in landing.load().files]
    assert 1 == len(landing.rows("events"))


@pytest.mark.parametrize(
    "name", ["a.jsonl.tmp", "a.jsonl.part", "b.partial", ".a.jsonl", "_x/a.jsonl"]
)
def test_names_of_unfinished_and_hidden_files_are_passed_over(landing, name):
    landing.put(name, landing.line())
    assert () == landing.load().files


def test_a_file_that_grows_while_it_is_read_is_never_half_read(landing):
    landing.put("z.jsonl", landing.line(id="good"))
    growing = landing.put("a.jsonl", landing.line())
    grown = []

    def grow(_phase, _done, _total):
        if not grown:
            grown.append(True)
            with growing.open("a") as file:
                file.write("\n" + landing.line(id="late"))

    result = landing.load(on_progress=grow)
    assert "still_being_written" == outcome_of(result, "a.jsonl").outcome
    assert ["good"] == [row["event_id"] for row in landing.rows("events")]
    landing.load()
    assert ["e-1", "good", "late"] == sorted(row["event_id"] for row in landing.rows("events"))


def test_the_same_file_twice_changes_nothing(landing):
    """Invariant 9."""
    path = landing.put("a.jsonl", landing.line())
    landing.load()
    assert () == landing.load().files
    again = landing.load(path)
    assert (["same_content"], None) == (
        [one.outcome for one in again.files],
        again.ingestion_batch_id,
    )
    copy = landing.put("copy.jsonl", landing.line())
    assert ["same_content"] == [one.outcome for one in landing.load().files]
    assert copy.exists()
    assert 1 == len(landing.rows("events"))


def test_two_files_of_one_content_in_one_run_are_loaded_once(landing):
    landing.put("a.jsonl", landing.line())
    landing.put("b.jsonl", landing.line())
    assert ["loaded", "same_content"] == [one.outcome for one in landing.load().files]
    assert 1 == len(landing.rows("events"))


def test_other_content_under_an_old_name_is_loaded_and_reported(landing):
    landing.put("a.jsonl", landing.line())
    landing.load()
    landing.put("a.jsonl", f"{landing.line()}\n{landing.line(id='e-2')}\n")
    result = landing.load()
    assert ["changed_content"] == [one.outcome for one in result.files]
    assert 3 == len(landing.rows("events"))
    assert ["loaded", "changed_content"] == [
        row["outcome"] for row in landing.table(file_sightings)
    ]


def test_a_refusal_is_closed_when_the_file_is_delivered_again_or_taken_away(landing):
    landing.put("a.jsonl.gz", b"nothing")
    gone = landing.put("b.jsonl.gz", b"nothing either")
    landing.load()
    landing.put("a.jsonl.gz", gzip.compress(landing.line().encode()))
    gone.unlink()
    landing.load()
    assert [True, True, False] == [
        row["superseded_at"] is not None for row in landing.table(ingestion_files)
    ]


def test_compressed_files_of_several_frames_are_read_to_their_end(landing):
    first, second = (f"{landing.line(id=one)}\n".encode() for one in ("a", "b"))
    landing.put("a.jsonl.gz", gzip.compress(first) + gzip.compress(second))
    frame = zstandard.ZstdCompressor().compress
    landing.put("a.ndjson.zst", frame(first.replace(b"a", b"c", 0)) + frame(second))
    result = landing.load()
    assert [2, 2] == [one.lines_accepted for one in result.files]


def test_a_thousand_small_files_are_one_batch(landing):
    for number in range(1000):
        landing.put(f"{number:04}.jsonl", landing.line(id=f"e-{number}"))
    result = landing.load()
    assert (1, 1000, 1) == (
        result.ingestion_batch_id,
        result.lines_accepted,
        len(landing.parts("events")),
    )
