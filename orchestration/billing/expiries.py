"""Credit that expires with a revision: what is left of a grant after its last day.

Belongs here: the rows that a freeze pins, which of them a revision may hold and a signature sign.
Does not belong here: what is left of a grant, which dbt computes (billing/credits); whether it is
still there when somebody signs (credits.py); the entries that come of it (signature_entries.py).

Nothing expires while a document of its contract may draw on it yet: one that another revision
holds, or one that is held when the revision is signed. It expires with a later run.
"""

from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.entries import AMOUNT, QUANTITY, column

EXPIRIES: Final = "expiries"
"""Role of the file in the register."""

EXPIRY_SCHEMA: Final = pa.schema(
    [
        column("credit_grant_id", pa.string(), is_nullable=False),
        column("credit_grant_name", pa.string(), is_nullable=False),
        column("contract_lineage_id", pa.string(), is_nullable=False),
        column("customer_id", pa.string(), is_nullable=False),
        column("legal_entity_id", pa.string(), is_nullable=False),
        column("currency_code", pa.string(), is_nullable=False),
        column("unit_label", pa.string()),
        column("expires_on", pa.date32(), is_nullable=False),
        column("quantity", QUANTITY, is_nullable=False),
        column("breakage_amount", AMOUNT, is_nullable=False),
    ]
)

_WAITING: Final = "waiting_document_ids"
# A grant is of the month of its last day; the documents are those that may draw on it.
_EXPIRIES: Final = f"""
    select
        {", ".join(f"expiring.{name}" for name in EXPIRY_SCHEMA.names)},
        coalesce(
            list(distinct lines.document_id) filter (where lines.document_id is not null), []
        ) as {_WAITING}
    from billing.int_credits__expiring as expiring
    left join billing.fct_invoice_candidate_lines as lines
        on expiring.contract_lineage_id = lines.contract_lineage_id
        and coalesce(lines.service_start_date < expiring.expires_on, true)
    where strftime(expiring.expires_on - 1, '%Y-%m') <= $billing_period
    group by all
    order by expiring.credit_grant_id
"""


def read_expiries(
    connection: duckdb.DuckDBPyConnection, *, billing_period: str, documents: pa.Table
) -> pa.Table:
    """What expires with a billing period's run, by grant, of every legal entity.

    Left out is what a document may draw yet that the revision of the grant's legal entity does not
    hold: one of another entity, or of an earlier month that waits for a decision.

    Args:
        connection: the open warehouse.
        billing_period: YYYY-MM; grants whose last day lies in it or before.
        documents: of the run, with document_id and legal_entity_id.

    Returns:
        EXPIRY_SCHEMA, ascending by grant.

    Raises:
        duckdb.Error, pa.ArrowInvalid: a mart is missing, or a column has another type.
    """
    found: Any = connection.sql(
        _EXPIRIES, params={"billing_period": billing_period}
    ).to_arrow_table()
    ids: list[Any] = documents["document_id"].to_pylist()
    entity_of = dict(zip(ids, documents["legal_entity_id"].to_pylist(), strict=True))
    is_settled = [
        all(entity_of.get(document_id) == row["legal_entity_id"] for document_id in row[_WAITING])
        for row in found.select(["legal_entity_id", _WAITING]).to_pylist()
    ]
    settled = found.drop_columns([_WAITING]).filter(pa.array(is_settled, pa.bool_()))
    expiries: pa.Table = settled.cast(EXPIRY_SCHEMA)
    return expiries


def without_lineages_of(expiries: pa.Table, held_lines: pa.Table) -> pa.Table:
    """The expiries that no held line may draw on: those of contracts without one.

    Args:
        expiries: EXPIRY_SCHEMA.
        held_lines: with contract_lineage_id.
    """
    lineages = pc.unique(held_lines["contract_lineage_id"]).cast(pa.string())
    return expiries.filter(pc.invert(pc.is_in(expiries["contract_lineage_id"], value_set=lineages)))
