"""What scenarios of a month cost, beside as many plain ratings of it.

Belongs here: making the workload, the table of `make bench-what-if`. Does not belong here: both
sides (measured_what_if), the rows (rating_workload).
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.measuring import megabytes, print_table, run_measured, seconds
from tests.benchmarks.rating_workload import ROWS_PER_CONTRACT, write_rating_workload

_DEFAULT_CONTRACTS: Final = 100_000
_DEFAULT_SCENARIOS: Final = 10
_GOAL_RATIO: Final = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure scenarios of other prices; returns 1 where they take longer than plain ratings."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_what_if")
    parser.add_argument("--contracts", type=int, default=_DEFAULT_CONTRACTS, help="contracts rated")
    parser.add_argument("--scenarios", type=int, default=_DEFAULT_SCENARIOS, help="how many")
    parser.add_argument("--folder", type=Path, help="where to work; by default a temporary folder")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tallyhouse-bench-", dir=options.folder) as temporary:
        data_dir = Path(temporary) / "data"
        write_rating_workload(data_dir, options.contracts)
        measured = run_measured(
            "tests.benchmarks.measured_what_if", str(data_dir), str(options.scenarios)
        )
    result = measured.result
    plain = sum(result["plain_seconds"])
    tried = result["base_seconds"] + sum(result["scenario_seconds"])
    ratio = tried / plain
    print_table(
        f"{options.scenarios} scenarios of a month, {options.contracts:,} contracts, "
        f"{options.contracts * ROWS_PER_CONTRACT:,} metered rows",
        [
            ("plain ratings", seconds(plain), "as many, with no test of the models"),
            ("base of the scenarios", seconds(result["base_seconds"]), "one rating and a copy"),
            ("scenarios", seconds(tried - result["base_seconds"]), "rated and compared"),
            ("ratio", f"{ratio:.2f}", f"base and scenarios; goal: at most {_GOAL_RATIO}"),
            ("copied for each", megabytes(result["warehouse_bytes"]), "the rated warehouse"),
            ("customers compared", f"{max(result['customers_compared']):,}", "of each scenario"),
            ("peak memory", megabytes(measured.peak_bytes), ""),
            ("load of the machine", f"{os.getloadavg()[0]:.1f}", f"{os.cpu_count()} processors"),
        ],
    )
    return int(ratio > _GOAL_RATIO)


if __name__ == "__main__":
    sys.exit(main())
