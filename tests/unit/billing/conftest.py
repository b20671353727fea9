"""The small company that the tests of this folder share.

Belongs here: its fixture. Does not belong here: any expectation.
"""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


def _load() -> ModuleType:
    name = "tests_billing_world"
    if name not in sys.modules:
        path = Path(__file__).with_name("billing_world.py")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


_load()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[object]:
    company = sys.modules["tests_billing_world"].BillingWorld(tmp_path)
    yield company
    company.engine.dispose()
