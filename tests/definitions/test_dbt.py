"""How dbt is found, started and left behind."""

import json
import os
from pathlib import Path

import pytest
import yaml

from orchestration.dbt import (
    DBT_PROJECT_DIR,
    dbt_environment,
    dbt_executable,
    dbt_target,
    manifest_over,
    prepare_manifest,
    run_dbt,
)
from orchestration.dbt_failures import DbtFailedError
from orchestration.disk_failures import disk_failure
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


def test_a_manifest_that_a_full_disk_refused_is_written_by_the_next_call(
    manifest: Path, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path)
    refused = dbt_target(settings) / "manifest.json"
    refused.parent.mkdir(parents=True)
    refused.symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left") as error:
        prepare_manifest(settings)
    refused.unlink()
    again = json.loads(prepare_manifest(settings).read_text("utf-8"))

    assert "disk_full" == disk_failure(error.value).code
    assert json.loads(manifest.read_text("utf-8"))["nodes"].keys() == again["nodes"].keys()


def test_a_manifest_written_for_another_data_directory_names_that_one_only(
    graph_settings: Settings, manifest: Path, tmp_path: Path
) -> None:
    other = Settings(data_dir=tmp_path / "other")
    first, second = (
        {name: told for name, told in json.loads(path.read_text("utf-8")).items() if told}
        for path in (manifest, prepare_manifest(other))
    )
    moved = json.dumps(first["sources"]).replace(str(graph_settings.data_dir), str(other.data_dir))

    assert not (dbt_target(other) / "partial_parse.msgpack").exists()
    assert str(graph_settings.data_dir) not in json.dumps(second)
    assert json.loads(moved) == second["sources"]
    assert first.keys() == second.keys()
    assert first["nodes"] == second["nodes"]
    assert first["child_map"] == second["child_map"]


def test_a_project_parsed_for_one_data_directory_serves_another(tmp_path: Path) -> None:
    one, other = (Settings(data_dir=tmp_path / name) for name in ("one", "other"))

    parsed = manifest_over(one)
    run_dbt(other, ["list", "--select", "dim_customers"])

    assert parsed is manifest_over(other)
    assert not (dbt_target(other) / "partial_parse.msgpack").exists()


def test_every_source_lies_in_the_data_directory_that_dbt_runs_over(tmp_path: Path) -> None:
    declared = {
        source["name"]: source["config"]["meta"]["external_location"]
        for path in (DBT_PROJECT_DIR / "models" / "staging").glob("sources_*.yml")
        for source in yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]
    }

    for data_dir in (tmp_path / "one", tmp_path / "one" / "in it", tmp_path):
        sources = manifest_over(Settings(data_dir=data_dir)).sources.values()
        for source in sources:
            location = declared[source.source_name].replace(
                "{{ env_var('TALLYHOUSE_DATA_DIR') }}", str(data_dir)
            )
            assert {location} == {
                told["external_location"]
                for told in (
                    *(source.meta, source.source_meta, source.config.meta),
                    source.unrendered_config["meta"],
                )
            }
            assert f"'{location.format(name=source.name)}'" == source.relation_name
        assert declared.keys() == {source.source_name for source in sources}


def test_a_model_that_cannot_be_built_is_named_with_what_dbt_said_in_full(tmp_path: Path) -> None:
    """Without inputs the first staging models have nothing to read."""
    settings = Settings(data_dir=tmp_path)
    settings.warehouse.mkdir()

    with pytest.raises(DbtFailedError, match=r"stg_ingestion__batches.*in full is in") as failed:
        run_dbt(settings, ["build", "--select", "stg_ingestion__batches"])
    named = str(failed.value).partition("in full is in ")[2].removesuffix(".")
    assert "stg_ingestion__batches" in Path(named).read_text(encoding="utf-8")
