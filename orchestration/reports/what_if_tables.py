"""What scenarios would have made of past months as tables of text, for a terminal and for a page.

Belongs here: which tables there are, their order, their words. Does not belong here: rating and
comparing (whatif); how a table is printed (what_ifs.py) or written (what_if_files.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from orchestration.price_book.currencies import money_text
from orchestration.reports.layout import Column, Kind
from orchestration.whatif.comparison import Comparison
from orchestration.whatif.what_if import WhatIf

_APART_SHOWN: Final = 20
_WHY_APART: Final = {
    "unknown_in_both": "a line is unknown before and after",
    "unknown_now": "a line is unknown before",
    "unknown_in_scenario": "a line is unknown after",
    "not_in_scenario": "no contract has a line in the currency after",
    "usage_not_rated": "usage that is rated before has no charge after",
}
"""By apart_because of a comparison."""

_AMOUNTS: Final = (
    Column("before", Kind.FIGURE),
    Column("after", Kind.FIGURE),
    Column("difference", Kind.FIGURE),
    Column("change", Kind.FIGURE),
)
_COUNTED: Final = (Column("customers", Kind.FIGURE), *_AMOUNTS)
WHAT_IT_IS: Final = (
    "Gross rating: credits, and what was billed, play no part. A customer is who holds the "
    "contract; currencies are not added up. Customers apart are in no other figure: what is not "
    "known is no loss."
)


@dataclass(frozen=True)
class TextTable:
    """A titled table; its cells are plain text."""

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[str, ...]]


def side_by_side(answer: WhatIf) -> TextTable:
    """All scenarios of each currency below each other."""
    rows = [
        (row["currency_code"], number, each.scenario.name, row)
        for number, each in enumerate(answer.comparisons)
        for row in each.totals.to_pylist()
    ]
    return TextTable(
        f"{periods_text(answer)}: what is rated now (before) and with each scenario (after)",
        (
            *(Column("currency"), Column("scenario"), *_COUNTED),
            *(
                Column("customers\napart", Kind.FIGURE),
                Column("known of\nthem before", Kind.FIGURE),
            ),
        ),
        [
            (
                *(code, name, *_counted(row)),
                *(f"{row['apart_customer_count']:,}", money_text(row["apart_before_amount"], code)),
            )
            for code, _, name, row in sorted(rows, key=lambda each: each[:2])
        ],
    )


def tables_of(comparison: Comparison, answer: WhatIf) -> Iterator[TextTable]:
    """The tables of a scenario that have something to say, in order."""
    name = comparison.scenario.name
    if changes_something(comparison):
        parts = [
            ("plan", "plan_id", comparison.plans),
            ("segment", "segment", comparison.segments),
            ("month", "billing_period", comparison.months),
        ]
        for heading, column, rows in parts if len(answer.periods) > 1 else parts[:2]:
            yield TextTable(
                f"{name}, by {heading}",
                (Column("currency"), Column(heading), *_COUNTED),
                [
                    (row["currency_code"], row[column] or "none", *_counted(row))
                    for row in rows.to_pylist()
                ],
            )
    for change, rows in (("more", comparison.gains), ("less", comparison.losses)):
        if rows.num_rows:
            yield _largest(f"{name}, customers who pay {change}: the largest changes", rows)
    if comparison.apart.num_rows:
        yield _apart(name, comparison.apart)


def changes_something(comparison: Comparison) -> bool:
    """Whether a scenario changes an amount of a customer that is compared, or moves it."""
    return any(
        row["difference_amount"]
        for rows in (comparison.customers, comparison.plans, comparison.months)
        for row in rows.select(["difference_amount"]).to_pylist()
    )


def remarks(answer: WhatIf) -> list[str]:
    """What a reader has to know beside the figures, a sentence or two each."""
    version, batch = answer.reference_version, answer.last_ingestion_batch_id
    return [
        f"Before: reference version {version}, usage up to ingestion batch {batch}.",
        *(
            f"{each.scenario.name} replaces {', '.join(each.scenario.parts)}"
            + ("." if changes_something(each) else ", and changes no amount that is compared.")
            for each in answer.comparisons
        ),
        *(
            f"{period} is not over: {count:,} of its lines are not due yet, and may still change."
            for period, count in answer.not_due_line_counts.items()
        ),
    ]


def periods_text(answer: WhatIf) -> str:
    """The periods of an answer, such as 2026-07 to 2026-09."""
    first, last = answer.periods[0], answer.periods[-1]
    return first if first == last else f"{first} to {last}"


def change_text(percent: Decimal | None) -> str:
    """A change in percent with its sign; nothing where nothing was before."""
    if percent is None:
        return ""
    return f"{percent:+,.1f} %" if percent else "0.0 %"


def signed_money(amount: Decimal, currency_code: str) -> str:
    """An amount with its sign, without its currency."""
    return ("+" if amount > 0 else "") + money_text(amount, currency_code)


def _largest(title: str, rows: pa.Table) -> TextTable:
    names = ("customer_id", "customer_name", "segment")
    return TextTable(
        title,
        (
            *(Column("currency"), Column("customer"), Column("name", Kind.WORDS)),
            *(Column("segment"), *_AMOUNTS),
        ),
        [
            (row["currency_code"], *(row[name] for name in names), *_amounts(row))
            for row in rows.to_pylist()
        ],
    )


def _apart(name: str, rows: pa.Table) -> TextTable:
    more = rows.num_rows > _APART_SHOWN
    shown = f"the first {_APART_SHOWN} of {rows.num_rows:,}" if more else "all"
    return TextTable(
        f"{name}, customers apart, {shown}",
        (
            *(Column("currency"), Column("customer"), Column("why", Kind.WORDS)),
            *(Column("known\nbefore", Kind.FIGURE), Column("known\nafter", Kind.FIGURE)),
            *(Column("unknown\nbefore", Kind.FIGURE), Column("unknown\nafter", Kind.FIGURE)),
        ),
        [_apart_cells(row) for row in rows.slice(0, _APART_SHOWN).to_pylist()],
    )


def _apart_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    code, codes = row["currency_code"], row["exception_codes"].replace(" ", ", ")
    return (
        code,
        row["customer_id"],
        _WHY_APART[row["apart_because"]] + (f": {codes}" if codes else ""),
        money_text(row["before_known_amount"], code),
        money_text(row["after_known_amount"], code),
        _lines(row["before_unknown_line_count"]),
        _lines(row["after_unknown_line_count"]),
    )


def _lines(count: int) -> str:
    return f"{count:,} line{'' if count == 1 else 's'}"


def _counted(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (f"{row['customer_count']:,}", *_amounts(row))


def _amounts(row: Mapping[str, Any]) -> tuple[str, ...]:
    code = row["currency_code"]
    return (
        money_text(row["before_amount"], code),
        money_text(row["after_amount"], code),
        signed_money(row["difference_amount"], code),
        change_text(row["change_percent"]),
    )
