"""A signed month that was rated again, for a person and for a program.

Belongs here: sums by customer and charge, their order, their words. Does not belong here: rating
again (rerating).
"""

from collections import defaultdict
from decimal import Decimal
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from orchestration.price_book.currencies import amount_text, money_text
from orchestration.reports.correction_causes import causes_json, explained_words
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets
from orchestration.rerating.rerate import Rerated

_SHOWN: Final = 30
_AMOUNTS: Final = ("billed_amount", "rated_amount", "due_amount")


def print_rerated(console: Console, rerated: Rerated) -> None:
    """Print what differs by customer and charge, then what was frozen and what was left."""
    if rerated.rows:
        print_sheets(console, _by_charge(rerated))
    for line in _lines(rerated):
        console.print(line, markup=False, highlight=False)


def rerated_json(rerated: Rerated) -> dict[str, Any]:
    """Return the answer as JSON: amounts have their currency's decimals."""
    return {
        "billing_period": rerated.billing_period,
        "scope": rerated.scope.plain(),
        "contract_lineages": rerated.lineage_count,
        "revisions": [
            {"revision_id": each.revision_id, "state": each.state} for each in rerated.revisions
        ],
        "causes": [cause for each in rerated.explained for cause in causes_json(each)],
        "held_keys": dict(rerated.held_keys),
        "other_months": [
            dict(row) | {"due_amount": amount_text(row["due_amount"], row["currency_code"])}
            for row in rerated.other_months
        ],
        "file": str(rerated.file),
        "rows": [
            dict(row) | {name: amount_text(row[name], row["currency_code"]) for name in _AMOUNTS}
            for row in rerated.rows
        ],
    }


def _by_charge(rerated: Rerated) -> Sheet:
    sums: dict[tuple[str, str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for row in rerated.rows:
        group = (row["customer_id"], row["charge_id"], row["currency_code"])
        amounts = [row[name] for name in _AMOUNTS]
        sums[group] = [one + more for one, more in zip(sums[group], amounts, strict=True)]
    ordered = sorted(sums.items(), key=lambda each: (-abs(each[1][2]), each[0]))
    title = f"{rerated.billing_period}, {rerated.scope.words()}: what differs from what was billed"
    if len(ordered) > _SHOWN:
        title += f", the largest {_SHOWN} of {len(ordered):,}"
    sheet = Sheet(
        title,
        Column("customer"),
        Column("charge"),
        Column("billed", Kind.FIGURE),
        Column("rated now", Kind.FIGURE),
        Column("difference", Kind.FIGURE),
    )
    for (customer, charge, currency), (billed, rated, due) in ordered[:_SHOWN]:
        sheet.add_row(
            escape(customer),
            escape(charge),
            money_text(billed, currency),
            money_text(rated, currency),
            _money(due, currency),
        )
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for (_, _, currency), (_, _, due) in ordered:
        totals[currency] += due
    for currency, due in sorted(totals.items()):
        sheet.add_row("in all", "", "", "", _money(due, currency), style="bold")
    return sheet


def _lines(rerated: Rerated) -> list[str]:
    month, words = rerated.billing_period, rerated.scope.words()
    lines = []
    if not rerated.rows:
        lines.append(f"What is known of {words} comes to what was billed of {month}.")
    if rerated.lineage_count is not None:
        contracts = "contract" if rerated.lineage_count == 1 else "contracts"
        lines.append(f"Rated again: {rerated.lineage_count:,} {contracts}; all others stay.")
    for code, count in rerated.held_keys.items():
        keys = "key" if count == 1 else "keys"
        lines.append(f"Not known, so neither billed nor credited: {count:,} {keys}, {code}.")
    lines += [
        f"{row['billing_period']} differs too: {row['key_count']:,} keys, "
        f"{_money(row['due_amount'], row['currency_code'])}. It is left to its own run, or to "
        f"`tallyhouse rerate --period {row['billing_period']}`."
        for row in rerated.other_months
    ]
    lines += explained_words(rerated.explained)
    lines += [
        f"{revision.revision_id} is {revision.state}: {_documents(revision.document_count)}. "
        f"`tallyhouse sign-off --period {month}` signs."
        for revision in rerated.revisions
    ]
    if rerated.rows and not rerated.revisions:
        lines.append("Nothing was frozen: the differences wait in their buckets.")
    if rerated.rows:
        lines.append(f"All rows: {rerated.file}")
    return lines


def _money(amount: Decimal, currency_code: str) -> str:
    return f"{currency_code} {money_text(amount, currency_code)}"


def _documents(count: int) -> str:
    return f"{count:,} {'document' if count == 1 else 'documents'}"
