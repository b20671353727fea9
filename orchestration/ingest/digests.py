"""The hashes of an event: its key and the two slices of its digest.

Belongs here: the encoding; scan/rows.py and scan/hashing.py hold it once more, compiled and equal
to the bit. Does not belong here: what is done with equal hashes, which are candidates only.

Fields are set apart by U+0000, which no accepted text holds; an md5 is read as one number, its
first byte the lowest.
    identity   md5 of the source and the id
    values     md5 of the subject, the nanoseconds since 1970, and the value of every property that
               is present, by column name; a number is written plainly, with no needless decimals
    names      md5 of the type after two U+0000, xor md5 of the column of each such property after
               one; apart from the values, so that a contract fixes most of them beforehand
    key_hash   upper 60 bits of identity
    digest_1   upper 60 bits of identity xor values xor names; digest_2: the 60 bits below them
"""

import hashlib
from decimal import Decimal

from orchestration.ingest.records import AcceptedEvent
from orchestration.price_book.event_contracts import EventContract, EventProperty

SEPARATOR = "\0"
NANOSECONDS_PER_MICROSECOND = 1000
SLICE_BITS = 60  # sums over years of events fit DECIMAL(38, 0), values fit BIGINT
LOWEST_BIT_BY_SLICE = (68, 8)


def hashes_of(event: AcceptedEvent) -> tuple[int, int, int]:
    """Return (key_hash, digest_1, digest_2) of an event, each 60 bits."""
    key = _md5_number(event.event_source, event.event_id)
    present = sorted(event.properties.items())
    nanoseconds = event.epoch_microseconds * NANOSECONDS_PER_MICROSECOND + event.nanoseconds
    digest = key ^ _md5_number(
        event.subject,
        str(nanoseconds),
        *(value if isinstance(value, str) else plain_number(value) for _, value in present),
    )
    for number in (_type_number(event.event_type), *(name_number(name) for name, _ in present)):
        digest ^= number
    return _slice(key, 0), _slice(digest, 0), _slice(digest, 1)


def key_hash_of(event_source: str, event_id: str) -> int:
    """Return the key_hash of an identity, 60 bits."""
    return _slice(_md5_number(event_source, event_id), 0)


def plain_number(value: Decimal) -> str:
    """Return a number without exponent, and with no more decimals than it needs."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_certain(item: EventProperty) -> bool:
    """Whether a property is in every event of its contract."""
    return item.is_required and not item.is_nullable and len(item.path) == 1


def certain_names(contract: EventContract) -> int:
    """Return the part of `names` that all events of a contract share."""
    number = _type_number(contract.event_type)
    for item in contract.properties:
        if is_certain(item):
            number ^= name_number(item.column_name)
    return number


def _type_number(event_type: str) -> int:
    return _md5_number("", "", event_type)


def name_number(column: str) -> int:
    """Return the part of `names` that says that a property is present."""
    return _md5_number("", column)


def _md5_number(*fields: str) -> int:
    text = SEPARATOR.join(fields)
    digest = hashlib.md5(text.encode("utf-8"), usedforsecurity=False).digest()
    return int.from_bytes(digest, "little")


def _slice(number: int, slice_number: int) -> int:
    return (number >> LOWEST_BIT_BY_SLICE[slice_number]) & ((1 << SLICE_BITS) - 1)
