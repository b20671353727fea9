"""What signed months come to after each change since, for the contracts that differ.

Belongs here: a data directory with what rating these contracts takes, one incremental build after
each change, the amounts of the settlement keys. Does not belong here: which changes there are
(changes.py); whose contracts they are (scope.py); raw events of some (raw_excerpt.py); the
differences between states (the model fct_rerating_diff).

Reference tables and raw events are cut to the customers that bear on the contracts, in the versions
that were signed and in today's together: so it holds for every state between.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.billing.decisions import held_table
from orchestration.billing.register import Register
from orchestration.billing.rerating_inputs import STATE_SCHEMA, STEP_SCHEMA
from orchestration.dbt import BUILD_ARGUMENTS, run_dbt
from orchestration.operations_db import replace_parquet
from orchestration.pipeline import WRITER_WAIT_SECONDS, Installation
from orchestration.price_book.table_schemas import input_file_name
from orchestration.reproduction.scratch import (
    intact_version,
    refuse_lost_batches,
)
from orchestration.rerating.bases import Base, bases_table, with_same_inputs
from orchestration.rerating.changes import Change, changes_since
from orchestration.rerating.excerpt import DEDUPLICATED, METERED, cut_tables
from orchestration.rerating.mixing import Tables, is_same
from orchestration.rerating.raw_excerpt import cut_raw_files
from orchestration.rerating.reference_tables import (
    PRICE_TABLES,
    changed_tables,
    compiled_tables,
    put_tables,
)
from orchestration.rerating.scope import customers_bearing_on
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, writer_lock

RATED: Final = ("--select", "+fct_rated_lines", "--exclude-resource-type", "test")
"""What rates usage and nothing more; data tests judged the warehouse."""
_VIEWS_OF_INPUTS: Final = frozenset(
    ("stg_reference__*", "stg_price_book__*", "stg_ingestion__*", "currencies")
)
_OF_BATCHES: Final = ("ingestion_batches.parquet", "raw_parts.parquet")
_AMOUNTS: Final = """
    select
        asked.billing_period,
        asked.legal_entity_id,
        asked.base_revision_id,
        cast(0 as integer) as step_number,
        asked.settlement_key,
        not bool_or(lines.rating_status = 'unknown') as is_known,
        cast(sum(lines.amount) as decimal(38, 4)) as rated_amount,
        asked.is_held
    from asked
    inner join rating.fct_rated_lines as lines
        on
            asked.settlement_key = lines.settlement_key
            and asked.legal_entity_id = lines.legal_entity_id
    group by all
