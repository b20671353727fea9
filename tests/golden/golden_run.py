"""All golden cases in one data directory, through the real path, once.

Belongs here: the reference folder, the usage files, load and build, and what was rated by case.
Does not belong here: what a case expects.
"""

import csv
import json
import os
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime

from golden_cases import plain
from golden_tenant import SOURCE, SYSTEM, Tenant

from orchestration.pipeline import (
    Installation,
    build_models,
    load_reference_data,
    load_usage_files,
    read_conservation,
    write_inputs,
)
from orchestration.price_book.table_models import TABLE_MODELS, columns_of
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

# Every golden contract has ended by then, so that nothing waits for its day.
NOW = datetime(2032, 1, 1, tzinfo=UTC)
SETTLED_SECONDS = 3600
MARTS = ("+fct_rated_line_tiers", "+fct_exceptions", "+fct_conservation")
# Golden cases judge what the models hold before the models' own data tests do.
SELECTION = ("--select", *MARTS, "--exclude-resource-type", "test")
DATA_TESTS = (
    *("test", "--indirect-selection", "cautious"),
    *("--select", *(f"{mart},test_type:data" for mart in MARTS)),
)
PREFIX = re.compile(r"\b([a-z0-9_]+-[0-9]{3})\.")
LINES = """
    select
        contract_id,
        charge_id,
        line_kind,
        customer_id,
        legal_entity_id,
        bill_to_customer_id,
        tax_profile,
        dimension_key,
        cell_start_date || '/' || cell_end_date as cell,
        segment_start_date || '/' || segment_end_date as days,
        strftime(service_start_at, '%Y-%m-%dT%H:%M:%SZ') || '/'
        || strftime(service_end_at, '%Y-%m-%dT%H:%M:%SZ') as time,
        quantity,
        priced_quantity,
        amount_unrounded,
        amount,
        exception_code,
        event_count,
        rated_line_id
    from rating.fct_rated_lines
    -- A term has a line in each cell, of zero where it adds nothing.
    where amount is distinct from 0 or line_kind not in ('true_up', 'overage', 'cap')
"""
TIERS = """
    select rated_line_id, tier_number, quantity, amount
    from rating.fct_rated_line_tiers
    order by rated_line_id, tier_number
"""
EXCEPTIONS = """
    select exception_code, customer_id, object_id
    from billing.fct_exceptions
    where object_kind in ('subject', 'meter', 'credit_grant')
"""
DRAWS = """
    select
        lines.credit_grant_id,
        contracts.contract_id,
        lines.charge_id,
        lines.cell_start_date || '/' || lines.cell_end_date as cell,
        -lines.amount as amount,
        -lines.quantity as quantity
    from billing.fct_invoice_candidate_lines as lines
    inner join staging.stg_reference__contracts as contracts
        on lines.contract_lineage_id = contracts.contract_lineage_id
        and lines.currency_code = contracts.currency_code
        and lines.service_start_at < coalesce(contracts.end_date, date '9999-12-31')
        and lines.service_end_at > contracts.start_date
    where lines.credit_grant_id is not null
"""
LEFT = """
    select credit_grant_id, granted_quantity - candidate_quantity, breakage_amount
    from billing.fct_credit_balances
"""
REJECTS = "select reject_code, raw_text from staging.stg_usage__rejects"


@dataclass
class Rated:
    """What came of one case: lines and draws as mappings, codes of exceptions and of rejects.

    Attributes:
        left: by grant, what candidates left of it. breakage: by grant, what was paid for what
            expired.
    """

    lines: list = field(default_factory=list)
    draws: list = field(default_factory=list)
    left: dict = field(default_factory=dict)
    breakage: dict = field(default_factory=dict)
    exceptions: list = field(default_factory=list)
    rejected: list = field(default_factory=list)


@dataclass(frozen=True)
class GoldenRun:
    """What one run over all cases left behind.

    Attributes:
        rated: by the prefix of the case. conservation: invariants 1 to 7 over all of them.
        settings: of the data directory, with the warehouse that they were rated in.
    """

    rated: dict
    conservation: list
    settings: Settings


def rate(cases, data_dir):
    """Load and rate every case as one batch, each as a tenant of its own; returns a GoldenRun.

    Raises:
        TallyhouseError: the folder was refused, or a model could not be built.
    """
    installation = Installation(Settings(data_dir=data_dir), clock=lambda: NOW)
    tenants = [Tenant(case) for case in cases]
    write_reference(installation.settings.reference_dir, tenants)
    load_reference_data(installation)
    for path in write_usage(installation.settings.landing_usage, tenants):
        load_usage_files(installation, paths=[path])
    write_inputs(installation)
    build_models(installation, SELECTION)
    return GoldenRun(
        read_rated(installation.settings),
        read_conservation(installation),
        installation.settings,
    )


