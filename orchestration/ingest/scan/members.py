"""The members of a line's objects: which are there, and where their values lie. Compiled.

Belongs here: objects within objects, names, repeated names. Does not belong here: tokens
(tokens.py); whether a member may be there (judging.py).
"""

import numpy as np

from orchestration.ingest.scan.arrays import (
    ABSENT,
    MOST_STRANGERS,
    OBJECT,
    TEXT,
    Bytes,
    Found,
    Names,
)
from orchestration.ingest.scan.compiling import compiled
from orchestration.ingest.scan.memory import load_word
from orchestration.ingest.scan.tokens import (
    CLOSE_BRACE,
    COLON,
    COMMA,
    NOTHING,
    OPEN_BRACE,
    QUOTE,
    scalar,
    skip_space,
    stranger_end,
    text_end,
)

LOW_BYTES = np.array([(1 << (8 * count)) - 1 for count in range(9)], np.uint64)


@compiled
def is_same(line: Bytes, start: int, text: Bytes, text_start: int, length: int) -> bool:
    """Whether two spans of bytes are equal."""
    place = 0
    while place + 8 <= length:
        if load_word(line, start + place) != load_word(text, text_start + place):
            return False
        place += 8
    differing = load_word(line, start + place) ^ load_word(text, text_start + place)
    return bool((differing & LOW_BYTES[length - place]) == NOTHING)


@compiled
def member_of(
    line: Bytes, start: int, length: int, held_by: int, expected: int, names: Names
) -> int:
    """Return the member of an object that has a name, or -1. Looks at the expected one first."""
    first, after = names.first[held_by], names.first[held_by + 1]
    if expected < first or expected >= after:
        expected = first
    for step in range(after - first):
        member = expected + step
        if member >= after:
            member -= after - first
        if names.length[member] == length and is_same(
            line, start, names.text, names.start[member], length
        ):
            return member
    return -1


@compiled
def note_stranger(line: Bytes, start: int, length: int, held_by: int, found: Found) -> bool:
    """Note a member that nobody looks for; whether it is new in its object, and there is room."""
    last = found.stranger_count.shape[0] - 1
    count = found.stranger_count[last]
    if count == MOST_STRANGERS:
        return False
    for one in range(count):
        if (
            found.strangers[one, 0] == held_by
            and found.strangers[one, 2] == length
            and is_same(line, start, line, found.strangers[one, 1], length)
        ):
            return False
    found.strangers[count, 0] = held_by
    found.strangers[count, 1] = start
    found.strangers[count, 2] = length
    found.stranger_count[held_by] += 1
    found.stranger_count[last] += 1
    return True


@compiled
def read_members(line: Bytes, at: int, names: Names, found: Found) -> int:
    """Read the object at a position, to its end; -1 where the line is not certain.

    Fills found. An object that is looked for must be one, and a scalar none.
    """
    for one in range(found.kind.shape[0]):
        found.kind[one] = ABSENT
    for one in range(found.stranger_count.shape[0]):
        found.stranger_count[one] = 0
    depth, held_by, member = 0, 0, -1
    if line[at] != OPEN_BRACE:
        return -1
    at = skip_space(line, at + 1)
    if line[at] != CLOSE_BRACE:
        while True:
            if line[at] != QUOTE:
                return -1
            start = at + 1
            at, kind = text_end(line, start)
            if at < 0 or kind != TEXT:
                return -1
            length = at - start
            at = skip_space(line, at + 1)
            if line[at] != COLON:
                return -1
            at = skip_space(line, at + 1)
            known = member_of(line, start, length, held_by, member + 1, names)
            if known < 0:
                if not note_stranger(line, start, length, held_by, found):
                    return -1
                at = stranger_end(line, at)
                if at < 0:
                    return -1
            else:
                member = known
                if found.kind[member] != ABSENT:
                    return -1
                if names.child[member] >= 0:
                    if line[at] != OPEN_BRACE:
                        return -1
                    found.kind[member] = OBJECT
                    depth += 1
                    found.open_objects[depth] = held_by
                    held_by = names.child[member]
                    at = skip_space(line, at + 1)
                    if line[at] != CLOSE_BRACE:
                        continue
                else:
                    at, kind, start, length, point = scalar(line, at)
                    if at < 0:
                        return -1
                    found.kind[member] = kind
                    found.start[member] = start
                    found.length[member] = length
                    found.point[member] = point
            at = skip_space(line, at)
            while line[at] == CLOSE_BRACE and depth > 0:
                member = names.member[held_by]
                held_by = found.open_objects[depth]
                depth -= 1
                at = skip_space(line, at + 1)
            if line[at] == CLOSE_BRACE:
                break
            if line[at] != COMMA:
                return -1
            at = skip_space(line, at + 1)
    return at + 1
