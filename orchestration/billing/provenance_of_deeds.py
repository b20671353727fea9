"""What people did that a revision rests on: waivers, records, decisions on events, and who did it.

Belongs here: which of these deeds bear on a revision, one fact for each.
Does not belong here: facts of the reference data (provenance.py); refusing a signer
(sign_off_rules.py); making a deed (exceptions, recording, stewardship).

The author of a record or a decision is who wrote its file; who signed the file was its second pair
of eyes. Where nobody else is named, the signer is.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.booking import last_day_of_month
from orchestration.billing.canonical import canonical_digest
from orchestration.billing.entries import BUCKET_KINDS
from orchestration.billing.manifests import Manifest
from orchestration.billing.provenance import PROVENANCE_SCHEMA
from orchestration.billing.signed_rows import read_entries
from orchestration.billing.waivers import Waiver, read_waivers

DEED_KINDS: Final = frozenset(("event_decision", "record", "waiver"))
"""Kinds of fact that are no reference data."""

# A content belongs to the customer and contract of its subject at its instant, as in metering.
_DECIDED: Final = """
    with decisions as (
        select event_source, event_id, decision, author, register_sequence
        from staging.stg_usage__event_decisions
        qualify
            row_number() over (
                partition by event_source, event_id
                order by register_sequence desc, decision_number desc, ingestion_batch_id desc
            ) = 1
    ),

    contents as (
        select distinct event_source, event_id, subject, event_at
        from intermediate.int_event_contents__kept
        where content_standing <> 'conflicting'
    ),

    systems as (
        select decided.event_source, prefixes.system_id
        from (select distinct event_source from decisions) as decided
        inner join read_parquet($sources) as prefixes
            on starts_with(decided.event_source, prefixes.source_prefix)
        qualify
            row_number() over (
                partition by decided.event_source order by length(prefixes.source_prefix) desc
            ) = 1
    )

    select
        decisions.event_source,
        decisions.event_id,
        decisions.decision,
        decisions.author,
        decisions.register_sequence,
        subjects.customer_id,
        spans.legal_entity_id,
        min(contents.event_at) as first_event_at
    from decisions
    inner join contents
        on
            decisions.event_source = contents.event_source
            and decisions.event_id = contents.event_id
    inner join systems on contents.event_source = systems.event_source
    inner join intermediate.int_subjects__segmented as subjects
        on
            systems.system_id = subjects.system_id
            and contents.subject = subjects.subject
            and contents.event_at >= subjects.segment_start_at
            and contents.event_at < subjects.segment_end_at
    left join intermediate.int_contracts__spans as spans
        on
            subjects.contract_id = spans.contract_id
            and subjects.contract_version = spans.contract_version
    group by all
    order by all
