"""The checkpoints of a month for a person, for a program and as files.

Belongs here: which figures stand beside each other, their words, the files under reports. Does not
belong here: reading them (quality/checkpoints.py).

    reports/reconciliation/<period>/                 of everybody
    reports/reconciliation/<period>-<customer>/      of one customer
        checkpoints.csv  reasons.csv
"""

import os
import re
import shutil
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from orchestration.evidence.csv_text import csv_bytes
from orchestration.price_book.currencies import amount_text, money_text
from orchestration.quality.checkpoints import (
    AMOUNTS,
    ANNOUNCED_EVENTS,
    EVENTS,
    QUANTITIES,
    SOURCE_DAYS,
    CheckpointTotal,
    ReasonTotal,
    Reconciliation,
)
from orchestration.quality.conservation import plain
from orchestration.reports.layout import Column, Kind, Sheet, print_sheets
from orchestration.settings import Settings

_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_TITLES: Final = {
    SOURCE_DAYS: "Announced source-days of the UTC month",
    ANNOUNCED_EVENTS: "Events of the UTC month that control totals announce",
    EVENTS: "Lines and events of the UTC month",
    QUANTITIES: "Quantities of meters that sum their events",
    AMOUNTS: "Amounts",
}
_PARTS: Final = {
    SOURCE_DAYS: "system",
    ANNOUNCED_EVENTS: "system",
    EVENTS: "system",
    QUANTITIES: "meter",
    AMOUNTS: "product line",
}
_COUNTS: Final = {
    SOURCE_DAYS: "days",
    ANNOUNCED_EVENTS: "events",
    EVENTS: "events",
    QUANTITIES: "events",
    AMOUNTS: "settlement\nkeys",
}
_COUNTED: Final = {QUANTITIES: "events", AMOUNTS: "keys"}
_UNEXPLAINED: Final = "[bold red]unexplained[/]"


def print_reconciliation(console: Console, answer: Reconciliation) -> None:
    """Print the checkpoints leg by leg, each with what explains its variance."""
    whose = "" if answer.customer_id is None else f" of {answer.customer_id}"
    console.print(f"Checkpoints of {answer.billing_period}{whose}", style="bold", markup=False)
    console.print()
    legs = {leg: [each for each in answer.totals if each.leg == leg] for leg in _TITLES}
    print_sheets(console, *(_sheet(leg, totals) for leg, totals in legs.items() if totals))
    if answer.undated_rejects:
        console.print(
            f"Without a month, so not in these figures: {answer.undated_rejects:,} rejected lines "
            "of all months.",
            highlight=False,
        )
    if answer.is_explained:
        console.print("Every variance is explained to the last digit.")
    else:
        count = sum(total.unexplained_scopes for total in answer.totals)
        console.print(
            f"{count:,} variances have a rest that no reason explains: look for them in "
            "checkpoints.csv, where is_explained is false.",
            highlight=False,
        )
    console.print(
        f"All rows: {reconciliation_folder(answer)}/checkpoints.csv and reasons.csv",
        markup=False,
        highlight=False,
    )


def reconciliation_json(answer: Reconciliation) -> dict[str, Any]:
    """Return the answer as JSON: amounts have their currency's decimals."""
    return {
        "billing_period": answer.billing_period,
        "customer_id": answer.customer_id,
        "is_explained": answer.is_explained,
        "folder": str(reconciliation_folder(answer)),
        "undated_rejects": answer.undated_rejects,
        "checkpoints": [_as_json(total) for total in answer.totals],
    }


def write_reconciliation(settings: Settings, answer: Reconciliation) -> None:
    """Write every row as CSV; what an earlier answer left under its name is replaced."""
    folder = settings.data_dir / reconciliation_folder(answer)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        (beside / "checkpoints.csv").write_bytes(csv_bytes(answer.checkpoints))
        (beside / "reasons.csv").write_bytes(csv_bytes(answer.reasons))
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def reconciliation_folder(answer: Reconciliation) -> Path:
    """Return the folder of an answer, relative to the data directory."""
    name = answer.billing_period
    if answer.customer_id is not None:
        name += "-" + _NOT_IN_A_NAME.sub("-", answer.customer_id)
    return Path("reports") / "reconciliation" / name


