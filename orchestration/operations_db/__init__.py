"""The operations database: its schema, migrations and the queries that several rooms share.

Does not belong here: business rules; what must survive for years, which is the register's; Dagster.
"""

from orchestration.operations_db.database import (
    OperationsTooNewError,
    OperationsUnavailableError,
    open_operations,
    viewed_operations,
)
from orchestration.operations_db.inputs import (
    replace_parquet,
    sweep_unfinished,
    write_operations_inputs,
    write_rejects,
)
from orchestration.operations_db.journals import (
    CHECKS,
    EXCEPTIONS,
    INGESTION,
    REFERENCE,
    JournalDamagedError,
    JournaledTransaction,
    inspect_journals,
    journaled,
    restore_journals,
)
from orchestration.operations_db.transactions import write_transaction

__all__ = [
    "CHECKS",
    "EXCEPTIONS",
    "INGESTION",
    "REFERENCE",
    "JournalDamagedError",
    "JournaledTransaction",
    "OperationsTooNewError",
    "OperationsUnavailableError",
    "inspect_journals",
    "journaled",
    "open_operations",
    "replace_parquet",
    "restore_journals",
    "sweep_unfinished",
    "viewed_operations",
    "write_operations_inputs",
    "write_rejects",
    "write_transaction",
]
