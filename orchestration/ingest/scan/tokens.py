"""The tokens of JSON in a line, strictly by its grammar: compiled.

Belongs here: where a text, a number or a stranger's value ends. Does not belong here: objects and
names (members.py); what a value means (values.py).

A line ends with a line feed, which belongs to no token, so that no function here reads past it. A
position of -1 says that the line is not certain: wrong, or right in a way that is not looked into.
"""

from typing import Final

import numpy as np

from orchestration.ingest.scan.arrays import (
    ESCAPED,
    FALSE,
    NULL,
    NUMBER,
    TEXT,
    TRUE,
    Bytes,
)
from orchestration.ingest.scan.compiling import compiled
from orchestration.ingest.scan.memory import first_bit, text_marks

QUOTE: Final = 34
BACKSLASH: Final = 92
OPEN_BRACE, CLOSE_BRACE = 123, 125
OPEN_BRACKET, CLOSE_BRACKET = 91, 93
COLON, COMMA = 58, 44
SPACE: Final = 32
MINUS, POINT, ZERO, NINE = 45, 46, 48, 57
LOWER_U: Final = 117
HIGH_SURROGATE, LOW_SURROGATE, AFTER_SURROGATES = 0xD800, 0xDC00, 0xE000
MOST_NESTED: Final = 100

MARKED = 32
NOTHING = np.uint64(0)
_IS_SPACE = np.zeros(256, np.uint8)
_IS_SPACE[[32, 9, 13]] = 1
_ESCAPES = np.zeros(256, np.uint8)
_ESCAPES[np.frombuffer(b'"\\/bfnrt', np.uint8)] = 1
_HEX = np.full(256, -1, np.int64)
for _digit in range(16):
    _HEX[[ord(f"{_digit:x}"), ord(f"{_digit:X}")]] = _digit


@compiled
def skip_space(line: Bytes, at: int) -> int:
    """Return the position of what follows white space."""
    while line[at] <= SPACE and _IS_SPACE[line[at]]:
        at += 1
    return at


@compiled
def hex_number(line: Bytes, at: int) -> int:
    """Return the number of four hexadecimal digits, or -1."""
    number = 0
    for place in range(4):
        digit = _HEX[line[at + place]]
        if digit < 0:
            return -1
        number = number * 16 + digit
    return number


@compiled
def escape_end(line: Bytes, at: int) -> int:
    """Return the end of an escape, given the position after its backslash, or -1.

    Half a surrogate pair and U+0000 are no texts that an event may hold.
    """
    if _ESCAPES[line[at]]:
        return at + 1
    if line[at] != LOWER_U:
        return -1
    number = hex_number(line, at + 1)
    if number <= 0 or LOW_SURROGATE <= number < AFTER_SURROGATES:
        return -1
    if number < HIGH_SURROGATE or number >= AFTER_SURROGATES:
        return at + 5
    if line[at + 5] != BACKSLASH or line[at + 6] != LOWER_U:
        return -1
    low = hex_number(line, at + 7)
    return at + 11 if LOW_SURROGATE <= low < AFTER_SURROGATES else -1


@compiled
def text_end(line: Bytes, at: int) -> tuple[int, int]:
    """Return the position of the closing quote or -1, and TEXT or ESCAPED."""
    kind = TEXT
    while True:
        marks = text_marks(line, at)
        while marks == NOTHING:
            at += MARKED
            marks = text_marks(line, at)
        at += first_bit(marks)
        if line[at] == QUOTE:
            return at, kind
        if line[at] != BACKSLASH:
            return -1, kind
        at = escape_end(line, at + 1)
        if at < 0:
            return -1, kind
        kind = ESCAPED


@compiled
def number_end(line: Bytes, at: int) -> tuple[int, int]:
    """Return the end of a number without exponent or -1, and the position of its point or 0."""
    point = 0
    if line[at] == MINUS:
        at += 1
    if line[at] == ZERO:
        at += 1
    elif ZERO < line[at] <= NINE:
        while ZERO <= line[at] <= NINE:
            at += 1
    else:
        return -1, 0
    if line[at] == POINT:
        point = at
        at += 1
        while ZERO <= line[at] <= NINE:
            at += 1
        if at == point + 1:
            return -1, 0
    return at, point


@compiled
def word_end(line: Bytes, at: int) -> tuple[int, int]:
    """Return the end of true, false or null or -1, and which it is."""
    first = line[at]
    if first == 116 and line[at + 1] == 114 and line[at + 2] == 117 and line[at + 3] == 101:
        return at + 4, TRUE
    if first == 110 and line[at + 1] == 117 and line[at + 2] == 108 and line[at + 3] == 108:
        return at + 4, NULL
    if first == 102 and line[at + 1] == 97 and line[at + 2] == 108 and line[at + 3] == 115:
        return (at + 5, FALSE) if line[at + 4] == 101 else (-1, FALSE)
    return -1, NULL


@compiled
def scalar(line: Bytes, at: int) -> tuple[int, int, int, int, int]:
    """Return end or -1, kind, start, length and point of the value at a position.

    A text's start and length leave its quotes out. An array or object is no scalar: -1.
    """
    first = line[at]
    if first == QUOTE:
        end, kind = text_end(line, at + 1)
        if end < 0:
            return -1, kind, at, 0, 0
        return end + 1, kind, at + 1, end - at - 1, 0
    if first == MINUS or ZERO <= first <= NINE:
        end, point = number_end(line, at)
        return end, NUMBER, at, end - at, point
    end, kind = word_end(line, at)
    return end, kind, at, end - at, 0


@compiled
def stranger_end(line: Bytes, at: int) -> int:
    """Return the end of a value that nobody reads, or -1; objects are not looked into."""
    depth = 0
    while True:
        if line[at] == OPEN_BRACKET:
            depth += 1
            if depth > MOST_NESTED:
                return -1
            at = skip_space(line, at + 1)
            if line[at] != CLOSE_BRACKET:
                continue
        else:
            at = scalar(line, at)[0]
            if at < 0:
                return -1
        if depth > 0:
            at = skip_space(line, at)
            while depth > 0 and line[at] == CLOSE_BRACKET:
                depth -= 1
                at += 1
                if depth > 0:
                    at = skip_space(line, at)
        if depth == 0:
            return at
        if line[at] != COMMA:
            return -1
        at = skip_space(line, at + 1)
