"""What the operations database lost, made again from the register, the audit log and the ERP.

Owns: noticing that it is behind, rows of postings that it does not have, noticing that there is no
warehouse. Does not own: rows that journals keep (orchestration/operations_db) or that follow from
commits (orchestration/billing/derived_rows.py), the look into the ERP, which is the posting room's.
"""

from orchestration.recovery.healing import heal, is_behind, whole_operations
from orchestration.recovery.unbuilt import WarehouseNotBuiltError, refuse_unbuilt

__all__ = ["WarehouseNotBuiltError", "heal", "is_behind", "refuse_unbuilt", "whole_operations"]
