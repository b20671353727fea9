"""Dagster jobs run in this process against the persistent instance, so that the UI shows them.

Belongs here: the instance in a data directory, one job run to its end, what it reported. Does not
belong here: what a job does; printing (cli.py).
"""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, ExecuteInProcessResult
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import SQLAlchemyError

from orchestration.cli_answers import ExitCode
from orchestration.data_directory import refuse_uninitialised
from orchestration.defs.inspection.jobs import build_inspections
from orchestration.defs.operations.figures import NOTICE
from orchestration.defs.operations.launchers import COMMAND_LINE, STARTED_BY_TAG
from orchestration.disk_failures import DiskError, refuse_unwritable
from orchestration.failures import BusinessError, TechnicalError
from orchestration.pipeline import Installation
from orchestration.reports.verification import Finding
from orchestration.settings import Settings

_QUIET_LOGS: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_SHOWN_UNDER_ITS_JOB: Final = {".dagster/repository": "__repository__@tallyhouse"}
"""The location of workspace.yaml: by this tag the UI lists a run on the page of its job."""
_UNEXPECTED: Final = "unexpected"
_STOPPED_BY_A_CHECK: Final = "DagsterAssetCheckFailedError"  # the red check itself says what it is


class InstanceBrokenError(TechnicalError):
    """The history of runs cannot be opened."""

    code = "run_history_broken"


@dataclass(frozen=True)
class StepFailure:
    """Why a step of a run failed: its name, the error's code and message, and what recovers it."""

    step: str
    code: str
    message: str
    is_technical: bool


@dataclass(frozen=True)
class RunReport:
    """One job run to its end.

    Attributes:
        run_id: as the UI shows it.
        job_name: which job.
        failures: steps that failed, in order.
        red_checks: blocking checks that failed, as stage/asset: check, each with what it says.
        metadata: of each asset made, by stage/asset, as text.
    """

    run_id: str
    job_name: str
    is_successful: bool
    failures: tuple[StepFailure, ...]
    red_checks: Mapping[str, str]
    metadata: Mapping[str, Mapping[str, str]]

    @property
    def exit_code(self) -> ExitCode:
        """What the run means for a command: red checks before refusals before technical ones."""
        if self.is_successful and not self.red_checks:
            return ExitCode.DONE
        if self.red_checks:
            return ExitCode.CHECKS_RED
        is_refused = any(not failure.is_technical for failure in self.failures)
        return ExitCode.REFUSED if is_refused else ExitCode.TECHNICAL

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON document."""
        return {
            "run_id": self.run_id,
            "job": self.job_name,
            "is_successful": self.is_successful,
            "red_checks": dict(self.red_checks),
            "failures": [vars(failure) for failure in self.failures],
            "assets": {name: dict(metadata) for name, metadata in self.metadata.items()},
        }


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Open the persistent instance of the data directory.

    Raises:
        NotInitialisedError: there is none.
        InstanceBrokenError: its files cannot be read as what they are.
        DiskError: the disk is full, or cannot be written.
    """
    refuse_uninitialised(settings)
    before = os.environ.get("DAGSTER_HOME")
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    try:
        try:
            instance = DagsterInstance.from_config(str(settings.dagster_home))
        except (SQLAlchemyError, dg.DagsterError) as error:
            refuse_unwritable(settings.dagster_home)
            raise InstanceBrokenError(
                f"Tried to open the run history in {settings.dagster_home}: {error}. Restore that "
                "folder from a copy, or move it away and run `tallyhouse init`: no figure depends "
                "on it."
            ) from error
        with instance:
            yield instance
    finally:
        if before is None:
            del os.environ["DAGSTER_HOME"]
        else:
            os.environ["DAGSTER_HOME"] = before


