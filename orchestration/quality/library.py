"""How Great Expectations is imported: when a suite needs it, and without what no suite uses.

Belongs here: the import, which takes longer than most suites. Does not belong here: its use.
"""

import importlib
import importlib.util
import logging
import os
import sys
from typing import Final

from orchestration.garbage import made_to_stay

# Great Expectations imports it for one expectation, about distributions, which no suite holds.
_SELDOM_USED: Final = "scipy.stats"


def import_great_expectations() -> None:
    """Import the library once; its usage statistics are off, and scipy.stats waits for a first use.

    Call it before a function's own `import great_expectations`.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    if "great_expectations" not in sys.modules:
        _import_on_first_use(_SELDOM_USED)
        with made_to_stay():
            importlib.import_module("great_expectations.expectations")
        # Its modules set levels of their own, and tell of temporary folders.
        logging.getLogger("great_expectations").propagate = False


def _import_on_first_use(name: str) -> None:
    parent_name, _, child_name = name.rpartition(".")
    if name in sys.modules:
        return
    parent = importlib.import_module(parent_name)
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    setattr(parent, child_name, module)
