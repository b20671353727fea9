"""The hashes of an event: its key and the two slices of its digest.

Belongs here: the encoding, once in Python and once as SQL for DuckDB, which must be equal bit for
bit. Does not belong here: what is done with equal hashes, which are candidates only.

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
from orchestration.price_book.event_contracts import EventContract

SEPARATOR = "\0"
NANOSECONDS_PER_MICROSECOND = 1000
SLICE_BITS = 60  # sums over years of events fit DECIMAL(38, 0), values fit BIGINT
LOWEST_BIT_BY_SLICE = (68, 8)

_SEPARATOR_SQL = "chr(0)"


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
    for number in (_type_number(event.event_type), *(_column_number(name) for name, _ in present)):
        digest ^= number
    return _slice(key, 0), _slice(digest, 0), _slice(digest, 1)


def plain_number(value: Decimal) -> str:
    """Return a number without exponent, and with no more decimals than it needs."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain_number_sql(value: str, text: str, point: str) -> str:
    """Return SQL for plain_number, given SQL of a number, its JSON text, where its point stands.

    The text has no exponent.
    """
    return (
        f"case when {point} = 0 then {text} when {value} = 0 then '0' "
        f"else rtrim(rtrim({text}, '0'), '.') end"
    )


def identity_number_sql(source: str, event_id: str) -> str:
    """Return SQL for the md5 of the identity as a number, given SQL of the source and the id."""
    return f"md5_number(concat({source}, {_SEPARATOR_SQL}, {event_id}))"


def digest_number_sql(contract: EventContract, identity_number: str) -> str:
    """Return SQL for the digest, as one number, of an event read by this contract.

    It refers to the columns subject, event_at, event_at_nanos, the d_ columns and t_<column> for
    the plain text of each q_ column.
    """
    nanoseconds = f"epoch_us(event_at) * {NANOSECONDS_PER_MICROSECOND} + event_at_nanos"
    values = ["subject", _SEPARATOR_SQL, nanoseconds]
    certain_names = _type_number(contract.event_type)
    mixed = identity_number
    for item in contract.properties:
        value = f"t_{item.column_name}" if item.is_numeric else item.column_name
        if item.is_required and not item.is_nullable and len(item.path) == 1:
            values += [_SEPARATOR_SQL, value]
            certain_names ^= _column_number(item.column_name)
        else:
            values.append(f"{_SEPARATOR_SQL} || {value}")  # null, and so left out, where absent
            name = _number_sql(_column_number(item.column_name))
            mixed = f"xor({mixed}, case when {value} is null then {_number_sql(0)} else {name} end)"
    mixed = f"xor({mixed}, {_number_sql(certain_names)})"
    return f"xor({mixed}, md5_number(concat({', '.join(values)})))"


def slice_sql(number: str, slice_number: int) -> str:
    """Return SQL for a 60-bit slice of a 128-bit number, as BIGINT."""
    shifted = f"({number} >> {LOWEST_BIT_BY_SLICE[slice_number]})"
    return f"cast({shifted} & {(1 << SLICE_BITS) - 1} as bigint)"


def _number_sql(number: int) -> str:
    return f"cast('{number}' as uhugeint)"


def _type_number(event_type: str) -> int:
    return _md5_number("", "", event_type)


def _column_number(column: str) -> int:
    return _md5_number("", column)


def _md5_number(*fields: str) -> int:
    text = SEPARATOR.join(fields)
    digest = hashlib.md5(text.encode("utf-8"), usedforsecurity=False).digest()
    return int.from_bytes(digest, "little")


def _slice(number: int, slice_number: int) -> int:
    return (number >> LOWEST_BIT_BY_SLICE[slice_number]) & ((1 << SLICE_BITS) - 1)
