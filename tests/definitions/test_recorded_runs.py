"""Who launched a run, and that the audit log tells of each run that may change something."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterInstance
from typer.testing import CliRunner

from orchestration.actors import Actor
from orchestration.audit import AuditLog
from orchestration.cli import app
from orchestration.cli_answers import ExitCode
from orchestration.data_directory import initialise
from orchestration.defs.inspection.jobs import build_inspections
from orchestration.defs.operations.launchers import launcher_of
from orchestration.pipeline import Installation
from orchestration.run_coordinator import SECRET_VARIABLE, identity_tags
from orchestration.settings import Settings

ASKED = {"ops": {"evidence_pack": {"config": {"period": "2026-09", "entities": ["us"]}}}}
BY_COMMAND = {"tallyhouse/started_by": "command line"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path)
    initialise(settings)
    return settings


def run(settings: Settings, tags: dict[str, str]) -> dg.ExecuteInProcessResult:
    jobs = build_inspections(Installation(settings))
    with DagsterInstance.ephemeral() as instance:
        return jobs.resolve_job_def("prepare_evidence_pack").execute_in_process(
            instance=instance, raise_on_error=False, run_config=ASKED, tags=tags
        )


def launcher(settings: Settings, tags: dict[str, str]) -> tuple[str, str]:
    actor = launcher_of(settings, run_id="run-1", tags=tags)
    assert "run-1" == actor.run_id
    return actor.name, actor.source


def test_a_run_is_told_with_its_start_its_end_and_what_was_asked(settings: Settings) -> None:
    result = run(settings, BY_COMMAND)

    start, end = AuditLog(settings.audit).entries()
    asked = {"billing_period": "2026-09", "entities": ["us"], "started_by": "command line"}
    assert ("start_run", "job", "prepare_evidence_pack", asked) == (
        start.deed.action,
        start.deed.object_kind,
        start.deed.object_id,
        start.deed.details,
    )
    assert ("end_run", asked | {"outcome": "failed"}) == (end.deed.action, end.deed.details)
    assert {result.run_id} == {entry.deed.actor.run_id for entry in (start, end)}


@pytest.mark.parametrize("command", ["status", "doctor", "validate"])
def test_a_run_that_only_looks_is_not_in_the_log(settings: Settings, command: str) -> None:
    CliRunner().invoke(app, [command, "--data-dir", str(settings.data_dir)])

    assert () == AuditLog(settings.audit).entries()


def test_a_run_over_a_log_whose_end_is_gone_is_refused_with_its_code(settings: Settings) -> None:
    run(settings, {})
    (settings.audit / "entries" / "0000000002.jsonl").unlink()
    arguments = ["evidence", "--period", "2026-09", "--data-dir", str(settings.data_dir)]

    answered = CliRunner().invoke(app, arguments)

    assert ExitCode.REFUSED == answered.exit_code
    assert "audit_log_damaged" in answered.output
    assert ["0000000001.jsonl"] == [path.name for path in settings.audit.rglob("*.jsonl")]


def test_a_verified_person_comes_before_everything_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "s3cret")
    stamped_at = datetime(2026, 11, 2, tzinfo=UTC)
    stamp = identity_tags(run_id="run-1", user="ana@x", stamped_at=stamped_at)

    assert Actor(name="ana@x", source="verified", run_id="run-1") == launcher_of(
        settings, run_id="run-1", tags=stamp
    )
    assert "nobody" == launcher_of(settings, run_id="run-2", tags=stamp).name


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("dagster/schedule_name", "schedule daily"),
        ("dagster/sensor_name", "sensor daily"),
        ("dagster/backfill", "backfill daily"),
    ],
)
def test_what_dagster_launched_by_itself_is_a_machine(
    settings: Settings, tag: str, name: str
) -> None:
    assert (name, "machine") == launcher(settings, {tag: "daily"})


def test_a_command_is_its_users_and_a_run_of_an_open_ui_is_nobodys(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "pia")

    assert ("pia", "self_declared") == launcher(settings, BY_COMMAND)
    assert ("nobody", "self_declared") == launcher(settings, {})


def test_where_a_name_of_ones_own_counts_it_is_the_launchers(settings: Settings) -> None:
    own = settings.model_copy(
        update={"may_sign_self_declared": True, "self_declared_signer": "local demo"}
    )

    assert ("local demo", "self_declared") == launcher(own, {})
