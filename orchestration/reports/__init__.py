"""What people read: tables on the terminal, files for finance, the analysts' published copy.

Does not belong here: any figure that is not in the warehouse already; Dagster.
"""
