"""Real usage through the whole job, and the figures it must come to: `make real`.

Belongs here: one set from landing to comparison, and the command line over all sets.
Does not belong here: conversion, comparison, and what a set looks like: real_landing,
real_comparison, real_sets.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from orchestration.pipeline import (
    RATING,
    Installation,
    build_models,
    load_reference_data,
    load_usage_files,
    write_inputs,
)
from orchestration.sample.real_comparison import Comparison, compare_with_expected
from orchestration.sample.real_landing import RealUsageMissingError, write_real_landing
from orchestration.sample.real_sets import REAL_SETS
from orchestration.settings import Settings

RunPipeline = Callable[[Settings], None]

_MOST_DIFFERENCES_SHOWN = 20
EXIT_EQUAL = 0
EXIT_DIFFERENT = 1
EXIT_MISSING = 2


def rate_everything(settings: Settings) -> None:
    """Run the job from landing to candidates in this process, without Dagster."""
    installation = Installation(settings)
    load_reference_data(installation)
    load_usage_files(installation)
    write_inputs(installation)
    build_models(installation, RATING)


def run_real(
    set_name: str, data_dir: Path, run_pipeline: RunPipeline = rate_everything
) -> Comparison:
    """Land a real set in a data directory, run the job on it, and compare with its expected file.

    Raises:
        RealUsageMissingError: the set is not on this machine.
    """
    real_set = REAL_SETS[set_name]
    settings = Settings.load(data_dir)
    write_real_landing(real_set, settings)
    run_pipeline(settings)
    return compare_with_expected(real_set, settings)


def report(console: Console, comparison: Comparison) -> None:
    """Print the totals of a comparison, then how many rows differ, and the first of them."""
    totals = Table(title=comparison.set_name, title_justify="left")
    for heading in ("month", "figure", "expected", "rated"):
        totals.add_column(heading, justify="left" if heading in {"month", "figure"} else "right")
    for total in comparison.totals:
        totals.add_row(total.month, total.figure, _text(total.expected), _text(total.actual))
    console.print(totals)
    count = len(comparison.differences)
    console.print(
        f"{comparison.set_name}: {comparison.rows_compared:,} figures compared, "
        f"{count:,} differences"
    )
    for difference in comparison.differences[:_MOST_DIFFERENCES_SHOWN]:
        console.print(
            f"  {difference.compared}, {difference.tenant}, {difference.month}, "
            f"{difference.figure}: expected {difference.expected}, found {difference.actual}"
        )
    if count > _MOST_DIFFERENCES_SHOWN:
        console.print(f"  and {count - _MOST_DIFFERENCES_SHOWN:,} more")


def _text(figure: Decimal) -> str:
    whole, _, decimals = f"{figure:,f}".partition(".")
    return f"{whole}.{decimals}".rstrip("0").rstrip(".")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named sets, or all; returns 0 when every figure is equal, 1 else, 2 if one is absent.

    Without --data-dir each set runs in a folder of its own that is deleted afterwards.
    """
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.sample.real",
        description="Run the job on real usage and compare with totals computed elsewhere.",
    )
    parser.add_argument("sets", nargs="*", help=f"which of: {', '.join(REAL_SETS)}")
    parser.add_argument("--data-dir", type=Path, help="keep the data below this folder")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.sets) - set(REAL_SETS))
    if unknown:
        parser.error(f"no such set: {', '.join(unknown)}; choose from {', '.join(REAL_SETS)}")
    console = Console()
    exit_code = EXIT_EQUAL
    for set_name in options.sets or REAL_SETS:
        with tempfile.TemporaryDirectory(prefix="tallyhouse-real-") as temporary:
            try:
                comparison = run_real(set_name, (options.data_dir or Path(temporary)) / set_name)
            except RealUsageMissingError as error:
                console.print(str(error))
                exit_code = EXIT_MISSING
                continue
        report(console, comparison)
        if comparison.differences:
            exit_code = max(exit_code, EXIT_DIFFERENT)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
