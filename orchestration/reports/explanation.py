"""How one line came about, from its events to its cents.

Belongs here: gathering what the marts and the register hold of a line. Does not belong here:
computing any of it, which dbt did; words and layout (calculation.py).
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb
import sqlalchemy as sa

from orchestration.billing.decisions import held_table
from orchestration.billing.register import Register
from orchestration.failures import InputError
from orchestration.operations_db import tables
from orchestration.price_book.currencies import amount_text
from orchestration.recovery import whole_operations
from orchestration.reports.expired_credit import ExpiredCredit, expired_credits
from orchestration.reports.publication import open_published
from orchestration.settings import Settings

_LINE: Final = """
    select
        lines.*,
        explanations.unit_price_display,
        explanations.description,
        explanations.derivation,
        customers.customer_name
    from rating.fct_rated_lines as lines
    inner join rating.fct_line_explanations as explanations
        on lines.rated_line_id = explanations.rated_line_id
    left join billing.dim_customers as customers
        on lines.customer_id = customers.customer_id
    where lines.rated_line_id = $line
"""
_NAMED: Final = """
    select rated_lines.rated_line_id
    from {table} as named
    inner join rating.fct_rated_lines as rated_lines
        on named.settlement_key = rated_lines.settlement_key
    where named.document_id = $document and named.line_number = $number
    order by
        rated_lines.rated_line_id <> named.rated_line_id,
        rated_lines.service_start_at <> named.service_start_at,
        rated_lines.service_start_at,
        rated_lines.rated_line_id
    limit 1
"""
_EXCEPTIONS: Final = """
    select exception_code, steward, amount_at_risk, currency_code, what_to_do
    from billing.fct_exceptions
    where object_kind = 'settlement_key' and object_id = $key
    order by exception_code
"""
_HOLDING: Final = """
    select distinct
        held.rated_line_id, held.charge_name, held.exception_code, held.service_start_at
    from rating.fct_rated_lines as dependents
    inner join rating.fct_rated_lines as held
        on
            dependents.contract_id = held.contract_id
            and least(dependents.cell_start_date, dependents.segment_start_date)
            < held.cell_end_date
            and greatest(dependents.cell_end_date, dependents.segment_end_date)
            > held.cell_start_date
    where
        dependents.settlement_key = $key
        and dependents.exception_code = 'depends_on_held'
        and held.exception_code <> 'depends_on_held'
    order by held.service_start_at, held.rated_line_id
"""
_SIGNED: Final = """
    select
        register_sequence, document_id, line_number, rated_line_id, entry_kind, amount,
        currency_code, signer, signed_at, posting_key, revision_id, reference_version,
        credit_grant_id, correction_kind, correction_causes
    from register_entries
    where settlement_key = $key
    order by register_sequence, entry_number
"""
_HELD_BACK: Final = """
    select revision_id, document_id, line_number, amount, currency_code, signer, held_at, reason
    from held_documents
    where settlement_key = $key and is_open
    order by held_at, document_id, line_number
"""
_AMOUNTS: Final = (
    "above_maximum_amount",
    "amount",
    "amount_at_risk",
    "amount_unrounded",
    "billed_amount_before",
    "computed_amount",
    "covered_amount",
    "discount_amount",
    "flat_amount",
    "gross_amount",
    "rated_amount",
    "shared_amount",
    "taken",
    "threshold_amount",
    "unit_price",
)


class LineUnknownError(InputError):
    """No published line has that id."""

    code = "line_unknown"


@dataclass(frozen=True)
class LineExplanation:
    """One rated line with everything that made it.

    Attributes:
        line: the row of fct_rated_lines by column.
        derivation: the steps from quantity to amount, as the rating wrote them.
        tiers: rows of fct_rated_line_tiers in order.
        exceptions: open ones that hold its settlement key.
        holding_lines: lines of its contract at its time that are held by themselves, where a line
            of its key is held because of others.
        documents: candidate lines of its settlement key, which are not signed.
        held_back: lines of its key in documents that a signature left out, and why.
        signed: register entries of its settlement key, oldest first: who billed what, when; with
            posting_state and document_number, None where no posting is planned yet.
        event_ids: the first of its events in order of time.
        expired: credit of its contract that expired by a signature, oldest first.
    """

    line: Mapping[str, Any]
    derivation: Mapping[str, Any]
    tiers: Sequence[Mapping[str, Any]]
    exceptions: Sequence[Mapping[str, Any]]
    holding_lines: Sequence[Mapping[str, Any]]
    documents: Sequence[Mapping[str, Any]]
    held_back: Sequence[Mapping[str, Any]]
    signed: Sequence[Mapping[str, Any]]
    event_ids: Sequence[str]
    expired: Sequence[ExpiredCredit] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the explanation as a JSON document: amounts have their currency's decimals."""
        code = str(self.line["currency_code"])
        return {
            "line": with_amounts(self.line, code),
            "derivation": derivation_json(self.derivation, code),
            "tiers": [with_amounts(row, code) for row in self.tiers],
            "exceptions": [with_amounts(row, code) for row in self.exceptions],
            "holding_lines": list(self.holding_lines),
            "documents": [with_amounts(row, code) for row in self.documents],
            "held_back": [with_amounts(row, code) for row in self.held_back],
            "signed": [with_amounts(row, code) for row in self.signed],
            "event_ids": list(self.event_ids),
            "expired": [each.as_json() for each in self.expired],
        }


