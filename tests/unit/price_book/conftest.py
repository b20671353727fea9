"""A sound reference folder that each test spoils in one way."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from orchestration.operations_db import open_operations
from orchestration.price_book import Problem, validate_reference
from orchestration.settings import Settings

SOUND_REFERENCE = Path(__file__).parent / "reference"
NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)


class ReferenceFolder:
    """A copy of the sound reference folder, to be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, path: str) -> str:
        return (self.folder / path).read_text(encoding="utf-8")

    def write(self, path: str, content: str | bytes) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def replace(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert old in text, f"{old!r} does not stand in {path}"
        self.write(path, text.replace(old, new, 1))

    def add(self, path: str, text: str) -> None:
        self.write(path, self.read(path) + text)

    def line_of(self, path: str, mark: str) -> int:
        lines = self.read(path).splitlines()
        return next(number for number, line in enumerate(lines, start=1) if mark in line)

    def problems(self) -> list[Problem]:
        return validate_reference(self.folder)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


@pytest.fixture
def reference(settings: Settings) -> ReferenceFolder:
    shutil.copytree(SOUND_REFERENCE, settings.reference_dir)
    return ReferenceFolder(settings.reference_dir)


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    opened = open_operations(settings)
    yield opened
    opened.dispose()
