"""Judging one line exactly: the rules in full, for every line that the scanner leaves aside.

Belongs here: JSON without loss, CloudEvents 1.0, the event contract; one code and one remedy per
reject. Does not belong here: files and batches; the scanner (scan), which accepts only what these
rules accept, with the same values.

CloudEvents: specversion "1.0"; id, source, type, subject and time are texts that hold more than
white space; time names a zone; datacontenttype is absent or JSON; data is an object. An attribute
that is null is absent. Attributes and properties that nobody declared are not read, unless the
contract is closed; but a key that occurs twice, or NaN, anywhere in the line makes it a reject.
"""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from orchestration.ingest.exact_data import UNBOUNDED, VANISHING, judge_data
from orchestration.ingest.instants import UnreadableTimeError, parse_instant
from orchestration.ingest.records import AcceptedEvent, Reject, TimeWindow
from orchestration.ingest.rejection import RejectedError, is_storable, shown
from orchestration.price_book.event_contracts import EventContract, EventContracts

SPECVERSION = "1.0"
REQUIRED_TEXTS = ("id", "source", "type", "subject", "time")
BLANK = " \t\r\n\v\f"


def judge_line(text: str, contracts: EventContracts, window: TimeWindow) -> AcceptedEvent | Reject:
    """Return the event that a JSON line holds, or why it is rejected.

    Takes one line without its line end, valid UTF-8. Never raises on content.
    """
    known: dict[str, str] = {}
    try:
        envelope = _read_object(text)
        for name in REQUIRED_TEXTS:
            found = envelope.get(name)
            if isinstance(found, str) and is_storable(found):
                known[name] = found
        return _judge_envelope(envelope, contracts, window)
    except RejectedError as error:
        return Reject(
            code=error.code,
            detail=str(error),
            event_source=known.get("source"),
            event_id=known.get("id"),
            event_type=known.get("type"),
            subject=known.get("subject"),
        )


def _read_object(text: str) -> dict[str, Any]:
    if "\0" in text:
        raise RejectedError(
            "null_byte", "The line holds a null byte. Write the file as UTF-8 text."
        )
    try:
        envelope = json.loads(
            text,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_without_duplicates,
        )
        if "\\u" in text:  # an escaped half of a surrogate pair is no text
            json.dumps(envelope, ensure_ascii=False, default=str).encode("utf-8")
    except RejectedError:
        raise
    except UnicodeEncodeError as error:
        raise RejectedError(
            "broken_json",
            f"The line escapes {error.object[error.start]!r}, half of a surrogate pair. "
            "Write both halves, or the character itself.",
        ) from error
    except RecursionError as error:
        raise RejectedError(
            "broken_json", "The line nests too deeply to be read. Flatten it."
        ) from error
    except ValueError as error:
        raise RejectedError(
            "broken_json", f"The line is not JSON: {error}. Write one JSON object per line."
        ) from error
    if not isinstance(envelope, dict):
        raise RejectedError(
            "not_an_object", "The line is JSON but no object. Write one CloudEvent per line."
        )
    return envelope


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return VANISHING if "-" in text[1:] else UNBOUNDED


def _refuse_constant(name: str) -> NoReturn:
    raise RejectedError(
        "number_not_finite", f"The line holds {name}. Send a finite number, or leave the field out."
    )


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise RejectedError(
            "duplicate_key", f'The key "{repeated}" occurs twice in one object. Send it once.'
        )
    return found


def _judge_envelope(
    envelope: Mapping[str, Any], contracts: EventContracts, window: TimeWindow
) -> AcceptedEvent:
    if envelope.get("specversion") != SPECVERSION:
        raise RejectedError(
            "unknown_specversion",
            f'"specversion" is {shown(envelope.get("specversion"))}. Send CloudEvents "1.0".',
        )
    texts = {name: _required_text(envelope, name) for name in REQUIRED_TEXTS}
    _check_content_type(envelope.get("datacontenttype"))
    data = envelope.get("data")
    if data is None:
        raise RejectedError("missing_data", '"data" is absent. Send the quantities in it.')
    if not isinstance(data, dict):
        raise RejectedError(
            "wrong_type_data", f'"data" is {shown(data)}. Send an object with the quantities.'
        )
    microseconds, nanoseconds = _judge_time(texts["time"], window)
    contract = _contract_for(texts["type"], envelope.get("dataschema"), contracts)
    return AcceptedEvent(
        event_source=texts["source"],
        event_id=texts["id"],
        event_type=texts["type"],
        contract_version=contract.version,
        subject=texts["subject"],
        epoch_microseconds=microseconds,
        nanoseconds=nanoseconds,
        properties=judge_data(data, contract),
    )


def _required_text(envelope: Mapping[str, Any], name: str) -> str:
    value = envelope.get(name)
    if value is None:
        raise RejectedError(f"missing_{name}", f'"{name}" is absent. Every event must have it.')
    if not isinstance(value, str):
        raise RejectedError(f"wrong_type_{name}", f'"{name}" is {shown(value)}. Send it as a text.')
    if not value.strip(BLANK):
        raise RejectedError(f"empty_{name}", f'"{name}" is empty. Every event must have it.')
    if not is_storable(value):
        raise RejectedError("null_byte", f'"{name}" holds a null byte. Send it without.')
    return value


def _check_content_type(content_type: Any) -> None:
    if content_type is None:
        return
    if isinstance(content_type, str):
        media_type = content_type.split(";", 1)[0].strip().lower()
        if media_type == "application/json" or media_type.endswith("+json"):
            return
    raise RejectedError(
        "content_type_not_supported",
        f'"datacontenttype" is {shown(content_type)}. Send application/json, or leave it out.',
    )


def _judge_time(text: str, window: TimeWindow) -> tuple[int, int]:
    try:
        microseconds, nanoseconds = parse_instant(text)
    except UnreadableTimeError as error:
        raise RejectedError(
            error.code,
            f'"time" is {shown(text)}: {error}. Write it like 2026-10-31T23:59:59.123Z.',
        ) from error
    if microseconds < window.earliest_microseconds:
        raise RejectedError(
            "time_too_old",
            f'"time" is {shown(text)}, before the earliest year taken. Correct the clock, '
            "or lower TALLYHOUSE_EARLIEST_EVENT_YEAR and replay.",
        )
    if microseconds > window.latest_microseconds:
        raise RejectedError(
            "time_in_future",
            f'"time" is {shown(text)}, too far in the future. Correct the clock, '
            "or replay once that time has come.",
        )
    return microseconds, nanoseconds


def _contract_for(event_type: str, dataschema: Any, contracts: EventContracts) -> EventContract:
    if dataschema is None or isinstance(dataschema, str):
        contract = contracts.find(event_type, dataschema)
        if contract is not None:
            return contract
    named = 'no "dataschema"' if dataschema is None else f'"dataschema" {shown(dataschema)}'
    raise RejectedError(
        "unknown_contract",
        f'No event contract is known for "type" {shown(event_type)} with {named}. '
        f"Add event_contracts/{event_type}/<version>.json and replay.",
    )
