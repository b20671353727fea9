"""Lines that product systems should never send, one maker per way of being wrong.

Belongs here: the makers, each of which turns a good event into one bad line.
Does not belong here: what ingestion calls the fault, which is ingestion's.
"""

from collections.abc import Callable
from typing import Final

from orchestration.sample.rendering import plain_line, time_text
from orchestration.sample.usage import Event

# Longer than the one MiB that a line may have by default.
LONG_LINE_BYTES: Final = (1 << 20) + 4096


def _replaced(event: Event, old: str, new: str) -> bytes:
    line = plain_line(event)
    if old not in line:
        raise ValueError(f"Tried to spoil an event: {old!r} does not occur in {line!r}.")
    return line.replace(old, new, 1).encode()


def _without(event: Event, name: str, value: str) -> bytes:
    return _replaced(event, f'"{name}":"{value}",', "")


def _with_tokens(event: Event, token: str) -> bytes:
    value = dict(event.data)["input_tokens"]
    return _replaced(event, f'"input_tokens":{value}', f'"input_tokens":{token}')


def _with_time(event: Event, text: str) -> bytes:
    return _replaced(event, time_text(event.at_us), text)


def _too_long(event: Event) -> bytes:
    padding = "x" * LONG_LINE_BYTES
    return _replaced(event, '"specversion":"1.0"', f'"specversion":"1.0","note":"{padding}"')


# Every maker takes an llm.completion event, which has every attribute and two numbers.
MAKERS: Final[dict[str, Callable[[Event], bytes]]] = {
    "broken_json": lambda event: plain_line(event)[:-37].encode(),
    "not_an_object": lambda event: f'["{event.event_id}"]'.encode(),
    "missing_id": lambda event: _without(event, "id", event.event_id),
    "empty_id": lambda event: _replaced(event, f'"id":"{event.event_id}"', '"id":""'),
    "missing_source": lambda event: _without(event, "source", event.source),
    "missing_type": lambda event: _without(event, "type", event.event_type),
    "missing_subject": lambda event: _without(event, "subject", event.subject),
    "empty_subject": lambda event: _replaced(event, f'"subject":"{event.subject}"', '"subject":""'),
    "missing_time": lambda event: _without(event, "time", time_text(event.at_us)),
    "time_without_zone": lambda event: _with_time(event, time_text(event.at_us).removesuffix("Z")),
    "time_unreadable": lambda event: _with_time(event, "yesterday at noon"),
    "time_far_in_the_future": lambda event: _with_time(event, "2199-01-01T00:00:00.000Z"),
    "time_far_in_the_past": lambda event: _with_time(event, "1969-12-31T23:59:59.999Z"),
    "quantity_not_a_number": lambda event: _with_tokens(event, "NaN"),
    "quantity_infinite": lambda event: _with_tokens(event, "Infinity"),
    "quantity_out_of_range": lambda event: _with_tokens(event, "1e400"),
    "quantity_as_text": lambda event: _with_tokens(event, '"many"'),
    "quantity_negative": lambda event: _with_tokens(event, "-5"),
    "quantity_fractional": lambda event: _with_tokens(event, "12.5"),
    "property_missing": lambda event: _replaced(
        event, f',"output_tokens":{dict(event.data)["output_tokens"]}', ""
    ),
    "property_not_declared": lambda event: _replaced(event, '"model":', '"tier":"gold","model":'),
    "property_outside_its_list": lambda event: _replaced(event, '"atlas-', '"titan-'),
    "duplicate_key": lambda event: _replaced(
        event, '"subject":', f'"subject":"{event.subject}-b","subject":'
    ),
    "null_byte": lambda event: _replaced(event, event.subject, f"{event.subject}\x00"),
    "invalid_utf8": lambda event: (
        plain_line(event).encode().replace(event.subject.encode(), b"caf\xe9", 1)
    ),
    "unknown_event_type": lambda event: _replaced(
        event, f'"type":"{event.event_type}"', '"type":"llm.embedding"'
    ),
    "unknown_contract_version": lambda event: _replaced(
        event, "/llm.completion/1", "/llm.completion/9"
    ),
    "line_too_long": _too_long,
}
