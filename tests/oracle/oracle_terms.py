"""Terms of a contract: allowances, discounts, trials, commitments, caps and one-off charges.

Belongs here: what a term takes off quantities or amounts, the lines that terms add, and what they
carry from one cell to the next. Does not belong here: credit grants (oracle_credits); single
charges.

An independent statement of the rating rules: it shares no code with the product.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from oracle_book import instant
from oracle_money import Discount, minor_decimals, rounded
from oracle_prices import number
from oracle_time import (
    Stretch,
    cells_of,
    day_start,
    fee_share,
    local_day,
    overlap,
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


class Terms:
    """The terms of one contract and what they carry over its cells, which come in order.

    Args:
        book: for the terms of plans. contract: whose.
    """

    def __init__(self, book, contract):
        self.contract = contract
        self.listed = [(term, contract.start, contract.end) for term in contract.terms]
        for version in contract.versions:
            for term in book.plans[version.plan].get("terms", []):
                self._extend(term, version.start, version.end)
        self.buckets = {}
        self.spent = {}
        self.cell_number = 0

    def _extend(self, term, start, end):
        """Note when a plan's term is in force; versions of one plan that follow are one stretch."""
        if self.listed and self.listed[-1][0] is term and self.listed[-1][2] == start:
            self.listed[-1] = (term, self.listed[-1][1], end)
        else:
            self.listed.append((term, start, end))

    def _of_kind(self, *kinds):
        return [each for each in self.listed if each[0]["kind"] in kinds]

    def _dates(self, term, start, end):
        """Return the instants (start, end or None) between which a discount or trial applies."""
        zone = self.contract.zone
        if term["kind"] == "trial":
            return max(start, self.contract.start), _least(end, self._trial_end(term))
        first = instant(term.get("from"), zone) or start
        return max(first, start), _least(end, instant(term.get("to"), zone))

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
        """Return the instants at which a discount begins or ends within a cell."""
        found = set()
        for term, start, end in self._of_kind("discount", "trial"):
            found.update(self._dates(term, start, end))
        return tuple(sorted(each for each in found if each and cell.start < each < cell.end))

    def discounts(self, cell, charge_id):
        """Return the money discounts of a charge in a cell, in declared order."""
        found = []
        for term, start, end in self._of_kind("discount", "trial"):
            if "charges" in term and charge_id not in term["charges"]:
                continue
            first, last = self._dates(term, start, end)
            if term["kind"] == "trial":
                found.append(Discount("percent", Fraction(1), first, last))
            elif "percent" in term:
                found.append(Discount("percent", number(term["percent"]) / 100, first, last))
            elif "amount" in term:
                share = self._share(cell, first, last, "day")
                figure = _in_currency(term["amount"], self.contract.currency)
                found.append(Discount("amount", figure, first, last, share))
        return found

    def _share(self, cell, start, end, proration):
        """Return the share of the full cell in which a term is in force and the contract active."""
        active = overlap(cell.stretch(), self.contract.start, self.contract.end)
        part = overlap(active, start, end) if active else None
        if part is None:
            return Fraction(0)
        rest = [Stretch(part.end, active.end)] if part.end < active.end else []
        before = [Stretch(active.start, part.start)] if active.start < part.start else []
        every = [*before, part, *rest]
        if proration == "none":
            return Fraction(1)
        return fee_share(self.contract.zone, cell, part, every, proration)

    def draw_allowances(self, cell, ladders):
        """Take included and free units off the ladders of a cell, pool by pool in declared order.

        Within a pool the charges come in its order, then customers and dimension values in theirs.
        Units that expire earliest go first; what is left rolls over as the term says.
        """
        self.cell_number += 1
        for place, (term, start, end) in enumerate(self.listed):
            is_free = term["kind"] == "discount" and "free_quantity" in term
            if term["kind"] != "allowance" and not is_free:
                continue
            first, last = self._dates(term, start, end) if is_free else (start, end)
            share = self._share(cell, first, last, term.get("proration", "day"))
            granted = number(term.get("quantity", term.get("free_quantity"))) * share
            mine = self.buckets.setdefault(place, [])
            self._open(mine, term, rounded(granted, 9))
            for charge_id in term.get("charges", ladders):
                for ladder in ladders.get(charge_id, []):
                    _draw(mine, ladder)
            self._close(mine, term)

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
        """Return the lines that terms add to a cell: one-off, true_up, overage, then cap.

        Args:
            cell: a billing cycle.
            rated: the lines of its charges.
            make: the class of a line.
        """
        found = []
        for term, start, end in self._of_kind("one_off"):
            at = instant(term["date"], self.contract.zone)
            is_ours = start <= at and (end is None or at < end)
            if is_ours and cell.start <= at < cell.end:
                amount = self._rounded(_in_currency(term["amount"], self.contract.currency))
                found.append(self._line(make, term, "one_off", cell, amount))
        for place, (term, _start, _end) in enumerate(self.listed):
            if term["kind"] == "commitment":
                spent = _eligible(term, rated)
                found.extend(self._commitment(place, cell, spent=spent, make=make))
        for term, start, end in self._of_kind("maximum_spend"):
            if overlap(cell.stretch(), start, end) is None:
                continue
            lines = rated if "charges" in term else [*rated, *found]
            limit = self._rounded(_in_currency(term["amount"], self.contract.currency))
            beyond = _eligible(term, lines) - limit
            if beyond > 0:
                found.append(self._line(make, term, "cap", cell, -beyond))
        return found

    def _commitment(self, place, cell, *, spent, make):
        """Return the true-up line or the overage line of a commitment, where there is one.

        Over a term, overage is what this cell adds to it, and the true-up comes with the cell in
        which the contract ends; a contract without an end has none.
        """
        term, start, end = self.listed[place]
        committed = _in_currency(term["amount"], self.contract.currency)
        before = Fraction(0)
        is_last = True
        if term["per"] == "period":
            if overlap(cell.stretch(), start, end) is None:
                return []
            committed *= self._share(cell, start, end, term.get("proration", "day"))
        else:
            before = self.spent.get(place, Fraction(0))
            self.spent[place] = before + spent
            is_last = self.contract.end is not None and self.contract.end <= cell.end
        committed = self._rounded(committed)
        factor = number(term.get("overage_factor"), 1) - 1
        overage = self._rounded(max(Fraction(0), before + spent - committed) * factor)
        overage -= self._rounded(max(Fraction(0), before - committed) * factor)
        found = []
        if is_last and before + spent < committed:
            amount = committed - before - spent
            found.append(self._line(make, term, "true_up", cell, amount))
        if overage:
            found.append(self._line(make, term, "overage", cell, overage))
        return found

    def _rounded(self, amount):
        return rounded(amount, minor_decimals(self.contract.currency))

    def _line(self, make, term, kind, cell, amount):
        active = overlap(cell.stretch(), self.contract.start, self.contract.end)
        return make(
            contract=self.contract.id,
            charge=term["id"],
            kind=kind,
            cell=cell.start_day,
            child=self.contract.customer,
            dimensions=(),
            start=active.start,
            end=active.end,
            quantity=Fraction(1),
            unrounded=amount,
            amount=amount,
            tiers={},
        )


def _draw(buckets, ladder):
    """Take units off a ladder, as far as it has usage and the buckets hold any."""
    if ladder.code is not None:
        return
    wanted = max(Fraction(0), ladder.units() - ladder.allowance)
    for bucket in buckets:
        taken = min(wanted, bucket.left)
        bucket.left -= taken
        wanted -= taken
        ladder.allowance += taken


def _eligible(term, lines):
    """Return the sum of the lines of a term's charges; of all of them where it names none."""
    return sum(
        (
            each.amount
            for each in lines
            if each.code is None and ("charges" not in term or each.charge in term["charges"])
        ),
        Fraction(0),
    )


def _least(*instants):
    return min((each for each in instants if each is not None), default=None)


def _in_currency(given, currency):
    return number(given[currency] if isinstance(given, dict) else given)
