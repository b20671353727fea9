"""Everything that a reference folder says, as records that know where they stand.

Belongs here: the container that checks read and the compiler turns into tables.
Does not belong here: reading it from files (reading.py); judging it (the checks).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from orchestration.price_book.event_contracts import EventContract
from orchestration.price_book.field_types import FrozenModel
from orchestration.price_book.models import Charge, CurrencyPrice, Meter, PlanHead, Product
from orchestration.price_book.nearest_names import or_nearest
from orchestration.price_book.policy import Policy, SourcesFile
from orchestration.price_book.price_faults import ChargeTerms
from orchestration.price_book.refusals import subject
from orchestration.price_book.restatements import RestatesFile
from orchestration.price_book.table_models import (
    Contract,
    ContractVersion,
    CreditGrant,
    Customer,
    CustomerParent,
    ExchangeRate,
    Identity,
    LegalEntity,
    Override,
)
from orchestration.price_book.term_models import AnyTerm
from orchestration.price_book.yaml_reader import Location, YamlDocument

Item_co = TypeVar("Item_co", covariant=True)


@dataclass(frozen=True)
class Located(Generic[Item_co]):
    """A record of a YAML file and its place."""

    item: Item_co
    document: YamlDocument
    location: Location

    @property
    def path(self) -> str:
        """The file, relative to the reference folder."""
        return self.document.path

    def line(self, *steps: str | int) -> int:
        """The line of a field of the record, or of the record."""
        return self.document.line((*self.location, *steps))

    def name(self, *steps: str | int) -> str:
        """The record, or a field of it, by the names that people use."""
        return subject(self.document.content, (*self.location, *steps))


@dataclass(frozen=True)
class Row(Generic[Item_co]):
    """A record of a table and its place."""

    item: Item_co
    path: str
    line: int


@dataclass(frozen=True)
class PlacedPrice:
    """A price in one currency, with what the file says of its charge."""

    price: Located[CurrencyPrice]
    terms: ChargeTerms


@dataclass(frozen=True)
class OwnedTerm:
    """A term, with the plan or the contract whose it is; the other one is None."""

    term: Located[AnyTerm]
    plan_id: str | None = None
    contract_id: str | None = None


@dataclass
class PriceBook:
    """The price book, terms of contracts included, as far as it could be read.

    Attributes:
        charges: each with the id of its plan.
        prices: every price that could be read, also those of charges that could not.
        terms: those of plans, then those of contracts, each in the order of their files.
        declared: ids by kind (meter, product, plan, charge, term), also of records that are wrong.
        is_whole: whether every file, section and id could be read; if not, an unknown id proves
            nothing.
        has_all_terms: the same of the terms of contracts.
    """

    meters: list[Located[Meter]] = field(default_factory=list)
    products: list[Located[Product]] = field(default_factory=list)
    plans: list[Located[PlanHead]] = field(default_factory=list)
    charges: list[tuple[str, Located[Charge]]] = field(default_factory=list)
    prices: list[PlacedPrice] = field(default_factory=list)
    terms: list[OwnedTerm] = field(default_factory=list)
    declared: dict[str, dict[str, tuple[str, int]]] = field(default_factory=dict)
    is_whole: bool = True
    has_all_terms: bool = True

    def unread(self, kind: str) -> set[str]:
        """Ids of the records of a kind that are declared and could not be read."""
        read = {
            "meter": {meter.item.id for meter in self.meters},
            "plan": {plan.item.id for plan in self.plans},
            "charge": {charge.item.id for _, charge in self.charges},
            "term": {owned.term.item.id for owned in self.terms},
        }
        return set(self.declared.get(kind, {})) - read[kind]

    def known_plans(self) -> frozenset[str]:
        """Ids of the plans of which it is known what they hold; none unless the book is whole."""
        return frozenset(plan.item.id for plan in self.plans if self.is_whole)

    def is_unknown(self, kind: str, record_id: str) -> bool:
        """Whether nothing in the price book declares this id."""
        return self.is_whole and record_id not in self.declared.get(kind, {})

    def or_nearest(self, kind: str, record_id: str) -> str:
        """What to say after an unknown id: the nearest one that is declared, or nothing."""
        return or_nearest(record_id, self.declared.get(kind, {}))


@dataclass
class Tables:
    """The tables as far as they could be read.

    Attributes:
        override_prices: the price of each override that has one, by its place in overrides.
        declared: ids by table, also of rows that are wrong; a table that could not be read as a
            whole is absent, so that an id missing there proves nothing.
    """

    legal_entities: list[Row[LegalEntity]] = field(default_factory=list)
    customers: list[Row[Customer]] = field(default_factory=list)
    identities: list[Row[Identity]] = field(default_factory=list)
    contracts: list[Row[Contract]] = field(default_factory=list)
    contract_versions: list[Row[ContractVersion]] = field(default_factory=list)
    overrides: list[Row[Override]] = field(default_factory=list)
    exchange_rates: list[Row[ExchangeRate]] = field(default_factory=list)
    credit_grants: list[Row[CreditGrant]] = field(default_factory=list)
    customer_parents: list[Row[CustomerParent]] = field(default_factory=list)
    override_prices: dict[str, CurrencyPrice] = field(default_factory=dict)
    declared: dict[str, set[str]] = field(default_factory=dict)

    def put(self, table: str, rows: Sequence[Row[FrozenModel]]) -> None:
        """Set the rows of a table by its name."""
        setattr(self, table, list(rows))

    def is_unknown(self, table: str, record_id: str) -> bool:
        """Whether no row of a table that could be read has this id."""
        return table in self.declared and record_id not in self.declared[table]


@dataclass
class ReferenceData:
    """A whole reference folder.

    Attributes:
        contract_event_types: types that have a contract file, also a wrong one.
    """

    book: PriceBook
    tables: Tables
    event_contracts: Sequence[EventContract]
    contract_event_types: frozenset[str]
    sources: Located[SourcesFile] | None
    policy: Located[Policy] | None
    restates: Located[RestatesFile] | None = None

    def contracts_by_type(self) -> Mapping[str, list[EventContract]]:
        """Sound event contracts by event type, in the order of their versions."""
        found: dict[str, list[EventContract]] = {}
        for contract in sorted(self.event_contracts, key=lambda one: (one.event_type, one.version)):
            found.setdefault(contract.event_type, []).append(contract)
        return found
