"""A part of the ledger's company rated apart, beside what the whole warehouse says of it.

Belongs here: which part, and the rows that differ. Does not belong here: closing months
(ledger_run.py).
"""

from orchestration.billing.run_scope import RunScope
from orchestration.price_book import current_reference
from orchestration.rerating.excerpt import rate_excerpt
from orchestration.rerating.reference_tables import compiled_tables
from orchestration.rerating.scope import scoped_contracts
from orchestration.warehouse import open_warehouse

COMPARED = (
    "billing.int_settlements__compared",
    "rating.fct_rated_lines",
    "reconciliation.fct_outcomes",
    "billing.fct_invoice_candidate_lines",
)
LINEAGES = "select distinct contract_lineage_id from {relation}"
ROWS = "select * from {relation} where contract_lineage_id in ({lineages})"


def excerpt_of(settings):
    """Settings of the data directory in which the part is rated."""
    return settings.in_scratch(settings.warehouse / "part")


def rows_told_otherwise(installation, billing_period):
    """Rows of every second contract that an excerpt has and the warehouse has not, or lacks.

    Also checks of conservation that do not hold in the excerpt, and contracts that it compares
    though nobody asked for them. With how many rows both were asked for, and how many contracts
    were rated and left out.
    """
    settings = installation.settings
    folder = excerpt_of(settings).data_dir
    with installation.operations() as engine:
        reference = current_reference(settings, engine)
        tables = compiled_tables(reference.folder)
        holders = sorted(set(tables["contracts"]["customer_id"].to_pylist()))[::2]
        scoped = scoped_contracts(
            tables, RunScope(customer_ids=tuple(holders)), billing_period=billing_period
        )
        excerpt = rate_excerpt(installation, engine, reference, scoped, folder=folder)
    whole, part = (_rows(each, scoped.lineages) for each in (settings, excerpt.settings))
    told = {name: sorted(whole[name] ^ part[name]) for name in whole}
    with open_warehouse(excerpt.settings) as connection:
        told["conservation"] = connection.execute(
            "select check_name, scope_id from reconciliation.fct_conservation where not is_held"
        ).fetchall()
        compared, rated = (
            {name for (name,) in connection.execute(LINEAGES.format(relation=relation)).fetchall()}
            for relation in COMPARED[:2]
        )
    asked = set(scoped.lineages)
    told["not asked for"] = sorted(compared - asked)
    row_count = sum(map(len, part.values()))
    return {name: rows for name, rows in told.items() if rows}, row_count, len(rated - asked)


def _rows(settings, lineages):
    named = ", ".join(f"'{name}'" for name in lineages)
    with open_warehouse(settings) as connection:
        return {
            name: set(
                map(str, connection.execute(ROWS.format(relation=name, lineages=named)).fetchall())
            )
            for name in COMPARED
        }
