"""Prepaid credits: which grant pays for which line, and a double-entry ledger of it.

Belongs here: order of grants and lines, draws, restores, expiry and breakage. Does not belong
here: how a line came to its amount.

An independent statement of the rating rules: it shares no code with the product.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from oracle_money import rounded


@dataclass
class Grant:
    """A prepaid credit.

    Attributes:
        id: its id. amount: in currency, or in priced units where `unit` is set.
        paid: cost basis: what was paid for the whole grant; zero is promotional.
        priority: lower draws first. start, expires: days, half-open; expires None for ever.
        charges: that it pays for; None for all.
        draws_by: service_date, the days of a line tell whether it is open; run, the day does on
            which lines are signed.
        reopens_for: days for which credit that goes back after the last one opens it again; None
            where that expires at once.
    """

    id: str
    amount: Fraction
    paid: Fraction
    priority: int
    start: date
    expires: date | None = None
    charges: tuple | None = None
    unit: str | None = None
    draws_by: str = "service_date"
    reopens_for: int | None = None

    @property
    def is_promotional(self):
        """Say whether nothing was paid for it: it is drawn before the tax base."""
        return self.paid == 0

    def order(self):
        """Return priority, earliest expiry, lowest cost basis, oldest, id."""
        return (self.priority, self.expires or date.max, self.paid, self.start, self.id)

    def is_open(self, day):
        """Say whether it may be drawn on a day."""
        return self.start <= day and (self.expires is None or day < self.expires)

    def may_pay(self, line, day):
        """Say whether it may be drawn by a line that is signed on a day."""
        if self.draws_by == "run" or "days" not in line:
            return self.is_open(day)
        first, end = line["days"]
        return self.start < end and (self.expires is None or first < self.expires)


@dataclass(frozen=True)
class Draw:
    """What a grant paid of a line; `units` where the grant is of units."""

    grant: str
    line: str
    amount: Fraction
    units: Fraction = Fraction(0)


class CreditLedger:
    """Grants and what became of them; every posting debits one account and credits another.

    Args:
        grants: of one contract, all in its currency. decimals: of the currency's minor unit.
    """

    def __init__(self, grants, *, decimals=2):
        self.grants = {each.id: each for each in grants}
        self.decimals = decimals
        self.postings = []
        self.draws = []
        for each in grants:
            source = "promotion" if each.is_promotional else "purchase"
            self._post(f"{source}:{each.id}", f"grant:{each.id}", each.amount)

    def _post(self, debit, credit, amount):
        if amount:
            self.postings.append((debit, credit, amount))

    def balances(self):
        """Return credits less debits by account; they sum to zero, and no grant is below it."""
        found = defaultdict(Fraction)
        for debit, credit, amount in self.postings:
            found[debit] -= amount
            found[credit] += amount
        return dict(found)

    def left(self, grant_id):
        """Return what a grant still holds."""
        return self.balances().get(f"grant:{grant_id}", Fraction(0))

    def draw(self, lines, day):
        """Pay for lines from the grants open on their days; returns the new draws in their order.

        All promotional draws come before all purchased ones, for the tax base lies between.

        Args:
            lines: mappings with id, period, charge, amount and priced_quantity, and days of
                service, half-open; without them the day counts for every grant.
            day: on which they are signed.
        """
        made = []
        open_amounts = {each["id"]: max(Fraction(0), each["amount"]) for each in lines}
        ordered = sorted(lines, key=lambda each: (each["period"], each["charge"], each["id"]))
        for is_promotional in (True, False):
            grants = sorted(
                (each for each in self.grants.values() if each.is_promotional == is_promotional),
                key=Grant.order,
            )
            for line in ordered:
                for grant in grants:
                    if not grant.may_pay(line, day):
                        continue
                    draw = self._drawn(grant, line, open_amounts[line["id"]])
                    if draw is not None:
                        open_amounts[line["id"]] -= draw.amount
                        made.append(draw)
        self.draws.extend(made)
        return made

    def _drawn(self, grant, line, open_amount):
        """Return what a grant pays of what is open of a line; None for nothing."""
        if grant.charges is not None and line["charge"] not in grant.charges:
            return None
        left = self.left(grant.id)
        if left <= 0 or open_amount <= 0:
            return None
        units = Fraction(0)
        if grant.unit is None:
            amount = posted = min(left, open_amount)
        else:
            open_units = line["priced_quantity"] * open_amount / line["amount"]
            units = posted = min(left, open_units)
            amount = open_amount
            if units < open_units:
                amount = rounded(open_amount * units / open_units, self.decimals)
        self._post(f"grant:{grant.id}", f"drawn:{grant.id}", posted)
        return Draw(grant.id, line["id"], amount, units)

    def restore(self, line_id, amount, day=None):
        """Give back what a line used too much, to the same grants in reverse order of drawing.

        What goes back to a grant after its last day expires at once, or opens it again for some
        days from then on. Without a day no grant has ended.
        """
        left = amount
        for place in range(len(self.draws) - 1, -1, -1):
            draw = self.draws[place]
            if draw.line != line_id or left <= 0:
                continue
            back = min(left, draw.amount)
            units = draw.units * back / draw.amount
            grant = self.grants[draw.grant]
            posted = back if grant.unit is None else units
            self._post(f"drawn:{grant.id}", f"grant:{grant.id}", posted)
            if day is not None and grant.expires is not None and day >= grant.expires:
                if grant.reopens_for is None:
                    self._end(grant, posted)
                else:
                    grant.expires = day + timedelta(days=grant.reopens_for)
            kept = Draw(draw.grant, draw.line, draw.amount - back, draw.units - units)
            self.draws[place] = kept
            left -= back
        return amount - left

    def expire(self, day):
        """Close grants that expired by a day; returns breakage by grant, in money.

        Only purchased grants have breakage: the part of what was paid that was not used.
        """
        breakage = {}
        for grant in self.grants.values():
            left = self.left(grant.id)
            if grant.expires is None or day < grant.expires or left == 0:
                continue
            self._end(grant, left)
            if not grant.is_promotional:
                share = grant.paid * left / grant.amount
                breakage[grant.id] = min(grant.paid, rounded(share, self.decimals))
        return breakage

    def _end(self, grant, amount):
        account = "lapsed" if grant.is_promotional else "breakage"
        self._post(f"grant:{grant.id}", f"{account}:{grant.id}", amount)
