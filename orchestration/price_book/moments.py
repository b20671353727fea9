"""Days and instants of contracts: when a day begins, and on which day an instant lies.

Belongs here: comparing a local day with an instant. Does not belong here: the instants by which
usage is rated, which dbt computes from the days with the zone data of its engine.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def start_instant(moment: date | datetime, time_zone: str) -> datetime:
    """The instant at which a local day begins, in UTC; an instant is one already.

    A skipped midnight is the first instant after it.
    """
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    return datetime.combine(moment, time(), tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def first_day(moment: date | datetime, time_zone: str) -> date:
    """The local day that a moment begins, or in which it lies."""
    if isinstance(moment, datetime):
        return moment.astimezone(ZoneInfo(time_zone)).date()
    return moment


def day_after(moment: date | datetime, time_zone: str) -> date:
    """The first local day that lies wholly after everything before a moment."""
    if isinstance(moment, datetime):
        last_moment = moment - timedelta(microseconds=1)
        return last_moment.astimezone(ZoneInfo(time_zone)).date() + timedelta(days=1)
    return moment


def inner_instant(moment: date | datetime | None, time_zone: str) -> datetime | None:
    """The instant in UTC where a moment was given as one; None for a day and for nothing."""
    return start_instant(moment, time_zone) if isinstance(moment, datetime) else None
