"""A month rated first, and the same month rated again once it was signed, in one process.

Belongs here: both builds in turn, what a signature leaves between them, one customer's excerpt.
Does not belong here: making the workload, printing for people (bench_rerating).

Run as `python -m tests.benchmarks.measured_rerating DATA_DIR TURNS`; prints one JSON object.
"""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.billing.entries import REGISTER_ENTRY_SCHEMA
from orchestration.dbt import BUILD_ARGUMENTS, run_dbt
from orchestration.price_book.table_schemas import TABLE_SCHEMAS, input_file_name
from orchestration.rerating.reference_tables import put_tables
from orchestration.settings import Settings
from tests.benchmarks.measured_rating import BESIDE, METERED, RATED
from tests.benchmarks.measured_what_if import dearer_tiers

_BILLED: Final = (
    "tallyhouse.billing.candidates",
    "tallyhouse.billing.corrections",
    "tallyhouse.billing.credits",
    "fct_unbilled_amounts",
)
_MONTH: Final = (
    *("--select", *RATED, *_BILLED),
    *("--exclude", *BESIDE),
    *("--exclude-resource-type", "test"),
)
_DEARER_PERCENT: Final = 10
# What a signature of every candidate line leaves in the register.
_SIGNED: Final = """
    select
        1 as register_sequence,
        '0' as manifest_sha256,
        row_number() over (order by document_id, line_number) as entry_number,
        'bill' as entry_kind,
        billed_amount_before as billed_before,
        document_id as posting_key,
        'us:2026-10:r1' as revision_id,
        'finance@example.com' as signer,
        timestamp '2026-11-02 09:00:00' as signed_at,
        * exclude (billed_amount_before, charge_class, document_kind),
        document_kind
    from billing.fct_invoice_candidate_lines
"""
_DUE: Final = """
    select
        count(*) filter (outcome = 'candidate' and is_in_register),
        coalesce(sum(due_amount) filter (outcome = 'candidate'), 0),
        sum(rated_amount) - sum(billed_amount)
    from billing.int_settlements__compared
"""


def measure(settings: Settings, turn_count: int) -> dict[str, Any]:
    """Rate the month as it is rated first, and again with every key signed and dearer tiers.

    A machine's pace changes within minutes, so what is compared runs in turn.
    """
    run_dbt(settings, ["parse"])
    run_dbt(settings, ["run", "--select", *METERED])
    tables = {
        name: pq.read_table(settings.warehouse_inputs / input_file_name(name))
        for name in TABLE_SCHEMAS
    }
    dearer = tables | {"charge_tiers": dearer_tiers(tables["charge_tiers"], _DEARER_PERCENT)}
    nothing = REGISTER_ENTRY_SCHEMA.empty_table()
    _build(settings, tables, nothing)  # the tables are there from now on
    signed = _entries(settings)
    first, again = [], []
    found: Mapping[str, Any] = {}
    for _ in range(turn_count):
        first.append(_build(settings, tables, nothing))
        again.append(_build(settings, dearer, signed))
        found = _due(settings)
    return {
        "first": [spent for spent, _ in first],
        "again": [spent for spent, _ in again],
        "first_nodes": first[-1][1],
        "again_nodes": again[-1][1],
        "entries": signed.num_rows,
        **found,
    }


def _build(
    settings: Settings, tables: Mapping[str, pa.Table], entries: pa.Table
) -> tuple[float, dict[str, float]]:
    put_tables(settings, tables)
    pq.write_table(entries, settings.warehouse_inputs / "register_entries.parquet")
    started = time.perf_counter()
    outcome = run_dbt(settings, [*BUILD_ARGUMENTS, *_MONTH])
    return time.perf_counter() - started, outcome.node_seconds


def _entries(settings: Settings) -> pa.Table:
    with duckdb.connect(settings.warehouse_file, read_only=True) as connection:
        found: Any = connection.sql(_SIGNED).to_arrow_table()
    count = found.num_rows
    columns = [
        found[field.name].cast(field.type)
        if field.name in found.column_names
        else pa.nulls(count, field.type)
        for field in REGISTER_ENTRY_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=REGISTER_ENTRY_SCHEMA)


def _due(settings: Settings) -> dict[str, Any]:
    with duckdb.connect(settings.warehouse_file, read_only=True) as connection:
        [(keys, due, differing)] = connection.execute(_DUE).fetchall()
    return {
        "corrected_keys": keys,
        "due_amount": str(due),
        "is_all_due": due == differing and keys > 0,
    }


if __name__ == "__main__":
    sys.stdout.write(
        "\n" + json.dumps(measure(Settings.load(Path(sys.argv[1])), int(sys.argv[2]))) + "\n"
    )
