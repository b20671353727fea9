"""The conditions of the fast path: when a line is certainly a good event, and read in full.

Belongs here: SQL conditions per event contract; why they are safe is told in fast_path.py.
Does not belong here: the layers of the query; the rules themselves (exact.py, exact_data.py).
"""

import json
from collections.abc import Sequence

from orchestration.ingest.fast_names import (
    ATTRIBUTES,
    OPTIONAL_ATTRIBUTES,
    attribute,
    characters_of,
    holder_of,
    number_of,
    point_of,
    text_of,
    unquoted,
)
from orchestration.ingest.sql_text import literal
from orchestration.price_book.event_contracts import EventContract, EventProperty

NUMBER_CHARACTERS = 16
MEMBER_CHARACTERS = len('"":,')
TIME_PATTERN = (
    r'"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]'
    r'(\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"'
)
TIME_SHAPES = (  # the usual notations: with positions fixed, strptime takes digits and nothing else
    ('"____-__-__T__:__:__.___Z"', '"%Y-%m-%dT%H:%M:%S.%gZ"'),
    ('"____-__-__T__:__:__Z"', '"%Y-%m-%dT%H:%M:%SZ"'),
    ('"____-__-__T__:__:__.______Z"', '"%Y-%m-%dT%H:%M:%S.%fZ"'),
)
EXPONENT_PATTERN = r"[0-9][eE][-+]?[0-9]+\s*[,}\]]"
DOUBTFUL_PATTERN = (
    rf"{EXPONENT_PATTERN}|,\s*[}}\]]|[\[:,]\s*-?(?i:nan|inf)|[0-9]{{7}}\.[0-9]|\.[0-9]{{10}}"
)
NESTED_ARRAYS = 100  # fewer than what the exact path can read


def _is_text(text: str) -> str:
    return f"({text} >= '\"' and {text} < '#')"


def is_filled_text(text: str) -> str:
    """SQL: whether it is a text whose first character is neither white space nor an escape."""
    return (
        f"({text} >= '\"!' and {text} < '#' and strlen({text}) > 2"
        f" and not (has_escape and starts_with({text}, '\"\\')))"
    )


def fits_contract(contract: EventContract) -> str:
    """SQL: whether what was read from `data` is certainly what the contract wants."""
    conditions = [
        _within(one.path[:-1], holder_of(one.path)) for one in contract.objects if one.is_required
    ]
    for item in contract.properties:
        condition = _fits_property(item)
        if not item.is_required:
            condition = f"({text_of(item.path)} is null or {condition})"
        conditions.append(_within(item.path[:-1], condition))
    return f"({' and '.join(conditions)})"


def _within(path: tuple[str, ...], condition: str) -> str:
    return f"(not {holder_of(path)} or {condition})" if path else condition


def _fits_property(item: EventProperty) -> str:
    text = text_of(item.path)
    if item.kind == "boolean":
        return f"{text} in ('true', 'false')"
    if item.is_numeric:
        return _fits_number(item)
    conditions = [_is_text(text)]
    value = characters_of(text)
    if item.enum is not None:
        conditions.append(f"{value} in ({', '.join(literal(one) for one in item.enum) or 'null'})")
    if item.min_length is not None:
        conditions.append(f"length({value}) >= {item.min_length}")
    if item.max_length is not None:
        conditions.append(f"length({value}) <= {item.max_length}")
    if item.pattern is not None:
        conditions.append(f"regexp_matches({value}, {literal(f'(?-s){item.pattern}')})")
    return f"({' and '.join(conditions)})"


def _fits_number(item: EventProperty) -> str:
    text, value, point = text_of(item.path), number_of(item.path), point_of(item.path)
    conditions = [
        f"{value} is not null",
        f"strlen({text}) <= {NUMBER_CHARACTERS}",
        f"not contains({text}, 'e')",
    ]
    decimals = f"strlen({text}) - {point} <= 9"
    if item.kind == "integer":
        decimals += f" and {value} % 1 = 0"
    conditions.append(f"case when {point} = 0 then true else {decimals} end")
    for sign, bound in (
        (">=", item.minimum),
        ("<=", item.maximum),
        (">", item.exclusive_minimum),
        ("<", item.exclusive_maximum),
    ):
        if bound is not None:
            conditions.append(f"{value} {sign} {bound:f}")
    return f"({' and '.join(conditions)})"


