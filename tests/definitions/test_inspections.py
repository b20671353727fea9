"""The questions that can be asked of an installation, as runs that the UI shows."""

from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterInstance, DagsterRunStatus
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.cli_answers import ExitCode
from orchestration.cli_runs import dagster_instance, report_of
from orchestration.data_directory import initialise
from orchestration.defs.inspection.jobs import build_inspections
from orchestration.pipeline import Installation
from orchestration.sample.write import write_reference
from orchestration.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path)
    initialise(settings)
    write_reference(settings.reference_dir)
    return settings


def ask(settings: Settings, job_name: str, **config: object) -> dg.ExecuteInProcessResult:
    jobs = build_inspections(Installation(settings))
    with DagsterInstance.ephemeral() as instance:
        return jobs.resolve_job_def(job_name).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"ops": {name: {"config": each} for name, each in config.items()}},
        )


def shown(result: dg.ExecuteInProcessResult) -> str:
    """What the run's page shows as the answer."""
    [answer] = [
        event.step_output_data.metadata["answer"].value
        for event in result.all_events
        if event.is_successful_output and "answer" in event.step_output_data.metadata
    ]
    return str(answer)


def codes(result: dg.ExecuteInProcessResult) -> list[str]:
    return [failure.code for failure in report_of(result.job_def.name, result).failures]


def break_products(settings: Settings) -> None:
    products = settings.reference_dir / "price_book" / "products.yml"
    products.write_text(products.read_text("utf-8").replace("products:", "produkts:"), "utf-8")


@pytest.mark.parametrize(
    ("command", "job_name"),
    [
        (("init",), "prepare_data_directory"),
        (("validate",), "validate_reference_folder"),
        (("status",), "show_status"),
        (("doctor",), "verify_data_directory"),
    ],
)
def test_a_command_that_only_looks_is_a_run_on_the_page_of_its_job(
    settings: Settings, command: tuple[str, ...], job_name: str
) -> None:
    answered = CliRunner().invoke(app, [*command, "--data-dir", str(settings.data_dir)])

    with dagster_instance(settings) as instance:
        [run] = instance.get_runs()
    assert ExitCode.DONE == answered.exit_code
    assert (job_name, DagsterRunStatus.SUCCESS) == (run.job_name, run.status)
    assert "__repository__@tallyhouse" == run.tags[".dagster/repository"]


def test_a_question_that_cannot_be_answered_is_a_red_run_with_its_code(settings: Settings) -> None:
    answered = CliRunner().invoke(app, ["explain", "x", "--data-dir", str(settings.data_dir)])

    with dagster_instance(settings) as instance:
        [run] = instance.get_runs()
    assert ExitCode.REFUSED == answered.exit_code
    assert ("explain_rated_line", DagsterRunStatus.FAILURE) == (run.job_name, run.status)
    assert "nothing_published" in answered.output


def test_an_error_of_the_reference_folder_is_shown_and_makes_the_run_red(
    settings: Settings,
) -> None:
    break_products(settings)

    result = ask(settings, "validate_reference_folder")

    assert ["reference_invalid"] == codes(result)
    assert "price_book/products.yml" in shown(result)


def test_a_reference_folder_with_warnings_only_is_a_green_run_that_shows_them(
    settings: Settings,
) -> None:
    (settings.reference_dir / "price_book" / "notes.txt").write_text("of nobody's concern")

    result = ask(settings, "validate_reference_folder")

    assert result.success
    assert "warning" in shown(result)


def test_the_status_is_on_the_page_of_its_run(settings: Settings) -> None:
    assert "lines read" in shown(ask(settings, "show_status")).lower()


def test_a_finding_that_is_not_sound_makes_the_run_red(settings: Settings) -> None:
    settings.landing_usage.rmdir()

    result = ask(settings, "verify_data_directory")

    assert ["installation_unsound"] == codes(result)
    assert "is missing" in shown(result)


def test_a_data_directory_is_completed_from_the_ui_too(settings: Settings) -> None:
    settings.landing_usage.rmdir()

    assert ask(settings, "prepare_data_directory").success
    assert settings.landing_usage.is_dir()
