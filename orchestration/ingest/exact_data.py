"""Judging the data of an event exactly, by its contract.

Belongs here: kinds, ranges, required and closed objects; numbers as DECIMAL(38, 9) holds them.
Does not belong here: the envelope and JSON itself (exact.py).
"""

from collections.abc import Mapping
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any

from orchestration.ingest.rejection import RejectedError, is_storable, place, shown
from orchestration.price_book.event_contracts import (
    EventContract,
    EventObject,
    EventProperty,
    matches_pattern,
)

QUANTITY_SCALE = 9
QUANTITY_DIGITS = 38
QUANTITY_STEP = Decimal(1).scaleb(-QUANTITY_SCALE)
UNBOUNDED = Decimal("Infinity")  # stands for a number whose exponent not even Decimal can hold
VANISHING = Decimal("sNaN")  # the same, towards zero

_WIDE = Context(prec=QUANTITY_DIGITS + 2)
_cached_match = lru_cache(maxsize=65_536)(matches_pattern)


def judge_data(data: Mapping[str, Any], contract: EventContract) -> dict[str, Decimal | str]:
    """Return the declared properties of `data` by column name, without those that are absent.

    Raises:
        RejectedError: the first rule of the contract that the data breaks.
    """
    holders = _objects_of(data, contract)
    values: dict[str, Decimal | str] = {}
    for item in contract.properties:
        holder = holders.get(item.path[:-1])
        if holder is None:
            continue
        if item.path[-1] not in holder:
            if item.is_required:
                raise _missing(item.path, contract)
            continue
        found = holder[item.path[-1]]
        if found is not None or not item.is_nullable:
            values[item.column_name] = _judge_property(found, item)
    return values


def _objects_of(
    data: Mapping[str, Any], contract: EventContract
) -> dict[tuple[str, ...], Mapping[str, Any]]:
    holders: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for one in contract.objects:
        found = data if not one.path else _inner_object(holders, one, contract)
        if found is None:
            continue
        holders[one.path] = found
        strangers = sorted(set(found) - set(one.keys)) if one.is_closed else []
        if strangers:
            raise RejectedError(
                "property_not_allowed",
                f'"{place((*one.path, strangers[0]))}" is not declared by the closed contract '
                f"{_name(contract)}. Leave it out, or declare it and replay.",
            )
    return holders


def _inner_object(
    holders: Mapping[tuple[str, ...], Mapping[str, Any]],
    one: EventObject,
    contract: EventContract,
) -> Mapping[str, Any] | None:
    parent = holders.get(one.path[:-1])
    if parent is None:
        return None
    if one.path[-1] not in parent:
        if one.is_required:
            raise _missing(one.path, contract)
        return None
    found = parent[one.path[-1]]
    if not isinstance(found, dict):
        raise RejectedError(
            "property_wrong_type", f'"{place(one.path)}" is {shown(found)}. Send an object.'
        )
    return found


def _judge_property(found: Any, item: EventProperty) -> Decimal | str:
    if item.is_numeric:
        return _judge_number(found, item)
    if item.kind == "boolean":
        if not isinstance(found, bool):
            raise _wrong_type(found, item, "true or false")
        return "true" if found else "false"
    if not isinstance(found, str):
        raise _wrong_type(found, item, "a text")
    if not is_storable(found):
        raise RejectedError(
            "null_byte", f'"{place(item.path)}" holds a null byte. Send it without.'
        )
    if not _is_text_in_range(found, item):
        raise _out_of_range(found, item)
    return found


def _judge_number(found: Any, item: EventProperty) -> Decimal:
    if not isinstance(found, Decimal):
        raise _wrong_type(found, item, "a number")
    value = as_quantity(found, place(item.path))
    if item.kind == "integer" and value != value.to_integral_value(context=_WIDE):
        raise _wrong_type(found, item, "a whole number")
    if (
        (item.minimum is not None and value < item.minimum)
        or (item.maximum is not None and value > item.maximum)
        or (item.exclusive_minimum is not None and value <= item.exclusive_minimum)
        or (item.exclusive_maximum is not None and value >= item.exclusive_maximum)
    ):
        raise _out_of_range(value.normalize(_WIDE), item)
    return value


def as_quantity(found: Decimal, field: str) -> Decimal:
    """Return a number as DECIMAL(38, 9) holds it, exactly; field names it in the refusal."""
    if found is VANISHING or (found.is_finite() and found and found.adjusted() < -QUANTITY_SCALE):
        raise _too_precise(field)
    if not found.is_finite() or (found and found.adjusted() >= QUANTITY_DIGITS - QUANTITY_SCALE):
        raise RejectedError(
            "number_too_large",
            f'"{field}" has more than {QUANTITY_DIGITS - QUANTITY_SCALE} digits before the point. '
            "Send it in a larger unit.",
        )
    value = found.quantize(QUANTITY_STEP, context=_WIDE)
    if value != found:
        raise _too_precise(field)
    return value or abs(value)


def _too_precise(field: str) -> RejectedError:
    return RejectedError(
        "number_too_precise",
        f'"{field}" has more than {QUANTITY_SCALE} decimals. Round it at its source, '
        "where its meaning is known.",
    )


def _is_text_in_range(found: str, item: EventProperty) -> bool:
    return (
        (item.enum is None or found in item.enum)
        and (item.min_length is None or len(found) >= item.min_length)
        and (item.max_length is None or len(found) <= item.max_length)
        and (item.pattern is None or _cached_match(item.pattern, found))
    )


def _missing(path: tuple[str, ...], contract: EventContract) -> RejectedError:
    return RejectedError(
        "property_missing",
        f'"{place(path)}" is absent, but the contract {_name(contract)} requires it. Send it.',
    )


def _wrong_type(found: Any, item: EventProperty, wanted: str) -> RejectedError:
    return RejectedError(
        "property_wrong_type", f'"{place(item.path)}" is {shown(found)}. Send {wanted}.'
    )


def _out_of_range(found: Any, item: EventProperty) -> RejectedError:
    return RejectedError(
        "property_out_of_range",
        f'"{place(item.path)}" is {shown(found)}, outside what its contract allows. '
        "Correct it, or widen the contract and replay.",
    )


def _name(contract: EventContract) -> str:
    return f"{contract.event_type} version {contract.version}"