def reasons_text(total: CheckpointTotal) -> str:
    """Name each reason of a variance with its figure; empty where there is nothing to explain."""
    return ", ".join(_explained(reason, total) for reason in total.reasons)


def figure_text(figure: Decimal | int | None, total: CheckpointTotal) -> str:
    """Write a figure of a checkpoint in its currency or unit; an absent one as nothing."""
    if figure is None:
        return ""
    if total.amount is not None:
        return money_text(Decimal(figure), total.unit or "")
    return plain(Decimal(figure))


def signed_text(figure: Decimal | int | None, total: CheckpointTotal) -> str:
    """Write a variance with its sign."""
    text = figure_text(figure, total)
    return f"+{text}" if figure is not None and figure > 0 else text


def _sheet(leg: str, totals: Sequence[CheckpointTotal]) -> Sheet:
    has_parts = any(total.part is not None for total in totals)
    has_figures = leg in _COUNTED
    columns = [Column(_PARTS[leg])] if has_parts else []
    columns += [Column("checkpoint"), Column(_COUNTS[leg], Kind.FIGURE)]
    columns += [Column("quantity" if leg == QUANTITIES else "amount", Kind.FIGURE)] * has_figures
    columns += [Column("variance", Kind.FIGURE), Column("reasons", Kind.WORDS)]
    sheet = Sheet(_TITLES[leg], *columns)
    before: tuple[str | None, str | None] | None = None
    for total in totals:
        place = (total.part, total.unit)
        if before not in (None, place):
            sheet.add_section()
        cells = [_part(total) if before != place else ""] if has_parts else []
        cells += [total.checkpoint, f"{total.item_count:,}"]
        cells += [_with_unit(total)] * has_figures
        sheet.add_row(*cells, signed_text(_variance(total), total), _explanation(total))
        before = place
    return sheet


def _part(total: CheckpointTotal) -> str:
    return escape(total.part or "none")


def _with_unit(total: CheckpointTotal) -> str:
    text = figure_text(total.figure, total)
    if total.amount is not None:
        return f"{total.unit or '?'} {text}"
    return escape(f"{text} {total.unit or ''}".rstrip())


def _explanation(total: CheckpointTotal) -> str:
    texts = [escape(reasons_text(total))] if total.reasons else []
    if total.unexplained_scopes:
        rest = total.unexplained_figure or total.unexplained_count
        texts.append(f"{_UNEXPLAINED} {figure_text(rest, total)}")
    return ", ".join(texts)


def _variance(total: CheckpointTotal) -> Decimal | int | None:
    return total.figure_variance if total.leg in _COUNTED else total.count_variance


def _explained(reason: ReasonTotal, total: CheckpointTotal) -> str:
    if reason.figure is None:
        return f"{_words(reason)} {signed_text(reason.item_count, total)}"
    if not reason.figure:
        return f"{_words(reason)} ({reason.item_count:+,} {_COUNTED[total.leg]})"
    return f"{_words(reason)} {signed_text(reason.figure, total)}"


def _words(reason: ReasonTotal) -> str:
    words = reason.reason.replace("_", " ")
    return f"{words} ({reason.reason_code})" if reason.reason_code else words


def _as_json(total: CheckpointTotal) -> dict[str, Any]:
    return {
        "leg": total.leg,
        "month": total.month,
        "part": total.part,
        "unit": total.unit,
        "checkpoint": total.checkpoint,
        "count": total.item_count,
        "figure": _exact(total.figure, total),
        "count_variance": total.count_variance,
        "figure_variance": _exact(total.figure_variance, total),
        "unexplained_scopes": total.unexplained_scopes,
        "unexplained_count": total.unexplained_count,
        "unexplained_figure": _exact(total.unexplained_figure, total),
        "reasons": [
            {
                "reason": reason.reason,
                "code": reason.reason_code,
                "count": reason.item_count,
                "figure": _exact(reason.figure, total),
            }
            for reason in total.reasons
        ],
    }


def _exact(figure: Decimal | None, total: CheckpointTotal) -> str | None:
    if figure is None:
        return None
    if total.amount is not None:
        return amount_text(figure, total.unit or "")
    return plain(figure).replace(",", "")
