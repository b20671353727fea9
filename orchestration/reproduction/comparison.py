"""What two builds of one revision have in common: parts by digest, lines by amount.

Belongs here: naming what differs. Does not belong here: building (reproduce.py); causes of a
difference between two revisions.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.canonical import table_digest
from orchestration.billing.expiries import EXPIRIES, EXPIRY_SCHEMA
from orchestration.billing.provenance import PROVENANCE_SCHEMA
from orchestration.billing.register import Register
from orchestration.billing.revisions import (
    DOCUMENT_SCHEMA,
    LINE_SCHEMA,
    Revision,
    content_digest,
)
from orchestration.billing.signed_rows import completed, read_revision

_SCHEMAS: Final = {
    "documents": DOCUMENT_SCHEMA,
    "lines": LINE_SCHEMA,
    "provenance": PROVENANCE_SCHEMA,
}
_PARTS: Final = {**_SCHEMAS, EXPIRIES: EXPIRY_SCHEMA}

_KINDS_THAT_CAME_LATER: Final = ("event_decision", "record")
"""Kinds of fact that no revision rested on before they were among what it rests on."""

_LINE: Final = ("settlement_key", "credit_grant_id", "original_document_id")
_TOLD: Final = ("customer_id", "charge_id", "currency_code")

NOTHING: Final = {role: schema.empty_table() for role, schema in _PARTS.items()}
"""The parts of a rebuild that comes to nothing."""


@dataclass(frozen=True, kw_only=True)
class LineDifference:
    """A settlement key on a document, with its amount then and as it is rebuilt; 0 without a line.

    Attributes:
        amount, rebuilt_amount: in currency_code.
    """

    settlement_key: str
    customer_id: str
    charge_id: str
    currency_code: str
    amount: Decimal
    rebuilt_amount: Decimal


def read_parts(register: Register, revision: Revision) -> Mapping[str, pa.Table]:
    """Read a revision's documents, lines, expiries and provenance as they were digested.

    A revision that was frozen before expiries were signed is without them.

    Raises:
        RegisterDamagedError, RegisterNewerError: a committed file is not what it was, or too new.
    """
    chain = register.chain()
    roles = {each.role for each in chain[revision.register_sequence - 1].files}
    return {
        role: read_revision(register.folder, chain, revision, role=role, schema=schema)
        for role, schema in _PARTS.items()
        if role in roles
    }


def differing_parts(
    revision: Revision,
    rebuilt: Revision | None,
    *,
    parts: Mapping[str, pa.Table],
    rebuilt_parts: Mapping[str, pa.Table],
) -> tuple[str, ...]:
    """Name what of a revision is not the same in its rebuild; nothing where its digest is.

    A rebuild of None comes to nothing at all. Two things may be others, and are left out: the
    version of the code, which the rest proves, and columns, parts and kinds of fact that came after
    the revision.
    """
    if rebuilt is None:
        return tuple(role for role, part in parts.items() if part.num_rows)
    expiring = rebuilt.expiries_sha256 if EXPIRIES in parts else None
    as_wide = {role: rebuilt_parts[role].select(_digested(parts[role])) for role in _SCHEMAS}
    as_wide["provenance"] = _of_known_kinds(as_wide["provenance"], parts["provenance"])
    digests = {role: table_digest(table) for role, table in as_wide.items()}
    as_then = replace(
        rebuilt,
        pins=replace(rebuilt.pins, code_version=revision.pins.code_version),
        documents_sha256=digests["documents"],
        lines_sha256=digests["lines"],
        provenance_sha256=digests["provenance"],
        expiries_sha256=expiring,
    )
    if content_digest(as_then) == revision.content_sha256:
        return ()
    compared = (
        ("inputs", revision.pins, as_then.pins),
        ("documents", revision.documents_sha256, as_then.documents_sha256),
        ("lines", revision.lines_sha256, as_then.lines_sha256),
        (EXPIRIES, revision.expiries_sha256, as_then.expiries_sha256),
        ("provenance", revision.provenance_sha256, as_then.provenance_sha256),
    )
    return tuple(name for name, then, now in compared if then != now)


def _digested(part: pa.Table) -> list[str]:
    """Columns that a digest is over: posting keys follow from it."""
    return [name for name in part.column_names if name != "posting_key"]


def _of_known_kinds(rebuilt: pa.Table, then: pa.Table) -> pa.Table:
    """Leave out facts of kinds that came later, where the revision has none of any of them."""
    later = pa.array(_KINDS_THAT_CAME_LATER)
    if pc.any(pc.is_in(then["object_kind"], value_set=later)).as_py():
        return rebuilt
    return rebuilt.filter(pc.invert(pc.is_in(rebuilt["object_kind"], value_set=later)))


def line_differences(then: pa.Table, now: pa.Table) -> list[LineDifference]:
    """Compare the lines of two revisions by settlement key, grant and corrected document."""
    amounts: dict[tuple[str, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    told: dict[tuple[str, ...], dict[str, str]] = {}
    for place, lines in enumerate((then, now)):
        columns = completed(lines, LINE_SCHEMA).select([*_LINE, *_TOLD, "amount"])
        for row in columns.to_pylist():
            key = tuple(row[name] or "" for name in _LINE)
            amounts[key][place] += row["amount"]
            told[key] = {name: row[name] for name in _TOLD}
    return [
        LineDifference(settlement_key=key[0], amount=amount, rebuilt_amount=rebuilt, **told[key])
        for key, (amount, rebuilt) in sorted(amounts.items())
        if amount != rebuilt
    ]
