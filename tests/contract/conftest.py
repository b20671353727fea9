import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def load(name):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


load("erp_promises")
load("crm_promises")
