"""What a watch by the clock answers about things whose grace is over.

Belongs here: the result of its check, the same for every watch. Does not belong here: what is
overdue (pipeline.py); the checks (watch.py, totals_watch.py).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

import dagster as dg

_SHOWN: Final = 20


class Overdue(Protocol):
    """Something that was to come, and when its grace was over."""

    @property
    def grace_ends_at(self) -> datetime:
        """Aware."""

    def name(self) -> str:
        """What was to come."""


def overdue_result(
    overdue: Sequence[Overdue] | None, *, unbuilt: str, in_order: str, told: str
) -> dg.AssetCheckResult:
    """Return green where nothing is overdue, else red with the first names.

    Args:
        overdue: what is; None where no model was built yet.
        unbuilt: what is said then.
        in_order: what is said where nothing is.
        told: what is said of the rest, with the place {named}.
    """
    if not overdue:
        return dg.AssetCheckResult(
            passed=True, description=unbuilt if overdue is None else in_order
        )
    named = ", ".join(each.name() for each in overdue[:_SHOWN])
    more = f" and {len(overdue) - _SHOWN} more" if len(overdue) > _SHOWN else ""
    return dg.AssetCheckResult(
        passed=False,
        metadata={
            "overdue": dg.MetadataValue.int(len(overdue)),
            "overdue since": dg.MetadataValue.text(
                min(each.grace_ends_at for each in overdue).isoformat()
            ),
        },
        description=told.format(named=f"{named}{more}"),
    )
