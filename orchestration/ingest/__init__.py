"""Landing files to committed raw Parquet: reading, checking, rejecting, the manifest of what was loaded.

Does not belong here: what an event means for a bill; Dagster.
"""
