"""What scenarios would have made of past months, for a person at a terminal and for a program.

Belongs here: printing, and JSON. Does not belong here: the tables and their words
(what_if_tables.py); the files of the answer (what_if_files.py); rating and comparing (whatif).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from orchestration.price_book.currencies import amount_text
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets
from orchestration.reports.what_if_tables import (
    WHAT_IT_IS,
    TextTable,
    changes_something,
    remarks,
    side_by_side,
    signed_money,
    tables_of,
)
from orchestration.whatif.bands import BANDS
from orchestration.whatif.comparison import Comparison
from orchestration.whatif.what_if import WhatIf

_BAR: Final = 24


def print_what_if(console: Console, answer: WhatIf) -> None:
    """Print all scenarios side by side, then each with its distribution, plans and customers."""
    sheets = [_sheet(side_by_side(answer), note=WHAT_IT_IS)]
    for comparison in answer.comparisons:
        if changes_something(comparison):
            name, rows = comparison.scenario.name, comparison.distribution.to_pylist()
            sheets.append(_distribution(name, rows))
        sheets += [_sheet(table) for table in tables_of(comparison, answer)]
    print_sheets(console, *sheets)
    for line in [*remarks(answer), f"All rows and the charts: {answer.folder}"]:
        console.print(line, markup=False, highlight=False)


def what_if_json(answer: WhatIf) -> dict[str, Any]:
    """Return the answer as JSON: amounts have their currency's decimals; customers are in files."""
    return {
        "periods": list(answer.periods),
        "reference_version": answer.reference_version,
        "last_ingestion_batch_id": answer.last_ingestion_batch_id,
        "lines_not_due": dict(answer.not_due_line_counts),
        "folder": str(answer.folder),
        "scenarios": [_scenario_json(each) for each in answer.comparisons],
    }


def _scenario_json(comparison: Comparison) -> dict[str, Any]:
    distribution = comparison.distribution.to_pylist()
    bands = [BANDS[row.pop("band_number") - 1] for row in distribution]
    tables = ("totals", "plans", "segments", "months", "gains", "losses", "apart")
    return {
        "name": comparison.scenario.name,
        "replaces": list(comparison.scenario.parts),
        "content_sha256": comparison.scenario.content_sha256,
        **{name: _as_texts(getattr(comparison, name).to_pylist()) for name in tables},
        "distribution": [
            {"band": band} | row for band, row in zip(bands, _as_texts(distribution), strict=True)
        ],
    }


def _sheet(table: TextTable, *, note: str = "") -> Sheet:
    sheet = Sheet(table.title, *table.columns, note=note)
    for row in table.rows:
        sheet.add_row(*map(escape, row))
    return sheet


def _distribution(name: str, rows: Sequence[Mapping[str, Any]]) -> Sheet:
    sheet = Sheet(
        f"{name}, customers by how much their revenue changes",
        *(Column("currency"), Column("change"), Column("customers", Kind.FIGURE)),
        *(Column(""), Column("difference", Kind.FIGURE)),
    )
    most = max([row["customer_count"] for row in rows] + [1])
    for row in rows:
        if row["customer_count"]:
            sheet.add_row(
                row["currency_code"],
                BANDS[row["band_number"] - 1],
                f"{row['customer_count']:,}",
                "█" * max(_BAR * row["customer_count"] // most, 1),
                signed_money(row["difference_amount"], row["currency_code"]),
            )
    return sheet


def _as_texts(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            name: amount_text(cell, row["currency_code"]) if name.endswith("_amount") else cell
            for name, cell in row.items()
        }
        for row in rows
    ]
