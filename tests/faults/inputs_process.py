"""Writes dbt's inputs, and finds the differences of a signed month, in processes to be killed.

Belongs here: announcing what these steps do to the disk, and what stands in for dbt, which has no
part in it: models that follow from the inputs alone. Does not belong here: forking and killing
(billing_process.py); any expectation.
"""

import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
from billing_process import counted, serve
from billing_rows import NOW

from orchestration.pipeline import Installation, write_inputs
from orchestration.rerating import difference, states
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

HALF_WRITTEN = frozenset(("register_entries", "rejects", "revisions"))
"""Of these files a process is also killed while they are written; each is written alike."""
_DIFFERENCES = """
    create or replace table reconciliation.fct_rerating_diff as
    with states as (
        select
            states.*,
            steps.cause,
            lag(rated_amount) over (
                partition by settlement_key order by states.step_number
            ) as before_amount
        from read_parquet($inputs || '/rerating_states.parquet') as states
        inner join read_parquet($inputs || '/rerating_steps.parquet') as steps
            using (billing_period, legal_entity_id, base_revision_id, step_number)
    )

    select
        billing_period, legal_entity_id, 'acme' as bill_to_customer_id, 'acme' as customer_id,
        'lin' as contract_lineage_id, 'tokens' as charge_id, 'usage' as line_kind,
        date '2026-10-01' as cell_start_date, date '2026-11-01' as cell_end_date,
        'USD' as currency_code, settlement_key, step_number as cause_number, cause, before_amount,
        rated_amount as after_amount, rated_amount - before_amount as difference_amount
    from states
    where before_amount is not null
"""


def announce(steps, *, renamed):
    """Announce, before it happens, whatever changes a file or a folder, in this process for good.

    Of files that are renamed into place only those are announced whose name passes `renamed`.
    """

    def announced(holder, name, what):
        real = getattr(holder, name)

        def act(*arguments, **options):
            said = what(*arguments)
            if said is not None:
                steps(f"{name} {said}")
            return real(*arguments, **options)

        setattr(holder, name, act)

    def of_target(_beside, target, *_others):
        return Path(target).name if renamed(Path(target).name) else None

    def of_writer(writer, *_others):
        stem = Path(writer.where).name.split(".")[1]
        return stem if stem in HALF_WRITTEN and renamed(f"{stem}.parquet") else None

    announced(Path, "replace", of_target)
    announced(pq.ParquetWriter, "close", of_writer)
    announced(Path, "symlink_to", lambda link, *_: link.name)
    announced(Path, "write_text", lambda path, *_: path.name)
    announced(os, "link", lambda _source, target: Path(target).name)
    announced(shutil, "rmtree", lambda folder, *_: Path(folder).name)


def write(installation, _options, steps):
    announce(steps, renamed=lambda _name: True)
    return write_inputs(installation).reference_version


def build(steps):
    """Models whose amounts follow from the batches and the reference version in the inputs."""

    def built(settings, selection):
        steps(f"build {' '.join(selection[:2])}")
        inputs = settings.warehouse_inputs
        batches = pq.read_metadata(inputs / "ingestion_batches.parquet").num_rows
        rows = pq.read_metadata(inputs / "reference_contracts.parquet").num_rows
        with open_warehouse(settings) as warehouse:
            for schema in ("rating", "billing", "reconciliation"):
                warehouse.execute(f"create schema if not exists {schema}")
            warehouse.execute(
                "create or replace table rating.fct_rated_lines as select 'us' as legal_entity_id, "
                "'k' as settlement_key, 'rated' as rating_status, "
                "cast(? as decimal(38, 4)) as amount",
                [100 * batches + rows],
            )
            warehouse.execute(
                "create or replace table billing.int_settlements__compared as select "
                "'us' as legal_entity_id, '2026-10' as billing_period, "
                "'lin' as contract_lineage_id, 'candidate' as outcome, 'k' as settlement_key"
            )
            if (inputs / "rerating_states.parquet").exists():
                warehouse.execute(_DIFFERENCES, {"inputs": str(inputs)})

    return built


def differ(installation, _options, steps):
    announce(steps, renamed=lambda name: name.startswith("rerating_"))
    built = build(steps)
    difference.build_models = lambda installation, selection: built(
        installation.settings, selection
    )
    states.run_dbt = lambda settings, arguments, **_: built(settings, arguments)
    found = difference.find_differences(installation, billing_period="2026-10")
    return [[row["cause"], str(row["difference_amount"])] for row in found.rows]


ACTIONS = {"write": write, "differ": differ}


def perform(deed):
    steps = counted(deed.get("kill_at"))
    installation = Installation(Settings(data_dir=Path(deed["data_dir"])), clock=lambda: NOW)
    return {"done": ACTIONS[deed["action"]](installation, deed.get("options", {}), steps)}


if __name__ == "__main__":
    serve(perform)
