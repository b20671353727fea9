"""Problems out of pydantic's errors: the right code, the right line, and the names people use.

Belongs here: which plan, charge, tier and field, or which row and column, an error is about.
Does not belong here: the checks themselves.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from orchestration.price_book.field_types import shown_value
from orchestration.price_book.models import UNSUPPORTED_FIELDS
from orchestration.price_book.nearest_names import or_nearest
from orchestration.price_book.problems import REMEDIES, ProblemList
from orchestration.price_book.yaml_reader import Location, YamlDocument

_KEY_MARK: Final = "[key]"  # pydantic's last step when a mapping's key is meant

# One entry of a list, by the key that holds the list: its name, and what tells it from others.
_ENTRIES: Final[Mapping[str, tuple[str, str | None]]] = {
    "meters": ("meter", "id"),
    "products": ("product", "id"),
    "plans": ("plan", "id"),
    "charges": ("charge", "id"),
    "versions": ("version", "effective_from"),
    "tiers": ("tier", None),
    "prices": ("match", None),
    "value": ("factor", None),
    "filters": ("filter", None),
    "sources": ("source", "prefix"),
    "quiet_days": ("quiet day", "day"),
    "measures": ("measure", None),
    "terms": ("term", "id"),
    "contract_terms": ("contract", "contract"),
    "approvers": ("approver", "name"),
}
_SHAPES: Final[Mapping[str, str]] = {
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "string_type": "must be text",
}
# Mappings by currency, which people write as one figure.
_BY_CURRENCY: Final[Mapping[str, str]] = {
    "prices": 'must be prices by currency, such as {USD: {amount: "100"}}',
    "amount": 'must be an amount by currency, such as {USD: "100"}',
    "up_to_amount": 'must be `unlimited` or an amount by currency, such as {USD: "100"}',
    "acknowledgement_threshold": 'must be an amount by currency, such as {USD: "100"}',
    "smallest_document": 'must be an amount by currency, such as {USD: "100"}',
}


def subject(content: Any, location: Location) -> str:
    """The names along a location, such as "plan growth, charge fee, price USD, field amount"."""
    parts: list[str] = []
    fields: list[str] = []
    node = content
    for position, step in enumerate(location):
        before = location[position - 1] if position else None
        node = _inside(node, step)
        if isinstance(step, int):
            parts.append(_entry_name(str(before), node, step))
        elif before == "prices":
            parts.append(f"price {step}")
        elif not (step in _ENTRIES and position + 1 < len(location)):
            fields.append(step)
    if fields:
        parts.append(f"field {'.'.join(fields)}")
    return ", ".join(parts) or "the file"


def _inside(node: Any, step: str | int) -> Any:
    if isinstance(node, dict):
        return node.get(step)
    if isinstance(node, list) and isinstance(step, int) and step < len(node):
        return node[step]
    return None


def _entry_name(holder: str, entry: Any, index: int) -> str:
    name, key = _ENTRIES.get(holder, (f"{holder} entry", None))
    label = entry.get(key) if isinstance(entry, dict) and key else entry if key else None
    return f"{name} {label if isinstance(label, str) else index + 1}"


def add_yaml_refusals(
    error: ValidationError,
    document: YamlDocument,
    base: Location,
    model: type[BaseModel],
    problems: ProblemList,
) -> None:
    """Add every error of one record of a YAML file, with the line of the value it is about.

    The base is where in the file the record stands; the model is what it has fields of.
    """

    def place(steps: Location) -> tuple[int, str]:
        location = (*base, *steps)
        return document.line(location), subject(document.content, location)

    _add(error, document.path, place, model, problems)


def add_row_refusals(
    error: ValidationError,
    path: str,
    line: int,
    row_name: str,
    problems: ProblemList,
    *,
    model: type[BaseModel],
    column: str | None = None,
) -> None:
    """Add every error of one row of a table, with its line and column.

    The row name is the table and the row's id; the column is given where the record stands in one.
    """

    def place(steps: Location) -> tuple[int, str]:
        inside = (column, *steps) if column else steps
        return line, f"{row_name}, column {'.'.join(str(step) for step in inside)}"

    _add(error, path, place, model, problems)


def _add(
    error: ValidationError,
    path: str,
    place: Callable[[Location], tuple[int, str]],
    model: type[BaseModel],
    problems: ProblemList,
) -> None:
    for detail in error.errors(include_url=False):
        steps = tuple(step for step in detail["loc"] if step != _KEY_MARK)
        code, reason = _code_and_reason(detail, str(steps[-1]) if steps else "")
        if code == "unknown_field":
            reason += or_nearest(str(steps[-1]), _field_names(model, steps[:-1]))
        line, named = place(steps)
        problems.add(code, path, line, f"{named}: {reason}.")


def _field_names(model: type[BaseModel], steps: Location) -> list[str]:
    """The fields, as files write them, of the record to which the steps lead inside a model."""
    models = [model]
    for step in steps:
        inner = [
            found
            for one in models
            for name, field in one.model_fields.items()
            if (field.alias or name) == step
            for found in _models_in(field.annotation)
        ]
        models = inner or models
    return [field.alias or name for one in models for name, field in one.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]


def _code_and_reason(detail: ErrorDetails, name: str) -> tuple[str, str]:
    kind = detail["type"]
    value = detail.get("input")
    given = f"'{value!s:.60}'" if isinstance(value, str) else shown_value(value)
    reason = f"cannot be {given}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"
    code = "wrong_value"
    if kind in REMEDIES:
        code, reason = kind, detail["msg"]
    elif kind == "missing":
        code, reason = "missing_field", "is required"
    elif kind == "extra_forbidden":
        code, reason = "unknown_field", "does not exist here"
        if name in UNSUPPORTED_FIELDS:
            code, reason = "unsupported_field", "cannot be honoured by this version of the engine"
    elif kind == "literal_error":
        allowed = detail["ctx"]["expected"]
        reason = f"must be {allowed}, and is {given}"
    elif kind == "dict_type" and name in _BY_CURRENCY:
        code, reason = "wrong_type", f"{_BY_CURRENCY[name]}, and is {given}"
    elif kind in _SHAPES:
        code, reason = "wrong_type", f"{_SHAPES[kind]}, and is {given}"
    return code, reason
