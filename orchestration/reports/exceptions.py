"""Exceptions for a person and for a program: each with its next step, sums, value at risk.

Belongs here: layout, wording, which of many are shown. Does not belong here: states, ages and sums
(orchestration/exceptions).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from orchestration.billing.waivers import Waiver
from orchestration.exceptions import AtRisk, ExceptionQuestion, FoundException
from orchestration.price_book.currencies import amount_text, money_text
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets
from orchestration.reports.status_figures import ExceptionFigures

_SHOWN: Final = 20
_UNKNOWN: Final = "unknown"


def print_exceptions(
    console: Console, found: Sequence[FoundException], question: ExceptionQuestion
) -> None:
    """Print exceptions code by code, each code's next step with them, then sums by currency.

    Of a code at most 20 are shown, unless that code was asked for.

    Args:
        console: where to.
        found: what answers the question, in order.
        question: what was asked.
    """
    if not found:
        state = "" if question.state == "all" else f" in the state {question.state}"
        console.print(f"There is no such exception{state}.", highlight=False)
        return
    known_at = max(each.resolved_at or each.last_seen_at for each in found)
    console.print(
        f"As of {known_at:%Y-%m-%d %H:%M:%S} UTC, what the last build was made from; waivers and "
        "ages as of now.",
        highlight=False,
    )
    console.print()
    at_most = None if question.exception_code else _SHOWN
    sheets = [
        _sheet_of_code(list(together), at_most=at_most)
        for _, together in groupby(found, key=_heading)
    ]
    print_sheets(console, *sheets, _sums_sheet(found))


def exceptions_json(found: Sequence[FoundException]) -> dict[str, Any]:
    """Return every exception and the sums: amounts have their currency's decimals."""
    return {"exceptions": [_plain(each) for each in found], "sums": _sums_json(found)}


def print_waived(console: Console, waiver: Waiver) -> None:
    """Print what was waived or withdrawn, and until when."""
    if waiver.ended_at is None:
        text = (
            f"{waiver.exception_code} {waiver.exception_id} is waived until "
            f"{waiver.waived_until_date}, by {waiver.waived_by}. What is at risk stays in every "
            "figure, as waived."
        )
    else:
        text = f"{waiver.exception_code} {waiver.exception_id} is open again."
    console.print(text, markup=False, highlight=False)


def exceptions_sheet(exceptions: Sequence[ExceptionFigures]) -> Sheet:
    """Return the open exceptions by code, with the money at risk and whose turn it is."""
    sheet = Sheet(
        "Open exceptions: what keeps usage from being billed or posted\n(as of the last build)",
        Column("exception, and what its steward does", Kind.WORDS),
        Column("steward"),
        Column("number", Kind.FIGURE),
        Column("overdue", Kind.FIGURE),
        Column("events", Kind.FIGURE),
        Column("money\nat risk", Kind.FIGURE),
        note="unknown: what it would come to cannot be computed as long as it is open. Each one "
        "with its id: `tallyhouse exceptions`.",
    )
    before = ""
    for row in exceptions:
        name = _name(row.exception_code, row.object_kind)
        what_to_do = f"\n[dim]{escape(row.what_to_do)}[/]" if name != before else ""
        before = name
        sheet.add_row(
            f"{name}{what_to_do}",
            row.steward,
            f"{row.exception_count:,}",
            f"{row.overdue_count:,}",
            f"{row.event_count:,}",
            _money(row.amount_at_risk, row.currency_code),
        )
    return sheet


