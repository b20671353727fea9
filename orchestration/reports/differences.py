"""Why a signed month comes to something else now, for a person and for a program.

Belongs here: sums by cause and by customer and charge, their order, their words. Does not belong
here: finding causes (rerating).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from rich.console import Console

from orchestration.price_book.currencies import amount_text, money_text
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets
from orchestration.rerating.difference import Rerating

_SHOWN: Final = 30
CAUSE_WORDS: Final = {
    "not_billed_then": "not billed then",
    "engine_version": "version of the program",
    "repaired_rejects": "repaired rejects",
    "retractions_and_resolved_conflicts": "retractions and resolved conflicts",
    "late_usage": "late usage",
    "identity": "identities",
    "contract": "contracts",
    "price": "prices",
    "unexplained": "unexplained",
    "rounding": "rounding",
}
"""Every cause in words, in the order of the waterfall."""


def print_differences(console: Console, rerating: Rerating) -> None:
    """Print what changed by cause, then the largest differences of customer and charge."""
    if rerating.rows:
        print_sheets(console, _by_cause(rerating), _by_charge(rerating))
    bases = ", ".join(sorted({name for names in rerating.bases.values() for name in names}))
    lines = [f"Compared with {bases}.", f"All rows: {rerating.file}"]
    if not rerating.rows:
        lines = [f"What is known of {rerating.billing_period} comes to what was signed of it."]
    if rerating.held_key_count:
        lines += [f"Held, so not known and not told: {rerating.held_key_count:,} settlement keys."]
    for line in lines:
        console.print(line, markup=False, highlight=False)


def differences_json(rerating: Rerating) -> dict[str, Any]:
    """Return the answer as JSON: amounts have their currency's decimals."""
    amounts = ("before_amount", "after_amount", "difference_amount")
    return {
        "billing_period": rerating.billing_period,
        "compared_with": dict(rerating.bases),
        "file": str(rerating.file),
        "held_keys": rerating.held_key_count,
        "rows": [
            dict(row) | {name: amount_text(row[name], row["currency_code"]) for name in amounts}
            for row in rerating.rows
        ],
    }


def _by_cause(rerating: Rerating) -> Sheet:
    sheet = Sheet(
        f"{rerating.billing_period}: what is due now and was not signed, by cause",
        Column("cause"),
        Column("keys", Kind.FIGURE),
        Column("difference", Kind.FIGURE),
    )
    of_causes = _totals(rerating.rows, "currency_code", "cause")
    order = list(CAUSE_WORDS)
    for currency, cause in sorted(of_causes, key=lambda each: (each[0], order.index(each[1]))):
        total = of_causes[currency, cause]
        sheet.add_row(CAUSE_WORDS[cause], f"{total.keys:,}", _money(total.difference, currency))
    for (currency,), total in sorted(_totals(rerating.rows, "currency_code").items()):
        sheet.add_row("in all", f"{total.keys:,}", _money(total.difference, currency))
    return sheet


def _by_charge(rerating: Rerating) -> Sheet:
    names = ("customer_id", "charge_id", "cause_number", "cause", "currency_code")
    totals = _totals(rerating.rows, *names)
    ordered = sorted(totals.items(), key=lambda each: (-abs(each[1].difference), each[0]))
    more = len(ordered) - _SHOWN
    title = f"the largest {_SHOWN} of {len(ordered):,}" if more > 0 else "all"
    sheet = Sheet(
        f"By customer, charge and cause, {title}",
        Column("customer"),
        Column("charge"),
        Column("cause"),
        Column("before", Kind.FIGURE),
        Column("after", Kind.FIGURE),
        Column("difference", Kind.FIGURE),
    )
    for (customer, charge, _, cause, currency), total in ordered[:_SHOWN]:
        amounts = (total.before, total.after)
        sheet.add_row(
            customer,
            charge,
            CAUSE_WORDS[cause],
            *(money_text(amount, currency) for amount in amounts),
            _money(total.difference, currency),
        )
    return sheet


@dataclass(frozen=True)
class _Total:
    """Sums over some rows, and of how many settlement keys they are."""

    before: Decimal
    after: Decimal
    keys: int

    @property
    def difference(self) -> Decimal:
        return self.after - self.before


def _totals(rows: Sequence[Mapping[str, Any]], *names: str) -> dict[tuple[Any, ...], _Total]:
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return {
        group: _Total(
            before=sum((row["before_amount"] for row in mine), Decimal(0)),
            after=sum((row["after_amount"] for row in mine), Decimal(0)),
            keys=len({row["settlement_key"] for row in mine}),
        )
        for group, mine in groups.items()
    }


def _money(amount: Decimal, currency_code: str) -> str:
    return f"{currency_code} {money_text(amount, currency_code)}"
