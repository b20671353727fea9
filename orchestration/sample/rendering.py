"""Writing an event as a line of CloudEvents JSON, plainly or in other clothes.

Belongs here: text of single events. Does not belong here: which file a line goes into; lines that
are wrong on purpose, which are malformed's.
"""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from orchestration.sample.usage import DAY_US, Event, JsonScalar


@lru_cache(maxsize=512)
def day_text(epoch_day: int) -> str:
    """A UTC day, counted from 1970, as YYYY-MM-DD."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=epoch_day)).strftime("%Y-%m-%d")


def time_text(at_us: int) -> str:
    """An instant as RFC 3339 in UTC with milliseconds."""
    epoch_day, in_day = divmod(at_us, DAY_US)
    seconds, micros = divmod(in_day, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{day_text(epoch_day)}T{hour:02d}:{minute:02d}:{second:02d}.{micros // 1000:03d}Z"


def data_text(event: Event) -> str:
    """The event's data as compact JSON; its texts need no escapes."""
    return "{" + ",".join(f'"{name}":{_plain(value)}' for name, value in event.data) + "}"


def plain_line(event: Event) -> str:
    """The event as one compact line, without the line feed."""
    schema = f'"dataschema":"{event.dataschema}",' if event.dataschema else ""
    return (
        f'{{"specversion":"1.0","id":"{event.event_id}","source":"{event.source}",'
        f'"type":"{event.event_type}","subject":"{event.subject}",'
        f'"time":"{time_text(event.at_us)}",{schema}"data":{data_text(event)}}}'
    )


def reformatted_line(event: Event, variant: int) -> str:
    """The same billing content: other key order, spaces, number and time notation.

    variant picks the notation of the time: 0 is UTC as +00:00, anything else is UTC+02:00.
    """
    zone_hours = 2 if variant else 0
    shifted = time_text(event.at_us + zone_hours * DAY_US // 24).removesuffix("Z")
    data = ", ".join(f'"{name}": {_dressed(value)}' for name, value in reversed(event.data))
    pairs = [
        f'"data": {{{data}}}',
        f'"time": "{shifted}000+0{zone_hours}:00"',
        f'"subject": {json.dumps(event.subject)}',
        f'"type": "{event.event_type}"',
        f'"source": "{event.source}"',
        f'"id": "{event.event_id}"',
        '"datacontenttype": "application/json"',
        '"specversion": "1.0"',
    ]
    if event.dataschema:
        pairs.insert(2, f'"dataschema": "{event.dataschema}"')
    return "{ " + ", ".join(pairs) + " }"


def _plain(value: JsonScalar) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _dressed(value: JsonScalar) -> str:
    if isinstance(value, str | bool):
        return _plain(value)
    if isinstance(value, Decimal):
        return f"{value}00"
    return f"{value // 1000}e3" if value % 1000 == 0 else f"{value}.0"
