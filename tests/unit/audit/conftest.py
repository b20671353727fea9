"""The small company that the tests of this folder share.

Belongs here: its fixture. Does not belong here: any expectation.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from billing_world import BillingWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BillingWorld]:
    company = BillingWorld(tmp_path)
    yield company
    company.engine.dispose()
