"""A data directory with what rating of some contracts takes, cut out of the warehouse.

Belongs here: which tables are copied and how they are cut, which models are built on them. Does not
belong here: whose contracts they are (scope.py); freezing what comes out (rerate.py).

Metered days are copied, so no event is read, but where identities, contracts or charges changed
since the warehouse was built: then the subject-days that are cut otherwise are counted again, as in
every build. What cannot be told from an excerpt (whether every line and event is accounted for,
whether the ERP holds what was signed, checkpoints) keeps the figures of the warehouse.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from orchestration.billing.policy_inputs import stated_policy, write_policy_inputs
from orchestration.billing.register import register_inputs
from orchestration.billing.rerating_inputs import write_rerating_inputs
from orchestration.dbt import BUILD_ARGUMENTS, run_dbt
from orchestration.operations_db import replace_parquet, tables
from orchestration.pipeline import RATING, WRITER_WAIT_SECONDS, Installation, build_models
from orchestration.pipeline import write_inputs as write_all_inputs
from orchestration.price_book import ReferenceVersion
from orchestration.rerating.mixing import Tables
from orchestration.rerating.reference_tables import (
    PRICE_TABLES,
    changed_tables,
    compiled_tables,
    put_tables,
)
from orchestration.rerating.scope import ScopedContracts
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, writer_lock

_BY_SUBJECT: Final = (
    "intermediate.int_usage__counted",
    "intermediate.int_usage__series",
    "intermediate.int_distinct_values__counted",
    "intermediate.int_events__kept",
    "intermediate.counted_segments",
)
"""Rows of a subject of a product system."""
_BY_NAME_OF_SUBJECT: Final = (
    "intermediate.int_events__set_aside",
    "intermediate.int_event_contents__kept",
    "intermediate.int_retracted_events__metered",
)
"""Rows of a subject, told by a source whose system is not said."""
_WHOLE: Final = (
    "intermediate.model_progress",
    "intermediate.int_source_days__arrived",
    "staging.stg_usage__source_days",
    "intermediate.int_control_totals__arrived",
    "staging.stg_usage__event_decisions",
    "staging.stg_usage__control_totals",
    "reconciliation.int_events__conserved",
    "reconciliation.int_erp_lines__conserved",
    "reconciliation.int_checkpoints__conserved",
    "reference.currencies",
)
COPIED: Final = frozenset(
    name.partition(".")[2] for name in (*_BY_SUBJECT, *_BY_NAME_OF_SUBJECT, *_WHOLE)
)
_DEDUPLICATION: Final = frozenset(
    ("int_key_matches__found", "int_events__revisited", "int_events__judged")
)
DEDUPLICATED: Final = _DEDUPLICATION | {
    "stg_usage__source_days",
    "stg_usage__event_decisions",
    "int_event_decisions__standing",
    "int_event_contents__kept",
    "int_events__set_aside",
}
"""Models that only a further batch changes."""
_CHECKPOINTS: Final = frozenset(
    (
        "fct_checkpoints",
        "int_checkpoints__figured",
        "int_source_days__checkpointed",
        "int_control_totals__checkpointed",
        "int_events__checkpointed",
        "int_quantities__checkpointed",
        "int_amounts__checkpointed",
        "int_entries__posted",
    )
)
METERED: Final = frozenset(
    (
        "stg_usage__events",
        "int_partitions__affected",
        "int_subject_days__sliced",
        "int_events__kept",
        "int_usage__counted",
        "int_usage__series",
        "int_distinct_values__counted",
    )
)
"""Models that neither prices nor terms change."""
ASKED_FOR: Final = ("+fct_conservation", "+fct_exceptions")
"""What a freeze reads, with all that leads to it."""
_OF_ALL_USAGE: Final = frozenset(
    ("meters", "event_properties", "sources", "quiet_days", "control_total_measures")
)
"""Tables with which usage of everybody is counted otherwise."""
_RATED_BY: Final = "select reference_version from rating.fct_rated_lines limit 1"
_COUNTED_TO: Final = "select min(last_batch_id) from intermediate.model_progress"
_FOUND: Final = "select schema_name || '.' || table_name from duckdb_tables()"


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A data directory in which some contracts were rated.

    Attributes:
        settings: of the directory.
        is_counted_again: whether subject-days were looked at that may be cut otherwise.
    """

    settings: Settings
    is_counted_again: bool


