"""What it costs to rate many contracts, beside a query that only sums their usage.

Belongs here: making workloads of two sizes, running both sides in turn, and the tables of
`make bench-rating`. Does not belong here: the build and the query (measured_rating), the rows
(rating_workload).
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from orchestration.settings import Settings
from tests.benchmarks.measured_rating import BARE_FILE
from tests.benchmarks.measuring import megabytes, print_table, run_measured, seconds
from tests.benchmarks.rating_workload import CHARGES, ROWS_PER_CONTRACT, write_rating_workload

DEFAULT_CONTRACTS: Final = 100_000
DEFAULT_FEWER: Final = 10_000
_GOAL_RATIO: Final = 10
_GOAL_PEAK_BYTES: Final = 8_000_000_000
_RUNS: Final = 2
_SHOWN_NODES: Final = 15
_SHOWN_CHARACTERS: Final = 60
_SIDES: Final = "tests.benchmarks.measured_rating"


@dataclass(frozen=True)
class Rated:
    """The better runs at one size.

    Attributes:
        seconds: wall time of the dbt build, parsed project given.
        bare_seconds: wall time of the bare query.
        processor_seconds: of all threads of the build. bare_processor_seconds: of the bare query.
        peak_bytes: the most memory of any build. bare_peak_bytes: of any bare query.
        start_seconds: dbt's parse, apart from all others.
        beside_seconds: the marts of rating that no line is made from, apart from all others.
        worded_seconds: reading the words and the derivation of every line, which a view makes.
        node_seconds: each model and test of the better build.
        made_in: seconds in which the workload was written.
        differing: lines whose quantity is not the bare query's.
    """

    contract_count: int
    seconds: float
    bare_seconds: float
    processor_seconds: float
    bare_processor_seconds: float
    peak_bytes: int
    bare_peak_bytes: int
    start_seconds: float
    beside_seconds: float
    worded_seconds: float
    node_seconds: Mapping[str, float]
    made_in: float
    differing: int


def measure(data_dir: Path, contract_count: int) -> Rated:
    """Rate a month of a number of contracts; both sides take turns, the best run of each counts."""
    started = time.perf_counter()
    settings = write_rating_workload(data_dir, contract_count)
    made_in = time.perf_counter() - started
    bares, builds = [], []
    for _ in range(_RUNS):
        bares.append(run_measured(_SIDES, "bare", str(data_dir)))
        builds.append(run_measured(_SIDES, "rate", str(data_dir)))
    beside = run_measured(_SIDES, "beside", str(data_dir)).result
    best = min(builds, key=lambda run: run.result["seconds"])
    return Rated(
        contract_count=contract_count,
        seconds=best.result["seconds"],
        bare_seconds=min(run.result["seconds"] for run in bares),
        processor_seconds=min(run.result["processor_seconds"] for run in builds),
        bare_processor_seconds=min(run.result["processor_seconds"] for run in bares),
        peak_bytes=max(run.peak_bytes for run in builds),
        bare_peak_bytes=max(run.peak_bytes for run in bares),
        start_seconds=best.result["start_seconds"],
        beside_seconds=beside["seconds"],
        worded_seconds=beside["worded_seconds"],
        node_seconds=best.result["node_seconds"],
        made_in=made_in,
        differing=count_differing(settings),
    )


def count_differing(settings: Settings) -> int:
    """Pairs of contract and charge that only one side has, or with another sum of quantity."""
    with duckdb.connect(settings.warehouse_file, read_only=True) as connection:
        connection.execute(f"attach '{settings.warehouse / BARE_FILE}' as bare (read_only)")
        found = connection.execute(
            """
            with rated as (
                select contract_id, charge_id, sum(quantity) as quantity
                from rating.fct_rated_lines
                group by contract_id, charge_id
            )
            select count(*)
            from rated
            full join bare.bare_lines using (contract_id, charge_id)
            where rated.quantity is distinct from bare_lines.quantity
            """
        ).fetchone()
    return int(found[0]) if found else 0


def _print_size(rated: Rated, nothing: Rated) -> None:
    warehouse_seconds = _warehouse_seconds(rated, nothing)
    processor_seconds = max(rated.processor_seconds - nothing.processor_seconds, 0.0)
    row_count = rated.contract_count * ROWS_PER_CONTRACT
    print_table(
        f"{rated.contract_count:,} contracts, {len(CHARGES)} charges of 3 tiers, "
        f"{row_count:,} metered rows",
        [
            (
                "build",
                seconds(rated.seconds),
                f"{row_count / rated.seconds:,.0f} rows/s; every test of the models on",
            ),
            ("of which for no contract at all", seconds(nothing.seconds), "start-up of each model"),
            ("warehouse time", seconds(warehouse_seconds), "the rest"),
            ("bare query", seconds(rated.bare_seconds), "sums the same rows, times one price"),
            (
                "ratio",
                f"{warehouse_seconds / rated.bare_seconds:.1f}",
                f"goal at {DEFAULT_CONTRACTS:,}: at most {_GOAL_RATIO}",
            ),
            (
                "ratio of processor time",
                f"{processor_seconds / rated.bare_processor_seconds:.1f}",
                f"{seconds(processor_seconds)} to {seconds(rated.bare_processor_seconds)}",
            ),
            (
                "peak memory of the build",
                megabytes(rated.peak_bytes),
                f"goal at {DEFAULT_CONTRACTS:,}: at most {megabytes(_GOAL_PEAK_BYTES)}",
            ),
            ("peak memory of the bare query", megabytes(rated.bare_peak_bytes), ""),
            (
                "marts beside the lines",
                seconds(rated.beside_seconds),
                "not counted: fct_metered_usage, fct_line_events",
            ),
            (
                "explanations of all lines, read",
                seconds(rated.worded_seconds),
                "not counted: fct_line_explanations, made when read",
            ),
            ("lines of another quantity", str(rated.differing), "than the bare query's"),
        ],
    )
    slowest = sorted(rated.node_seconds.items(), key=lambda node: -node[1])[:_SHOWN_NODES]
    print_table(
        "Where the time goes; two nodes run at a time",
        [
            (name, seconds(spent), f"for no contract {seconds(nothing.node_seconds[node])}")
            for node, spent in slowest
            for name in [" ".join(node.split(".")[0:3:2])[:_SHOWN_CHARACTERS]]
        ],
    )


def _warehouse_seconds(rated: Rated, nothing: Rated) -> float:
    return max(rated.seconds - nothing.seconds, 0.0)


def _print_together(sizes: Sequence[Rated], nothing: Rated) -> None:
    growth = []
    if len(sizes) > 1:
        fewer, more = sizes
        factor = _warehouse_seconds(more, nothing) / _warehouse_seconds(fewer, nothing)
        times = more.contract_count / fewer.contract_count
        growth = [
            (
                "growth of warehouse time",
                f"{factor:.1f}",
                f"over {times:.1f} times the contracts; linear is at most that",
            )
        ]
    print_table(
        "Over the sizes",
        [
            *(
                (
                    f"{rated.contract_count:,} contracts",
                    f"{1000 * _warehouse_seconds(rated, nothing) / rated.contract_count:.3f} ms",
                    "of warehouse time each",
                )
                for rated in sizes
            ),
            *growth,
            ("start-up of dbt (parse)", seconds(nothing.start_seconds), "not counted"),
            ("making the workloads", seconds(sum(one.made_in for one in sizes)), "not counted"),
            (
                "load of the machine",
                f"{os.getloadavg()[0]:.1f}",
                f"on {os.cpu_count()} processors; above that, others slowed this down",
            ),
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both sizes; returns 1 when a line's quantity is not the bare query's."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_rating")
    parser.add_argument("--contracts", type=int, default=DEFAULT_CONTRACTS, help="contracts rated")
    parser.add_argument(
        "--fewer",
        type=int,
        default=DEFAULT_FEWER,
        help="contracts of the smaller workload; 0: none",
    )
    parser.add_argument("--folder", type=Path, help="where to work; by default a temporary folder")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tallyhouse-bench-", dir=options.folder) as temporary:
        nothing = measure(Path(temporary) / "nothing", 0)
        sizes = []
        for count in filter(None, (options.fewer, options.contracts)):
            rated = measure(Path(temporary) / str(count), count)
            _print_size(rated, nothing)
            sizes.append(rated)
    _print_together(sizes, nothing)
    return 1 if any(rated.differing for rated in sizes) else 0


if __name__ == "__main__":
    sys.exit(main())
