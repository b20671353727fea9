"""Great Expectations is imported without what slows it down, and leaves the process as it was."""

import subprocess
import sys

import pytest

SCRIPT = """
import gc
import sys
from orchestration.quality.library import import_great_expectations

gc.{before}()
import_great_expectations()
print(gc.isenabled(), "great_expectations.expectations" in sys.modules)
"""


@pytest.mark.parametrize(("before", "expected"), [("enable", "True"), ("disable", "False")])
def test_the_import_leaves_the_garbage_collector_as_it_was(before, expected):
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(before=before)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [expected, "True"] == ran.stdout.split()
