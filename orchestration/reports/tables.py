"""Tables for the terminal, in the words that finance uses.

Belongs here: layout, wording, number formats. Does not belong here: reading a figure (status.py,
explanation.py, verification.py); printing JSON (cli_answers.py).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from orchestration.price_book import Problem
from orchestration.price_book.currencies import money_text
from orchestration.quality.conservation import ConservationFigure
from orchestration.reports.exceptions import at_risk_sheet, exceptions_sheet
from orchestration.reports.expired_credit import expired_sheet
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets
from orchestration.reports.status_figures import (
    CurrencyFigures,
    InstallationStatus,
    MoneyFigures,
    RevisionFigures,
    UsageFigures,
)
from orchestration.reports.verification import Finding

_REJECTS_SHOWN = 12


def print_status(console: Console, status: InstallationStatus) -> None:
    """Print everything that the status holds: as of when, then the figures of usage."""
    published_at = status.published_at
    signed = [row.signed_at for row in status.revisions if row.signed_at is not None]
    is_signed_since = published_at is not None and any(each > published_at for each in signed)
    console.print(as_of_text(published_at, is_signed_since=is_signed_since), highlight=False)
    console.print()
    sheets = [usage_sheet(status.usage)]
    if status.usage.rejects_by_code:
        sheets.append(rejects_sheet(status.usage.rejects_by_code))
    if status.currencies:
        sheets.append(currencies_sheet(status.currencies, published_at=status.published_at))
    if status.money:
        sheets.append(money_sheet(status.money, published_at=published_at))
    if status.revisions:
        sheets.append(revisions_sheet(status.revisions))
    if any(row.to_acknowledge for row in status.revisions):
        sheets.append(acknowledgements_sheet(status.revisions))
    sheets += _sheets_of_what_is_not_billed(status)
    if status.conservation:
        sheets.append(conservation_sheet(status.conservation, published_at=published_at))
    print_sheets(console, *sheets)
    if not status.revisions:
        console.print("No revision is frozen yet.")
    console.print(f"Signals in the CRM: {status.signals_pushed:,}", highlight=False)
    copy = status.published_copy or "none yet"
    console.print(f"Published copy for analysts: {copy}", highlight=False)


def _sheets_of_what_is_not_billed(status: InstallationStatus) -> list[Sheet]:
    sheets = []
    if status.expired:
        sheets.append(expired_sheet(status.expired))
    if status.exceptions:
        sheets.append(exceptions_sheet(status.exceptions))
    if status.at_risk:
        sheets.append(at_risk_sheet(status.at_risk))
    return sheets


def as_of_text(published_at: datetime | None, *, is_signed_since: bool = False) -> str:
    """Return as of when the figures are.

    Args:
        published_at: of the marts, in UTC; None before any publication.
        is_signed_since: whether a signature came after it.
    """
    now = "Files, lines, revisions, signatures and postings are as of now."
    if published_at is None:
        return f"{now} No marts are published yet, so nothing else is shown."
    return (
        f"{now}\nWhat the marts say (unique events, rated, due, conservation) "
        f"is as of {_instant(published_at)}, the last publication. A run that ends red publishes "
        "nothing."
    ) + (
        "\nWhat was signed after that publication is still shown as due, until the next run."
        if is_signed_since
        else ""
    )


def usage_sheet(usage: UsageFigures) -> Sheet:
    """Return where every line of every usage file went, and which events of the marts count."""
    sheet = Sheet("Usage files and events", Column(""), Column("", Kind.FIGURE))
    sheet.add_row("files loaded", _count(usage.files_loaded))
    sheet.add_row("files refused", _count(usage.files_refused))
    sheet.add_section()
    sheet.add_row("lines read", _count(usage.lines_read))
    sheet.add_row("  rejected, kept with their reason", _count(usage.lines_rejected))
    sheet.add_row("  accepted as events", _count(usage.lines_accepted))
    if usage.events_in_marts is not None:
        sheet.add_section()
        sheet.add_row("events in the published marts", _count(usage.events_in_marts))
        sheet.add_row("  exact repeats, not counted", _count(usage.exact_repeats))
        sheet.add_row("  conflicting, none counts until decided", _count(usage.conflicting))
        if usage.dropped:
            sheet.add_row("  dropped by a decision, not counted", _count(usage.dropped))
        sheet.add_row("  unique events", _count(usage.unique), style="bold")
        if usage.retracted:
            sheet.add_row("    retracted of them, not counted", _count(usage.retracted))
    return sheet


def rejects_sheet(rejects_by_code: Mapping[str, int]) -> Sheet:
    """Return why lines were rejected, the most frequent reasons first."""
    sheet = Sheet("Rejected lines", Column("reason"), Column("lines", Kind.FIGURE))
    shown = list(rejects_by_code.items())
    for code, count in shown[:_REJECTS_SHOWN]:
        sheet.add_row(_words(code), _count(count))
    rest = sum(count for _, count in shown[_REJECTS_SHOWN:])
    if rest:
        sheet.add_row(f"{len(shown) - _REJECTS_SHOWN} further reasons", _count(rest))
    return sheet


def currencies_sheet(
    currencies: Sequence[CurrencyFigures], *, published_at: datetime | None
) -> Sheet:
    """Return the sums of each currency over all periods; currencies are never added up."""
    sheet = Sheet(
        "Per currency, over all billing periods",
        Column("currency"),
        Column("amount\nsigned", Kind.FIGURE),
        Column("amount\nin the ERP", Kind.FIGURE),
        Column("documents\nin the ERP", Kind.FIGURE),
        Column("due,\nnot signed", Kind.FIGURE),
        Column("at risk in\nexceptions", Kind.FIGURE),
        note=""
        if published_at is None
        else f"Due is as of {_instant(published_at)}: what was signed since then is still in it.",
    )
    for row in currencies:
        code = row.currency_code
        sheet.add_row(
            code,
            money_text(row.signed, code),
            money_text(row.posted, code),
            f"{_count(row.documents_posted)} of {_count(row.documents_signed)}",
            money_text(row.due, code),
            money_text(row.at_risk, code),
        )
    return sheet


def money_sheet(money: Sequence[MoneyFigures], *, published_at: datetime | None) -> Sheet:
    """Return what the rating says per legal entity, month and currency, and what becomes of it."""
    sheet = Sheet(
        _dated("Rated and due", published_at),
        Column("billing\nperiod"),
        Column("legal\nentity"),
        Column("currency"),
        Column("rated", Kind.FIGURE),
        Column("not\ndue yet", Kind.FIGURE),
        Column("due,\nnot signed", Kind.FIGURE),
        Column("held,\nnot in rated", Kind.FIGURE),
        note="rated = billed before + due + what credits pay of what is due + not due yet. Held: "
        "what charges would come to that an exception keeps from being billed.",
    )
    for row in money:
        amounts = (row.rated, row.not_due_yet, row.due, row.held)
        if any(amounts):
            code = row.currency_code
            texts = (money_text(amount, code) for amount in amounts)
            sheet.add_row(row.billing_period, row.legal_entity_id, code, *texts)
    return sheet


def revisions_sheet(revisions: Sequence[RevisionFigures]) -> Sheet:
    """Return every frozen revision: totals, who signed it, what became of its documents."""
    sheet = Sheet(
        "Frozen revisions and their documents",
        Column("revision"),
        Column("state"),
        Column("documents", Kind.FIGURE),
        Column("amount", Kind.FIGURE),
        Column("signed by"),
        Column("in the ERP"),
    )
    for row in revisions:
        amounts = "\n".join(
            f"{code} {money_text(amount, code)}" for code, amount in row.amounts.items()
        )
        postings = "\n".join(
            f"{_count(count)} {state}" for state, count in sorted(row.postings_by_state.items())
        )
        sheet.add_row(
            escape(row.revision_id),
            row.state,
            _count(row.document_count),
            amounts or "0",
            escape(row.signer or ""),
            postings,
        )
    return sheet


def acknowledgements_sheet(revisions: Sequence[RevisionFigures]) -> Sheet:
    """Return the documents that a signature must acknowledge one by one, with the reasons."""
    sheet = Sheet(
        "To acknowledge before a signature",
        Column("revision"),
        Column("document"),
        Column("customer"),
        Column("amount", Kind.FIGURE),
        Column("why", Kind.WORDS),
        note="Look at each, and sign with --acknowledge DOCUMENT_ID, or hold it.",
    )
    for row in revisions:
        for each in row.to_acknowledge:
            sheet.add_row(
                escape(row.revision_id),
                escape(each.document_id),
                escape(each.bill_to_customer_id),
                f"{each.currency_code} {money_text(each.amount, each.currency_code)}",
                escape("; ".join(reason.text for reason in each.reasons)),
            )
    return sheet


def conservation_sheet(
    figures: Sequence[ConservationFigure], *, published_at: datetime | None = None
) -> Sheet:
    """Return the seven invariants: both sides in their units, their difference, what is broken.

    Of each invariant the headline checks are shown, and any other one that is broken. Where both
    sides do not fit beside each other, the right one stands below the left one.
    """
    title = _dated("Conservation: nothing is lost and nothing is made up on the way", published_at)
    what = Column("what must be equal", Kind.WORDS)
    rest = (Column("difference", Kind.FIGURE), Column(""))
    narrow = Sheet(title, Column("", Kind.FIGURE), what, Column("figure", Kind.FIGURE), *rest)
    wide = Sheet(
        title,
        Column("", Kind.FIGURE),
        what,
        Column("left side", Kind.FIGURE),
        Column("right side", Kind.FIGURE),
        *rest,
        narrower=narrow,
    )
    numbers: set[int] = set()
    for figure in figures:
        if not figure.is_headline and figure.is_held:
            continue
        number = str(figure.invariant_number) if figure.invariant_number not in numbers else ""
        numbers.add(figure.invariant_number)
        left = "\n".join(each.text(each.left_figure) for each in figure.sides) or "none yet"
        right = "\n".join(each.text(each.right_figure) for each in figure.sides) or "none yet"
        difference = "\n".join(each.difference_text() for each in figure.sides)
        verdict = "[green]holds[/]" if figure.is_held else "[bold red]BROKEN[/]"
        left_label, right_label = escape(figure.left_label), f"= {escape(figure.right_label)}"
        broken = _broken(figure)
        wide.add_row(
            number, f"{left_label}\n{right_label}{broken}", left, right, difference, verdict
        )
        narrow.add_row(number, left_label, left, difference, verdict)
        narrow.add_row("", f"{right_label}{broken}", right, "", "")
    return wide


def _broken(figure: ConservationFigure) -> str:
    if figure.is_held:
        return ""
    return f"\n[bold red]{escape(figure.broken_text())}[/]\n{escape(figure.what_to_do)}"


def print_problems(console: Console, folder: Path, problems: Sequence[Problem]) -> None:
    """Print every problem of a reference folder with its place and remedy."""
    if not problems:
        console.print(f"{folder} is sound.", highlight=False)
        return
    sheet = Sheet(
        f"Problems in {folder}",
        Column("place"),
        Column("severity"),
        Column("problem and remedy", Kind.WORDS),
    )
    for problem in problems:
        place = problem.path if problem.line is None else f"{problem.path}:{problem.line}"
        sheet.add_row(
            escape(place), problem.severity, f"{escape(problem.message)} {escape(problem.remedy)}"
        )
    print_sheets(console, sheet)


def print_verification(console: Console, findings: Sequence[Finding]) -> None:
    """Print what was verified, and what is not sound with what to do."""
    sheet = Sheet("Verified", Column(""), Column("what was found", Kind.WORDS))
    for finding in findings:
        mark = "[green]sound[/]" if finding.is_sound else "[bold red]NOT SOUND[/]"
        sheet.add_row(mark, f"{escape(finding.subject)}: {escape(finding.detail)}")
    print_sheets(console, sheet)


def _dated(title: str, published_at: datetime | None) -> str:
    return title if published_at is None else f"{title}\n(as of {_instant(published_at)})"


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _count(figure: int | None) -> str:
    return f"{figure or 0:,}"
