"""The benchmarks' own ground: a size always makes the same files, and repeats are true repeats."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.price_book import validate_reference
from tests.benchmarks.hand_written import run
from tests.benchmarks.measuring import ChildFailedError, run_measured
from tests.benchmarks.workload import month_of, write_reference, write_usage

SIZE = 31 * 400 + 7


def lines_in(folder: Path) -> list[str]:
    return [line for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]


def test_a_size_always_makes_the_same_lines(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_usage(tmp_path / name, month_of(SIZE))
    assert sorted(lines_in(tmp_path / "first")) == sorted(lines_in(tmp_path / "second"))


def test_repeats_say_the_same_as_what_they_repeat(tmp_path: Path) -> None:
    write_usage(tmp_path, month_of(SIZE))
    lines = lines_in(tmp_path)
    assert SIZE == len(set(lines))
    assert SIZE == len({(event["source"], event["id"]) for event in map(json.loads, lines)})
    # Of the 30 days before the last one every number that 200 divides.
    assert (SIZE - 400 + 199) // 200 == len(lines) - SIZE


def test_the_hand_written_script_counts_each_event_once(tmp_path: Path) -> None:
    write_usage(tmp_path, month_of(SIZE))
    tokens = {
        event["id"]: Decimal(event["data"].get("output_tokens", 0))
        for event in map(json.loads, lines_in(tmp_path))
    }
    assert sum(tokens.values()) == Decimal(run(tmp_path)["quantities"]["output_tokens"])


def test_the_workload_has_a_sound_reference_folder(tmp_path: Path) -> None:
    write_reference(tmp_path)
    assert [] == validate_reference(tmp_path)


def test_a_measured_child_that_fails_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ChildFailedError, match=r"(?s)tests\.benchmarks\.hand_written.*No files found"
    ):
        run_measured("tests.benchmarks.hand_written", str(tmp_path / "absent"))


def test_the_memory_of_a_child_is_seen(tmp_path: Path) -> None:
    write_usage(tmp_path, month_of(SIZE))
    assert 10_000_000 < run_measured("tests.benchmarks.hand_written", str(tmp_path)).peak_bytes
