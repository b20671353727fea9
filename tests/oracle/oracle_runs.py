"""Which price of a charge is in force when: runs of one price in a cell, and their pieces.

Belongs here: contract versions, price versions, overrides and the instants at which they change.
Does not belong here: quantities and amounts.

An independent statement of the rating rules: it shares no code with the product.
"""

import json
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from oracle_book import instant
from oracle_time import Stretch, day_start, overlap


@dataclass
class Run:
    """The longest stretch of a cell in which one price of a charge is in force.

    Attributes:
        charge: as in the price book. price_id: list version or override.
        price: in the contract's currency; None where there is none.
        pieces: (stretch, contract version), cut wherever anything else changes.
    """

    charge: dict
    price_id: str | None
    price: dict | None
    pieces: list

    @property
    def stretch(self):
        """Return it from its first to its last moment."""
        return Stretch(self.pieces[0][0].start, self.pieces[-1][0].end)


def price_at(book, contract, charge, moment):
    """Return (price id, price) of a charge for a contract at an instant; None without one.

    A negotiated price replaces the list's. Days are those of the contract's zone.
    """
    for row in book.overrides:
        if (row["contract_id"], row["charge_id"]) != (contract.id, charge["id"]):
            continue
        start = instant(row["effective_from_date"], contract.zone)
        end = instant(row.get("effective_to_date"), contract.zone)
        if start <= moment and (end is None or moment < end):
            is_ours = row["currency_code"] == contract.currency
            return row["override_id"], json.loads(row["price_json"]) if is_ours else None
    begun = [
        each
        for each in charge["versions"]
        if instant(each["effective_from"], contract.zone) <= moment
    ]
    if not begun:
        return None, None
    version = max(begun, key=lambda each: date.fromisoformat(str(each["effective_from"])))
    price_id = f"{charge['id']}/{version['effective_from']}"
    return price_id, version["prices"].get(contract.currency)


def _cuts(book, contract, cell, further):
    """Return every instant of a cell at which something about the contract's prices may change."""
    found = {cell.start, cell.end, contract.start, contract.end}
    found.update(at for instants in further.values() for at in instants)
    for version in contract.versions:
        found.update({version.start, version.end})
        for charge in book.plans[version.plan]["charges"]:
            days = (each["effective_from"] for each in charge["versions"])
            found.update(day_start(contract.zone, date.fromisoformat(str(day))) for day in days)
    for row in book.overrides:
        if row["contract_id"] == contract.id:
            found.add(instant(row["effective_from_date"], contract.zone))
            found.add(instant(row.get("effective_to_date"), contract.zone))
    return sorted(each for each in found if each and cell.start <= each <= cell.end)


def runs_of(book, contract, cell, *, further):
    """Return the runs of a contract's charges in a cell, in order of time, by charge id.

    Args:
        book: to look prices up.
        contract: whose.
        cell: a billing cycle of it.
        further: by charge id, instants at which its pieces are cut besides: dates of discounts.
    """
    active = overlap(cell.stretch(), contract.start, contract.end)
    if active is None:
        return {}
    runs = {}
    cuts = _cuts(book, contract, cell, further)
    for start, end in pairwise(cuts):
        part = overlap(active, start, end)
        if part is None:
            continue
        version = next(
            each
            for each in contract.versions
            if each.start <= part.start and (each.end is None or part.start < each.end)
        )
        for charge in book.plans[version.plan]["charges"]:
            price_id, price = price_at(book, contract, charge, part.start)
            mine = runs.setdefault(charge["id"], [])
            cuts_inside = {*further.get(charge["id"], ()), *_list_starts(charge, contract.zone)}
            last = mine[-1] if mine else None
            if last and last.price_id == price_id and last.stretch.end == part.start:
                _lengthen(last, part, version, cuts_inside)
            else:
                mine.append(Run(charge, price_id, price, [(part, version)]))
    return runs


def _list_starts(charge, zone):
    """Return the instants at which list prices begin; under a negotiated price they cut pieces."""
    return [instant(each["effective_from"], zone) for each in charge["versions"]]


def _lengthen(run, part, version, further):
    """Add a part to a run: to its last piece where nothing changes, else as a piece of its own."""
    stretch, before = run.pieces[-1]
    if before == version and part.start not in further:
        run.pieces[-1] = (Stretch(stretch.start, part.end), version)
    else:
        run.pieces.append((part, version))
