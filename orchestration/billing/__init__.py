"""Freezing, signing, the register and posting of what was signed.

Does not belong here: rating arithmetic, which is dbt's; wire formats of vendors; Dagster.
"""
