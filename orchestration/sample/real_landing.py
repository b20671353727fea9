"""A real event set as a landing folder: usage files, and tables for the tenants that are in it.

Belongs here: conversion, with every number's text as it is in the set.
Does not belong here: what a set looks like, which is real_sets'; loading, which is the pipeline's.
"""

import gzip
import os
import shutil
import time
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

import duckdb

from orchestration.failures import InputError
from orchestration.sample.real_sets import RealSet
from orchestration.settings import Settings

# A file that changed a moment ago counts as still being written; these are done.
_SETTLED_SECONDS: Final = 3600
_LEGAL_ENTITY: Final = "real_usage"

# Tables that are the same for every set: with one row, or with none.
_FIXED_TABLES: Final = {
    "legal_entities": (
        "legal_entity_id,legal_entity_name,country_code,functional_currency_code,time_zone\n"
        f"{_LEGAL_ENTITY},Real Usage,US,USD,UTC\n"
    ),
    "overrides": (
        "override_id,contract_id,charge_id,effective_from_date,effective_to_date,currency_code,"
        "price_json,author\n"
    ),
    "exchange_rates": "rate_date,from_currency_code,to_currency_code,rate\n",
    "credit_grants": (
        "credit_grant_id,contract_id,kind,amount,currency_code,priority,starts_on,expires_on,"
        "cost_basis,scope\n"
    ),
}


class RealUsageMissingError(InputError):
    """The folder of a real event set is not on this machine."""

    code = "real_usage_missing"


def write_real_landing(real_set: RealSet, settings: Settings) -> int:
    """Write the set's reference folder and usage files; returns how many events were written.

    One file per UTC day; every second one is compressed. Lines are in the order of time, then id.

    Raises:
        RealUsageMissingError: the set is not on this machine.
    """
    parquet = real_set.source_folder / "events.parquet"
    if not parquet.is_file():
        raise RealUsageMissingError(
            f"Tried to read the real event set {real_set.name}: {parquet} does not exist. Put the "
            "set there, or leave it out."
        )
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"create view events as select * from read_parquet('{parquet}')")
        _write_reference(real_set, settings.reference_dir, connection)
        return _write_usage(real_set, settings.landing_usage, connection)


def _write_reference(
    real_set: RealSet, folder: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    shutil.copytree(real_set.reference_folder, folder, dirs_exist_ok=True)
    tables = folder / "tables"
    tables.mkdir(exist_ok=True)
    for name, text in _FIXED_TABLES.items():
        (tables / f"{name}.csv").write_text(text, encoding="utf-8")
    connection.execute(
        f"""
        create table tenants as
        select
            subject as tenant,
            {real_set.plan_id} as plan_id,
            printf('%04d', row_number() over (order by subject)) as number
        from events
        group by subject
        """
    )
    queries = {
        "customers": """
            select
                'cus_' || number as customer_id, tenant as customer_name,
                null as parent_customer_id, null as bill_to_customer_id,
                'real' as segment, 'global' as region,
                'C' || number as erp_customer_number, 'A' || number as crm_account_id
        """,
        "identities": f"""
            select
                '{real_set.system_id}' as system_id, tenant as external_id,
                'cus_' || number as customer_id, '2000-01-01T00:00:00Z' as valid_from_at,
                null as valid_to_at, 'converter' as author
        """,
        "contracts": f"""
            select
                'con_' || number as contract_id, 'lin_' || number as contract_lineage_id,
                'cus_' || number as customer_id, '{_LEGAL_ENTITY}' as legal_entity_id,
                'USD' as currency_code, 'UTC' as time_zone, 'monthly' as billing_cadence,
                1 as billing_anchor_day, '{real_set.start_date}' as start_date,
                '{real_set.end_date}' as end_date, 'none' as tax_profile, null as purchase_order,
                'converter' as author
        """,
        "contract_versions": f"""
            select
                'con_' || number as contract_id, 1 as contract_version,
                '{real_set.start_date}' as effective_from_date, plan_id, 'converter' as author
        """,
    }
    for name, query in queries.items():
        connection.execute(
            f"copy ({query} from tenants order by number) to '{tables / f'{name}.csv'}' "
            "(format csv, header true)"
        )


def _write_usage(real_set: RealSet, folder: Path, connection: duckdb.DuckDBPyConnection) -> int:
    data = " || ',' || ".join(
        f"""'"{name}":' || {expression}""" for name, expression in real_set.data.items()
    )
    attributes = " || ',' || ".join(
        f"""'"{name}":' || cast(to_json({column}) as varchar)"""
        for name, column in (
            ("id", "id"),
            ("source", "source"),
            ("type", '"type"'),
            ("subject", "subject"),
        )
    )
    lines = connection.execute(
        f"""
        select
            strftime("time", '%Y-%m-%d') as event_date,
            '{{"specversion":"1.0",' || {attributes}
                || ',"time":"' || {real_set.time_text} || '","data":{{' || {data} || '}}}}' as line
        from events
        order by "time", id
        """
    ).fetchall()
    settled = time.time() - _SETTLED_SECONDS
    folder.mkdir(parents=True, exist_ok=True)
    for place, (event_date, of_day) in enumerate(groupby(lines, key=itemgetter(0))):
        content = "".join(f"{line}\n" for _, line in of_day).encode()
        path = folder / f"{event_date}.jsonl"
        if place % 2:
            path = path.with_name(f"{path.name}.gz")
            content = gzip.compress(content, compresslevel=1, mtime=0)
        path.write_bytes(content)
        os.utime(path, (settled, settled))
    return len(lines)
