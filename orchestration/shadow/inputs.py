"""The invoice lines in force and what their quantities come to, as dbt reads them.

Belongs here: the two files and their columns. Does not belong here: reading invoices
(invoice_lines.py), pricing quantities (repricing.py).
"""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.operations_db import replace_parquet
from orchestration.settings import Settings
from orchestration.shadow.invoice_lines import LINE_SCHEMA

_REPRICED_TYPES: Final[dict[str, pa.DataType]] = {
    "billing_period": pa.string(),
    "customer_id": pa.string(),
    "currency_code": pa.string(),
    "charge_id": pa.string(),
    "is_term": pa.bool_(),
    "dimension_key": pa.string(),
    "cell_start_date": pa.date32(),
    "cell_end_date": pa.date32(),
    "change_amount": pa.decimal128(38, 4),
}
REPRICED_SCHEMA: Final = pa.schema(_REPRICED_TYPES)
"""What our amount of a cell changes by with their quantities; null where it is not known then."""

_FILES: Final = {
    "shadow_invoice_lines": LINE_SCHEMA,
    "shadow_repriced_cells": REPRICED_SCHEMA,
}


def keep_shadow_inputs(settings: Settings) -> None:
    """Leave both files as they are; make those that are missing or of other columns, empty."""
    for name, schema in _FILES.items():
        path = settings.warehouse_inputs / f"{name}.parquet"
        try:
            is_kept = pq.read_schema(path).equals(schema)
        except (FileNotFoundError, pa.ArrowInvalid):
            is_kept = False
        if not is_kept:
            replace_parquet(path, schema, [schema.empty_table()])


def put_invoice_lines(settings: Settings, tables: Sequence[pa.Table]) -> None:
    """Put the lines of all files in force in place, of LINE_SCHEMA."""
    _put(settings, "shadow_invoice_lines", tables)


def put_repriced_cells(settings: Settings, table: pa.Table) -> None:
    """Put what their quantities come to in place, of REPRICED_SCHEMA."""
    _put(settings, "shadow_repriced_cells", [table])


def _put(settings: Settings, name: str, tables: Sequence[pa.Table]) -> None:
    settings.warehouse_inputs.mkdir(parents=True, exist_ok=True)
    replace_parquet(settings.warehouse_inputs / f"{name}.parquet", _FILES[name], tables)
