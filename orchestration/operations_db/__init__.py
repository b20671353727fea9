"""The operations database: its schema, migrations and the queries that several rooms share.

Does not belong here: business rules; what must survive for years, which is the register's; Dagster.
"""

from orchestration.operations_db.database import (
    OperationsTooNewError,
    OperationsUnavailableError,
    open_operations,
    viewed_operations,
    write_transaction,
)
from orchestration.operations_db.inputs import replace_parquet, write_operations_inputs

__all__ = [
    "OperationsTooNewError",
    "OperationsUnavailableError",
    "open_operations",
    "replace_parquet",
    "viewed_operations",
    "write_operations_inputs",
    "write_transaction",
]
