"""Rebuilt revisions, for a person and for a program.

Belongs here: the order of the answer, its words. Does not belong here: rebuilding (reproduction).
"""

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console

from orchestration.price_book.currencies import amount_text, money_text
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets
from orchestration.reproduction import LineDifference, Reproduction

_SHOWN: Final = 20
_DIGITS: Final = 16


def print_reproductions(console: Console, reproductions: Sequence[Reproduction]) -> None:
    """Print what each revision was, and whether its rebuild has the same digest."""
    sheet = Sheet(
        "Rebuilt from raw files, reference version and register",
        Column("revision"),
        Column("documents", Kind.FIGURE),
        Column("lines", Kind.FIGURE),
        Column("digest"),
        Column("rebuilt", Kind.WORDS),
    )
    for each in reproductions:
        revision = each.revision
        verdict = "[green]the same[/]"
        if not each.is_same:
            verdict = f"[bold red]DIFFERS[/] in {', '.join(each.differing)}"
            verdict += "" if each.lines else "; every amount is the same"
        sheet.add_row(
            revision.revision_id,
            f"{revision.document_count:,}",
            f"{revision.line_count:,}",
            revision.content_sha256[:_DIGITS],
            verdict,
        )
    sheets = [sheet]
    differences = [line for each in reproductions for line in each.lines]
    if differences:
        sheets.append(_lines(differences))
    print_sheets(console, *sheets)
    for line in _codes(reproductions):
        console.print(line, markup=False, highlight=False)


def reproductions_json(reproductions: Sequence[Reproduction]) -> list[dict[str, Any]]:
    """Return the answer as JSON: amounts have their currency's decimals."""
    return [
        {
            "revision_id": each.revision.revision_id,
            "content_sha256": each.revision.content_sha256,
            "frozen_with": each.revision.pins.code_version,
            "rebuilt_with": each.code_version,
            "is_same": each.is_same,
            "differing": list(each.differing),
            "lines": [
                {
                    "settlement_key": line.settlement_key,
                    "customer_id": line.customer_id,
                    "charge_id": line.charge_id,
                    "currency_code": line.currency_code,
                    "amount": amount_text(line.amount, line.currency_code),
                    "rebuilt_amount": amount_text(line.rebuilt_amount, line.currency_code),
                }
                for line in each.lines
            ],
        }
        for each in reproductions
    ]


def _lines(differences: Sequence[LineDifference]) -> Sheet:
    more = len(differences) - _SHOWN
    sheet = Sheet(
        f"Amounts that differ{f', the first {_SHOWN} of {len(differences):,}' if more > 0 else ''}",
        Column("customer"),
        Column("charge"),
        Column("frozen", Kind.FIGURE),
        Column("rebuilt", Kind.FIGURE),
    )
    for line in differences[:_SHOWN]:
        code = line.currency_code
        amounts = (line.amount, line.rebuilt_amount)
        sheet.add_row(
            line.customer_id,
            line.charge_id,
            *(f"{code} {money_text(amount, code)}" for amount in amounts),
        )
    return sheet


def _codes(reproductions: Sequence[Reproduction]) -> list[str]:
    """Which code froze and which rebuilt, where it is not one."""
    versions = {(each.revision.pins.code_version, each.code_version) for each in reproductions}
    return [
        f"Frozen with code {then},\nrebuilt with {now}."
        for then, now in sorted(versions)
        if then != now
    ]
