"""The tables and buffers that compiled functions share, as named tuples of plain arrays.

Belongs here: their fields, shapes and codes. Does not belong here: filling the tables
(tables.py); the loops over them.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Bytes: TypeAlias = npt.NDArray[np.uint8]
Small: TypeAlias = npt.NDArray[np.int8]
Ints: TypeAlias = npt.NDArray[np.int64]
Words: TypeAlias = npt.NDArray[np.uint64]

ABSENT: Final = 0
TEXT: Final = 1
ESCAPED: Final = 2
NUMBER: Final = 3
TRUE: Final = 4
FALSE: Final = 5
NULL: Final = 6
OBJECT: Final = 7

ATTRIBUTES: Final = (
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "dataschema",
    "datacontenttype",
)
"""The CloudEvents attributes that are read; each is the member of this number, `data` the next."""
SPECVERSION, ID, SOURCE, TYPE, SUBJECT, TIME, DATASCHEMA, CONTENT_TYPE = range(8)
DATA: Final = 8

MOST_STRANGERS: Final = 16


class Names(NamedTuple):
    """The members that are looked for, by the object that holds them; 0 is the whole line.

    Attributes:
        first: by object, its first member; one more entry ends the last object.
        start, length: by member, where its name lies in text.
        child: by member, the object that it is, or -1 for a scalar.
        member: by object, the member that it is; -1 for the line.
        around: by object, the member that is the object around it; -1 for the line and for data.
    """

    first: Ints
    start: Ints
    length: Ints
    child: Ints
    member: Ints
    around: Ints
    text: Bytes


class Found(NamedTuple):
    """What one line holds; made anew for each line.

    Attributes:
        kind: by member, one of the codes above.
        start, length: by member, where its value lies: a text without its quotes.
        point: by member, the position of the decimal point in a number, 0 for none.
        open_objects: the objects around the place that is read.
        stranger_count: by object, how many members were not looked for; the last entry is their
            sum.
        strangers: object, start and length of the name of each.
    """

    kind: Ints
    start: Ints
    length: Ints
    point: Ints
    open_objects: Ints
    stranger_count: Ints
    strangers: Ints


class Rules(NamedTuple):
    """What the contracts ask, each contract's rules in the order of its column names.

    Attributes:
        type_start, type_length: by contract, its event type in text.
        schema_start, schema_length: its dataschema in text; length -1 for none.
        takes_unnamed: whether an event without dataschema is read by it.
        first: its first rule; one more entry ends the last.
        declares: by contract and member, whether it declares it.
        needs_object: by contract and object, 0 not declared, 1 may be absent, 2 required.
        closed: by contract and object, whether it holds nothing undeclared.
        digest: by contract, two words, the names that are certain in its events.
        member, kind, column: by rule; the kind that is wanted (TEXT, NUMBER, TRUE for a boolean),
            and the number of its text or number column.
        around: by rule, the member that is the object around the property.
        whole, required, nullable: by rule, 0 or 1.
        low, high: by rule, the least and the largest number, as two words in units of 10^-9.
        shortest, longest: by rule, characters of a text; longest -1 for any.
        choices: by rule, its first choice, and one more entry; none is any text.
        choice_start, choice_length: by choice, in text.
        is_certain: by rule, whether its name is in its contract's digest.
        rule_digest: by rule, two words of its name.
    """

    type_start: Ints
    type_length: Ints
    schema_start: Ints
    schema_length: Ints
    takes_unnamed: Small
    first: Ints
    declares: npt.NDArray[np.int8]
    needs_object: npt.NDArray[np.int8]
    closed: npt.NDArray[np.int8]
    digest: Words
    member: Ints
    kind: Ints
    column: Ints
    around: Ints
    whole: Small
    required: Small
    nullable: Small
    low: Words
    high: Words
    shortest: Ints
    longest: Ints
    choices: Ints
    choice_start: Ints
    choice_length: Ints
    is_certain: Small
    rule_digest: Words
    text: Bytes


class Columns(NamedTuple):
    """The rows of the good events of a batch; row r is event r.

    Attributes:
        place: position of the line in the batch.
        contract: number of the contract that it was read by.
        at: microseconds since 1970 UTC.
        nanos: nanoseconds beside them.
        views: by text column and row, the two words of an Arrow string view; buffer 0 is the
            batch's own, buffer 1 is decoded.
        has_text: by text column and row, 0 or 1.
        numbers: by number column and row, a decimal's two words, the low one first.
        has_number: by number column and row, 0 or 1.
        hashes: by row, key hash and the two digest slices.
        decoded: the characters of texts that were written with escapes.
        messages: what is hashed, each message padded to whole blocks of md5.
        message_at: by row, first block of its identity and of its values, and the end.
        names: by row, two words of the names of its values.
        ends: how much of decoded is in use, and how many blocks of messages.
    """

    place: Ints
    contract: npt.NDArray[np.int16]
    at: Ints
    nanos: npt.NDArray[np.int16]
    views: Words
    has_text: Bytes
    numbers: Words
    has_number: Bytes
    hashes: Ints
    decoded: Bytes
    messages: Bytes
    message_at: Ints
    names: Words
    ends: Ints


class Lanes(NamedTuple):
    """Sixteen messages that md5 goes through side by side.

    Attributes:
        state, before: by part and lane, the hash so far, and as it was before the block.
        block: by word and lane.
    """

    state: npt.NDArray[np.uint32]
    before: npt.NDArray[np.uint32]
    block: npt.NDArray[np.uint32]
