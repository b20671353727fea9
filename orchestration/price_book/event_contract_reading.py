"""Reading one event contract file: its schema, its scalars and objects, and every problem in it.

Belongs here: which JSON Schema keywords are honoured, and the refusal of all others.
Does not belong here: the folder of contracts and picking a version (event_contracts.py).
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.price_book.event_contract_records import (
    UNNAMED_VERSION,
    EventContract,
    EventContractProblem,
    EventObject,
    EventProperty,
    PropertyKind,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NESTING_MARK = "__"
MAXIMUM_DEPTH = 8

_PROPERTY_NAME = re.compile(r"[a-z][a-z0-9_]*")
_EVENT_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOTES = {"$schema", "$id", "$comment", "title", "description", "examples", "default", "deprecated"}
_OBJECT_KEYWORDS = _NOTES | {"type", "properties", "required", "additionalProperties"}
_NUMBER_KEYWORDS = _NOTES | {"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
_STRING_KEYWORDS = _NOTES | {"type", "enum", "const", "pattern", "minLength", "maxLength", "format"}
_KEYWORDS: dict[str, set[str]] = {
    "object": _OBJECT_KEYWORDS,
    "number": _NUMBER_KEYWORDS,
    "integer": _NUMBER_KEYWORDS,
    "string": _STRING_KEYWORDS,
    "boolean": _NOTES | {"type"},
}


class _DuplicateKeyError(ValueError):
    """A JSON object names a key twice."""


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise _DuplicateKeyError(f'the key "{repeated}" occurs twice in one object')
    return found


class ContractReading:
    """Reads one contract file, noting every problem on the way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[EventContractProblem] = []
        self._text = ""
        self._properties: list[EventProperty] = []
        self._objects: list[EventObject] = []

    def contract(self) -> EventContract | None:
        """Return the contract, complete only where no problem was noted; None if unreadable."""
        event_type, version = self.path.parent.name, self.path.stem
        schema = self._schema()
        if schema is None:
            return None
        for name, form in ((event_type, _EVENT_TYPE), (version, _VERSION)):
            if not form.fullmatch(name):
                self._note(
                    "contract_name_unusable",
                    f'The name "{name}" holds other characters than letters, digits, . _ : -',
                    "Rename the folder or file.",
                )
        dataschema = schema.get("$id")
        if dataschema is None and version != UNNAMED_VERSION:
            self._note(
                "schema_id_missing",
                f'Version {version} has no "$id", so no event could name it.',
                'Add "$id", the URI that events carry in dataschema.',
            )
        self._read_object(schema, (), is_required=True)
        self._note_collisions()
        return EventContract(
            event_type=event_type,
            version=version,
            dataschema=dataschema,
            schema=schema,
            properties=tuple(sorted(self._properties, key=lambda one: one.column_name)),
            is_closed=schema.get("additionalProperties") is False,
            objects=tuple(self._objects),
        )

    def _note(self, code: str, message: str, remedy: str, *, near: str | None = None) -> None:
        line = 1
        if near is not None and (at := self._text.find(f'"{near}"')) >= 0:
            line = self._text.count("\n", 0, at) + 1
        self.problems.append(EventContractProblem(self.path, line, code, message, remedy))

    def _schema(self) -> dict[str, Any] | None:
        try:
            self._text = self.path.read_text(encoding="utf-8")
            schema = json.loads(
                self._text,
                parse_float=Decimal,
                object_pairs_hook=_object_without_duplicates,
            )
            jsonschema.Draft202012Validator.check_schema(schema)
        except (OSError, UnicodeDecodeError, RecursionError, ValueError) as error:
            line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
            self.problems.append(
                EventContractProblem(
                    self.path,
                    line,
                    "contract_unreadable",
                    f"It cannot be read: {error}.",
                    "Write one JSON object in UTF-8.",
                )
            )
            return None
        except jsonschema.SchemaError as error:
            self._note(
                "schema_invalid",
                f"It is no JSON Schema 2020-12: {error.message}.",
                "Correct the schema.",
                near=next((str(part) for part in reversed(error.path)), None),
            )
            return None
        if not isinstance(schema, dict) or schema.get("type") != "object":
            self._note(
                "schema_not_an_object",
                'The schema of `data` does not say "type": "object".',
                'Describe `data` as an object with "properties".',
            )
            return None
        if schema.get("$schema", DIALECT).rstrip("#") != DIALECT:
            self._note(
                "schema_dialect_unknown",
                f"It is written in the dialect {schema['$schema']}.",
                f"Use {DIALECT}.",
                near="$schema",
            )
        return schema

    def _read_object(
        self, schema: Mapping[str, Any], path: tuple[str, ...], *, is_required: bool
    ) -> None:
        self._note_unknown_keywords(schema, "object", path)
        members: Mapping[str, Any] = schema.get("properties", {})
        required = set(schema.get("required", ()))
        allowance = schema.get("additionalProperties", True)
        if not isinstance(allowance, bool):
            self._note(
                "keyword_not_supported",
                f'{_place(path)}: "additionalProperties" is a schema.',
                "Use true or false.",
                near="additionalProperties",
            )
        for name in sorted(required - set(members)):
            self._note(
                "required_not_declared",
                f'{_place(path)}: "{name}" is required but not declared.',
                'Declare it under "properties".',
                near=name,
            )
        self._objects.append(EventObject(path, tuple(members), is_required, allowance is False))
        for name, member in members.items():
            self._read_member(member, (*path, name), is_required=name in required)

    def _read_member(self, member: Any, path: tuple[str, ...], *, is_required: bool) -> None:
        name = path[-1]
        if not _PROPERTY_NAME.fullmatch(name):
            self._note(
                "property_name_unusable",
                f'{_place(path)}: "{name}" is not lower snake case.',
                "Name properties by [a-z][a-z0-9_]*, as columns are named after them.",
                near=name,
            )
        given = member.get("type") if isinstance(member, dict) else None
        kinds = set(given) if isinstance(given, list) else {given}
        is_nullable = "null" in kinds
        kinds.discard("null")
        kind = next(iter(kinds)) if len(kinds) == 1 else None
        if kind not in _KEYWORDS or (kind == "object" and is_nullable):
            self._note(
                "property_kind_not_supported",
                f"{_place(path)}: its type is {json.dumps(given)}.",
                'Give it one of number, integer, string, boolean (also with "null"), or object.',
                near=name,
            )
        elif len(path) > MAXIMUM_DEPTH:
            self._note(
                "nested_too_deeply",
                f"{_place(path)}: it lies more than {MAXIMUM_DEPTH} objects deep.",
                "Flatten the event's data.",
                near=name,
            )
        elif kind == "object":
            self._read_object(member, path, is_required=is_required)
        else:
            self._read_scalar(member, kind, path, is_required=is_required, is_nullable=is_nullable)

    def _read_scalar(
        self,
        member: Mapping[str, Any],
        kind: PropertyKind,
        path: tuple[str, ...],
        *,
        is_required: bool,
        is_nullable: bool,
    ) -> None:
        self._note_unknown_keywords(member, kind, path)
        enum = [member["const"]] if "const" in member else member.get("enum")
        if enum is not None and not all(isinstance(text, str) for text in enum):
            self._note(
                "keyword_not_supported",
                f"{_place(path)}: enum and const hold something else than text.",
                "List texts only.",
                near=path[-1],
            )
            enum = None
        pattern = member.get("pattern")
        if pattern is not None and not _is_re2(pattern):
            self._note(
                "pattern_not_supported",
                f'{_place(path)}: the pattern "{pattern}" is not RE2 syntax.',
                "Write it without look-around and back-references.",
                near="pattern",
            )
        name = NESTING_MARK.join(path)
        prefix = "q" if kind in ("number", "integer") else "d"
        self._properties.append(
            EventProperty(
                name=name,
                column_name=f"{prefix}_{name}",
                kind=kind,
                is_required=is_required,
                minimum=_decimal(member.get("minimum")),
                maximum=_decimal(member.get("maximum")),
                exclusive_minimum=_decimal(member.get("exclusiveMinimum")),
                exclusive_maximum=_decimal(member.get("exclusiveMaximum")),
                enum=None if enum is None else tuple(enum),
                pattern=pattern,
                min_length=_whole(member.get("minLength")),
                max_length=_whole(member.get("maxLength")),
                path=path,
                is_nullable=is_nullable,
            )
        )

    def _note_unknown_keywords(
        self, schema: Mapping[str, Any], kind: str, path: tuple[str, ...]
    ) -> None:
        for keyword in schema:
            if keyword not in _KEYWORDS[kind]:
                self._note(
                    "keyword_not_supported",
                    f'{_place(path)}: "{keyword}" is not honoured for type {kind}.',
                    "Remove it, or state the rule in another way.",
                    near=keyword,
                )

    def _note_collisions(self) -> None:
        names = [item.name for item in self._properties]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self._note(
                "property_name_repeated",
                f"Two properties would share the column of {name}.",
                f'Rename one: "{NESTING_MARK}" joins the names of nested properties.',
                near=name.split(NESTING_MARK, maxsplit=1)[0],
            )


def matches_pattern(pattern: str, text: str) -> bool:
    """Whether an RE2 pattern is found in a text; "." never stands for a line end."""
    found = pc.match_substring_regex(pa.scalar(text), f"(?-s){pattern}")
    return bool(found.as_py())


def _is_re2(pattern: str) -> bool:
    try:
        matches_pattern(pattern, "")
    except pa.ArrowInvalid:
        return False
    return True


def _decimal(bound: int | Decimal | None) -> Decimal | None:
    return None if bound is None else Decimal(bound)


def _whole(bound: int | Decimal | None) -> int | None:
    return None if bound is None else int(bound)


def _place(path: tuple[str, ...]) -> str:
    return ".".join(("data", *path))
