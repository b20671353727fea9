"""What the sample's usage comes to, computed from the drawn events and not from any file.

Belongs here: counts by kind and quantities per tenant, month and meter, in whole numbers and
Decimal, so that the pipeline has something independent to be compared with.
Does not belong here: prices and amounts.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from orchestration.sample import company
from orchestration.sample.delivery import Delivery
from orchestration.sample.usage import (
    UNMAPPED,
    UNPRICED_SLUG,
    Event,
    JsonScalar,
    local_midnight,
    month_starts,
)

Data = Mapping[str, JsonScalar]

_FREE_STATUSES: Final = frozenset({"429", "500", "503"})
_SHORTEST_JOB_SECONDS: Final = 60


@dataclass
class _Figure:
    """One meter of one tenant in one local month, as it adds up."""

    event_count: int = 0
    total: Decimal = Decimal(0)
    largest: Decimal | None = None
    latest: tuple[int, str, str, Decimal] | None = None
    distinct: set[str] = field(default_factory=set)


def _number(value: JsonScalar) -> Decimal:
    if isinstance(value, str | bool):
        raise TypeError(f"Tried to meter {value!r}: it is not a number.")
    return Decimal(value)


def _add(figure: _Figure, event: Event, value: Decimal) -> None:
    del event
    figure.total += value


def _keep_largest(figure: _Figure, event: Event, value: Decimal) -> None:
    del event
    figure.largest = value if figure.largest is None else max(figure.largest, value)


def _keep_latest(figure: _Figure, event: Event, value: Decimal) -> None:
    seen = (event.at_us, event.source, event.event_id, value)
    figure.latest = seen if figure.latest is None else max(figure.latest, seen)


def _billed_seconds(data: Data) -> Decimal:
    whole = _number(data["seconds"]).to_integral_value(rounding=ROUND_CEILING)
    return max(whole, Decimal(_SHORTEST_JOB_SECONDS)) * _number(data["cores"])


Keeper = Callable[[_Figure, Event, Decimal], None]
# By event type: meter, dimension, how it is kept, and the value that an event brings.
_METERS: Final[dict[str, tuple[tuple[str, str, Keeper, Callable[[Data], Decimal | None]], ...]]] = {
    "api.request": (
        (
            "api_calls",
            "",
            _add,
            lambda data: None if data["status"] in _FREE_STATUSES else Decimal(1),
        ),
        ("egress_bytes", "", _add, lambda data: _number(data["response_bytes"])),
    ),
    "llm.completion": (
        ("input_tokens", "model", _add, lambda data: _number(data["input_tokens"])),
        ("output_tokens", "model", _add, lambda data: _number(data["output_tokens"])),
    ),
    "storage.snapshot": (("stored_gb", "", _keep_latest, lambda data: _number(data["gb"])),),
    "compute.job": (
        ("core_seconds", "", _add, _billed_seconds),
        ("peak_memory_gb", "", _keep_largest, lambda data: _number(data["memory_gb"])),
    ),
}


def compute_truth(
    events: Sequence[Event], delivery: Delivery, months: Sequence[str]
) -> dict[str, Any]:
    """The truth as it is written beside the landing folder; quantities are decimal texts.

    `lines` counts rows of the files that can be read; the truncated file has none. A month is
    local to the tenant's contract, or UTC where there is none. `latest` and `unique_count` meters
    look at the whole month, whoever the tenant belonged to and whatever plan was in force.
    """
    standing = [event for place, event in enumerate(events) if place not in delivery.conflicting]
    rejected = sum(delivery.bad_lines.values())
    accepted = len(events) - len(delivery.conflicting) + delivery.exact_repeats
    accepted += delivery.conflicting_rows
    return {
        "lines": {
            "read": accepted + rejected,
            "accepted": accepted,
            "rejected": rejected,
            "rejected_by_kind": delivery.bad_lines,
        },
        "events": {
            "unique": len(standing),
            "exact_repeats": delivery.exact_repeats,
            "conflicting_identities": len(delivery.conflicting),
            "conflicting_rows": delivery.conflicting_rows,
            "late": delivery.late_events,
        },
        "files": {
            "readable": len(delivery.files),
            "truncated": sorted(delivery.truncated),
        },
        "unresolved": _unresolved(standing),
        "quantities": _quantities(standing, months),
    }


def _unresolved(standing: Sequence[Event]) -> dict[str, Any]:
    """Events that no invoice can take, by reason; a person has to decide about each."""
    unmapped = set(UNMAPPED.items())
    ended = {
        company.external_id(system_id, customer.slug): local_midnight(
            customer.end_date, company.contract_zone(customer)
        )
        for customer in company.CUSTOMERS
        if customer.end_date
        for system_id in company.SYSTEMS
    }
    unpriced = company.external_id("platform", UNPRICED_SLUG)
    without_identity: Counter[str] = Counter()
    without_contract: Counter[str] = Counter()
    without_price: Counter[str] = Counter()
    for event in standing:
        if (event.system_id, event.subject) in unmapped:
            without_identity[event.subject] += 1
        elif event.subject in ended and event.at_us >= ended[event.subject]:
            without_contract[event.subject] += 1
        elif event.subject == unpriced and event.event_type == "compute.job":
            without_price[event.subject] += 1
    return {
        "events_without_identity": dict(sorted(without_identity.items())),
        "events_without_contract": dict(sorted(without_contract.items())),
        "events_without_price": dict(sorted(without_price.items())),
    }


def _quantities(standing: Sequence[Event], months: Sequence[str]) -> list[dict[str, Any]]:
    figures: dict[tuple[str, str, str, str, str], _Figure] = defaultdict(_Figure)
    starts = {zone: month_starts(zone, months) for zone in {event.time_zone for event in standing}}
    bounds = {zone: [at_us for at_us, _ in of_zone] for zone, of_zone in starts.items()}
    for event in standing:
        zone = event.time_zone
        month = starts[zone][bisect_right(bounds[zone], event.at_us) - 1][1]
        key = (event.system_id, event.subject, month)
        data = dict(event.data)
        if event.event_type == "seat.active":
            if data["role"] != "viewer":
                figure = figures[(*key, "seats", "")]
                figure.event_count += 1
                figure.distinct.add(str(data["user_id"]))
            continue
        for meter_id, dimension, keep, value_of in _METERS[event.event_type]:
            value = value_of(data)
            if value is not None:
                figure = figures[(*key, meter_id, str(data[dimension]) if dimension else "")]
                figure.event_count += 1
                keep(figure, event, value)
    return [
        {
            "system_id": system_id,
            "external_id": external_id,
            "month": month,
            "meter_id": meter_id,
            "dimension": dimension,
            "event_count": figure.event_count,
            "quantity": str(_settled(figure)),
        }
        for (system_id, external_id, month, meter_id, dimension), figure in sorted(figures.items())
    ]


def _settled(figure: _Figure) -> Decimal:
    if figure.distinct:
        return Decimal(len(figure.distinct))
    if figure.latest is not None:
        return figure.latest[3]
    return figure.total if figure.largest is None else figure.largest
