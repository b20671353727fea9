"""What their quantities come to at our prices: the month rated again with them, on a copy.

Belongs here: which quantities can take the place of ours, the copy and its one build, what each
cell changes by. Does not belong here: which quantities differ (int_shadow_cells__compared); the
causes (fct_shadow_differences).

A cell's quantity can be another one where the cell is one line of usage under one price: then the
contract's allowances, discounts, minimums and commitments are applied to it as to ours. Everything
else in the copy is as it is rated now, so what changes, changes by those quantities.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from orchestration.pipeline import Installation, build_models
from orchestration.settings import Settings
from orchestration.shadow.inputs import REPRICED_SCHEMA
from orchestration.warehouse import open_warehouse
from orchestration.whatif.rating import make_scratch

_ASKED: Final = """
    with lines as (
        select
            cells.billing_period,
            cells.customer_id,
            cells.currency_code,
            cells.charge as charge_id,
            cells.is_term,
            cells.dimension_key as part,
            cells.cell_start_date,
            cells.cell_end_date,
            cells.their_quantity,
            lines.contract_id,
            lines.customer_id as used_by_customer_id,
            lines.dimension_key,
            lines.meter_id
        from shadow.int_shadow_cells__compared as cells
        inner join rating.fct_rated_lines as lines
            on cells.rated_line_id = lines.rated_line_id
        where cells.standing = 'both_sides' and cells.has_other_quantity
    ),

    runs as (
        select contract_id, charge_id, cell_start_date, min(run_start_at) as run_start_at
        from rating.int_charges__runs
        group by contract_id, charge_id, cell_start_date
        having count(*) = 1 and not bool_or(is_pooled)
    )

    select lines.*, runs.run_start_at
    from lines
    inner join runs
        on
            lines.contract_id = runs.contract_id
            and lines.charge_id = runs.charge_id
            and lines.cell_start_date = runs.cell_start_date
"""
_QUANTITIES: Final = "rating.int_usage__assigned"
_REPLACED: Final = f"""
    create table rating.quantities_replaced as
    select used.* replace (
        case when asked.charge_id is null then used.quantity else asked.their_quantity end
            as quantity
    )
    from {_QUANTITIES} as used
    left join asked
        on
            used.contract_id = asked.contract_id
            and used.charge_id = asked.charge_id
            and used.run_start_at = asked.run_start_at
            and used.customer_id = asked.used_by_customer_id
            and used.dimension_key = asked.dimension_key
"""
_ADDED: Final = f"""
    insert into rating.quantities_replaced by name
    select
        asked.contract_id,
        asked.used_by_customer_id as customer_id,
        asked.meter_id,
        asked.dimension_key,
        asked.charge_id,
        asked.cell_start_date,
        asked.run_start_at,
        asked.cell_start_date as first_usage_date,
        1 as event_count,
        0 as unvalued_event_count,
        0 as negative_event_count,
        asked.their_quantity as quantity,
        false as is_beyond_limit,
        0 as digest_sum_1,
        0 as digest_sum_2,
        asked.run_start_at as first_event_at,
        asked.run_start_at as last_event_at
    from asked
    anti join {_QUANTITIES} as used
        on
            asked.contract_id = used.contract_id
            and asked.charge_id = used.charge_id
            and asked.run_start_at = used.run_start_at
            and asked.used_by_customer_id = used.customer_id
            and asked.dimension_key = used.dimension_key
"""
_BUILD: Final = (
    *("--select", "+fct_rated_lines,int_usage__assigned+", "+fct_rated_lines,tallyhouse.staging"),
    *("--exclude", "int_usage__assigned", "--exclude-resource-type", "test"),
)
_AMOUNTS: Final = """
    with by_dimension as (
        select distinct billing_period, customer_id, currency_code, charge as charge_id
        from shadow.int_shadow_cells__compared
        where is_mapped and dimension_key <> ''
    )

    select
        lines.billing_period,
        coalesce(lines.bill_to_customer_id, lines.customer_id) as customer_id,
        lines.currency_code,
        lines.charge_id,
        lines.line_kind not in ('usage', 'fee') as is_term,
        case
            when by_dimension.charge_id is not null and lines.line_kind in ('usage', 'fee')
                then lines.dimension_key
            else ''
        end as dimension_key,
        case when lines.line_kind in ('usage', 'fee') then lines.cell_start_date end
            as cell_start_date,
        case when lines.line_kind in ('usage', 'fee') then lines.cell_end_date end
            as cell_end_date,
        cast(sum(lines.amount) as decimal(38, 4)) as amount,
        bool_or(lines.exception_code is not null) as is_unknown
    from rating.fct_rated_lines as lines
    left join by_dimension
        on
            lines.billing_period = by_dimension.billing_period
            and coalesce(lines.bill_to_customer_id, lines.customer_id)
                = by_dimension.customer_id
            and lines.currency_code = by_dimension.currency_code
            and lines.charge_id = by_dimension.charge_id
    group by all
