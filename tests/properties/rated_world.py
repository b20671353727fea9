"""A generated world on the real path: folder and usage files, ingestion, one dbt build, lines.

Belongs here: giving ids to drawn tenants, writing them as a company would, and reading rated lines
as plain values. Does not belong here: what is drawn (catalog_strategies), what is expected.
"""

import csv
import json
import os
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal
from fractions import Fraction

import yaml
from catalog_usage import UNTIL
from oracle_book import Book, instant
from oracle_events import Event

from orchestration.pipeline import (
    RATING,
    Installation,
    build_models,
    load_reference_data,
    load_usage_files,
    write_inputs,
)
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

NOW = UNTIL
SETTLED_SECONDS = 3600
WITHOUT_TESTS = ("--exclude-resource-type", "test")
BELOW = ["", "-child", "-grandchild"]
FURTHER_DAYS = 65
NUMBERS = {"amount", "factor"}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://schemas.example.com/usage/1",
    "type": "object",
    "properties": {
        "amount": {"type": "number"},
        "factor": {"type": "number"},
        "user": {"type": "string"},
        "region": {"type": "string"},
        "status": {"type": "string"},
        "note": {"type": "string"},
        "is_paid": {"type": "boolean"},
        "action": {"type": "string"},
    },
    "required": ["amount", "factor", "user", "status", "is_paid", "action"],
}
COLUMNS = {
    "legal_entities": "legal_entity_id legal_entity_name country_code functional_currency_code "
    "time_zone",
    "customers": "customer_id customer_name parent_customer_id bill_to_customer_id segment region "
    "erp_customer_number crm_account_id",
    "customer_parents": "customer_id parent_customer_id valid_from_at valid_to_at author",
    "identities": "system_id external_id customer_id valid_from_at valid_to_at author",
    "contracts": "contract_id contract_lineage_id customer_id legal_entity_id currency_code "
    "time_zone billing_cadence billing_anchor_day start_date end_date tax_profile purchase_order "
    "children author",
    "contract_versions": "contract_id contract_version effective_from_date plan_id "
    "legal_entity_id bill_to_customer_id tax_profile author",
    "overrides": "override_id contract_id charge_id effective_from_date effective_to_date "
    "currency_code price_json author",
    "exchange_rates": "rate_date from_currency_code to_currency_code rate",
    "credit_grants": "credit_grant_id contract_id kind amount currency_code priority starts_on "
    "expires_on cost_basis scope",
}


@dataclass(frozen=True)
class Sent:
    """One line of a usage file: the event, and how it was written."""

    event: Event
    text: str