def rate_excerpt(
    installation: Installation,
    engine: Engine,
    reference: ReferenceVersion,
    scoped: ScopedContracts,
    *,
    folder: Path,
) -> Excerpt:
    """Rate some contracts in a folder; the warehouse stays as it is, unless it is out of date.

    It is brought up to date first where usage came that it did not take in, or where a change of
    meters or sources has everybody's usage counted otherwise.

    Args:
        installation: whose contracts.
        engine: its operations database.
        reference: the version that rates.
        scoped: the contracts, and whose data they take.
        folder: of the data directory; made anew.

    Raises:
        WarehouseBusyError: another process held the warehouse for too long.
        DbtFailedError: a model could not be built.
    """
    now = compiled_tables(reference.folder)
    settings = installation.settings
    with writer_lock(settings, wait_seconds=WRITER_WAIT_SECONDS):
        changed = _changed_since_built(settings, engine, now)
        if changed is None or changed & _OF_ALL_USAGE:
            write_all_inputs(installation)
            build_models(installation, RATING)
            changed = frozenset()
        scratch = _make_folder(settings, folder)
        cut = cut_tables(now, scoped.customer_ids)
        write_policy_inputs(scratch, stated_policy(reference))
        put_tables(scratch, cut)
        _write_entries(settings, scratch, cut, scoped)
        _copy_rows(settings, scratch, cut["identities"])
    is_counted_again = not changed <= PRICE_TABLES
    rating = replace(installation, settings=scratch, run=None)
    with writer_lock(scratch, wait_seconds=WRITER_WAIT_SECONDS):
        run_dbt(scratch, [*BUILD_ARGUMENTS, *selection(is_counted_again)], on_node=rating.report)
    return Excerpt(settings=scratch, is_counted_again=is_counted_again)


def selection(is_counted_again: bool) -> tuple[str, ...]:  # noqa: FBT001 — the only argument
    """Return the arguments that rate an excerpt; data tests judged the whole warehouse."""
    left_out = COPIED | _DEDUPLICATION | _CHECKPOINTS | METERED
    counted = METERED if is_counted_again else frozenset()
    models = sorted(left_out - counted - {"counted_segments", "model_progress"})
    return ("--select", *ASKED_FOR, "--exclude", *models, "resource_type:test")


def cut_tables(now: Tables, customer_ids: Sequence[str]) -> dict[str, pa.Table]:
    """Leave of compiled tables what concerns some customers, and what concerns everybody."""
    cut = dict(now)
    for name in ("customer_parents", "identities", "contracts"):
        cut[name] = _of(now[name], "customer_id", customer_ids)
    contracts = cut["contracts"]["contract_id"]
    for name in ("contract_versions", "overrides", "credit_grants"):
        cut[name] = _of(now[name], "contract_id", contracts)
    cut["credit_grant_scopes"] = _of(
        now["credit_grant_scopes"], "credit_grant_id", cut["credit_grants"]["credit_grant_id"]
    )
    for name, key, parts in (
        ("charges", "charge_price_id", ("charge_tiers", "charge_limits")),
        ("terms", "term_id", ("term_amounts", "term_charges")),
    ):
        is_listed = pc.is_null(now[name]["contract_id"])
        cut[name] = now[name].filter(
            pc.or_(is_listed, pc.is_in(now[name]["contract_id"], value_set=_set(contracts)))
        )
        for part in parts:
            cut[part] = _of(now[part], key, cut[name][key])
    return cut


def _changed_since_built(settings: Settings, engine: Engine, now: Tables) -> frozenset[str] | None:
    """Names of reference tables that are others than those the warehouse was built with.

    None where it cannot be cut: it was never built, or usage came that it did not take in.
    """
    if not settings.warehouse_file.exists():
        return None
    with engine.connect() as connection:
        last = connection.scalar(sa.select(sa.func.max(tables.raw_parts.c.ingestion_batch_id)))
    with open_warehouse(settings) as warehouse:
        there = {name for (name,) in warehouse.execute(_FOUND).fetchall()}
        if not {*_BY_SUBJECT, *_BY_NAME_OF_SUBJECT, *_WHOLE, "rating.fct_rated_lines"} <= there:
            return None
        rated_by = warehouse.execute(_RATED_BY).fetchone()
        counted_to = warehouse.execute(_COUNTED_TO).fetchone()
    if rated_by is None or counted_to is None or counted_to[0] != last:
        return None
    folder = settings.reference_versions / str(rated_by[0])
    if not folder.is_dir():
        return None
    return changed_tables(compiled_tables(folder), now)


