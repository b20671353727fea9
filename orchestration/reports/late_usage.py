"""Usage that came after the signature of its month: how much, for whom, what it comes to.

Belongs here: reading it from the published marts, its table. Does not belong here: what is late
(the model fct_late_usage); billing it, which a person starts.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from orchestration.price_book.currencies import amount_text, money_text
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets
from orchestration.reports.publication import NothingPublishedError, open_published
from orchestration.settings import Settings

_QUERY: Final = """
    select
        billing_period,
        legal_entity_id,
        customer_id,
        charge_id,
        meter_id,
        unit,
        cast(sum(event_count) as bigint) as event_count,
        cast(sum(quantity) as decimal(38, 9)) as quantity,
        currency_code,
        cast(sum(due_amount) as decimal(38, 4)) as due_amount,
        count(*) filter (where due_amount is null) as unknown_key_count,
        max(last_ingestion_batch_id) as last_ingestion_batch_id
    from reconciliation.fct_late_usage
    group by all
    order by billing_period, legal_entity_id, customer_id, charge_id, currency_code
"""
_HAS_MART: Final = """
    select count(*) from duckdb_tables()
    where schema_name = 'reconciliation' and table_name = 'fct_late_usage'
"""


@dataclass(frozen=True, kw_only=True)
class LateUsage:
    """Late usage of one customer in a signed month, as one charge rates it.

    Attributes:
        billing_period: YYYY-MM, signed.
        event_count: events that came late. quantity: theirs, in unit; None where the meter does
            not add up events.
        due_amount: what the charge's keys come to, less what was billed of them, of all
            causes; None where none of them is known.
        unknown_key_count: settlement keys whose amount is not known, or not billed any more.
        last_ingestion_batch_id: the last batch that brought some of it.
    """

    billing_period: str
    legal_entity_id: str
    customer_id: str
    charge_id: str
    meter_id: str
    unit: str
    event_count: int
    quantity: Decimal | None
    currency_code: str
    due_amount: Decimal | None
    unknown_key_count: int
    last_ingestion_batch_id: int


def read_late_usage(settings: Settings) -> list[LateUsage]:
    """Read it from the last publication; nothing where nothing was published yet."""
    try:
        connection = open_published(settings)
    except NothingPublishedError:
        return []
    with closing(connection) as marts:
        [(has_mart,)] = marts.execute(_HAS_MART).fetchall()
        if not has_mart:  # published by an earlier version
            return []
        found: Any = marts.sql(_QUERY).to_arrow_table()
    return [LateUsage(**row) for row in found.to_pylist()]


def late_usage_digest(rows: Sequence[LateUsage]) -> str:
    """Return a digest of what is late, which stays while nothing of it changes."""
    text = json.dumps([asdict(row) for row in rows], default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def late_usage_words(rows: Sequence[LateUsage]) -> str:
    """Say in a sentence for how many customers of which months usage came late."""
    months = sorted({row.billing_period for row in rows})
    customers = len({row.customer_id for row in rows})
    # An event that several charges or meters count is one event.
    events: dict[tuple[str, str], int] = {}
    for row in rows:
        place = (row.billing_period, row.customer_id)
        events[place] = max(events.get(place, 0), row.event_count)
    return (
        f"Usage came after the signature of {', '.join(months)}: {sum(events.values()):,} events "
        f"of {customers:,} {'customer' if customers == 1 else 'customers'}."
    )


def print_late_usage(console: Console, rows: Sequence[LateUsage]) -> None:
    """Print the rows, then what a person may do about them."""
    if not rows:
        console.print("No usage came after the signature of its month.", highlight=False)
        return
    sheet = Sheet(
        "Usage that came after the signature of its month",
        Column("month"),
        Column("customer"),
        Column("charge"),
        Column("events", Kind.FIGURE),
        Column("quantity", Kind.FIGURE),
        Column("due", Kind.FIGURE),
    )
    for row in rows:
        sheet.add_row(
            row.billing_period,
            escape(row.customer_id),
            escape(row.charge_id),
            f"{row.event_count:,}",
            "" if row.quantity is None else f"{row.quantity.normalize():,f} {escape(row.unit)}",
            _due(row),
        )
    print_sheets(console, sheet)
    console.print(late_usage_words(rows), markup=False, highlight=False)
    for month in sorted({row.billing_period for row in rows}):
        console.print(
            f"The next run bills it; or now: `tallyhouse rerate --period {month}`.",
            markup=False,
            highlight=False,
        )


def late_usage_json(rows: Sequence[LateUsage]) -> dict[str, Any]:
    """Return the rows as JSON: amounts have their currency's decimals."""
    return {
        "late_usage": [
            asdict(row)
            | {
                "due_amount": None
                if row.due_amount is None
                else amount_text(row.due_amount, row.currency_code)
            }
            for row in rows
        ]
    }


def _due(row: LateUsage) -> str:
    if row.due_amount is None:
        return "not known"
    money = f"{row.currency_code} {money_text(row.due_amount, row.currency_code)}"
    return f"{money} and {row.unknown_key_count:,} not known" if row.unknown_key_count else money
