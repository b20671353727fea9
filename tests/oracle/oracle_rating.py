"""From a book and events to rated lines: every contract, cell and charge.

Belongs here: groups of readings, ladders over runs, what each line says. Does not belong here:
single rules of time, quantity, price, money and terms, which are modules of their own.

An independent statement of the rating rules: it shares no code with the product.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction

import oracle_terms
from oracle_events import (
    deduplicated,
    dimension_values,
    passes,
    reading_of,
    resolved,
)
from oracle_ladders import Ladder, price_fee, price_ladder
from oracle_money import PICO, Piece, Whole, minor_decimals, set_gross, settle
from oracle_prices import number
from oracle_runs import runs_of
from oracle_time import cells_of, fee_share


@dataclass(frozen=True)
class Line:
    """One expected line.

    Attributes:
        charge: id of the charge or of the contract term. kind: usage, fee, minimum, true_up,
            overage, cap, one_off.
        cell: first day of its cell. child: customer whose usage it is. dimensions: sorted pairs.
        start, end: UTC instants of service. quantity: metered.
        unrounded: Fraction of the currency to 12 decimals. amount: Fraction in minor units.
        tiers: {tier number: (quantity, exact amount)}. code: exception; amounts are unknown then.
    """

    contract: str
    charge: str
    kind: str
    cell: object
    child: str
    dimensions: tuple
    start: object
    end: object
    quantity: Fraction
    unrounded: Fraction
    amount: Fraction
    tiers: dict
    code: str | None = None
    version: int | None = None
    entity: str | None = None


class Usage:
    """Events as the meters read them.

    Attributes:
        readings: by (lineage, meter id), then by (customer, dimension values), in order.
        conflicts: instants by (contract id, meter id) at which a contradiction holds a line.
        exceptions: how many events have no contract, by code.
    """

    def __init__(self, book, events):
        self.readings = defaultdict(lambda: defaultdict(list))
        self.conflicts = defaultdict(list)
        self.exceptions = Counter()
        counted, conflicting = deduplicated(events)
        for event in conflicting:
            contract, _customer = resolved(event, book)
            for meter in book.meters.values():
                if contract is not None and event.type in meter["event_types"]:
                    self.conflicts[contract.id, meter["id"]].append(event.at)
        for event in counted:
            contract, customer = resolved(event, book)
            if contract is None:
                self.exceptions[customer] += 1
                continue
            for meter in book.meters.values():
                if passes(event, meter):
                    group = (customer, dimension_values(event, meter))
                    read = reading_of(event, meter)
                    self.readings[contract.lineage, meter["id"]][group].append(read)


def rate(book, events, *, until):
    """Return every expected line of every cell that begins before an instant, and the exceptions.

    Args:
        book: an oracle_book.Book.
        events: oracle_events.Event, in any order, repeats included.
        until: aware instant.

    Returns:
        (list of Line, Counter of events without a contract by code).
    """
    usage = Usage(book, events)
    lines = []
    for contract in book.contracts:
        lines.extend(rate_contract(book, contract, usage, until))
    return lines, usage.exceptions


def rate_contract(book, contract, usage, until):
    """Return the lines of one contract, cell by cell, with what its terms carry from one on."""
    terms = oracle_terms.Terms(book, contract)
    cells = cells_of(
        zone=contract.zone,
        cadence=contract.cadence,
        anchor=contract.anchor,
        start=contract.start,
        end=contract.end,
        until=until,
    )
    lines = []
    for cell in cells:
        runs = runs_of(book, contract, cell, further=terms.cuts(cell))
        ladders = {
            charge_id: _ladders(book, contract, cell, mine, all_runs=runs, usage=usage)
            for charge_id, mine in runs.items()
            if mine[0].charge["model"] != "flat"
        }
        terms.draw_allowances(cell, ladders)
        rated = []
        for charge_id, mine in runs.items():
            wholes = _wholes(contract, cell, mine, ladders.get(charge_id))
            rated.extend(_settled_lines(contract, cell, mine, wholes, terms))
        lines.extend(rated)
        lines.extend(terms.lines(cell, rated, Line))
    return lines


def _ladders(book, contract, cell, runs, *, all_runs, usage):
    """Return the ladders of one metered charge in a cell."""
    meter = book.meters[runs[0].charge["meter"]]
    groups = usage.readings[contract.lineage, meter["id"]]
    pools = defaultdict(dict)
    for (child, dimensions), readings in sorted(groups.items()):
        if _is_touched(meter, readings, runs):
            pool = None if contract.children == "pooled" else child
            pools[pool, dimensions][child] = readings
    if not pools:
        pools[contract.customer, ()] = {contract.customer: []}
    metered = [
        run.stretch
        for mine in all_runs.values()
        for run in mine
        if run.charge.get("meter") == meter["id"]
    ]
    instants = usage.conflicts[contract.id, meter["id"]]
    is_held = any(run.stretch.holds(at) for run in runs for at in instants)
    return [
        Ladder(
            meter=meter,
            zone=contract.zone,
            cell=cell,
            runs=runs,
            metered=metered,
            dimensions=dimensions,
            members=members,
            code="conflicting_events" if is_held else None,
        )
        for (_pool, dimensions), members in pools.items()
    ]


def _is_touched(meter, readings, runs):
    """Say whether a group has usage in a charge's runs, or a level that reaches into them."""
    carries = meter["aggregation"] == "weighted_sum" or meter.get("carry_in") == "previous"
    return any(
        run.stretch.holds(each.at) or (carries and each.at < run.stretch.start)
        for run in runs
        for each in readings
    )