"""


@dataclass(frozen=True)
class States:
    """Steps of STEP_SCHEMA and the amounts after each of STATE_SCHEMA."""

    steps: pa.Table
    amounts: pa.Table


@dataclass(frozen=True, kw_only=True)
class RatedNow:
    """What today's amounts are rated from.

    Attributes:
        batches: committed ingestion batches, as dbt reads them.
        raw_parts: their raw files.
        reference: folder of the reference version.
    """

    batches: pa.Table
    raw_parts: pa.Table
    reference: Path

    @classmethod
    def of_inputs(cls, rated_in: Settings, reference_versions: Path) -> "RatedNow":
        """Read it from the inputs that the warehouse of a data directory was built from.

        Args:
            rated_in: the data directory.
            reference_versions: the folder of every loaded version.
        """
        batches, raw_parts, entities = (
            pq.read_table(rated_in.warehouse_inputs / name)
            for name in (*_OF_BATCHES, input_file_name("legal_entities"))
        )
        version = entities["reference_version"][0].as_py()
        return cls(
            batches=batches, raw_parts=raw_parts, reference=reference_versions / str(version)
        )


def states_since(
    installation: Installation,
    bases: Sequence[Base],
    keys: pa.Table,
    now: RatedNow,
    *,
    folder: Path,
) -> States:
    """Rate the contracts that differ as they were signed, then after each change since.

    Bases with the same inputs share their builds, whatever month they are of. Where no base is
    compared, nothing is rated.

    Args:
        installation: whose months; its warehouse has taken in what is rated now.
        bases: the revisions that the amounts lead away from.
        keys: settlement keys with billing_period, legal_entity_id and contract_lineage_id.
        now: what is rated now.
        folder: of the data directory; made anew.

    Raises:
        InputsGoneError: what a revision was computed from is missing or changed.
        DbtFailedError: a model could not be built.
    """
    steps, amounts = [STEP_SCHEMA.empty_table()], [STATE_SCHEMA.empty_table()]
    groups = with_same_inputs(bases)
    if not groups:
        return States(steps[0], amounts[0])
    settings = installation.settings
    today = compiled_tables(now.reference)
    signed = [_signed_tables(settings, group) for group in groups]
    customer_ids = customers_bearing_on(
        [today, *signed], {name for base in bases for name in base.compared}
    )
    scratch = _make_folder(settings, folder)
    subjects = _subjects([today, *signed], customer_ids)
    parts = cut_raw_files(settings, now.raw_parts, subjects, folder=folder)
    kinds = _kinds(now.batches)
    asked = _asked(bases, keys, _open_holds(settings))
    for group, tables in zip(groups, signed, strict=True):
        pins = group[0].revision.pins
        refuse_lost_batches(pins.ingestion_batch_ids, dict(kinds))
        names = pa.array([base.revision.revision_id for base in group], pa.string())
        chain = _Chain(
            installation=installation,
            scratch=scratch,
            batches=(now.batches, parts),
            customer_ids=customer_ids,
            asked=asked.filter(pc.is_in(asked["base_revision_id"], value_set=names)),
        )
        for number, change in enumerate(changes_since(pins, tables, today, kinds)):
            steps.append(_steps(group, number, change.cause))
            amounts.append(_numbered(chain.amounts_after(change), number))
    return States(pa.concat_tables(steps), pa.concat_tables(amounts))


@dataclass(kw_only=True)
class _Chain:
    """Builds of one group of bases, each on top of the one before."""

    installation: Installation
    scratch: Settings
    batches: tuple[pa.Table, pa.Table]
    customer_ids: Sequence[str]
    asked: pa.Table
    built: tuple[tuple[int, ...], Tables] | None = None
    found: pa.Table = field(default_factory=STATE_SCHEMA.empty_table)

    def amounts_after(self, change: Change) -> pa.Table:
        """Build what is rated after a change, unless it is about others; return the amounts."""
        tables = cut_tables(change.tables, self.customer_ids)
        if self.built is None:
            for file in self.scratch.warehouse.glob(f"{self.scratch.warehouse_file.name}*"):
                file.unlink()  # with its log, which would be replayed into the next one
        elif self.built[0] == change.batch_ids and is_same(self.built[1], tables):
            return self.found
        with writer_lock(self.scratch, wait_seconds=WRITER_WAIT_SECONDS):
            put_tables(self.scratch, tables)
            self._put_batches(change.batch_ids)
            arguments = [*BUILD_ARGUMENTS, *RATED, *self._unchanged(change, tables)]
            run_dbt(self.scratch, arguments, on_node=self.installation.report)
            with open_warehouse(self.scratch) as connection:
                connection.register("asked", self.asked)
                found: Any = connection.sql(_AMOUNTS).to_arrow_table()
        self.built, self.found = (change.batch_ids, tables), pa.table(found).cast(STATE_SCHEMA)
        return self.found

    def _unchanged(self, change: Change, tables: Tables) -> Sequence[str]:
        """Return the arguments that leave models as the build before made them."""
        if self.built is None:
            return ()
        left: set[str] = {*_VIEWS_OF_INPUTS}
        if self.built[0] == change.batch_ids:
            left |= DEDUPLICATED
            if changed_tables(self.built[1], tables) <= PRICE_TABLES:
                left |= METERED
        return ("--exclude", *sorted(left))

    def _put_batches(self, batch_ids: Sequence[int]) -> None:
        for name, table in zip(_OF_BATCHES, self.batches, strict=True):
            there = pc.is_in(table["ingestion_batch_id"], value_set=pa.array(batch_ids, pa.int32()))
            target = self.scratch.warehouse_inputs / name
            replace_parquet(target, table.schema, [table.filter(there)])


def _signed_tables(settings: Settings, group: Sequence[Base]) -> Tables:
    return compiled_tables(intact_version(settings, group[0].revision.pins))


def _make_folder(settings: Settings, folder: Path) -> Settings:
    shutil.rmtree(folder, ignore_errors=True)
    scratch = settings.in_scratch(folder)
    scratch.warehouse_inputs.mkdir(parents=True)
    scratch.raw.symlink_to(settings.raw.resolve(), target_is_directory=True)
    return scratch


def _subjects(versions: Sequence[Tables], customer_ids: Sequence[str]) -> set[str]:
    """Every name of the customers in a product system."""
    names = pa.array(customer_ids, pa.string())
    found: set[str] = set()
    for identities in (tables["identities"] for tables in versions):
        is_theirs = pc.is_in(identities["customer_id"], value_set=names)
        subjects: list[Any] = identities.filter(is_theirs)["external_id"].to_pylist()
        found.update(subjects)
    return found


def _kinds(batches: pa.Table) -> list[tuple[int, str]]:
    """Every batch as (number, kind), in order."""
    columns = ("ingestion_batch_id", "batch_kind")
    rows: list[Any] = batches.select(columns).to_pylist()
    return sorted((row[columns[0]], row[columns[1]]) for row in rows)


def _open_holds(settings: Settings) -> Any:
    """Settlement keys of lines that were held when they were signed, and still are."""
    register = Register(settings.register)
    chain = register.chain()
    held = held_table(settings.register, chain, register.entries(chain))
    return held.filter(held["is_open"])["settlement_key"].combine_chunks()


def _asked(bases: Sequence[Base], keys: pa.Table, held_keys: Any) -> pa.Table:
    """Give each key the revision that its amounts lead away from."""
    place = ["billing_period", "legal_entity_id", "contract_lineage_id"]
    asked = keys.select([*place, "settlement_key"]).join(
        bases_table(bases), keys=place, join_type="inner"
    )
    is_held: Any = pc.is_in(asked["settlement_key"], value_set=held_keys)
    return asked.append_column("is_held", is_held)


def _steps(group: Sequence[Base], number: int, cause: str) -> pa.Table:
    rows: Iterator[dict[str, Any]] = (
        {
            "billing_period": base.billing_period,
            "legal_entity_id": base.legal_entity_id,
            "base_revision_id": base.revision.revision_id,
            "step_number": number,
            "cause": cause,
        }
        for base in group
    )
    return pa.Table.from_pylist(list(rows), schema=STEP_SCHEMA)


def _numbered(amounts: pa.Table, number: int) -> pa.Table:
    place = STATE_SCHEMA.get_field_index("step_number")
    numbers = pa.repeat(pa.scalar(number, pa.int32()), amounts.num_rows)
    return amounts.set_column(place, STATE_SCHEMA.field(place), numbers)
