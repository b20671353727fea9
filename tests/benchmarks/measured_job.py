"""The job on a prepared data directory, phase by phase, in a process of its own.

Belongs here: calling the pipeline's steps in order and timing each; which model belongs to which
phase. Does not belong here: making the workload, comparing, printing for people.

Run as `python -m tests.benchmarks.measured_job WHAT DATA_DIR`; prints one JSON object at the end.
WHAT is `everything` (landing to candidates with every check), `ingest` (landing to raw events),
or `meter` (landing to metered rows).
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from orchestration.dbt import DBT_PROJECT_DIR, run_dbt
from orchestration.pipeline import (
    RATING,
    Installation,
    build_models,
    judge_candidates,
    judge_raw_events,
    load_reference_data,
    load_usage_files,
    read_conservation,
    write_inputs,
)
from orchestration.quality.library import import_great_expectations
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse
from tests.benchmarks.workload import BILLING_PERIOD

# The last models of metering; what lies before them is built with them.
METERED: Final = ("--select", "+int_usage__metered", "+int_usage__distinct_values")
_DEDUPLICATION: Final = ("int_key_matches__", "int_events__")
_PHASE_BY_FOLDER: Final = {
    "staging": "metering",
    "intermediate": "metering",
    "rating": "rating",
    "billing": "candidates",
    "reconciliation": "conservation",
}


class _Clock:
    """Seconds by phase, in the order in which the phases began."""

    def __init__(self) -> None:
        self.phases: dict[str, float] = defaultdict(float)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.phases[name] += time.perf_counter() - started

    def split(self, name: str, wall: float, parts: Mapping[str, float]) -> None:
        """Share a step's wall time among its parts; what they do not cover is its rest.

        Parts that ran side by side cover more than the wall time, and are scaled down to it.
        """
        covered = sum(parts.values())
        scale = min(1.0, wall / covered) if covered else 1.0
        for part, spent in parts.items():
            self.phases[f"{name}: {part}"] += spent * scale
        self.phases[f"{name}: rest"] += max(0.0, wall - covered)


def run(what: str, data_dir: Path) -> dict[str, Any]:
    """Run the steps; returns phases, start-up and figures."""
    settings = Settings.load(data_dir)
    installation = Installation(settings)
    clock = _Clock()
    load_reference_data(installation)
    started = time.perf_counter()
    ingested = load_usage_files(installation)
    clock.split("ingest", time.perf_counter() - started, ingested.seconds_by_phase)
    found: dict[str, Any] = {"lines_read": ingested.lines_read, "phases": clock.phases}
    if what == "ingest":
        return found
    batch = ingested.ingestion_batch_id
    if what == "everything" and batch is not None:
        with clock.phase("expectations: start-up"):
            import_great_expectations()
        with clock.phase("expectations: raw events"):
            judge_raw_events(installation, ingestion_batch_id=batch)
    with clock.phase("inputs for dbt"):
        write_inputs(installation)
    started = time.perf_counter()
    run_dbt(settings, ["parse"])
    found["dbt_start_seconds"] = time.perf_counter() - started
    _build(installation, clock, METERED if what == "meter" else RATING)
    if what == "everything":
        with clock.phase("expectations: candidates"):
            judge_candidates(installation, billing_period=BILLING_PERIOD)
        found["broken"] = [
            figure.check_name for figure in read_conservation(installation) if not figure.is_passed
        ]
        found["quantities"] = _quantities(settings)
    return found


def _build(installation: Installation, clock: _Clock, selection: tuple[str, ...]) -> None:
    started = time.perf_counter()
    outcome = build_models(installation, selection)
    wall = time.perf_counter() - started
    models = DBT_PROJECT_DIR / "models"
    folders = {path.stem: path.relative_to(models).parts[0] for path in models.rglob("*.sql")}
    parts: dict[str, float] = defaultdict(float)
    for unique_id, spent in outcome.node_seconds.items():
        parts[_phase_of(unique_id, folders)] += spent
    clock.split("dbt", wall, parts)


def _phase_of(unique_id: str, folders: dict[str, str]) -> str:
    kind, _, name = unique_id.split(".")[:3]
    if kind != "model":
        return "checks (tests)" if kind == "test" else f"{kind}s"
    if name.startswith(_DEDUPLICATION):
        return "de-duplication"
    folder = folders.get(name, "other models")
    return _PHASE_BY_FOLDER.get(folder, folder)


def _quantities(settings: Settings) -> dict[str, str]:
    """The rated quantity by meter, as whole-number texts."""
    with open_warehouse(settings) as connection:
        found = connection.execute(
            "select table_schema from information_schema.tables "
            "where table_name = 'fct_rated_lines'"
        ).fetchone()
        if found is None:
            return {}
        rows = connection.execute(
            f'select meter_id, cast(sum(quantity) as varchar) from "{found[0]}".fct_rated_lines '
            "where meter_id is not null group by meter_id order by meter_id"
        ).fetchall()
    return {meter_id: quantity.rstrip("0").rstrip(".") for meter_id, quantity in rows}


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(run(sys.argv[1], Path(sys.argv[2]))) + "\n")
