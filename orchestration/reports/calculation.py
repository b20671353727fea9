"""A line as a calculation that finance can follow from top to bottom.

Belongs here: the order of its sheets, its facts, where the line stands. Does not belong here: the
steps and their words (calculation_steps.py); its tiers (calculation_prices.py); gathering what made
the line (explanation.py); widths and boxes (layout.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from orchestration.reports.calculation_prices import prices_sheet
from orchestration.reports.calculation_steps import (
    Step,
    amount_steps,
    money,
    quantity_steps,
    term_steps,
    words,
)
from orchestration.reports.differences import CAUSE_WORDS
from orchestration.reports.explanation import LineExplanation
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets

_CAUSES: Final = {"new": "billed for the first time", "correction": "a correction"}
_NAMED_HOLDERS: Final = 3


def print_explanation(console: Console, explanation: LineExplanation) -> None:
    """Print a line: what it is, where it stands, how its amount came about, its first events."""
    line = explanation.line
    console.print(f"Line {line['rated_line_id']}", style="bold", highlight=False)
    console.print(line["description"], markup=False, highlight=False)
    console.print()
    print_sheets(console, _standing(explanation), _facts(explanation))
    print_calculation(console, explanation)
    shown = len(explanation.event_ids)
    if shown:
        console.print(f"The first {shown:,} of its {line['event_count'] or 0:,} events")
        for event_id in explanation.event_ids:
            console.print(f"  {event_id}", highlight=False, markup=False)


def print_calculation(console: Console, explanation: LineExplanation) -> None:
    """Print how a line's amount came about: quantity, tiers and money, or what its term asks."""
    steps = explanation.derivation
    if steps.get("line_kind"):
        print_sheets(console, _calculation("What it comes to", term_steps(explanation)))
        return
    print_sheets(console, _calculation("How much is priced", quantity_steps(explanation)))
    if explanation.tiers:
        print_sheets(console, prices_sheet(explanation))
    print_sheets(console, _calculation("What it comes to", amount_steps(explanation)))


def standing(explanation: LineExplanation) -> list[tuple[str, str]]:
    """Return where the line stands: held, on a document, signed, posted, each with its details."""
    line = explanation.line
    found = [
        *(_held(each, explanation) for each in explanation.exceptions),
        *(_candidate(each, line) for each in explanation.documents),
        *(_left_out(each, line) for each in explanation.held_back),
        *chain.from_iterable(_signed(each, line) for each in explanation.signed),
    ]
    if found:
        return found
    if not line["is_due"]:
        return [("not due yet", f"It is invoiced in {line['billing_period']}, not before.")]
    if line["rating_status"] == "proven_zero":
        return [("nothing to bill", "Its amount is zero, and that is proven.")]
    return [("on no document", "The lines of its settlement key add up to zero.")]


def _held(exception: Mapping[str, Any], explanation: LineExplanation) -> tuple[str, str]:
    at_risk = exception["amount_at_risk"]
    worth = "unknown" if at_risk is None else money(at_risk, explanation.line)
    is_by_others = exception["exception_code"] == "depends_on_held"
    details = (
        f"Not billed, because of {words(exception['exception_code'])}. All lines of its settlement "
        f"key would come to {worth}. {exception['what_to_do']} "
        f"{_holders(explanation.holding_lines) if is_by_others else ''}"
        f"(Steward: {exception['steward']}.)"
    )
    return "HELD", details


def _holders(lines: Sequence[Mapping[str, Any]]) -> str:
    """The first lines that are held by themselves, with their reasons, and how many more are."""
    if not lines:
        return ""
    named = "; ".join(
        f"{each['rated_line_id']} ({each['charge_name']}: {words(each['exception_code'])})"
        for each in lines[:_NAMED_HOLDERS]
    )
    more = len(lines) - _NAMED_HOLDERS
    return f"Held in the contract at that time: {named}{f'; {more:,} more' if more > 0 else ''}. "


def _candidate(document: Mapping[str, Any], line: Mapping[str, Any]) -> tuple[str, str]:
    if document["credit_grant_id"] is not None:
        return "PAID BY CREDIT", f"{_drawn(document, line)}, which waits for a signature."
    details = (
        f"{money(document['amount'], line)} ({_CAUSES[document['cause']]}) on line "
        f"{document['line_number']} of document {document['document_id']}"
        f"{_other_line(document, line)}, which waits for a signature."
    )
    return "ON A DOCUMENT", details


