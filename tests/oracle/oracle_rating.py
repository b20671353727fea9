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
    Reading,
    deduplicated,
    dimension_values,
    passes,
    reading_of,
    resolved,
    written,
)
from oracle_ladders import price_fee, price_ladder
from oracle_money import (
    PICO,
    Piece,
    Whole,
    hold_shares,
    minor_decimals,
    rounded,
    set_gross,
    settle,
    take_amounts,
    take_percentages,
    whole_number,
)
from oracle_prices import number
from oracle_quantities import is_touched
from oracle_runs import runs_of
from oracle_shares import over_parties
from oracle_time import cells_of, fee_share
from oracle_usage import Ladder


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
        version, parties: of the contract in force at its end.
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
    parties: tuple | None = None


class Usage:
    """Events as the meters read them.

    Attributes:
        readings: by (lineage, meter id), then by (customer, dimension values), in order.
        conflicts: instants of contradictions by (lineage, meter id).
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
                    self.conflicts[contract.lineage, meter["id"]].append(event.at)
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
        for lineage, customer, moment in book.departures():
            self._depart(book, lineage, customer, moment)

    def _depart(self, book, lineage, customer, moment):
        """Let a customer leave a lineage at an instant, with all of its levels."""
        left = Reading((moment, -1, "", ""), is_departure=True)
        for meter in book.meters:
            for group, readings in self.readings[lineage, meter].items():
                if group[0] == customer:
                    readings.append(left)
                    readings.sort(key=lambda each: each.order)


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
        wholes = {
            charge_id: _wholes(contract, cell, mine, ladders.get(charge_id))
            for charge_id, mine in runs.items()
        }
        _discount(wholes, terms.discounts(cell))
        rated = []
        for charge_id, mine in runs.items():
            trials = terms.trials(charge_id)
            rated.extend(_settled_lines(contract, cell, mine, wholes[charge_id], trials))
        lines.extend(rated)
        lines.extend(terms.lines(cell, rated, Line))
    return lines


def _ladders(book, contract, cell, runs, *, all_runs, usage):
    """Return the ladders of one metered charge in a cell."""
    meter = book.meters[runs[0].charge["meter"]]
    groups = usage.readings[contract.lineage, meter["id"]]
    pools = defaultdict(dict)
    in_order = sorted(groups.items(), key=lambda each: (written(each[0][1]), each[0][0]))
    for (child, dimensions), readings in in_order:
        if any(is_touched(meter, readings, run.stretch) for run in runs):
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
    is_held = any(
        _is_unknown(meter, groups, at, stretch)
        for at in usage.conflicts[contract.lineage, meter["id"]]
        for run in runs
        for stretch, _version in run.pieces
    )
    return [
        Ladder(
            meter=meter,
            zone=contract.zone,
            cell=cell,
            runs=runs,
            metered=metered,
            held=contract.stretches(),
            customer=contract.customer if pool is None else pool,
            dimensions=dimensions,
            members=members,
            code="conflicting_events" if is_held else None,
        )
        for (pool, dimensions), members in pools.items()
    ]


def _is_unknown(meter, groups, at, stretch):
    """Say whether a contradiction at an instant leaves a stretch's quantity unknown.

    A level that it may have changed stays unknown until the next reading. By dimension values, or
    as a set of values, no single reading ends that.
    """
    carries = meter["aggregation"] == "weighted_sum" or meter.get("carry_in") == "previous"
    if stretch.holds(at) or not carries or at >= stretch.start:
        return stretch.holds(at)
    known_again = None
    if not meter.get("dimensions") and meter["aggregation"] != "unique_count":
        every = (each for readings in groups.values() for each in readings)
        later = [each.at for each in every if each.at > at and not each.is_departure]
        known_again = min(later, default=None)
    if known_again is None:
        return True
    if meter["aggregation"] == "latest" and "window" not in meter:
        return known_again >= stretch.end
    return known_again > stretch.start


def _wholes(contract, cell, runs, ladders):
    """Return the settlement wholes of one charge in a cell, with their gross amounts."""
    if ladders is None:
        of_runs, code = price_fee(contract, cell, runs)
        set_gross(of_runs)
        pieces = [piece for mine in of_runs for piece in mine]
        for piece in pieces:
            piece.is_held = code is not None
        return [_placed(Whole((), pieces, code), runs)]
    wholes = []
    for ladder in ladders:
        of_runs = price_ladder(ladder)
        set_gross(of_runs)
        for run, mine in zip(ladder.runs, of_runs, strict=True):
            for piece in mine:
                piece.is_line = ladder.has_line(run, mine)
                piece.is_held = ladder.code is not None and piece.is_line
        pieces = [piece for mine in of_runs for piece in mine]
        wholes.append(_placed(Whole(ladder.dimensions, pieces, ladder.code), runs))
    return wholes


def _placed(whole, runs):
    """Return a whole whose pieces know in which order equal shares get what is left over."""
    for piece in whole.pieces:
        values = written(whole.dimensions)
        piece.place = (piece.start, runs[0].charge["id"], values, piece.child)
    return whole


def _discount(wholes, discounts):
    """Take percentages, then amounts, off the pieces of the charges that each covers."""
    for kind, take in (("percent", take_percentages), ("amount", take_amounts)):
        for charges, discount in discounts:
            covered = [
                piece
                for charge_id in charges
                for whole in wholes.get(charge_id, [])
                for piece in whole.pieces
            ]
            if discount.kind == kind:
                take(covered, [discount])
            if discount.kind == kind == "amount":
                hold_shares([piece for piece in covered if discount.covers(piece)])


def _bounds(contract, cell, runs, trials):
    """Return (minimum, maximum) of a charge in a cell, None where its prices have none.

    The minimum is prorated by the time of each run outside of trials. The maximum is prorated only
    where the ladder restarts; else it is the mean of the prices' maxima, weighted by their time.
    """
    charge = runs[0].charge
    pieces = [(stretch, run) for run in runs for stretch, _version in run.pieces]
    proration = charge.get("proration", "day")
    spans = [stretch for stretch, _run in pieces]
    held = contract.stretches()
    minima, maxima, weights = defaultdict(Fraction), [], []
    for stretch, run in pieces:
        share = fee_share(contract.zone, cell, stretch, spans, proration, held=held)
        price = run.price or {}
        if "minimum" in price:
            is_tried = any(each.holds(stretch.start) for each in trials)
            minima[run.price_id] += Fraction(0) if is_tried else number(price["minimum"]) * share
        if "maximum" in price:
            unit = "second" if proration == "second" else "day"
            maxima.append((number(price["maximum"]), share))
            weights.append(fee_share(contract.zone, cell, stretch, spans, unit, held=held))
    minimum = sum((rounded(each, 12) for each in minima.values()), Fraction(0))
    if charge.get("ladder", "continue") == "restart":
        maximum = sum((most * share for most, share in maxima), Fraction(0))
    else:
        weights = weights if sum(weights) else [Fraction(1)] * len(weights)
        maximum = sum(most * part for (most, _), part in zip(maxima, weights, strict=True))
        maximum = maximum / sum(weights) if maxima else maximum
    return (minimum if minima else None), (maximum if maxima else None)


def _settled_lines(contract, cell, runs, wholes, trials):
    """Take a charge from discounted to rounded lines."""
    charge = runs[0].charge
    kind = "fee" if charge["model"] == "flat" else "usage"
    minimum, maximum = _bounds(contract, cell, runs, trials)
    pieces = [piece for whole in wholes for piece in whole.pieces]
    if maximum is not None:
        hold_shares([piece for piece in pieces if piece.has_maximum])
    topped = settle(
        wholes,
        currency=contract.currency,
        mode=charge.get("rounding_mode", "half_away"),
        minimum=minimum,
        maximum=maximum,
    )
    lines = [
        _line(contract, cell, charge["id"], kind, whole=whole, piece=piece)
        for whole in wholes
        for piece in whole.pieces
        if piece.is_line
    ]
    is_held = any(piece.is_held for piece in pieces)
    if minimum is not None and (topped or is_held):
        raised = [piece for piece in pieces if piece.has_minimum]
        piece = Piece(None, None, contract.customer, amount=topped, is_held=is_held)
        piece.units = whole_number(minimum * PICO, "half_away")
        piece.units -= sum(each.units for each in raised)
        piece.quantity = Fraction(1)
        whole = Whole((), [piece])
        line = _line(contract, cell, charge["id"], "minimum", whole=whole, piece=piece)
        lines.extend(over_parties(line, contract, _raised_time(runs, trials)))
    return lines


def _raised_time(runs, trials):
    """Return the stretches for which a minimum is due; all that have one where each is tried."""
    limited = [
        stretch
        for run in runs
        if "minimum" in (run.price or {})
        for stretch, _version in run.pieces
    ]
    untried = [each for each in limited if not any(one.holds(each.start) for one in trials)]
    return untried or limited


def _line(contract, cell, charge_id, kind, *, whole, piece):
    scale = 10 ** minor_decimals(contract.currency)
    return Line(
        contract=contract.id,
        charge=charge_id,
        kind=kind,
        cell=cell.start_day,
        child=piece.child,
        dimensions=whole.dimensions,
        start=piece.start,
        end=piece.end,
        quantity=piece.quantity,
        unrounded=Fraction(piece.units, PICO),
        amount=Fraction(piece.amount, scale),
        tiers=piece.tiers,
        code=whole.code or ("depends_on_held" if piece.is_held else None),
        version=piece.version,
        parties=piece.parties,
    )
