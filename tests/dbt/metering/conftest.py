"""One data directory for the tests of de-duplication and metering.

Belongs here: its fixtures. Does not belong here: what they are made of (usage_warehouse.py).
"""

import shutil
from datetime import datetime

import pytest
from raw_events import Event
from usage_warehouse import UsageWarehouse

from orchestration.settings import Settings


@pytest.fixture(scope="session")
def metering_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One data directory for all tests here."""
    return Settings.load(tmp_path_factory.mktemp("metering") / "its data")


@pytest.fixture
def warehouse(metering_settings: Settings) -> UsageWarehouse:
    """An empty warehouse without any raw event."""
    shutil.rmtree(metering_settings.raw, ignore_errors=True)
    metering_settings.warehouse_file.unlink(missing_ok=True)
    return UsageWarehouse(metering_settings)


@pytest.fixture
def event() -> type[Event]:
    """What makes an event from its id, its instant and keyword arguments."""
    return Event


@pytest.fixture
def noon() -> datetime:
    """An instant in the middle of a UTC day, naive as in the raw events."""
    return datetime.fromisoformat("2026-10-15 12:00")
