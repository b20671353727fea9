"""A golden case as a tenant of one company: its part of the reference folder, and its usage.

Belongs here: ids of a case's own, price book and event contracts in the published format, table
rows, CloudEvents. Does not belong here: the format of cases (golden_cases.py); running anything.

Cases with the same meters share them: a meter reads event types of its own, and usage belongs to
the subject that an event names, which is the case's.
"""

import hashlib
import json
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

SOURCE = "/golden/main"
SYSTEM = "golden"
FIRST_PRICE_DAY = "2000-01-01"
STEPS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
# What an event of a case says about itself; every other field is a property of it.
EVENT_FIELDS = {
    "at",
    "customer",
    "subject",
    "type",
    "id",
    "source",
    "copies",
    "each",
    "count",
    "batch",
}
# Charge fields that say something else in a case than in a price book.
CHARGE_FIELDS = {"id", "plan", "price", "versions", "meter"}


class Tenant:
    """One case's share of the company.

    Attributes:
        case: the case. prefix: what its ids begin with.
    """

    def __init__(self, case):
        self.case = case
        self.prefix = case.prefix

    def named(self, local_id):
        return f"{self.prefix}.{local_id}"

    @cached_property
    def meter_group(self):
        """What the meters of the case have in common with those of no other definition."""
        text = json.dumps(self.case.fields["meters"], sort_keys=True)
        return f"g{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def meter_id(self, local_id):
        return f"{self.meter_group}.{local_id}"

    def event_types(self, meter):
        return [f"{self.meter_group}.{name}" for name in meter.get("event_types", ["use"])]

    def meters(self):
        """The meters, by id."""
        return {
            self.meter_id(meter["id"]): {
                **_with_flags(meter),
                "id": self.meter_id(meter["id"]),
                "event_types": self.event_types(meter),
            }
            for meter in self.case.fields["meters"]
        }

    def event_properties(self):
        """Names of numbers, and of texts, that the case's meters read."""
        numbers, texts = set(), set()
        for meter in self.case.fields["meters"]:
            value = meter.get("value", [])
            factors = [{"property": value}] if isinstance(value, str) else value
            numbers |= {factor["property"] for factor in factors}
            texts |= set(meter.get("dimensions", ()))
            texts |= {given["property"] for given in meter.get("filters", ())}
            texts |= {
                given["property"]
                for given in ({"property": meter.get("distinct")}, meter.get("operation", {}))
                if given.get("property")
            }
        return numbers, texts

    def event_contracts(self):
        """The JSON Schemas of the case's events, by event type."""
        numbers, texts = self.event_properties()
        properties = {name: {"type": "number"} for name in sorted(numbers)}
        properties |= {name: {"type": "string"} for name in sorted(texts)}
        return {
            event_type: {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$id": f"https://schemas.example.com/{event_type}/1",
                "type": "object",
                "properties": properties,
            }
            for meter in self.case.fields["meters"]
            for event_type in self.event_types(meter)
        }

    def plans(self):
        """The plans: `p` unless a charge or a contract version names another."""
        names = {charge.get("plan", "p") for charge in self.case.fields["charges"]}
        return [
            {
                "id": self.named(name),
                **self.case.fields.get("plans", {}).get(name, {}),
                "charges": [
                    self._charge(charge)
                    for charge in self.case.fields["charges"]
                    if charge.get("plan", "p") == name
                ],
                **self._terms(name),
            }
            for name in sorted(names)
        ]

    def _charge(self, charge):
        versions = charge.get("versions", [{"price": charge.get("price")}])
        currencies = sorted({contract["currency"] for contract in self.case.fields["contracts"]})
        written = {
            "id": self.named(charge["id"]),
            "product": charge.get("product", "product"),
            **{name: value for name, value in charge.items() if name not in CHARGE_FIELDS},
            "versions": [
                {
                    "effective_from": version.get("from", FIRST_PRICE_DAY),
                    "prices": dict.fromkeys(currencies, version["price"]),
                }
                for version in versions
            ],
        }
        if charge["model"] != "flat":
            written["meter"] = self.meter_id(charge.get("meter", "m"))
        return written

    def _terms(self, plan):
        written = []
        for term in self.case.fields["terms"]:
            if term.get("plan", plan) != plan:
                continue
            charges = {"charges": [self.named(each) for each in term.get("charges", ())]}
            fields = {name: value for name, value in term.items() if name != "plan"}
            written.append(
                {**fields, "id": self.named(term["id"]), **(charges if charges["charges"] else {})}
            )
        return {"terms": written} if written else {}

    def table_rows(self):
        """Rows of reference tables, by table."""
        fields = self.case.fields
        customers = {contract["customer"]: {} for contract in fields["contracts"]}
        customers |= fields["customers"]
        return {
            "customers": [self._customer(name, given) for name, given in customers.items()],
            "customer_parents": [
                row for name, given in customers.items() for row in self._parents(name, given)
            ],
            "identities": [self._identity(name) for name in customers],
            "contracts": [self._contract(contract) for contract in fields["contracts"]],
            "contract_versions": [
                row for contract in fields["contracts"] for row in self._versions(contract)
            ],
            "overrides": [
                self._override(number, given)
                for number, given in enumerate(fields["overrides"], start=1)
            ],
            "credit_grants": [self._grant(given) for given in fields["grants"]],
        }

    def _grant(self, given):
        """A grant: promotional, from the start of the year, in dollars or units unless told."""
        purchased = {"product_id": "product"} if given.get("kind") == "purchased" else {}
        money = {} if "unit" in given else {"currency_code": "USD"}
        usual = {"kind": "promotional", "priority": "1", "starts_on": "2026-01-01"}
        row = {**usual, **money, **purchased, **given}
        return {
            **{name: value for name, value in row.items() if name not in {"id", "contract"}},
            "credit_grant_id": self.named(given["id"]),
            "contract_id": self.named(given.get("contract", "k")),
            "scope": " ".join(self.named(each) for each in given.get("scope", ())),
        }

    def _customer(self, name, given):
        return {
            "customer_id": self.named(name),
            "customer_name": self.named(name),
            "parent_customer_id": self.named(given["parent"]) if "parent" in given else "",
            "bill_to_customer_id": self.named(given["bill_to"]) if "bill_to" in given else "",
            "erp_customer_number": self.named(name),
        }

    def _parents(self, name, given):
        for parent in given.get("parents", ()):
            yield {
                "customer_id": self.named(name),
                "parent_customer_id": self.named(parent["parent"]),
                "valid_from_at": parent.get("from", f"{FIRST_PRICE_DAY}T00:00:00Z"),
                "valid_to_at": parent.get("to", ""),
            }

    def _identity(self, name):
        return {
            "system_id": SYSTEM,
            "external_id": self.named(name),
            "customer_id": self.named(name),
            "valid_from_at": f"{FIRST_PRICE_DAY}T00:00:00Z",
        }

    def _contract(self, given):
        lineage = (
            {"contract_lineage_id": self.named(given["lineage"])} if "lineage" in given else {}
        )
        return {
            "contract_id": self.named(given["id"]),
            **lineage,
            "customer_id": self.named(given["customer"]),
            "legal_entity_id": given["entity"],
            "currency_code": given["currency"],
            "time_zone": given["zone"],
            "billing_cadence": given["cadence"],
            "billing_anchor_day": given["anchor"],
            "start_date": given["start"],
            "end_date": given.get("end", ""),
            "tax_profile": given["tax_profile"],
            "children": given.get("children", ""),
        }

    def _versions(self, given):
        versions = given.get("versions", [{"from": given["start"]}])
        for number, version in enumerate(versions, start=1):
            yield {
                "contract_id": self.named(given["id"]),
                "contract_version": str(number),
                "effective_from_date": version["from"],
                "plan_id": self.named(version.get("plan", "p")),
                "legal_entity_id": version.get("entity", ""),
                "bill_to_customer_id": self.named(version["bill_to"])
                if "bill_to" in version
                else "",
                "tax_profile": version.get("tax_profile", ""),
            }

    def _override(self, number, given):
        contract_id = given.get("contract", "k")
        currency = {each["id"]: each["currency"] for each in self.case.fields["contracts"]}
        return {
            "override_id": self.named(f"o{number}"),
            "contract_id": self.named(contract_id),
            "charge_id": self.named(given.get("charge", "c")),
            "effective_from_date": given["from"],
            "effective_to_date": given.get("to", ""),
            "currency_code": currency[contract_id],
            "price_json": json.dumps(given["price"]),
        }

    def events(self):
        """CloudEvents as JSON texts, each with the number of the batch that it arrives in."""
        numbers, _ = self.event_properties()
        for index, written in enumerate(self.case.fields["events"]):
            given = written if isinstance(written, dict) else {"value": written}
            data = ", ".join(
                f"{json.dumps(name)}: {value if name in numbers else json.dumps(value)}"
                for name, value in given.items()
                if name not in EVENT_FIELDS
            )
            for number, at in enumerate(self._instants(given)):
                event = {
                    "specversion": "1.0",
                    "id": given.get("id", f"{index}-{number}"),
                    "source": given.get("source", f"{SOURCE}/{self.prefix}"),
                    "type": f"{self.meter_group}.{given.get('type', 'use')}",
                    "subject": self.named(
                        given.get("subject", given.get("customer", self._first_customer))
                    ),
                    "time": at,
                }
                head = json.dumps(event).removesuffix("}")
                yield int(given.get("batch", 1)), f'{head}, "data": {{{data}}}}}'

    @cached_property
    def _first_customer(self):
        return self.case.fields["contracts"][0]["customer"]

    def _instants(self, given):
        """When the events of one entry happen: noon of a day, or as told, `count` times."""
        text = given.get("at", self.case.fields["contracts"][0]["start"])
        if "each" not in given:
            at = f"{text}T12:00:00Z" if "T" not in text else text
            return [at] * int(given.get("copies", 1))
        first = (
            datetime.fromisoformat(text)
            if "T" in text
            else datetime.combine(date.fromisoformat(text), time(), tzinfo=UTC)
        )
        return [
            (first + STEPS[given["each"]] * number).isoformat()
            for number in range(int(given["count"]))
            for _ in range(int(given.get("copies", 1)))
        ]


def _with_flags(meter):
    """The meter with truth values instead of their texts."""
    flags = {"true": True, "false": False}
    return {
        name: flags[value] if name == "is_negative_allowed" else value
        for name, value in meter.items()
    }
