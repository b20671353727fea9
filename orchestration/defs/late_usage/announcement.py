"""Telling of usage that came after the signature of its month: the job, and the sensor before it.

Belongs here: both. Does not belong here: the policy (orchestration/automation.py), the table
(orchestration/reports).
"""

import dagster as dg

from orchestration.automation import Work, late_usage_to_announce
from orchestration.defs.inspection.answers import ANSWER, shown
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.sensing import sensor_of
from orchestration.pipeline import Installation
from orchestration.reports.late_usage import LateUsage, print_late_usage, read_late_usage


@dg.op(out=ANSWER, description="Read from the published marts what came after a signature.")
def late_usage(
    context: dg.OpExecutionContext, installation: dg.ResourceParam[Installation]
) -> dg.Output[list[LateUsage]]:
    """Answer with late usage by month, customer and charge: events, quantity, money."""
    with failures_sorted(retry_number=context.retry_number):
        rows = read_late_usage(installation.settings)
    return shown(rows, print_late_usage)


@dg.job(
    description="Show usage that came after the signature of its month: events, quantity, money.",
)
def show_late_usage() -> None:
    """Read and tell."""
    late_usage()


@sensor_of(
    "show_late_usage",
    seconds=60,
    description="Usage for a signed month is announced; a person starts its correction.",
)
def usage_for_signed_months(
    _context: dg.SensorEvaluationContext, installation: Installation
) -> Work | None:
    """Ask for a run that tells it, where more, less or other usage is late than was told."""
    return late_usage_to_announce(read_late_usage(installation.settings))
