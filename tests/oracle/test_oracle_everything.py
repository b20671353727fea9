"""What must hold of the oracle itself over everything that the strategies can draw."""

import random
from collections import defaultdict
from fractions import Fraction

import pytest
from catalog_strategies import catalogs, drawn, tenants
from catalog_usage import UNTIL
from oracle_rating import rate
from rated_world import World
from world_twins import with_a_cut, with_one_tier

SEED = 20261121
TENANTS = 100
SHARE_OF_LINES = Fraction(1, 10**11)


@pytest.fixture(scope="module")
def world():
    """Everything is drawn, and a twin with a cut of every tenant that has room for one."""
    catalog = drawn(catalogs(), 1, number=SEED)[0]
    found = drawn(tenants(catalog), TENANTS, number=SEED)
    made, twins, pairs = World(catalog), [], []
    for place, tenant in enumerate(found):
        contract = made.add(tenant)
        cut = with_a_cut(tenant, hours=place % 2 * 7)
        if cut is not None:
            twins.append((contract, made.add(tenant, plans_of=contract, further=[cut])))
        pairs.append(made.add(with_one_tier(tenant)))
    lines, _exceptions = rate(made.book(), made.events(), until=UNTIL)
    return made, lines, twins, pairs


def totals(lines):
    """Return amounts by contract, then by charge, kind, cell and dimensions."""
    found = defaultdict(lambda: defaultdict(lambda: [Fraction(0), Fraction(0), set()]))
    for line in lines:
        charge = line.charge[len(line.contract) :]
        mine = found[line.contract][charge, line.kind, line.cell, line.dimensions]
        mine[0] += line.unrounded
        mine[1] += line.amount
        mine[2].add(line.code)
    return found


def are_alike(one, other):
    """Say whether totals are the same, but for shares of 10^-12 that each line is rounded to."""
    return one.keys() == other.keys() and all(
        one[key][1:] == other[key][1:] and abs(one[key][0] - other[key][0]) <= SHARE_OF_LINES
        for key in one
    )


def test_a_cut_at_which_nothing_changes_changes_no_total(world):
    _made, lines, twins, _pairs = world
    found = totals(lines)
    assert len(twins) > TENANTS // 2
    assert [] == [pair for pair in twins if not are_alike(found[pair[0]], found[pair[1]])]


def test_volume_and_graduated_agree_on_one_tier(world):
    _made, lines, _twins, pairs = world
    found = totals(lines)
    count = 0
    for contract in pairs:
        by_charge = defaultdict(dict)
        for (charge_id, kind, *rest), figures in found[contract].items():
            if kind == "fee":
                continue
            plan, _, place = charge_id.rpartition("_c")
            by_charge[plan, int(place) // 2, tuple(rest)][int(place) % 2] = figures
        for pair in by_charge.values():
            if len(pair) == 2:
                count += 1
                assert pair[0] == pair[1]
    assert count > TENANTS


def test_any_order_of_arrival_gives_the_same_lines(world):
    made, lines, _twins, _pairs = world
    events = made.events()
    random.Random(SEED).shuffle(events)  # noqa: S311 — repeatable tests, no secrets
    assert lines == rate(made.book(), events, until=UNTIL)[0]


def test_tiers_sum_to_their_charge_and_cell(world):
    """Before discounts, minimum and maximum; exact tiers are divided once, to 12 decimals."""
    made, lines, _twins, _pairs = world
    kept = defaultdict(lambda: [Fraction(0), Fraction(0)])
    is_bounded = {
        (line.contract, line.charge, line.cell) for line in lines if line.kind == "minimum"
    }
    for line in lines:
        is_pooled = made.tenants[line.contract].contract["children"] == "pooled"
        child = None if is_pooled else line.child
        key = (line.contract, line.charge, line.cell, line.dimensions, child)
        is_priced = line.code is None and line.kind in {"usage", "fee"}
        if is_priced and key[:3] not in is_bounded:
            kept[key][0] += line.unrounded
            kept[key][1] += sum((amount for _units, amount in line.tiers.values()), Fraction(0))
    beyond = [
        key
        for key, (unrounded, tiers) in kept.items()
        if unrounded > max(tiers, 0) + Fraction(1, 2 * 10**12)  # a discount lessens a credit too
    ]
    assert [] == beyond
    equal = sum(abs(one - other) <= Fraction(1, 2 * 10**12) for one, other in kept.values())
    assert equal > len(kept) * 9 // 10
