"""What can be asked of an installation, as jobs whose answer is the metadata of their run.

Belongs here: a job per question, and the one that prepares a data directory. Does not belong here:
how an answer is found or laid out (orchestration/reports), the command line's own answer (cli.py).

A job gives its answer as the output of its first step, which the command line takes from there. It
needs no warehouse, so it can be loaded without the rest of the graph. Pricing a quantity and
reproducing a revision run dbt in data directories of their own; comparing a signed month also
brings the models of this one up to date, as every run does; comparing invoices builds its own.
"""

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

import dagster as dg
from pydantic import Field

from orchestration.data_directory import is_initialised, make_folders
from orchestration.defs.exceptions.jobs import EXCEPTION_JOBS
from orchestration.defs.inspection.answers import ANSWER, shown
from orchestration.defs.inspection.checkpoints import reconcile_period
from orchestration.defs.inspection.control_totals import TOTALS_JOBS
from orchestration.defs.inspection.evidence import prepare_evidence_pack, verify_evidence_pack
from orchestration.defs.inspection.records import sign_records
from orchestration.defs.inspection.rerating import rerate_period
from orchestration.defs.inspection.shadow import compare_invoices_job
from orchestration.defs.inspection.what_if import compare_scenarios_job
from orchestration.defs.late_usage.announcement import show_late_usage
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.owners import WAREHOUSE_WRITER
from orchestration.defs.operations.recorded_runs import recorded
from orchestration.operations_db import viewed_operations
from orchestration.pipeline import Installation
from orchestration.price_book import Problem, ReferenceInvalidError, validate_reference
from orchestration.pricing import (
    PricedQuantity,
    PriceQuestion,
    PriceUnknownError,
    find_prices,
)
from orchestration.reports.calculation import print_explanation
from orchestration.reports.differences import print_differences
from orchestration.reports.explanation import LineExplanation, explain_line
from orchestration.reports.prices import print_prices
from orchestration.reports.reproductions import print_reproductions
from orchestration.reports.status import InstallationStatus, installation_status
from orchestration.reports.tables import print_problems, print_status, print_verification
from orchestration.reports.verification import Finding, refuse_unsound, verify_installation
from orchestration.reproduction import Reproduction, refuse_differing, reproduce
from orchestration.rerating.difference import Rerating, find_differences
from orchestration.restating import unstated_problems

DEFAULT_EVENT_LIMIT: Final = 5
RESOURCES: Final = {"in_memory": dg.mem_io_manager}


class LineAsked(dg.Config):
    """Which line is explained."""

    line: str = Field(description="A rated line's id, or <document id>/<line number>.")
    events: int = Field(
        default=DEFAULT_EVENT_LIMIT, ge=0, description="How many event ids to list."
    )


class PriceAsked(dg.Config):
    """Which quantity is priced, by which prices."""

    plan: str = Field(description="Id of the plan.")
    quantity: str = Field(description="Quantity, in the unit of each charge's meter.")
    charge: str | None = Field(default=None, description="Id of one charge; else all with usage.")
    currency: str | None = Field(default=None, description="Needed where there are several.")
    on: str | None = Field(default=None, description="Day whose prices count; else today.")
    dimensions: dict[str, str] = Field(default={}, description="Values of dimensions by name.")


class MonthAsked(dg.Config):
    """Which signed month is compared with what it is rated at now."""

    period: str = Field(description="Billing period, YYYY-MM.")


class RevisionsAsked(dg.Config):
    """Which revisions are rebuilt."""

    period: str = Field(description="Billing period of their run, YYYY-MM.")
    revision: int | None = Field(
        default=None, ge=1, description="Number of the revision; else the last signed one."
    )
    entities: list[str] = Field(default=[], description="Legal entities; none means every one.")


