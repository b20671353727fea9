"""Rows of CSV and Parquet as CloudEvents in JSON, so that one set of rules judges them all.

Belongs here: which column becomes which attribute or property, and the SQL that writes the JSON.
Does not belong here: reading the files; the rules.

Columns are named as the attributes are (id, source, subject, time, type, and optionally
specversion, dataschema, datacontenttype); every other one is a property of `data`, a__b being b
within a where a contract declares it so. An empty CSV field and a null are absent. A CSV field
becomes what the event's contract wants: a number or boolean is written bare where it reads as one,
otherwise as a text, which the rules then refuse by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from orchestration.ingest.scan.arrays import ATTRIBUTES
from orchestration.ingest.sql_text import literal
from orchestration.price_book.event_contracts import (
    UNNAMED_VERSION,
    EventContract,
    EventContracts,
)

ColumnKind = Literal["text", "bare", "decimal", "float", "coerced"]

NUMBER_PATTERN = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?"
DEFAULT_SPECVERSION = "1.0"


@dataclass(frozen=True)
class RowColumn:
    """A column of a table of events.

    Attributes:
        path: ("id",) for an attribute, ("data", …) for a property.
        value: SQL for the cell, null where it is absent.
        kind: text; bare (integers, booleans); decimal; float; coerced (a text that becomes what the
            event's contract wants).
    """

    path: tuple[str, ...]
    value: str
    kind: ColumnKind


def path_of_column(name: str, contracts: EventContracts) -> tuple[str, ...]:
    """Return where a column of a flat table goes: an attribute, or a property of `data`."""
    if name in ATTRIBUTES:
        return (name,)
    declared = {item.name: item.path for one in contracts.contracts for item in one.properties}
    return ("data", *declared.get(name, (name,)))


def json_sql(columns: Sequence[RowColumn], contracts: EventContracts) -> str:
    """Return SQL for the event of a row as compact JSON; duplicate names stay duplicate keys."""
    members = [
        _member(name, _cell(column, columns, contracts), column.value)
        for name in ATTRIBUTES
        for column in columns
        if column.path == (name,)
    ]
    if not any(column.path == ("specversion",) for column in columns):
        members.insert(0, literal(f',"specversion":"{DEFAULT_SPECVERSION}"'))
    inner = [column for column in columns if column.path[0] == "data"]
    members.append(f"concat(',\"data\":', {_object(inner, 1, columns, contracts)})")
    return _braced(members)


def _object(
    inner: Sequence[RowColumn],
    depth: int,
    columns: Sequence[RowColumn],
    contracts: EventContracts,
) -> str:
    members = []
    names = dict.fromkeys(column.path[depth] for column in inner)
    for name in names:
        here = [column for column in inner if column.path[depth] == name]
        members += [
            _member(name, _cell(column, columns, contracts), column.value)
            for column in here
            if len(column.path) == depth + 1
        ]
        deeper = [column for column in here if len(column.path) > depth + 1]
        if deeper:
            is_there = " or ".join(f"{column.value} is not null" for column in deeper)
            key = literal(f",{_json_key(name)}:")
            body = _object(deeper, depth + 1, columns, contracts)
            members.append(f"case when {is_there} then concat({key}, {body}) else '' end")
    return _braced(members)


def _braced(members: Sequence[str]) -> str:
    joined = f"concat({', '.join(members)})" if members else "''"
    return f"concat('{{', substring({joined}, 2), '}}')"


def _member(name: str, cell: str, value: str) -> str:
    key = literal(f",{_json_key(name)}:")
    return f"case when {value} is not null then concat({key}, {cell}) else '' end"


def _json_key(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _cell(column: RowColumn, columns: Sequence[RowColumn], contracts: EventContracts) -> str:
    value = column.value
    text = f"cast(to_json(cast({value} as varchar)) as varchar)"
    if column.kind == "text":
        return text
    if column.kind == "bare":
        return f"cast({value} as varchar)"
    if column.kind == "decimal":
        digits = f"cast({value} as varchar)"
        short = f"rtrim(rtrim({digits}, '0'), '.')"
        return f"case when contains({digits}, '.') then {short} else {digits} end"
    if column.kind == "float":
        return (
            f"case when isnan({value}) then 'NaN' when isinf({value}) then "
            f"case when {value} > 0 then 'Infinity' else '-Infinity' end "
            f"else cast({value} as varchar) end"
        )
    return _coerced(column, text, columns, contracts)


def _coerced(
    column: RowColumn, text: str, columns: Sequence[RowColumn], contracts: EventContracts
) -> str:
    number = (
        f"case when regexp_full_match({column.value}, {literal(NUMBER_PATTERN)}) "
        f"then {column.value} else {text} end"
    )
    boolean = f"case when {column.value} in ('true', 'false') then {column.value} else {text} end"
    wanted: dict[str, list[str]] = {}
    for contract in contracts.contracts:
        for item in contract.properties:
            if ("data", *item.path) == column.path and item.kind != "string":
                form = number if item.is_numeric else boolean
                wanted.setdefault(form, []).append(_is_of(contract, columns))
    if not wanted:
        return text
    branches = " ".join(
        f"when {' or '.join(conditions)} then {form}" for form, conditions in wanted.items()
    )
    return f"case {branches} else {text} end"


def _is_of(contract: EventContract, columns: Sequence[RowColumn]) -> str:
    """SQL: whether a row names this contract, as EventContracts.find would have it."""
    values = {column.path[0]: column.value for column in columns if len(column.path) == 1}
    named = values.get("dataschema", "cast(null as varchar)")
    ways = [f"{named} is null"] if contract.version == UNNAMED_VERSION else []
    if contract.dataschema is not None:
        ways.append(f"{named} = {literal(contract.dataschema)}")
    event_type = values.get("type", "cast(null as varchar)")
    return f"({event_type} = {literal(contract.event_type)} and ({' or '.join(ways)}))"
