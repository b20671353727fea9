"""The whole job on a made-up company, and the UI over it: what `make demo` and `make dev` call.

Belongs here: the order of the demo, and what it tells on the way. Does not belong here: the sample
(orchestration/sample), a job, a table.
"""

import os
import shutil
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console

from orchestration.asset_keys import PERIOD_SIGN_OFF
from orchestration.cli_answers import ExitCode
from orchestration.cli_runs import JobRunner, job_runner, print_run
from orchestration.data_directory import initialise
from orchestration.failures import RefusedError
from orchestration.partitions import landing_span, partition_of_period
from orchestration.period_close import entities_to_decide
from orchestration.pipeline import Installation
from orchestration.reports.explanation import busiest_signed_line
from orchestration.reports.status import installation_status
from orchestration.reports.tables import print_status
from orchestration.sample.write import DEFAULT_MONTHS, TRUTH_FILE, write_sample
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import writer_lock

DEMO_SIGNER: Final = "local demo"
"""The sample's policy lets this name sign, on its own word."""

_OWN_WORD: Final = "TALLYHOUSE_MAY_SIGN_SELF_DECLARED=true"


class DemoRefusedError(RefusedError):
    """The data directory holds something else than an earlier demo."""

    code = "demo_would_overwrite"


class DemoFailedError(RefusedError):
    """A job of the demo was not done."""

    code = "demo_failed"


def demo_settings(settings: Settings) -> Settings:
    """Return the settings under which the local demo's own word counts as a signature."""
    return settings.model_copy(
        update={"may_sign_self_declared": True, "self_declared_signer": DEMO_SIGNER}
    )


def run_demo(installation: Installation, console: Console, *, event_count: int) -> None:
    """Go from usage files to posted invoices and pushed signals in a clean data directory.

    Args:
        installation: over the demo's own settings.
        console: where to tell about it.
        event_count: distinct events of the sample.

    Raises:
        DemoRefusedError: the data directory holds something else than an earlier demo.
        DemoFailedError: a job was not done; what it said was printed.
    """
    settings = installation.settings
    started_at = time.monotonic()
    start_clean(settings)
    initialise(settings)
    console.print("A company with 40 customers in 3 legal entities: writing two months of usage")
    write_sample(settings, event_count=event_count)
    period = DEFAULT_MONTHS[0]
    partition = partition_of_period(period)
    with job_runner(installation) as runner:
        demo = _Demo(runner, console)
        demo.run("ingest_usage", partition_range=landing_span(settings.landing_usage))
        demo.run("close_period", partition_key=partition)
        for legal_entity_id in entities_to_decide(installation, billing_period=period):
            form = {"legal_entity_id": legal_entity_id, "note": f"{period} of the demo"}
            demo.run(
                "sign_off_period",
                partition_key=partition,
                operations={PERIOD_SIGN_OFF.to_python_identifier(): form},
            )
        for job_name in ("post_documents", "reconcile_books", "push_signals"):
            demo.run(job_name)
    console.print()
    print_status(console, installation_status(settings))
    console.print()
    _print_where_to_look(console, settings, seconds=time.monotonic() - started_at)


def start_clean(settings: Settings) -> None:
    """Delete an earlier demo; refuse to delete anything else.

    Raises:
        DemoRefusedError: the folder is not empty and no demo made it.
        WarehouseBusyError: a run is writing it at this moment.
    """
    folder = settings.data_dir
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / TRUTH_FILE).exists():
        raise DemoRefusedError(
            f"Tried to start a clean demo in {folder}: it holds something that no demo made. "
            "Choose another --data-dir, or empty that folder yourself."
        )
    with writer_lock(settings):
        shutil.rmtree(folder)


def open_ui(settings: Settings, *, port: int) -> None:
    """Replace this process by the Dagster UI, its daemon and code server on 127.0.0.1.

    Over a demo's data directory the demo's own word counts as a signature; elsewhere only where
    the environment says so.
    """
    initialise(settings)
    is_demo = (settings.data_dir / TRUTH_FILE).exists()
    shown = demo_settings(settings) if is_demo else settings
    environment = dict(os.environ) | {
        "DAGSTER_HOME": str(shown.dagster_home),
        "TALLYHOUSE_DATA_DIR": str(shown.data_dir),
        "TALLYHOUSE_MAY_SIGN_SELF_DECLARED": str(shown.may_sign_self_declared).lower(),
        "TALLYHOUSE_SELF_DECLARED_SIGNER": shown.self_declared_signer or "",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONWARNINGS": "ignore",
    }
    os.chdir(shown.dagster_home)
    arguments = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port)]
    arguments += ["-w", str(shown.dagster_home / "workspace.yaml")]
    os.execve(sys.executable, arguments, environment)  # noqa: S606 — this process becomes the UI


class _Demo:
    """Runs one job after the other, and stops at the first that is not done."""

    def __init__(self, runner: JobRunner, console: Console) -> None:
        self._runner = runner
        self._console = console

    def run(
        self,
        job_name: str,
        *,
        partition_key: str | None = None,
        partition_range: tuple[str, str] | None = None,
        operations: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Run a job and tell how long it took.

        Raises:
            DemoFailedError: it was not done.
        """
        started_at = time.monotonic()
        report = self._runner.run(
            job_name,
            partition_key=partition_key,
            partition_range=partition_range,
            operations=operations,
        )
        print_run(self._console, report)
        if report.exit_code is not ExitCode.DONE:
            raise DemoFailedError(
                f"The demo stopped at {job_name}: see above. Correct what it names, then run "
                "`make demo` again."
            )
        self._console.print(f"  {time.monotonic() - started_at:.1f} s", style="dim")


def _print_where_to_look(console: Console, settings: Settings, *, seconds: float) -> None:
    """Print commands that can be copied: no line of them is ever broken by the printing."""
    folder = settings.data_dir
    shown = folder.relative_to(PROJECT_ROOT) if folder.is_relative_to(PROJECT_ROOT) else folder
    command = f".venv/bin/tallyhouse {{}} --data-dir {shown}"
    next_month = DEFAULT_MONTHS[1]
    sign_next_month = f"sign-off --period {next_month} --signer '{DEMO_SIGNER}'"
    lines = (
        "How the signed line with the most events came about, down to its cents:",
        f"    {command.format(f'explain {busiest_signed_line(settings)}')}",
        "The Dagster UI with these runs, checks and lineage, and the next month to close and sign:",
        f"    make dev DATA={shown}",
        "Or that month here, signed on its own word as only a demo may:",
        f"    {command.format(f'run --period {next_month}')}",
        f"    {_OWN_WORD} {command.format(sign_next_month)}",
        "These tables again, and the register and raw files verified:",
        f"    {command.format('status')}",
        f"    {command.format('doctor')}",
        "The marts for any SQL, and the local ERP and CRM:",
        f"    {shown / 'published' / 'current' / 'tallyhouse.duckdb'}",
        f"    {shown / 'sandbox'}",
    )
    console.print(
        f"The whole way took {seconds:.0f} s. All of it lies in {shown}.", highlight=False
    )
    console.print()
    console.print("Where to look next", style="bold")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
