"""The causes of the corrections in frozen revisions, found and committed before anyone signs.

Belongs here: which settlement keys are asked for, and what becomes of the answer. Does not belong
here: how causes are found (causes.py); sharing them over lines and their commit
(billing/correction_causes.py, billing/explanations.py).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from orchestration.billing.correction_causes import (
    CAUSE_SCHEMA,
    Difference,
    causes_of_lines,
    corrected_keys,
    correction_lines,
    is_explained,
)
from orchestration.billing.explanations import put_causes
from orchestration.billing.policies import pinned_rules
from orchestration.billing.register import Register
from orchestration.billing.revisions import Revision
from orchestration.pipeline import Installation
from orchestration.price_book.policy import Corrections
from orchestration.reproduction.scratch import InputsGoneError
from orchestration.rerating.causes import causes_of
from orchestration.settings import Settings


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
    installation: Installation,
    revisions: Sequence[Revision],
    *,
    rated_in: Settings | None = None,
) -> list[Explained]:
    """Tell the causes of the corrections in revisions that were just frozen.

    A revision without corrections, or that is explained, is left alone. Where what was signed
    cannot be rebuilt, the revision stays without causes: its corrections then need an
    acknowledgement, and freezing the period again tries once more.

    Args:
        installation: whose revisions.
        revisions: that wait for a decision; others are left alone.
        rated_in: the data directory in whose warehouse they were rated; None means its own.

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
    keys: dict[str, set[str]] = defaultdict(set)
    for revision, lines in waiting:
        for month, names in corrected_keys(folder, chain, revision, lines).items():
            keys[month] |= names
    try:
        differences = _differences(causes_of(installation, keys, rated_in=rated_in))
    except InputsGoneError as error:
        return [
            Explained(
                revision_id=revision.revision_id,
                causes=CAUSE_SCHEMA.empty_table(),
                reason=str(error),
            )
            for revision, _ in waiting
        ]
    return [_explained(installation, revision, lines, differences) for revision, lines in waiting]


def _explained(
    installation: Installation,
    revision: Revision,
    lines: pa.Table,
    differences: Mapping[str, Sequence[Difference]],
) -> Explained:
    policy = pinned_rules(installation.settings, revision.pins.reference_version)
    rules = policy.corrections if policy else Corrections()
    causes = causes_of_lines(revision.revision_id, lines, differences, rules)
    put_causes(
        installation.settings,
        revision,
        causes,
        now=installation.clock(),
        actor=installation.actor,
    )
    return Explained(revision_id=revision.revision_id, causes=causes)


def _differences(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Difference]]:
    found: dict[str, list[Difference]] = defaultdict(list)
    for row in rows:
        found[row["settlement_key"]].append(
            Difference(
                cause_number=row["cause_number"],
                cause=row["cause"],
                amount=row["difference_amount"],
            )
        )
    return found
