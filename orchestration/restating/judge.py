"""Which edits reach into signed cells without saying so.

Belongs here: signed cells of the register against changes, and restates.yml against both. Does not
belong here: finding changes (changes.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import Engine

from orchestration.billing.register import Register
from orchestration.price_book import ReferenceInvalidError, ReferenceMissingError, current_reference
from orchestration.price_book.problems import Problem, ProblemList
from orchestration.price_book.reference_folder import read_folder
from orchestration.price_book.restatements import Restatement
from orchestration.price_book.table_compiler import compile_tables
from orchestration.price_book.validation import check_snapshot
from orchestration.price_book.versions import read_compiled_tables
from orchestration.restating.changes import Change, Tables, changes_between
from orchestration.restating.standing import standing_changes
from orchestration.settings import Settings

FILE: Final = "restates.yml"


@dataclass(frozen=True)
class SignedCell:
    """A cell of a charge that was billed: its lineage, customer, and days [first, after)."""

    contract_lineage_id: str
    charge_id: str
    customer_id: str
    first: date
    after: date


@dataclass(frozen=True)
class SignedMonth:
    """A billing period in which a currency was billed, as days [first, after).

    A rate translates what a month came to, whatever days the cells have that were billed in it.
    """

    currency_code: str
    first: date
    after: date


Signed: TypeAlias = SignedCell | SignedMonth


def unstated_problems(settings: Settings, engine: Engine) -> list[Problem]:
    """Edits of the landing reference folder that reach into signed cells and do not say so.

    Nothing is found in a folder with errors, which is refused for those, nor before a signature.

    Raises:
        RegisterDamagedError: a committed file of the register is missing or changed.
    """
    try:
        in_force = current_reference(settings, engine)
    except ReferenceMissingError:
        return []
    problems = ProblemList()
    snapshot = read_folder(settings.reference_dir, problems)
    if snapshot.content_sha256.startswith(in_force.reference_version):
        return []
    data = check_snapshot(snapshot, problems)
    entries = Register(settings.register).entries()
    cells = signed_cells(entries)
    if problems.has_errors or not cells:
        return []
    now = compile_tables(data, "landing")
    stated = data.restates.item.restates if data.restates else ()
    found = ProblemList()
    signed: list[Signed] = [*cells, *signed_months(entries)]
    for change, touched in unstated(_tables(in_force.folder), now, signed, stated):
        found.add("restatement_unstated", FILE, 1, _message(change, touched))
    return found.sorted()


def refuse_unstated(settings: Settings, engine: Engine) -> None:
    """Let no edit of the landing reference folder into force that reaches into signed cells unsaid.

    Raises:
        ReferenceInvalidError: names every such edit.
    """
    problems = unstated_problems(settings, engine)
    if problems:
        raise ReferenceInvalidError(
            problems,
            folder=str(settings.reference_dir),
            in_force=current_reference(settings, engine).reference_version,
        )


def unstated(
    then: Tables, now: Tables, signed: Sequence[Signed], stated: Sequence[Restatement]
) -> list[tuple[Change, list[Signed]]]:
    """Changes with the signed cells or months that they touch, and that no restatement covers."""
    lineages = {
        row["contract_id"]: row["contract_lineage_id"]
        for tables in (then, now)
        for row in tables["contracts"].select(["contract_id", "contract_lineage_id"]).to_pylist()
    }
    index = _Index(signed, lineages)
    found = []
    for change in sorted({*changes_between(then, now), *standing_changes(then, now)}):
        touched = [
            cell
            for cell in index.of(change)
            if cell.first < change.after
            and cell.after > change.first
            and not any(
                each.covers(
                    change.kind,
                    change.object_id,
                    max(change.first, cell.first),
                    min(change.after, cell.after),
                )
                for each in stated
            )
        ]
        if touched:
            found.append((change, touched))
    return found


def signed_cells(entries: pa.Table) -> list[SignedCell]:
    """Cells of the charges that the register bills, each once.

    Args:
        entries: REGISTER_ENTRY_SCHEMA.
    """
    names = ("contract_lineage_id", "charge_id", "customer_id", "cell_start_date", "cell_end_date")
    is_billed: Any = pc.is_in(entries["entry_kind"], value_set=pa.array(["bill", "correct"]))
    rows = entries.filter(is_billed).group_by(list(names)).aggregate([]).to_pylist()
    return [SignedCell(*(row[name] for name in names)) for row in rows]


def signed_months(entries: pa.Table) -> list[SignedMonth]:
    """Billing periods that the register bills something of, by currency.

    Args:
        entries: REGISTER_ENTRY_SCHEMA.
    """
    names = ["currency_code", "billing_period"]
    is_billed: Any = pc.is_in(entries["entry_kind"], value_set=pa.array(["bill", "correct"]))
    rows = entries.filter(is_billed).group_by(names).aggregate([]).to_pylist()
    months = []
    for row in rows:
        first = date.fromisoformat(f"{row['billing_period']}-01")
        after = (first + timedelta(days=31)).replace(day=1)
        months.append(SignedMonth(row["currency_code"], first, after))
    return months


class _Index:
    """What is signed by what an edit may be about, so that each edit looks at its own alone."""

    def __init__(self, signed: Sequence[Signed], lineages: Mapping[str, str]) -> None:
        self._lineages = lineages
        self._by_charge: dict[str, list[SignedCell]] = {}
        self._by_lineage: dict[str, list[SignedCell]] = {}
        self._by_customer: dict[str, list[SignedCell]] = {}
        self._by_currency: dict[str, list[SignedMonth]] = {}
        for cell in signed:
            if isinstance(cell, SignedMonth):
                self._by_currency.setdefault(cell.currency_code, []).append(cell)
                continue
            self._by_charge.setdefault(cell.charge_id, []).append(cell)
            self._by_lineage.setdefault(cell.contract_lineage_id, []).append(cell)
            self._by_customer.setdefault(cell.customer_id, []).append(cell)

    def of(self, change: Change) -> Sequence[Signed]:
        """Cells of the contract, customer or charge that a change is about, or months."""
        if change.currency_code:
            return self._by_currency.get(change.currency_code, [])
        if change.contract_id:
            lineage = self._lineages.get(change.contract_id, "")
            return [
                cell
                for cell in self._by_lineage.get(lineage, ())
                if not change.charge_id or cell.charge_id == change.charge_id
            ]
        if change.customer_id:
            return self._by_customer.get(change.customer_id, [])
        return self._by_charge.get(change.charge_id, [])


def _message(change: Change, touched: Sequence[Signed]) -> str:
    first = max(change.first, min(cell.first for cell in touched))
    lineages = len({cell.contract_lineage_id for cell in touched if isinstance(cell, SignedCell)})
    what = (
        f"documents in {change.currency_code}"
        if change.currency_code
        else f"cells of {lineages} {'contract' if lineages == 1 else 'contracts'}"
    )
    return (
        f"{change.kind.replace('_', ' ')} {change.object_id}: the edit counts from {first} on, "
        f"where {what} are signed."
    )


def _tables(folder: Path) -> dict[str, pa.Table]:
    return read_compiled_tables(folder)
