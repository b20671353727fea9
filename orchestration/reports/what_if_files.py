"""The files of an answer about scenarios: every row as CSV, a page and its charts.

Belongs here: which files there are, the page's layout. Does not belong here: figures (whatif),
geometry (histogram.py), tables and their words (what_if_tables.py).

    reports/what-if/<name>/
        what-if.html                                one page that needs no other file
        <number>-<scenario>-<currency>.svg          the distribution of each, for a slide
        totals.csv  plans.csv  segments.csv  months.csv  distribution.csv
        customers.csv  apart.csv

The same answer always makes the same bytes: no file says when it was made.
"""

import csv
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from orchestration.reports.histogram import Bar, Tone, histogram
from orchestration.reports.layout import Kind
from orchestration.reports.what_if_tables import (
    WHAT_IT_IS,
    TextTable,
    change_text,
    changes_something,
    periods_text,
    remarks,
    side_by_side,
    signed_money,
    tables_of,
)
from orchestration.settings import Settings
from orchestration.whatif.bands import ANOTHER_CURRENCY, BANDS, FROM_NOTHING, SAME
from orchestration.whatif.comparison import Comparison
from orchestration.whatif.what_if import WhatIf

_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_ROWS_AT_ONCE: Final = 10_000
_TABLES: Final = ("totals", "plans", "segments", "months", "distribution", "customers", "apart")
_BAND: Final = "band_number"
_BREAK, _LINE = "\n", "<br>"
_STYLE: Final = """
body { font: 15px/1.5 Helvetica, Arial, sans-serif; margin: 2em auto; max-width: 70em;
  padding: 0 1em; color: #222; }
table { border-collapse: collapse; margin: 0.5em 0 1.5em; }
th, td { padding: 0.25em 0.8em; border-bottom: 1px solid #ddd; text-align: left;
  vertical-align: bottom; }
.figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.name { white-space: nowrap; }
svg { max-width: 100%; height: auto; border: 1px solid #ddd; margin: 0.3em 0; }
"""


def write_what_if(settings: Settings, answer: WhatIf) -> None:
    """Write the files of an answer into its folder; what was there under its name is replaced."""
    folder = settings.data_dir / answer.folder
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        charts = [
            _charts(answer, number, comparison)
            for number, comparison in enumerate(answer.comparisons, 1)
        ]
        for name, drawing in (item for each in charts for item in each.items()):
            (beside / name).write_text(drawing, "utf-8")
        (beside / "what-if.html").write_text(_page(answer, charts), "utf-8")
        for name in _TABLES:
            _write_rows(beside / f"{name}.csv", answer, name)
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write_rows(path: Path, answer: WhatIf, table: str) -> None:
    tables = [(each.scenario.name, getattr(each, table)) for each in answer.comparisons]
    columns = tables[0][1].column_names
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["scenario", *("band" if name == _BAND else name for name in columns)])
        for scenario, rows in tables:
            for batch in rows.to_batches(max_chunksize=_ROWS_AT_ONCE):
                writer.writerows(_cells(scenario, row) for row in batch.to_pylist())


def _cells(scenario: str, row: Mapping[str, Any]) -> list[Any]:
    return [scenario, *(BANDS[cell - 1] if name == _BAND else cell for name, cell in row.items())]


def _charts(answer: WhatIf, number: int, comparison: Comparison) -> dict[str, str]:
    """The drawings of a scenario by the names of their files."""
    short = _NOT_IN_A_NAME.sub("-", comparison.scenario.name)
    return {
        f"{number:02}-{short}-{total['currency_code']}.svg": _chart(answer, comparison, total)
        for total in comparison.totals.to_pylist()
        if total["customer_count"]
    }


def _chart(answer: WhatIf, comparison: Comparison, total: Mapping[str, Any]) -> str:
    code = total["currency_code"]
    bars = [
        Bar(
            label=BANDS[row[_BAND] - 1],
            count=row["customer_count"],
            remark=_counted(row),
            tone=_tone(row[_BAND]),
        )
        for row in comparison.distribution.to_pylist()
        if row["currency_code"] == code and (row[_BAND] < FROM_NOTHING or row["customer_count"])
    ]
    facts = [periods_text(answer), _counted(total), change_text(total["change_percent"])]
    return histogram(
        f"{comparison.scenario.name}: customers by change of revenue, {code}",
        ", ".join(filter(None, facts)),
        bars,
    )


def _counted(row: Mapping[str, Any]) -> str:
    count, code = row["customer_count"], row["currency_code"]
    customers = f"{count:,} customer{'' if count == 1 else 's'}"
    return f"{customers}, {code} {signed_money(row['difference_amount'], code)}"


def _tone(number: int) -> Tone:
    if number in {FROM_NOTHING, ANOTHER_CURRENCY}:
        return Tone.OTHER
    if number == SAME:
        return Tone.SAME
    return Tone.LESS if number < SAME else Tone.MORE


def _page(answer: WhatIf, charts: Sequence[Mapping[str, str]]) -> str:
    title = f"What if, {periods_text(answer)}"
    body = [f"<h1>{escape(title)}</h1>"]
    body += [f"<p>{escape(line)}</p>" for line in (WHAT_IT_IS, *remarks(answer))]
    body.append(_table(side_by_side(answer)))
    for comparison, drawn in zip(answer.comparisons, charts, strict=True):
        body.append(f"<h2>{escape(comparison.scenario.name)}</h2>")
        body += drawn.values() if changes_something(comparison) else ()
        body += [_table(table) for table in tables_of(comparison, answer)]
    return (
        "<!doctype html>\n<html lang='en'>\n<head><meta charset='utf-8'>"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _table(table: TextTable) -> str:
    kinds = [column.kind for column in table.columns]
    heads = [column.heading for column in table.columns]
    lines = [_line("th", kinds, heads), *(_line("td", kinds, row) for row in table.rows)]
    return f"<h3>{escape(table.title)}</h3>\n<table>\n" + "\n".join(lines) + "\n</table>"


def _line(tag: str, kinds: Sequence[Kind], cells: Sequence[str]) -> str:
    marked = [
        f"<{tag} class='{kind.value}'>{escape(cell).replace(_BREAK, '<br>')}</{tag}>"
        for kind, cell in zip(kinds, cells, strict=True)
    ]
    return f"<tr>{''.join(marked)}</tr>"
