"""What ingestion hands over: an accepted event, a reject, a file's outcome, a batch's result.

Belongs here: frozen records, and the closed lists of codes with their meaning.
Does not belong here: any judgement; tables of the operations database.

Reject codes of a line (stable; `reject_detail` names the field and the remedy):
    broken_json  not_an_object  duplicate_key  null_byte  invalid_utf8  line_too_long
    unknown_specversion  content_type_not_supported
    missing_, wrong_type_, empty_ + id | source | type | subject | time
    missing_data  wrong_type_data
    time_without_zone  time_unreadable  time_too_old  time_in_future
    unknown_contract  property_missing  property_wrong_type  property_out_of_range
    property_not_allowed  number_not_finite  number_too_large  number_too_precise
    csv_field_count  csv_unreadable
Codes of a refused file (nothing of it is loaded; the next file is):
    not_a_file  unknown_format  unreadable_file  truncated_file  damaged_file  wrong_encoding
    line_unbounded
    csv_header_unusable  parquet_columns_unusable
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

from orchestration.ingest.instants import microseconds_of

FileResult = Literal[
    "loaded",
    "same_content",
    "changed_content",
    "refused",
    "still_being_written",
    "unreadable",
]


@dataclass(frozen=True, slots=True)
class AcceptedEvent:
    """One event as raw/ keeps it, but for its place and its hashes.

    Attributes:
        epoch_microseconds: the instant since 1970 UTC, rounded down to the microsecond.
        nanoseconds: what is left of it, 0 to 999.
        properties: by column name; Decimal with at most 9 decimals for q_, text for d_.
    """

    event_source: str
    event_id: str
    event_type: str
    contract_version: str
    subject: str
    epoch_microseconds: int
    nanoseconds: int
    properties: dict[str, Decimal | str]


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a line was not accepted, and what of its identity could be read."""

    code: str
    detail: str
    event_source: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    subject: str | None = None


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file of a run, or of the rejected lines of one file in a replay."""

    path: Path
    outcome: FileResult
    file_id: int | None = None
    code: str | None = None
    detail: str | None = None
    content_sha256: str | None = None
    lines_read: int = 0
    lines_accepted: int = 0
    lines_rejected: int = 0


@dataclass(frozen=True)
class IngestionResult:
    """What a run loaded. Without a batch nothing was committed to raw/.

    Attributes:
        ingestion_batch_id: the committed batch, or None.
        files: one outcome per file that this run looked into.
        seconds_by_phase: wall seconds of survey, load, exact, index, commit.
        control_total_count: control totals that the same run found and loaded.
    """

    ingestion_batch_id: int | None
    files: tuple[FileOutcome, ...]
    lines_read: int = 0
    lines_accepted: int = 0
    lines_rejected: int = 0
    seconds_by_phase: dict[str, float] = field(default_factory=dict)
    control_total_count: int = 0


@dataclass(frozen=True)
class TimeWindow:
    """The instants that an event may have: [earliest, latest], in microseconds since 1970 UTC."""

    earliest_microseconds: int
    latest_microseconds: int

    @classmethod
    def around(
        cls, now: datetime, *, earliest_event_year: int, future_tolerance_hours: int
    ) -> "TimeWindow":
        """Return the window from the start of a UTC year to some hours after now."""
        return cls(
            microseconds_of(datetime(earliest_event_year, 1, 1, tzinfo=UTC)),
            microseconds_of(now) + future_tolerance_hours * 3_600_000_000,
        )
