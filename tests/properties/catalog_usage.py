"""Usage drawn by hypothesis and aimed at the edges: tier bounds, period edges, clock changes, ties.

Belongs here: one event of a tenant, and the edges of its contract and prices. Does not belong
here: contracts and prices themselves (catalog_strategies).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from oracle_book import instant
from oracle_time import cells_of, day_start

UNTIL = datetime(2026, 11, 15, tzinfo=UTC)
VALUES = ["0", "1", "0.5", "2.5", "0.000000001", "3", "7.25", "1000000.125"]
USERS = ["ann", "bob", "cem", "dia"]
REGIONS = ["eu", "us"]
STEPS = [timedelta(0), timedelta(microseconds=-1), timedelta(microseconds=1), timedelta(hours=5)]


@dataclass
class Use:
    """One event of a tenant, by where it lies and what it says.

    Attributes:
        at: aware instant. nanos: beyond its microseconds. data: properties.
        level: whose it is: 0 the customer's, 1 its child's, 2 its grandchild's.
        copies: how often it arrives; beyond one they are written in other ways.
        is_contradicted: whether another content comes under its identity too.
    """

    at: datetime
    nanos: int
    data: dict
    copies: int
    is_contradicted: bool
    level: int = 0


@dataclass
class Edges:
    """Where a tenant's events are aimed.

    Attributes:
        instants: bounds of cells, prices, versions and clock changes. amounts: values that bring a
                quantity to a bound.
        levels: of the customers that may have usage.
    """

    instants: list
    amounts: list
    levels: list


def edges_of(tenant, zone):
    """Return the edges of a tenant: instants and amounts, in a stable order."""
    contract = tenant.contract
    start = instant(contract["start_date"], zone)
    instants = {start, day_start(zone, date(2026, 10, 25)), day_start(zone, date(2026, 11, 1))}
    for cell in cells_of(
        zone=zone,
        cadence=contract["billing_cadence"],
        anchor=int(contract["billing_anchor_day"]),
        start=start,
        end=None,
        until=UNTIL,
    ):
        instants.add(cell.start)
    instants.update(instant(each.start, zone) for each in tenant.amendments)
    instants.update(instant(each, "UTC") for move in tenant.moves for each in move[2:] if each)
    days = [
        date.fromisoformat(v["effective_from"])
        for p in tenant.plans
        for c in p
        for v in c["versions"]
    ]
    days += [day for row in tenant.overrides for day in row[1:3] if day]
    instants.update(day_start(zone, day) for day in days)
    inside = [each for each in instants if start - timedelta(days=1) < each < UNTIL]
    amounts = {Decimal(each) for each in VALUES}
    for plan in tenant.plans:
        for charge in plan:
            for version in charge["versions"]:
                for price in version["prices"].values():
                    amounts.update(_aimed(charge, price))
    levels = [0, 0, 0, 0, 1] if contract["children"] == "none" else [0, 0, 1, 1, 2]
    return Edges(sorted(inside), sorted(amounts), levels)


def _aimed(charge, price):
    """Return metered amounts at and around the bounds of a price."""
    bounds = [tier["up_to"] for tier in price.get("tiers", []) if "up_to" in tier]
    bounds += [price["package_size"]] if "package_size" in price else []
    found = set()
    for bound in bounds:
        units = Decimal(bound) + Decimal(charge.get("free_quantity", "0"))
        if "convert" in charge:
            exact = units * 7 / 3
            units = exact.quantize(Decimal("0.000000001"))
        found.update({units, units + Decimal("0.000000001"), units - Decimal("0.000000001")})
    return {each for each in found if each >= 0}


@st.composite
def uses(draw, edges):
    """Draw one event at or beside an edge."""
    at = draw(st.sampled_from(edges.instants)) + draw(st.sampled_from(STEPS))
    at += timedelta(days=draw(st.sampled_from([0, 0, 0, 1, 3, 9, 17])))
    data = {
        "amount": draw(st.sampled_from(edges.amounts)) * draw(st.sampled_from([1] * 9 + [-1])),
        "factor": draw(st.sampled_from([Decimal(1), Decimal(2), Decimal("0.25")])),
        "user": draw(st.sampled_from(USERS)),
        "status": draw(st.sampled_from(["ok", "ok", "slow", "failed"])),
        "is_paid": draw(st.sampled_from([True, True, False])),
        "action": draw(st.sampled_from(["join", "join", "stay", "leave", "leave", "look"])),
    }
    optional = {"note": [None, None, "test", "memo"], "region": [*REGIONS * 3, None]}
    drawn = {name: draw(st.sampled_from(values)) for name, values in optional.items()}
    data |= {name: value for name, value in drawn.items() if value is not None}
    return Use(
        at=min(at, UNTIL - timedelta(hours=1)),
        nanos=draw(st.sampled_from([0, 0, 1, 999])),
        data=data,
        copies=draw(st.sampled_from([1] * 7 + [2])),
        is_contradicted=draw(st.sampled_from([False] * 60 + [True])),
        level=draw(st.sampled_from(edges.levels)),
    )