@dg.op(
    out=ANSWER, description="Read the reference folder and find every problem with file and line."
)
def reference_problems(
    context: dg.OpExecutionContext, installation: dg.ResourceParam[Installation]
) -> dg.Output[list[Problem]]:
    """Answer with the problems of the landing reference folder, sorted; none where it is sound."""
    folder = installation.settings.reference_dir
    with failures_sorted(retry_number=context.retry_number):
        problems = validate_reference(folder)
        if is_initialised(installation.settings):
            with viewed_operations(installation.settings) as engine:
                problems += unstated_problems(installation.settings, engine)
    return shown(problems, lambda console, found: print_problems(console, folder, found))


@dg.op(description="Fail where a problem keeps the reference folder from being loaded.")
def no_reference_errors(
    context: dg.OpExecutionContext,
    problems: list[Problem],
    installation: dg.ResourceParam[Installation],
) -> None:
    """Make the run red for errors; a warning leaves it green."""
    errors = [problem for problem in problems if problem.severity == "error"]
    with failures_sorted(retry_number=context.retry_number):
        if errors:
            raise ReferenceInvalidError(errors, folder=str(installation.settings.reference_dir))


@dg.op(
    out=ANSWER,
    description="Gather what landed, what is frozen, signed and posted, and what is open.",
)
def installation_state(
    context: dg.OpExecutionContext, installation: dg.ResourceParam[Installation]
) -> dg.Output[InstallationStatus]:
    """Answer with the state of the installation as of now and of the last publication."""
    with failures_sorted(retry_number=context.retry_number):
        state = installation_status(installation.settings, now=installation.clock())
    return shown(state, print_status)


@dg.op(out=ANSWER, description="Gather all that made one line, from its events to its cents.")
def line_explanation(
    context: dg.OpExecutionContext, config: LineAsked, installation: dg.ResourceParam[Installation]
) -> dg.Output[LineExplanation]:
    """Answer with how a line came about."""
    with failures_sorted(retry_number=context.retry_number):
        explanation = explain_line(installation.settings, config.line, event_limit=config.events)
    return shown(explanation, print_explanation)


@dg.op(out=ANSWER, description="Rate a quantity by the reference folder as it stands.")
def quantity_prices(
    context: dg.OpExecutionContext, config: PriceAsked, installation: dg.ResourceParam[Installation]
) -> dg.Output[PricedQuantity]:
    """Answer with what the quantity costs, charge by charge."""
    with failures_sorted(retry_number=context.retry_number):
        answer = find_prices(installation.settings, _question(config))
    return shown(answer, print_prices)


def _question(config: PriceAsked) -> PriceQuestion:
    asked = f"Asked for the price of quantity {config.quantity} on {config.on or 'today'}"
    try:
        quantity = Decimal(config.quantity)
    except InvalidOperation as error:
        raise PriceUnknownError(
            f"{asked}: the quantity is no plain number such as 1000 or 0.5. Ask again without "
            "thousands separators."
        ) from error
    try:
        on = date.fromisoformat(config.on) if config.on else datetime.now(UTC).date()
    except ValueError as error:
        raise PriceUnknownError(
            f"{asked}: the day is no date written YYYY-MM-DD. Ask again."
        ) from error
    return PriceQuestion(
        plan_id=config.plan,
        quantity=quantity,
        on=on,
        charge_id=config.charge,
        currency_code=config.currency,
        dimensions=config.dimensions,
    )


@dg.op(
    out=ANSWER,
    description="Rate a signed month as it was, then after each change since, beside today's.",
    pool=WAREHOUSE_WRITER,
)
def month_differences(
    context: dg.OpExecutionContext,
    config: MonthAsked,
    installation: dg.ResourceParam[Installation],
) -> dg.Output[Rerating]:
    """Answer with every difference by its cause; fct_rerating_diff holds it, too."""
    with failures_sorted(retry_number=context.retry_number):
        rerating = find_differences(installation, billing_period=config.period)
    return shown(rerating, print_differences)


@dg.op(
    out=ANSWER,
    description="Rebuild revisions from raw files, reference version and register, beside today's.",
)
def rebuilt_revisions(
    context: dg.OpExecutionContext,
    config: RevisionsAsked,
    installation: dg.ResourceParam[Installation],
) -> dg.Output[list[Reproduction]]:
    """Answer with each revision and whether its rebuild has its digest."""
    with failures_sorted(retry_number=context.retry_number):
        reproductions = reproduce(
            installation,
            billing_period=config.period,
            legal_entity_ids=config.entities,
            revision_number=config.revision,
        )
    return shown(reproductions, print_reproductions)


