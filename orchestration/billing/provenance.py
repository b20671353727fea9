"""What a revision rests on, from prices to identities and quiet days, and who wrote each.

Belongs here: finding what was used in the compiled reference tables, one digest per fact, and which
facts no signed revision used before. Does not belong here: what people did besides
(provenance_of_deeds.py); refusing a signer (sign_off_rules.py).

A fact is an object with its content: a price whose tiers were edited is another fact, so its author
counts as an author of something that is used for the first time.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.canonical import canonical_digest, row_digests
from orchestration.billing.entries import column
from orchestration.billing.manifests import Manifest
from orchestration.billing.refusals import CandidatesUnusableError
from orchestration.billing.signed_rows import read_rows

PROVENANCE_SCHEMA: Final = pa.schema(
    [
        column("object_kind", pa.string(), is_nullable=False),
        column("object_id", pa.string(), is_nullable=False),
        column("author", pa.string()),
        column("fact_sha256", pa.string(), is_nullable=False),
    ]
)

_USED_PRICES: Final = """
    select distinct rated.charge_price_id
    from rating.fct_rated_lines as rated
    inner join frozen_lines as lines on rated.settlement_key = lines.settlement_key
"""
_USED_CONTRACTS: Final = """
    select
        rated.contract_id,
        rated.contract_version,
        min(lines.service_start_at) as service_start_at,
        max(lines.service_end_at) as service_end_at
    from rating.fct_rated_lines as rated
    inner join frozen_lines as lines on rated.settlement_key = lines.settlement_key
    group by rated.contract_id, rated.contract_version
"""
_OBJECT_QUERIES: Final = {
    "price": """
        select facts.charge_price_id as object_id, facts.*
        from read_parquet($charges) as facts
        inner join used_prices as used on facts.charge_price_id = used.charge_price_id
        order by facts.charge_price_id
    """,
    "contract": """
        select facts.contract_id as object_id, facts.*
        from read_parquet($contracts) as facts
        where facts.contract_id in (select used.contract_id from used_contracts as used)
        order by facts.contract_id
    """,
    "contract_version": """
        select
            facts.contract_id || '/' || cast(facts.contract_version as varchar) as object_id,
            facts.*
        from read_parquet($contract_versions) as facts
        inner join used_contracts as used
            on facts.contract_id = used.contract_id
            and facts.contract_version = used.contract_version
        order by facts.contract_id, facts.contract_version
    """,
    "term": """
        with used_plans as (
            select
                versions.plan_id,
                contracts.contract_id,
                contracts.time_zone,
                used.service_start_at,
                used.service_end_at
            from used_contracts as used
            inner join read_parquet($contracts) as contracts
                on used.contract_id = contracts.contract_id
            inner join read_parquet($contract_versions) as versions
                on used.contract_id = versions.contract_id
                and used.contract_version = versions.contract_version
        )

        select facts.term_id as object_id, facts.* exclude (term_number)
        from read_parquet($terms) as facts
        where exists (
            select 1
            from used_plans as used
            where
                (facts.plan_id = used.plan_id or facts.contract_id = used.contract_id)
                and coalesce(
                    timezone(used.time_zone, cast(facts.effective_from_date as timestamp))
                    < timezone('UTC', used.service_end_at),
                    true
                )
                and coalesce(
                    timezone(used.time_zone, cast(facts.effective_to_date as timestamp))
                    > timezone('UTC', used.service_start_at),
                    true
                )
        )
        order by facts.term_id
    """,
    "identity": """
        select
            facts.system_id || '/' || facts.external_id
            || '@' || strftime(facts.valid_from_at, '%Y-%m-%dT%H:%M:%SZ') as object_id,
            facts.*
        from read_parquet($identities) as facts
        inner join used_customers as used
            on facts.customer_id = used.customer_id
            and facts.valid_from_at < used.service_end_at
            and coalesce(facts.valid_to_at > used.service_start_at, true)
        order by facts.system_id, facts.external_id, facts.valid_from_at
    """,
    "credit_grant": """
        select facts.credit_grant_id as object_id, facts.*
        from read_parquet($credit_grants) as facts
        where facts.credit_grant_id in (
            select lines.credit_grant_id
            from frozen_lines as lines
            where lines.credit_grant_id is not null
            union all
            select expiries.credit_grant_id from frozen_expiries as expiries
        )
        order by facts.credit_grant_id
    """,
    "parent": """
        with recursive links as (
            select customer_id, parent_customer_id
            from read_parquet($customers)
            where parent_customer_id is not null
            union all
            select customer_id, parent_customer_id
            from read_parquet($customer_parents)
        ),

        above as (
            select customer_id, service_start_at, service_end_at
            from used_customers
            union
            select links.parent_customer_id, above.service_start_at, above.service_end_at
            from above
            inner join links on above.customer_id = links.customer_id
        )

        select
            facts.customer_id
            || '@' || strftime(facts.valid_from_at, '%Y-%m-%dT%H:%M:%SZ') as object_id,
            facts.*
        from read_parquet($customer_parents) as facts
        where exists (
            select 1
            from above
            where
                facts.customer_id = above.customer_id
                and facts.valid_from_at < above.service_end_at
                and coalesce(facts.valid_to_at > above.service_start_at, true)
        )
        order by facts.customer_id, facts.valid_from_at
    """,
    "quiet_day": """
        select
            used.source_prefix || '@' || cast(used.usage_date as varchar) as object_id,
            facts.*
        from used_days as used
        left join read_parquet($quiet_days) as facts
            on used.source_prefix = facts.source_prefix and used.usage_date = facts.quiet_date
        order by used.source_prefix, used.usage_date
    """,
}
_USED_CUSTOMERS: Final = """
    select
        lines.customer_id,
        min(lines.service_start_at) as service_start_at,
        max(lines.service_end_at) as service_end_at
    from frozen_lines as lines
    where lines.event_count > 0
    group by lines.customer_id