"""
_KEYS: Final = tuple(name for name in REPRICED_SCHEMA.names if name != "change_amount")
_SAME_KEY: Final = " and ".join(
    f"before.{name} is not distinct from after.{name}" for name in _KEYS
)
_CHANGES: Final = f"""
    with joined as (
        select
            {", ".join(f"coalesce(before.{name}, after.{name}) as {name}" for name in _KEYS)},
            cast(coalesce(after.amount, 0) - coalesce(before.amount, 0) as decimal(38, 4))
                as change_amount,
            coalesce(after.is_unknown, false) as is_unknown_after,
            coalesce(before.is_unknown, false) as is_unknown_before
        from before_amounts as before
        full outer join after_amounts as after on {_SAME_KEY}
    )

    select
        {", ".join(f"joined.{name}" for name in _KEYS)},
        case when not joined.is_unknown_after then joined.change_amount end as change_amount
    from joined
    left join asked
        on
            joined.billing_period = asked.billing_period
            and joined.customer_id = asked.customer_id
            and joined.currency_code = asked.currency_code
            and joined.charge_id = asked.charge_id
            and joined.is_term = asked.is_term
            and joined.dimension_key = asked.part
            and joined.cell_start_date is not distinct from asked.cell_start_date
            and joined.cell_end_date is not distinct from asked.cell_end_date
    where
        asked.charge_id is not null
        or joined.change_amount <> 0
        or joined.is_unknown_after <> joined.is_unknown_before
"""


@dataclass(frozen=True)
class AskedCells:
    """Which cells are rated with their quantity, what ours come to, and the copy to do it in.

    Attributes:
        cells: with their quantity, by contract, charge and run.
        before: our amount of every cell.
        scratch: the data directory of the copy; None where no quantity differs.
    """

    cells: pa.Table
    before: pa.Table
    scratch: Settings | None


def asked_cells(settings: Settings, folder: Path) -> AskedCells:
    """Copy the warehouse, where cells were just compared and quantities differ.

    Args:
        settings: whose warehouse; the caller holds its lock since the cells were compared.
        folder: of the copy.

    Raises:
        WarehouseBusyError: another process held the warehouse for too long.
    """
    with open_warehouse(settings) as connection:
        cells: Any = connection.sql(_ASKED).to_arrow_table()
        before: Any = connection.sql(_AMOUNTS).to_arrow_table()
    return AskedCells(cells, before, _copied(settings, folder) if cells.num_rows else None)


def reprice_cells(installation: Installation, asked: AskedCells) -> pa.Table:
    """Rate again with their quantities, and say what each cell changes by.

    Returns:
        Rows of REPRICED_SCHEMA: every cell whose quantity was replaced, and whatever else changed
        with them, such as a commitment's true-up or what rolls over into the next cell.

    Raises:
        DbtFailedError: a model could not be built.
    """
    if asked.scratch is None:
        return REPRICED_SCHEMA.empty_table()
    scratch = replace(installation, settings=asked.scratch, run=None)
    tables = {
        "asked": asked.cells,
        "before_amounts": asked.before,
        "after_amounts": _rated_with(scratch, asked.cells),
    }
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        changes: Any = connection.sql(_CHANGES).to_arrow_table()
    return pa.table(changes).cast(REPRICED_SCHEMA)


def _copied(settings: Settings, folder: Path) -> Settings:
    """Copy the warehouse with the inputs that it was built from."""
    scratch = make_scratch(settings, folder)
    for path in settings.warehouse_inputs.glob("*.parquet"):
        shutil.copyfile(path, scratch.warehouse_inputs / path.name)
    return scratch


def _rated_with(scratch: Installation, asked: pa.Table) -> pa.Table:
    """Put the asked quantities in place of ours, rate, and read what every cell comes to."""
    with open_warehouse(scratch.settings) as connection:
        connection.register("asked", asked)
        connection.execute(_REPLACED)
        connection.execute(_ADDED)
        connection.execute(f"drop view {_QUANTITIES}")
        connection.execute("alter table rating.quantities_replaced rename to int_usage__assigned")
    build_models(scratch, _BUILD)
    with open_warehouse(scratch.settings) as connection:
        after: Any = connection.sql(_AMOUNTS).to_arrow_table()
    return pa.table(after)
