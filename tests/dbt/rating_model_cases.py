"""Prices of every charge model asked for quantities at their edges, and what must come of it.

Belongs here: cases of test_rating_models.py. Every expected figure is written out by hand, with the
arithmetic beside it; the words are what the customer reads after the dates.
"""

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

OCTOBER = date(2026, 10, 1)
NOVEMBER = date(2026, 11, 1)
TRILLIONTH = "0.000000000001"


class Case(NamedTuple):
    """One price asked for one quantity: the amount before and after rounding, and its words."""

    model: str
    tiers: tuple[dict[str, Any], ...]
    quantity: Any
    unrounded: str
    amount: str
    words: str
    charge: dict[str, Any] = {}  # noqa: RUF012 — a NamedTuple's defaults are never changed
    currency: str = "USD"
    start: date = OCTOBER
    end: date = NOVEMBER


def tier(up_to=None, price="0", flat="0", size=None):
    return {
        "upper_quantity": None if up_to is None else Decimal(up_to),
        "unit_price": Decimal(price),
        "flat_amount": Decimal(flat),
        "package_size": None if size is None else Decimal(size),
    }


STEPS = (tier("10", flat="100"), tier("50", flat="200"), tier(flat="400"))
PACKAGES = (tier("2500", "9", size="1000"), tier(None, "7", "1", "1000"))
WHOLE_PACKAGES = (tier("2000", "9", size="1000"), tier(None, "7", "1", "1000"))
CARDS = (tier(price="0.029", flat="0.30"),)
RATES = (tier("10000", "0.029"), tier(None, "0.025", "5"))
PER_TIER = {"package_counting": "per_tier"}
CENTS = {"convert_divide": Decimal(100)}

