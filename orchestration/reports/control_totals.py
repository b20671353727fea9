"""Control totals for a person and for a program.

Belongs here: tables, JSON, what loading a file of totals came to. Does not belong here: reading
them (quality/control_totals.py).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from orchestration.control_totals import ControlTotalsLoaded
from orchestration.quality.conservation import plain
from orchestration.quality.control_totals import AGREES, WAITS, ComparedTotal
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets

_WORDS: Final = {"no_total": "no total", "waits": "waits, in its grace"}


@dataclass(frozen=True, kw_only=True)
class ControlTotalsAnswer:
    """What was asked, and every compared total of it.

    Attributes:
        month: UTC month, YYYY-MM; None means every one.
        shows_all: whether days that agree are listed, too.
    """

    month: str | None
    shows_all: bool
    totals: tuple[ComparedTotal, ...]

    @property
    def red(self) -> tuple[ComparedTotal, ...]:
        """Those that stand in the way of a signature."""
        return tuple(total for total in self.totals if total.is_red)


def print_control_totals(console: Console, answer: ControlTotalsAnswer) -> None:
    """Print the days that do not agree, or all of them, and how many there are of each kind."""
    shown = [total for total in answer.totals if answer.shows_all or total.agreement != AGREES]
    if shown:
        sheet = Sheet(
            f"Control totals{'' if answer.month is None else f' of {answer.month}, UTC'}",
            Column("day"),
            Column("source"),
            Column("measure"),
            Column("sent", Kind.FIGURE),
            Column("arrived", Kind.FIGURE),
            Column("variance", Kind.FIGURE),
            Column("", Kind.WORDS),
        )
        for total in shown:
            sheet.add_row(
                str(total.usage_date),
                escape(total.source_prefix),
                escape(total.measure),
                _figure(total.announced_quantity),
                _figure(total.arrived_quantity),
                _signed(total.variance_quantity),
                _standing(total),
            )
        print_sheets(console, sheet)
    counted = Counter(_kind(total) for total in answer.totals)
    listed = ", ".join(f"{number:,} {kind}" for kind, number in sorted(counted.items()))
    console.print(f"{len(answer.totals):,} compared: {listed}.", highlight=False)
    if answer.red:
        console.print(
            "Red ones stop the signature of their month: have the missing files or a corrected "
            "total delivered and run again, or let an approver waive the exception.",
            highlight=False,
        )


def control_totals_json(answer: ControlTotalsAnswer) -> dict[str, Any]:
    """Return the answer as JSON; quantities are exact text."""
    return {
        "month": answer.month,
        "is_held": not answer.red,
        "compared": len(answer.totals),
        "control_totals": [
            _as_json(total)
            for total in answer.totals
            if answer.shows_all or total.agreement != AGREES
        ],
    }


def print_loaded(console: Console, loaded: ControlTotalsLoaded) -> None:
    """Print what became of each file of totals."""
    if not loaded.files:
        console.print("There is no new file of control totals.", highlight=False)
    for each in loaded.files:
        text = each.detail or f"{each.name}: {each.total_count:,} control totals"
        console.print(text, markup=False, highlight=False)
    if loaded.ingestion_batch_id is not None:
        console.print(
            f"{loaded.total_count:,} control totals are batch {loaded.ingestion_batch_id}; the "
            "next run compares them with what arrived.",
            highlight=False,
        )


def loaded_json(loaded: ControlTotalsLoaded) -> dict[str, Any]:
    """Return what a load did as JSON."""
    return {
        "ingestion_batch_id": loaded.ingestion_batch_id,
        "control_totals": loaded.total_count,
        "files": [vars(each) for each in loaded.files],
    }


def shown_totals(
    month: str | None, totals: Sequence[ComparedTotal], *, shows_all: bool
) -> ControlTotalsAnswer:
    """Return the answer to a question."""
    return ControlTotalsAnswer(month=month, shows_all=shows_all, totals=tuple(totals))


def _kind(total: ComparedTotal) -> str:
    if total.agreement in (AGREES, WAITS):
        return total.agreement
    return f"{_words(total)} {'and waived' if total.is_waived else 'and red'}"


def _words(total: ComparedTotal) -> str:
    return _WORDS.get(total.agreement, total.agreement)


def _standing(total: ComparedTotal) -> str:
    if total.agreement == WAITS:
        return f"waits until {total.grace_ends_at:%Y-%m-%d %H:%M} UTC"
    if total.agreement == AGREES:
        return AGREES
    return f"{_words(total)}, waived" if total.is_waived else f"[bold red]{_words(total)}[/]"


def _figure(quantity: Decimal | None) -> str:
    return "" if quantity is None else plain(quantity)


def _signed(quantity: Decimal | None) -> str:
    text = _figure(quantity)
    return f"+{text}" if quantity is not None and quantity > 0 else text


def _as_json(total: ComparedTotal) -> dict[str, Any]:
    quantities = {
        name: _exact(getattr(total, name))
        for name in ("announced_quantity", "arrived_quantity", "variance_quantity")
    }
    return (
        vars(total)
        | quantities
        | {
            "usage_date": total.usage_date.isoformat(),
            "grace_ends_at": f"{total.grace_ends_at.isoformat()}Z",
        }
    )


def _exact(quantity: Decimal | None) -> str | None:
    return None if quantity is None else plain(quantity).replace(",", "")
