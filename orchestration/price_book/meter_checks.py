"""Whether every meter can be counted from the events that the event contracts describe.

Belongs here: fields by aggregation, and properties against the contracts of the meter's event
types. Does not belong here: prices (price_checks.py); the contracts themselves
(event_contracts.py).
"""

from collections.abc import Iterator, Mapping, Sequence

from orchestration.price_book.event_contracts import EventContract, EventProperty
from orchestration.price_book.models import Meter
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import Located, ReferenceData

_VALUED = ("sum", "max", "min", "avg", "latest", "weighted_sum", "percentile")
_CARRYING = ("latest", "unique_count")
_BOOLEANS = ("true", "false")
_HIGHEST_PERCENTILE = 100

Steps = tuple[str | int, ...]


def check_meters(data: ReferenceData, problems: ProblemList) -> None:
    """Add every problem of the meters."""
    contracts = data.contracts_by_type()
    for meter in data.book.meters:
        _check_fields(meter, problems)
        are_known = _check_event_types(data, meter, problems)
        if are_known:
            _check_properties(meter, contracts, problems)


def _check_fields(meter: Located[Meter], problems: ProblemList) -> None:
    faults = (
        *_aggregation_faults(meter.item),
        *_window_faults(meter.item),
        *_operation_faults(meter.item),
        *_entry_faults(meter.item),
    )
    for steps, fault in faults:
        problems.add(
            "meter_field_mismatch",
            meter.path,
            meter.line(*steps),
            f"{meter.name(*steps)}: {fault}.",
        )


def _aggregation_faults(meter: Meter) -> Iterator[tuple[Steps, str]]:
    kind, given = meter.aggregation, meter.model_fields_set
    yield from _only_for(
        _VALUED, meter, "value", "needs a value", "reads no value", is_given=bool(meter.value)
    )
    yield from _only_for(
        ("unique_count",),
        meter,
        "distinct",
        "needs the property whose values are counted",
        "reads no distinct property",
        is_given=meter.distinct is not None,
    )
    yield from _only_for(
        ("percentile",),
        meter,
        "percentile",
        "needs the percentile to take, such as 95",
        "takes no percentile",
        is_given=meter.percentile is not None,
    )
    if meter.percentile is not None and meter.percentile > _HIGHEST_PERCENTILE:
        yield ("percentile",), f"{meter.percentile} is above {_HIGHEST_PERCENTILE}"
    if kind not in _VALUED and meter.is_negative_allowed:
        yield ("is_negative_allowed",), f"{kind} is never negative"
    if kind not in _CARRYING and "carry_in" in given:
        yield ("carry_in",), f"{kind} takes no carry_in"
    if kind != "weighted_sum" and "weighted_by" in given:
        yield ("weighted_by",), f"{kind} is weighted by nothing"


def _only_for(
    kinds: Sequence[str], meter: Meter, field: str, lacks: str, spare: str, *, is_given: bool
) -> Iterator[tuple[Steps, str]]:
    """The fault of a field that aggregations of some kinds need, and no other takes."""
    if meter.aggregation in kinds and not is_given:
        yield (field,), f"{meter.aggregation} {lacks}"
    if meter.aggregation not in kinds and is_given:
        yield (field,), f"{meter.aggregation} {spare}"


def _window_faults(meter: Meter) -> Iterator[tuple[Steps, str]]:
    combined = meter.window_aggregation
    if meter.window is not None and combined is None:
        yield ("window_aggregation",), "a window needs to be told what is made of its quantities"
    if meter.window is None and combined is not None:
        yield ("window_aggregation",), "there is no window to aggregate"
    if combined != "avg" and "empty_windows" in meter.model_fields_set:
        yield ("empty_windows",), "only an avg of windows asks for the empty ones"
    if meter.window is not None and meter.weighted_by == "period":
        yield ("weighted_by",), "a window is weighted by second, not by the period around it"


def _operation_faults(meter: Meter) -> Iterator[tuple[Steps, str]]:
    if meter.operation is None:
        return
    if meter.aggregation != "unique_count":
        yield ("operation",), f"{meter.aggregation} neither adds nor removes values"
    for both in sorted(set(meter.operation.add) & set(meter.operation.remove)):
        yield ("operation",), f"{both} cannot both add and remove"


def _entry_faults(meter: Meter) -> Iterator[tuple[Steps, str]]:
    for index, given in enumerate(meter.filters):
        if (given.values_in is None) == (given.values_not_in is None):
            yield ("filters", index), "a filter has either in or not_in"
    for index, factor in enumerate(meter.value):
        low, high = factor.minimum, factor.maximum
        if low is not None and high is not None and low > high:
            yield ("value", index), f"its minimum {low} is above its maximum {high}"
    for name, entries in (("event_types", meter.event_types), ("dimensions", meter.dimensions)):
        for entry in sorted({one for one in entries if entries.count(one) > 1}):
            yield (name,), f"{entry} stands there twice"


