"""Generated catalogs, contracts and usage on the real path, every line against the oracle.

Many tenants go through one ingestion and one dbt build; a line is compared by its settlement key
and its dates of service, so that runs of prices and their pieces are compared one by one. The suite
draws the same tenants each time; ORACLE_SEED and ORACLE_TENANTS draw others and more of them, such
as `ORACLE_SEED=7 ORACLE_TENANTS=1000 pytest tests/properties/test_rating_catalogs.py`. What is not
drawn stands in catalog_switches. Invariants 5 and 9.
"""

import os
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction
from pprint import pformat

import pytest
from catalog_strategies import CADENCES, CURRENCIES, catalogs, drawn, tenants
from catalog_switches import SWITCHES
from catalog_usage import UNTIL
from oracle_events import written
from oracle_rating import rate
from rated_world import RealPath, World
from world_twins import with_a_cut, with_one_tier

SEED = int(os.environ.get("ORACLE_SEED", "20261121"))
TENANTS = int(os.environ.get("ORACLE_TENANTS", "120"))
TWINS = 60
ONE_TIER = 15
ENOUGH = 3
SHARE_OF_LINES = Fraction(1, 10**11)
OWN_LINES = {"minimum", "true_up", "overage", "cap", "one_off"}  # of terms and limits

pytestmark = pytest.mark.slow


@dataclass
class Rated:
    """A world, and what engine and oracle made of it.

    Attributes:
        world: the tenants. path: its data directory. lines, tiers: of one batch and one build.
        expected: the oracle's lines. twins: (contract, the same with a cut) by id.
        one_tier: contracts whose charges come in pairs, graduated and volume.
    """

    world: World
    path: RealPath
    lines: list
    tiers: list
    expected: list
    twins: list
    one_tier: list


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    catalog = drawn(catalogs(), 1, number=SEED)[0]
    world = World(catalog)
    twins, one_tier = [], []
    for place, tenant in enumerate(drawn(tenants(catalog), TENANTS, number=SEED)):
        contract = world.add(tenant)
        cut = with_a_cut(tenant, hours=place % 2 * 7)
        if place < TWINS and cut is not None:
            twins.append((contract, world.add(tenant, plans_of=contract, further=[cut])))
        if place < ONE_TIER:
            one_tier.append(world.add(with_one_tier(tenant)))
    path = RealPath(tmp_path_factory.mktemp("catalogs") / "data", world)
    path.load(world.sent)
    path.build()
    expected, _exceptions = rate(world.book(), world.events(), until=UNTIL)
    return Rated(world, path, path.lines(), path.tiers(), expected, twins, one_tier)


@pytest.fixture(scope="module")
def rated_in_pieces(rated, tmp_path_factory):
    """The same world in another order, cut into batches, with a build in between, and once more."""
    dice = random.Random(SEED)  # noqa: S311 — repeatable tests, no secrets
    sent = list(rated.world.sent)
    dice.shuffle(sent)
    first, second = sorted(dice.sample(range(1, len(sent)), 2))
    path = RealPath(tmp_path_factory.mktemp("pieces") / "data", rated.world)
    path.load(sent[:first])
    path.build()
    path.load(sent[first:second])
    path.load(sent[second:])
    path.build()
    return path


def key_of(row):
    """Return what a rated line of the engine is compared by."""
    dimensions = row["dimension_key"]
    place = (row["contract_id"], row["charge_id"], row["line_kind"], row["cell_start_date"])
    return (*place, row["customer_id"], dimensions)


def expected_key(line):
    """Return the same of an expected line."""
    return (line.contract, line.charge, line.kind, line.cell, line.child, written(line.dimensions))


def said(row):
    """Return what one line of the engine says; None where its amount is unknown."""
    if row["exception_code"] is not None:
        return None
    return (
        (row["service_start_at"], row["service_end_at"]),
        (row["legal_entity_id"], row["bill_to_customer_id"], row["tax_profile"]),
        Fraction(0 if row["line_kind"] in OWN_LINES else row["quantity"]),
        Fraction(row["amount_unrounded"]),
        Fraction(row["amount"]),
    )


