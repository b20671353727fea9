"""Another system's invoices beside what is rated here: load, map, price their quantities, compare.

Belongs here: the order of work, what comes out of it. Does not belong here: each step; which
difference has which cause (models/shadow).

All months that have a file are compared each time, so that a change of prices or usage shows in
each of them. The register is never opened, and no bill waits for it: its models are no part of a
billing run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from orchestration.audit.invoice_loads import tell_invoice_loads
from orchestration.billing.refusals import listed
from orchestration.failures import InputError, RefusedError
from orchestration.pipeline import WRITER_WAIT_SECONDS, Installation, build_models
from orchestration.reproduction.scratch import scratch_folder
from orchestration.shadow.inputs import (
    keep_shadow_inputs,
    put_invoice_lines,
    put_repriced_cells,
)
from orchestration.shadow.invoice_lines import read_invoice_lines
from orchestration.shadow.mapping import read_mapping
from orchestration.shadow.repricing import asked_cells, reprice_cells
from orchestration.shadow.store import (
    InvoiceLoad,
    content_of,
    keep_load,
    loads_in_force,
    mapping_of,
    read_loads,
)
from orchestration.warehouse import open_warehouse, writer_lock

MAPPING_NAME: Final = "mapping.yml"
_CELLS: Final = (
    *("--select", "stg_shadow__invoice_lines", "stg_shadow__repriced_cells"),
    *("int_shadow_lines__mapped", "int_shadow_cells__compared"),
)
_MARTS: Final = (
    *("--select", "stg_shadow__repriced_cells", "fct_shadow_differences"),
    *("fct_shadow_comparisons", "fct_shadow_months"),
)
_MONTHS: Final = "select * from shadow.fct_shadow_months order by billing_period, currency_code"
_COMPARISONS: Final = """
    select * from shadow.fct_shadow_comparisons
    where billing_period = $billing_period
    order by currency_code, customer, charge, is_mapped
"""
_DIFFERENCES: Final = """
    select * from shadow.fct_shadow_differences
    where billing_period = $billing_period
    order by currency_code, customer, charge, is_mapped, cause_number, cause_detail
"""
_IS_RATED: Final = """
    select 1 from duckdb_tables() where schema_name = 'rating' and table_name = 'fct_rated_lines'
"""
_VERSIONS: Final = """
    select
        (select list(distinct reference_version) from rating.fct_rated_lines
            where reference_version is not null),
        (select list(distinct reference_version) from staging.stg_reference__contracts)
