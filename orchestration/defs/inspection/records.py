"""Signing a file of records, as a job: its text stands in the run's configuration.

Belongs here: the form and the job. Does not belong here: what a record becomes and who may sign it
(orchestration/recording).
"""

import dagster as dg
from pydantic import Field

from orchestration.defs.inspection.answers import ANSWER, shown
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.owners import WAREHOUSE_WRITER
from orchestration.defs.sign_off.signers import signer_of
from orchestration.pipeline import Installation
from orchestration.recording import Recorded, preview_entries, read_records, record_entries
from orchestration.reports.records import print_recorded


class RecordsAsked(dg.Config):
    """What finance fills in to sign records."""

    text: str = Field(description="The file of records, as YAML; docs/how-to says its fields.")
    name: str = Field(default="records.yml", description="Name of the file, for its messages.")
    is_preview: bool = Field(default=False, description="Show the entries and sign nothing.")
    signer: str | None = Field(
        default=None,
        description="Your name, where the installation lets a self-declared name count.",
    )


@dg.op(
    out=ANSWER,
    description="Sign credits made by hand, goodwill, releases and closures into the register.",
    pool=WAREHOUSE_WRITER,
)
def signed_records(
    context: dg.OpExecutionContext,
    config: RecordsAsked,
    installation: dg.ResourceParam[Installation],
) -> dg.Output[Recorded]:
    """Answer with the entries. Refused for good where a rule stands in the way."""
    settings = installation.settings
    with (
        failures_sorted(retry_number=context.retry_number),
        installation.operations() as engine,
    ):
        file = read_records(config.name, config.text.encode())
        if config.is_preview:
            recorded = preview_entries(settings, engine, file, now=installation.clock())
        else:
            signer = signer_of(
                settings,
                run_id=context.run.run_id,
                tags=context.run.tags,
                declared=config.signer,
            )
            recorded = record_entries(
                settings, engine, file, signer=signer, now=installation.clock()
            )
    return shown(recorded, print_recorded)


@dg.job(description="Sign records of finance: credits by hand, goodwill, releases, closures.")
def sign_records() -> None:
    """Read, judge and sign."""
    signed_records()