@dg.op(description="Fail where a revision is not what it was.")
def no_other_digest(context: dg.OpExecutionContext, reproductions: list[Reproduction]) -> None:
    """Make the run red for a rebuild with another digest."""
    with failures_sorted(retry_number=context.retry_number):
        refuse_differing(reproductions)


@dg.op(
    out=ANSWER,
    description="Verify register, audit log, digests of raw files, folders and versions.",
)
def installation_findings(
    context: dg.OpExecutionContext, installation: dg.ResourceParam[Installation]
) -> dg.Output[list[Finding]]:
    """Answer with everything that was verified."""
    with failures_sorted(retry_number=context.retry_number):
        return shown(verify_installation(installation.settings), print_verification)


@dg.op(description="Fail where something is not as it was committed.")
def no_unsound_findings(context: dg.OpExecutionContext, findings: list[Finding]) -> None:
    """Make the run red for a finding that is not sound."""
    with failures_sorted(retry_number=context.retry_number):
        refuse_unsound(findings)


@dg.op(
    out=ANSWER,
    description="Make the folders that are missing, and bring the operations database to head.",
)
def prepared_folders(
    context: dg.OpExecutionContext, installation: dg.ResourceParam[Installation]
) -> dg.Output[str]:
    """Answer with the data directory."""
    with failures_sorted(retry_number=context.retry_number):
        make_folders(installation.settings)
    return dg.Output(str(installation.settings.data_dir))


@dg.job(
    description="List every problem of the reference folder at once; red where it has an error.",
)
def validate_reference_folder() -> None:
    """Find problems, then judge them."""
    no_reference_errors(reference_problems())


@dg.job(
    description="Show what landed, what is frozen, signed and posted, and open exceptions.",
)
def show_status() -> None:
    """Gather the state."""
    installation_state()


@dg.job(
    description="Show how a line came about: quantity, tiers, rounding, price, contract, events.",
)
def explain_rated_line() -> None:
    """Gather what made the line."""
    line_explanation()


@dg.job(
    description="Show what a quantity costs by the reference folder, charge by charge.",
)
def price_quantity() -> None:
    """Rate the quantity."""
    quantity_prices()


@dg.job(
    description="Explain why a signed month comes to something else now, by cause.",
)
def compare_signed_month() -> None:
    """Gather the differences."""
    month_differences()


@dg.job(
    description="Rebuild signed revisions from their inputs; red where a digest is another one.",
)
def reproduce_revisions() -> None:
    """Rebuild, then judge."""
    no_other_digest(rebuilt_revisions())


@dg.job(
    description="Verify register, audit log, raw files and versions; red where one is not sound.",
)
def verify_data_directory() -> None:
    """Verify, then judge."""
    no_unsound_findings(installation_findings())


@dg.job(
    description="Make what is missing of the data directory; what is there stays.",
)
def prepare_data_directory() -> None:
    """Make the folders."""
    prepared_folders()


INSPECTIONS: Final = (
    prepare_data_directory,
    validate_reference_folder,
    show_status,
    explain_rated_line,
    price_quantity,
    compare_signed_month,
    compare_scenarios_job,
    rerate_period,
    show_late_usage,
    compare_invoices_job,
    reconcile_period,
    reproduce_revisions,
    sign_records,
    verify_data_directory,
    prepare_evidence_pack,
    verify_evidence_pack,
    *EXCEPTION_JOBS,
    *TOTALS_JOBS,
)


def build_inspections(installation: Installation) -> dg.Definitions:
    """Return these jobs alone, over an installation: what loads without dbt."""
    return dg.Definitions(
        jobs=INSPECTIONS,
        resources={"installation": recorded(installation), **RESOURCES},
        executor=dg.in_process_executor,
    )
