"""One side of the rating benchmark on a prepared data directory, in a process of its own.

Belongs here: the dbt build that rates, the bare query that it is measured by, and timing both.
Does not belong here: making the workload, comparing, printing for people.

Run as `python -m tests.benchmarks.measured_rating SIDE DATA_DIR`; prints one JSON object at the
end. SIDE is `rate`, `bare` or `beside`.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import duckdb

from orchestration.dbt import BUILD_ARGUMENTS, run_dbt
from orchestration.settings import Settings

# What metering leaves beside its tables, which views resolve to contracts.
METERED: Final = (
    "tallyhouse.staging",
    "int_contracts__spans",
    "int_customers__parents",
    "int_subjects__segmented",
    "int_usage__metered",
    "int_usage__distinct_values",
    "int_usage__kept_events",
    "int_events__counted",
)
RATED: Final = ("int_contracts__cells", "tallyhouse.rating")
# What no line is made from: usage by day, for analysts, and the way from a line to its events.
BESIDE: Final = ("fct_metered_usage", "fct_line_events")
# Only the tests that need nothing besides.
_OWN_TESTS: Final = ("--indirect-selection", "cautious")
BARE_FILE: Final = "bare.duckdb"
_BARE: Final = """
create or replace table bare_lines as
select
    subject as contract_id,
    counted_id as charge_id,
    sum(quantity_sum) as quantity,
    sum(quantity_sum) * 0.0125 as amount
from warehouse.intermediate.int_usage__counted
where counted_kind = 'meter'
group by subject, counted_id
"""

_WORDED: Final = """
select count(unit_price_display), sum(length(description)), sum(length(derivation))
from rating.fct_line_explanations
"""


def rate(settings: Settings) -> dict[str, Any]:
    """Build the lines with every check; returns seconds of the build, by node, and of start-up."""
    started = time.perf_counter()
    run_dbt(settings, ["parse"])
    parsed = time.perf_counter()
    run_dbt(settings, ["run", "--select", *METERED])
    before, processor_before = time.perf_counter(), time.process_time()
    outcome = run_dbt(
        settings, [*BUILD_ARGUMENTS, *_OWN_TESTS, "--select", *RATED, "--exclude", *BESIDE]
    )
    return {
        "start_seconds": parsed - started,
        "seconds": time.perf_counter() - before,
        "processor_seconds": time.process_time() - processor_before,
        "node_seconds": outcome.node_seconds,
    }


def beside(settings: Settings) -> dict[str, Any]:
    """Build the marts that no line is made from, and read what a view says; returns seconds."""
    run_dbt(settings, ["parse"])
    before = time.perf_counter()
    run_dbt(settings, [*BUILD_ARGUMENTS, *_OWN_TESTS, "--select", *BESIDE])
    built = time.perf_counter()
    with duckdb.connect(
        settings.warehouse_file, read_only=True, config=_config(settings)
    ) as connection:
        connection.execute(_WORDED).fetchall()
    return {"seconds": built - before, "worded_seconds": time.perf_counter() - built}


def bare(settings: Settings) -> dict[str, Any]:
    """Sum the same rows by contract and charge, times one price; returns its seconds."""
    with duckdb.connect(settings.warehouse / BARE_FILE, config=_config(settings)) as connection:
        connection.execute(f"attach '{settings.warehouse_file}' as warehouse (read_only)")
        started, processor_started = time.perf_counter(), time.process_time()
        connection.execute(_BARE)
        return {
            "seconds": time.perf_counter() - started,
            "processor_seconds": time.process_time() - processor_started,
        }


def _config(settings: Settings) -> dict[str, Any]:
    return {
        "threads": settings.duckdb_threads,
        "memory_limit": settings.duckdb_memory_limit,
        "preserve_insertion_order": False,
    }


_SIDES: Final = {"rate": rate, "bare": bare, "beside": beside}

if __name__ == "__main__":
    sys.stdout.write(
        "\n" + json.dumps(_SIDES[sys.argv[1]](Settings.load(Path(sys.argv[2])))) + "\n"
    )
