"""The audit log: who did what, append-only, each entry with the digest of the one before.

Owns: audit/ of a data directory, the anchors of its head in the operations database. Does not own:
the deeds, each of which is kept first where it belongs (the register, the operations database);
Dagster; the mart that analysts read (dbt).
"""

from orchestration.audit.catching_up import catch_up
from orchestration.audit.entries import Deed, Entry
from orchestration.audit.inputs import write_audit_inputs
from orchestration.audit.log import AuditLog

__all__ = ["AuditLog", "Deed", "Entry", "catch_up", "write_audit_inputs"]
