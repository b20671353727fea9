"""The seeded sample: the same bytes for a seed, and a truth that adds up."""

import gzip
import hashlib
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard

from orchestration.price_book import validate_reference
from orchestration.sample import company
from orchestration.sample.company_tables import tables
from orchestration.sample.usage import draw_events
from orchestration.sample.write import (
    DEFAULT_MONTHS,
    DEFAULT_SEED,
    SAMPLE_REFERENCE,
    SampleRefusedError,
    SampleSizeError,
    write_reference,
    write_sample,
)

SMALL = 3000


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def lines_of(path: Path) -> list[bytes]:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    elif path.suffix == ".zst":
        content = zstandard.ZstdDecompressor().decompress(content)
    elif path.suffix == ".parquet":
        return [b""] * pq.read_metadata(path).num_rows
    elif path.suffix == ".csv":
        return content.splitlines()[1:]
    return content.splitlines()


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_sample(tmp_path / "first", event_count=SMALL)
    second = write_sample(tmp_path / "second", event_count=SMALL)
    assert contents(first.usage) == contents(second.usage)
    assert first.truth_file.read_bytes() == second.truth_file.read_bytes()


def test_the_bytes_of_a_seed_never_change_unnoticed(tmp_path: Path) -> None:
    sample = write_sample(tmp_path, seed=7, event_count=SMALL)
    digest = hashlib.sha256()
    for path in sample.files:
        if path.suffix in {".jsonl", ".ndjson", ".csv"}:
            digest.update(path.read_bytes())
    assert (
        "5d306953d4c151cf738126b85623cb14ea391e0137e2c3b3bbb53c8d3020a789",
        "ba42dcc5d53fa1deb33637cb115b5da4d4d5deb64bd40d39546878992871373e",
    ) == (
        digest.hexdigest(),
        hashlib.sha256(sample.truth_file.read_bytes()).hexdigest(),
    )


def test_another_seed_gives_other_events_and_the_same_company(tmp_path: Path) -> None:
    first = write_sample(tmp_path / "first", seed=1, event_count=SMALL)
    second = write_sample(tmp_path / "second", seed=2, event_count=SMALL)
    assert contents(first.reference) == contents(second.reference)
    assert first.truth["quantities"] != second.truth["quantities"]


def test_writing_again_rewrites_the_same_files_and_nothing_else(tmp_path: Path) -> None:
    before = contents(write_sample(tmp_path, event_count=SMALL).usage)
    assert before == contents(write_sample(tmp_path, event_count=SMALL).usage)


def test_the_sample_is_never_mixed_with_other_usage(tmp_path: Path) -> None:
    usage = tmp_path / "landing" / "usage"
    usage.mkdir(parents=True)
    (usage / "real.jsonl").write_text("{}\n")
    with pytest.raises(SampleRefusedError, match="already holds usage") as refused:
        write_sample(tmp_path, event_count=SMALL)
    assert "sample_would_mix" == refused.value.code
    assert ["real.jsonl"] == [path.name for path in usage.iterdir()]


