"""Tables for the terminal, in the words that finance uses.

Belongs here: layout, wording, number formats. Does not belong here: reading a figure (status.py,
explanation.py, verification.py); printing JSON (cli_answers.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.price_book import Problem
from orchestration.price_book.currencies import money_text
from orchestration.quality.conservation import ConservationFigure, plain
from orchestration.reports.explanation import LineExplanation
from orchestration.reports.status import (
    CurrencyFigures,
    ExceptionFigures,
    InstallationStatus,
    MoneyFigures,
    RevisionFigures,
    UsageFigures,
)
from orchestration.reports.verification import Finding

_REJECTS_SHOWN = 12


def print_status(console: Console, status: InstallationStatus) -> None:
    """Print everything that the status holds: as of when, then the figures of usage."""
    console.print(as_of_text(status.published_at), highlight=False)
    console.print(usage_table(status.usage))
    if status.usage.rejects_by_code:
        console.print(rejects_table(status.usage.rejects_by_code))
    if status.currencies:
        console.print(currencies_table(status.currencies))
    if status.money:
        console.print(_dated(money_table(status.money), status.published_at))
    console.print(revisions_table(status.revisions))
    if status.exceptions:
        console.print(_dated(exceptions_table(status.exceptions), status.published_at))
    if status.conservation:
        console.print(_dated(conservation_table(status.conservation), status.published_at))
    console.print(f"Signals in the CRM: {status.signals_pushed:,}")
    copy = status.published_copy or "none yet"
    console.print(f"Published copy for analysts: {copy}", highlight=False)


def as_of_text(published_at: datetime | None) -> str:
    """Return as of when the figures are; published_at is in UTC, None before any publication."""
    now = "Files, lines, revisions, signatures and postings are as of now."
    if published_at is None:
        return f"{now} No marts are published yet, so nothing else is shown."
    return (
        f"{now}\nRepeats and conflicts, rated, due, at risk, exceptions and conservation are as of "
        f"{_instant(published_at)}, the last publication. A run that ends red publishes nothing."
    )


def usage_table(usage: UsageFigures) -> Table:
    """Return where every line of every usage file went."""
    table = _table("Usage events", ("", "left"), ("count", "right"))
    table.add_row("files loaded", _count(usage.files_loaded))
    table.add_row("files refused", _count(usage.files_refused))
    table.add_section()
    table.add_row("lines read", _count(usage.lines_read))
    table.add_row("  rejected, kept with their reason", _count(usage.lines_rejected))
    table.add_row("  accepted", _count(usage.lines_accepted))
    if usage.exact_repeats is not None and usage.conflicting is not None:
        unique = usage.lines_accepted - usage.exact_repeats - usage.conflicting
        table.add_row("    exact repeats, not counted", _count(usage.exact_repeats))
        table.add_row("    conflicting, none counts until decided", _count(usage.conflicting))
        table.add_row("    unique events", _count(unique), style="bold")
    return table


def rejects_table(rejects_by_code: Mapping[str, int]) -> Table:
    """Return why lines were rejected, the most frequent reasons first."""
    table = _table("Rejected lines", ("reason", "left"), ("lines", "right"))
    shown = list(rejects_by_code.items())
    for code, count in shown[:_REJECTS_SHOWN]:
        table.add_row(_words(code), _count(count))
    rest = sum(count for _, count in shown[_REJECTS_SHOWN:])
    if rest:
        table.add_row(f"{len(shown) - _REJECTS_SHOWN} further reasons", _count(rest))
    return table


def currencies_table(currencies: Sequence[CurrencyFigures]) -> Table:
    """Return the sums of each currency; currencies are never added up."""
    table = _table(
        "Per currency",
        ("currency", "left"),
        ("documents signed", "right"),
        ("amount signed", "right"),
        ("in the ERP", "right"),
        ("amount in the ERP", "right"),
        ("due, not signed", "right"),
        ("at risk in exceptions", "right"),
    )
    for row in currencies:
        code = row.currency_code
        table.add_row(
            code,
            _count(row.documents_signed),
            money_text(row.signed, code),
            _count(row.documents_posted),
            money_text(row.posted, code),
            money_text(row.due, code),
            money_text(row.at_risk, code),
        )
    return table


def money_table(money: Sequence[MoneyFigures]) -> Table:
    """Return what the rating says per legal entity, month and currency, and what waits."""
    table = _table(
        "Rated and due",
        ("billing period", "left"),
        ("legal entity", "left"),
        ("currency", "left"),
        ("rated", "right"),
        ("due, not signed", "right"),
        ("documents due", "right"),
    )
    for row in money:
        if not row.rated and not row.due:
            continue
        table.add_row(
            row.billing_period,
            row.legal_entity_id,
            row.currency_code,
            money_text(row.rated, row.currency_code),
            money_text(row.due, row.currency_code),
            _count(row.documents_due),
        )
    return table


def revisions_table(revisions: Sequence[RevisionFigures]) -> Table:
    """Return every frozen revision: totals, who signed it, what became of its documents."""
    table = _table(
        "Revisions and documents",
        ("billing period", "left"),
        ("legal entity", "left"),
        ("revision", "left"),
        ("state", "left"),
        ("documents", "right"),
        ("amount", "right"),
        ("signed by", "left"),
        ("in the ERP", "left"),
    )
    for row in revisions:
        amounts = "\n".join(
            f"{code} {money_text(amount, code)}" for code, amount in row.amounts.items()
        )
        postings = ", ".join(
            f"{count} {state}" for state, count in sorted(row.postings_by_state.items())
        )
        table.add_row(
            row.billing_period,
            row.legal_entity_id,
            row.revision_id.rpartition(":")[2],
            row.state,
            _count(row.document_count),
            amounts or "0",
            escape(row.signer or ""),
            postings,
        )
    return table


def exceptions_table(exceptions: Sequence[ExceptionFigures]) -> Table:
    """Return the open exceptions by code, with the money at risk and whose turn it is."""
    table = _table(
        "Exceptions: nothing is billed for these until somebody acts",
        ("exception", "left"),
        ("steward", "left"),
        ("open", "right"),
        ("events", "right"),
        ("money at risk", "right"),
        ("what to do", "left"),
    )
    for row in exceptions:
        at_risk = (
            "no price tells"
            if row.amount_at_risk is None
            else f"{row.currency_code} {money_text(row.amount_at_risk, row.currency_code or '')}"
        )
        table.add_row(
            _exception(row),
            row.steward,
            _count(row.exception_count),
            _count(row.event_count),
            at_risk,
            escape(row.what_to_do),
        )
    return table


def _exception(row: ExceptionFigures) -> str:
    name = _words(row.exception_code)
    return f"charges held: {name}" if row.object_kind == "settlement_key" else name


def conservation_table(figures: Sequence[ConservationFigure]) -> Table:
    """Return the seven invariants: both sides in their units, their difference, what is broken.

    Of each invariant the headline checks are shown, and any other one that is broken.
    """
    table = _table(
        "Conservation: nothing is lost and nothing is made up on the way",
        ("", "right"),
        ("what must be equal", "left"),
        ("left side", "right"),
        ("right side", "right"),
        ("difference", "right"),
        ("", "left"),
    )
    for column in table.columns[2:]:
        column.overflow = "fold"  # a narrow terminal breaks a figure and never cuts it
    numbers: set[int] = set()
    for figure in figures:
        if not figure.is_headline and figure.is_held:
            continue
        is_first = figure.invariant_number not in numbers
        numbers.add(figure.invariant_number)
        table.add_row(
            str(figure.invariant_number) if is_first else "",
            _conserved(figure),
            "\n".join(each.text(each.left_figure) for each in figure.sides) or "none yet",
            "\n".join(each.text(each.right_figure) for each in figure.sides) or "none yet",
            "\n".join(each.difference_text() for each in figure.sides),
            "[green]holds[/]" if figure.is_held else "[bold red]BROKEN[/]",
        )
    return table


def _conserved(figure: ConservationFigure) -> str:
    text = f"{escape(figure.left_label)}\n= {escape(figure.right_label)}"
    if figure.is_held:
        return text
    return f"{text}\n[bold red]{escape(figure.broken_text())}[/]\n{escape(figure.what_to_do)}"


def print_problems(console: Console, folder: Path, problems: Sequence[Problem]) -> None:
    """Print every problem of a reference folder with its place and remedy."""
    if not problems:
        console.print(f"{folder} is sound.", highlight=False)
        return
    table = _table(
        f"Problems in {folder}",
        ("place", "left"),
        ("severity", "left"),
        ("problem", "left"),
        ("remedy", "left"),
    )
    for problem in problems:
        place = problem.path if problem.line is None else f"{problem.path}:{problem.line}"
        table.add_row(
            escape(place), problem.severity, escape(problem.message), escape(problem.remedy)
        )
    console.print(table)


def print_explanation(console: Console, explanation: LineExplanation) -> None:
    """Print how a line came about, from its events to its cents."""
    line = explanation.line
    console.print(
        _facts(
            f"Line {line['rated_line_id']}",
            {
                "customer": f"{line['customer_name']} ({line['customer_id']})",
                "contract": f"{line['contract_id']}, version {line['contract_version']}",
                "charge": f"{line['charge_name']} ({line['charge_id']}, {line['charge_model']})",
                "price": line["charge_price_id"],
                "price book version": line["reference_version"],
                "service": f"{line['service_start_at']} to {line['service_end_at']} UTC",
                "billing period": line["billing_period"],
                "events": _count(line["event_count"]),
                "events digest": f"{line['digest_sum_1']} {line['digest_sum_2']}",
            },
        )
    )
    steps = {name: value for name, value in explanation.derivation.items() if name != "tiers"}
    console.print(_facts("From quantity to amount", steps))
    console.print(_records("Tiers", explanation.tiers, skip=("rated_line_id",)))
    for document in explanation.documents:
        console.print(_facts("On a document that waits for a signature", document))
    for entry in explanation.signed:
        console.print(_facts("Signed", entry))
    console.print(f"The first {len(explanation.event_ids)} of its events:", style="bold")
    for event_id in explanation.event_ids:
        console.print(f"  {event_id}", highlight=False, markup=False)


def print_verification(console: Console, findings: Sequence[Finding]) -> None:
    """Print what was verified, and what is not sound with what to do."""
    table = _table("Verified", ("", "left"), ("subject", "left"), ("finding", "left"))
    for finding in findings:
        mark = "[green]sound[/]" if finding.is_sound else "[bold red]NOT SOUND[/]"
        table.add_row(mark, escape(finding.subject), escape(finding.detail))
    console.print(table)


def _facts(title: str, facts: Mapping[str, object]) -> Table:
    table = _table(title, ("", "left"), ("", "left"))
    for name, value in facts.items():
        if value is not None:
            table.add_row(_words(name), escape(_cell(value)))
    return table


def _records(title: str, records: Sequence[Mapping[str, Any]], skip: Iterable[str] = ()) -> Table:
    names = [name for name in (records[0] if records else {}) if name not in set(skip)]
    table = _table(title if records else f"{title}: none", *((_words(n), "left") for n in names))
    for record in records:
        table.add_row(*(escape(_cell(record[name])) for name in names))
    return table


def _cell(value: object) -> str:
    if value is None:
        return ""
    return plain(value) if isinstance(value, Decimal) else str(value)


def _table(title: str, *columns: tuple[str, str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="")
    for heading, side in columns:
        table.add_column(heading, justify="right" if side == "right" else "left")
    return table


def _dated(table: Table, published_at: datetime | None) -> Table:
    if published_at is not None:
        table.title = f"{table.title}\n(as of {_instant(published_at)})"
    return table


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _count(figure: int | None) -> str:
    return f"{figure or 0:,}"