def at_risk_sheet(at_risk: Sequence[AtRisk]) -> Sheet:
    """Return the unbilled value at risk of each month and currency, waived value apart."""
    sheet = Sheet(
        "Unbilled value at risk\n(as of the last build; waivers and ages as of now)",
        Column("billing\nperiod"),
        Column("currency"),
        Column("open\nexceptions", Kind.FIGURE),
        Column("overdue", Kind.FIGURE),
        Column("at risk,\nopen", Kind.FIGURE),
        Column("waived\nexceptions", Kind.FIGURE),
        Column("at risk,\nwaived", Kind.FIGURE),
        note="unknown: exceptions whose amount no price tells; they come on top. Waived: somebody "
        "lets them stand until a day; nothing of it is billed.",
    )
    for row in at_risk:
        sheet.add_row(
            row.billing_period or "none",
            row.currency_code or _UNKNOWN,
            f"{row.open_count:,}",
            f"{row.overdue_count:,}",
            _part(row.open_amount, row.currency_code, row.open_count),
            f"{row.waived_count:,}",
            _part(row.waived_amount, row.currency_code, row.waived_count),
        )
    return sheet


def at_risk_texts(at_risk: Iterable[AtRisk]) -> list[str]:
    """Return one sentence per currency of one month, for the metadata of an asset."""
    sentences = []
    for row in at_risk:
        code = row.currency_code
        if code is None:
            sentences.append(
                f"amount not known: {row.open_count:,} open, {row.waived_count:,} waived"
            )
        else:
            sentences.append(
                f"{code} {money_text(row.open_amount, code)} in {row.open_count:,} open, "
                f"{code} {money_text(row.waived_amount, code)} in {row.waived_count:,} waived"
            )
    return sentences


def overdue_texts(found: Sequence[FoundException]) -> list[str]:
    """Return how many exceptions of each code are overdue, the oldest age and its limit."""
    texts = []
    for _, together in groupby(found, key=_heading):
        mine = list(together)
        oldest = max(mine, key=lambda each: each.age_days)
        texts.append(
            f"{len(mine):,} {_name(*_heading(oldest))} ({oldest.steward}, up to "
            f"{oldest.age_days:,} days, limit {oldest.age_limit_days})"
        )
    return texts


def _heading(found: FoundException) -> tuple[str, str]:
    return found.exception_code, found.object_kind


def _sheet_of_code(found: Sequence[FoundException], *, at_most: int | None) -> Sheet:
    first = found[0]
    overdue = sum(each.is_overdue for each in found)
    counted = f"{len(found):,}" + (f", {overdue:,} of them overdue" if overdue else "")
    more = 0 if at_most is None else max(len(found) - at_most, 0)
    note = (
        f"{more:,} more: `tallyhouse exceptions --code {first.exception_code}` lists all."
        if more
        else ""
    )
    columns = _columns(found)
    risk = "" if _MONEY in columns else "; what is at risk is not known"
    sheet = Sheet(
        f"{_name(*_heading(first))}, {first.steward}: {counted}{risk}\n{first.what_to_do}",
        *columns,
        note=note,
    )
    for each in found[:at_most]:
        sheet.add_row(*(columns[column](each) for column in columns))
    return sheet


_MONEY: Final = Column("money\nat risk", Kind.FIGURE)


def _columns(found: Sequence[FoundException]) -> dict[Column, Callable[[FoundException], str]]:
    """What is shown of some exceptions; a column that would say nothing of any is left out."""
    columns: dict[Column, Callable[[FoundException], str]] = {
        Column("exception"): lambda each: each.exception_id,
        Column("what", Kind.WORDS): lambda each: escape(each.object_name),
    }
    if any(each.customer for each in found):
        columns[Column("customer", Kind.WORDS)] = lambda each: escape(each.customer or "")
    if any(each.billing_period for each in found):
        columns[Column("billing\nperiod")] = lambda each: each.billing_period or ""
    if any(each.amount_at_risk is not None for each in found):
        columns[_MONEY] = lambda each: _money(each.amount_at_risk, each.currency_code)
    columns[Column("age,\ndays", Kind.FIGURE)] = lambda each: f"{each.age_days:,}"
    columns[Column("state", Kind.WORDS)] = lambda each: escape(_state(each))
    return columns