@pytest.mark.parametrize(
    ("event_count", "months"), [(999, ("2026-09",)), (SMALL, ("2025-12",)), (SMALL, ())]
)
def test_a_sample_that_cannot_be_made_is_refused(
    event_count: int, months: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(SampleSizeError, match="at least 1000 events"):
        write_sample(tmp_path, event_count=event_count, months=months)
    assert [] == list(tmp_path.iterdir())


def test_the_committed_reference_folder_is_what_the_generator_writes(tmp_path: Path) -> None:
    write_reference(tmp_path)
    assert contents(tmp_path) == contents(SAMPLE_REFERENCE)


def test_the_reference_folder_has_no_problem() -> None:
    assert [] == validate_reference(SAMPLE_REFERENCE)


def test_lines_read_are_accepted_and_rejected_lines(tmp_path: Path) -> None:
    """Invariants 1 and 2, in the truth and in the files themselves."""
    truth = (sample := write_sample(tmp_path, event_count=SMALL)).truth
    lines, events = truth["lines"], truth["events"]
    readable = [
        path
        for path in sample.files
        if str(path.relative_to(sample.usage)) not in truth["files"]["truncated"]
    ]
    assert lines["read"] == sum(len(lines_of(path)) for path in readable)
    assert lines["read"] == lines["accepted"] + lines["rejected"]
    assert lines["rejected"] == sum(lines["rejected_by_kind"].values())
    assert (
        lines["accepted"] == events["unique"] + events["exact_repeats"] + events["conflicting_rows"]
    )
    assert SMALL == events["unique"] + events["conflicting_identities"]
    assert truth["files"]["readable"] == len(readable)


def test_every_format_and_every_fault_is_in_the_sample(tmp_path: Path) -> None:
    truth = (sample := write_sample(tmp_path, event_count=40_000)).truth
    assert {".jsonl", ".ndjson", ".gz", ".zst", ".csv", ".parquet"} == {
        path.suffix for path in sample.files
    }
    assert 1 == sum(path.suffix == ".csv" for path in sample.files)
    assert 1 == sum(path.suffix == ".parquet" for path in sample.files)
    assert 600 == truth["events"]["exact_repeats"]
    assert 6 == truth["events"]["conflicting_identities"]
    assert 0 < truth["events"]["late"]
    assert ["acct-999017", "tenant-helios-trial"] == list(
        truth["unresolved"]["events_without_identity"]
    )
    assert ["acct-100312", "tenant-oakmont", "ws-oakmont"] == list(
        truth["unresolved"]["events_without_contract"]
    )
    assert ["acct-100235"] == list(truth["unresolved"]["events_without_price"])


def test_the_truncated_file_cannot_be_read_and_comes_whole_later(tmp_path: Path) -> None:
    sample = write_sample(tmp_path, event_count=SMALL)
    (name,) = sample.truth["files"]["truncated"]
    with pytest.raises(EOFError):
        gzip.decompress((sample.usage / name).read_bytes())
    assert lines_of(sample.usage / name.replace(".jsonl", "-sent-again.jsonl"))


def test_counted_quantities_equal_their_events_in_the_files(tmp_path: Path) -> None:
    """Output tokens by tenant, added up from the lines: repeats count once, conflicts never."""
    sample = write_sample(tmp_path, event_count=SMALL)
    drawn = {event.event_id for event in draw_events(DEFAULT_SEED, SMALL, DEFAULT_MONTHS)}
    told: dict[str, set[tuple[str, Decimal]]] = defaultdict(set)
    for path in sample.files:
        name = str(path.relative_to(sample.usage))
        if path.name.startswith("gateway") and name not in sample.truth["files"]["truncated"]:
            for event in map(readable_event, lines_of(path)):
                if event.get("id") in drawn and event["type"] == "llm.completion":
                    tokens = Decimal(event["data"]["output_tokens"])
                    told[event["id"]].add((event["subject"], tokens))
    added: dict[str, Decimal] = defaultdict(Decimal)
    for (subject, tokens), *others in told.values():
        if not others:
            added[subject] += tokens
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for row in sample.truth["quantities"]:
        if row["meter_id"] == "output_tokens":
            expected[row["external_id"]] += Decimal(row["quantity"])
    assert expected == added


def readable_event(line: bytes) -> dict[str, Any]:
    """The event of a line, or an empty one where the line is no JSON object."""
    try:
        event = json.loads(line, parse_float=Decimal)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def test_a_month_is_local_to_the_contract(tmp_path: Path) -> None:
    """The evening of 31 October in UTC is November in Tokyo, not yet in New York."""
    months: dict[str, set[str]] = defaultdict(set)
    for row in write_sample(tmp_path, event_count=20_000).truth["quantities"]:
        months[row["external_id"]].add(row["month"])
    assert {"2026-09", "2026-10", "2026-11"} == months["tenant-minato"]
    assert {"2026-09", "2026-10"} == months["tenant-alder-peak"]


def test_the_company_is_as_large_as_the_story_says() -> None:
    assert 41 == len(company.CUSTOMERS) == tables()["customers"].count("\n") - 1
    assert {"USD", "EUR", "JPY"} == {entity.currency_code for entity in company.ENTITIES}
    assert 3 * 41 + 1 == tables()["identities"].count("\n") - 1