def write_reference(folder, tenants):
    """Write the company's reference folder in the published format."""
    for name in ("price_book", "event_contracts", "tables"):
        (folder / name).mkdir(parents=True)
    product = {"id": "product", "name": "Product", "erp_item": "ITEM-1", "revenue_account": "4000"}
    _write_json(folder / "price_book" / "products.yml", {"products": [product]})
    meters, plans = {}, defaultdict(list)
    for tenant in tenants:
        meters |= tenant.meters()
        plans[tenant.case.path.stem] += tenant.plans()
        for event_type, schema in tenant.event_contracts().items():
            path = folder / "event_contracts" / event_type / "1.json"
            path.parent.mkdir(exist_ok=True)
            _write_json(path, schema)
    _write_json(folder / "price_book" / "meters.yml", {"meters": list(meters.values())})
    for stem, written in plans.items():
        _write_json(folder / "price_book" / f"{stem}.yml", {"plans": written})
    _write_json(folder / "sources.yml", {"sources": [{"prefix": SOURCE, "system": SYSTEM}]})
    approver = {"name": "golden", "legal_entities": "all", "up_to_amount": "unlimited"}
    _write_json(folder / "policy.yml", {"sign_off": {"approvers": [approver]}})
    _write_tables(folder / "tables", tenants)


def _write_tables(folder, tenants):
    rows = defaultdict(list)
    rows["legal_entities"] = [
        {
            "legal_entity_id": entity,
            "legal_entity_name": entity,
            "country_code": entity.upper(),
            "functional_currency_code": currency,
            "time_zone": "UTC",
        }
        for entity, currency in (("us", "USD"), ("de", "EUR"), ("jp", "JPY"), ("ch", "CHF"))
    ]
    for tenant in tenants:
        for table, written in tenant.table_rows().items():
            rows[table] += written
    for table in TABLE_MODELS:
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, columns_of(table), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows[table])


def _write_json(path, content):
    path.write_text(json.dumps(content), "utf-8")


def write_usage(folder, tenants):
    """Write one usage file per batch; returns them in the order in which they arrive."""
    lines = defaultdict(list)
    for tenant in tenants:
        for batch, text in tenant.events():
            lines[batch].append(text)
    folder.mkdir(parents=True)
    settled = time.time() - SETTLED_SECONDS
    paths = []
    for batch, texts in sorted(lines.items()):
        path = folder / f"batch_{batch}.jsonl"
        path.write_text("\n".join([*texts, ""]), "utf-8")
        os.utime(path, (settled, settled))
        paths.append(path)
    return paths


def read_rated(settings):
    """What the warehouse holds, by the prefix of the case that it belongs to."""
    rated = defaultdict(Rated)
    with open_warehouse(settings) as connection:
        tiers = defaultdict(list)
        for line_id, *figures in connection.execute(TIERS).fetchall():
            tiers[line_id].append([str(figures[0]), *(plain(each) for each in figures[1:])])
        for row in connection.execute(LINES).fetchall():
            line = _line(row, tiers)
            rated[_prefix_of(row[0])].lines.append(line)
        for grant, contract, charge, cell, *figures in connection.execute(DRAWS).fetchall():
            amount, quantity = map(plain, figures)
            draw = {"grant": _local(grant), "contract": _local(contract)}
            draw |= {"charge": _local(charge), "cell": cell}
            draw |= {"amount": amount, "quantity": quantity}
            rated[_prefix_of(grant)].draws.append(draw)
        for grant, left, breakage in connection.execute(LEFT).fetchall():
            rated[_prefix_of(grant)].left[_local(grant)] = plain(left)
            rated[_prefix_of(grant)].breakage[_local(grant)] = plain(breakage)
        for code, *ids in connection.execute(EXCEPTIONS).fetchall():
            rated[_prefix_of(*ids)].exceptions.append(code)
        for code, text in connection.execute(REJECTS).fetchall():
            rated[_prefix_of(text)].rejected.append(code)
    return rated


def _line(row, tiers):
    contract, charge, kind, customer, entity, bill_to, tax_profile, dimensions, *rest = row
    cell, days, service_time, *figures = rest
    quantity, priced, unrounded, amount, exception, event_count, line_id = figures
    return {
        "contract": _local(contract),
        "charge": _local(charge),
        "kind": kind,
        "customer": _local(customer),
        "dimensions": json.loads(dimensions),
        "days": days,
        "quantity": plain(quantity),
        "priced": plain(priced),
        "unrounded": plain(unrounded),
        "amount": plain(amount),
        "exception": exception,
        "events": str(event_count),
        "entity": entity,
        "bill_to": _local(bill_to),
        "tax_profile": tax_profile,
        "time": service_time,
        "cell": cell,
        "tiers": tiers[line_id],
    }


def _local(global_id):
    return global_id.split(".", 1)[1]


def _prefix_of(*ids):
    found = [match[1] for each in ids if each for match in [PREFIX.search(each)] if match]
    if not found:
        raise AssertionError(f"{ids} belongs to no golden case.")
    return found[0]