def expected_said(line):
    """Return the same of an expected line."""
    if line.code is not None:
        return None
    quantity = Fraction(0) if line.kind in OWN_LINES else line.quantity
    dates = (line.start.replace(tzinfo=None), line.end.replace(tzinfo=None))
    return (dates, line.parties, quantity, line.unrounded, line.amount)


def compared(lines, key, figures):
    """Return by key the exceptions and the lines that say anything, in order of time."""
    found = defaultdict(lambda: (set(), []))
    for line in lines:
        codes, said_lines = found[key(line)]
        figure = figures(line)
        if figure is None:
            codes.add(line["exception_code"] if isinstance(line, dict) else line.code)
        elif any(figure[2:]):
            said_lines.append(figure)
    return {each: (codes, sorted(mine)) for each, (codes, mine) in found.items() if codes or mine}


def case_of(rated, key):
    """Return what a key is rated by, to show where something differs."""
    tenant = rated.world.tenants[key[0]]
    case = {each: getattr(tenant, each) for each in vars(tenant)}
    plan, place = (part[1:] for part in key[1].split("_")[-2:])
    if plan.isdigit() and not key[1].rpartition("_")[2].startswith("t"):
        case["charge"] = charge = tenant.plans[int(plan)][int(place)]
        if "meter" in charge:
            case["meter"] = rated.world.meters[f"m{charge['meter']}"]
    return case


def test_every_line_is_the_oracles_to_the_last_digit(rated):
    """Invariant 5. Lines without quantity and amount may be left out by either side."""
    expected = compared(rated.expected, expected_key, expected_said)
    actual = compared(rated.lines, key_of, said)
    differences = {
        key: {"expected": expected.get(key), "actual": actual.get(key), **case_of(rated, key)}
        for key in sorted({*expected, *actual}, key=str)
        if key[3] < UNTIL.date() and expected.get(key) != actual.get(key)
    }
    smallest = sorted(differences.items(), key=lambda each: len(repr(each)))[:3]
    shown = pformat(smallest, width=110)
    assert not differences, f"ORACLE_SEED={SEED}: {len(differences)} keys differ:\n{shown}"


def reached_by(world, row):
    """Return the names of what one line of the engine is an example of."""
    tenant = world.tenants[row["contract_id"]]
    found = {row["charge_model"], row["aggregation"], row["line_kind"]}
    found.add("override" if row["is_override"] else "list")
    found |= {tenant.contract["billing_cadence"], tenant.contract["currency_code"]}
    if row["customer_id"] != f"cus_{row['contract_id'].removeprefix('con_')}":
        found.add(tenant.contract["children"])
    if row["segment_start_date"] > row["cell_start_date"] and row["quantity"]:
        found.add("after a cut")
    if row["shared_amount"]:
        found.add(f"part of {row['line_kind']}")
    if row["discount_amount"]:
        found.add("discount")
    if row["above_maximum_amount"]:
        found.add("maximum")
    meter = world.meters.get(row["meter_id"], {})
    found |= {meter.get("window"), f"over windows: {meter.get('window_aggregation')}"}
    return found


def test_the_tenants_reach_what_costs_money(rated):
    """Of everything that is drawn there are lines with amounts, and of each exception some."""
    reached = Counter(row["exception_code"] for row in rated.lines)
    for row in rated.lines:
        if row["amount"] or (row["amount"] is not None and row["line_kind"] in OWN_LINES):
            reached.update(reached_by(rated.world, row))
    wanted = {*SWITCHES["models"], *SWITCHES["aggregations"], *SWITCHES["windows"]}
    wanted |= {f"over windows: {each}" for each in SWITCHES["window_aggregations"]}
    wanted |= {*OWN_LINES, *CADENCES, *CURRENCIES, "override", "list", "discount", "maximum"}
    wanted |= {"separate", "pooled", "after a cut"}
    wanted |= {f"part of {each}" for each in ("minimum", "true_up", "overage", "cap")}
    wanted |= {"conflicting_events", "negative_quantity", "unpriced_dimension", "depends_on_held"}
    assert [] == sorted(each for each in wanted if reached[each] < ENOUGH)


