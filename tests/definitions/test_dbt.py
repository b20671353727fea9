"""How dbt is found, started and left behind."""

import os
from pathlib import Path

import pytest

from orchestration.dbt import (
    DbtFailedError,
    dbt_environment,
    dbt_executable,
    prepare_manifest,
    run_dbt,
)
from orchestration.settings import Settings


def test_dbt_is_found_although_the_venv_is_not_activated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert "dbt" == dbt_executable().name
    assert dbt_executable().exists()


def test_dbts_usage_statistics_are_off_and_the_environment_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    monkeypatch.setenv("DBT_TARGET_PATH", "elsewhere")

    with dbt_environment(Settings(data_dir=tmp_path)):
        inside = {name: os.environ[name] for name in ("DO_NOT_TRACK", "TALLYHOUSE_DATA_DIR")}
        statistics = os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"]

    assert {"DO_NOT_TRACK": "1", "TALLYHOUSE_DATA_DIR": str(tmp_path)} == inside
    assert "false" == statistics
    assert "DO_NOT_TRACK" not in os.environ
    assert "elsewhere" == os.environ["DBT_TARGET_PATH"]


def test_the_project_is_parsed_again_only_when_it_changed(
    graph_settings: Settings, manifest: Path
) -> None:
    first = manifest.stat().st_mtime_ns

    prepare_manifest(graph_settings)
    unchanged = manifest.stat().st_mtime_ns
    manifest.with_name("project.sha256").write_text("of another state of the project")
    prepare_manifest(graph_settings)

    assert first == unchanged
    assert manifest.stat().st_mtime_ns > first


def test_a_model_that_cannot_be_built_is_named_with_what_dbt_said_in_full(tmp_path: Path) -> None:
    """Without inputs the first staging models have nothing to read."""
    settings = Settings(data_dir=tmp_path)
    settings.warehouse.mkdir()

    with pytest.raises(DbtFailedError, match=r"stg_ingestion__batches.*in full is in") as failed:
        run_dbt(settings, ["build", "--select", "stg_ingestion__batches"])
    named = str(failed.value).partition("in full is in ")[2].removesuffix(".")
    assert "stg_ingestion__batches" in Path(named).read_text(encoding="utf-8")
