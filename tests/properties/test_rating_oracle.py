"""Every rated amount, of lines and of their tiers, against an independent oracle, in one build.

The inputs aim at the quantities where prices change; a test counts that they hit, so that a wrong
comparison or rounding mode cannot pass for want of a case. Invariants 5 and 9.
"""

import itertools
import random
from collections import Counter, defaultdict
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from rating_catalog import MINOR_UNITS, add_catalog, add_contracts
from rating_edges import metered_edges, place_of, smallest_step
from rating_oracle import Line, Oracle
from rating_warehouse import RATING, RatingWarehouse

SEED = 20261121
KNOWN_UNTIL = datetime(2026, 10, 1, tzinfo=UTC)
ENOUGH = 5
USAGE_MODELS = ("per_unit", "graduated", "volume", "stairstep", "package", "dimensional")
MONEY_MODELS = ("percentage", "graduated_percentage", "dynamic", "cost_plus")
MODES = ("half_away", "half_even")
HALF = Fraction(1, 2)
PLACES = ("below", "on", "above")
ROUNDING_EDGES = {"conversion step", "conversion half"}
EDGES = {
    *itertools.product(
        ("graduated", "volume", "stairstep", "graduated_percentage", "package"),
        ["tier bound"],
        PLACES,
    ),
    *itertools.product(("sum", "count", "max", "latest", "unique_count"), ["tier bound"], PLACES),
    *itertools.product(["package"], ["package size"], PLACES),
    *itertools.product(USAGE_MODELS, ["free quantity"], PLACES),
    *itertools.product((*USAGE_MODELS, *MONEY_MODELS, "seats"), ["nothing"], ("on", "above")),
    *itertools.product(("per_unit", "percentage", "dynamic", "cost_plus"), ["nothing"], ["below"]),
    *itertools.product(("up", "down"), ["conversion step"], PLACES),
    *itertools.product(["half_up", "half_even"], ["conversion half"], PLACES),
}
TIES = {
    *itertools.product(["half of 10^-12"], ("debit", "credit")),
    *itertools.product(["half of a minor unit"], MODES, MINOR_UNITS),
    *itertools.product(["half of a minor unit"], MODES, ("debit", "credit"), ("even", "odd")),
    ("shared by largest remainder",),
    ("shared by number",),
}


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    dice = random.Random(SEED)  # noqa: S311 — repeatable tests, no secrets
    warehouse = RatingWarehouse(tmp_path_factory.mktemp("oracle"), known_until=KNOWN_UNTIL)
    add_catalog(dice, warehouse)
    add_contracts(dice, warehouse)
    warehouse.build(*RATING)
    cells = defaultdict(list)
    for row in warehouse.rows(
        "select contract_id, cell_start_date, cell_end_date from intermediate.int_contracts__cells "
        "order by 1, 2"
    ):
        cells[row["contract_id"]].append((row["cell_start_date"], row["cell_end_date"]))
    oracle = Oracle(warehouse, cells)
    return warehouse, oracle, oracle.lines()


def rated_lines(warehouse):
    """What the SQL rated, named and shaped as the oracle's lines are."""
    tiers = defaultdict(dict)
    for row in warehouse.rows("select * from rating.fct_rated_line_tiers"):
        tiers[row["rated_line_id"]][row["tier_number"]] = (
            row["quantity"],
            row["flat_amount"],
            row["amount_unrounded"],
            row["amount"],
        )
    return {
        (
            row["contract_id"],
            row["charge_id"],
            row["cell_start_date"],
            row["dimension_key"],
            row["segment_start_date"],
        ): Line(
            row["amount_unrounded"],
            row["amount"],
            {} if row["amount"] is None else tiers[row["rated_line_id"]],
        )
        for row in warehouse.rows("select * from rating.fct_rated_lines")
    }


def test_every_amount_and_every_tier_equals_the_oracle_to_the_last_digit(rated):
    warehouse, _, expected = rated
    actual = rated_lines(warehouse)
    assert expected.keys() == actual.keys()
    assert {} == {
        name: (line, actual[name]) for name, line in expected.items() if line != actual[name]
    }


def test_tiers_sum_to_their_lines_before_and_after_rounding(rated):
    """Invariant 5."""
    warehouse, *_ = rated
    assert [] == warehouse.rows(
        """
        select lines.rated_line_id
        from rating.fct_rated_lines as lines
        left join rating.fct_rated_line_tiers as tiers using (rated_line_id)
        group by lines.rated_line_id, lines.amount, lines.amount_unrounded
        having lines.amount is distinct from
            case when lines.amount is null then null else coalesce(sum(tiers.amount), 0) end
            or (lines.amount is not null
                and lines.amount_unrounded <> coalesce(sum(tiers.amount_unrounded), 0))
        """
    )


def edges_met(ask):
    """Names of the edges at which one question to a price lies."""
    for kind, edge in metered_edges(ask.price, ask.tiers):
        place = place_of(Fraction(ask.quantity), edge, smallest_step(ask.meter))
        if place is not None:
            rounding = ask.price["convert_rounding"]
            yield rounding if kind in ROUNDING_EDGES else ask.price["charge_model"], kind, place
            yield ask.meter["aggregation"], kind, place


def ties_met(settlement):
    """Names of the ties at which one amount was rounded or shared."""
    sign = "credit" if settlement.exact_units < 0 else "debit"
    if settlement.exact_units % 1 == HALF:
        yield "half of 10^-12", sign
    minor_unit = 10 ** (12 - MINOR_UNITS[settlement.currency_code])
    minor_units = abs(Fraction(settlement.whole_units, minor_unit))
    if minor_units % 1 == HALF:
        yield "half of a minor unit", settlement.rounding_mode, settlement.currency_code
        whole = "even" if minor_units // 1 % 2 == 0 else "odd"
        yield "half of a minor unit", settlement.rounding_mode, sign, whole
    remainders = [units % minor_unit for units in settlement.line_units]
    if len(set(remainders)) > 1:
        yield ("shared by largest remainder",)
    if any(remainders) and len(set(remainders)) < len(remainders):
        yield ("shared by number",)


def test_the_inputs_hit_every_edge_and_every_tie_often_enough_to_catch_a_wrong_one(rated):
    _, oracle, _ = rated
    met = Counter(edge for ask in oracle.asks for edge in edges_met(ask))
    met.update(tie for settlement in oracle.settlements for tie in ties_met(settlement))
    assert {} == {name: met[name] for name in EDGES | TIES if met[name] < ENOUGH}


def test_events_of_percentages_meet_every_rule_often_enough(rated):
    _, oracle, _ = rated
    kinds = ("free", "partly free", "rate", "minimum", "maximum")
    assert [] == [kind for kind in kinds if oracle.event_kinds[kind] < ENOUGH]
