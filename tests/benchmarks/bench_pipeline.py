"""How fast the job is beside a hand-written script, and what a long history costs: `make bench`.

Belongs here: making the workload, running both sides in one go, and the tables.
Does not belong here: the job's steps (measured_job), the script (hand_written), events (workload).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from orchestration.settings import PROJECT_ROOT
from tests.benchmarks.measuring import (
    Measured,
    megabytes,
    print_table,
    run_measured,
    seconds,
)
from tests.benchmarks.workload import Day, month_of, write_day, write_reference, write_usage

DEFAULT_EVENTS: Final = 2_000_000
# The question is 3.3 million events on top of 100 million; this is small enough for every time.
DEFAULT_HISTORY: Final = 3_000_000
_EVENTS_PER_HISTORY_DAY_EVENT: Final = 30
_HISTORY_CHUNK: Final = 10_000_000
_GOAL_RATIO: Final = 2.5
_GOAL_PEAK_BYTES: Final = 6_000_000_000
_GOAL_HISTORY_RATIO: Final = 1.5
_RUNS: Final = 2
_JOB: Final = "tests.benchmarks.measured_job"
_SCRIPT: Final = "tests.benchmarks.hand_written"


def bench_month(folder: Path, event_count: int) -> bool:
    """Measure a month of events through the whole job; returns whether both sides agree.

    Script and job take turns, and the best run of each counts: a machine's speed changes meanwhile.
    """
    usage = folder / "landing" / "usage"
    started = time.perf_counter()
    paths = write_usage(usage, month_of(event_count))
    write_reference(folder / "landing" / "reference")
    made_in = time.perf_counter() - started
    size = sum(path.stat().st_size for path in paths)

    scripts, jobs = [], []
    for number in range(_RUNS):
        scripts.append(run_measured(_SCRIPT, str(usage)))
        jobs.append(run_measured(_JOB, "everything", str(_with_landing(folder, number))))
    script_seconds = [run.result["seconds"] for run in scripts]
    job_seconds = [sum(run.result["phases"].values()) for run in jobs]
    job = jobs[job_seconds.index(min(job_seconds))]
    agrees = job.result["quantities"] == scripts[0].result["quantities"]
    print_table(
        f"{event_count:,} events, {job.result['lines_read']:,} lines, {megabytes(size)} of JSON",
        [
            (name, seconds(spent), _share(spent, min(job_seconds)))
            for name, spent in job.result["phases"].items()
        ],
    )
    print_table(
        "Whole job, every check on",
        [
            ("job", seconds(min(job_seconds)), _runs_text(job_seconds, event_count)),
            (
                "hand-written script",
                seconds(min(script_seconds)),
                _runs_text(script_seconds, event_count),
            ),
            (
                "ratio",
                f"{min(job_seconds) / min(script_seconds):.2f}",
                f"goal at 10 million: at most {_GOAL_RATIO}",
            ),
            (
                "peak memory of the job",
                megabytes(max(run.peak_bytes for run in jobs)),
                f"goal at 10 million: at most {megabytes(_GOAL_PEAK_BYTES)}",
            ),
            (
                "peak memory of the script",
                megabytes(max(run.peak_bytes for run in scripts)),
                "",
            ),
            ("same quantities", "yes" if agrees else "NO", _quantities_text(job, scripts[0])),
            ("broken invariants", str(len(job.result["broken"])), ", ".join(job.result["broken"])),
        ],
    )
    print_table(
        "Apart from that",
        [
            ("start-up of dbt (parse)", seconds(job.result["dbt_start_seconds"]), ""),
            ("start-up of Dagster (load the definitions)", seconds(_dagster_start()), ""),
            ("making the workload", seconds(made_in), ""),
            (
                "load of the machine",
                f"{os.getloadavg()[0]:.1f}",
                f"on {os.cpu_count()} processors; above that, others slowed this down",
            ),
        ],
    )
    return agrees and not job.result["broken"]


def bench_history(folder: Path, history: int) -> None:
    """Measure a day, a thirtieth of the history, on top of the history and then alone."""
    day_count = max(1, history // _EVENTS_PER_HISTORY_DAY_EVENT)
    days = [Day(number, number * day_count, day_count) for number in range(31)]
    *past, today = days
    grown, alone = folder / "grown", folder / "alone"
    usage = grown / "landing" / "usage"
    write_reference(grown / "landing" / "reference")
    waiting: list[Path] = []
    started = time.perf_counter()
    for place, day in enumerate(past):
        waiting.append(write_day(usage, day, repeating=past[place - 1] if place else None))
        if len(waiting) * day_count >= _HISTORY_CHUNK or day is past[-1]:
            run_measured(_JOB, "ingest", str(grown))
            for path in waiting:
                path.unlink()
            waiting = []
    run_measured(_JOB, "meter", str(grown))
    built_in = time.perf_counter() - started

    write_day(usage, today, repeating=past[-1])
    write_reference(alone / "landing" / "reference")
    shutil.copytree(usage, alone / "landing" / "usage")
    on_top = run_measured(_JOB, "meter", str(grown))
    by_itself = run_measured(_JOB, "meter", str(alone))
    rows = [
        (
            name,
            seconds(on_top.result["phases"].get(name, 0.0)),
            f"alone {seconds(by_itself.result['phases'].get(name, 0.0))}",
        )
        for name in {**by_itself.result["phases"], **on_top.result["phases"]}
    ]
    grown_seconds = sum(on_top.result["phases"].values())
    alone_seconds = sum(by_itself.result["phases"].values())
    print_table(
        f"A day of {day_count:,} events on top of {30 * day_count:,}, parse through metered rows",
        [
            *rows,
            ("together", seconds(grown_seconds), f"alone {seconds(alone_seconds)}"),
            (
                "ratio",
                f"{grown_seconds / alone_seconds:.2f}",
                f"goal for 3.3 on 100 million: at most {_GOAL_HISTORY_RATIO}",
            ),
            (
                "peak memory",
                megabytes(on_top.peak_bytes),
                f"alone {megabytes(by_itself.peak_bytes)}",
            ),
            ("building the history", seconds(built_in), "not counted"),
        ],
    )


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:5.1f} %"


def _with_landing(folder: Path, number: int) -> Path:
    """Return a data directory of its own for a run, on the same landing files."""
    own = folder / f"run-{number}"
    shutil.copytree(folder / "landing", own / "landing", copy_function=os.link)
    return own


def _runs_text(runs: Sequence[float], event_count: int) -> str:
    others = ", ".join(seconds(one) for one in sorted(runs)[1:])
    return f"{event_count / min(runs):,.0f} events/s; the best run, the other took {others}"


def _quantities_text(job: Measured, script: Measured) -> str:
    if job.result["quantities"] == script.result["quantities"]:
        return "per meter, to the last digit"
    return f"job {json.dumps(job.result['quantities'])}, script {script.result['quantities']}"


def _dagster_start() -> float:
    """Seconds until a fresh process has loaded the definitions."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "import orchestration.definitions"], cwd=PROJECT_ROOT, check=True
    )
    return time.perf_counter() - started


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both benchmarks, or one; returns 1 when the job's quantities are not the script's."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument(
        "--events", type=int, default=DEFAULT_EVENTS, help="events in the month; 0: none"
    )
    parser.add_argument(
        "--history",
        type=int,
        default=DEFAULT_HISTORY,
        help="events before the measured day; 0: none",
    )
    parser.add_argument("--folder", type=Path, help="where to work; by default a temporary folder")
    options = parser.parse_args(arguments)
    is_right = True
    with tempfile.TemporaryDirectory(prefix="tallyhouse-bench-", dir=options.folder) as temporary:
        if options.events:
            is_right = bench_month(Path(temporary) / "month", options.events)
        if options.history:
            bench_history(Path(temporary) / "history", options.history)
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
