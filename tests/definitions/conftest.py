"""The real graph over an empty data directory, built once."""

from pathlib import Path

import dagster as dg
import pytest

from orchestration.dbt import prepare_manifest
from orchestration.definitions import build_definitions
from orchestration.settings import Settings


@pytest.fixture(scope="session")
def graph_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("graph"))


@pytest.fixture(scope="session")
def manifest(graph_settings: Settings) -> Path:
    return prepare_manifest(graph_settings)


@pytest.fixture(scope="session")
def definitions(graph_settings: Settings, manifest: Path) -> dg.Definitions:
    return build_definitions(settings=graph_settings, manifest=manifest)
