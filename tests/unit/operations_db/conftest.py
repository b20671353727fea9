"""Databases that are really made and migrated, each by its own test."""

import pytest

from orchestration.operations_db import database


@pytest.fixture(autouse=True)
def migrated_by_the_test(migrated_once, monkeypatch):
    monkeypatch.setattr(database, "_make_sqlite_file", migrated_once)
