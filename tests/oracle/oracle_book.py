"""The price book and the tables as the oracle reads them: close to how people write them.

Belongs here: parsed contracts, versions, identities and overrides, and look-ups by instant. Does
not belong here: any quantity or amount.

An independent statement of the rating rules: it shares no code with the product.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from oracle_time import day_start

DAY_LENGTH = len("2026-01-31")


def instant(text, zone):
    """Return a day of a zone, or an instant with its offset, as an aware instant; None if empty."""
    if not text:
        return None
    text = str(text)
    if len(text) == DAY_LENGTH:
        return day_start(zone, date.fromisoformat(text))
    return datetime.fromisoformat(text)


def _is_within(start, end, moment):
    return (start is None or start <= moment) and (end is None or moment < end)


@dataclass(frozen=True)
class Identity:
    """An external id in a system that means a customer for a while."""

    system: str
    external: str
    customer: str
    start: datetime | None
    end: datetime | None

    def holds(self, moment):
        """Say whether it is in force at an instant."""
        return _is_within(self.start, self.end, moment)


@dataclass(frozen=True)
class Version:
    """A contract version: a plan and its parties from an instant on."""

    number: int
    start: datetime
    end: datetime | None
    plan: str
    entity: str
    tax_profile: str


@dataclass(frozen=True)
class Contract:
    """A contract with its versions.

    Attributes:
        children: none, separate or pooled: whether usage of children without a contract of their
            own is rated here, and whether their ladders are one.
        terms: contract terms beside those of its plans, as mappings with a `kind`.
    """

    id: str
    lineage: str
    customer: str
    currency: str
    zone: str
    cadence: str
    anchor: int
    start: datetime
    end: datetime | None
    versions: tuple
    children: str = "none"
    terms: tuple = ()

    def holds(self, moment):
        """Say whether it is in force at an instant."""
        return _is_within(self.start, self.end, moment)


class Book:
    """Everything that rating looks up.

    Args:
        price_book: {"meters": [...], "products": [...], "plans": [...]} as in the YAML.
        tables: rows by table name, each a mapping of texts, as in the CSV.
        sources: as in sources.yml.
        contract_terms: terms by contract id.
    """

    def __init__(self, price_book, tables, sources, contract_terms=None):
        self.meters = {each["id"]: each for each in price_book["meters"]}
        self.plans = {each["id"]: each for each in price_book["plans"]}
        self.sources = sources
        self.parents = _parents(tables)
        self.identities = [
            Identity(
                each["system_id"],
                each["external_id"],
                each["customer_id"],
                instant(each["valid_from_at"], "UTC"),
                instant(each.get("valid_to_at"), "UTC"),
            )
            for each in tables["identities"]
        ]
        self.contracts = [
            _contract(row, tables["contract_versions"], (contract_terms or {}))
            for row in tables["contracts"]
        ]
        self.overrides = tables["overrides"]
        self._identities_by_id = _grouped(
            self.identities, lambda each: (each.system, each.external)
        )
        self._contracts_by_customer = _grouped(self.contracts, lambda each: each.customer)
        self.grants = tables.get("credit_grants", [])

    def customers_of(self, system, external, moment):
        """Return the customers that an external id means at an instant."""
        found = self._identities_by_id[system, external]
        return {each.customer for each in found if each.holds(moment)}

    def contract_of(self, customer, moment):
        """Return the contract in force of a customer, or of the nearest ancestor that covers it."""
        level, is_own = customer, True
        while level:
            for contract in self._contracts_by_customer[level]:
                if contract.holds(moment):
                    return contract if is_own or contract.children != "none" else None
            level, is_own = self.parent_of(level, moment), False
        return None

    def parent_of(self, customer, moment):
        """Return the customer above one at an instant; None at the top."""
        for parent, start, end in self.parents[customer]:
            if start <= moment and (end is None or moment < end):
                return parent
        return None


def _parents(tables):
    """Return (parent, first instant, instant after the last or None) by customer."""
    always = instant("0001-01-01T00:00:00Z", "UTC")
    found = defaultdict(list)
    for row in tables["customers"]:
        if row.get("parent_customer_id"):
            found[row["customer_id"]].append((row["parent_customer_id"], always, None))
    for row in tables.get("customer_parents", []):
        start, end = (instant(row.get(name), "UTC") for name in ("valid_from_at", "valid_to_at"))
        found[row["customer_id"]].append((row["parent_customer_id"], start, end))
    return found


def _grouped(records, key):
    groups = defaultdict(list)
    for each in records:
        groups[key(each)].append(each)
    return groups


def _contract(row, versions, terms):
    zone = row["time_zone"]
    end = instant(row.get("end_date"), zone)
    mine = sorted(
        (each for each in versions if each["contract_id"] == row["contract_id"]),
        key=lambda each: instant(each["effective_from_date"], zone),
    )
    starts = [instant(each["effective_from_date"], zone) for each in mine]
    return Contract(
        id=row["contract_id"],
        lineage=row.get("contract_lineage_id") or row["contract_id"],
        customer=row["customer_id"],
        currency=row["currency_code"],
        zone=zone,
        cadence=row["billing_cadence"],
        anchor=int(row["billing_anchor_day"]),
        start=instant(row["start_date"], zone),
        end=end,
        versions=tuple(
            Version(
                int(each["contract_version"]),
                start,
                after,
                each["plan_id"],
                each.get("legal_entity_id") or row["legal_entity_id"],
                each.get("tax_profile") or row.get("tax_profile") or "",
            )
            for each, start, after in zip(mine, starts, [*starts[1:], end], strict=True)
        ),
        children=row.get("children") or "none",
        terms=tuple(terms.get(row["contract_id"], ())),
    )