def _make_folder(settings: Settings, folder: Path) -> Settings:
    shutil.rmtree(folder, ignore_errors=True)
    scratch = settings.in_scratch(folder)
    scratch.warehouse_inputs.mkdir(parents=True)
    scratch.raw.symlink_to(settings.raw.resolve(), target_is_directory=True)
    for source in settings.warehouse_inputs.glob("*.parquet"):
        target = scratch.warehouse_inputs / source.name
        try:
            os.link(source, target)  # inputs are replaced, never written into
        except OSError:  # another file system
            shutil.copyfile(source, target)
    return scratch


def _write_entries(
    settings: Settings, scratch: Settings, cut: Tables, scoped: ScopedContracts
) -> None:
    """Write what was signed for the customers, and which of their lineages stay as they are."""
    lineages: list[Any] = cut["contracts"]["contract_lineage_id"].to_pylist()
    written = register_inputs(settings, wanted=_entries_of(scoped.customer_ids, lineages))
    for name, table in written.items():
        replace_parquet(scratch.warehouse_inputs / f"{name}.parquet", table.schema, [table])
    known = written["register_entries"]["contract_lineage_id"].to_pylist()
    others = {str(name) for name in (*lineages, *known) if name} - set(scoped.lineages)
    write_rerating_inputs(scratch, "an excerpt", lineages_left_out=sorted(others))


def _entries_of(
    customer_ids: Sequence[str], lineages: Sequence[str]
) -> Callable[[pa.Table], pa.Table]:
    """Pick what was signed for some customers: the lines that they pay, or that are theirs."""

    def wanted(entries: pa.Table) -> pa.Table:
        names = pa.array(customer_ids, pa.string())
        own = pc.is_in(entries["contract_lineage_id"], value_set=pa.array(lineages, pa.string()))
        paid = pc.is_in(entries["bill_to_customer_id"], value_set=names)
        payers = entries.filter(own)["bill_to_customer_id"].unique()
        shared = pc.is_in(entries["bill_to_customer_id"], value_set=_set(payers))
        return entries.filter(pc.or_(pc.or_(own, paid), shared))

    return wanted


def _copy_rows(settings: Settings, scratch: Settings, identities: pa.Table) -> None:
    """Copy metered days and events set aside of the subjects, and what is about all of them."""
    subjects = {
        "subjects": "select distinct system_id, external_id as subject from identities",
        "names": "select distinct external_id as subject from identities",
    }
    with duckdb.connect(scratch.warehouse_file) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("identities", identities)
        for name, query in subjects.items():
            connection.execute(f"create temp table {name} as {query}")
        connection.execute(f"attach '{settings.warehouse_file}' as built (read_only)")
        for schema in sorted({name.partition(".")[0] for name in (*_BY_SUBJECT, *_WHOLE)}):
            connection.execute(f"create schema {schema}")
        for copied, cut in _cuts().items():
            connection.execute(f"create table {copied} as select rows.* from built.{copied} {cut}")
        connection.execute("detach built")


def _cuts() -> Mapping[str, str]:
    by_subject = "as rows semi join subjects using (system_id, subject)"
    by_name = "as rows semi join names using (subject)"
    return (
        dict.fromkeys(_BY_SUBJECT, by_subject)
        | dict.fromkeys(_BY_NAME_OF_SUBJECT, by_name)
        | dict.fromkeys(_WHOLE, "as rows")
    )


def _of(table: pa.Table, key: str, wanted: Any) -> pa.Table:
    return table.filter(pc.is_in(table[key], value_set=_set(wanted)))


def _set(values: Any) -> Any:
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks()
    return values if isinstance(values, pa.Array) else pa.array(values, pa.string())
