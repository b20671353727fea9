"""Models that price money, asked for amounts at their edges, and what must come of it.

Belongs here: percentages, of a total and of each event, costs with something on top, prices that
travel on events, and what they refuse. Every expected figure is written out by hand, with the
arithmetic beside it; the words are what the customer reads after the dates. Does not belong here:
prices of units (rating_unit_cases.py).
"""

from decimal import Decimal
from typing import Any, NamedTuple

from rating_cases import Case, tier

TRILLIONTH = "0.000000000001"
CARDS = (tier(price="0.029", flat="0.30"),)
RATES = (tier("10000", "0.029"), tier(None, "0.025", "5"))
CENTS = {"convert_divide": Decimal(100)}

MONEY_CASES = {
    # Percentage: 0.029 x 12,000 + 0.30
    "a percentage and a fee of the event": Case(
        "percentage",
        CARDS,
        12000,
        "348.3",
        "348.3",
        "USD 12,000.00 at 2.9 %, plus USD 0.30 (USD 0.30 per event)",
    ),
    "no event pays no fee": Case("percentage", CARDS, 0, "0", "0", "USD 0.00"),
    # -0.029 x 100 + 0.30
    "a refund mirrors the percentage and pays its fee": Case(
        "percentage",
        CARDS,
        -100,
        "-2.6",
        "-2.6",
        "USD -100.00 at 2.9 %, plus USD 0.30 (USD 0.30 per event)",
    ),
    # 0.029 x 1,234,567 ÷ 100
    "cents become whole dollars first": Case(
        "percentage",
        (tier(price="0.029"),),
        1234567,
        "358.02443",
        "358.02",
        "USD 12,345.67 at 2.9 %",
        CENTS,
    ),
    # 10^15 x 10^-12
    "a trillionth of a quadrillion yen": Case(
        "percentage",
        (tier(price=TRILLIONTH),),
        10**15,
        "1000",
        "1000",
        "JPY 1,000,000,000,000,000 at 0.0000000001 %",
        currency="JPY",
    ),
    "a rate ends on its bound": Case(
        "graduated_percentage", RATES, 10000, "290", "290", "USD 10,000.00 at 2.9 %"
    ),
    # 290 + 2,000 x 0.025 + 5
    "rates by tiers": Case(
        "graduated_percentage",
        RATES,
        12000,
        "345",
        "345",
        "USD 12,000.00, of which 10,000.00 at 2.9 %, 2,000.00 at 2.5 %, plus USD 5.00",
    ),
    # 1,000 x 1.2
    "a cost with a fifth on top": Case(
        "cost_plus", (tier(price="1.2"),), 1000, "1200", "1200", "USD 1,000.00 of cost \u00d7 1.2"
    ),
    "a cost returned": Case(
        "cost_plus", (tier(price="1.2"),), "-0.5", "-0.6", "-0.6", "USD -0.50 of cost \u00d7 1.2"
    ),
    "prices that travel on events add up": Case(
        "dynamic",
        (tier(price="1"),),
        "431.770000001",
        "431.770000001",
        "431.77",
        "USD 431.770000001 at the prices of its events",
    ),
    "dinars have three decimals": Case(
        "dynamic",
        (tier(price="1"),),
        "0.0005",
        "0.0005",
        "0.001",
        "KWD 0.0005 at the prices of its events",
        currency="KWD",
    ),
}
REFUSED_MONEY = {
    "a negative amount on tiers": ("graduated_percentage", RATES, -1, {}, "negative_quantity"),
    "a percentage beyond 20 digits": (
        "percentage",
        (tier(price="1000000"),),
        10**18,
        {},
        "amount_overflow",
    ),
    "fees of events beyond 38 digits": (
        "percentage",
        (tier(price="0", flat="99999999999999999999999999"),),
        1,
        {},
        "amount_overflow",
    ),
    "a cost beyond 20 digits": (
        "cost_plus",
        (tier(price="99999999999999999999999999"),),
        10**15,
        {},
        "amount_overflow",
    ),
}


class EventCase(NamedTuple):
    """A percentage price asked for events, one a minute: their amount together, and its words."""

    tiers: tuple[dict[str, Any], ...]
    amounts: tuple[Any, ...]
    unrounded: str
    words: str
    charge: dict[str, Any] = {}  # noqa: RUF012 — a NamedTuple's defaults are never changed


def each_event(rate, fixed="0", *, minimum=None, maximum=None, **free):
    bounds = ((2, "minimum", minimum), (3, "maximum", maximum))
    return (
        tier(price=rate, flat=fixed) | free,
        *(
            tier(flat=amount) | {"tier_number": number, "event_bound": bound}
            for number, bound, amount in bounds
            if amount is not None
        ),
    )


EACH_EVENT = {
    # 0.1 x (30 + 40) + 2 x 0.30
    "the first two events are free": EventCase(
        each_event("0.1", "0.30", free_events=2),
        (10, 20, 30, 40),
        "7.6",
        "USD 100.00, the first 2 events free, then 70.00 at 10 %, "
        "plus USD 0.60 (USD 0.30 per event)",
    ),
    # 10 and 15 of the 20 are free: 0.1 x (5 + 30) + 2 x 0.30
    "the first amount is free within an event": EventCase(
        each_event("0.1", "0.30", free_amount=Decimal(25)),
        (10, 20, 30),
        "4.1",
        "USD 60.00, the first USD 25.00 free, then 35.00 at 10 %, "
        "plus USD 0.60 (USD 0.30 per event)",
    ),
    "an event that ends on the free amount is free": EventCase(
        each_event("0.1", "0.30", free_amount=Decimal(30)),
        (10, 20, "0.000000001"),
        "0.3000000001",
        "USD 30.000000001, the first USD 30.00 free, then 0.000000001 at 10 %, "
        "plus USD 0.30 (USD 0.30 per event)",
    ),
    "all of it is free": EventCase(
        each_event("0.1", "0.30", free_amount=Decimal(100)),
        (10, 20),
        "0",
        "USD 30.00, the first USD 100.00 free",
    ),
    # 0.50 + 1 + 5 instead of 0.1, 1 and 10
    "each event has its own bounds": EventCase(
        each_event("0.1", minimum="0.50", maximum="5"),
        (1, 10, 100),
        "6.5",
        "USD 111.00, of which 10.00 at 10 %, "
        "plus USD 5.50 (at least USD 0.50, at most USD 5.00 for each event)",
    ),
    # exactly at both bounds: 0.1 x 5 and 0.1 x 50, and 10^-9 beside them
    "a fee on a bound stays what it is": EventCase(
        each_event("0.1", minimum="0.50", maximum="5"),
        (5, 50, "4.999999999", "50.000000001"),
        "11",
        "USD 110.00, of which 55.00 at 10 %, "
        "plus USD 5.50 (at least USD 0.50, at most USD 5.00 for each event)",
    ),
    "an event of nothing pays the minimum": EventCase(
        each_event("0.1", minimum="0.50"),
        (0, 0),
        "1",
        "USD 0.00 at 10 %, plus USD 1.00 (at least USD 0.50 for each event)",
    ),
    # cents: 0.1 x 10.00 + 0.1 x 20.00 beyond 30.00 free of 60.00
    "a free amount is in the converted unit": EventCase(
        each_event("0.1", free_amount=Decimal(30)),
        (1000, 2000, 3000),
        "3",
        "USD 60.00, the first USD 30.00 free, then 30.00 at 10 %",
        CENTS,
    ),
}
