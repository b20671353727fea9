"""What it costs to rate a signed month again, beside rating it first.

Belongs here: making the workload, the tables of `make bench-rerating`. Does not belong here: both
sides (measured_rerating), the rows (rating_workload).
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
_DEFAULT_TURNS: Final = 3
_GOAL_RATIO: Final = 1.2
_SHOWN_NODES: Final = 12


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both ratings in turn; returns 1 where the second is too slow, or misses money."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_rerating")
    parser.add_argument("--contracts", type=int, default=_DEFAULT_CONTRACTS, help="contracts rated")
    parser.add_argument("--turns", type=int, default=_DEFAULT_TURNS, help="of both ratings")
    parser.add_argument("--folder", type=Path, help="where to work; by default a temporary folder")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tallyhouse-bench-", dir=options.folder) as temporary:
        data_dir = Path(temporary) / "data"
        write_rating_workload(data_dir, options.contracts)
        measured = run_measured(
            "tests.benchmarks.measured_rerating", str(data_dir), str(options.turns)
        )
    result = measured.result
    turns = sorted(
        (again / first, first, again)
        for first, again in zip(result["first"], result["again"], strict=True)
    )
    ratio, first, again = turns[len(turns) // 2]
    print_table(
        f"A signed month of {options.contracts:,} contracts rated again, "
        f"{options.contracts * ROWS_PER_CONTRACT:,} metered rows; the middle one of {len(turns)}",
        [
            ("first rating", seconds(first), "from metered days to candidates"),
            ("rated again", seconds(again), "every key signed, every tier 10 % dearer"),
            (
                "ratio",
                f"{ratio:.2f}",
                f"goal: at most {_GOAL_RATIO}; all turns "
                + " ".join(f"{each:.2f}" for each, _, _ in turns),
            ),
            ("signed entries", f"{result['entries']:,}", ""),
            ("corrected keys", f"{result['corrected_keys']:,}", f"USD {result['due_amount']} due"),
            ("peak memory", megabytes(measured.peak_bytes), ""),
            ("load of the machine", f"{os.getloadavg()[0]:.1f}", f"{os.cpu_count()} processors"),
        ],
    )
    slowest = sorted(result["again_nodes"].items(), key=lambda node: -node[1])[:_SHOWN_NODES]
    print_table(
        "Where the time goes; two nodes run at a time",
        [
            (
                name.rpartition(".")[2],
                seconds(spent),
                f"first {seconds(result['first_nodes'].get(name, 0))}",
            )
            for name, spent in slowest
        ],
    )
    return int(ratio > _GOAL_RATIO or not result["is_all_due"])


if __name__ == "__main__":
    sys.exit(main())
