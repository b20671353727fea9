"""The sample company's reference tables as CSV text.

Belongs here: one function per table, made from the cast; rates, grants and negotiated prices.
Does not belong here: the cast, which is company's; list prices, which data/sample holds.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Final

from orchestration.sample.company import (
    AMENDMENTS,
    CUSTOMERS,
    ENTITIES,
    ENTITY_BY_ID,
    MOVED_WORKSPACE,
    SYSTEMS,
    Customer,
    Entity,
    contract_id,
    contract_zone,
    customer_id,
    external_id,
    number_of,
)

Row = Mapping[str, str]

_ALWAYS: Final = "2025-01-01T00:00:00Z"
_CONTRACT_AUTHOR: Final = "contracts@brightloop.example"
_IDENTITY_AUTHOR: Final = "provisioning@brightloop.example"
_PRICING_AUTHOR: Final = "ana.ruiz@brightloop.example"


def tables() -> dict[str, str]:
    """Every reference table as CSV text, keyed by its name without the suffix."""
    return {
        "legal_entities": _csv([_entity_row(entity) for entity in ENTITIES]),
        "customers": _csv([_customer_row(customer) for customer in CUSTOMERS]),
        "identities": _csv(_identity_rows()),
        "contracts": _csv([_contract_row(customer) for customer in CUSTOMERS]),
        "contract_versions": _csv(_version_rows()),
        "overrides": _csv(_override_rows()),
        "exchange_rates": _csv(_exchange_rate_rows()),
        "credit_grants": _csv(_credit_grant_rows()),
    }


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _entity_row(entity: Entity) -> Row:
    return {
        "legal_entity_id": entity.legal_entity_id,
        "legal_entity_name": entity.name,
        "country_code": entity.country_code,
        "functional_currency_code": entity.currency_code,
        "time_zone": entity.time_zone,
    }


def _customer_row(customer: Customer) -> Row:
    number = number_of(customer.slug)
    parent = customer_id(customer.parent_slug) if customer.parent_slug else ""
    return {
        "customer_id": customer_id(customer.slug),
        "customer_name": customer.name,
        "parent_customer_id": parent,
        "bill_to_customer_id": parent if customer.is_billed_to_parent else "",
        "segment": customer.segment,
        "region": ENTITY_BY_ID[customer.legal_entity_id].region,
        "erp_customer_number": f"C{40000 + number}",
        "crm_account_id": f"001TH{number:010d}",
    }


def _identity_rows() -> list[Row]:
    moved_from, moved_to, moved_at = MOVED_WORKSPACE
    rows: list[Row] = []
    for system_id in SYSTEMS:
        for customer in CUSTOMERS:
            is_moved = system_id == "workspace" and customer.slug == moved_from
            rows.append(
                _identity_row(system_id, customer.slug, customer.slug, _ALWAYS, moved_at)
                if is_moved
                else _identity_row(system_id, customer.slug, customer.slug, _ALWAYS, "")
            )
            if is_moved:
                rows.append(_identity_row(system_id, customer.slug, moved_to, moved_at, ""))
    return rows


def _identity_row(system_id: str, named: str, owner: str, start: str, end: str) -> Row:
    return {
        "system_id": system_id,
        "external_id": external_id(system_id, named),
        "customer_id": customer_id(owner),
        "valid_from_at": start,
        "valid_to_at": end,
        "author": _IDENTITY_AUTHOR,
    }


def _contract_row(customer: Customer) -> Row:
    entity = ENTITY_BY_ID[customer.legal_entity_id]
    number = number_of(customer.slug)
    return {
        "contract_id": contract_id(customer.slug),
        "contract_lineage_id": f"lin_{number:03d}",
        "customer_id": customer_id(customer.slug),
        "legal_entity_id": entity.legal_entity_id,
        "currency_code": entity.currency_code,
        "time_zone": contract_zone(customer),
        "billing_cadence": customer.cadence,
        "billing_anchor_day": str(customer.anchor_day),
        "start_date": customer.start_date,
        "end_date": customer.end_date,
        "tax_profile": "export_services" if customer.time_zone else entity.tax_profile,
        "purchase_order": f"PO-{7000 + 13 * number}" if customer.segment == "enterprise" else "",
        "author": _CONTRACT_AUTHOR,
    }


def _version_rows() -> list[Row]:
    rows: list[Row] = []
    for customer in CUSTOMERS:
        starts = [(customer.start_date, customer.plan_id)]
        starts += [
            (change.effective_from_date, change.plan_id)
            for change in AMENDMENTS
            if change.slug == customer.slug
        ]
        rows += [
            {
                "contract_id": contract_id(customer.slug),
                "contract_version": str(version),
                "effective_from_date": start_date,
                "plan_id": plan_id,
                "author": _CONTRACT_AUTHOR,
            }
            for version, (start_date, plan_id) in enumerate(starts, start=1)
        ]
    return rows


def _override_rows() -> list[Row]:
    negotiated = (
        # A fee is per billing period: here a quarter, and a year with a month free.
        ("granite-harbor", "enterprise_fee", "2026-09-01", "USD", {"amount": "13500"}),
        ("granite-harbor", "enterprise_support", "2026-09-01", "USD", {"amount": "3600"}),
        ("lakeshore", "starter_fee", "2026-09-01", "USD", {"amount": "1089"}),
        (
            "monarch",
            "enterprise_input_tokens",
            "2026-09-01",
            "USD",
            {"tiers": [{"up_to": "50", "unit_price": "2.10"}, {"unit_price": "1.60"}]},
        ),
        ("isarwerk", "enterprise_support", "2026-09-01", "EUR", {"amount": "900"}),
        (
            "fujimori",
            "growth_api_calls",
            "2026-10-01",
            "JPY",
            {"package_size": "1000", "package_price": "1800"},
        ),
    )
    return [
        {
            "override_id": f"ovr_{contract_id(slug)}_{charge_id}",
            "contract_id": contract_id(slug),
            "charge_id": charge_id,
            "effective_from_date": start_date,
            "effective_to_date": "",
            "currency_code": currency_code,
            "price_json": json.dumps(price, separators=(", ", ": ")),
            "author": _PRICING_AUTHOR,
        }
        for slug, charge_id, start_date, currency_code, price in negotiated
    ]


def _exchange_rate_rows() -> list[Row]:
    quoted = {
        "2026-09-01": ("1.0912", "0.006780"),
        "2026-10-01": ("1.0875", "0.006715"),
        "2026-11-01": ("1.0934", "0.006742"),
    }
    return [
        {
            "rate_date": rate_date,
            "from_currency_code": currency_code,
            "to_currency_code": "USD",
            "rate": rate,
        }
        for rate_date, rates in quoted.items()
        for currency_code, rate in zip(("EUR", "JPY"), rates, strict=True)
    ]


def _credit_grant_rows() -> list[Row]:
    promotional = {"kind": "promotional"}
    purchased = {"kind": "purchased", "cost_basis": "0.9", "product_id": "prepaid"}
    egress = {**promotional, "scope": "growth_egress"}
    granted = (
        ("kestrel", "Welcome credit", "500 USD", "1", "2026-09-12 2026-12-31", promotional),
        ("bergwald", "Prepaid credit", "3000 EUR", "2", "2026-07-01 2027-06-30", purchased),
        ("tsukimi", "Egress on us", "60000 JPY", "1", "2026-10-01 2027-03-31", egress),
    )
    rows: list[Row] = []
    for number, (slug, name, credit, priority, days, more) in enumerate(granted, start=1):
        amount, currency_code = credit.split()
        starts_on, expires_on = days.split()
        rows.append(
            {
                "credit_grant_id": f"grant_{number:03d}",
                "contract_id": contract_id(slug),
                "kind": more["kind"],
                "amount": amount,
                "currency_code": currency_code,
                "priority": priority,
                "starts_on": starts_on,
                "expires_on": expires_on,
                "cost_basis": more.get("cost_basis", ""),
                "scope": more.get("scope", ""),
                "product_id": more.get("product_id", ""),
                "credit_grant_name": name,
                "author": _CONTRACT_AUTHOR,
            }
        )
    return rows
