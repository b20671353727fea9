"""Rebuilding what was signed, from the inputs that it names, beside the warehouse of today.

Does not belong here: rating and freezing themselves, which are dbt's and billing's; why today's
figures are others; laying out the answer (orchestration/reports); Dagster.
"""

from orchestration.reproduction.comparison import LineDifference
from orchestration.reproduction.reproduce import (
    Reproduction,
    refuse_differing,
    reproduce,
)

__all__ = [
    "LineDifference",
    "Reproduction",
    "refuse_differing",
    "reproduce",
]