def _check_event_types(data: ReferenceData, meter: Located[Meter], problems: ProblemList) -> bool:
    for index, event_type in enumerate(meter.item.event_types):
        if event_type not in data.contract_event_types:
            problems.add(
                "event_type_without_contract",
                meter.path,
                meter.line("event_types", index),
                f"{meter.name()}, field event_types: there is no contract of {event_type}.",
            )
    sound = {contract.event_type for contract in data.event_contracts}
    return sound.issuperset(meter.item.event_types)


def _check_properties(
    meter: Located[Meter],
    contracts: Mapping[str, Sequence[EventContract]],
    problems: ProblemList,
) -> None:
    read = [contract for name in meter.item.event_types for contract in contracts[name]]
    for steps, name, is_value in _properties(meter.item):
        declared = [
            (contract, found)
            for contract in read
            for found in contract.properties
            if found.name == name
        ]
        named = meter.name(*steps)
        line = meter.line(*steps)
        lacking = [
            f"{contract.event_type}/{contract.version}"
            for contract in read
            if all(contract is not other for other, _ in declared)
        ]
        if not declared:
            problems.add(
                "meter_property_undeclared",
                meter.path,
                line,
                f"{named}: no event contract of {', '.join(meter.item.event_types)} declares the "
                f"property {name}.",
            )
        elif lacking:
            problems.add(
                "meter_property_partly_declared",
                meter.path,
                line,
                f"{named}: {', '.join(lacking)} do not declare the property {name}.",
                severity="warning",
            )
        for contract, found in declared:
            _check_kind(meter, steps, contract, found, problems, is_value=is_value)
    _check_filter_values(meter, read, problems)


def _properties(meter: Meter) -> list[tuple[Steps, str, bool]]:
    """Where each property is named, its name, and whether it must be a number."""
    return [
        *((("value", index), factor.property, True) for index, factor in enumerate(meter.value)),
        *(((("distinct",), meter.distinct, False),) if meter.distinct else ()),
        *(((("operation",), meter.operation.property, False),) if meter.operation else ()),
        *((("filters", index), one.property, False) for index, one in enumerate(meter.filters)),
        *((("dimensions", index), one, False) for index, one in enumerate(meter.dimensions)),
    ]


def _check_kind(
    meter: Located[Meter],
    steps: Steps,
    contract: EventContract,
    found: EventProperty,
    problems: ProblemList,
    *,
    is_value: bool,
) -> None:
    where = f"{contract.event_type}/{contract.version}"
    if found.is_numeric != is_value:
        wanted = "a number" if is_value else "text or a boolean"
        problems.add(
            "meter_property_wrong_kind",
            meter.path,
            meter.line(*steps),
            f"{meter.name(*steps)}: {found.name} is {found.kind} in {where}, and must be {wanted}.",
        )
    elif is_value and (not found.is_required or found.is_nullable):
        problems.add(
            "meter_value_optional",
            meter.path,
            meter.line(*steps),
            f"{meter.name(*steps)}: {where} lets events come without {found.name}.",
            severity="warning",
        )


def _check_filter_values(
    meter: Located[Meter], contracts: Sequence[EventContract], problems: ProblemList
) -> None:
    for steps, field, property_name, values in _asked_values(meter.item):
        kinds = [
            found
            for contract in contracts
            for found in contract.properties
            if found.name == property_name and not found.is_numeric
        ]
        for value in values:
            if kinds and not any(_may_be(found, value) for found in kinds):
                problems.add(
                    "filter_value_impossible",
                    meter.path,
                    meter.line(*steps, field),
                    f"{meter.name(*steps)}: {property_name} is never {value}.",
                )


def _asked_values(meter: Meter) -> Iterator[tuple[Steps, str, str, Sequence[str]]]:
    """Where values of a property are named, in which field, the property, and the values."""
    for index, given in enumerate(meter.filters):
        field = "in" if given.values_in is not None else "not_in"
        values = (*(given.values_in or ()), *(given.values_not_in or ()))
        yield ("filters", index), field, given.property, values
    if meter.operation is not None:
        for field, values in (("add", meter.operation.add), ("remove", meter.operation.remove)):
            yield ("operation",), field, meter.operation.property, values


def _may_be(found: EventProperty, value: str) -> bool:
    if found.kind == "boolean":
        return value in _BOOLEANS
    return found.enum is None or value in found.enum
