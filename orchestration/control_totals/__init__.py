"""What sources say that they sent: control totals, read from small files, kept as batches.

Owns: reading a file of totals, the batches by which totals reach the models. Does not own: which
measures a source may state (price_book), whether a total agrees with what arrived (dbt's
fct_control_totals), what stands in the way of a signature (billing); Dagster.
"""

from orchestration.control_totals.loading import (
    ControlTotalsLoaded,
    ControlTotalsRefusedError,
    load_control_totals,
    refuse_unloaded,
)

__all__ = [
    "ControlTotalsLoaded",
    "ControlTotalsRefusedError",
    "load_control_totals",
    "refuse_unloaded",
]
