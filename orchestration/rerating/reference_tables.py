"""Compiled reference tables: read from a version, compared, put where dbt reads them.

Belongs here: what every rating in a directory of its own does with them. Does not belong here:
compiling (price_book); tables between two versions (mixing.py); tables of some customers
(excerpt.py).
"""

from pathlib import Path
from typing import Final

from orchestration.operations_db import replace_parquet
from orchestration.price_book.table_schemas import input_file_name
from orchestration.price_book.versions import read_compiled_tables
from orchestration.rerating.mixing import Tables, is_same
from orchestration.settings import Settings

PRICE_TABLES: Final = frozenset(
    (
        "charge_tiers",
        "charge_limits",
        "products",
        "terms",
        "term_amounts",
        "term_charges",
        "credit_grants",
        "credit_grant_scopes",
        "exchange_rates",
    )
)
"""Tables that no usage is counted, cut or placed by: with others, only prices are asked again."""


def compiled_tables(version: Path) -> Tables:
    """Read every compiled table of a reference version, by its folder."""
    return read_compiled_tables(version)


def changed_tables(before: Tables, after: Tables) -> frozenset[str]:
    """Names of the compiled tables that hold something else, whatever version they name."""
    return frozenset(
        name for name in before if not is_same({name: before[name]}, {name: after[name]})
    )


def put_tables(settings: Settings, tables: Tables) -> None:
    """Put compiled tables where dbt reads them in a data directory."""
    for name, table in tables.items():
        target = settings.warehouse_inputs / input_file_name(name)
        replace_parquet(target, table.schema, [table])
