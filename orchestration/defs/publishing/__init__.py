"""Stage publishing: a read-only copy of the marts, swapped in at once.

Does not belong here: how a copy is made and swapped (orchestration/reports).
"""