CASES = {
    # Stairstep: the flat amount of the step (lower, upper] that is reached, and no other.
    "nothing reaches no step": Case("stairstep", STEPS, 0, "0", "0", "0 units"),
    "nothing reaches the first step where that is charged": Case(
        "stairstep",
        STEPS,
        0,
        "100",
        "100",
        "0 units in the step up to 10 units for USD 100.00",
        {"zero_usage": "charge"},
    ),
    "one reaches the first step": Case(
        "stairstep", STEPS, 1, "100", "100", "1 unit in the step up to 10 units for USD 100.00"
    ),
    "on the bound it stays in the step": Case(
        "stairstep", STEPS, 10, "100", "100", "10 units in the step up to 10 units for USD 100.00"
    ),
    "a fraction above the bound reaches the next step": Case(
        "stairstep",
        STEPS,
        "10.000000001",
        "200",
        "200",
        "10.000000001 units in the step up to 50 units for USD 200.00",
    ),
    "the last step has no end": Case(
        "stairstep",
        STEPS,
        10**15,
        "400",
        "400",
        "1,000,000,000,000,000 units in the step above 50 units for USD 400.00",
    ),
    "free units reach no higher step": Case(
        "stairstep",
        STEPS,
        55,
        "200",
        "200",
        "55 units, the first 5 units free, then 50 in the step up to 50 units for USD 200.00",
        {"free_quantity": Decimal(5)},
    ),
    # Package with tiers: 2,500 begin 3 packages; 2,501 above them begin 3 too: 27 + 21 + 1.
    "packages are begun in each tier": Case(
        "package",
        PACKAGES,
        5001,
        "49",
        "49",
        "5,001 units in packages of 1,000 units: 3 at USD 9.00, 3 at USD 7.00, plus USD 1.00",
        PER_TIER,
    ),
    "the bound of a tier begins no package of the next": Case(
        "package",
        PACKAGES,
        2500,
        "27",
        "27",
        "2,500 units in 3 packages of 1,000 units at USD 9.00 each",
        PER_TIER,
    ),
    "a fraction above it begins one": Case(
        "package",
        PACKAGES,
        "2500.000000001",
        "35",
        "35",
        "2,500.000000001 units in packages of 1,000 units: "
        "3 at USD 9.00, 1 at USD 7.00, plus USD 1.00",
        PER_TIER,
    ),
    # 5,001 are 6 packages in all: 2 x 9 + 4 x 7 + 1
    "packages of the total run up the tiers": Case(
        "package",
        WHOLE_PACKAGES,
        5001,
        "47",
        "47",
        "5,001 units in packages of 1,000 units: 2 at USD 9.00, 4 at USD 7.00, plus USD 1.00",
    ),
    "the total rounds a begun package up into the next tier": Case(
        "package",
        WHOLE_PACKAGES,
        "2000.000000001",
        "26",
        "26",
        "2,000.000000001 units in packages of 1,000 units: "
        "2 at USD 9.00, 1 at USD 7.00, plus USD 1.00",
    ),
    "only full packages of the total count": Case(
        "package",
        WHOLE_PACKAGES,
        2999,
        "18",
        "18",
        "2,999 units in 2 packages of 1,000 units at USD 9.00 each",
        {"package_rounding": "down"},
    ),
    # 295 ÷ 31 x 12 = 114.1935483870967…
    "seats are seat-days over the days of the period": Case(
        "seats",
        (tier(price="12"),),
        295,
        "114.193548387097",
        "114.19",
        "9.516129032 seats (295 units) at USD 12.00 per seat",
        {"unit_label": "seat"},
    ),
    "seats of a whole month are whole": Case(
        "seats",
        (tier(price="12"),),
        310,
        "120",
        "120",
        "10 seats at USD 12.00 per seat",
        {"unit_label": "seat"},
    ),
    # ten seats, of a contract of one day in October: 10 ÷ 31 x 12 = 3.870967741935…
    "a contract of one day pays its seats for one day": Case(
        "seats",
        (tier(price="12"),),
        10,
        "3.870967741935",
        "3.87",
        "0.322580645 seats (10 units) at USD 12.00 per seat",
        {"unit_label": "seat"},
        end=date(2026, 10, 2),
    ),
    # 10 x 28 seat-days
    "a short month is no cheaper": Case(
        "seats",
        (tier(price="12"),),
        280,
        "120",
        "120",
        "10 seats at USD 12.00 per seat",
        {"unit_label": "seat"},
        start=date(2026, 2, 1),
        end=date(2026, 3, 1),
    ),
    # 31 x 86,400 = 2,678,400 seconds
    "a seat held for a second pays for a second": Case(
        "seats",
        (tier(price="12"),),
        1,
        "0.000004480287",
        "0",
        "0.000000373 seats (1 unit) at USD 12.00 per seat",
        {"unit_label": "seat", "proration": "second"},
    ),
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
    # 2.5 → 2, 3.5 → 4, each at 10
    "a half goes down to an even one": Case(
        "per_unit",
        (tier(price="10"),),
        "2.5",
        "20",
        "20",
        "2 units (rounded to even from 2.5 units) at USD 10.00 per unit",
        {"convert_rounding": "half_even"},
    ),
    "a half goes up to an even one": Case(
        "per_unit",
        (tier(price="10"),),
        "3.5",
        "40",
        "40",
        "4 units (rounded to even from 3.5 units) at USD 10.00 per unit",
        {"convert_rounding": "half_even"},
    ),
}
HUGE = {"convert_multiply": Decimal(10**20)}
REFUSED = {
    "a negative step": ("stairstep", STEPS, -1, {}, "negative_quantity"),
    "negative packages": ("package", PACKAGES, -1, PER_TIER, "negative_quantity"),
    "negative seats": ("seats", (tier(price="12"),), -1, {}, "negative_quantity"),
    "a negative amount on tiers": ("graduated_percentage", RATES, -1, {}, "negative_quantity"),
    "steps beyond 38 digits": ("stairstep", STEPS, 10**15, HUGE, "amount_overflow"),
    "tiers beyond 38 digits": (
        "graduated",
        (tier("5", "1"), tier(None, "1")),
        10**15,
        HUGE,
        "amount_overflow",
    ),
    "volume beyond 38 digits": (
        "volume",
        (tier("5", "1"), tier(None, "1")),
        10**15,
        HUGE,
        "amount_overflow",
    ),
    "packages beyond 38 digits": (
        "package",
        (tier(None, "1", size="0.000000001"),),
        10**19,
        HUGE,
        "amount_overflow",
    ),
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
BY_MODEL = (
    tier(price="4") | {"dimension_match": '{"model":"large"}'},
    tier(price="7") | {"dimension_match": '{"model":"large","region":"eu"}'},
)
BY_DEFAULT = (*BY_MODEL, tier(price="1") | {"dimension_match": "{}"})
# dimension values: expected words and amount of 3 units; None where no price matches
MATCHED = {
    '{"model":"large","region":"eu"}': ("3 units at USD 7.00 per unit", 21),
    '{"model":"large","region":"us"}': ("3 units at USD 4.00 per unit", 12),
    '{"model":"small","region":"eu"}': None,
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
