"""Exceptions as jobs and commands: listed, waived, watched over, in a run that the UI shows."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from orchestration.cli import app
from orchestration.cli_answers import ExitCode
from orchestration.data_directory import initialise
from orchestration.definitions import build_definitions
from orchestration.operations_db import open_operations
from orchestration.operations_db.tables import exceptions
from orchestration.pipeline import Installation, load_reference_data
from orchestration.sample.write import write_reference
from orchestration.settings import Settings

OPENED_AT = datetime.now(UTC)
TODAY = OPENED_AT.date()
ROW = {
    "exception_id": "held",
    "exception_code": "missing_price",
    "steward": "pricing",
    "object_kind": "settlement_key",
    "object_id": "key",
    "object_name": "tokens from 2026-10-01",
    "legal_entity_id": "us_inc",
    "customer_id": "cus_001",
    "billing_period": "2026-10",
    "amount_at_risk": Decimal("40.50"),
    "currency_code": "USD",
    "event_count": 3,
    "first_seen_date": TODAY - timedelta(days=31),
    "what_to_do": "Add a price.",
    "opened_at": OPENED_AT,
    "opened_batch_id": 1,
    "last_seen_at": OPENED_AT,
    "last_seen_batch_id": 1,
    "reopened_count": 0,
}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A data directory with the sample's policy and one exception that is 31 days old."""
    monkeypatch.setenv("TALLYHOUSE_MAY_SIGN_SELF_DECLARED", "true")
    settings = Settings(data_dir=tmp_path, may_sign_self_declared=True)
    initialise(settings)
    write_reference(settings.reference_dir)
    load_reference_data(Installation(settings))
    engine = open_operations(settings)
    with engine.begin() as connection:
        connection.execute(sa.insert(exceptions), [ROW])
    engine.dispose()
    return settings


def tallyhouse(settings: Settings, *arguments: str) -> Result:
    given = ["exceptions", *arguments, "--data-dir", str(settings.data_dir)]
    return CliRunner().invoke(app, given, catch_exceptions=False, env={"COLUMNS": "140"})


def listed(settings: Settings, *arguments: str) -> list[tuple[str, str, str]]:
    answer = json.loads(tallyhouse(settings, *arguments, "--json").stdout)
    return [
        (each["exception_id"], each["state"], each["amount_at_risk"])
        for each in answer["exceptions"]
    ]


def test_an_exception_is_listed_waived_and_open_again_and_the_ui_has_each_run(
    settings: Settings,
) -> None:
    until = str(TODAY + timedelta(days=10))
    by_hand = ("--signer", "dana.finch@brightloop.example")
    waive = ("waive", "held", "--why", "agreed with sales", "--until", until, *by_hand)

    assert [("held", "open", "40.50")] == listed(settings)
    assert ExitCode.DONE == tallyhouse(settings, *waive).exit_code
    assert [] == listed(settings)
    assert [("held", "waived", "40.50")] == listed(settings, "--state", "waived")
    assert "agreed with sales" in tallyhouse(settings, "--state", "all").stdout
    withdrawn = tallyhouse(settings, "withdraw", "held", "--why", "billed after all", *by_hand)
    assert ExitCode.DONE == withdrawn.exit_code
    assert [("held", "open", "40.50")] == listed(settings)


def test_a_waiver_that_a_rule_forbids_is_refused_with_its_code(settings: Settings) -> None:
    until = str(TODAY + timedelta(days=10))
    stranger = tallyhouse(
        settings, "waive", "held", "--why", "x", "--until", until, "--signer", "mallory"
    )
    no_day = tallyhouse(settings, "waive", "held", "--why", "x", "--until", "soon", "--signer", "d")

    assert (ExitCode.REFUSED, ExitCode.REFUSED) == (stranger.exit_code, no_day.exit_code)
    assert "signer_not_approver" in stranger.stderr
    assert "waiver_end_invalid" in no_day.stderr


def test_a_state_that_there_is_none_of_is_refused(settings: Settings) -> None:
    answered = tallyhouse(settings, "--state", "closed")

    assert ExitCode.REFUSED == answered.exit_code
    assert "state_unknown" in answered.stderr


def test_an_option_before_the_subcommand_is_wrong_usage_and_nothing_is_waived(
    settings: Settings,
) -> None:
    given = ["exceptions", "--data-dir", str(settings.data_dir), "waive", "held"]
    answered = CliRunner().invoke(app, [*given, "--why", "x", "--until", "2030-01-01"])

    assert ExitCode.USAGE == answered.exit_code
    assert "--data-dir must stand after waive" in " ".join(answered.output.split())


def test_status_tells_what_is_at_risk_per_month_and_how_many_are_overdue(
    settings: Settings,
) -> None:
    given = ["status", "--json", "--data-dir", str(settings.data_dir)]
    status = json.loads(CliRunner().invoke(app, given, catch_exceptions=False).stdout)

    [row] = status["at_risk"]
    assert ("2026-10", "USD", "40.50", "0.00") == (
        row["billing_period"],
        row["currency_code"],
        row["open_amount"],
        row["waived_amount"],
    )
    assert 31 == (TODAY - date.fromisoformat(str(ROW["first_seen_date"]))).days
    assert row["overdue_count"] == sum(each["overdue_count"] for each in status["exceptions"])


@pytest.mark.parametrize(("days", "is_overdue"), [(0, False), (1, True)])
def test_the_watch_warns_of_what_is_older_than_its_limit_and_stops_nothing(
    settings: Settings, manifest: Path, *, days: int, is_overdue: bool
) -> None:
    at = OPENED_AT + timedelta(days=days)
    installation = Installation(settings, clock=lambda: at)
    definitions = build_definitions(installation=installation, manifest=manifest)
    run = definitions.resolve_job_def("watch_exceptions").execute_in_process()
    [seen] = run.get_asset_check_evaluations()

    assert run.success
    assert dg.AssetCheckSeverity.WARN == seen.severity
    assert (not is_overdue, int(is_overdue)) == (seen.passed, seen.metadata["overdue"].value)
    if is_overdue:
        assert "1 charges held: missing price (pricing, up to 32 days" in (seen.description or "")
        assert "40.50 in 1 exceptions" == seen.metadata["2026-10 USD"].value
