"""Landing files to committed raw Parquet: reading, checking, rejecting, keeping the manifest.

Does not belong here: what an event means for a bill; Dagster.
"""

from orchestration.ingest.load import load_usage, sweep_uncommitted
from orchestration.ingest.records import FileOutcome, IngestionResult
from orchestration.ingest.refusals import IngestionBrokenError, IngestionBusyError
from orchestration.ingest.replay import replay_rejects

__all__ = [
    "FileOutcome",
    "IngestionBrokenError",
    "IngestionBusyError",
    "IngestionResult",
    "load_usage",
    "replay_rejects",
    "sweep_uncommitted",
]