def test_any_order_and_any_split_into_batches_gives_the_same_lines(rated, rated_in_pieces):
    """Invariant 9."""
    assert rated.lines == rated_in_pieces.lines(), f"ORACLE_SEED={SEED}"
    assert rated.tiers == rated_in_pieces.tiers(), f"ORACLE_SEED={SEED}"


def test_rating_twice_changes_nothing(rated, rated_in_pieces):
    """Invariant 9."""
    before = rated_in_pieces.lines(), rated_in_pieces.tiers()
    rated_in_pieces.build()
    assert before == (rated_in_pieces.lines(), rated_in_pieces.tiers()), f"ORACLE_SEED={SEED}"


def test_tiers_sum_to_their_line(rated):
    """Invariant 5. Exact tiers are of the gross amount, rounded ones of what is due."""
    of_tiers = defaultdict(lambda: (Fraction(0), Fraction(0)))
    for row in rated.tiers:
        if row["amount"] is not None:
            unrounded, amount = of_tiers[row["rated_line_id"]]
            of_tiers[row["rated_line_id"]] = (
                unrounded + Fraction(row["amount_unrounded"]),
                amount + Fraction(row["amount"]),
            )
    of_lines = {
        row["rated_line_id"]: (Fraction(row["gross_amount"]), Fraction(row["amount"]))
        for row in rated.lines
        if row["amount"] and row["line_kind"] not in OWN_LINES
    }
    assert len(of_lines) > TENANTS
    assert of_lines == {line: of_tiers[line] for line in of_lines}, f"ORACLE_SEED={SEED}"
    assert [] == rated.path.broken_invariants()


def totals(rated, contract):
    """Return the amounts of a contract by charge, kind, cell and dimensions.

    Ids of charges and terms are without the contract that they begin with.
    """
    found = defaultdict(lambda: (Fraction(0), Fraction(0), set()))
    for row in rated.lines:
        if row["contract_id"] != contract:
            continue
        charge = row["charge_id"][len(contract) :]
        key = (charge, row["line_kind"], row["cell_start_date"], row["dimension_key"])
        unrounded, amount, codes = found[key]
        codes.add(row["exception_code"])
        figures = (row["amount_unrounded"] or 0, row["amount"] or 0)
        found[key] = (unrounded + Fraction(figures[0]), amount + Fraction(figures[1]), codes)
    return dict(found)


def with_shares(lines):
    """Return the contracts with a discount or a maximum, whose lines share or round 10^-12."""
    return {
        row["contract_id"] for row in lines if row["discount_amount"] or row["above_maximum_amount"]
    }


def are_alike(one, other, *, may_round):
    """Say whether totals are the same, but for what more lines share of a discount.

    Where a line is held the total is not known; the other one is not known either then.
    """
    if one is None or other is None:
        return False
    held = [codes - {None} for _unrounded, _amount, codes in (one, other)]
    if any(held):
        return all(held)
    return one[1:] == other[1:] and abs(one[0] - other[0]) <= (SHARE_OF_LINES if may_round else 0)


def test_a_cut_at_which_nothing_changes_changes_no_total(rated):
    """It makes more lines, and that is all."""
    differing = []
    count = 0
    shared = with_shares(rated.lines)
    for contract, twin in rated.twins:
        one, other = totals(rated, contract), totals(rated, twin)
        may_round = contract in shared
        for key in {*one, *other}:
            count += 1
            if not are_alike(one.get(key), other.get(key), may_round=may_round):
                differing.append((contract, twin, key, one.get(key), other.get(key)))
    assert count > TWINS
    assert [] == differing, f"ORACLE_SEED={SEED}"


def test_volume_and_graduated_agree_on_one_tier(rated):
    compared_count = 0
    for contract in rated.one_tier:
        by_charge = defaultdict(dict)
        for (charge_id, kind, *rest), figures in totals(rated, contract).items():
            if kind == "fee":
                continue
            plan, _, place = charge_id.rpartition("_c")
            by_charge[plan, int(place) // 2, tuple(rest)][int(place) % 2] = figures
        for pair in by_charge.values():
            if len(pair) == 2:
                compared_count += 1
                assert pair[0] == pair[1], f"ORACLE_SEED={SEED}, {contract}"
    assert compared_count > ONE_TIER
