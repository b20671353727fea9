"""Why a revision corrects what was signed: each of its correction lines by cause.

Belongs here: the rows, sharing a key's causes over its lines, which of them are an error and which
an estimate trued up, reading them. Does not belong here: finding a key's causes (rerating), their
commit (explanations.py), what a signature needs of them (acknowledgements.py).

Causes are committed after the freeze, since finding them rates the months again, and they are about
the lines that were frozen: what they do not come to is `unexplained`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.entries import AMOUNT, column
from orchestration.billing.manifests import Manifest
from orchestration.billing.revisions import DOCUMENT_SCHEMA, LINE_SCHEMA, Revision
from orchestration.billing.signed_rows import completed, read_revision, read_rows
from orchestration.price_book.currencies import minor_units
from orchestration.price_book.policy import Corrections

CAUSES: Final = "causes"
UNEXPLAINED: Final = "unexplained"
ROUNDING: Final = "rounding"
NEVER_AUTOMATIC: Final = ("engine_version", UNEXPLAINED)
"""Causes that nobody outside brought about, so that no bill may change by them unseen."""
CAUSE_SCHEMA: Final = pa.schema(
    [
        column("revision_id", pa.string(), is_nullable=False),
        column("document_id", pa.string(), is_nullable=False),
        column("line_number", pa.int32(), is_nullable=False),
        column("settlement_key", pa.string(), is_nullable=False),
        column("cause_number", pa.int32(), is_nullable=False),
        column("cause", pa.string(), is_nullable=False),
        column("correction_kind", pa.string(), is_nullable=False),
        column("amount", AMOUNT, is_nullable=False),
        column("currency_code", pa.string(), is_nullable=False),
    ]
)
_DIGITS: Final = 60  # products of amounts of 38 digits stay exact


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A part of what a settlement key comes to beyond what was billed for it.

    Attributes:
        cause_number: its place in the waterfall of the key.
        amount: in major units of the key's currency.
    """

    cause_number: int
    cause: str
    amount: Decimal


def correction_lines(folder: Path, chain: Sequence[Manifest], revision: Revision) -> pa.Table:
    """Lines of a revision that change what a signed line billed, as LINE_SCHEMA.

    Raises:
        RegisterDamagedError: the committed file is missing or changed.
    """
    found = read_revision(folder, chain, revision, role="lines", schema=LINE_SCHEMA)
    return corrections_in(completed(found, LINE_SCHEMA))


def corrected_keys(
    folder: Path, chain: Sequence[Manifest], revision: Revision, lines: pa.Table
) -> dict[str, set[str]]:
    """Settlement keys of some lines of a revision by billing period of their document, YYYY-MM.

    Raises:
        RegisterDamagedError: the committed file is missing or changed.
    """
    documents = read_revision(folder, chain, revision, role="documents", schema=DOCUMENT_SCHEMA)
    months: dict[Any, Any] = dict(
        zip(
            documents["document_id"].to_pylist(),
            documents["billing_period"].to_pylist(),
            strict=True,
        )
    )
    found: dict[str, set[str]] = defaultdict(set)
    for line in lines.select(["document_id", "settlement_key"]).to_pylist():
        found[months[line["document_id"]]].add(line["settlement_key"])
    return dict(found)


def corrections_in(lines: pa.Table) -> pa.Table:
    """Those of some lines that change what a signed line billed; credit is not among them."""
    return lines.filter(pc.is_in(lines["cause"], value_set=pa.array(["correction"])))


