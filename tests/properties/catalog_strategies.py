"""Whole catalogs, contracts and usage for rating, drawn by hypothesis and aimed at the edges.

Belongs here: strategies of meters, charges, prices, contracts with amendments, and events at tier
bounds, period edges, clock changes and ties. Does not belong
here: files and builds (rated_world), expected figures (the oracle).

Times are drawn as places (an edge and a small step from it), so that a tenant stays readable.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

from catalog_prices import FLAT_MODELS, prices
from catalog_switches import SWITCHES
from catalog_terms import terms
from catalog_usage import edges_of, uses
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from oracle_book import instant
from oracle_time import cells_of

FIRST_DAY = date(2026, 7, 1)
BEFORE = date(2026, 1, 1)
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
METERS_OF_A_KIND = 5
CHILDREN = ["none", "none", "separate", "pooled"]
PARTIES = [
    {},
    {},
    {"legal_entity_id": "second"},
    {"bill_to_customer_id": "payer"},
    {"tax_profile": "reduced"},
]
AMOUNT_MODELS = {"percentage", "graduated_percentage", "dynamic", "cost_plus"}
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
        operation = {"property": "action", "add": ["join", "stay"], "remove": ["leave"]}
        meter |= draw(st.sampled_from([{}, {"operation": operation}]))
    if aggregation == "percentile":
        meter["percentile"] = draw(st.sampled_from(["50", "95", "99.9", "100", "0.000000001"]))
    if aggregation in {"latest", "unique_count"}:
        meter["carry_in"] = draw(st.sampled_from(SWITCHES["carry_in"]))
    if SWITCHES["windows"] and draw(st.booleans()):
        meter["window"] = draw(st.sampled_from(SWITCHES["windows"]))
        meter["window_aggregation"] = draw(st.sampled_from(SWITCHES["window_aggregations"]))
        if meter["window_aggregation"] == "avg":
            meter["empty_windows"] = draw(st.sampled_from(["skip", "zero"]))
    elif aggregation == "weighted_sum":
        meter["weighted_by"] = draw(st.sampled_from(["second", "period"]))
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
    """Draw some meters of every aggregation, and two that count seats."""
    kinds = [each for each in SWITCHES["aggregations"] for _ in range(METERS_OF_A_KIND)]
    seats = {"unit": "unit", "event_types": ["usage"], "filters": [], "dimensions": []}
    by_day = {"aggregation": "latest", "value": "factor", "carry_in": "previous"}
    by_day |= {"window": "day", "window_aggregation": "sum"}
    by_second = {"aggregation": "weighted_sum", "value": "factor", "weighted_by": "second"}
    return [*(draw(meters(each)) for each in kinds), seats | by_day, seats | by_second]


@dataclass(frozen=True)
class Amendment:
    """A contract version as it is drawn.

    Attributes:
        start: a day or an instant, as it is written. plan: its place. parties: columns that it
            changes; parties of their own are an entity, a customer to invoice and a tax profile.
    """

    start: str
    plan: int
    parties: dict = field(default_factory=dict)


@dataclass
class Tenant:
    """A customer with one contract, plans of its own and usage; ids are given when it is written.

    Attributes:
        contract: columns. plans: lists of charges. amendments: Amendment, in order of time.
        overrides: (charge place, from, to, price). terms: by plan. own_terms: of the contract,
            over charges of the first plan. child_start: first day of a contract of its own of the
            customer's child, on the first plan; None without one. is_renewed: whether a contract of
            the same lineage follows, on the last plan. moves: (level, its parent's, from, to) of a
            child or grandchild that does not stay where it is. uses: events, in order of time.
    """

    contract: dict
    plans: list
    amendments: list
    overrides: list
    terms: list
    own_terms: list
    child_start: date | None = None
    is_renewed: bool = False
    moves: list = field(default_factory=list)
    uses: list = field(default_factory=list)


@st.composite
def charges(draw, catalog, currency):
    """Draw one charge, without an id and with its meter's place."""
    fitting = {
        each: [place for place, meter in enumerate(catalog) if _fits(meter, each)]
        for each in SWITCHES["models"]
    }
    model = draw(st.sampled_from([each for each in fitting if each == "flat" or fitting[each]]))
    charge = {"name": "Charge", "product": "product", "model": model}
    charge["proration"] = draw(st.sampled_from(SWITCHES["prorations"]))
    meter = None
    if model == "flat":
        charge["timing"] = draw(st.sampled_from(["advance", "arrears"]))
    else:
        charge["meter"] = draw(st.sampled_from(fitting[model]))
        meter = catalog[charge["meter"]]
        charge |= _usage_fields(draw, model, meter)
    charge["rounding_mode"] = draw(st.sampled_from(["half_away", "half_even"]))
    days = draw(
        st.sampled_from([[], [], [FIRST_DAY + timedelta(days=48)], [FIRST_DAY + timedelta(40)]])
    )
    found = [draw(prices(charge, meter, currency)) for _day in [None, *days]]
    charge["versions"] = [
        {
            "effective_from": day.isoformat(),
            "author": "ana@example.com",
            "prices": {currency: price},
        }
        for day, price in zip([BEFORE, *days], found, strict=True)
    ]
    return charge


def _fits(meter, model):
    if model in AMOUNT_MODELS:
        return meter["aggregation"] == "sum" and "window" not in meter
    if model == "seats":
        return _counts_seat_days(meter) or meter.get("weighted_by") == "second"
    if model == "dimensional":
        return bool(meter["dimensions"])
    return True


def _counts_seat_days(meter):
    return (meter.get("window"), meter.get("window_aggregation")) == ("day", "sum")


def _usage_fields(draw, model, meter):
    if model == "seats":
        proration = "day" if _counts_seat_days(meter) else "second"
        return {"convert": {"unit": "seat"}, "proration": proration}
    made = {}
    if model in FLAT_MODELS:
        made["zero_usage"] = draw(st.sampled_from(["charge", "skip"]))
    convert = {"multiply": "3", "divide": "7", "unit": "share"}
    convert["rounding"] = draw(st.sampled_from(SWITCHES["conversion_roundings"]))
    if convert["rounding"] != "none":
        convert["decimals"] = draw(st.sampled_from([0, 1, 2]))
    made |= draw(st.sampled_from([{}, {}, {"convert": convert}]))
    if model not in AMOUNT_MODELS:
        made |= draw(st.sampled_from([{}, {}, {"free_quantity": "1.5"}]))
    if model == "package":
        made["package_rounding"] = draw(st.sampled_from(["up", "down"]))
        counted = st.sampled_from(["total", "per_tier"])
        if draw(st.booleans()):
            zero_usage = draw(st.sampled_from(["charge", "skip"]))
            made |= {"packages": draw(counted), "zero_usage": zero_usage}
    if not is_level(meter) and made.get("packages") != "total":
        made["ladder"] = draw(st.sampled_from(SWITCHES["ladders"]))
    return made


@st.composite
def tenants(draw, catalog):
    """Draw a tenant over a catalog of meters, with its contract, amendments and usage."""
    first = FIRST_DAY + timedelta(days=draw(st.sampled_from([0, 0, 14, 30, 61])))
    length = draw(st.sampled_from([None, None, 1, 45, 92]))
    contract = draw(_contracts(first, length))
    is_renewed = length is None and draw(st.sampled_from([False, False, True]))
    if is_renewed:
        end = draw(_renewals(contract))
        contract["end_date"], length = end.isoformat(), (end - first).days
    currency, zone = contract["currency_code"], contract["time_zone"]
    charge = charges(catalog, currency)
    plans = [draw(st.lists(charge, min_size=1, max_size=3))]
    if length != 1 and draw(st.booleans()):
        plans.append(draw(st.lists(charge, min_size=1, max_size=2)))
    amendments = [Amendment(contract["start_date"], 0)]
    if length != 1:
        amendments += draw(_amendments(first, length, len(plans)))
    held = [draw(terms(plan, contract, first=first, length=length)) for plan in plans]
    plans = plans[: 1 + max(each.plan for each in amendments)]
    held = held[: len(plans)]
    taken = {each["kind"] for mine in held for each in mine}
    own = terms(plans[0], contract, first=first, length=length, taken=taken)
    own = draw(st.just([]) | own)
    overrides = draw(_overrides(catalog, plans[0], currency, first))
    tenant = Tenant(contract, plans, amendments, overrides, held, own, is_renewed=is_renewed)
    if contract["children"] != "none":
        days = st.sampled_from([None, None, 5, 40])
        tenant.child_start = draw(days.map(lambda each: each and first + timedelta(days=each)))
        tenant.moves = draw(_moves(first))
    edges = edges_of(tenant, zone)
    count = draw(st.sampled_from([0, 1, 4, 8, 12]))
    tenant.uses = sorted(
        (draw(uses(edges)) for _ in range(count)), key=lambda use: (use.at, use.nanos)
    )
    return tenant


@st.composite
def _contracts(draw, first, length):
    """Draw the columns of a contract; its bounds are days, or instants within them."""
    start, end = first.isoformat(), ""
    if length is not None:
        end = (first + timedelta(days=length)).isoformat()
    if length != 1:
        start = draw(st.sampled_from([start, start, start, f"{start}T13:30:07Z"]))
        end = draw(st.sampled_from([end, end, end, f"{end}T20:00:00Z" if end else end]))
    return {
        "currency_code": draw(st.sampled_from(CURRENCIES)),
        "time_zone": draw(st.sampled_from(ZONES)),
        "billing_cadence": draw(st.sampled_from(CADENCES)),
        "billing_anchor_day": str(draw(st.sampled_from(ANCHORS))),
        "start_date": start,
        "end_date": end,
        "children": draw(st.sampled_from(CHILDREN)),
    }


@st.composite
def _moves(draw, first):
    """Draw who is above a child and a grandchild: always the same, or not."""
    hours = draw(st.sampled_from(["00:00:00", "00:00:00", "07:30:01"]))
    one, other = (f"{first + timedelta(days=days)}T{hours}Z" for days in (12, 34))
    always = f"{BEFORE}T00:00:00Z"
    leaves = [(1, 0, always, one)]
    comes_back = [(1, 0, always, one), (1, 0, other, "")]
    rises = [(2, 1, always, one), (2, 0, one, "")]
    return draw(st.sampled_from([[], [], [], leaves, comes_back, rises]))


@st.composite
def _renewals(draw, contract):
    """Draw the day on which a contract is renewed: between two of its cells."""
    start = instant(contract["start_date"], contract["time_zone"])
    cells = cells_of(
        zone=contract["time_zone"],
        cadence=contract["billing_cadence"],
        anchor=int(contract["billing_anchor_day"]),
        start=start,
        end=None,
        until=start + timedelta(days=3 * 366),
    )
    return draw(st.sampled_from(cells[1:3])).end_day


@st.composite
def _amendments(draw, first, length, plan_count):
    """Draw versions after the first one, at days or instants, with a plan or parties of theirs."""
    found = []
    possible = [each for each in (2, 13, 31, 43) if length is None or each < length - 1]
    for days in sorted(draw(st.sets(st.sampled_from(possible), max_size=2))):
        day = (first + timedelta(days=days)).isoformat()
        start = draw(st.sampled_from([day, day, f"{day}T05:00:00Z", f"{day}T21:15:01Z"]))
        plan = draw(st.sampled_from(range(plan_count)))
        found.append(Amendment(start, plan, draw(st.sampled_from(PARTIES))))
    return found


@st.composite
def _overrides(draw, catalog, plan, currency, first):
    if not draw(st.booleans()):
        return []
    place = draw(st.integers(0, len(plan) - 1))
    start = first + timedelta(days=draw(st.sampled_from([0, 0, 20, 35])))
    end = draw(st.sampled_from([None, start + timedelta(days=10), start + timedelta(days=40)]))
    charge = plan[place]
    meter = catalog[charge["meter"]] if "meter" in charge else None
    return [(place, start, end, draw(prices(charge, meter, currency)))]


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
