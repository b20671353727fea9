"""Stage signals: what usage means for each account goes to the CRM.

Does not belong here: a signal's definition (dbt), the wire (adapters).
"""