"""
_PERIODS: Final = "select distinct billing_period from rating.fct_rated_lines order by 1"


class InvoicesMissingError(InputError):
    """No file of invoices was given, and none was loaded for the month."""

    code = "invoices_missing"


class InvoiceFileUnreadableError(InputError):
    """A file of invoices or its mapping cannot be opened, or is nowhere."""

    code = "invoice_file_unreadable"


class PeriodNotComparableError(RefusedError):
    """What is rated here cannot be compared: nothing is, or not with the reference in force."""

    code = "period_not_comparable"


@dataclass(frozen=True, kw_only=True)
class ShadowComparison:
    """What the system in use invoices, beside what is rated here.

    Attributes:
        billing_period: the month that was asked for, YYYY-MM.
        load: the file that stands for it.
        is_new: whether this call loaded it.
        months: fct_shadow_months, of every month that has a file.
        comparisons, differences: fct_shadow_comparisons and fct_shadow_differences, of the month
            that was asked for.
    """

    billing_period: str
    load: InvoiceLoad
    is_new: bool
    months: pa.Table
    comparisons: pa.Table
    differences: pa.Table


def compare_invoices(
    installation: Installation,
    *,
    billing_period: str,
    file: Path | None = None,
    mapping: Path | None = None,
) -> ShadowComparison:
    """Load a file of invoices, where one is given, and compare every month that has one.

    Args:
        installation: whose rated lines.
        billing_period: YYYY-MM, whose invoices the file holds.
        file: CSV of invoice lines; None compares what was loaded before again.
        mapping: how the file is read; None takes mapping.yml beside it, else that of the last load.

    Raises:
        InvoiceFileUnreadableError: a file cannot be opened, or there is no mapping.
        InvoiceMappingError: the mapping has problems. InvoiceFileError: a row cannot be read.
        InvoicesMissingError: no file is given and none was loaded for the month.
        PeriodNotComparableError: the month is not rated, or not with the reference in force.
        InvoiceLoadDamagedError: what was loaded is not what it was.
        AuditLogDamagedError: the audit log is not what it was.
        DbtFailedError: a model could not be built.
        WarehouseBusyError: another process held the warehouse for too long.
    """
    _refuse_unrated(installation, billing_period)
    is_new = file is not None and _load(installation, billing_period, file, mapping)
    with installation.operations() as engine:
        tell_invoice_loads(installation.settings, engine, clock=installation.clock)
    if file is None and mapping is not None:
        raise InvoicesMissingError(
            f"Tried to compare {billing_period} by the mapping {mapping} without a file: a mapping "
            "is kept with the file that it reads. Give the file, too."
        )
    loads = loads_in_force(read_loads(installation.settings))
    standing = {load.billing_period: load for load in loads}
    if billing_period not in standing:
        there = f"Files are there of {listed(sorted(standing))}." if standing else ""
        raise InvoicesMissingError(
            f"Looked for invoices of {billing_period}: no file was loaded. {there} Give the file: "
            f"`tallyhouse compare-invoices FILE --period {billing_period}`."
        )
    _build(installation, loads)
    with open_warehouse(installation.settings, wait_seconds=WRITER_WAIT_SECONDS) as connection:
        month = {"billing_period": billing_period}
        months: Any = connection.sql(_MONTHS).to_arrow_table()
        comparisons: Any = connection.sql(_COMPARISONS, params=month).to_arrow_table()
        differences: Any = connection.sql(_DIFFERENCES, params=month).to_arrow_table()
    return ShadowComparison(
        billing_period=billing_period,
        load=standing[billing_period],
        is_new=is_new,
        months=months,
        comparisons=comparisons,
        differences=differences,
    )


def _refuse_unrated(installation: Installation, billing_period: str) -> None:
    with open_warehouse(installation.settings, wait_seconds=WRITER_WAIT_SECONDS) as connection:
        is_rated = bool(connection.execute(_IS_RATED).fetchall())
        periods = [row[0] for row in connection.execute(_PERIODS).fetchall()] if is_rated else []
        if billing_period not in periods:
            there = f"Lines are from {periods[0]} to {periods[-1]}" if periods else "Nothing is"
            raise PeriodNotComparableError(
                f"Looked for what is rated of {billing_period}: no contract has a line there. "
                f"{there}. Run `tallyhouse run --period {billing_period}` first."
            )
        [(rated, known)] = connection.execute(_VERSIONS).fetchall()
    if sorted(rated) != sorted(known):
        raise PeriodNotComparableError(
            f"Compared the reference data of what is rated ({listed(sorted(rated))}) with what dbt "
            f"reads ({listed(sorted(known))}): they differ. Run `tallyhouse run --period "
            f"{billing_period}`, then compare again."
        )


def _load(
    installation: Installation, billing_period: str, file: Path, mapping: Path | None
) -> bool:
    """Keep a file that can be read; returns whether it is new."""
    settings = installation.settings
    content = _bytes_of(file)
    beside = file.with_name(MAPPING_NAME)
    loads = read_loads(settings)
    if mapping is not None or beside.exists():
        path = mapping or beside
        name, text = path.name, _bytes_of(path)
    elif loads:
        name, text = f"mapping of load {loads[-1].load_number}", mapping_of(settings, loads[-1])
    else:
        raise InvoiceFileUnreadableError(
            f"Looked for how {file} is read: no --mapping was given, {beside} is not there, and "
            "nothing was loaded before. Write one: docs/how-to/run-beside-the-system-in-use.md."
        )
    read_invoice_lines(
        file.name,
        content,
        read_mapping(name, text),
        billing_period=billing_period,
        load_number=len(loads) + 1,
    )
    _, is_new = keep_load(
        settings,
        billing_period=billing_period,
        file_name=file.name,
        content=content,
        mapping=text,
        now=installation.clock(),
        actor=installation.actor,
    )
    return is_new


def _build(installation: Installation, loads: Sequence[InvoiceLoad]) -> None:
    """Build the comparison of all months; their quantities are priced without the lock."""
    settings = installation.settings
    lines = [
        read_invoice_lines(
            load.file_name,
            content_of(settings, load),
            read_mapping(f"mapping of load {load.load_number}", mapping_of(settings, load)),
            billing_period=load.billing_period,
            load_number=load.load_number,
        )
        for load in loads
    ]
    with scratch_folder(settings, "shadow") as folder:
        with writer_lock(settings, wait_seconds=WRITER_WAIT_SECONDS):
            keep_shadow_inputs(settings)
            put_invoice_lines(settings, lines)
            build_models(installation, _CELLS)
            asked = asked_cells(settings, folder)
        repriced = reprice_cells(installation, asked)
        with writer_lock(settings, wait_seconds=WRITER_WAIT_SECONDS):
            put_repriced_cells(settings, repriced)
            build_models(installation, _MARTS)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvoiceFileUnreadableError(
            f"Tried to open {path}: {error.strerror}. Name a file that this user may read."
        ) from error
