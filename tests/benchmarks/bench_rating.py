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
from tests.benchmarks.measuring import Measured, megabytes, print_table, run_measured, seconds
from tests.benchmarks.rating_workload import CHARGES, ROWS_PER_CONTRACT, write_rating_workload

DEFAULT_CONTRACTS: Final = 100_000
DEFAULT_FEWER: Final = 10_000
_GOAL_RATIO: Final = 10
_GOAL_PEAK_BYTES: Final = 8_000_000_000
_TURNS: Final = 5
_SHOWN_NODES: Final = 15
_SHOWN_CHARACTERS: Final = 60
_SIDES: Final = "tests.benchmarks.measured_rating"


@dataclass(frozen=True)
class Turn:
    """One build of a size, beside a build of nothing and the bare query in the same minute.

    Attributes:
        build: rating of all contracts. nothing: of no contract. bare: the query.
    """

    build: Measured
    nothing: Measured
    bare: Measured

    def warehouse(self, figure: str = "seconds") -> float:
        """Return what the build takes beyond a build of nothing, in seconds."""
        return max(float(self.build.result[figure] - self.nothing.result[figure]), 0.0)

    def ratio(self, figure: str = "seconds") -> float:
        """Return how many times as long as the bare query that is."""
        return self.warehouse(figure) / float(self.bare.result[figure])


@dataclass(frozen=True)
class Rated:
    """All turns of one size.

    Attributes:
        turns: in order of their ratio.
        beside_seconds: the marts of rating that no line is made from, apart from all others.
        worded_seconds: reading the words and the derivation of every line, which a view makes.
        made_in: seconds in which the workload was written.
        differing: lines whose quantity is not the bare query's.
    """

    contract_count: int
    turns: Sequence[Turn]
    beside_seconds: float
    worded_seconds: float
    made_in: float
    differing: int

    @property
    def middle(self) -> Turn:
        """The turn that as many others were faster as slower than, by ratio."""
        return self.turns[len(self.turns) // 2]


def measure(data_dir: Path, nothing_dir: Path, contract_count: int) -> Rated:
    """Rate a month of a number of contracts; both sides take turns.

    A machine's pace changes within minutes, so what is compared is what ran together.
    """
    started = time.perf_counter()
    settings = write_rating_workload(data_dir, contract_count)
    made_in = time.perf_counter() - started
    turns = [
        Turn(
            nothing=run_measured(_SIDES, "rate", str(nothing_dir)),
            bare=run_measured(_SIDES, "bare", str(data_dir)),
            build=run_measured(_SIDES, "rate", str(data_dir)),
        )
        for _ in range(_TURNS)
    ]
    beside = run_measured(_SIDES, "beside", str(data_dir)).result
    return Rated(
        contract_count=contract_count,
        turns=sorted(turns, key=Turn.ratio),
        beside_seconds=beside["seconds"],
        worded_seconds=beside["worded_seconds"],
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


def _print_size(rated: Rated) -> None:
    turn = rated.middle
    row_count = rated.contract_count * ROWS_PER_CONTRACT
    build, bare = turn.build.result, turn.bare.result
    all_ratios = " ".join(f"{each.ratio():.1f}" for each in rated.turns)
    processor = [turn.warehouse("processor_seconds"), float(bare["processor_seconds"])]
    print_table(
        f"{rated.contract_count:,} contracts, {len(CHARGES)} charges of 3 tiers, "
        f"{row_count:,} metered rows; the middle one of {len(rated.turns)} turns",
        [
            (
                "build",
                seconds(build["seconds"]),
                f"{row_count / build['seconds']:,.0f} rows/s; every test of the models on",
            ),
            (
                "of which for no contract at all",
                seconds(turn.nothing.result["seconds"]),
                "start-up of each model",
            ),
            ("warehouse time", seconds(turn.warehouse()), "the rest"),
            ("bare query", seconds(bare["seconds"]), "sums the same rows, times one price"),
            (
                "ratio",
                f"{turn.ratio():.1f}",
                f"goal at {DEFAULT_CONTRACTS:,}: at most {_GOAL_RATIO}; all turns {all_ratios}",
            ),
            (
                "ratio of processor time",
                f"{turn.ratio('processor_seconds'):.1f}",
                " to ".join(seconds(spent) for spent in processor),
            ),
            (
                "peak memory of the build",
                megabytes(max(each.build.peak_bytes for each in rated.turns)),
                f"goal at {DEFAULT_CONTRACTS:,}: at most {megabytes(_GOAL_PEAK_BYTES)}",
            ),
            (
                "peak memory of the bare query",
                megabytes(max(each.bare.peak_bytes for each in rated.turns)),
                "",
            ),
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
    _print_nodes(turn)


def _print_nodes(turn: Turn) -> None:
    spent_by_node: Mapping[str, float] = turn.build.result["node_seconds"]
    nothing: Mapping[str, float] = turn.nothing.result["node_seconds"]
    slowest = sorted(spent_by_node.items(), key=lambda node: -node[1])[:_SHOWN_NODES]
    print_table(
        "Where the time goes; two nodes run at a time",
        [
            (name, seconds(spent), f"for no contract {seconds(nothing[node])}")
            for node, spent in slowest
            for name in [" ".join(node.split(".")[0:3:2])[:_SHOWN_CHARACTERS]]
        ],
    )


def _print_together(sizes: Sequence[Rated]) -> None:
    growth = []
    if len(sizes) > 1 and sizes[0].middle.warehouse() > 0:
        fewer, more = sizes
        factor = more.middle.warehouse() / fewer.middle.warehouse()
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
                    f"{1000 * rated.middle.warehouse() / rated.contract_count:.3f} ms",
                    "of warehouse time each",
                )
                for rated in sizes
            ),
            *growth,
            (
                "start-up of dbt (parse)",
                seconds(sizes[-1].middle.nothing.result["start_seconds"]),
                "not counted",
            ),
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
        nothing_dir = Path(temporary) / "nothing"
        write_rating_workload(nothing_dir, 0)
        sizes = []
        for count in filter(None, (options.fewer, options.contracts)):
            rated = measure(Path(temporary) / str(count), nothing_dir, count)
            _print_size(rated)
            sizes.append(rated)
    _print_together(sizes)
    return 1 if any(rated.differing for rated in sizes) else 0


if __name__ == "__main__":
    sys.exit(main())