def _state(found: FoundException) -> str:
    if found.resolved_at is not None:
        return f"resolved {found.resolved_at:%Y-%m-%d}"
    waiver = found.waiver
    if waiver is None:
        again = f", again since {found.reopened_at:%Y-%m-%d}" if found.reopened_at else ""
        return (f"overdue, limit {found.age_limit_days}" if found.is_overdue else "open") + again
    was = waiver.amount_at_risk
    grown = f" (then {_money(was, waiver.currency_code)})" if was != found.amount_at_risk else ""
    return f"waived until {waiver.waived_until_date} by {waiver.waived_by}{grown}: {waiver.reason}"


def _sums_sheet(found: Sequence[FoundException]) -> Sheet:
    sheet = Sheet(
        "In all, by code and currency",
        Column("exception"),
        Column("steward"),
        Column("number", Kind.FIGURE),
        Column("overdue", Kind.FIGURE),
        Column("at risk,\nopen", Kind.FIGURE),
        Column("at risk,\nwaived", Kind.FIGURE),
        note="unknown: no price tells it as long as it is open; it comes on top.",
    )
    for row in _sums(found):
        currency = row["currency_code"]
        sheet.add_row(
            _words(row["exception_code"]),
            row["steward"],
            f"{row['exceptions']:,}",
            f"{row['overdue']:,}",
            _part(row["open_amount"], currency, row["open"]),
            _part(row["waived_amount"], currency, row["waived"]),
        )
    return sheet


def _sums(found: Sequence[FoundException]) -> list[dict[str, Any]]:
    def group(each: FoundException) -> tuple[str, str, str]:
        currency = each.currency_code if each.amount_at_risk is not None else None
        return each.exception_code, each.steward, currency or ""

    rows = []
    for (code, steward, currency), together in groupby(sorted(found, key=group), key=group):
        mine = list(together)
        rows.append(
            {
                "exception_code": code,
                "steward": steward,
                "currency_code": currency or None,
                "exceptions": len(mine),
                "open": sum(each.state == "open" for each in mine),
                "overdue": sum(each.is_overdue for each in mine),
                "waived": sum(each.state == "waived" for each in mine),
                "open_amount": _amount(mine, "open"),
                "waived_amount": _amount(mine, "waived"),
            }
        )
    return rows


def _sums_json(found: Sequence[FoundException]) -> list[dict[str, Any]]:
    amounts = ("open_amount", "waived_amount")
    return [
        row | {name: _exact(row[name], row["currency_code"]) for name in amounts}
        for row in _sums(found)
    ]


def _amount(found: Iterable[FoundException], state: str) -> Decimal:
    amounts = (each.amount_at_risk or Decimal(0) for each in found if each.state == state)
    return sum(amounts, Decimal(0))


def _plain(found: FoundException) -> dict[str, Any]:
    plain = asdict(found) | {
        "amount_at_risk": None
        if found.amount_at_risk is None
        else _exact(found.amount_at_risk, found.currency_code)
    }
    waiver = found.waiver
    if waiver is not None:
        was = waiver.amount_at_risk
        plain["waiver"] = {
            "waiver_id": waiver.waiver_id,
            "waived_by": waiver.waived_by,
            "waived_by_source": waiver.waived_by_source,
            "reason": waiver.reason,
            "waived_until_date": waiver.waived_until_date,
            "waived_at": waiver.waived_at,
            "amount_at_risk": None if was is None else _exact(was, waiver.currency_code),
        }
    return plain


def _exact(amount: Decimal, currency_code: str | None) -> str | None:
    return None if currency_code is None else amount_text(amount, currency_code)


def _part(amount: Decimal, currency_code: str | None, count: int) -> str:
    """An amount of some exceptions; nothing where there are none, unknown without a currency."""
    return _money(amount if currency_code else None, currency_code) if count else ""


def _money(amount: Decimal | None, currency_code: str | None) -> str:
    if amount is None or currency_code is None:
        return _UNKNOWN
    return f"{currency_code} {money_text(amount, currency_code)}"


def _name(exception_code: str, object_kind: str) -> str:
    name = _words(exception_code)
    return f"charges held: {name}" if object_kind == "settlement_key" else name


def _words(name: str) -> str:
    return name.replace("_", " ")
