"""Entries of the register beside bills, as finance writes and signs them.

Belongs here: what a file of records may say, the entries that it becomes, its signature. Does not
belong here: the register's own protocol and the rules of each kind (orchestration/billing); what an
entry does to what is due, which dbt decides (billing/candidates).
"""

from orchestration.recording.reading import RecordsInvalidError, read_file, read_records
from orchestration.recording.record import Recorded, preview_entries, record_entries

__all__ = [
    "Recorded",
    "RecordsInvalidError",
    "preview_entries",
    "read_file",
    "read_records",
    "record_entries",
]
