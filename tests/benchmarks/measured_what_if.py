"""Both sides of the benchmark of scenarios, in one process and in turn.

Belongs here: rating a month plainly and with other prices, and timing both. Does not belong here:
making the workload, printing for people (bench_what_if).

Run as `python -m tests.benchmarks.measured_what_if DATA_DIR SCENARIOS`; prints one JSON object.
"""

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.dbt import BUILD_ARGUMENTS, run_dbt
from orchestration.pipeline import Installation
from orchestration.price_book.table_schemas import TABLE_SCHEMAS, input_file_name
from orchestration.rerating.reference_tables import put_tables
from orchestration.settings import Settings
from orchestration.whatif.comparison import compare
from orchestration.whatif.rating import Base, Rated, rate_scenario, read_rated
from orchestration.whatif.scenarios import Scenario
from tests.benchmarks.measured_rating import BESIDE, METERED, RATED
from tests.benchmarks.rating_workload import FIRST_DAY

_PERIODS: Final = (f"{FIRST_DAY:%Y-%m}",)
_PLAIN: Final = ("--select", *RATED, "--exclude", *BESIDE, "--exclude-resource-type", "test")


def measure(settings: Settings, scenario_count: int) -> dict[str, Any]:
    """Rate the month plainly before each scenario; returns the seconds of every turn.

    A machine's pace changes within minutes, so what is compared runs in turn. The base of the
    scenarios is one more plain rating and a copy of it.
    """
    installation = Installation(settings)
    run_dbt(settings, ["parse"])
    run_dbt(settings, ["run", "--select", *METERED])
    tables = {
        name: pq.read_table(settings.warehouse_inputs / input_file_name(name))
        for name in TABLE_SCHEMAS
    }
    started = time.perf_counter()
    _rate(settings)
    base = _base(installation, tables)
    base_seconds = time.perf_counter() - started
    plain, others, changed = [], [], []
    for number in range(1, scenario_count + 1):
        put_tables(installation, tables)
        started = time.perf_counter()
        _rate(settings)
        rated_at = time.perf_counter()
        dearer = tables | {"charge_tiers": dearer_tiers(tables["charge_tiers"], number)}
        rated = rate_scenario(base, dearer)
        compared = compare(_scenario(dearer), base.rated, rated, current=tables)
        others.append(time.perf_counter() - rated_at)
        plain.append(rated_at - started)
        changed.append(compared.customers.num_rows)
    return {
        "base_seconds": base_seconds,
        "plain_seconds": plain,
        "scenario_seconds": others,
        "customers_compared": changed,
        "warehouse_bytes": base.warehouse.stat().st_size,
    }


def _rate(settings: Settings) -> Rated:
    run_dbt(settings, [*BUILD_ARGUMENTS, *_PLAIN])
    return read_rated(settings, _PERIODS)


def _base(installation: Installation, tables: dict[str, pa.Table]) -> Base:
    settings = installation.settings
    kept = settings.warehouse / "base.duckdb"
    shutil.copyfile(settings.warehouse_file, kept)
    return Base(
        scratch=installation,
        warehouse=kept,
        tables=tables,
        periods=_PERIODS,
        rated=read_rated(settings, _PERIODS),
    )


def dearer_tiers(tiers: pa.Table, percent: int) -> pa.Table:
    factor = pa.scalar(100 + percent, pa.decimal128(3, 0))
    hundredth = pa.scalar("0.01").cast(pa.decimal128(3, 2))
    # The product has more digits than a price keeps; those of the workload are short.
    short: Any = tiers["unit_price"].cast(pa.decimal128(18, 6))
    price = pc.multiply(pc.multiply(short, factor), hundredth).cast(tiers["unit_price"].type)
    place = tiers.schema.get_field_index("unit_price")
    return tiers.set_column(place, tiers.schema.field(place), price)


def _scenario(tables: dict[str, pa.Table]) -> Scenario:
    return Scenario(
        name="dearer", folder=Path(), parts=("price_book",), content_sha256="", tables=tables
    )


if __name__ == "__main__":
    sys.stdout.write(
        "\n" + json.dumps(measure(Settings.load(Path(sys.argv[1])), int(sys.argv[2]))) + "\n"
    )
