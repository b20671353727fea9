"""Compiled reference tables with the rows that a test is about.

Belongs here: making them. Does not belong here: any expectation.
"""

import pyarrow as pa

from orchestration.price_book.table_schemas import TABLE_SCHEMAS


def tables(version, **rows):
    """Every compiled table of a version, with rows that name only what a test is about."""
    return {
        name: pa.Table.from_pylist(
            [{"reference_version": version} | row for row in rows.get(name, [])],
            schema=pa.schema([field.with_nullable(True) for field in schema]),
        )
        for name, schema in TABLE_SCHEMAS.items()
    }
