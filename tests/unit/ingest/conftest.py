"""One data directory for each test of ingestion."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from landing_folder import Landing, open_landing


@pytest.fixture
def landing(tmp_path: Path) -> Iterator[Landing]:
    """A data directory with the contract of api.request and nothing in its landing folder."""
    landing = open_landing(tmp_path)
    yield landing
    landing.engine.dispose()
