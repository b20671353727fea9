"""Landing files to committed raw Parquet: reading, checking, rejecting, keeping the manifest.

Does not belong here: what an event means for a bill; Dagster.
"""