class JobRunner:
    """A graph over one installation with its instance, loaded once for several runs.

    What a step prints goes to the end of a log file, so that a command's answer stays readable.
    """

    def __init__(self, definitions: dg.Definitions, instance: DagsterInstance, log: Path) -> None:
        self._definitions = definitions
        self._instance = instance
        self._log = log

    def run(
        self,
        job_name: str,
        *,
        partition_key: str | None = None,
        partition_range: tuple[str, str] | None = None,
        operations: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> RunReport:
        """Run a job to its end.

        Args:
            job_name: one of the jobs in orchestration/definitions.py.
            partition_key: for a job over one partition.
            partition_range: first and last key, for a job over a range as one run.
            operations: configuration by asset, as the launchpad takes it.
        """
        tags = {}
        if partition_range is not None:
            tags["dagster/asset_partition_range_start"] = partition_range[0]
            tags["dagster/asset_partition_range_end"] = partition_range[1]
        result = self._execute(
            job_name, partition_key=partition_key, tags=tags, operations=operations or {}
        )
        return report_of(job_name, result)

    def ask(self, job_name: str, step: str, **config: object) -> Any:
        """Run a job that answers, and return what one of its steps gave.

        Args:
            job_name: one of the jobs in orchestration/defs/inspection.
            step: whose output is the answer, whatever the steps after it find.
            config: of that step, as the launchpad takes it.

        Raises:
            TechnicalError: the step failed, and a repeat may succeed; with the step's own code.
            BusinessError: the step failed for good; with the step's own code.
        """
        result = self._execute(job_name, operations={step: config} if config else {})
        for failure in report_of(job_name, result).failures:
            if failure.step == step:
                kind = TechnicalError if failure.is_technical else BusinessError
                raise kind(failure.message, code=failure.code)
        return result.output_for_node(step)

    def _execute(
        self,
        job_name: str,
        *,
        operations: Mapping[str, Mapping[str, Any]],
        partition_key: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> ExecuteInProcessResult:
        configured = {name: {"config": config} for name, config in operations.items()}
        with (
            warnings.catch_warnings(),
            self._log.open("a", encoding="utf-8") as log,
            redirect_stdout(log),
        ):
            warnings.simplefilter("ignore")
            return self._definitions.resolve_job_def(job_name).execute_in_process(
                instance=self._instance,
                partition_key=partition_key,
                tags={STARTED_BY_TAG: COMMAND_LINE, **_SHOWN_UNDER_ITS_JOB} | dict(tags or {}),
                run_config={**_QUIET_LOGS, "ops": configured},
                raise_on_error=False,
            )


@contextmanager
def job_runner(installation: Installation) -> Iterator[JobRunner]:
    """Load the graph over an installation and open its instance.

    Raises:
        NotInitialisedError: the data directory has no instance.
        DbtFailedError: the dbt project cannot be parsed.
    """
    from orchestration.definitions import (  # noqa: PLC0415 — loads dbt and every asset: seconds
        build_definitions,
    )

    with dagster_instance(installation.settings) as instance:
        definitions = build_definitions(installation=installation)
        yield JobRunner(definitions, instance, _log_of(installation.settings))


@contextmanager
def inspector(settings: Settings, *, is_recorded: bool = True) -> Iterator[JobRunner]:
    """Load the jobs that answer a question, which takes neither the graph nor a warehouse.

    Args:
        settings: the data directory.
        is_recorded: whether its instance keeps the run; else nothing is written there.

    Raises:
        NotInitialisedError: the data directory has no instance that could keep it.
        InstanceBrokenError: that instance cannot be opened.
    """
    definitions = build_inspections(Installation(settings))
    if is_recorded:
        with dagster_instance(settings) as instance:
            yield JobRunner(definitions, instance, _log_of(settings))
    else:
        with DagsterInstance.ephemeral() as instance:
            yield JobRunner(definitions, instance, Path(os.devnull))


def verified(settings: Settings) -> list[Finding]:
    """Verify a data directory, also where its run history is among what is broken.

    Raises:
        NotInitialisedError: it has no Dagster instance.
    """
    job = ("verify_data_directory", "installation_findings")
    try:
        with inspector(settings) as runner:
            return cast("list[Finding]", runner.ask(*job))
    except (InstanceBrokenError, DiskError, OSError, SQLAlchemyError) as error:
        with inspector(settings, is_recorded=False) as runner:
            findings = cast("list[Finding]", runner.ask(*job))
        return [Finding("run history", is_sound=False, detail=str(error)), *findings]


def _log_of(settings: Settings) -> Path:
    return settings.dagster_home / "command_line.log"


def report_of(job_name: str, result: ExecuteInProcessResult) -> RunReport:
    """Read from a run's events what it made, what failed and which checks are red."""
    failures, red, metadata = [], {}, {}
    for event in result.all_events:
        if event.event_type is DagsterEventType.STEP_FAILURE:
            cause = _cause_of(event)
            if cause is None or cause.cls_name != _STOPPED_BY_A_CHECK:
                failures.append(_failure(event, cause))
        elif event.event_type is DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            if not evaluation.passed and evaluation.blocking:
                name = f"{evaluation.asset_key.to_user_string()}: {evaluation.check_name}"
                red[name] = evaluation.description or ""
        elif event.event_type is DagsterEventType.ASSET_MATERIALIZATION and event.asset_key:
            entries = event.step_materialization_data.materialization.metadata
            metadata[event.asset_key.to_user_string()] = {
                name: str(entry.value) for name, entry in entries.items()
            }
    return RunReport(
        run_id=result.run_id,
        job_name=job_name,
        is_successful=result.success,
        failures=tuple(failures),
        red_checks=dict(sorted(red.items())),
        metadata=metadata,
    )


def _cause_of(event: dg.DagsterEvent) -> Any:
    """Dagster's record of the innermost error of a failed step, or None."""
    cause = event.step_failure_data.error
    while cause is not None and cause.cause is not None:
        cause = cause.cause
    return cause


def _failure(event: dg.DagsterEvent, cause: Any) -> StepFailure:
    stated = event.step_failure_data.user_failure_data
    if stated is not None and "code" in stated.metadata:
        return StepFailure(
            step=event.step_key or "",
            code=str(stated.metadata["code"].value),
            message=stated.description or "",
            is_technical=bool(stated.metadata["is_technical"].value),
        )
    return StepFailure(
        step=event.step_key or "",
        code=_UNEXPECTED,
        message=cause.message.strip() if cause else "the step failed without a message",
        is_technical=True,
    )


def print_run(console: Console, report: RunReport) -> None:
    """Print a run in a line, then notices, red checks and failures with what to do next."""
    state = "[green]done[/]" if report.exit_code is ExitCode.DONE else "[bold red]not done[/]"
    console.print(f"{report.job_name} {state}, run {report.run_id}", highlight=False)
    for metadata in report.metadata.values():
        if NOTICE in metadata:
            console.print(f"  {metadata[NOTICE]}", markup=False, highlight=False, style="yellow")
    for check, description in report.red_checks.items():
        console.print(f"  check is red: {escape(check)}", highlight=False)
        if description:
            console.print(f"  {description}", markup=False, highlight=False)
    for failure in report.failures:
        console.print(f"  {failure.step}, [bold]{failure.code}[/]:", highlight=False)
        console.print(f"  {failure.message}", markup=False, highlight=False)
