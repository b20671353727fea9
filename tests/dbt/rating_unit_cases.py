"""Models that price units, asked for quantities at their edges, and what must come of it.

Belongs here: stairsteps, packages, seats, prices per unit and by dimension, and what they refuse.
Every expected figure is written out by hand, with the arithmetic beside it; the words are what the
customer reads after the dates. Does not belong here: prices of money (rating_money_cases.py).
"""

from datetime import date
from decimal import Decimal

from rating_cases import Case, tier

STEPS = (tier("10", flat="100"), tier("50", flat="200"), tier(flat="400"))
PACKAGES = (tier("2500", "9", size="1000"), tier(None, "7", "1", "1000"))
WHOLE_PACKAGES = (tier("2000", "9", size="1000"), tier(None, "7", "1", "1000"))
PER_TIER = {"package_counting": "per_tier"}
HUGE = {"convert_multiply": Decimal(10**20)}

UNIT_CASES = {
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
REFUSED_UNITS = {
    "a negative step": ("stairstep", STEPS, -1, {}, "negative_quantity"),
    "negative packages": ("package", PACKAGES, -1, PER_TIER, "negative_quantity"),
    "negative seats": ("seats", (tier(price="12"),), -1, {}, "negative_quantity"),
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
