"""What a token stands for: characters, decimals, instants. Compiled.

Belongs here: turning the bytes of one value into what its column holds. Does not belong here: where
the value lies (tokens.py); which values a contract takes (rows.py).
"""

from typing import Final

import numpy as np

from orchestration.ingest.scan.arrays import Bytes
from orchestration.ingest.scan.compiling import compiled
from orchestration.ingest.scan.members import LOW_BYTES
from orchestration.ingest.scan.memory import load_word
from orchestration.ingest.scan.tokens import (
    AFTER_SURROGATES,
    BACKSLASH,
    HIGH_SURROGATE,
    LOW_SURROGATE,
    LOWER_U,
    MINUS,
    NINE,
    NOTHING,
    POINT,
    ZERO,
    hex_number,
)

MOST_DIGITS: Final = 18
MOST_DECIMALS: Final = 9
NO_INSTANT: Final = -(1 << 62)
MICROSECONDS_A_DAY: Final = 86_400_000_000
_INLINE: Final = 12
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)
_POWERS = np.array([10**n for n in range(19)], np.uint64)
_FACTORS = np.array([10**n for n in range(MOST_DECIMALS + 1)], np.int64)
_BYTES = np.arange(256)  # as signed numbers: one of both kinds would become a fraction
_UNESCAPED = np.zeros(256, np.uint8)
for _escape, _meant in zip('"\\/bfnrt', '"\\/\b\f\n\r\t', strict=True):
    _UNESCAPED[ord(_escape)] = ord(_meant)
BROKEN = np.uint64((1 << 64) - 1)
_HIGH_BITS = np.uint64(0x8080808080808080)


def _pattern(written: bytes) -> tuple[np.uint64, np.uint64]:
    """Return eight bytes as a number, and what to add to their digits so that misfits show."""
    carries = bytes(0x76 if byte == ord("0") else 0x7F for byte in written)
    return np.uint64(int.from_bytes(written, "little")), np.uint64(
        int.from_bytes(carries, "little")
    )


_DATE, _DATE_CARRIES = _pattern(b"0000-00-")
_DAY_AND_HOUR, _DAY_AND_HOUR_CARRIES = _pattern(b"00T00:00")
_TIME, _TIME_CARRIES = _pattern(b"00:00:00")
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


@compiled
def put_utf8(number: int, target: Bytes, at: int) -> int:
    """Write a character; return the position after it."""
    if number < 0x80:
        target[at] = number
        return at + 1
    if number < 0x800:
        target[at] = 0xC0 | (number >> 6)
        target[at + 1] = 0x80 | (number & 0x3F)
        return at + 2
    if number < 0x10000:
        target[at] = 0xE0 | (number >> 12)
        target[at + 1] = 0x80 | ((number >> 6) & 0x3F)
        target[at + 2] = 0x80 | (number & 0x3F)
        return at + 3
    target[at] = 0xF0 | (number >> 18)
    target[at + 1] = 0x80 | ((number >> 12) & 0x3F)
    target[at + 2] = 0x80 | ((number >> 6) & 0x3F)
    target[at + 3] = 0x80 | (number & 0x3F)
    return at + 4


@compiled
def put_unescaped(line: Bytes, start: int, length: int, target: Bytes, at: int) -> int:
    """Write the characters of a text with sound escapes; return the position after them."""
    place, end = start, start + length
    while place < end:
        if line[place] != BACKSLASH:
            target[at] = line[place]
            at += 1
            place += 1
        elif line[place + 1] != LOWER_U:
            target[at] = _UNESCAPED[line[place + 1]]
            at += 1
            place += 2
        else:
            number = hex_number(line, place + 2)
            place += 6
            if HIGH_SURROGATE <= number < AFTER_SURROGATES:
                low = hex_number(line, place + 2) - LOW_SURROGATE
                number = 0x10000 + ((number - HIGH_SURROGATE) << 10) + low
                place += 6
            at = put_utf8(number, target, at)
    return at


@compiled
def character_count(text: Bytes, start: int, length: int) -> int:
    """Return how many characters a span of UTF-8 holds."""
    count = 0
    for place in range(start, start + length):
        if (text[place] & 0xC0) != 0x80:
            count += 1
    return count


@compiled
def view_of(
    text: Bytes, start: int, length: int, buffer_number: int
) -> tuple[np.uint64, np.uint64]:
    """Return the two words of an Arrow string view of a span."""
    head = load_word(text, start)
    if length <= _INLINE:
        tail = load_word(text, start + 4)
        rest = max(length - 4, 0)
        head &= LOW_BYTES[min(length, 4)]
        tail &= LOW_BYTES[rest]
        return np.uint64(length) | (head << _HALF), tail
    return (
        np.uint64(length) | (head << _HALF),
        np.uint64(buffer_number) | (np.uint64(start) << _HALF),
    )


