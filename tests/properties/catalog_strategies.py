"""Whole catalogs, contracts and usage for rating, drawn by hypothesis and aimed at the edges.

Belongs here: strategies of meters, charges, prices, contracts with amendments, and events at tier
bounds, period edges, clock changes and ties; the one list of what is drawn at all. Does not belong
here: files and builds (rated_world), expected figures (the oracle).

Times are drawn as places (an edge and a small step from it), so that a tenant stays readable.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from catalog_usage import edges_of, uses
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

SWITCHES = {
    "aggregations": ["count", "sum", "max", "latest", "unique_count"],
    "models": ["flat", "per_unit", "graduated", "volume", "package"],
    "conversion_roundings": ["none", "up", "down", "half_up"],
    "prorations": ["day", "none"],
    "carry_in": ["zero"],
    "windows": [],
    "window_aggregations": [],
    "ladders": ["continue"],
    "has_minimum_and_maximum": False,
    "has_levels_in_both_plans": False,
    "has_runs": False,
}
"""What the engine computes today, and therefore what is drawn; widen it as features land.

The oracle and the strategies know, beside these: aggregations min, avg, weighted_sum, percentile;
models stairstep, percentage, graduated_percentage, dimensional, dynamic, cost_plus;
conversion_roundings half_even; prorations second, fixed_30; carry_in previous; windows hour, day,
month with window_aggregations sum, max, avg; ladders restart. `has_levels_in_both_plans` draws a
level that is charged before and after a change of plan; `has_runs` says that a contract version
that changes no price ends no run.
"""

FIRST_DAY = date(2026, 7, 1)
ZONES = [
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Havana",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "America/St_Johns",
    "America/Santiago",
]
CURRENCIES = ["USD", "EUR", "JPY", "KWD"]
CADENCES = ["monthly", "monthly", "monthly", "quarterly", "semi_annual", "annual"]
ANCHORS = [1, 1, 15, 29, 30, 31]
BOUNDS = ["0.5", "1", "2", "2.5", "3", "5", "10"]
AMOUNTS = ["0", "0.005", "0.01", "1", "9.99", "10", "100.125"]
UNIT_PRICES = ["0", "0.005", "0.01", "0.333333333333", "1", "2.5", "0.000000000001"]
SIZES = ["1", "2", "2.5", "3"]
RATES = ["0", "0.029", "0.5", "1"]
VALUED = ["sum", "max", "min", "avg", "latest", "weighted_sum", "percentile"]
ADDITIVE = {"count", "sum", "weighted_sum"}


def is_level(meter):
    """Say whether a meter's quantities do not add up over time."""
    if "window" in meter:
        return meter["window_aggregation"] != "sum"
    return meter["aggregation"] not in ADDITIVE


@st.composite
def meters(draw, aggregation):
    """Draw one meter of an aggregation over the event type `usage`, without an id."""
    meter = {"unit": "unit", "event_types": ["usage"], "aggregation": aggregation}
    if aggregation in VALUED:
        plain = st.just("amount")
        product = st.just(
            [{"property": "amount", "round_up_to": "0.5", "maximum": "50"}, {"property": "factor"}]
        )
        meter["value"] = draw(plain | product)
        if meter["value"] == "amount":
            meter["is_negative_allowed"] = draw(st.booleans())
    if aggregation == "unique_count":
        meter["distinct"] = "user"
    if aggregation == "percentile":
        meter["percentile"] = draw(st.sampled_from(["50", "95", "99.9", "100", "0.000000001"]))
    if aggregation in {"latest", "unique_count"}:
        meter["carry_in"] = draw(st.sampled_from(SWITCHES["carry_in"]))
    if SWITCHES["windows"] and draw(st.booleans()):
        meter["window"] = draw(st.sampled_from(SWITCHES["windows"]))
        meter["window_aggregation"] = draw(st.sampled_from(SWITCHES["window_aggregations"]))
        if meter["window_aggregation"] == "avg":
            meter["empty_windows"] = draw(st.sampled_from(["skip", "zero"]))
    meter["filters"] = draw(
        st.sampled_from(
            [
                [],
                [{"property": "status", "in": ["ok", "slow"]}],
                [{"property": "status", "not_in": ["failed"]}],
                [{"property": "note", "not_in": ["test"]}, {"property": "is_paid", "in": ["true"]}],
            ]
        )
    )
    meter["dimensions"] = draw(st.sampled_from([[], [], ["region"], ["is_paid", "region"]]))
    return meter


