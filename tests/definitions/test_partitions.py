"""Which landing day a file belongs to, and what a billing period's partition is."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from orchestration.partitions import (
    BillingPeriodError,
    NoUsageFilesError,
    files_of_days,
    landing_day,
    landing_files,
    landing_span,
    partition_of_period,
    period_of_partition,
)

MODIFIED_AT = datetime(2026, 11, 3, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("gateway/2026-09-01.jsonl", date(2026, 9, 1)),
        ("gateway/2026/09/02/part-0.parquet", date(2026, 9, 2)),
        ("gateway/20260903T010000.csv", date(2026, 9, 3)),
        ("2026-09-01/export-2026-10-05.jsonl.gz", date(2026, 10, 5)),
        ("gateway/events.jsonl", date(2026, 11, 3)),
        ("gateway/2026-02-31.jsonl", date(2026, 11, 3)),
        ("gateway/120260903.jsonl", date(2026, 11, 3)),
        ("gateway/2099-01-01.jsonl", date(2026, 11, 3)),
        ("gateway/2001-01-01.jsonl", date(2019, 1, 1)),
    ],
)
def test_every_file_belongs_to_exactly_one_landing_day(path: str, expected: date) -> None:
    found = landing_day(Path(path), modified_at=MODIFIED_AT)

    assert expected == found


def test_a_range_takes_its_first_and_last_day_and_nothing_outside(tmp_path: Path) -> None:
    for day in ("2026-09-01", "2026-09-02", "2026-09-03", "2026-09-04"):
        (tmp_path / f"{day}.jsonl").write_text("{}")

    found = files_of_days(
        landing_files(tmp_path), first_day=date(2026, 9, 2), last_day=date(2026, 9, 3)
    )

    assert ["2026-09-02.jsonl", "2026-09-03.jsonl"] == [path.name for path in found]


def test_the_span_covers_every_file(tmp_path: Path) -> None:
    undated = tmp_path / "events.jsonl"
    undated.write_text("{}")
    os.utime(undated, (MODIFIED_AT.timestamp(), MODIFIED_AT.timestamp()))
    (tmp_path / "2026-09-01.jsonl").write_text("{}")

    assert ("2026-09-01", "2026-11-03") == landing_span(tmp_path)


def test_an_empty_landing_folder_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(NoUsageFilesError, match="Put CloudEvents"):
        landing_span(tmp_path)


def test_a_billing_period_is_a_partition_and_back() -> None:
    assert "2026-10-01" == partition_of_period("2026-10")
    assert "2026-10" == period_of_partition("2026-10-01")


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-1", "10/2026", "2026-10-01", "", "1999-01", "9999-12"]
)
def test_what_is_no_billing_period_is_refused(text: str) -> None:
    with pytest.raises(BillingPeriodError):
        partition_of_period(text)
