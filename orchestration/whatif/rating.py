"""Past usage rated in a scratch data directory: as it is now, and once for each scenario.

Belongs here: what the directory consists of, which models a scenario asks for, the amounts.
Does not belong here: what a scenario is (scenarios.py); comparing amounts (comparison.py).

The directory begins as a copy of the warehouse, whose metered days stay: raw files are read for
usage that was not rated yet, and where a scenario counts or cuts usage otherwise. Every scenario
begins as a copy of the rated base, so none of them knows of another.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from orchestration.failures import RefusedError
from orchestration.operations_db import viewed_operations, write_operations_inputs
from orchestration.pipeline import WRITER_WAIT_SECONDS, Installation, build_models
from orchestration.price_book import ReferenceVersion, write_reference_inputs
from orchestration.price_book.table_schemas import PRICE_BOOK_TABLES
from orchestration.rerating.mixing import Tables
from orchestration.rerating.reference_tables import (
    PRICE_TABLES,
    changed_tables,
    compiled_tables,
    put_tables,
)
from orchestration.rerating.states import RATED
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, writer_lock

_REJECTS: Final = "rejects.parquet"
"""Made from all rejected lines; where it is there, it is not made again."""

_LINES: Final = "fct_rated_lines"
_OPENS_METERING: Final = "stg_usage__events"
"""Says what metering has to take in: nothing any more, unless a scenario counts otherwise."""

_WITHOUT_TESTS: Final = ("--exclude-resource-type", "test")
_AMOUNTS: Final = """
    select
        coalesce(contracts.customer_id, lines.customer_id) as customer_id,
        coalesce(lines.plan_id, '') as plan_id,
        lines.billing_period,
        lines.currency_code,
        cast(coalesce(sum(lines.amount), 0) as decimal(38, 4)) as amount,
        count(*) as line_count,
        count(*) filter (where lines.rating_status = 'unknown') as unknown_line_count,
        count(*) filter (where not lines.is_due) as not_due_line_count,
        list(distinct lines.exception_code)
            filter (where lines.exception_code is not null) as exception_codes
    from rating.fct_rated_lines as lines
    left join staging.stg_reference__contracts as contracts
        on lines.contract_id = contracts.contract_id
    where list_contains($periods, lines.billing_period)
    group by all
"""
_USAGE: Final = """
    with of_charges as (
        select
            coalesce(contracts.customer_id, lines.customer_id) as customer_id,
            lines.contract_id,
            lines.plan_id,
            lines.charge_id,
            lines.meter_id,
            sum(lines.event_count) as event_count
        from rating.fct_rated_lines as lines
        left join staging.stg_reference__contracts as contracts
            on lines.contract_id = contracts.contract_id
        where list_contains($periods, lines.billing_period) and lines.meter_id is not null
        group by all
    ),

    of_plans as (
        select
            customer_id,
            contract_id,
            plan_id,
            meter_id,
            max(event_count) as event_count
        from of_charges
        group by all
    )

    select
        customer_id,
        meter_id,
        cast(sum(event_count) as bigint) as event_count
    from of_plans
    group by all
"""
_RATED_PERIODS: Final = """
    select distinct billing_period from rating.fct_rated_lines order by billing_period