def instant_of(text: str) -> str:
    """SQL for the instant that a JSON text names with its zone, as naive UTC; null where unsure.

    Digits beyond the microsecond are cut off.
    """
    usual = " ".join(
        f"when {text} like {literal(shape)} then try_strptime({text}, {literal(notation)})"
        for shape, notation in TIME_SHAPES
    )
    any_zone = f"cast(try_cast({unquoted(text)} as timestamptz) as timestamp)"
    return (
        f"case {usual} when regexp_full_match({text}, {literal(TIME_PATTERN)}) then {any_zone} end"
    )


def is_compact(contract: EventContract) -> str:
    """SQL: whether the line is as long as the compact JSON of what was read from it.

    Takes a line that is sound but for this, so that specversion and type are known texts. A member
    costs its name, two quotes, a colon, a comma and its value; an object one more.
    """
    certain = len('{"data":{}}') - 1  # the last property has no comma
    certain += sum(
        len(name) + MEMBER_CHARACTERS for name in ATTRIBUTES if name not in OPTIONAL_ATTRIBUTES
    )
    known = {"specversion": '"1.0"', "type": json.dumps(contract.event_type, ensure_ascii=False)}
    certain += sum(len(text.encode()) for text in known.values())
    lengths = []
    for name in ATTRIBUTES:
        if name in known:
            continue
        if name not in OPTIONAL_ATTRIBUTES:
            lengths.append(f"strlen({attribute(name)})")
        else:
            lengths.append(_length_if_any(attribute(name), len(name)))
    for one in contract.objects:
        if one.path:
            own = len(one.path[-1]) + MEMBER_CHARACTERS + 1
            lengths.append(f"case when {holder_of(one.path)} then {own} else 0 end")
    for item in contract.properties:
        if item.is_required and len(item.path) == 1:
            certain += len(item.path[-1]) + MEMBER_CHARACTERS
            lengths.append(f"strlen({text_of(item.path)})")
        else:
            lengths.append(_length_if_any(text_of(item.path), len(item.path[-1])))
    return (
        f"(strlen(line) - line_end - {certain} = {' + '.join(lengths)} and "
        f"case when {_may_have_grown(contract)} "
        f"then not regexp_matches(line, {literal(EXPONENT_PATTERN)}) else true end)"
    )


def _length_if_any(text: str, name_length: int) -> str:
    return f"coalesce(strlen({text}) + {name_length + MEMBER_CHARACTERS}, 0)"


def _may_have_grown(contract: EventContract) -> str:
    """SQL: whether a number was written longer than it may have been read."""
    grown = [
        f"case when {point_of(path)} > 0 then suffix({text_of(path)}, '.0') "
        f"or starts_with({text_of(path)}, '0.00') or starts_with({text_of(path)}, '-0.00') "
        "else false end"
        for path in (item.path for item in contract.properties if item.is_numeric)
    ]
    return " or ".join(grown) or "false"


def has_known_keys(contract: EventContract, positions: Sequence[tuple[str, ...]]) -> str:
    """SQL: whether every object's keys are known and single, or harmless strangers.

    `keys` lists the keys of the line and then those of the objects at positions.
    """
    texts = [(name, f"{attribute(name)} is not null") for name in ATTRIBUTES]
    known_objects = " + ".join(
        f"cast({holder_of(one.path)} as integer)" for one in contract.objects
    )
    harmless = (
        f"strlen(line) - strlen(replace(line, '{{', '')) = 1 + {known_objects} "
        f"and strlen(line) - strlen(replace(line, '[', '')) <= {NESTED_ARRAYS}"
    )
    top = [*texts, ("data", "true")]
    counted = [_keys_fit("keys[1]", top, is_closed=False, harmless=harmless)]
    for one in contract.objects:
        members = [
            (item.path[-1], f"{text_of(item.path)} is not null")
            for item in contract.properties
            if item.path[:-1] == one.path
        ] + [
            (inner.path[-1], holder_of(inner.path))
            for inner in contract.objects
            if inner.path and inner.path[:-1] == one.path
        ]
        position = positions.index(one.path) + 2
        fit = _keys_fit(f"keys[{position}]", members, is_closed=one.is_closed, harmless=harmless)
        counted.append(fit if not one.path else f"(not {holder_of(one.path)} or {fit})")
    return f"({' and '.join(counted)})"


def _keys_fit(
    keys: str, members: Sequence[tuple[str, str]], *, is_closed: bool, harmless: str
) -> str:
    present = " + ".join(f"cast({is_present} as integer)" for _, is_present in members) or "0"
    if is_closed:
        return f"len({keys}) = {present}"
    names = ", ".join(literal(name) for name, _ in members)
    known = f"len(list_intersect({keys}, [{names}]))" if names else "0"
    return (
        f"case when len({keys}) = {present} then true else list_unique({keys}) = len({keys}) "
        f"and {known} = {present} and {harmless} end"
    )
