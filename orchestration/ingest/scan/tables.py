"""Event contracts as the tables that the compiled functions go by.

Belongs here: numbering members, objects, rules and columns. Does not belong here: the loops.

A contract is left out, and its events are left aside, where another has a scalar at the place of
one of its objects: a line is read before it is known by which contract.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final

import numpy as np
import numpy.typing as npt

from orchestration.ingest.digests import certain_names, is_certain, name_number
from orchestration.ingest.scan.arrays import (
    ATTRIBUTES,
    MOST_STRANGERS,
    NUMBER,
    TEXT,
    TRUE,
    Bytes,
    Found,
    Ints,
    Names,
    Rules,
    Small,
    Words,
)
from orchestration.ingest.scan.judging import NOT_DECLARED, OPTIONAL, REQUIRED
from orchestration.ingest.scan.memory import padded
from orchestration.price_book.event_contracts import (
    UNNAMED_VERSION,
    EventContract,
    EventContracts,
    EventObject,
    EventProperty,
)

OWN_TEXT_COLUMNS: Final = ("event_source", "event_id", "subject")
_LARGEST: Final = 10**38 - 1
_WORD: Final = (1 << 64) - 1
_TOO_LARGE: Final = Decimal(10**29)  # for 38 digits of which 9 are decimals
_STEP: Final = Decimal(1).scaleb(-9)
_WIDE: Final = Context(prec=40)
_LONGEST: Final = 1 << 62
_NO_CHOICE: Final = (0, -1)  # of a length that no text has

_Path = tuple[str, ...]


@dataclass(frozen=True)
class Tables:
    """What the compiled functions go by, and what its numbers stand for.

    Attributes:
        contracts: by number.
        text_columns, number_columns: names by number.
        patterns: by text column number, the contracts that ask a pattern of it, with the pattern.
    """

    names: Names
    rules: Rules
    contracts: tuple[EventContract, ...]
    text_columns: tuple[str, ...]
    number_columns: tuple[str, ...]
    patterns: tuple[tuple[int, int, str], ...]

    def found(self) -> Found:
        """Return room for what one line holds."""
        members, objects = len(self.names.length), len(self.names.member)
        return Found(
            kind=np.zeros(members, np.int64),
            start=np.zeros(members, np.int64),
            length=np.zeros(members, np.int64),
            point=np.zeros(members, np.int64),
            open_objects=np.zeros(objects + 1, np.int64),
            stranger_count=np.zeros(objects + 1, np.int64),
            strangers=np.zeros((MOST_STRANGERS, 3), np.int64),
        )


def tables_of(contracts: EventContracts) -> Tables:
    """Return the tables of all contracts that a line can be read by before it is known which."""
    certain = tuple(one for one in contracts.contracts if _is_certain(one, contracts))
    members = _Members.of(certain)
    columns = contracts.property_columns()
    text_columns = (*OWN_TEXT_COLUMNS, *(name for name in columns if not name.startswith("q_")))
    number_columns = tuple(name for name in columns if name.startswith("q_"))
    numbers = {name: at for at, name in enumerate(text_columns)} | {
        name: at for at, name in enumerate(number_columns)
    }
    return Tables(
        names=members.as_names(),
        rules=_Rules(certain, members, numbers).as_rules(),
        contracts=certain,
        text_columns=text_columns,
        number_columns=number_columns,
        patterns=tuple(
            (numbers[item.column_name], number, item.pattern)
            for number, one in enumerate(certain)
            for item in one.properties
            if item.pattern is not None
        ),
    )


def _is_certain(contract: EventContract, contracts: EventContracts) -> bool:
    inner = {one.path for one in contract.objects if one.path}
    scalars = {item.path for one in contracts.contracts for item in one.properties}
    return inner.isdisjoint(scalars)


class _Text:
    """Bytes one after the other, each with its place."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, text: str) -> tuple[int, int]:
        """Append a text; return its start and length."""
        start, encoded = len(self._bytes), text.encode("utf-8", "surrogatepass")
        self._bytes += encoded
        return start, len(encoded)

    def as_array(self) -> Bytes:
        return padded(bytes(self._bytes))


@dataclass(frozen=True)
class _Members:
    """The members that are looked for, each with its number; those of one object stand together.

    Attributes:
        objects: by number, the path of each object from the line on; the line's own is empty.
        paths: by number, the path of each member from the line on.
    """

    objects: tuple[_Path, ...]
    paths: tuple[_Path, ...]

    @classmethod
    def of(cls, contracts: Iterable[EventContract]) -> "_Members":
        contracts = tuple(contracts)
        inner = sorted({("data", *one.path) for each in contracts for one in each.objects})
        objects = ((), ("data",), *(path for path in inner if len(path) > 1))
        scalars = {("data", *item.path) for one in contracts for item in one.properties}
        paths: list[_Path] = [*((name,) for name in ATTRIBUTES), ("data",)]
        for one in objects[1:]:
            paths += sorted(path for path in scalars | set(objects) if path and path[:-1] == one)
        return cls(objects, tuple(paths))

    def as_names(self) -> Names:
        text = _Text()
        spans = [text.add(path[-1]) for path in self.paths]
        counts = Counter(path[:-1] for path in self.paths)
        return Names(
            first=_starts([counts[path] for path in self.objects]),
            start=_ints([start for start, _ in spans]),
            length=_ints([length for _, length in spans]),
            child=_ints(
                [self.objects.index(path) if path in self.objects else -1 for path in self.paths]
            ),
            member=_ints([self.member(path) for path in self.objects]),
            around=_ints([self.member(path[:-1]) for path in self.objects]),
            text=text.as_array(),
        )

    def member(self, path: _Path) -> int:
        """Return the number of the member at a path, -1 for the line itself."""
        return self.paths.index(path) if path else -1


