"""The row of a good event, and what is hashed of it. Compiled.

Belongs here: each property against its rule, its column, its part of the message. Does not belong
here: which contract an event is read by (judging.py); the rules in words (exact_data.py).
"""

import numpy as np

from orchestration.ingest.scan.arrays import (
    ABSENT,
    ESCAPED,
    FALSE,
    ID,
    NULL,
    NUMBER,
    OBJECT,
    SOURCE,
    SUBJECT,
    TEXT,
    TRUE,
    Bytes,
    Columns,
    Found,
    Rules,
)
from orchestration.ingest.scan.compiling import compiled
from orchestration.ingest.scan.hashing import BLOCK, end_message, put_bytes, put_number
from orchestration.ingest.scan.members import is_same
from orchestration.ingest.scan.memory import padded
from orchestration.ingest.scan.values import (
    character_count,
    decimal_of,
    is_whole,
    plain_length,
    put_unescaped,
    view_of,
)

SOURCE_COLUMN, ID_COLUMN, SUBJECT_COLUMN = range(3)
TEXT_ATTRIBUTES = np.array([SOURCE, ID, SUBJECT])
_BOOLEANS = padded(b"truefalse")


@compiled
def is_choice(text: Bytes, start: int, length: int, rule: int, rules: Rules) -> bool:
    """Whether a text is one that its rule lets it be."""
    first, after = rules.choices[rule], rules.choices[rule + 1]
    if first == after:
        return True
    for one in range(first, after):
        if rules.choice_length[one] == length and is_same(
            text, start, rules.text, rules.choice_start[one], length
        ):
            return True
    return False


@compiled
def fits_text(text: Bytes, start: int, length: int, rule: int, rules: Rules) -> bool:
    """Whether a text is one of its rule's choices and neither too short nor too long."""
    if not is_choice(text, start, length, rule, rules):
        return False
    shortest, longest = rules.shortest[rule], rules.longest[rule]
    if shortest == 0 and longest < 0:
        return True
    count = character_count(text, start, length)
    return bool(count >= shortest and (longest < 0 or count <= longest))


@compiled
def put_view(column: int, row: int, view: tuple[np.uint64, np.uint64], columns: Columns) -> None:
    """Write a text into its column."""
    columns.views[column, row, 0] = view[0]
    columns.views[column, row, 1] = view[1]
    columns.has_text[column, row] = 1


@compiled
def put_number_value(
    line: Bytes, row: int, at: int, rule: int, found: Found, rules: Rules, columns: Columns
) -> int:
    """Put a number into its column and the message; return the message's end, or -1."""
    member = rules.member[rule]
    start, length, point = found.start[member], found.length[member], found.point[member]
    is_short, low, high = decimal_of(line, start, length, point)
    if not is_short or (rules.whole[rule] and not is_whole(line, start, length, point)):
        return -1
    signed = np.int64(high)
    least, most = np.int64(rules.low[rule, 1]), np.int64(rules.high[rule, 1])
    if signed < least or (signed == least and low < rules.low[rule, 0]):
        return -1
    if signed > most or (signed == most and low > rules.high[rule, 0]):
        return -1
    column = rules.column[rule]
    columns.numbers[column, row, 0] = low
    columns.numbers[column, row, 1] = high
    columns.has_number[column, row] = 1
    if low == np.uint64(0) and high == np.uint64(0):
        columns.messages[at] = 48
        return at + 1
    return put_bytes(columns.messages, at, line, start, plain_length(line, start, length, point))


@compiled
def put_text_value(
    line: Bytes, row: int, at: int, rule: int, found: Found, rules: Rules, columns: Columns
) -> int:
    """Put a text into its column and the message; return the message's end, or -1."""
    member, column = rules.member[rule], rules.column[rule]
    start, length = found.start[member], found.length[member]
    if found.kind[member] == TEXT:
        if not fits_text(line, start, length, rule, rules):
            return -1
        put_view(column, row, view_of(line, start, length, 0), columns)
        at = put_bytes(columns.messages, at, line, start, length)
    else:
        start, length = decode(line, start, length, columns)
        if not fits_text(columns.decoded, start, length, rule, rules):
            return -1
        put_view(column, row, view_of(columns.decoded, start, length, 1), columns)
        at = put_bytes(columns.messages, at, columns.decoded, start, length)
    return at


