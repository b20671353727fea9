"""Causes of corrections of a part of the ledger's company, beside what the whole company comes to.

Belongs here: which part, its states rated apart, the same states with every contract, the rows that
differ. Does not belong here: closing months (ledger_run.py).
"""

from collections import defaultdict
from dataclasses import dataclass

import pytest

from orchestration.dbt import BUILD_ARGUMENTS, run_dbt
from orchestration.operations_db import replace_parquet
from orchestration.rerating import causes
from orchestration.rerating.mixing import CONTRACT, mixed_tables
from orchestration.rerating.reference_tables import compiled_tables, put_tables
from orchestration.rerating.states import RATED, RatedNow
from orchestration.warehouse import open_warehouse

CORRECTED = """
    select billing_period, settlement_key, due_amount
    from billing.int_settlements__compared
    where outcome = 'candidate' and is_in_register
"""
AMOUNTS = """
    select settlement_key, not bool_or(rating_status = 'unknown'), sum(amount)
    from rating.fct_rated_lines
    group by settlement_key
"""


@dataclass
class CausesTold:
    """What causes_of told of a part of the company, rated apart.

    Attributes:
        rows: as it gave them. due: by key, what the run corrects.
        months: how many months the keys are of.
        states: by cause, the amount of each key after it. whole: the same where every contract is
        rated, for the first state, the last one, and the one between contracts and prices.
    """

    rows: list
    due: dict
    months: int
    states: dict
    whole: dict


def amounts_of(settings):
    """By settlement key, whether it is known and what its lines come to."""
    with open_warehouse(settings) as connection:
        rows = connection.execute(AMOUNTS).fetchall()
    return {key: (is_known, amount) for key, is_known, amount in rows}


def causes_told(installation, part, *, signed_version, as_signed):
    """Ask for causes before a run is frozen, and rate every contract at the same states, too.

    Args:
        installation: whose warehouse was just built.
        part: settings of the excerpt whose corrections are asked for.
        signed_version: the reference version of the last signature.
        as_signed: amounts_of the warehouse that was signed.
    """
    with open_warehouse(part) as connection:
        corrected = connection.execute(CORRECTED).fetchall()
    keys = defaultdict(list)
    for month, key, _ in corrected:
        keys[month].append(key)
    found = []
    real = causes.states_since

    def kept(*arguments, **named):
        found.append(real(*arguments, **named))
        return found[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(causes, "states_since", kept)
        rows = causes.causes_of(installation, keys, rated_in=part)
    [states] = found
    names = {row["step_number"]: row["cause"] for row in states.steps.to_pylist()}
    told = {cause: {} for cause in names.values()}
    for row in states.amounts.to_pylist():
        key = row["settlement_key"]
        told[names[row["step_number"]]][key] = (row["is_known"], row["rated_amount"])
    asked = {key for _, key, _ in corrected}
    whole = _after_contracts(installation, signed_version) | {
        "as_signed": as_signed,
        names[max(names)]: amounts_of(installation.settings),
    }
    return CausesTold(
        rows=rows,
        due={key: due for _, key, due in corrected},
        months=len(keys),
        states=told,
        whole={
            cause: {key: amount for key, amount in amounts.items() if key in asked}
            for cause, amounts in whole.items()
        },
    )


def _after_contracts(installation, signed_version):
    """Rate every contract with today's batches and contracts, and the prices that were signed."""
    settings = installation.settings
    now = RatedNow.of_inputs(settings, settings.reference_versions)
    signed = compiled_tables(settings.reference_versions / signed_version)
    scratch = settings.in_scratch(settings.warehouse / "whole")
    scratch.warehouse_inputs.mkdir(parents=True)
    scratch.raw.symlink_to(settings.raw.resolve(), target_is_directory=True)
    for name, table in (("ingestion_batches", now.batches), ("raw_parts", now.raw_parts)):
        replace_parquet(scratch.warehouse_inputs / f"{name}.parquet", table.schema, [table])
    put_tables(scratch, mixed_tables(signed, compiled_tables(now.reference), CONTRACT))
    run_dbt(scratch, [*BUILD_ARGUMENTS, *RATED])
    return {CONTRACT: amounts_of(scratch)}