@compiled
def decimal_of(
    line: Bytes, start: int, length: int, point: int
) -> tuple[bool, np.uint64, np.uint64]:
    """Return whether a number is short enough, and its two words in units of 10^-9, low first."""
    end = start + length
    decimals = 0 if point == 0 else end - point - 1
    is_negative = line[start] == MINUS
    digits = length - (1 if is_negative else 0) - (0 if point == 0 else 1)
    if digits > MOST_DIGITS or decimals > MOST_DECIMALS:
        return False, NOTHING, NOTHING
    number = NOTHING
    for place in range(start, end):
        if ZERO <= line[place] <= NINE:
            number = number * np.uint64(10) + np.uint64(line[place] - ZERO)
    factor = _POWERS[MOST_DECIMALS - decimals]
    lower = (number & _LOW_HALF) * factor
    upper = (number >> _HALF) * factor + (lower >> _HALF)
    low = (upper << _HALF) | (lower & _LOW_HALF)
    high = upper >> _HALF
    if is_negative:
        low = ~low + _ONE
        high = ~high + (_ONE if low == NOTHING else NOTHING)
    return True, low, high


@compiled
def is_whole(line: Bytes, start: int, length: int, point: int) -> bool:
    """Whether every decimal of a number is 0."""
    if point > 0:
        for place in range(point + 1, start + length):
            if line[place] != ZERO:
                return False
    return True


@compiled
def plain_length(line: Bytes, start: int, length: int, point: int) -> int:
    """Return how much of a number is left without needless decimals."""
    if point == 0:
        return length
    end = start + length
    while line[end - 1] == ZERO:
        end -= 1
    if line[end - 1] == POINT:
        end -= 1
    return end - start


@compiled
def _digits(line: Bytes, at: int, count: int) -> int:
    """Return the number of some digits, or one far below zero."""
    number = 0
    for place in range(at, at + count):
        if line[place] < ZERO or line[place] > NINE:
            return -1_000_000
        number = number * 10 + (line[place] - ZERO)
    return number


@compiled
def day_of(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01 to a date of the Gregorian calendar, or NO_INSTANT."""
    if year < 1 or month < 1 or month > 12 or day < 1:
        return NO_INSTANT
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day > _MONTH_DAYS[month] + (1 if month == 2 and is_leap else 0):
        return NO_INSTANT
    years = year - 1 if month <= 2 else year  # a year from March on, its leap day at the end
    months = (month + 9) % 12
    return (
        365 * years + years // 4 - years // 100 + years // 400 + (153 * months + 2) // 5
        + day - 719_469
    )  # fmt: skip


@compiled
def _zone_minutes(line: Bytes, at: int, end: int) -> int:
    """Return the minutes east of UTC that the rest of a time says, or NO_INSTANT."""
    if end - at == 1 and line[at] == 90:
        return 0
    if end - at != 6 or (line[at] != 43 and line[at] != MINUS) or line[at + 3] != 58:
        return NO_INSTANT
    hours, minutes = _digits(line, at + 1, 2), _digits(line, at + 4, 2)
    if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
        return NO_INSTANT
    total = hours * 60 + minutes
    return total if line[at] == 43 else -total


@compiled
def pairs_of(line: Bytes, at: int, zeros: np.uint64, carries: np.uint64) -> np.uint64:
    """Return eight bytes as numbers of two digits each, or BROKEN.

    zeros are the bytes with each digit 0; carries turns anything else into a byte of 128 and more.
    The number of the digits n and n + 1 is byte n.
    """
    digits = load_word(line, at) ^ zeros
    if (digits | (digits + carries)) & _HIGH_BITS != NOTHING:
        return BROKEN
    return digits * np.uint64(10) + (digits >> np.uint64(8))


@compiled
def two_digits(pairs: np.uint64, place: int) -> int:
    """Return the number of the two digits from a place on."""
    number: int = _BYTES[(pairs >> np.uint64(8 * place)) & np.uint64(255)]
    return number


@compiled
def instant_of(line: Bytes, start: int, length: int) -> tuple[int, int]:
    """Return microseconds since 1970 UTC, or NO_INSTANT, and the nanoseconds beside them.

    Takes RFC 3339 with a capital T and Z, or an offset, and up to nine decimals; no leap second.
    """
    end = start + length
    if length < 20:
        return NO_INSTANT, 0
    date = pairs_of(line, start, _DATE, _DATE_CARRIES)
    day_and_hour = pairs_of(line, start + 8, _DAY_AND_HOUR, _DAY_AND_HOUR_CARRIES)
    time = pairs_of(line, start + 11, _TIME, _TIME_CARRIES)
    if date == BROKEN or day_and_hour == BROKEN or time == BROKEN:
        return NO_INSTANT, 0
    year = two_digits(date, 0) * 100 + two_digits(date, 2)
    day = day_of(year, two_digits(date, 5), two_digits(day_and_hour, 0))
    hour, minute, second = two_digits(time, 0), two_digits(time, 3), two_digits(time, 6)
    if day == NO_INSTANT or hour > 23 or minute > 59 or second > 59:
        return NO_INSTANT, 0
    at = start + 19
    nanoseconds = 0
    if line[at] == POINT:
        first = at + 1
        at = first
        while ZERO <= line[at] <= NINE:
            at += 1
        decimals = at - first
        if decimals < 1 or decimals > MOST_DECIMALS:
            return NO_INSTANT, 0
        nanoseconds = _digits(line, first, decimals) * _FACTORS[MOST_DECIMALS - decimals]
    zone = _zone_minutes(line, at, end)
    if zone == NO_INSTANT:
        return NO_INSTANT, 0
    seconds = day * 86_400 + hour * 3600 + (minute - zone) * 60 + second
    return seconds * 1_000_000 + nanoseconds // 1000, nanoseconds % 1000
