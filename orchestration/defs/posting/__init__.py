"""Stage posting: signed documents become documents in the ERP, and its answers are read back.

Does not belong here: the posting engine (orchestration/billing), a vendor (adapters).
"""
