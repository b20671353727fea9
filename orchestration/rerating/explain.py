"""The causes of the corrections in frozen revisions, found and committed before anyone signs.

Belongs here: which signed months are compared for which revisions, and what becomes of the rows.
Does not belong here: how a month is compared (difference.py); sharing causes over lines and their
commit (billing/correction_causes.py).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from orchestration.billing.correction_causes import (
    Difference,
    causes_of_lines,
    corrected_months,
    correction_lines,
    is_explained,
)
from orchestration.billing.explanations import put_causes
from orchestration.billing.policies import pinned_rules
from orchestration.billing.register import Register
from orchestration.billing.revisions import Revision
from orchestration.failures import TallyhouseError
from orchestration.pipeline import Installation
from orchestration.price_book.policy import Corrections
from orchestration.reproduction.scratch import InputsGoneError
from orchestration.rerating.difference import DifferencesOutdatedError, find_differences


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Why a revision corrects what was signed.

    Attributes:
        causes: CAUSE_SCHEMA; no rows where they could not be told.
        reason: why they could not be told; None where they were.
    """

    revision_id: str
    causes: pa.Table
    reason: str | None = None


def explain_corrections(
    installation: Installation, revisions: Sequence[Revision]
) -> list[Explained]:
    """Tell the causes of the corrections in revisions that were just frozen.

    Each signed month that they correct is compared once. A revision without corrections, or that is
    explained, is left alone. Where what was signed cannot be rebuilt, or something was loaded or
    signed meanwhile, the revision stays without causes: its corrections then need an
    acknowledgement, and freezing the period again tries once more.

    Args:
        installation: whose revisions.
        revisions: that wait for a decision; others are left alone.

    Returns:
        One for each revision whose causes were asked for.

    Raises:
        DbtFailedError: a model could not be built.
        WarehouseBusyError: another process held the warehouse for too long.
        RegisterBusyError, RegisterWriteError: see there.
    """
    folder = installation.settings.register
    chain = Register(folder).chain()
    waiting = [
        (revision, lines)
        for revision in revisions
        if revision.state == "frozen" and not is_explained(chain, revision.revision_id)
        for lines in [correction_lines(folder, chain, revision)]
        if lines.num_rows
    ]
    months = {
        month
        for revision, lines in waiting
        for month in corrected_months(folder, chain, revision, lines)
    }
    differences: dict[str, list[Difference]] = defaultdict(list)
    reason: TallyhouseError | None = None
    try:
        for month in sorted(months):
            for row in find_differences(installation, billing_period=month).rows:
                differences[row["settlement_key"]].append(_difference(row))
    except (InputsGoneError, DifferencesOutdatedError) as error:
        reason = error
    return [
        _explained(installation, revision, lines, differences, reason)
        for revision, lines in waiting
    ]


def _explained(
    installation: Installation,
    revision: Revision,
    lines: pa.Table,
    differences: dict[str, list[Difference]],
    reason: TallyhouseError | None,
) -> Explained:
    settings = installation.settings
    policy = pinned_rules(settings, revision.pins.reference_version)
    rules = policy.corrections if policy else Corrections()
    causes = causes_of_lines(revision.revision_id, lines, differences, rules)
    if reason is not None:
        return Explained(
            revision_id=revision.revision_id, causes=causes.slice(0, 0), reason=str(reason)
        )
    put_causes(settings, revision, causes, now=installation.clock(), actor=installation.actor)
    return Explained(revision_id=revision.revision_id, causes=causes)


def _difference(row: Any) -> Difference:
    amount: Decimal = row["difference_amount"]
    return Difference(cause_number=row["cause_number"], cause=row["cause"], amount=amount)
