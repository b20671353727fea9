import importlib.util
import sys
from pathlib import Path

import pytest

HOUSE_FILE = Path(__file__).resolve().parents[2] / "faults" / "posting_house.py"


def load_house_module():
    if "posting_house" not in sys.modules:
        spec = importlib.util.spec_from_file_location("posting_house", HOUSE_FILE)
        sys.modules["posting_house"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["posting_house"])
    return sys.modules["posting_house"]


posting_house = load_house_module()


@pytest.fixture(params=["sandbox", "sandbox_draft_then_post"])
def house(request, tmp_path):
    built = posting_house.House(tmp_path, request.param)
    built.open_books()
    yield built
    built.engine.dispose()
