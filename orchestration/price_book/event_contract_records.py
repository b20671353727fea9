"""The records of an event contract: its scalars, its objects, its version, its problems.

Belongs here: the shapes that ingestion compiles and pricing refers to.
Does not belong here: reading them from files, which is event_contracts.py's.
"""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

UNNAMED_VERSION = "1"  # the version that an event without dataschema is read by

PropertyKind = Literal["number", "integer", "string", "boolean"]


@dataclass(frozen=True)
class EventProperty:
    """One scalar of `data`.

    Attributes:
        name: its name, nested ones joined by "__": `tokens__input`.
        column_name: q_<name> (DECIMAL(38, 9)) for numbers, d_<name> (text) for the others.
        is_required: whether the object that holds it must have it.
        enum: the allowed texts; None means any.
        pattern: RE2, searched anywhere in the text.
        path: the keys that lead to it from `data`.
        is_nullable: whether null may stand for absent.
    """

    name: str
    column_name: str
    kind: PropertyKind
    is_required: bool
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    exclusive_minimum: Decimal | None = None
    exclusive_maximum: Decimal | None = None
    enum: tuple[str, ...] | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    path: tuple[str, ...] = ()
    is_nullable: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether the value is a quantity, stored as DECIMAL(38, 9)."""
        return self.kind in ("number", "integer")


@dataclass(frozen=True)
class EventObject:
    """An object within `data`; the root, `data` itself, has an empty path.

    Attributes:
        keys: the names that the contract declares directly in it.
        is_closed: whether any other name is refused (additionalProperties false).
    """

    path: tuple[str, ...]
    keys: tuple[str, ...]
    is_required: bool
    is_closed: bool


@dataclass(frozen=True)
class EventContract:
    """One version of one event type's contract.

    Attributes:
        dataschema: the schema's "$id", by which events name this version.
        schema: the JSON Schema as read, numbers as int or Decimal.
        properties: every scalar, in the order of their column names.
        is_closed: whether `data` may hold nothing but the declared properties.
        objects: `data` and the objects within it, outer before inner.
    """

    event_type: str
    version: str
    dataschema: str | None
    schema: dict[str, Any]
    properties: tuple[EventProperty, ...]
    is_closed: bool
    objects: tuple[EventObject, ...]


@dataclass(frozen=True)
class EventContractProblem:
    """One thing that is wrong in one contract file, with its line and what to do."""

    path: Path
    line: int
    code: str
    message: str
    remedy: str
