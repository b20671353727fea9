"""Usage events: which of them count, what a meter reads from each, and whose they are.

Belongs here: de-duplication by (source, id), filters, value factors, dimensions, and the customer
and contract of a subject at an instant. Does not belong here: quantities of a period
(oracle_quantities).

An independent statement of the rating rules: it shares no code with the product.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from oracle_money import rounded

QUANTITY_DECIMALS = 9
VALUED = {"sum", "max", "min", "avg", "latest", "weighted_sum", "percentile"}


@dataclass(frozen=True)
class Event:
    """One usage event as it was sent.

    Attributes:
        at: aware instant to the microsecond. nanos: 0 to 999 beyond it.
        data: flat properties by name; numbers as int, Decimal or text, texts and booleans as such.
    """

    source: str
    id: str
    type: str
    subject: str
    at: datetime
    data: dict = field(hash=False)
    nanos: int = 0

    def order(self):
        """Return what orders events: time with nanoseconds, source, id."""
        return (self.at, self.nanos, self.source, self.id)

    def content(self):
        """Return its billing content in one form, however its numbers and instants were written."""
        properties = tuple(
            (name, _canonical(value))
            for name, value in sorted(self.data.items())
            if value is not None
        )
        return (self.type, self.subject, self.at.timestamp(), self.at, self.nanos, properties)


def _canonical(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return Fraction(value)
    return value


def deduplicated(events):
    """Return the events that count, and those that contradict each other, by (source, id).

    Repeats of one content count once; several contents under one identity count not at all.
    """
    by_identity = defaultdict(dict)
    for event in events:
        by_identity[event.source, event.id].setdefault(event.content(), event)
    counted, conflicting = [], []
    for variants in by_identity.values():
        found = list(variants.values())
        if len(found) == 1:
            counted.extend(found)
        else:
            conflicting.extend(found)
    return sorted(counted, key=Event.order), sorted(conflicting, key=Event.order)


def passes(event, meter):
    """Say whether a meter reads an event: by type, and by every one of its filters.

    A property that is absent is in no list: `in` refuses the event, `not_in` lets it pass.
    """
    if event.type not in meter["event_types"]:
        return False
    for each in meter.get("filters", []):
        value = _text(event.data.get(each["property"]))
        if "in" in each and value not in each["in"]:
            return False
        if "not_in" in each and value in each["not_in"]:
            return False
    return True


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def value_of(event, meter):
    """Return the product of a meter's value factors; None where a property is absent.

    Each factor is raised to the next multiple of its step, then kept between its bounds. The
    product is kept to nine decimals.
    """
    given = meter["value"]
    product = Fraction(1)
    for factor in given if isinstance(given, list) else [{"property": given}]:
        raw = event.data.get(factor["property"])
        if raw is None:
            return None
        value = Fraction(Decimal(str(raw)))
        if factor.get("round_up_to") is not None:
            step = Fraction(Decimal(str(factor["round_up_to"])))
            value = -(-value // step) * step
        if factor.get("minimum") is not None:
            value = max(value, Fraction(Decimal(str(factor["minimum"]))))
        if factor.get("maximum") is not None:
            value = min(value, Fraction(Decimal(str(factor["maximum"]))))
        product *= value
    return rounded(product, QUANTITY_DECIMALS)


@dataclass(frozen=True)
class Reading:
    """What one meter reads from one event.

    Attributes:
        order: (instant, nanos, source, id). value: for meters of values; None without one.
        distinct: for unique_count; None without one. operation: add or remove, for unique_count.
        is_departure: whether it is no event, but the customer leaves with all of its levels.
    """

    order: tuple
    value: Fraction | None = None
    distinct: str | None = None
    operation: str = "add"
    is_departure: bool = False

    @property
    def at(self):
        """Return the instant of the event."""
        return self.order[0]


def dimension_values(event, meter):
    """Return the values of a meter's dimensions as pairs by name; None where one is absent."""
    return tuple(
        (name, _text(event.data.get(name))) for name in sorted(meter.get("dimensions", []))
    )


def written(dimensions):
    """Return dimension values as a line shows them; lines are in the order of these texts."""
    return json.dumps(dict(dimensions), separators=(",", ":"))


def reading_of(event, meter):
    """Return what a meter reads from an event that passes it."""
    order = event.order()
    if meter["aggregation"] in VALUED:
        return Reading(order, value=value_of(event, meter))
    if meter["aggregation"] != "unique_count":
        return Reading(order, value=Fraction(1))
    distinct = _text(event.data.get(meter["distinct"]))
    operation = meter.get("operation")
    if operation is None or distinct is None:
        return Reading(order, distinct=distinct)
    said = _text(event.data.get(operation["property"]))
    if said in operation["add"]:
        return Reading(order, distinct=distinct)
    if said in operation["remove"]:
        return Reading(order, distinct=distinct, operation="remove")
    return Reading(order)


def system_of(sources, source):
    """Return the system of an event's source by the longest prefix; None where none fits."""
    fitting = [each for each in sources if source.startswith(each["prefix"])]
    return max(fitting, key=lambda each: len(each["prefix"]))["system"] if fitting else None


def resolved(event, book):
    """Return (contract, customer) of an event, or the code that says why there is none."""
    system = system_of(book.sources, event.source)
    if system is None:
        return None, "unmapped_source"
    customers = book.customers_of(system, event.subject, event.at)
    if len(customers) != 1:
        return None, "ambiguous_identity" if customers else "unmapped_subject"
    (customer,) = customers
    contract = book.contract_of(customer, event.at)
    return (contract, customer) if contract is not None else (None, "no_contract")