@st.composite
def catalogs(draw):
    """Draw three meters of every aggregation."""
    kinds = [each for each in SWITCHES["aggregations"] for _ in range(3)]
    return [draw(meters(each)) for each in kinds]


@st.composite
def tiers(draw, fields):
    """Draw adjacent tiers, the last one open; fields: a strategy of each one's price."""
    bounds = sorted(draw(st.sets(st.sampled_from(BOUNDS), max_size=3)), key=Decimal)
    return [{**draw(fields), **({"up_to": bound} if bound else {})} for bound in [*bounds, None]]


def _level(name, values, *, has_flat=True):
    required = {name: st.sampled_from(values)}
    optional = {"flat_amount": st.sampled_from(AMOUNTS)} if has_flat else {}
    return st.fixed_dictionaries(required, optional=optional)


@st.composite
def prices(draw, model):
    """Draw a price of a charge model, as in the price book."""
    made = _price(draw, model)
    if SWITCHES["has_minimum_and_maximum"]:
        made |= draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "minimum": st.sampled_from(["0", "1", "10"]),
                    "maximum": st.sampled_from(["10", "50.005", "1000"]),
                },
            )
        )
    return made


def _price(draw, model):  # noqa: PLR0911 — one price for each model
    amount, unit = st.sampled_from(AMOUNTS), st.sampled_from(UNIT_PRICES)
    if model == "flat":
        return {"amount": draw(amount)}
    if model == "per_unit":
        return {"unit_price": draw(unit)}
    if model in {"graduated", "volume"}:
        return {"tiers": draw(tiers(_level("unit_price", UNIT_PRICES)))}
    if model == "stairstep":
        return {"tiers": draw(tiers(_level("flat_amount", AMOUNTS, has_flat=False)))}
    if model == "graduated_percentage":
        return {"tiers": draw(tiers(_level("rate", RATES)))}
    if model == "package":
        return {"package_size": draw(st.sampled_from(SIZES)), "package_price": draw(amount)}
    if model == "percentage":
        free = draw(st.sampled_from([{}, {"free_events": 2}, {"free_amount": "2.5"}]))
        return (
            {"rate": draw(st.sampled_from(RATES))}
            | free
            | draw(
                st.fixed_dictionaries(
                    {},
                    optional={
                        "fixed_amount": amount,
                        "minimum_per_event": st.just("0.01"),
                        "maximum_per_event": st.just("1.5"),
                    },
                )
            )
        )
    if model == "dimensional":
        made = {"prices": [{"match": {"region": "eu"}, "unit_price": draw(unit)}]}
        return made | draw(st.sampled_from([{}, {"default": {"unit_price": "0.25"}}]))
    return {"multiplier": "1.25"} if model == "cost_plus" else {}


@dataclass
class Tenant:
    """A customer with one contract, plans of its own and usage; ids are given when it is written.

    Attributes:
        contract: columns. plans: one or two lists of charges.
        versions: (first day, place of the plan). overrides: (charge place, from, to, price).
        uses: events, in order of time.
    """

    contract: dict
    plans: list
    versions: list
    overrides: list
    uses: list = field(default_factory=list)


@st.composite
def charges(draw, catalog, currency, forbidden):
    """Draw one charge, without an id and with its meter's place; none of `forbidden` is charged."""
    model = draw(st.sampled_from(SWITCHES["models"]))
    charge = {"name": "Charge", "product": "product", "model": model}
    if model == "flat":
        charge["timing"] = draw(st.sampled_from(["advance", "arrears"]))
    else:
        fitting = [place for place in range(len(catalog)) if _fits(catalog[place], model)]
        fitting = [place for place in fitting if place not in forbidden]
        if not fitting:
            return draw(charges(catalog, currency, set()))
        charge["meter"] = draw(st.sampled_from(fitting))
        charge |= _usage_fields(draw, model)
    charge["proration"] = draw(st.sampled_from(SWITCHES["prorations"]))
    charge["rounding_mode"] = draw(st.sampled_from(["half_away", "half_even"]))
    days = draw(
        st.sampled_from([[], [], [FIRST_DAY + timedelta(days=48)], [FIRST_DAY + timedelta(40)]])
    )
    charge["versions"] = [
        {
            "effective_from": day.isoformat(),
            "author": "ana@example.com",
            "prices": {currency: draw(prices(model))},
        }
        for day in [date(2026, 1, 1), *days]
    ]
    return charge


