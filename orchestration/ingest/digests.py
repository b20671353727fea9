"""The hashes of an event: its key and the two slices of its content digest.

Belongs here: the encoding, once in Python and once as SQL for DuckDB, which must be equal bit for
bit. Does not belong here: what is done with equal hashes, which are candidates only.

lp(x) is the length of x in characters, a colon, and x. The identity is lp(source) lp(id). The
content is lp(type) lp(subject) lp(microseconds since 1970) lp(nanoseconds) and then, for every
property that is present, by column name, lp(column) lp(value), numbers with nine decimals.
    key_hash   hex digits 1-15 of md5(identity)
    digest_1   hex digits 1-15 of md5(identity content); digest_2: its hex digits 16-30
"""

import hashlib
from collections.abc import Mapping
from decimal import Decimal

from orchestration.ingest.records import AcceptedEvent
from orchestration.ingest.sql_text import literal
from orchestration.price_book.event_contracts import EventContract

HEX_DIGITS = 15  # 60 bits: sums over years of events fit DECIMAL(38, 0), values fit BIGINT


def prefixed(text: str) -> str:
    """Return lp(text): its length in characters, a colon, the text."""
    return f"{len(text)}:{text}"


def identity_of(event: AcceptedEvent) -> str:
    """Return the text that names an event: its source and its id."""
    return prefixed(event.event_source) + prefixed(event.event_id)


def content_of(event: AcceptedEvent) -> str:
    """Return the text of what an event bills: notation and key order leave no trace in it."""
    return "".join(
        (
            prefixed(event.event_type),
            prefixed(event.subject),
            prefixed(str(event.epoch_microseconds)),
            prefixed(str(event.nanoseconds)),
            _properties_text(event.properties),
        )
    )


def hashes_of(event: AcceptedEvent) -> tuple[int, int, int]:
    """Return (key_hash, digest_1, digest_2) of an event, each 60 bits."""
    identity = identity_of(event)
    key = _md5(identity)
    digest = _md5(identity + content_of(event))
    return _slice(key, 0), _slice(digest, 0), _slice(digest, 1)


def identity_sql(source: str, event_id: str) -> str:
    """Return SQL for the identity, given SQL of the source and of the id."""
    return f"concat({_prefixed_sql(source)}, {_prefixed_sql(event_id)})"


def hashed_text_sql(contract: EventContract) -> str:
    """Return SQL for identity and content of an event read by this contract.

    It refers to the columns identity, subject, microseconds_text, nanoseconds_text, the d_ columns
    and t_<column> for the text of each q_ column.
    """
    pieces = [
        "identity",
        literal(prefixed(contract.event_type)),
        _prefixed_sql("subject"),
        _prefixed_sql("microseconds_text"),
        _prefixed_sql("nanoseconds_text"),
    ]
    for item in contract.properties:
        value = f"t_{item.column_name}" if item.is_numeric else item.column_name
        piece = f"{literal(prefixed(item.column_name))}, {_prefixed_sql(value)}"
        is_certain = item.is_required and not item.is_nullable and len(item.path) == 1
        pieces.append(
            piece if is_certain else f"case when {value} is not null then concat({piece}) end"
        )
    return f"concat({', '.join(pieces)})"


def slice_sql(hex_text: str, number: int) -> str:
    """Return SQL for the number-th 60-bit slice of an md5 in hex, as BIGINT."""
    start = number * HEX_DIGITS + 1
    return f"cast('0x' || substring({hex_text}, {start}, {HEX_DIGITS}) as bigint)"


def _properties_text(properties: Mapping[str, Decimal | str]) -> str:
    return "".join(
        prefixed(column) + prefixed(value if isinstance(value, str) else format(value, "f"))
        for column, value in sorted(properties.items())
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).hexdigest()


def _slice(hex_text: str, number: int) -> int:
    return int(hex_text[number * HEX_DIGITS : (number + 1) * HEX_DIGITS], 16)


def _prefixed_sql(text: str) -> str:
    return f"length({text}), ':', {text}"