class _Rules:
    """The contracts' rules, gathered column by column."""

    def __init__(
        self, contracts: Sequence[EventContract], members: _Members, columns: dict[str, int]
    ) -> None:
        self._contracts = contracts
        self._members = members
        self._columns = columns
        self._text = _Text()
        self._items = [item for one in contracts for item in one.properties]

    def as_rules(self) -> Rules:
        contracts, items = self._contracts, self._items
        types = [self._text.add(one.event_type) for one in contracts]
        schemas = [
            (0, -1) if one.dataschema is None else self._text.add(one.dataschema)
            for one in contracts
        ]
        choices = [self._choices(item) for item in items]
        spans = [span for each in choices for span in each]
        paths = [("data", *item.path) for item in items]
        return Rules(
            type_start=_ints([start for start, _ in types]),
            type_length=_ints([length for _, length in types]),
            schema_start=_ints([start for start, _ in schemas]),
            schema_length=_ints([length for _, length in schemas]),
            takes_unnamed=_flags([one.version == UNNAMED_VERSION for one in contracts]),
            first=_starts([len(one.properties) for one in contracts]),
            declares=self._declares(),
            needs_object=self._objects(lambda one: REQUIRED if one.is_required else OPTIONAL),
            closed=self._objects(lambda one: int(one.is_closed)),
            digest=_words([certain_names(one) for one in contracts]),
            member=_ints([self._members.member(path) for path in paths]),
            kind=_ints([_kind_of(item) for item in items]),
            column=_ints([self._columns[item.column_name] for item in items]),
            around=_ints([self._members.member(path[:-1]) for path in paths]),
            whole=_flags([item.kind == "integer" for item in items]),
            required=_flags([item.is_required for item in items]),
            nullable=_flags([item.is_nullable for item in items]),
            low=_words([_least(item) for item in items]),
            high=_words([_most(item) for item in items]),
            shortest=_ints([min(item.min_length or 0, _LONGEST) for item in items]),
            longest=_ints([_longest(item) for item in items]),
            choices=_starts([len(each) for each in choices]),
            choice_start=_ints([start for start, _ in spans]),
            choice_length=_ints([length for _, length in spans]),
            is_certain=_flags([is_certain(item) for item in items]),
            rule_digest=_words([name_number(item.column_name) for item in items]),
            text=self._text.as_array(),
        )

    def _choices(self, item: EventProperty) -> list[tuple[int, int]]:
        if item.enum is None:
            return []
        return [self._text.add(text) for text in item.enum] or [_NO_CHOICE]

    def _declares(self) -> npt.NDArray[np.int8]:
        found = np.zeros((len(self._contracts), len(self._members.paths)), np.int8)
        for number, one in enumerate(self._contracts):
            for path in (*(each.path for each in one.properties), *(o.path for o in one.objects)):
                found[number, self._members.member(("data", *path))] = 1
        return found

    def _objects(self, figure: Callable[[EventObject], int]) -> npt.NDArray[np.int8]:
        found = np.full((len(self._contracts), len(self._members.objects)), NOT_DECLARED, np.int8)
        for number, one in enumerate(self._contracts):
            for each in one.objects:
                found[number, self._members.objects.index(("data", *each.path))] = figure(each)
        return found


def _kind_of(item: EventProperty) -> int:
    return NUMBER if item.is_numeric else TRUE if item.kind == "boolean" else TEXT


def _least(item: EventProperty) -> int:
    """The least number that a property takes, in units of 10^-9."""
    least = -_LARGEST
    if item.minimum is not None:
        least = max(least, _units(item.minimum, ROUND_CEILING))
    if item.exclusive_minimum is not None:
        least = max(least, _units(item.exclusive_minimum, ROUND_FLOOR) + 1)
    return least


def _most(item: EventProperty) -> int:
    most = _LARGEST
    if item.maximum is not None:
        most = min(most, _units(item.maximum, ROUND_FLOOR))
    if item.exclusive_maximum is not None:
        most = min(most, _units(item.exclusive_maximum, ROUND_CEILING) - 1)
    return most


def _longest(item: EventProperty) -> int:
    return -1 if item.max_length is None else min(item.max_length, _LONGEST)


def _units(number: Decimal, rounding: str) -> int:
    if number.copy_abs() >= _TOO_LARGE:
        return _LARGEST + 1 if number > 0 else -_LARGEST - 1
    return int(number.quantize(_STEP, rounding, _WIDE).scaleb(9, _WIDE))


def _ints(numbers: Sequence[int]) -> Ints:
    return np.array(numbers, np.int64)


def _flags(flags: Sequence[bool]) -> Small:
    return np.array(flags, np.int8)


def _starts(counts: Sequence[int]) -> Ints:
    """Where each of some groups begins, and where the last one ends."""
    return np.concatenate(([0], np.cumsum(counts, dtype=np.int64))).astype(np.int64)


def _words(numbers: Sequence[int]) -> Words:
    """Each number as two words of two's complement, the low one first."""
    pairs = [(number & _WORD, (number >> 64) & _WORD) for number in numbers]
    return np.array(pairs, np.uint64).reshape(len(pairs), 2)
