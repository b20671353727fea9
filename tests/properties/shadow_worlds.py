"""Random invoices of another system beside random rated lines, and what their difference is due to.

Belongs here: making them, and an oracle that goes through them one by one, with none of the models'
code. Does not belong here: dbt; a judgement.

A world is one customer of ours, with whatever is invoiced and rated of it in one month.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from random import Random

PERIOD = "2026-09"
MONTH = (date(2026, 9, 1), date(2026, 10, 1))
SHIFTED = (date(2026, 8, 15), date(2026, 9, 15))
PART = (date(2026, 9, 11), date(2026, 10, 1))
OUTSIDE = (date(2026, 8, 28), date(2026, 9, 28))
MINOR_UNITS = {"USD": 2, "JPY": 0, "KWD": 3}
CHARGES = ("calls", "store", "fee", "tokens")
TERMS = ("commit", "calls")
SMALL, LARGE = '{"model":"small"}', '{"model":"large"}'


def worlds(seed, count):
    """Lines of theirs, lines of ours, draws of credit and repriced cells of so many customers."""
    random = Random(seed)  # noqa: S311 — worlds, not secrets
    theirs, ours, draws, repriced = [], [], [], []
    for number in range(count):
        customer = f"cus_{number:04}"
        currency = random.choice(sorted(MINOR_UNITS))
        world = _World(random, customer, currency)
        ours += world.ours()
        draws += world.draws()
        theirs += world.theirs()
        repriced += world.repriced()
    for number, line in enumerate(theirs, start=2):
        line["line_number"] = number
    return theirs, ours, draws, repriced


class _World:
    def __init__(self, random, customer, currency):
        self.random = random
        self.customer = customer
        self.currency = currency
        self.step = Decimal(1).scaleb(-MINOR_UNITS[currency])
        self.rated = []

    def money(self):
        return self.random.randrange(-300, 3000) * self.step

    def ours(self):
        if self.random.random() < 0.1:
            return []
        for charge in self.random.sample(CHARGES, self.random.randint(1, 4)):
            cells = [MONTH] if self.random.random() < 0.8 else [MONTH, SHIFTED]
            keys = self.random.choice([[SMALL], [SMALL, LARGE]]) if charge == "tokens" else ["{}"]
            for cell in cells:
                service = PART if cell is MONTH and self.random.random() < 0.2 else cell
                for key in keys:
                    self._rate(charge, "fee" if charge == "fee" else "usage", cell, service, key)
        for term in self.random.sample(TERMS, self.random.randint(0, 2)):
            kind = "minimum" if term == "calls" else "true_up"
            self._rate(term, kind, MONTH, MONTH, "{}")
        return self.rated

    def _rate(self, charge, kind, cell, service, key):
        amount = self.money()
        is_unknown = self.random.random() < 0.07
        is_rounded = self.random.random() < 0.4
        self.rated.append(
            {
                "rated_line_id": f"{self.customer}-{len(self.rated)}",
                "billing_period": PERIOD,
                "customer_id": self.customer,
                "bill_to_customer_id": self.customer,
                "currency_code": self.currency,
                "charge_id": charge,
                "charge_model": "flat" if kind == "fee" else "per_unit",
                "line_kind": kind,
                "dimension_key": key,
                "cell_start_date": cell[0],
                "cell_end_date": cell[1],
                "segment_start_date": service[0],
                "segment_end_date": service[1],
                "quantity": Decimal(self.random.randint(1, 4)),
                "amount": None if is_unknown else amount,
                "amount_unrounded": amount + (self.step / 4 if is_rounded else 0),
                "exception_code": self.random.choice(["missing_price", "unknown_currency"])
                if is_unknown
                else None,
            }
        )

    def draws(self):
        if self.random.random() < 0.8:
            return []
        return [
            {
                "billing_period": PERIOD,
                "bill_to_customer_id": self.customer,
                "currency_code": self.currency,
                "credit_grant_id": self.random.choice(["promised", "purchased"]),
                "amount": -abs(self.money()),
            }
        ]

    def theirs(self):
        if self.random.random() < 0.1:
            return []
        lines = [self._like(line) for line in self.rated if self.random.random() < 0.85]
        lines += [
            self._line(self.random.choice(CHARGES), "usage", MONTH, self.money())
            for _ in range(self.random.choice([0, 0, 0, 1, 2]))
        ]
        if self.random.random() < 0.2:
            lines.append(self._line("credits", "credit", (None, None), -abs(self.money())))
        if self.random.random() < 0.2:
            kind = self.random.choice(["tax", "payment"])
            lines.append(self._line("VAT", kind, (None, None), self.money()))
        if self.random.random() < 0.15:
            lines.append(self._line(self.random.choice(CHARGES), "discount", MONTH, -self.money()))
        if self.random.random() < 0.15:
            lines.append(self._line("calls", "usage", MONTH, self.money()) | {"line_kind": "fee"})
        return lines

    def _like(self, line):
        amount = line["amount"] if line["amount"] is not None else self.money()
        amount += self.random.choice([0, 0, 0, 1, -1, 2, 250]) * self.step
        service = (line["segment_start_date"], line["segment_end_date"])
        if self.random.random() < 0.12:
            service = self.random.choice([OUTSIDE, MONTH, PART, SHIFTED])
        found = self._line(line["charge_id"], line["line_kind"], service, amount)
        found["quantity"] = self.random.choice(
            [line["quantity"], line["quantity"], line["quantity"], Decimal(7), None]
        )
        if line["charge_id"] == "tokens" and self.random.random() < 0.6:
            found["dimension_key"] = line["dimension_key"]
        return found

    def _line(self, charge, kind, service, amount):
        is_off = self.random.random() < 0.15
        is_lost, is_odd = self.random.random() < 0.03, self.random.random() < 0.03
        return {
            "billing_period": PERIOD,
            "load_number": 1,
            "invoice_number": f"R-{self.customer}",
            "their_customer": f"name of {self.customer}",
            "customer_by": "customer_id",
            "customer_reference": "nobody" if is_lost else self.customer,
            "their_charge": f"their {charge}",
            "charge_by": "charge_id",
            "charge_reference": "nothing" if is_odd else charge,
            "dimension_key": None,
            "line_kind": kind,
            "service_start_date": service[0],
            "service_end_date": service[1],
            "currency_code": self.currency,
            "quantity": Decimal(self.random.randint(1, 4)) if kind == "usage" else None,
            "amount": amount,
            "multiplied_amount": amount + (self.step * 5 if is_off else 0),
            "is_rounded": self.random.random() < 0.5,
        }

    def repriced(self):
        """What some cells change by, and some terms; at times it is not known."""
        cells = {
            (line["charge_id"], cell_of(line))
            for line in self.rated
            if line["line_kind"] in {"usage", "fee"}
        }
        found = [
            self._change(charge, cell, is_term=False)
            for charge, cell in sorted(cells)
            if charge != "tokens" and self.random.random() < 0.4
        ]
        terms = {line["charge_id"] for line in self.rated if is_term(line["line_kind"])}
        found += [
            self._change(charge, (None, None), is_term=True)
            for charge in sorted(terms)
            if self.random.random() < 0.3
        ]
        return found

    def _change(self, charge, cell, *, is_term):
        return {
            "billing_period": PERIOD,
            "customer_id": self.customer,
            "currency_code": self.currency,
            "charge_id": charge,
            "is_term": is_term,
            "dimension_key": "",
            "cell_start_date": cell[0],
            "cell_end_date": cell[1],
            "change_amount": self.random.choice(
                [None, Decimal(0), self.step, self.step * 250, self.money()]
            ),
        }


def cell_of(line):
    return line["cell_start_date"], line["cell_end_date"]


def is_term(kind):
    return kind not in {"usage", "fee", "discount"}


def explained(theirs, ours, draws, repriced):
    """Amounts by (customer, charge, currency, cause, detail), without those of nothing."""
    causes = defaultdict(Decimal)
    customers = {line["customer_reference"] for line in theirs} | {
        line["customer_id"] for line in ours
    }
    lowering = [credit for credit in draws if credit["credit_grant_id"] == "promised"]
    customers |= {credit["bill_to_customer_id"] for credit in lowering}
    for customer in sorted(customers):
        mine = [
            line
            for line in theirs
            if line["customer_reference"] == customer
            and line["line_kind"] not in {"tax", "payment"}
        ]
        here = [line for line in ours if line["customer_id"] == customer]
        here += [
            _as_line(credit) for credit in lowering if credit["bill_to_customer_id"] == customer
        ]
        changes = {
            (row["charge_id"], row["is_term"], row["cell_start_date"], row["cell_end_date"]): row[
                "change_amount"
            ]
            for row in repriced
            if row["customer_id"] == customer
        }
        for (charge, currency, cause, detail), amount in _of_customer(mine, here, changes):
            causes[charge[0] or customer, charge[1], currency, cause, detail] += amount
    return {key: amount for key, amount in causes.items() if amount}


def _as_line(credit):
    return {
        "currency_code": credit["currency_code"],
        "charge_id": "credits",
        "line_kind": "credit",
        "amount": credit["amount"],
        "exception_code": None,
    }


def _of_customer(theirs, ours, changes):
    known = []
    for line in theirs:
        if line["customer_reference"] == "nobody":
            key = (line["their_customer"], line["their_charge"])
            yield (key, line["currency_code"], "not_mapped", "customer_unknown"), line["amount"]
        elif line["charge_reference"] == "nothing":
            key = (None, line["their_charge"])
            yield (key, line["currency_code"], "not_mapped", "charge_unknown"), line["amount"]
        else:
            known.append(line)
    if [line for line in theirs if line["customer_reference"] == "nobody"]:
        return
    for currency in sorted({line["currency_code"] for line in known + ours}):
        there = [line for line in known if line["currency_code"] == currency]
        here = [line for line in ours if line["currency_code"] == currency]
        everything_there = [line for line in theirs if line["currency_code"] == currency]
        charges = {line["charge_reference"] for line in there} | {
            line["charge_id"] for line in here
        }
        for charge in sorted(charges):
            sides = (
                [line for line in there if line["charge_reference"] == charge],
                [line for line in here if line["charge_id"] == charge],
            )
            if not here or not everything_there:
                cause = "customer_only_there" if not here else "customer_only_here"
                found = [(cause, "", _sum(sides[0]) - _sum(sides[1]))]
            else:
                found = [*_of_terms(*sides, changes, charge)]
                found += _of_charge(*sides, changes, charge, MINOR_UNITS[currency])
            for cause, detail, amount in found:
                yield ((None, charge), currency, cause, detail), amount


def _of_terms(theirs, ours, changes, charge):
    there = [line for line in theirs if is_term(line["line_kind"])]
    here = [line for line in ours if is_term(line["line_kind"])]
    difference = _sum(there) - _sum(here)
    codes = sorted(line["exception_code"] for line in here if line["exception_code"])
    if codes:
        yield "exception", codes[0], difference
    elif there or here:
        change = changes.get((charge, True, None, None), Decimal(0))
        if change is None:
            yield "quantity_not_priced", "", difference
        else:
            yield "quantity", "", change
            yield "term_lines", "", difference - change


def _of_charge(theirs, ours, changes, charge, minor_unit):
    there = [line for line in theirs if not is_term(line["line_kind"])]
    here = [line for line in ours if not is_term(line["line_kind"])]
    is_apart = any(line["dimension_key"] is not None for line in there)
    parts = defaultdict(lambda: ([], []))
    for line in there:
        parts[line["dimension_key"] or ""][0].append(line)
    for line in here:
        parts[line["dimension_key"] if is_apart else ""][1].append(line)
    for there_part, here_part in parts.values():
        if not here_part or not there_part:
            cause = "charge_only_here" if here_part else "charge_only_there"
            yield cause, "", _sum(there_part) - _sum(here_part)
            continue
        cells = defaultdict(lambda: ([], []))
        for line in here_part:
            cells[cell_of(line)][1].append(line)
        places = list(cells)
        for line in there_part:
            cells[_place(line, places)][0].append(line)
        for cell, (mine, yours) in cells.items():
            change = changes.get((charge, False, *cell), "none") if not is_apart else "none"
            yield from _of_cell(mine, yours, cell, change, minor_unit)


def _place(line, cells):
    start, end = line["service_start_date"], line["service_end_date"]
    within = [cell for cell in cells if cell[0] <= start and end <= cell[1]]
    ordered = sorted(within, key=lambda cell: (cell[0] != start, cell[1] != end, cell))
    return ordered[0] if ordered else (None, None)


def _of_cell(theirs, ours, cell, change, minor_unit):
    difference = _sum(theirs) - _sum(ours)
    codes = sorted(line["exception_code"] for line in ours if line["exception_code"])
    if codes:
        yield "exception", codes[0], difference
        return
    if not theirs or not ours or not _is_same_service(theirs, ours, cell):
        yield "service_period", "", difference
        return
    counted = [line for line in theirs if line["line_kind"] != "discount"]
    quantities = [line["quantity"] for line in counted]
    usage = [line["quantity"] for line in ours if line["line_kind"] == "usage"]
    is_other = bool(
        usage and quantities and None not in quantities and sum(quantities) != sum(usage)
    )
    if change == "none":
        change = None if is_other else Decimal(0)
    if change is None:
        yield "quantity_not_priced", "", difference
        return
    yield "quantity", "", change
    rest = difference - change
    rounded = sum(line["is_rounded"] for line in theirs)
    rounded += (
        len(ours) if is_other else sum(line["amount_unrounded"] != line["amount"] for line in ours)
    )
    if 2 * abs(rest) <= rounded * Decimal(1).scaleb(-minor_unit):
        yield "rounding", "", rest
    elif usage and None in quantities:
        yield "unexplained", "", rest
    else:
        own = sum(line["multiplied_amount"] for line in theirs)
        yield "price", "", own - _sum(ours) - change
        yield "unexplained", "", _sum(theirs) - own


def _is_same_service(theirs, ours, cell):
    span = (
        min(line["service_start_date"] for line in theirs),
        max(line["service_end_date"] for line in theirs),
    )
    rated = (
        min(line["segment_start_date"] for line in ours),
        max(line["segment_end_date"] for line in ours),
    )
    return span in {rated, cell}


def _sum(lines):
    return sum((line["amount"] or Decimal(0) for line in lines), Decimal(0))
