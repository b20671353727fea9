"""Which lines are certainly good events. Compiled.

Belongs here: the envelope, the choice of a contract, its objects; the loop over lines. Does not
belong here: reading a line (members.py); properties (rows.py); the rules in words (exact.py).
"""

from orchestration.ingest.scan.arrays import (
    ABSENT,
    CONTENT_TYPE,
    DATA,
    DATASCHEMA,
    ESCAPED,
    NULL,
    OBJECT,
    SPECVERSION,
    TEXT,
    TIME,
    TYPE,
    Bytes,
    Columns,
    Found,
    Ints,
    Names,
    Rules,
)
from orchestration.ingest.scan.compiling import compiled
from orchestration.ingest.scan.members import is_same, read_members
from orchestration.ingest.scan.memory import padded
from orchestration.ingest.scan.rows import TEXT_ATTRIBUTES, put_event
from orchestration.ingest.scan.tokens import BACKSLASH, skip_space
from orchestration.ingest.scan.values import instant_of

NOT_DECLARED, OPTIONAL, REQUIRED = range(3)
_VERSION = padded(b"1.0")
JSON_LENGTH = 16
_JSON = padded(b"application/json")


@compiled
def is_envelope(line: Bytes, found: Found) -> bool:
    """Whether the attributes are there, as texts that hold something."""
    kind, start, length = found.kind, found.start, found.length
    if kind[SPECVERSION] != TEXT or kind[TYPE] != TEXT or kind[TIME] != TEXT:
        return False
    if length[SPECVERSION] != 3 or not is_same(line, start[SPECVERSION], _VERSION, 0, 3):
        return False
    if kind[DATA] != OBJECT:
        return False
    for attribute in TEXT_ATTRIBUTES:
        if kind[attribute] != TEXT and kind[attribute] != ESCAPED:
            return False
        first = line[start[attribute]]
        if length[attribute] == 0 or first <= 32 or first == BACKSLASH:
            return False
    if kind[CONTENT_TYPE] == ABSENT or kind[CONTENT_TYPE] == NULL:
        return True
    return (
        kind[CONTENT_TYPE] == TEXT
        and length[CONTENT_TYPE] == JSON_LENGTH
        and is_same(line, start[CONTENT_TYPE], _JSON, 0, JSON_LENGTH)
    )


@compiled
def contract_of(line: Bytes, found: Found, rules: Rules, expected: int) -> int:
    """Return the contract that the event is read by, or -1. Looks at the expected one first."""
    kind, start, length = found.kind, found.start, found.length
    is_unnamed = kind[DATASCHEMA] == ABSENT or kind[DATASCHEMA] == NULL
    if not is_unnamed and kind[DATASCHEMA] != TEXT:
        return -1
    count = rules.type_length.shape[0]
    for step in range(count):
        one = expected + step
        if one >= count:
            one -= count
        if rules.type_length[one] != length[TYPE]:
            continue
        if is_unnamed:
            if not rules.takes_unnamed[one]:
                continue
        elif rules.schema_length[one] != length[DATASCHEMA] or not is_same(
            line, start[DATASCHEMA], rules.text, rules.schema_start[one], length[DATASCHEMA]
        ):
            continue
        if is_same(line, start[TYPE], rules.text, rules.type_start[one], length[TYPE]):
            return one
    return -1


@compiled
def has_its_objects(contract: int, found: Found, names: Names, rules: Rules) -> bool:
    """Whether every required object is there, and no closed one holds a stranger."""
    for one in range(1, names.member.shape[0]):
        needed = rules.needs_object[contract, one]
        if needed == NOT_DECLARED:
            continue
        if found.kind[names.member[one]] == ABSENT:
            if needed == REQUIRED and found.kind[names.around[one]] == OBJECT:
                return False
        elif rules.closed[contract, one]:
            if found.stranger_count[one] > 0:
                return False
            for member in range(names.first[one], names.first[one + 1]):
                if found.kind[member] != ABSENT and not rules.declares[contract, member]:
                    return False
    return True


@compiled
def scan_lines(
    line: Bytes,
    bounds: Ints,
    window: Ints,
    names: Names,
    found: Found,
    rules: Rules,
    columns: Columns,
) -> int:
    """Fill columns from the good events among lines; return how many there are.

    bounds holds the start of each line, and the end of the last; each ends with a line feed.
    window holds the first instant that is taken, and the first that is no more.
    """
    row, contract = 0, 0
    for place in range(bounds.shape[0] - 1):
        end = read_members(line, skip_space(line, bounds[place]), names, found)
        if end < 0 or skip_space(line, end) != bounds[place + 1] - 1:
            continue
        if not is_envelope(line, found):
            continue
        chosen = contract_of(line, found, rules, contract)
        if chosen < 0:
            continue
        contract = chosen
        instant = instant_of(line, found.start[TIME], found.length[TIME])
        if instant[0] < window[0] or instant[0] >= window[1]:
            continue
        if not has_its_objects(contract, found, names, rules):
            continue
        decoded = columns.ends[0]
        if put_event(line, row, contract, instant, found, rules, columns):
            columns.place[row] = place
            row += 1
        else:
            columns.ends[0] = decoded
    return row