def _wholes(contract, cell, runs, ladders):
    """Return the settlement wholes of one charge in a cell, with their gross amounts."""
    if ladders is None:
        pieces, code = price_fee(contract, cell, runs)
        set_gross(pieces)
        return [Whole(contract.customer, (), pieces, code)]
    wholes = []
    for ladder in ladders:
        pieces = price_ladder(ladder)
        set_gross(pieces)
        for child in ladder.members:
            mine = [each for each in pieces if each.child == child]
            wholes.append(Whole(child, ladder.dimensions, mine, ladder.code))
    return wholes


def _bounds(contract, cell, runs):
    """Return (minimum, maximum) of a charge in a cell, None where its prices have none.

    The minimum is prorated by each run's share of the cell. The maximum is so only where the
    ladder restarts; else it is the mean of the runs' maxima, weighted by their shares, and none
    where a run has none.
    """
    charge = runs[0].charge
    shares = [
        fee_share(
            contract.zone,
            cell,
            run.stretch,
            [each.stretch for each in runs],
            charge.get("proration", "day"),
        )
        for run in runs
    ]
    prices = [run.price or {} for run in runs]
    minimum = maximum = None
    if any("minimum" in price for price in prices):
        minimum = sum(
            (number(p.get("minimum")) * share for p, share in zip(prices, shares, strict=True)),
            Fraction(0),
        )
    if all("maximum" in price for price in prices) and sum(shares):
        maximum = sum(number(p["maximum"]) * share for p, share in zip(prices, shares, strict=True))
        if charge.get("ladder", "continue") == "continue":
            maximum /= sum(shares)
    return minimum, maximum


def _settled_lines(contract, cell, runs, wholes, terms):
    """Take a charge from gross to rounded lines."""
    charge = runs[0].charge
    kind = "fee" if charge["model"] == "flat" else "usage"
    known = [whole for whole in wholes if whole.code is None]
    minimum, maximum = _bounds(contract, cell, runs)
    topped = settle(
        known,
        currency=contract.currency,
        mode=charge.get("rounding_mode", "half_away"),
        discounts=terms.discounts(cell, charge["id"]),
        minimum=minimum if len(known) == len(wholes) else None,
        maximum=maximum,
    )
    scale = 10 ** minor_decimals(contract.currency)
    lines = [
        _line(contract, cell, charge["id"], kind, whole=whole, piece=piece)
        for whole in wholes
        for piece in whole.pieces
    ]
    if topped:
        first, last = runs[0].stretch.start, runs[-1].stretch.end
        piece = Piece(first, last, contract.customer, amount=topped)
        piece.units = topped * PICO // scale
        whole = Whole(contract.customer, (), [piece])
        lines.append(_line(contract, cell, charge["id"], "minimum", whole=whole, piece=piece))
    return lines


def _line(contract, cell, charge_id, kind, *, whole, piece):
    scale = 10 ** minor_decimals(contract.currency)
    return Line(
        contract=contract.id,
        charge=charge_id,
        kind=kind,
        cell=cell.start_day,
        child=whole.child,
        dimensions=whole.dimensions,
        start=piece.start,
        end=piece.end,
        quantity=piece.quantity,
        unrounded=Fraction(piece.units, PICO),
        amount=Fraction(piece.amount, scale),
        tiers=piece.tiers,
        code=whole.code,
        version=piece.version,
        entity=piece.entity,
    )