def _drawn(row: Mapping[str, Any], line: Mapping[str, Any]) -> str:
    """What a draw, a candidate or signed, pays of the settlement key."""
    return (
        f"{money(-row['amount'], line)} of its settlement key by grant {row['credit_grant_id']}, "
        f"on line {row['line_number']} of document {row['document_id']}"
    )


def _left_out(held: Mapping[str, Any], line: Mapping[str, Any]) -> tuple[str, str]:
    details = (
        f"{money(held['amount'], line)}: {held['signer']} left document {held['document_id']} out "
        f"of the signature of {held['revision_id']}, because: {held['reason']}"
    )
    return "LEFT OUT", details


def _signed(entry: Mapping[str, Any], line: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if entry["credit_grant_id"] is not None:
        signature = f"signed by {entry['signer']}, register commit {entry['register_sequence']}"
        yield "PAID BY CREDIT", f"{_drawn(entry, line)}, {signature}."
        return
    details = (
        f"{money(entry['amount'], line)} ({entry['entry_kind']}{_because(entry)}) on line "
        f"{entry['line_number']} of document {entry['document_id']}{_other_line(entry, line)}, "
        f"revision "
        f"{entry['revision_id']}, by {entry['signer']} at {entry['signed_at']:%Y-%m-%d %H:%M} UTC, "
        f"register commit {entry['register_sequence']}."
    )
    yield "SIGNED", details
    if entry["posting_state"] == "posted":
        yield "POSTED", f"In the ERP as {entry['document_number']}, key {entry['posting_key']}."
    else:
        state = entry["posting_state"] or "not planned yet"
        yield "NOT IN THE ERP", f"Its posting is {state}, key {entry['posting_key']}."


def _because(entry: Mapping[str, Any]) -> str:
    """Why a correction was due; one that was signed without causes does not say."""
    if not entry["correction_kind"]:
        return ""
    causes = [CAUSE_WORDS[cause] for cause in entry["correction_causes"].split(", ")]
    return f", of an {entry['correction_kind'].replace(' and ', ' and an ')}: {', '.join(causes)}"


def _other_line(row: Mapping[str, Any], line: Mapping[str, Any]) -> str:
    is_own = row["rated_line_id"] == line["rated_line_id"]
    return "" if is_own else f" for line {row['rated_line_id']} of the same settlement key"


def _standing(explanation: LineExplanation) -> Sheet:
    sheet = Sheet("Where it stands", Column(""), Column("", Kind.WORDS))
    for state, details in standing(explanation):
        sheet.add_row(f"[bold]{state}[/]", escape(details))
    return sheet


def _facts(explanation: LineExplanation) -> Sheet:
    line = explanation.line
    sheet = Sheet("What it is", Column(""), Column("", Kind.WORDS))
    for name, fact in (
        ("customer", f"{line['customer_name']} ({line['customer_id']})"),
        ("bill to", line["bill_to_customer_id"]),
        ("legal entity", line["legal_entity_id"]),
        ("contract", f"{line['contract_id']}, version {line['contract_version']}"),
        (
            "term" if explanation.derivation.get("term_id") else "charge",
            f"{line['charge_name']} ({line['charge_id']}, {words(line['charge_model'])})",
        ),
        ("price", None if explanation.derivation.get("term_id") else line["charge_price_id"]),
        ("price book version", line["reference_version"]),
        ("service", f"{line['service_start_at']} to {line['service_end_at']} UTC"),
        ("billing period", line["billing_period"]),
        *_event_facts(line),
        *(("expired credit", each.text()) for each in explanation.expired),
    ):
        if fact is not None:
            sheet.add_row(name, escape(str(fact)))
    return sheet


def _event_facts(line: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not line["event_count"]:
        return
    first, last = line["first_event_at"], line["last_event_at"]
    yield "events", f"{line['event_count']:,}, from {first} to {last} UTC"
    yield "digest of its events", f"{line['digest_sum_1']} {line['digest_sum_2']}"


def _calculation(title: str, steps: Iterable[Step]) -> Sheet:
    sheet = Sheet(title, Column(""), Column("", Kind.FIGURE), Column("", Kind.WORDS))
    for name, figure, how in steps:
        sheet.add_row(escape(name), escape(figure), escape(how))
    return sheet