class World:
    """Tenants with ids: a price book, tables and lines of usage.

    Attributes:
        price_book, tables, sources, contract_terms: as people write them.
        sent: lines in order of time.
        tenants: the drawn tenant by contract id, to show where something differs.
    """

    def __init__(self, catalog):
        self.price_book = {
            "meters": [{"id": f"m{place}", **meter} for place, meter in enumerate(catalog)],
            "products": [
                {"id": "product", "name": "P", "erp_item": "ITEM", "revenue_account": "4000"}
            ],
            "plans": [],
        }
        self.tables = {name: [] for name in COLUMNS}
        for entity in ("entity", "second"):
            self.tables["legal_entities"].append(
                dict(
                    zip(
                        COLUMNS["legal_entities"].split(),
                        [entity, entity, "US", "USD", "UTC"],
                        strict=True,
                    )
                )
            )
        self._row("customers", customer_id="payer", customer_name="Payer")
        self.contract_terms = {}
        self.sources = [{"prefix": "/app/", "system": "app"}]
        self.sent = []
        self.tenants = {}

    def add(self, tenant, *, plans_of=None, further=()):
        """Give a tenant ids and put it in; returns the contract's id.

        Args:
            tenant: a drawn one.
            plans_of: contract whose plans it shares, instead of its own.
            further: amendments beside its own.
        """
        name = f"t{len(self.tables['customers']) // len(BELOW):03d}"
        contract, customer = f"con_{name}", f"cus_{name}"
        owner = plans_of or contract
        if plans_of is None:
            for place, charges in enumerate(tenant.plans):
                self.price_book["plans"].append(
                    {
                        "id": f"{owner}_p{place}",
                        "name": "Plan",
                        "charges": [
                            _named(charge, f"{owner}_p{place}_c{index}")
                            for index, charge in enumerate(charges)
                        ],
                        "terms": _termed(tenant.terms[place], owner, place),
                    }
                )
        self._family(tenant, name, f"{owner}_p0")
        self._row(
            "contracts",
            contract_id=contract,
            customer_id=customer,
            legal_entity_id="entity",
            **tenant.contract,
        )
        zone = tenant.contract["time_zone"]
        amendments = sorted(
            [*tenant.amendments, *further], key=lambda each: instant(each.start, zone)
        )
        for number, each in enumerate(amendments, 1):
            self._row(
                "contract_versions",
                contract_id=contract,
                contract_version=str(number),
                effective_from_date=each.start,
                plan_id=f"{owner}_p{each.plan}",
                **each.parties,
            )
        if tenant.is_renewed:
            self._contract(
                f"{contract}-renewal",
                {**tenant.contract, "customer_id": customer, "contract_lineage_id": contract},
                date.fromisoformat(tenant.contract["end_date"]),
                f"{owner}_p{amendments[-1].plan}",
            )
            self.tenants[f"{contract}-renewal"] = tenant
        if tenant.own_terms:
            self.contract_terms[contract] = _termed(tenant.own_terms, owner, 0, contract)
        for place, start, end, price in tenant.overrides:
            self._row(
                "overrides",
                override_id=f"ovr_{name}_{place}",
                contract_id=contract,
                charge_id=f"{owner}_p0_c{place}",
                effective_from_date=start.isoformat(),
                effective_to_date=end.isoformat() if end else "",
                currency_code=tenant.contract["currency_code"],
                price_json=json.dumps(price),
            )
        self.tenants[contract] = tenant
        for number, use in enumerate(tenant.uses):
            self._send(name, number, use)
        return contract

    def _family(self, tenant, name, plan_id):
        """Put in a customer, its child and its grandchild, and the child's own contract."""
        moving = {move[0] for move in tenant.moves}
        for level, below in enumerate(BELOW):
            customer = f"cus_{name}{below}"
            is_fixed = level > 0 and level not in moving
            parent = f"cus_{name}{BELOW[level - 1]}" if is_fixed else ""
            self._row(
                "customers", customer_id=customer, customer_name=name, parent_customer_id=parent
            )
            self._row(
                "identities",
                system_id="app",
                external_id=f"{name}{below}",
                customer_id=customer,
                valid_from_at="2026-01-01T00:00:00Z",
            )
        for level, above, start, end in tenant.moves:
            self._row(
                "customer_parents",
                customer_id=f"cus_{name}{BELOW[level]}",
                parent_customer_id=f"cus_{name}{BELOW[above]}",
                valid_from_at=start,
                valid_to_at=end,
            )
        if tenant.child_start is not None:
            columns = tenant.contract | {"customer_id": f"cus_{name}{BELOW[1]}"}
            self._contract(f"con_{name}{BELOW[1]}", columns, tenant.child_start, plan_id)
            self.tenants[f"con_{name}{BELOW[1]}"] = tenant

    def _contract(self, contract, columns, first, plan_id):
        """Put in a contract of some days on one plan."""
        dates = {
            "start_date": first.isoformat(),
            "end_date": (first + timedelta(days=FURTHER_DAYS)).isoformat(),
        }
        own = {"contract_id": contract, "legal_entity_id": "entity"}
        self._row("contracts", **(columns | own | dates))
        self._row(
            "contract_versions",
            contract_id=contract,
            contract_version="1",
            effective_from_date=dates["start_date"],
            plan_id=plan_id,
        )

    def _row(self, table, **columns):
        empty = dict.fromkeys(COLUMNS[table].split(), "")
        if "author" in empty:
            empty["author"] = "ben@example.com"
        self.tables[table].append(empty | columns)

    def _send(self, name, number, use):
        name += BELOW[use.level]
        event = Event("/app/one", f"{name}-{number}", "usage", name, use.at, use.data, use.nanos)
        self.sent.extend(Sent(event, written(event, copy)) for copy in range(use.copies))
        if use.is_contradicted:
            other = use.data | {"amount": use.data["amount"] + 1}
            event = Event(event.source, event.id, "usage", name, use.at, other, use.nanos)
            self.sent.append(Sent(event, written(event, 0)))

    @property
    def meters(self):
        """Return its meters by id."""
        return {each["id"]: each for each in self.price_book["meters"]}

    def book(self):
        """Return it as the oracle reads it."""
        return Book(self.price_book, self.tables, self.sources, self.contract_terms)

    def events(self):
        """Return every event as often as it was sent."""
        return [each.event for each in self.sent]


def _named(charge, charge_id):
    made = {"id": charge_id, **charge}
    if "meter" in made:
        made["meter"] = f"m{made['meter']}"
    return made


def _termed(terms, owner, place, contract=None):
    """Return terms with ids, over the charges of a plan of an owner."""
    found = []
    for number, term in enumerate(terms):
        made = {"id": f"{contract or f'{owner}_p{place}'}_t{number}", **term}
        if "charges" in made:
            made["charges"] = [f"{owner}_p{place}_c{each}" for each in term["charges"]]
        found.append(made)
    return found