"""


class PeriodNotRatedError(RefusedError):
    """A billing period has no rated line, so there is nothing to compare with."""

    code = "period_not_rated"


@dataclass(frozen=True)
class Rated:
    """What some billing periods were rated at.

    Attributes:
        amounts: by customer, plan, period and currency: the known amount, DECIMAL(38, 4), how many
            lines there are, how many of them unknown and by which exception codes, how many not
            due yet. A customer is who holds the contract.
        usage: events that charges rate, by customer and meter; one that several charges of a plan
            rate counts once.
    """

    amounts: pa.Table
    usage: pa.Table


@dataclass(frozen=True, kw_only=True)
class Base:
    """The scratch data directory, rated with the current reference.

    Attributes:
        scratch: the directory as an installation.
        warehouse: the rated warehouse, which stays as it is.
        tables: compiled tables of the current reference.
        periods: which are read.
        rated: what they came to.
    """

    scratch: Installation
    warehouse: Path
    tables: Tables
    periods: Sequence[str]
    rated: Rated


def rate_base(
    installation: Installation, current: ReferenceVersion, periods: Sequence[str], *, folder: Path
) -> Base:
    """Rate all usage with the current reference, in a folder; nothing else is written to.

    Args:
        installation: whose usage.
        current: its reference version in force.
        periods: billing periods YYYY-MM.
        folder: of the scratch data directory; made anew.

    Raises:
        PeriodNotRatedError: a period has no rated line.
        WarehouseBusyError: another process held the warehouse for too long.
        DbtFailedError: a model could not be built.
    """
    scratch = replace(installation, settings=make_scratch(installation.settings, folder), run=None)
    with viewed_operations(installation.settings) as engine:
        write_operations_inputs(scratch.settings, engine)
    write_reference_inputs(scratch.settings, current)
    build_models(scratch, RATED)
    _refuse_unrated(scratch.settings, periods)
    rated_file = scratch.settings.warehouse / "base.duckdb"
    shutil.copyfile(scratch.settings.warehouse_file, rated_file)
    return Base(
        scratch=scratch,
        warehouse=rated_file,
        tables=compiled_tables(current.folder),
        periods=periods,
        rated=read_rated(scratch.settings, periods),
    )


def rate_scenario(base: Base, tables: Tables) -> Rated:
    """Rate the same usage with other reference tables; what they have alike is not rated again.

    Raises:
        DbtFailedError: a model could not be built.
    """
    changed = changed_tables(base.tables, tables)
    if not changed:
        return base.rated
    settings = base.scratch.settings
    shutil.copyfile(base.warehouse, settings.warehouse_file)
    put_tables(settings, tables)
    build_models(base.scratch, selection_of(changed))
    return read_rated(settings, base.periods)


def selection_of(changed: frozenset[str]) -> tuple[str, ...]:
    """Return the arguments that build what rests on some tables and leads to the rated lines.

    Args:
        changed: names of compiled tables, at least one.
    """
    sources = (
        f"{'price_book' if name in PRICE_BOOK_TABLES else 'reference'}.{name}"
        for name in sorted(changed)
    )
    paths = [f"+{_LINES},source:tallyhouse.{source}+" for source in sources]
    if not changed <= PRICE_TABLES:
        paths.append(_OPENS_METERING)
    return ("--select", *paths, *_WITHOUT_TESTS)


def make_scratch(settings: Settings, folder: Path) -> Settings:
    """Make a data directory with a copy of the warehouse and a link to the raw files.

    Its operations database is its own: what a build keeps there is no fact of the installation.

    Args:
        settings: whose warehouse, which is copied under its lock.
        folder: where; what was in it is taken away.

    Raises:
        WarehouseBusyError: another process held the warehouse for too long.
    """
    shutil.rmtree(folder, ignore_errors=True)
    scratch = settings.in_scratch(folder)
    scratch.warehouse_inputs.mkdir(parents=True)
    scratch.raw.symlink_to(settings.raw.resolve(), target_is_directory=True)
    with writer_lock(settings, wait_seconds=WRITER_WAIT_SECONDS):
        copied = {
            settings.warehouse_file: scratch.warehouse_file,
            _log_of(settings.warehouse_file): _log_of(scratch.warehouse_file),
            settings.warehouse_inputs / _REJECTS: scratch.warehouse_inputs / _REJECTS,
        }
        for source, target in copied.items():
            if source.exists():
                shutil.copyfile(source, target)
    return scratch


def _log_of(warehouse_file: Path) -> Path:
    """What DuckDB still has to write into a file that was not closed."""
    return warehouse_file.with_name(f"{warehouse_file.name}.wal")


def read_rated(settings: Settings, periods: Sequence[str]) -> Rated:
    """Read what some billing periods are rated at in the warehouse of a data directory."""
    with open_warehouse(settings) as connection:
        values = {"periods": list(periods)}
        amounts: Any = connection.sql(_AMOUNTS, params=values).to_arrow_table()
        usage: Any = connection.sql(_USAGE, params=values).to_arrow_table()
    return Rated(amounts, usage)


def _refuse_unrated(settings: Settings, periods: Sequence[str]) -> None:
    with open_warehouse(settings) as connection:
        rated = [period for (period,) in connection.execute(_RATED_PERIODS).fetchall()]
    missing = [period for period in periods if period not in rated]
    if missing:
        there = f"Lines are from {rated[0]} to {rated[-1]}" if rated else "There is none at all"
        raise PeriodNotRatedError(
            f"Rated {', '.join(missing)} with the current reference: no contract has a line "
            f"there. {there}; load the usage and the contracts, or ask for other periods."
        )
