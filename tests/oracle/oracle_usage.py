"""The usage of one ladder in a cell: quantities of its runs, included units, and who used them.

Belongs here: what a charge is asked for, before its prices answer. Does not belong here: prices
(oracle_prices), what each run pays (oracle_ladders).

An independent statement of the rating rules: it shares no code with the product.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate, pairwise

from oracle_money import rounded
from oracle_prices import NEGATIVE_MODELS, converted
from oracle_quantities import is_additive, is_touched, quantity_of, quantity_of_piece


@dataclass
class Ladder:
    """One question to a charge's prices in a cell: one child's usage, or a pool of children's.

    Attributes:
        meter: as in the price book. zone: of the contract. cell: the full cycle.
        runs: of the charge, in order. metered: every stretch in which the contract prices the
            meter, whatever the charge.
        held: every stretch in which the contract is in force.
        customer: whose ladder it is; of a pool, the contract's. dimensions: sorted pairs.
        members: readings by child.
        allowance: converted units that a contract term takes off. code: why it has no amount.
        is_priced: whether its prices gave an amount, be it held or not.
        known: quantities by stretch and child, computed once.
    """

    meter: dict
    zone: str
    cell: object
    runs: list
    metered: list
    held: list
    customer: str
    dimensions: tuple
    members: dict
    allowance: Fraction = Fraction(0)
    code: str | None = None
    is_priced: bool = True
    known: dict = field(default_factory=dict)

    @property
    def charge(self):
        """Return the charge, as in the price book."""
        return self.runs[0].charge

    def quantity(self, stretch, child=None):
        """Return the quantity of a stretch, of one child or of all; no value counts as zero."""
        if child is None:
            return sum((self.quantity(stretch, each) for each in self.members), Fraction(0))
        if (stretch, child) not in self.known:
            readings = self.members.get(child, [])
            found = quantity_of(self.meter, readings, stretch, zone=self.zone, cell=self.cell)
            self.known[stretch, child] = found or Fraction(0)
        return self.known[stretch, child]

    def piece_quantity(self, piece, run, child):
        """Return what a piece of a run is of its additive quantity, of one child."""
        if piece == run:
            return self.quantity(run, child)
        readings = self.members.get(child, [])
        return quantity_of_piece(self.meter, readings, piece, run, zone=self.zone, cell=self.cell)

    def readings(self, stretch):
        """Return the valued readings of a stretch over all members, in order."""
        return sorted(
            (
                each
                for mine in self.members.values()
                for each in mine
                if stretch.holds(each.at) and each.value is not None
            ),
            key=lambda each: each.order,
        )

    def users(self, run):
        """Return the children with usage in a run, or whose ladder it is where none has."""
        found = [
            child
            for child, readings in self.members.items()
            if is_touched(self.meter, readings, run.stretch)
        ]
        return found or [self.customer]

    def has_events(self, run):
        """Say whether a run has readings, of whichever child."""
        return any(
            run.stretch.holds(each.at) and not each.is_departure
            for mine in self.members.values()
            for each in mine
        )

    def is_asked(self, run):
        """Say whether a run has a price to pay: with usage, or the first one of its ladder."""
        begins = run is self.runs[0] or self.charge.get("ladder", "continue") == "restart"
        return begins or self._has_more_than_time(run)

    def has_line(self, run, pieces):
        """Say whether a run is told on lines; one without usage only for a reason.

        It has an amount, or an unknown one, or is the first in a cell without usage.
        """
        if not self.is_asked(run) or self._has_more_than_time(run):
            return self.is_asked(run)
        is_worth_it = not self.is_priced or any(piece.units for piece in pieces)
        is_used = any(self.has_events(each) for each in self.runs)
        return is_worth_it or (run is self.runs[0] and not is_used)

    def _has_more_than_time(self, run):
        """Say whether a run is of a level, or has usage."""
        return (
            not is_additive(self.meter) or self.has_events(run) or self.quantity(run.stretch) != 0
        )

    def wanted(self):
        """Return how many included units each run could use: what it converts to, of 10^-9."""
        quantities = [self.quantity(run.stretch) for run in self.runs]
        units = [converted(self.charge, each) for each in quantities]
        if is_additive(self.meter) and self.charge.get("ladder", "continue") == "continue":
            ends = [converted(self.charge, each) for each in accumulate(quantities)]
            units = [end - start for start, end in pairwise([Fraction(0), *ends])]
        return [max(Fraction(0), rounded(each, 9)) for each in units]

    def units(self):
        """Return how many included units the cell could use; a level uses them once."""
        return sum(self.wanted()) if is_additive(self.meter) else max(self.wanted())

    def included(self):
        """Return (units drawn, units wanted) of each run: in order of time, of a level in each."""
        left, found = self.allowance, []
        for wanted in self.wanted():
            found.append((min(left, wanted), wanted))
            if is_additive(self.meter):
                left -= found[-1][0]
        return found

    def less_included(self, units, drawn, wanted):
        """Take drawn units off; nothing is left of what got all that it wanted."""
        if self.allowance == 0 or units <= 0:
            return units
        return Fraction(0) if drawn >= wanted else max(Fraction(0), units - drawn)

    def has_usage(self):
        """Say whether the converted quantity of the cell, or of any level's run, is not zero."""
        quantities = [self.quantity(run.stretch) for run in self.runs]
        if is_additive(self.meter):
            return converted(self.charge, sum(quantities, Fraction(0))) != 0
        return any(converted(self.charge, each) != 0 for each in quantities)

    def has_refused_value(self):
        """Say whether a value below zero came, or was carried in, to a meter that allows none."""
        if self.meter.get("is_negative_allowed", False):
            return False
        return any(
            self.quantity(run.stretch) < 0
            or any(each.value < 0 for each in self.readings(run.stretch))
            for run in self.runs
        )

    def is_below_zero(self):
        """Say whether a metered quantity is negative under a model that prices none such.

        Of an additive meter that is the quantity from the cell's start to the end of any run.
        """
        if self.charge["model"] in NEGATIVE_MODELS:
            return False
        quantities = [self.quantity(run.stretch) for run in self.runs]
        if is_additive(self.meter):
            quantities = accumulate(quantities)
        return any(each < 0 for each in quantities)