def written(event, copy):
    """Return an event as a line of JSON; copies write numbers, key order and time differently."""
    numbers = {name: event.data[name] for name in event.data if name in NUMBERS}
    others = {name: value for name, value in event.data.items() if name not in NUMBERS}
    zeros = "0" if copy else ""
    said = [f'"{name}":{_plain(value)}{zeros}' for name, value in numbers.items()]
    said += [f'"{name}":{json.dumps(value)}' for name, value in others.items()]
    if copy:
        said.reverse()
    moment = event.at.astimezone(UTC).replace(tzinfo=None)
    shown = f"{moment.isoformat(timespec='microseconds')}{event.nanos:03d}Z"
    if copy:
        later = moment + timedelta(hours=2)
        shown = f"{later.isoformat(timespec='microseconds')}{event.nanos:03d}+02:00"
    return (
        f'{{"specversion":"1.0","id":"{event.id}","source":"{event.source}","type":"usage",'
        f'"subject":"{event.subject}","time":"{shown}","data":{{{",".join(said)}}}}}'
    )


def _plain(value):
    text = format(Decimal(value), "f")
    return text if "." in text else text + ".0"


class RealPath:
    """One data directory that a world goes through as files.

    Attributes:
        settings: of the directory. installation: what the steps take; its clock stands still.
    """

    def __init__(self, data_dir, world):
        self.settings = Settings(data_dir=data_dir)
        self.installation = Installation(self.settings, clock=lambda: NOW)
        self.deliveries = 0
        write_folder(data_dir / "landing" / "reference", world)
        load_reference_data(self.installation)

    def load(self, sent):
        """Write lines as one file, in their order, and load it as one batch."""
        path = self.settings.landing_usage / f"usage-{self.deliveries}.jsonl"
        self.deliveries += 1
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(each.text + "\n" for each in sent), encoding="utf-8")
        settled = time.time() - SETTLED_SECONDS
        os.utime(path, (settled, settled))
        loaded = load_usage_files(self.installation, paths=[path])
        assert (len(sent), 0) == (loaded.lines_read, loaded.lines_rejected)

    def build(self):
        """Build every model up to candidates, once."""
        write_inputs(self.installation)
        build_models(self.installation, (*RATING, *WITHOUT_TESTS))

    def lines(self):
        """Return every rated line by column name."""
        return self._rows("select * from rating.fct_rated_lines order by rated_line_id")

    def tiers(self):
        """Return the tiers of every line."""
        return self._rows(
            "select * from rating.fct_rated_line_tiers order by rated_line_id, tier_number"
        )

    def broken_invariants(self):
        """Return the names of conservation checks that do not hold."""
        rows = self._rows(
            "select distinct check_name from reconciliation.fct_conservation where not is_held"
        )
        return sorted(row["check_name"] for row in rows)

    def _rows(self, query):
        with open_warehouse(self.settings) as connection:
            found = connection.execute(query)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def write_folder(folder, world):
    """Write a world's reference folder as its files are written by people."""
    (folder / "price_book").mkdir(parents=True)
    (folder / "price_book" / "all.yml").write_text(
        yaml.safe_dump(_as_written(world.price_book), sort_keys=False), encoding="utf-8"
    )
    (folder / "contract_terms").mkdir()
    own = [{"contract": each, "terms": terms} for each, terms in world.contract_terms.items()]
    (folder / "contract_terms" / "all.yml").write_text(
        yaml.safe_dump(_as_written({"contract_terms": own}), sort_keys=False), encoding="utf-8"
    )
    contract = folder / "event_contracts" / "usage" / "1.json"
    contract.parent.mkdir(parents=True)
    contract.write_text(json.dumps(SCHEMA), encoding="utf-8")
    (folder / "sources.yml").write_text(yaml.safe_dump({"sources": world.sources}))
    approvers = [{"name": "dana", "legal_entities": "all", "up_to_amount": "unlimited"}]
    (folder / "policy.yml").write_text(yaml.safe_dump({"sign_off": {"approvers": approvers}}))
    (folder / "tables").mkdir()
    for table, columns in COLUMNS.items():
        with (folder / "tables" / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns.split(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(world.tables[table])


def _as_written(value):
    """Return a copy without shared parts, so that YAML needs no aliases."""
    return json.loads(json.dumps(value))


def sums(rows, key, *figures):
    """Return the sum of each figure by key, as Fractions."""
    found = defaultdict(lambda: [Fraction(0)] * len(figures))
    for row in rows:
        found[key(row)] = [
            total + Fraction(figure(row))
            for total, figure in zip(found[key(row)], figures, strict=True)
        ]
    return dict(found)
