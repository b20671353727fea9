"""The variances between checkpoints as checks, each with a table of its figures and reasons.

Belongs here: one check per pair of checkpoints. Does not belong here: the figures, which dbt
computes; what stops a run or a signature: lines and events are held by invariants 1 to 3, and a
rest of quantities or amounts is a figure of invariants 4 and 6. So these checks warn.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import dagster as dg

from orchestration import asset_keys
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.owners import WAREHOUSE_WRITER
from orchestration.pipeline import Installation
from orchestration.quality.checkpoints import (
    AMOUNTS,
    ANNOUNCED_EVENTS,
    EVENTS,
    QUANTITIES,
    SOURCE_DAYS,
    CheckpointTotal,
    read_totals,
)
from orchestration.reports.checkpoints import figure_text, reasons_text, signed_text

LEGS: Final = {
    SOURCE_DAYS: ("announced", "raw"),
    ANNOUNCED_EVENTS: ("announced", "raw"),
    EVENTS: ("raw", "accepted", "unique", "resolved"),
    QUANTITIES: ("resolved", "rated"),
    AMOUNTS: ("rated", "candidate", "signed", "posted", "paid"),
}
PAIRS: Final = tuple(
    (leg, before, after) for leg, names in LEGS.items() for before, after in pairwise(names)
)
_ROWS_SHOWN: Final = 200


def check_name(leg: str, before: str, after: str) -> str:
    """The name of the check between two checkpoints, a true sentence."""
    return f"{leg}_{before}_and_not_{after}_are_explained"


@dg.multi_asset_check(
    name="checkpoints",
    specs=[
        dg.AssetCheckSpec(
            check_name(leg, before, after),
            asset=asset_keys.CHECKPOINTS,
            blocking=False,
            description=(
                f"Every variance of {leg} from {before} to {after} is explained to the last digit."
            ),
        )
        for leg, before, after in PAIRS
    ],
    pool=WAREHOUSE_WRITER,
)
def checkpoints(
    context: dg.AssetCheckExecutionContext, installation: dg.ResourceParam[Installation]
) -> Iterator[dg.AssetCheckResult]:
    """Show the figures that the build of this very run wrote into fct_checkpoints."""
    with failures_sorted(retry_number=context.retry_number):
        totals = read_totals(installation.settings)
    for leg, before, after in PAIRS:
        compared = [each for each in totals if (each.leg, each.checkpoint) == (leg, after)]
        yield _result(check_name(leg, before, after), before, after, compared)


def _result(
    name: str, before: str, after: str, totals: Sequence[CheckpointTotal]
) -> dg.AssetCheckResult:
    rests = sum(total.unexplained_scopes for total in totals)
    latest = sorted(totals, key=lambda each: each.month or "", reverse=True)
    shown = sorted(latest, key=lambda each: not each.unexplained_scopes)[:_ROWS_SHOWN]
    return dg.AssetCheckResult(
        passed=not rests,
        asset_key=asset_keys.CHECKPOINTS,
        check_name=name,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "compared": dg.MetadataValue.int(len(totals)),
            "unexplained": dg.MetadataValue.int(rests),
        }
        | ({"figures": dg.MetadataValue.table([_record(each) for each in shown])} if shown else {}),
        description=(
            f"{rests:,} variances from {before} to {after} have a rest that no reason explains: "
            "`tallyhouse reconcile` and reconciliation.fct_checkpoints say where."
            if rests
            else f"Every variance from {before} to {after} is explained."
        ),
    )


def _record(total: CheckpointTotal) -> dg.TableRecord:
    has_figure = total.figure is not None
    rest = total.unexplained_figure or total.unexplained_count
    return dg.TableRecord(
        {
            "month": total.month or "none",
            "part": total.part or "",
            "unit": total.unit or "",
            "count": f"{total.item_count:,}",
            "count variance": f"{total.count_variance:+,}",
            "figure": figure_text(total.figure, total),
            "variance": signed_text(total.figure_variance, total) if has_figure else "",
            "reasons": reasons_text(total),
            "unexplained": figure_text(rest, total) if rest else "",
        }
    )