"""


@dataclass(frozen=True, kw_only=True)
class Deeds:
    """Everything that people did and that a revision may rest on.

    Attributes:
        chain: the register's commits.
        entries: signed ones, REGISTER_ENTRY_SCHEMA.
        waivers: every one of the register.
    """

    chain: tuple[Manifest, ...]
    entries: pa.Table
    waivers: tuple[Waiver, ...]


def read_deeds(folder: Path, chain: Sequence[Manifest]) -> Deeds:
    """Read the deeds that the register keeps.

    Args:
        folder: register/.
        chain: its commits.

    Raises:
        RegisterDamagedError: a committed file is missing or changed.
        RegisterNewerError: a later version of Tallyhouse wrote it.
    """
    return Deeds(
        chain=tuple(chain),
        entries=read_entries(folder, chain),
        waivers=read_waivers(folder, chain),
    )


def read_decided_events(connection: duckdb.DuckDBPyConnection, tables_folder: Path) -> pa.Table:
    """Every decision on an event that the warehouse counts by, with whose usage it is about.

    A decision that a later one overtook is not among them, nor one over which the event conflicts
    again: neither changes what counts.

    Args:
        connection: the open warehouse.
        tables_folder: compiled tables of the reference version that rated it.

    Returns:
        One row per decision, customer and legal entity that invoices the customer's contract at the
        time of a content; first_event_at is the first such time, naive UTC.
    """
    found: Any = connection.sql(
        _DECIDED, params={"sources": str(tables_folder / "sources.parquet")}
    ).to_arrow_table()
    table: pa.Table = found
    return table


def with_deeds(
    provenance: pa.Table,
    deeds: Deeds,
    decided: pa.Table,
    *,
    lines: pa.Table,
    expiries: pa.Table,
    legal_entity_id: str,
    billing_period: str,
    has_all_contracts: bool,
    on: date,
) -> pa.Table:
    """Add the deeds that bear on a revision to the facts that it rests on.

    * A waiver, while it is in force, of the legal entity or of none, and of no later period.
    * A record, where one of its entries is of a settlement key or grant of the revision.
    * A decision on an event of no later period, where the event's customer has a line in it.
    * Where the revision is about all contracts, also a record that closes what is not billed of its
      legal entity, of no later period; and a decision on an event of a customer whose contract its
      legal entity invoices: either may be why there is no line.

    Args:
        provenance: PROVENANCE_SCHEMA, of the reference data.
        deeds: those of the register.
        decided: as read_decided_events gave them.
        lines: the revision's, LINE_SCHEMA.
        expiries: the revision's, EXPIRY_SCHEMA.
        legal_entity_id: the revision's.
        billing_period: the revision's, YYYY-MM.
        has_all_contracts: whether it is about all contracts, and not about some.
        on: the UTC day on which a waiver must be in force.

    Returns:
        PROVENANCE_SCHEMA, ordered by kind, id and author.
    """
    whose = legal_entity_id if has_all_contracts else None
    facts = [
        *_waiver_facts(deeds.waivers, legal_entity_id, billing_period, on),
        *_record_facts(deeds, _bearing(deeds.entries, lines, expiries, whose, billing_period)),
        *_decision_facts(deeds, decided, lines, whose, billing_period),
    ]
    added = pa.Table.from_pylist(facts, schema=PROVENANCE_SCHEMA)
    order: Any = [(name, "ascending") for name in ("object_kind", "object_id", "author")]
    return pa.concat_tables([provenance, added]).sort_by(order)


def _waiver_facts(
    waivers: Iterable[Waiver], legal_entity_id: str, billing_period: str, on: date
) -> Iterator[dict[str, Any]]:
    for waiver in waivers:
        if waiver.is_in_force(on) and waiver.concerns(legal_entity_id, billing_period):
            yield {
                "object_kind": "waiver",
                "object_id": waiver.waiver_id,
                "author": waiver.waived_by,
                "fact_sha256": waiver.fact_sha256(),
            }


def _bearing(
    entries: pa.Table,
    lines: pa.Table,
    expiries: pa.Table,
    legal_entity_id: str | None,
    billing_period: str,
) -> pa.Table:
    """Entries of records that a revision rests on; what leaves lines out only of an entity."""
    keys = lines["settlement_key"].combine_chunks().cast(pa.string())
    grants = pa.concat_arrays(
        [table["credit_grant_id"].combine_chunks().cast(pa.string()) for table in (lines, expiries)]
    ).drop_null()
    closes: Any = pc.and_kleene(
        pc.is_in(entries["entry_kind"], value_set=pa.array(BUCKET_KINDS)),
        pc.and_kleene(
            pc.equal(entries["legal_entity_id"], pa.scalar(legal_entity_id or "", pa.string())),
            pc.less_equal(entries["billing_period"], pa.scalar(billing_period, pa.string())),
        ),
    )
    bears: Any = pc.or_(
        pc.is_in(entries["settlement_key"], value_set=keys),
        pc.is_in(entries["credit_grant_id"], value_set=grants),
    )
    recorded: Any = pc.is_valid(entries["record_id"])
    return entries.filter(pc.and_(recorded, pc.or_(bears, pc.fill_null(closes, True))))


def _record_facts(deeds: Deeds, entries: pa.Table) -> Iterator[dict[str, Any]]:
    columns = entries.select(["register_sequence", "record_id", "signer"])
    for row in columns.group_by(columns.column_names).aggregate([]).to_pylist():
        commit = deeds.chain[row["register_sequence"] - 1]
        yield _fact("record", row["record_id"], commit, row["signer"])


def _decision_facts(
    deeds: Deeds,
    decided: pa.Table,
    lines: pa.Table,
    legal_entity_id: str | None,
    billing_period: str,
) -> Iterator[dict[str, Any]]:
    customers = {str(name) for name in lines["customer_id"].unique().to_pylist() if name}
    end = _end_of(billing_period)
    seen: set[tuple[str, str]] = set()
    for row in decided.to_pylist():
        identity = row["event_source"], row["event_id"]
        is_invoiced = legal_entity_id is not None and row["legal_entity_id"] == legal_entity_id
        concerns = row["customer_id"] in customers or is_invoiced
        if identity in seen or not concerns or row["first_event_at"] >= end:
            continue
        seen.add(identity)
        commit = deeds.chain[row["register_sequence"] - 1]
        name = f"{row['decision']} {row['event_source']} {row['event_id']}"
        yield _fact("event_decision", name, commit, row["author"])


def _fact(kind: str, object_id: str, commit: Manifest, signer: str) -> dict[str, Any]:
    author = str(commit.subject.get("author") or signer)
    return {
        "object_kind": kind,
        "object_id": object_id,
        "author": author,
        "fact_sha256": canonical_digest([kind, object_id, commit.sha256, author]),
    }


def _end_of(billing_period: str) -> datetime:
    """The first instant at which a period is over in every time zone, naive UTC."""
    return datetime.combine(last_day_of_month(billing_period) + timedelta(days=2), time())
