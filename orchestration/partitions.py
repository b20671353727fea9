"""How assets are cut by time: landing days and billing periods.

Belongs here: partition definitions, and which landing day a file belongs to. Does not belong here:
service periods and contract cells, which dbt computes in the contracts' time zones.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import dagster as dg

from orchestration.failures import InputError

FIRST_LANDING_DAY: Final = date(2019, 1, 1)

landing_days: Final = dg.DailyPartitionsDefinition(
    start_date=FIRST_LANDING_DAY.isoformat(), end_offset=1, timezone="UTC"
)
"""The UTC day that a usage file belongs to; today is a partition already."""

billing_periods: Final = dg.MonthlyPartitionsDefinition(
    start_date=FIRST_LANDING_DAY.isoformat(), end_offset=1, timezone="UTC"
)
"""The month in which usage is invoiced; the running month is a partition already."""

_DATE_IN_PATH: Final = re.compile(
    r"(?<!\d)(20\d\d)[-_/]?(0[1-9]|1[0-2])[-_/]?([0-2]\d|3[01])(?!\d)"
)
_BILLING_PERIOD: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class BillingPeriodError(InputError):
    """A billing period is not written YYYY-MM, or is no partition: too early, or in the future."""

    code = "billing_period_invalid"


class NoUsageFilesError(InputError):
    """The landing folder holds no usage file."""

    code = "no_usage_files"


def partition_of_period(billing_period: str) -> str:
    """Return the partition key 'YYYY-MM-01' of a billing period 'YYYY-MM'.

    Raises:
        BillingPeriodError: the text is not a month, or one before the first partition or after the
            running month.
    """
    if not _BILLING_PERIOD.fullmatch(billing_period):
        raise BillingPeriodError(
            f"Read the billing period {billing_period!r}: it must be a month written YYYY-MM, "
            "for example 2026-10. Give it in that form."
        )
    key = f"{billing_period}-01"
    if date.fromisoformat(key) < FIRST_LANDING_DAY:
        raise BillingPeriodError(
            f"Read the billing period {billing_period}: the first one is "
            f"{FIRST_LANDING_DAY:%Y-%m}. Choose a later month."
        )
    if not billing_periods.has_partition_key(key):
        raise BillingPeriodError(
            f"Read the billing period {billing_period}: it has not begun. Choose a month written "
            "YYYY-MM that is not after the running one."
        )
    return key


def period_of_partition(partition_key: str) -> str:
    """Return the billing period 'YYYY-MM' of a partition key 'YYYY-MM-01'."""
    return partition_key[:7]


def landing_day(path: Path, *, modified_at: datetime) -> date:
    """Return the UTC day that a usage file belongs to: the last date in its path, else its own.

    A file without a usable date in its path belongs to the day when it was last modified. Days
    before the first partition are counted to the first one, later than that file's modification
    to the day of modification, so that every file belongs to exactly one partition.

    Args:
        path: the file's path relative to landing/usage.
        modified_at: when the file was last modified, aware.
    """
    modified_on = max(modified_at.astimezone(UTC).date(), FIRST_LANDING_DAY)
    for year, month, day in reversed(_DATE_IN_PATH.findall(path.as_posix())):
        try:
            written = date(int(year), int(month), int(day))
        except ValueError:
            continue
        return min(max(written, FIRST_LANDING_DAY), modified_on)
    return modified_on


def landing_files(folder: Path) -> list[tuple[Path, date]]:
    """Return every file under landing/usage with the day it belongs to, in path order.

    A file that vanishes while the folder is read is left out. Folders that look like files are
    listed too: ingestion reports them.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            status = path.stat()
        except OSError:
            continue
        if path.is_file():
            modified_at = datetime.fromtimestamp(status.st_mtime, tz=UTC)
            found.append((path, landing_day(path.relative_to(folder), modified_at=modified_at)))
    return found


def files_of_days(
    files: Iterable[tuple[Path, date]], *, first_day: date, last_day: date
) -> Sequence[Path]:
    """Return the files whose day lies between both days, both included."""
    return [path for path, day in files if first_day <= day <= last_day]


def landing_span(folder: Path) -> tuple[str, str]:
    """Return the first and the last landing day that has a file, as partition keys.

    Raises:
        NoUsageFilesError: the folder holds no file.
    """
    days = [day for _, day in landing_files(folder)]
    if not days:
        raise NoUsageFilesError(
            f"Looked for usage files under {folder}: there are none. Put CloudEvents as JSON "
            "Lines, Parquet or CSV there, then run again."
        )
    return min(days).isoformat(), max(days).isoformat()
