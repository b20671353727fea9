"""Makes rating_warehouse importable, which importlib mode does not do for files beside tests."""

import importlib.util
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().with_name("rating_warehouse.py")


def load_house_module():
    if "rating_warehouse" not in sys.modules:
        spec = importlib.util.spec_from_file_location("rating_warehouse", HOUSE)
        sys.modules["rating_warehouse"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["rating_warehouse"])


load_house_module()