"""
# The days that would stand in the way of the signature, were they not quiet: those of earlier
# months too, and whatever the lines are of.
_USED_DAYS: Final = """
    select days.source_prefix, days.usage_date
    from reconciliation.fct_source_days as days
    where days.arrival = 'quiet' and days.first_billing_period <= $billing_period
"""
_USED_BY_LINES: Final = {
    "used_prices": _USED_PRICES,
    "used_contracts": _USED_CONTRACTS,
    "used_customers": _USED_CUSTOMERS,
}
# What else belongs to a fact, by its kind: one query for each table of such parts.
_PART_QUERIES: Final = {
    "price": (
        """
        select facts.charge_price_id as object_id, facts.*
        from read_parquet($charge_tiers) as facts
        inner join used_prices as used on facts.charge_price_id = used.charge_price_id
        order by facts.charge_price_id, facts.currency_code, facts.tier_number
        """,
        """
        select facts.charge_price_id as object_id, facts.*
        from read_parquet($charge_limits) as facts
        inner join used_prices as used on facts.charge_price_id = used.charge_price_id
        order by facts.charge_price_id, facts.currency_code
        """,
    ),
    "credit_grant": (
        """
        select facts.credit_grant_id as object_id, facts.*
        from read_parquet($credit_grant_scopes) as facts
        order by facts.credit_grant_id, facts.charge_id
        """,
    ),
    "term": (
        """
        select facts.term_id as object_id, facts.*
        from read_parquet($term_amounts) as facts
        order by facts.term_id, facts.currency_code
        """,
        """
        select facts.term_id as object_id, facts.*
        from read_parquet($term_charges) as facts
        order by facts.term_id, facts.charge_number
        """,
    ),
}
_TABLES: Final = (
    "charges",
    "charge_tiers",
    "charge_limits",
    "contracts",
    "contract_versions",
    "terms",
    "term_amounts",
    "term_charges",
    "credit_grants",
    "credit_grant_scopes",
    "customers",
    "customer_parents",
    "identities",
    "quiet_days",
)


def read_provenance(
    connection: duckdb.DuckDBPyConnection,
    lines: pa.Table,
    expiries: pa.Table,
    *,
    billing_period: str,
    tables_folder: Path,
) -> pa.Table:
    """Every price, contract, version, term, grant, identity, parent and quiet day it rests on.

    A quiet day that the reference version does not have is there without an author. A term is there
    when it holds at some moment of the lines of its contract, or of a contract on its plan.

    Args:
        connection: the open warehouse, with rating.fct_rated_lines and
            reconciliation.fct_source_days.
        lines: its rows of LINE_SCHEMA; none where nothing is due.
        expiries: its rows of EXPIRY_SCHEMA: it rests on the grants of which something expires.
        billing_period: its period, YYYY-MM: it rests on every quiet day whose first billing
            period is not a later one, and on all of them alike for every legal entity.
        tables_folder: compiled tables of the reference version that rated them.

    Returns:
        PROVENANCE_SCHEMA, ordered by kind and id.

    Raises:
        CandidatesUnusableError: the reference version's tables are not there.
    """
    missing = [name for name in _TABLES if not (tables_folder / f"{name}.parquet").is_file()]
    if missing:
        raise CandidatesUnusableError(
            f"Looked up authors in {tables_folder}: {', '.join(missing)} are missing. Load the "
            "reference folder again, which stores the version, then run the warehouse and freeze."
        )
    connection.register("frozen_lines", lines)
    connection.register("frozen_expiries", expiries)
    try:
        for name, query in _USED_BY_LINES.items():
            connection.execute(f"create or replace temp table {name} as {query}")
        connection.execute(
            f"create or replace temp table used_days as {_USED_DAYS}",
            {"billing_period": billing_period},
        )
        return _facts(connection, tables_folder)
    finally:
        for name in (*_USED_BY_LINES, "used_days"):
            connection.execute(f"drop table if exists temp.{name}")
        connection.unregister("frozen_lines")
        connection.unregister("frozen_expiries")


def first_used(folder: Path, provenance: pa.Table, signed: Sequence[Manifest]) -> pa.Table:
    """The facts that no signed revision rests on yet.

    Args:
        folder: register/.
        provenance: the facts of the revision at hand.
        signed: the commits that froze the revisions which are signed by now.

    Raises:
        RegisterDamagedError: a committed file is missing or changed.
    """
    known = read_rows(folder, signed, role="provenance", schema=PROVENANCE_SCHEMA)
    is_known = pc.is_in(
        provenance["fact_sha256"], value_set=known["fact_sha256"].unique().cast(pa.string())
    )
    return provenance.filter(pc.invert(is_known))


def _facts(connection: duckdb.DuckDBPyConnection, tables_folder: Path) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for kind, query in _OBJECT_QUERIES.items():
        found = _query(connection, query, tables_folder)
        parts = _part_digests(connection, kind, tables_folder)
        ids, authors = found["object_id"].to_pylist(), found["author"].to_pylist()
        for object_id, author, digest in zip(ids, authors, row_digests(found), strict=True):
            digests = [kind, digest, *parts.get(str(object_id), [])]
            rows.append(
                {
                    "object_kind": kind,
                    "object_id": object_id,
                    "author": author,
                    "fact_sha256": canonical_digest(digests),
                }
            )
    rows.sort(key=lambda row: (row["object_kind"], row["object_id"]))
    return pa.Table.from_pylist(rows, schema=PROVENANCE_SCHEMA)


def _query(connection: duckdb.DuckDBPyConnection, query: str, tables_folder: Path) -> pa.Table:
    paths = {
        name: str(tables_folder / f"{name}.parquet") for name in _TABLES if f"(${name})" in query
    }
    found: Any = connection.sql(query, params=paths).to_arrow_table()
    content: pa.Table = found.drop_columns(["reference_version"])
    return content


def _part_digests(
    connection: duckdb.DuckDBPyConnection, kind: str, tables_folder: Path
) -> dict[str, list[str]]:
    """Digests of the rows that belong to each fact of a kind, by its id, in a fixed order."""
    digests: dict[str, list[str]] = {}
    for query in _PART_QUERIES.get(kind, ()):
        found = _query(connection, query, tables_folder)
        rows = found.drop_columns(["object_id"])
        for object_id, digest in zip(
            found["object_id"].to_pylist(), row_digests(rows), strict=True
        ):
            digests.setdefault(str(object_id), []).append(digest)
    return digests
