"""Terms of a contract: allowances, discounts, trials, commitments, caps and one-off charges.

Belongs here: what a term takes off quantities or amounts, the lines that terms add, and what they
carry from one cell to the next. Does not belong here: credit grants (oracle_credits); single
charges.

An independent statement of the rating rules: it shares no code with the product.
"""

from calendar import monthrange
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction

from oracle_book import FAR, instant
from oracle_money import Discount, minor_decimals, rounded
from oracle_prices import number
from oracle_shares import over_parties
from oracle_time import (
    DAY,
    Stretch,
    cells_of,
    day_start,
    fee_share,
    local_day,
    overlap,
    united,
)

MONTHS_OF_A_YEAR = 12


@dataclass
class Bucket:
    """Allowance units that one cell granted.

    Attributes:
        left: units not drawn yet. granted_in: number of the cell. last_cell: the last one in which
            they may be drawn.
    """

    left: Fraction
    granted_in: int
    last_cell: int


@dataclass
class Held:
    """A term of a contract and when it is in force.

    Attributes:
        term: as in the price book. charges: ids that it covers, in drawing order.
        stretches: in which it is in force, in order, without overlap.
        buckets: units of an allowance that are left.
        covered: lines that a commitment looks at, over its cells or in the one at hand.
    """

    term: dict
    charges: tuple
    stretches: list
    buckets: list = field(default_factory=list)
    covered: list = field(default_factory=list)

    @property
    def kind(self):
        """Return the kind of the term."""
        return self.term["kind"]

    def within(self, cell):
        """Return its stretches in a cell, cut to it."""
        found = (overlap(each, cell.start, cell.end) for each in self.stretches)
        return [each for each in found if each is not None]