def _fits(meter, model):
    if model in {"percentage", "graduated_percentage", "dynamic", "cost_plus"}:
        return meter["aggregation"] == "sum" and "window" not in meter
    if model == "dimensional":
        return "region" in meter["dimensions"]
    return True


def _usage_fields(draw, model):
    made = {"zero_usage": draw(st.sampled_from(["charge", "skip"]))}
    if model not in {"graduated", "volume", "stairstep", "graduated_percentage"}:
        made = {}
    if model in {"per_unit", "graduated", "volume", "package"}:
        convert = {"multiply": "3", "divide": "7", "unit": "share"}
        convert["rounding"] = draw(st.sampled_from(SWITCHES["conversion_roundings"]))
        if convert["rounding"] != "none":
            convert["decimals"] = draw(st.sampled_from([0, 1, 2]))
        made |= draw(st.sampled_from([{}, {}, {"convert": convert}]))
        made |= draw(st.sampled_from([{}, {}, {"free_quantity": "1.5"}]))
    if model == "package":
        made["package_rounding"] = draw(st.sampled_from(["up", "down"]))
    if SWITCHES["ladders"] != ["continue"]:
        made["ladder"] = draw(st.sampled_from(SWITCHES["ladders"]))
    return made


@st.composite
def tenants(draw, catalog):
    """Draw a tenant over a catalog of meters, with its contract, amendments and usage."""
    currency = draw(st.sampled_from(CURRENCIES))
    first = FIRST_DAY + timedelta(days=draw(st.sampled_from([0, 0, 14, 30, 61])))
    length = draw(st.sampled_from([None, None, 1, 45, 92]))
    zone = draw(st.sampled_from(ZONES))
    contract = {
        "currency_code": currency,
        "time_zone": zone,
        "billing_cadence": draw(st.sampled_from(CADENCES)),
        "billing_anchor_day": str(draw(st.sampled_from(ANCHORS))),
        "start_date": first.isoformat(),
        "end_date": (first + timedelta(days=length)).isoformat() if length else "",
    }
    one = draw(st.lists(charges(catalog, currency, set()), min_size=1, max_size=3))
    plans, versions = [one], [(first, 0)]
    if length != 1 and draw(st.booleans()):
        if draw(st.booleans()):
            plans.append(draw(st.lists(_after(catalog, currency, one), min_size=1, max_size=2)))
        day = first + timedelta(days=draw(st.sampled_from([1, 13, 31, 44])))
        versions.append((day, len(plans) - 1))
    tenant = Tenant(contract, plans, versions, draw(_overrides(one, currency, first)))
    edges = edges_of(tenant, zone)
    count = draw(st.sampled_from([0, 1, 4, 8, 12]))
    tenant.uses = sorted(
        (draw(uses(edges)) for _ in range(count)), key=lambda use: (use.at, use.nanos)
    )
    return tenant


def _after(catalog, currency, before):
    """Draw charges of the second plan; levels of the first are left out unless the switch is on."""
    levels = {
        each["meter"] for each in before if "meter" in each and is_level(catalog[each["meter"]])
    }
    return charges(catalog, currency, set() if SWITCHES["has_levels_in_both_plans"] else levels)


@st.composite
def _overrides(draw, plan, currency, first):
    if not draw(st.booleans()):
        return []
    place = draw(st.integers(0, len(plan) - 1))
    start = first + timedelta(days=draw(st.sampled_from([0, 0, 20, 35])))
    end = draw(st.sampled_from([None, start + timedelta(days=10), start + timedelta(days=40)]))
    return [(place, start, end, draw(prices(plan[place]["model"])))]


CHUNK = 8  # hypothesis varies what it drew before; fresh seeds keep the examples apart


def drawn(strategy, count, *, number):
    """Return so many examples of a strategy, the same ones for the same seed `number`."""
    found = []

    @settings(
        max_examples=CHUNK,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example):
        found.append(example)

    for chunk in range(-(-count // (CHUNK - 1))):
        begun = len(found)
        seed(number * 1_000_003 + chunk)(collect)()
        del found[begun]  # the simplest example comes first each time
    return found[:count]
