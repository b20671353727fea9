"""Jobs about evidence packs: one is made of a signed month, one is verified.

Belongs here: the jobs, their steps and forms. Does not belong here: what a pack holds and must be
(orchestration/evidence); the command line (cli_evidence.py).
"""

from pathlib import Path

import dagster as dg
from pydantic import Field

from orchestration.defs.inspection.answers import ANSWER, shown
from orchestration.defs.operations.failures import failures_sorted
from orchestration.evidence import (
    MadePack,
    PackVerification,
    make_pack,
    refuse_unsound_pack,
    verify_pack,
)
from orchestration.pipeline import Installation
from orchestration.reports.evidence import print_pack, print_pack_verification


class EvidenceAsked(dg.Config):
    """Which signed revisions a pack is made of."""

    period: str = Field(description="Billing period of their run, YYYY-MM.")
    revision: int | None = Field(
        default=None, ge=1, description="Number of the revision; else all that are signed."
    )
    entities: list[str] = Field(default=[], description="Legal entities; none means every one.")


class PackAsked(dg.Config):
    """Which pack is verified."""

    pack: str = Field(description="Path of its folder or archive, on the machine that runs this.")


@dg.op(
    out=ANSWER,
    description="Gather what was signed of a month with all that proves it, and pack it.",
)
def evidence_pack(
    context: dg.OpExecutionContext,
    config: EvidenceAsked,
    installation: dg.ResourceParam[Installation],
) -> dg.Output[MadePack]:
    """Answer with the pack: a folder and an archive under reports/evidence."""
    with (
        failures_sorted(retry_number=context.retry_number),
        installation.operations() as engine,
    ):
        made = make_pack(
            installation.settings,
            engine,
            billing_period=config.period,
            legal_entity_ids=config.entities,
            revision_number=config.revision,
        )
    return shown(made, print_pack)


@dg.op(out=ANSWER, description="Check every byte of a pack, and whether it agrees with itself.")
def pack_verification(
    context: dg.OpExecutionContext, config: PackAsked
) -> dg.Output[PackVerification]:
    """Answer with everything that is not as it must be."""
    with failures_sorted(retry_number=context.retry_number):
        return shown(verify_pack(Path(config.pack)), print_pack_verification)


@dg.op(description="Fail where a pack is not what was made.")
def no_pack_problems(context: dg.OpExecutionContext, found: PackVerification) -> None:
    """Make the run red for a problem."""
    with failures_sorted(retry_number=context.retry_number):
        refuse_unsound_pack(str(found.path), found.problems)


@dg.job(description="Write an evidence pack of a signed month for an auditor.")
def prepare_evidence_pack() -> None:
    """Gather and pack."""
    evidence_pack()


@dg.job(description="Verify an evidence pack; red where something in it is not what was made.")
def verify_evidence_pack() -> None:
    """Verify, then judge."""
    no_pack_problems(pack_verification())
