"""The watch over the age of exceptions: what is open beyond its limit is named, every day.

Belongs here: the check by the clock, and the job and schedule that hold it every day. Does not
belong here: limits, which are the policy's; what is overdue (orchestration/exceptions).

It warns and stops nothing: an exception never blocks what it is not about.
"""

from collections.abc import Sequence
from typing import Final

import dagster as dg

from orchestration import asset_keys
from orchestration.billing.refusals import listed
from orchestration.defs.operations.failures import failures_sorted
from orchestration.exceptions import (
    ExceptionQuestion,
    FoundException,
    at_risk_by_period,
    find_exceptions,
)
from orchestration.pipeline import Installation
from orchestration.reports.exceptions import overdue_texts

AGE_CHECK: Final = "no_exception_is_overdue"


@dg.asset_check(
    asset=asset_keys.EXCEPTIONS,
    name=AGE_CHECK,
    blocking=False,
    description=(
        "No open exception is older than the limit of its code or steward in policy.yml, by the "
        "clock. A waived one is not overdue. It warns, and stops nothing."
    ),
)
def no_exception_is_overdue(
    context: dg.AssetCheckExecutionContext, installation: dg.ResourceParam[Installation]
) -> dg.AssetCheckResult:
    """Name the exceptions that are overdue at this moment, with what is at risk in them."""
    with failures_sorted(retry_number=context.retry_number), installation.operations() as engine:
        found = find_exceptions(
            installation.settings,
            engine,
            now=installation.clock(),
            question=ExceptionQuestion(state="open"),
        )
    overdue = [each for each in found if each.is_overdue]
    return dg.AssetCheckResult(
        passed=not overdue,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=_figures(found, overdue),
        description=(
            f"{len(overdue):,} of {len(found):,} open exceptions are overdue: "
            f"{listed(overdue_texts(overdue))}. Clear or waive them: `tallyhouse exceptions` says "
            "what to do."
            if overdue
            else f"None of {len(found):,} open exceptions is overdue."
        ),
    )


def _figures(
    found: Sequence[FoundException], overdue: Sequence[FoundException]
) -> dict[str, dg.MetadataValue]:
    figures: dict[str, dg.MetadataValue] = {
        "open": dg.MetadataValue.int(len(found)),
        "overdue": dg.MetadataValue.int(len(overdue)),
    }
    for row in at_risk_by_period(overdue):
        name = f"{row.billing_period or 'no month'} {row.currency_code or 'amount not known'}"
        figures[name] = dg.MetadataValue.text(
            f"{row.open_count:,} exceptions"
            if row.currency_code is None
            else f"{row.as_json()['open_amount']} in {row.open_count:,} exceptions"
        )
    return figures


AGE_WATCH: Final = dg.AssetSelection.checks(
    dg.AssetCheckKey(asset_key=asset_keys.EXCEPTIONS, name=AGE_CHECK)
)

watch_exceptions = dg.define_asset_job(
    "watch_exceptions",
    selection=AGE_WATCH,
    description="Look by the clock which exceptions are older than their limit.",
)

daily_exceptions = dg.ScheduleDefinition(
    name="daily_exceptions",
    job=watch_exceptions,
    cron_schedule="15 6 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every day at 06:15 UTC, so that exceptions age also when no batch comes.",
)
