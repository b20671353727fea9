"""Reading an event's time: RFC 3339, with its zone, to the nanosecond, without a float.

Belongs here: the notation and what is refused. Does not belong here: which instants are plausible.

A leap second (23:59:60 UTC) is read as the last nanosecond of its minute, so that it stays in its
day and billing period. More than nine decimals are refused unless the rest are zeros.
"""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NANOSECOND_DIGITS = 9
SECONDS_BEFORE_LEAP = 60
LAST_MINUTE = (23, 59)

_RFC_3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?"
    r"([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?",
    re.ASCII,
)


class UnreadableTimeError(ValueError):
    """The text is no instant; `code` is the reject code, the message says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def microseconds_of(instant: datetime) -> int:
    """Return the whole microseconds from 1970 UTC to an aware instant."""
    return (instant - EPOCH) // MICROSECOND


def parse_instant(text: str) -> tuple[int, int]:
    """Return (microseconds since 1970 UTC, remaining nanoseconds 0..999) of an RFC 3339 text.

    Raises:
        UnreadableTimeError: time_without_zone, or time_unreadable with what is wrong.
    """
    found = _RFC_3339.fullmatch(text)
    if found is None:
        raise UnreadableTimeError("time_unreadable", "it is not RFC 3339")
    year, month, day, hour, minute, second = (int(part) for part in found.group(1, 2, 3, 4, 5, 6))
    fraction, zone = found.group(7) or "", found.group(8)
    if zone is None:
        raise UnreadableTimeError("time_without_zone", "it names no zone")
    if fraction[NANOSECOND_DIGITS:].strip("0"):
        raise UnreadableTimeError("time_unreadable", "it is finer than a nanosecond")
    is_leap = second == SECONDS_BEFORE_LEAP
    try:
        local = datetime(
            year, month, day, hour, minute, second - 1 if is_leap else second, tzinfo=UTC
        )
        instant = local - _offset(zone)
    except (ValueError, OverflowError) as error:
        raise UnreadableTimeError("time_unreadable", f"no such instant exists ({error})") from error
    if is_leap and (instant.hour, instant.minute) != LAST_MINUTE:
        raise UnreadableTimeError("time_unreadable", "only 23:59:60 UTC can be a leap second")
    nanoseconds = (
        10**NANOSECOND_DIGITS - 1
        if is_leap
        else int(fraction[:NANOSECOND_DIGITS].ljust(NANOSECOND_DIGITS, "0"))
    )
    return microseconds_of(instant) + nanoseconds // 1000, nanoseconds % 1000


def _offset(zone: str) -> timedelta:
    if zone in ("Z", "z"):
        return timedelta(0)
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return size if zone[0] == "+" else -size
