"""Another system's invoices beside what is rated here, for a person, for finance and for a program.

Belongs here: the tables and their words, the two CSV files. Does not belong here: comparing
(orchestration/shadow), causes (models/shadow).

    reports/shadow/<period>-comparisons.csv     both sides by customer, charge and currency
    reports/shadow/<period>-differences.csv     the causes of each difference
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from orchestration.evidence.csv_text import csv_bytes
from orchestration.price_book.currencies import amount_text, money_text
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets
from orchestration.settings import Settings
from orchestration.shadow.compare import ShadowComparison

_SHOWN: Final = 30
_CAUSES: Final = {
    "not_mapped": "not mapped",
    "customer_only_there": "customer only there",
    "customer_only_here": "customer only here",
    "charge_only_there": "charge only there",
    "charge_only_here": "charge only here",
    "exception": "exception here",
    "service_period": "other service period",
    "quantity": "other quantity, at our price",
    "quantity_not_priced": "other quantity, not priced",
    "term_lines": "lines of terms and credits",
    "rounding": "rounding",
    "price": "other price",
    "unexplained": "unexplained",
}


def write_shadow(settings: Settings, answer: ShadowComparison) -> None:
    """Write both sides and the causes of a month as CSV, in place of those written before."""
    folder = settings.data_dir / _folder()
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in (
        ("comparisons", answer.comparisons),
        ("differences", answer.differences),
    ):
        (folder / f"{answer.billing_period}-{name}.csv").write_bytes(csv_bytes(table))


def shadow_files(answer: ShadowComparison) -> list[Path]:
    """The files of an answer, relative to the data directory."""
    return [
        _folder() / f"{answer.billing_period}-{name}.csv" for name in ("comparisons", "differences")
    ]


def print_shadow(console: Console, answer: ShadowComparison) -> None:
    """Print all months, the causes of the asked one, and its largest differences."""
    sheets = [_by_month(answer)]
    if answer.differences.num_rows:
        sheets += [_by_cause(answer), _largest(answer)]
    print_sheets(console, *sheets)
    load = answer.load
    lines = [
        f"Compared with {load.file_name}, load {load.load_number} of {load.loaded_at}"
        + ("." if answer.is_new else ", which was loaded before."),
        *(
            f"Left out, tax and payments in {row['billing_period']}: "
            f"{_money(row['left_out_amount'], row['currency_code'])}."
            for row in answer.months.to_pylist()
            if row["left_out_amount"]
        ),
        *_not_known(answer),
        f"All rows: {', '.join(map(str, shadow_files(answer)))}",
    ]
    if not answer.differences.num_rows:
        lines.insert(0, f"Nothing of {answer.billing_period} that is known here differs.")
    for line in lines:
        console.print(line, markup=False, highlight=False)


def shadow_json(answer: ShadowComparison) -> dict[str, Any]:
    """Return the answer as JSON: amounts have their currency's decimals."""
    return {
        "billing_period": answer.billing_period,
        "load": vars(answer.load) | {"is_new": answer.is_new},
        "files": [str(path) for path in shadow_files(answer)],
        "months": [_plain(row) for row in answer.months.to_pylist()],
        "comparisons": [_plain(row) for row in answer.comparisons.to_pylist()],
        "differences": [_plain(row) for row in answer.differences.to_pylist()],
    }


def _folder() -> Path:
    return Path("reports") / "shadow"


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: amount_text(cell, row["currency_code"])
        if isinstance(cell, Decimal) and name.endswith("amount")
        else cell
        for name, cell in row.items()
    }


def _by_month(answer: ShadowComparison) -> Sheet:
    sheet = Sheet(
        "Their invoices beside what is rated here, by month",
        Column("month"),
        Column("customers\nto the cent", Kind.FIGURE),
        Column("theirs", Kind.FIGURE),
        Column("ours", Kind.FIGURE),
        Column("difference", Kind.FIGURE),
        Column("explained", Kind.FIGURE),
        Column("unexplained", Kind.FIGURE),
        note="Explained and unexplained are sums without signs.",
    )
    for row in answer.months.to_pylist():
        currency = row["currency_code"]
        unexplained = row["absolute_unexplained_amount"]
        sheet.add_row(
            row["billing_period"],
            f"{row['matched_customer_count']:,} of {row['customer_count']:,}",
            _money(row["their_amount"], currency),
            money_text(row["our_amount"], currency),
            money_text(row["difference_amount"], currency),
            money_text(row["absolute_explained_amount"], currency),
            money_text(unexplained, currency),
            style="bold" if unexplained else "",
        )
    return sheet


def _by_cause(answer: ShadowComparison) -> Sheet:
    sheet = Sheet(
        f"{answer.billing_period}: what theirs is higher by, by cause",
        Column("cause"),
        Column("charges", Kind.FIGURE),
        Column("difference", Kind.FIGURE),
    )
    amounts: dict[tuple[str, int, str], list[Decimal]] = defaultdict(list)
    totals: dict[str, list[Decimal]] = defaultdict(list)
    for row in answer.differences.to_pylist():
        detail = f" ({row['cause_detail']})" if row["cause_detail"] else ""
        cause = f"{_CAUSES[row['cause']]}{detail}"
        amounts[row["currency_code"], row["cause_number"], cause].append(row["amount"])
        totals[row["currency_code"]].append(row["amount"])
    for currency in sorted(totals):
        for (_, _, cause), found in sorted(
            each for each in amounts.items() if each[0][0] == currency
        ):
            sheet.add_row(escape(cause), f"{len(found):,}", _money(_sum(found), currency))
        sheet.add_row("in all", "", _money(_sum(totals[currency]), currency), style="bold")
        sheet.add_section()
    return sheet


def _largest(answer: ShadowComparison) -> Sheet:
    rows = sorted(
        answer.differences.to_pylist(),
        key=lambda row: (-abs(row["amount"]), row["customer"], row["charge"], row["cause_number"]),
    )
    more = len(rows) - _SHOWN
    sheet = Sheet(
        f"By customer, charge and cause, "
        f"{f'the largest {_SHOWN} of {len(rows):,}' if more > 0 else 'all'}",
        Column("customer"),
        Column("charge"),
        Column("cause"),
        Column("difference", Kind.FIGURE),
    )
    for row in rows[:_SHOWN]:
        detail = f" ({row['cause_detail']})" if row["cause_detail"] else ""
        sheet.add_row(
            escape(row["customer"]),
            escape(row["charge"]),
            escape(f"{_CAUSES[row['cause']]}{detail}"),
            _money(row["amount"], row["currency_code"]),
        )
    return sheet


def _not_known(answer: ShadowComparison) -> list[str]:
    """What does not match for an exception, whether or not an amount differs."""
    codes = Counter(
        row["exception_code"] for row in answer.comparisons.to_pylist() if row["exception_code"]
    )
    listed = ", ".join(f"{count:,} {code}" for code, count in sorted(codes.items()))
    return [f"Not known here, so no match, by charge: {listed}."] if codes else []


def _sum(amounts: list[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _money(amount: Decimal, currency_code: str) -> str:
    return f"{currency_code} {money_text(amount, currency_code)}"
