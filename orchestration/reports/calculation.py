"""A line as a calculation that finance can follow from top to bottom.

Belongs here: the order of its steps, their words, where the line stands. Does not belong here:
gathering what made the line (explanation.py); widths and boxes (layout.py).
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import chain
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from orchestration.price_book.currencies import money_text
from orchestration.quality.conservation import plain
from orchestration.reports.explanation import LineExplanation
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets

_COUNTED_AS: Final = {
    "count": "number of",
    "sum": "sum over",
    "max": "largest of",
    "latest": "latest of",
    "unique_count": "different values in",
}
_TIMES: Final = "\u00d7"
_ROUNDED_AS: Final = {"half_away": "half away from zero", "half_even": "half to even"}
_CONVERTED_AS: Final = {
    "up": "rounded up",
    "down": "rounded down",
    "half_up": "rounded half up",
    "half_even": "rounded half to even",
}
_PRICED_BY: Final = {
    "percentage": "rate",
    "graduated_percentage": "rate",
    "cost_plus": "multiplier",
    "dynamic": "multiplier",
}


def print_explanation(console: Console, explanation: LineExplanation) -> None:
    """Print a line: what it is, where it stands, how its amount came about, its first events."""
    line = explanation.line
    console.print(f"Line {line['rated_line_id']}", style="bold", highlight=False)
    console.print(line["description"], markup=False, highlight=False)
    console.print()
    print_sheets(console, _standing(explanation), _facts(explanation), _quantity(explanation))
    if explanation.tiers:
        print_sheets(console, _prices(explanation))
    print_sheets(console, _amount(explanation))
    shown = len(explanation.event_ids)
    if shown:
        console.print(f"The first {shown:,} of its {line['event_count'] or 0:,} events")
        for event_id in explanation.event_ids:
            console.print(f"  {event_id}", highlight=False, markup=False)


def standing(explanation: LineExplanation) -> list[tuple[str, str]]:
    """Return where the line stands: held, on a document, signed, posted, each with its details."""
    line = explanation.line
    found = [
        *(_held(each, line) for each in explanation.exceptions),
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


def _held(exception: Mapping[str, Any], line: Mapping[str, Any]) -> tuple[str, str]:
    at_risk = exception["amount_at_risk"]
    worth = "unknown" if at_risk is None else _money(at_risk, line)
    details = (
        f"Not billed, because of {_words(exception['exception_code'])}. It would come to {worth}. "
        f"{exception['what_to_do']} (Steward: {exception['steward']}.)"
    )
    return "HELD", details


def _candidate(document: Mapping[str, Any], line: Mapping[str, Any]) -> tuple[str, str]:
    details = (
        f"{_money(document['amount'], line)} ({document['cause']}) on line "
        f"{document['line_number']} of document {document['document_id']}"
        f"{_other_line(document, line)}, which waits for a signature."
    )
    return "ON A DOCUMENT", details


def _left_out(held: Mapping[str, Any], line: Mapping[str, Any]) -> tuple[str, str]:
    details = (
        f"{_money(held['amount'], line)}: {held['signer']} left document {held['document_id']} out "
        f"of the signature of {held['revision_id']}, because: {held['reason']}"
    )
    return "LEFT OUT", details


def _signed(entry: Mapping[str, Any], line: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    details = (
        f"{_money(entry['amount'], line)} ({entry['entry_kind']}) on line {entry['line_number']} "
        f"of document {entry['document_id']}{_other_line(entry, line)}, revision "
        f"{entry['revision_id']}, by {entry['signer']} at {entry['signed_at']:%Y-%m-%d %H:%M} UTC, "
        f"register commit {entry['register_sequence']}."
    )
    yield "SIGNED", details
    if entry["posting_state"] == "posted":
        yield "POSTED", f"In the ERP as {entry['document_number']}, key {entry['posting_key']}."
    else:
        state = entry["posting_state"] or "not planned yet"
        yield "NOT IN THE ERP", f"Its posting is {state}, key {entry['posting_key']}."


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
        ("charge", f"{line['charge_name']} ({line['charge_id']}, {_words(line['charge_model'])})"),
        ("price", line["charge_price_id"]),
        ("price book version", line["reference_version"]),
        ("service", f"{line['service_start_at']} to {line['service_end_at']} UTC"),
        ("billing period", line["billing_period"]),
        ("digest of its events", f"{line['digest_sum_1']} {line['digest_sum_2']}"),
    ):
        if fact is not None:
            sheet.add_row(name, escape(str(fact)))
    return sheet


def _quantity(explanation: LineExplanation) -> Sheet:
    sheet = _calculation("How much is priced")
    for name, figure, how in _quantity_steps(explanation):
        sheet.add_row(name, escape(figure), escape(how))
    return sheet


def _quantity_steps(explanation: LineExplanation) -> Iterator[tuple[str, str, str]]:
    line, steps = explanation.line, explanation.derivation
    label = line["unit_label"]
    if line["charge_model"] == "flat":
        yield "quantity", "1", "a fee once per billing period"
        return
    events = f"{line['event_count'] or 0:,} events"
    yield (
        "quantity",
        _units(steps["quantity"], steps["unit"]),
        f"{_COUNTED_AS[steps['aggregation']]} {events}",
    )
    if steps["quantity_before"] is not None:
        before = _units(steps["quantity_before"], steps["unit"])
        yield "before it", before, "earlier in the same cell: tiers go on from there"
    if steps["converted_quantity"] is not None and _is_converted(steps):
        yield "converted", _units(steps["converted_quantity"], label), _conversion(steps)
    if Decimal(steps["free_quantity"] or 0):
        yield "free", _units(steps["free_quantity"], label), "the first ones of every cell"
    if steps.get("free_events"):
        yield "free", f"{steps['free_events']:,} events", "the first ones of every cell"
    if steps.get("free_amount"):
        free_amount = _money(Decimal(steps["free_amount"]), line)
        yield "free", free_amount, "the first of every cell, event by event"
    if line["charge_model"] == "package" and steps.get("package_counting") == "per_tier":
        size = _units(steps["package_size"], label)
        yield (
            "priced",
            _units(steps["priced_quantity"], label),
            f"in packages of {size}, tier by tier",
        )
    elif line["charge_model"] == "package":
        size = _units(steps["package_size"], label)
        yield "packages", _number(steps["priced_quantity"]), f"of {size} each"
    elif steps["converted_quantity"] not in (None, steps["priced_quantity"]):
        yield "priced", _units(steps["priced_quantity"], label), "what is left"


def _is_converted(steps: Mapping[str, Any]) -> bool:
    is_scaled: bool = steps["convert_multiply"] != steps["convert_divide"]
    is_shared_by_time = steps.get("period_length") is not None
    return is_scaled or is_shared_by_time or steps["convert_rounding"] != "none"


def _conversion(steps: Mapping[str, Any]) -> str:
    parts = []
    if steps["convert_multiply"] != "1":
        parts.append(f"times {_number(steps['convert_multiply'])}")
    if steps["convert_divide"] != "1":
        parts.append(f"divided by {_number(steps['convert_divide'])}")
    if steps.get("period_length") is not None:
        parts.append(f"divided by the {steps['period_length']:,} of the full period")
    rounding = steps["convert_rounding"]
    if rounding == "none":
        parts.append("shown to nine decimals, priced exactly")
    else:
        parts.append(f"{_CONVERTED_AS[rounding]} to {steps['convert_decimals']} decimals")
    return ", ".join(parts)


def _prices(explanation: LineExplanation) -> Sheet:
    line = explanation.line
    code = line["currency_code"]
    unit = "package" if line["charge_model"] == "package" else line["unit_label"]
    priced_by = _PRICED_BY.get(line["charge_model"], f"price per\n{escape(unit or '')}")
    sheet = Sheet(
        f"At which prices ({code})",
        Column("tier", Kind.FIGURE),
        Column("above", Kind.FIGURE),
        Column("up to", Kind.FIGURE),
        Column("quantity", Kind.FIGURE),
        Column(priced_by, Kind.FIGURE),
        Column("flat\namount", Kind.FIGURE),
        Column("amount before\nrounding", Kind.FIGURE),
    )
    for tier in explanation.tiers:
        exact = tier["amount_unrounded"]
        sheet.add_row(
            str(tier["tier_number"]),
            plain(tier["lower_quantity"]),
            "no limit" if tier["upper_quantity"] is None else plain(tier["upper_quantity"]),
            plain(tier["quantity"]),
            money_text(tier["unit_price"], code),
            money_text(tier["flat_amount"], code),
            "unknown" if exact is None else money_text(exact, code),
        )
    return sheet


def _amount(explanation: LineExplanation) -> Sheet:
    sheet = _calculation("What it comes to")
    for name, figure, how in _amount_steps(explanation):
        sheet.add_row(name, escape(figure), escape(how))
    return sheet


def _amount_steps(explanation: LineExplanation) -> Iterator[tuple[str, str, str]]:
    line, steps = explanation.line, explanation.derivation
    if steps["share_days"] != steps["share_of_days"]:
        share = f"{steps['share_days']} of {steps['share_of_days']} days"
        yield "share", share, "in the amount of each tier already"
    if steps["amount_unrounded"] is None:
        why = _words(line["exception_code"] or "no price")
        yield "amount", "unknown", f"cannot be computed: {why}"
        return
    yield "before rounding", _money(Decimal(steps["amount_unrounded"]), line), "sum of its tiers"
    is_held = line["rating_status"] == "unknown"
    yield (
        "amount",
        _money(Decimal(steps["amount"]), line),
        f"rounded once, {_ROUNDED_AS[steps['rounding_mode']]}, to {steps['minor_unit']} decimals"
        + ("; HELD and not billed" if is_held else ""),
    )


def _calculation(title: str) -> Sheet:
    return Sheet(title, Column(""), Column("", Kind.FIGURE), Column("", Kind.WORDS))


def _money(amount: Decimal, line: Mapping[str, Any]) -> str:
    code = line["currency_code"]
    return f"{code} {money_text(amount, code)}"


def _units(number: str | None, unit: str | None) -> str:
    counts_several = (unit or "")[:1].isdigit()
    return " ".join((_number(number), *([_TIMES] if counts_several else []), unit or "")).rstrip()


def _number(number: str | None) -> str:
    return "unknown" if number is None else plain(Decimal(number))


def _words(name: str) -> str:
    return name.replace("_", " ")