@compiled
def put_boolean(row: int, at: int, rule: int, found: Found, rules: Rules, columns: Columns) -> int:
    """Put true or false as a text into its column and the message; return the message's end."""
    is_true = found.kind[rules.member[rule]] == TRUE
    start, length = (0, 4) if is_true else (4, 5)
    column = rules.column[rule]
    put_view(column, row, view_of(_BOOLEANS, start, length, 0), columns)
    return put_bytes(columns.messages, at, _BOOLEANS, start, length)


@compiled
def decode(line: Bytes, start: int, length: int, columns: Columns) -> tuple[int, int]:
    """Write a text with escapes as what it stands for; return its start and length in decoded."""
    first = columns.ends[0]
    columns.ends[0] = put_unescaped(line, start, length, columns.decoded, first)
    return first, columns.ends[0] - first


@compiled
def put_values(
    line: Bytes,
    row: int,
    at: int,
    contract: int,
    found: Found,
    rules: Rules,
    columns: Columns,
) -> int:
    """Put every declared property into its column and the message; return its end, or -1."""
    for rule in range(rules.first[contract], rules.first[contract + 1]):
        member = rules.member[rule]
        kind = found.kind[member]
        if kind == ABSENT or (kind == NULL and rules.nullable[rule]):
            is_missing = kind == ABSENT and rules.required[rule]
            if is_missing and found.kind[rules.around[rule]] == OBJECT:
                return -1
            continue
        columns.messages[at] = 0
        at += 1
        wanted = rules.kind[rule]
        if wanted == NUMBER and kind == NUMBER:
            at = put_number_value(line, row, at, rule, found, rules, columns)
        elif wanted == TEXT and (kind == TEXT or kind == ESCAPED):
            at = put_text_value(line, row, at, rule, found, rules, columns)
        elif wanted == TRUE and (kind == TRUE or kind == FALSE):
            at = put_boolean(row, at, rule, found, rules, columns)
        else:
            return -1
        if at < 0:
            return -1
        if not rules.is_certain[rule]:
            columns.names[row, 0] ^= rules.rule_digest[rule, 0]
            columns.names[row, 1] ^= rules.rule_digest[rule, 1]
    return at


@compiled
def put_attribute(
    line: Bytes, row: int, at: int, column: int, found: Found, columns: Columns
) -> int:
    """Put the source, the id or the subject into its column and the message; return its end."""
    attribute = TEXT_ATTRIBUTES[column]
    start, length = found.start[attribute], found.length[attribute]
    if found.kind[attribute] == TEXT:
        put_view(column, row, view_of(line, start, length, 0), columns)
        return put_bytes(columns.messages, at, line, start, length)
    start, length = decode(line, start, length, columns)
    put_view(column, row, view_of(columns.decoded, start, length, 1), columns)
    return put_bytes(columns.messages, at, columns.decoded, start, length)


@compiled
def put_event(
    line: Bytes,
    row: int,
    contract: int,
    instant: tuple[int, int],
    found: Found,
    rules: Rules,
    columns: Columns,
) -> bool:
    """Write the row of an event, and what is hashed of it; whether its data fits the contract."""
    for column in range(columns.has_text.shape[0]):
        columns.has_text[column, row] = 0
        columns.views[column, row, 0] = np.uint64(0)
        columns.views[column, row, 1] = np.uint64(0)
    for column in range(columns.has_number.shape[0]):
        columns.has_number[column, row] = 0
    for word in range(2):
        columns.names[row, word] = rules.digest[contract, word]
    messages, first = columns.messages, columns.ends[1] * BLOCK
    at = put_attribute(line, row, first, SOURCE_COLUMN, found, columns)
    messages[at] = 0
    at = put_attribute(line, row, at + 1, ID_COLUMN, found, columns)
    second = end_message(messages, first, at)
    at = put_attribute(line, row, second, SUBJECT_COLUMN, found, columns)
    messages[at] = 0
    at = put_number(messages, at + 1, instant[0] * 1000 + instant[1])
    at = put_values(line, row, at, contract, found, rules, columns)
    if at < 0:
        return False
    columns.contract[row] = contract
    columns.at[row] = instant[0]
    columns.nanos[row] = instant[1]
    columns.message_at[2 * row] = columns.ends[1]
    columns.message_at[2 * row + 1] = second // BLOCK
    columns.ends[1] = end_message(messages, second, at) // BLOCK
    columns.message_at[2 * row + 2] = columns.ends[1]
    return True