def causes_of_lines(
    revision_id: str,
    lines: pa.Table,
    differences: Mapping[str, Sequence[Difference]],
    rules: Corrections,
) -> pa.Table:
    """Share what each key differs by over its correction lines; both add up.

    A key with several lines has each cause in proportion to them; what the minor unit leaves is
    `rounding`.

    Args:
        revision_id: of the lines.
        lines: LINE_SCHEMA, corrections only.
        differences: by settlement key, in order of the waterfall.
        rules: which causes are an estimate.

    Returns:
        CAUSE_SCHEMA, by document, line and cause; over the rows of a line its amount.
    """
    columns = ("document_id", "line_number", "settlement_key", "currency_code", "amount")
    by_key: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines.select(columns).to_pylist():
        by_key[line["settlement_key"]].append(line)
    rows = []
    with localcontext(prec=_DIGITS):
        for key, mine in by_key.items():
            for line, part in _shared(mine, differences.get(key, ())):
                rows.append(
                    {name: line[name] for name in columns}
                    | {
                        "revision_id": revision_id,
                        "cause_number": part.cause_number,
                        "cause": part.cause,
                        "correction_kind": correction_kind(part.cause, rules),
                        "amount": part.amount,
                    }
                )
    rows.sort(key=lambda row: (row["document_id"], row["line_number"], row["cause_number"]))
    return pa.Table.from_pylist(rows, schema=CAUSE_SCHEMA)


def correction_kind(cause: str, rules: Corrections) -> str:
    """Whether a cause trues up an estimate or mends an error, by the company's policy."""
    return "estimate" if cause in rules.estimates else "error"


def _shared(
    lines: Sequence[dict[str, Any]], differences: Sequence[Difference]
) -> Iterator[tuple[dict[str, Any], Difference]]:
    total = sum((line["amount"] for line in lines), Decimal(0))
    last = max((each.cause_number for each in differences), default=-1)
    rest = total - sum((each.amount for each in differences), Decimal(0))
    parts = [*differences]
    if rest:
        parts.append(Difference(cause_number=last + 1, cause=UNEXPLAINED, amount=rest))
    for line in lines:
        left = line["amount"]
        for part in parts if total else ():
            amount = _share(part.amount, line["amount"], total, line["currency_code"])
            left -= amount
            if amount:
                yield (
                    line,
                    Difference(cause_number=part.cause_number, cause=part.cause, amount=amount),
                )
        if left:
            cause = ROUNDING if total else UNEXPLAINED
            yield line, Difference(cause_number=last + 2, cause=cause, amount=left)


def _share(amount: Decimal, weight: Decimal, total: Decimal, currency_code: str) -> Decimal:
    if weight == total:
        return amount
    unit = Decimal(1).scaleb(-minor_units().get(currency_code, 4))
    return (amount * weight / total).quantize(unit, ROUND_HALF_EVEN)


def is_explained(chain: Sequence[Manifest], revision_id: str) -> bool:
    """Whether the causes of a revision's corrections were committed."""
    return any(
        manifest.kind == "explain" and manifest.subject["revision_id"] == revision_id
        for manifest in chain
    )


def causes_of_revision(folder: Path, chain: Sequence[Manifest], revision_id: str) -> pa.Table:
    """Causes of a revision's correction lines, as CAUSE_SCHEMA; no row where none were committed.

    Raises:
        RegisterDamagedError: the committed file is missing or changed.
    """
    mine = [
        manifest
        for manifest in chain
        if manifest.kind == "explain" and manifest.subject["revision_id"] == revision_id
    ]
    return read_rows(folder, mine, role=CAUSES, schema=CAUSE_SCHEMA).select(CAUSE_SCHEMA.names)


def unexplained_by_document(
    corrections: pa.Table, causes: pa.Table
) -> dict[str, dict[str | None, Decimal]]:
    """What documents correct that no cause outside stands for, by document and cause.

    Args:
        corrections: LINE_SCHEMA, corrections only.
        causes: CAUSE_SCHEMA of the same revision.

    Returns:
        Sums of absolute amounts; the cause is None where none was told.
    """
    found: dict[str, dict[str | None, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    told: Collection[tuple[Any, Any]] = {
        (row["document_id"], row["line_number"])
        for row in causes.select(["document_id", "line_number"]).to_pylist()
    }
    for row in causes.to_pylist():
        if row["cause"] in NEVER_AUTOMATIC:
            found[row["document_id"]][row["cause"]] += abs(row["amount"])
    for line in corrections.select(["document_id", "line_number", "amount"]).to_pylist():
        if line["amount"] and (line["document_id"], line["line_number"]) not in told:
            found[line["document_id"]][None] += abs(line["amount"])
    return {document_id: dict(sums) for document_id, sums in found.items()}
