"""What a run that was not done means for a command's exit code."""

from io import StringIO

import dagster as dg
import pytest
from rich.console import Console

from orchestration.cli_answers import ExitCode
from orchestration.cli_runs import RunReport, print_run, report_of
from orchestration.defs.operations.failures import TECHNICAL_RETRIES, failures_sorted
from orchestration.defs.operations.figures import NOTICE
from orchestration.failures import RefusedError
from orchestration.warehouse import WarehouseBusyError


def run_that_raises(
    error: Exception | None, *, is_check_red: bool = False, notice: str | None = None
) -> RunReport:
    @dg.asset(check_specs=[dg.AssetCheckSpec("figures_agree", asset="figures", blocking=True)])
    def figures() -> dg.MaterializeResult:
        with failures_sorted(retry_number=TECHNICAL_RETRIES):
            if error is not None:
                raise error
        return dg.MaterializeResult(
            metadata={"lines_read": 7} | ({NOTICE: notice} if notice else {}),
            check_results=[
                dg.AssetCheckResult(passed=not is_check_red, description="3 lines. Load them.")
            ],
        )

    result = dg.materialize([figures], raise_on_error=False)
    return report_of("ingest_usage", result)


def test_a_run_that_is_done_tells_what_it_made() -> None:
    report = run_that_raises(None)

    assert ExitCode.DONE == report.exit_code
    assert {"figures": {"lines_read": "7"}} == report.metadata


def test_a_notice_of_an_asset_that_was_made_is_printed_and_the_run_is_done() -> None:
    report = run_that_raises(None, notice="Cannot be signed: us:2026-10:r2.")
    console = Console(file=StringIO(), width=100)

    print_run(console, report)

    assert isinstance(console.file, StringIO)
    assert [
        f"ingest_usage done, run {report.run_id}",
        "  Cannot be signed: us:2026-10:r2.",
    ] == console.file.getvalue().splitlines()
    assert ExitCode.DONE == report.exit_code


def test_a_red_blocking_check_is_named_and_exits_with_four() -> None:
    report = run_that_raises(None, is_check_red=True)

    assert ExitCode.CHECKS_RED == report.exit_code
    assert {"figures: figures_agree": "3 lines. Load them."} == report.red_checks


@pytest.mark.parametrize(
    ("error", "exit_code", "code"),
    [
        (
            RefusedError("Signed already.", code="already_signed"),
            ExitCode.REFUSED,
            "already_signed",
        ),
        (WarehouseBusyError("Another run."), ExitCode.TECHNICAL, "warehouse_busy"),
        (ZeroDivisionError("division by zero"), ExitCode.TECHNICAL, "unexpected"),
    ],
)
def test_a_failure_says_its_code_and_what_recovers_it(
    error: Exception, exit_code: ExitCode, code: str
) -> None:
    report = run_that_raises(error)

    assert exit_code == report.exit_code
    assert [code] == [failure.code for failure in report.failures]
    assert str(error) in report.failures[0].message