class Terms:
    """The terms of one contract and what they carry over its cells, which come in order.

    Those of plans come first, as they are declared, and hold while the contract is on the plan.

    Args:
        book: for the terms of plans. contract: whose.
    """

    def __init__(self, book, contract):
        self.contract = contract
        self.cell_number = 0
        self.held = []
        plans = {}
        for version, stretch in zip(contract.versions, contract.stretches(), strict=True):
            plans.setdefault(version.plan, []).append(stretch)
        for plan_id in (each for each in book.plans if each in plans):
            charges = _charges_of(book.plans[plan_id])
            for term in book.plans[plan_id].get("terms", []):
                self._hold(term, charges, united(plans[plan_id]))
        every = [charge for plan_id in plans for charge in _charges_of(book.plans[plan_id])]
        for term in contract.terms:
            self._hold(term, every, [Stretch(contract.start, contract.end or FAR)])

    def _hold(self, term, charges, stretches):
        start, end = self._dates(term)
        found = [overlap(each, start or each.start, end) for each in stretches]
        found = [each for each in found if each is not None]
        if found:
            self.held.append(Held(term, tuple(term.get("charges", charges)), found))

    def _of_kind(self, *kinds):
        return [each for each in self.held if each.kind in kinds]

    def _dates(self, term):
        """Return the instants between which a term's own dates let it hold; None is open."""
        zone = self.contract.zone
        if term["kind"] == "trial":
            return None, self._trial_end(term)
        if term["kind"] == "one_off":
            day = date.fromisoformat(str(term["date"]))
            return day_start(zone, day), day_start(zone, day + DAY)
        return instant(term.get("from"), zone), instant(term.get("to"), zone)

    def _trial_end(self, term):
        contract = self.contract
        first = local_day(contract.zone, contract.start)
        if "days" in term:
            return day_start(contract.zone, first + timedelta(days=int(term["days"])))
        if "months" in term:
            month = first.month + int(term["months"])
            year = first.year + (month - 1) // MONTHS_OF_A_YEAR
            month = (month - 1) % MONTHS_OF_A_YEAR + 1
            day = min(first.day, monthrange(year, month)[1])
            return day_start(contract.zone, date(year, month, day))
        cells = cells_of(
            zone=contract.zone,
            cadence=contract.cadence,
            anchor=contract.anchor,
            start=contract.start,
            end=None,
            until=day_start(contract.zone, first.replace(year=first.year + 50, day=1)),
        )
        return cells[int(term["periods"]) - 1].end

    def cuts(self, cell):
        """Return by charge the instants at which its discounts begin or end within a cell."""
        found = defaultdict(set)
        for held in self._of_kind("discount", "trial"):
            if "free_quantity" in held.term:
                continue
            bounds = {at for each in held.within(cell) for at in (each.start, each.end)}
            for charge in held.charges:
                found[charge] |= bounds
        return found

    def discounts(self, cell):
        """Return (charges, discount) of the money discounts of a cell, in declared order."""
        found = []
        for held in self._of_kind("discount", "trial"):
            within = held.within(cell)
            if not within or "free_quantity" in held.term:
                continue
            start, end = within[0].start, within[-1].end
            if "amount" in held.term:
                figure = _in_currency(held.term["amount"], self.contract.currency)
                discount = Discount("amount", figure, start, end, self._share(cell, held))
            else:
                percent = number(held.term.get("percent"), 100) / 100
                discount = Discount("percent", percent, start, end)
            found.append((held.charges, discount))
        return found

    def trials(self, charge_id):
        """Return the stretches in which a charge is tried."""
        return [
            stretch
            for held in self._of_kind("trial")
            if charge_id in held.charges
            for stretch in held.stretches
        ]

    def _share(self, cell, held):
        """Return the share of the full cell in which a term is in force."""
        proration = held.term.get("proration", "day")
        within = held.within(cell)
        active = self.contract.stretches()
        return sum(
            (
                fee_share(self.contract.zone, cell, each, within, proration, held=active)
                for each in within
            ),
            Fraction(0),
        )

    def draw_allowances(self, cell, ladders):
        """Take included and free units off the ladders of a cell: all allowances, then free units.

        Within a term the charges come in its order, then customers and dimension values in theirs.
        Units that expire earliest go first; what is left rolls over as the term says.
        """
        self.cell_number += 1
        free = [each for each in self._of_kind("discount") if "free_quantity" in each.term]
        for held in [*self._of_kind("allowance"), *free]:
            granted = number(held.term.get("quantity", held.term.get("free_quantity")))
            granted *= self._share(cell, held)
            self._open(held.buckets, held.term, rounded(granted, 9))
            for charge_id in held.charges if held.within(cell) else ():
                for ladder in ladders.get(charge_id, []):
                    _draw(held.buckets, ladder)
            self._close(held.buckets, held.term)

    def _open(self, buckets, term, granted):
        keep = int(term.get("rollover", {}).get("periods", 0))
        buckets[:] = [each for each in buckets if each.last_cell >= self.cell_number]
        buckets.append(Bucket(granted, self.cell_number, self.cell_number + keep))
        buckets.sort(key=lambda each: (each.last_cell, each.granted_in))

    def _close(self, buckets, term):
        """Keep of what is left no more than the cap; what expires earliest is given up first."""
        rollover = term.get("rollover", {})
        buckets[:] = [each for each in buckets if each.last_cell > self.cell_number and each.left]
        if rollover.get("cap") is not None:
            beyond = sum((each.left for each in buckets), Fraction(0)) - number(rollover["cap"])
            for bucket in buckets:
                lost = min(bucket.left, max(Fraction(0), beyond))
                bucket.left -= lost
                beyond -= lost

    def lines(self, cell, rated, make):
        """Return the lines that terms add to a cell: one_off, true_up, overage and cap.

        They exist wherever the term covers the cell, of zero where nothing is due, for each of the
        parties in its time. True-up is shared by time, overage and what a maximum takes off by
        what they are of, and a one-off is due from who holds the contract as its day begins.

        Args:
            cell: a billing cycle.
            rated: the lines of its charges.
            make: the class of a line.
        """
        found = [
            self._line(make, held, "one_off", cell, self._amount(held))
            for held in self._of_kind("one_off")
            if held.within(cell)
        ]
        added, caps = [], []
        for held in self._of_kind("commitment"):
            if held.within(cell):
                mine = self._commitment(held, cell, rated, make)
                added.extend((held, each) for each in mine)
        for held in self._of_kind("maximum_spend"):
            if held.within(cell):
                covered = _covered(held, rated)
                covered += [line for one, line in added if {*one.charges} & {*held.charges}]
                spent = sum((each.amount for each in covered), Fraction(0))
                limit = self._rounded(self._amount(held) * self._share(cell, held))
                made = self._line(make, held, "cap", cell, -max(Fraction(0), spent - limit))
                made = _known_as(made, covered)
                caps += over_parties(made, self.contract, held.within(cell), billed=covered)
        return [*found, *(line for _held, line in added), *caps]

    def _commitment(self, held, cell, rated, make):
        """Return the true-up lines and, with a factor, the overage lines of a commitment.

        One of a whole term looks at all its cells, and both are due with the last.
        """
        is_term = held.term["per"] == "term"
        is_last = not is_term or held.stretches[-1].end <= cell.end
        held.covered = [*(held.covered if is_term else ()), *_covered(held, rated)]
        spent = sum((each.amount for each in held.covered), Fraction(0))
        committed = self._amount(held)
        if not is_term:
            committed *= self._share(cell, held)
        committed = self._rounded(committed)
        stretches = held.stretches if is_term and is_last else held.within(cell)
        missing = max(Fraction(0), committed - spent) if is_last else Fraction(0)
        true_up = self._line(make, held, "true_up", cell, missing)
        lines = over_parties(_known_as(true_up, held.covered), self.contract, stretches)
        if is_last and "overage_factor" in held.term:
            factor = number(held.term["overage_factor"]) - 1
            above = self._rounded(max(Fraction(0), spent - committed) * factor)
            overage = self._line(make, held, "overage", cell, above)
            overage = _known_as(overage, held.covered)
            lines += over_parties(overage, self.contract, stretches, billed=held.covered)
        return lines

    def _amount(self, held):
        return _in_currency(held.term["amount"], self.contract.currency)

    def _rounded(self, amount):
        return rounded(amount, minor_decimals(self.contract.currency))

    def _line(self, make, held, kind, cell, amount):
        within = held.within(cell)
        first = [each for each in self.contract.versions if each.start <= within[0].start][-1]
        return make(
            contract=self.contract.id,
            charge=held.term["id"],
            kind=kind,
            cell=cell.start_day,
            child=self.contract.customer,
            dimensions=(),
            start=within[0].start,
            end=within[-1].end,
            quantity=Fraction(1),
            unrounded=amount,
            amount=amount,
            tiers={},
            version=first.number,
            parties=first.parties(),
        )


def _draw(buckets, ladder):
    """Take units off a ladder, as far as it has usage and the buckets hold any."""
    wanted = max(Fraction(0), ladder.units() - ladder.allowance)
    for bucket in buckets:
        taken = min(wanted, bucket.left)
        bucket.left -= taken
        wanted -= taken
        ladder.allowance += taken


def _covered(held, lines):
    """Return the lines of a term's charges."""
    return [each for each in lines if each.charge in held.charges]


def _known_as(line, covered):
    """Hold a line that looks at one whose amount is not known."""
    is_known = all(each.code is None for each in covered)
    return line if is_known else replace(line, code="depends_on_held")


def _charges_of(plan):
    return [charge["id"] for charge in plan["charges"]]


def _in_currency(given, currency):
    return number(given[currency] if isinstance(given, dict) else given)
