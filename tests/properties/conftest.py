"""Makes the modules beside tests importable, which importlib mode does not do."""

import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
MODULES = {
    "rating_warehouse": FOLDER.parent / "dbt" / "rating_warehouse.py",
    "rating_catalog": FOLDER / "rating_catalog.py",
}


def load_modules():
    for name, path in MODULES.items():
        if name not in sys.modules:
            spec = importlib.util.spec_from_file_location(name, path)
            sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])


load_modules()
