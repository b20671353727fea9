"""The signed months and their pack, made once.

Belongs here: fixtures. Does not belong here: any expectation.
"""

import shutil
from pathlib import Path

import pytest
from evidence_world import signed_world

from orchestration.evidence import make_pack


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    company = signed_world(tmp_path_factory.mktemp("evidence") / "data")
    yield company
    company.engine.dispose()


@pytest.fixture(scope="session")
def made(world):
    """October's pack: a revision of us and one of de."""
    return make_pack(world.settings, world.engine, billing_period="2026-10")


@pytest.fixture
def pack(made, tmp_path) -> Path:
    """A copy of the pack's folder that a test may change."""
    folder = tmp_path / "pack"
    shutil.copytree(made.folder, folder)
    return folder


@pytest.fixture
def archive(made, tmp_path) -> Path:
    """A copy of the pack's archive that a test may change."""
    target = tmp_path / "pack.zip"
    shutil.copyfile(made.archive, target)
    return target