def explain_line(settings: Settings, line: str, *, event_limit: int) -> LineExplanation:
    """Gather what made a line, from the published marts and the register.

    Args:
        settings: the data directory.
        line: a rated line's id, or '<document id>/<line number>' of a candidate or signed line.
        event_limit: how many event ids to name.

    Raises:
        LineUnknownError: there is no such line.
        NothingPublishedError: nothing was rated and published yet.
    """
    register = Register(settings.register)
    chain = register.chain()
    entries = register.entries(chain)
    with closing(open_published(settings)) as marts:
        marts.register("register_entries", entries)
        marts.register("held_documents", held_table(settings.register, chain, entries))
        rated_line_id = named_line(marts, line)
        found = _rows(marts, _LINE, line=rated_line_id)
        if not found:
            raise LineUnknownError(
                f"Looked for line {line!r} in the published marts: there is no such line. "
                "`select rated_line_id from rating.fct_rated_lines` in "
                f"{settings.published}/current/tallyhouse.duckdb lists them all."
            )
        row = found[0]
        key = str(row["settlement_key"])
        return LineExplanation(
            line={name: cell for name, cell in row.items() if name != "derivation"},
            derivation=json.loads(row["derivation"] or "{}"),
            tiers=_rows(
                marts,
                "select * from rating.fct_rated_line_tiers where rated_line_id = $line "
                "order by tier_number",
                line=rated_line_id,
            ),
            exceptions=_rows(marts, _EXCEPTIONS, key=key),
            holding_lines=holding_lines(marts, key),
            documents=_rows(
                marts,
                "select document_id, line_number, rated_line_id, cause, rated_amount, "
                "billed_amount_before, amount, currency_code, credit_grant_id "
                "from billing.fct_invoice_candidate_lines "
                "where settlement_key = $key order by document_id, line_number",
                key=key,
            ),
            held_back=_rows(marts, _HELD_BACK, key=key),
            signed=_with_postings(settings, _rows(marts, _SIGNED, key=key)),
            event_ids=_event_ids(marts, rated_line_id, event_limit),
            expired=expired_credits(entries, contract_lineage_id=str(row["contract_lineage_id"])),
        )


def holding_lines(marts: duckdb.DuckDBPyConnection, settlement_key: str) -> list[dict[str, Any]]:
    """Return what a settlement key that is held because of others may wait for, oldest first.

    Args:
        marts: the published marts.
        settlement_key: a key of rated lines.

    Returns:
        The lines of its contract in the same billing cells that are held by themselves, each with
        rated_line_id, charge_name, exception_code and service_start_at; none where the key does not
        depend on others.
    """
    return _rows(marts, _HOLDING, key=settlement_key)


def busiest_signed_line(settings: Settings) -> str:
    """Return '<document id>/<line number>' of the signed usage line with the most events.

    Raises:
        LineUnknownError: nothing was signed yet.
    """
    with closing(duckdb.connect()) as connection:
        connection.register("register_entries", Register(settings.register).entries())
        found = connection.execute(
            "select document_id || '/' || line_number from register_entries "
            "order by event_count desc nulls last, document_id, line_number limit 1"
        ).fetchone()
    if found is None:
        raise LineUnknownError("Looked for a signed line: nothing was signed yet. Sign a period.")
    return str(found[0])


def _with_postings(settings: Settings, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Register entries with the state of their document's posting and its number in the ERP."""
    postings = tables.postings
    columns = (postings.c.posting_key, postings.c.state, postings.c.document_number)
    keys = [entry["posting_key"] for entry in entries]
    with whole_operations(settings) as engine, engine.connect() as operations:
        query = sa.select(*columns).where(postings.c.posting_key.in_(keys))
        found = {row[0]: (row[1], row[2]) for row in operations.execute(query)}
    return [
        entry
        | dict(
            zip(
                ("posting_state", "document_number"),
                found.get(entry["posting_key"], (None, None)),
                strict=True,
            )
        )
        for entry in entries
    ]


def derivation_json(derivation: Mapping[str, Any], currency_code: str) -> dict[str, Any]:
    """Return a derivation for JSON, with_amounts down to its tiers and discounts."""
    steps = dict(derivation)
    for name in ("tiers", "discounts"):
        if name in steps:
            steps[name] = [with_amounts(each, currency_code) for each in steps[name]]
    return with_amounts(steps, currency_code)


def with_amounts(row: Mapping[str, Any], currency_code: str) -> dict[str, Any]:
    """Return a row for JSON, each amount in it as text with its currency's decimals."""
    return {
        name: amount_text(Decimal(cell), currency_code)
        if name in _AMOUNTS and cell is not None
        else cell
        for name, cell in row.items()
    }


def named_line(marts: duckdb.DuckDBPyConnection, line: str) -> str:
    """Return the id of the rated line that a name stands for; the name itself, unless it finds one.

    A line of a document is the rated line that it names. Where its contract changed since, so that
    no line has that id any more, it is the one of its settlement key that begins as it does, or
    else the first one.

    Args:
        marts: the published marts, and the signed entries as register_entries.
        line: a rated line's id, or '<document id>/<line number>' of a candidate or signed line.
    """
    document_id, separator, number = line.rpartition("/")
    if not separator or not number.isdigit():
        return line
    for table in ("billing.fct_invoice_candidate_lines", "register_entries"):
        found = _rows(
            marts,
            _NAMED.format(table=table),
            document=document_id,
            number=int(number),
        )
        if found:
            return str(found[0]["rated_line_id"])
    return line


def _event_ids(
    marts: duckdb.DuckDBPyConnection, rated_line_id: str, event_limit: int
) -> Sequence[str]:
    rows = _rows(
        marts,
        "select event_source, event_id from rating.fct_line_events "
        "where rated_line_id = $line order by event_at, event_source, event_id limit $most",
        line=rated_line_id,
        most=event_limit,
    )
    return [f"{row['event_source']} {row['event_id']}" for row in rows]


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, **values: object
) -> list[dict[str, Any]]:
    found = connection.execute(query, values)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
