"""Waivers of exceptions as the register keeps them: who let one stand, why, and until which day.

Belongs here: their columns, reading them from the chain, whether one is in force, their rows for
dbt. Does not belong here: who may waive and what is refused (orchestration/exceptions/waiving.py);
what an exception is (dbt's fct_exceptions).

A waiver bills nothing and moves no money: it is no entry. It ends when its last day is over, when
somebody withdraws it, or when a later waiver of the same exception takes its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from orchestration.billing.canonical import canonical_digest
from orchestration.billing.entries import AMOUNT, INSTANT, column, joined
from orchestration.billing.manifests import Manifest
from orchestration.billing.signed_rows import read_rows

WAIVERS_ROLE: Final = "exception_waivers"
WITHDRAWALS_ROLE: Final = "exception_waiver_withdrawals"

WAIVER_SCHEMA: Final = pa.schema(
    [
        column("waiver_id", pa.string(), is_nullable=False),
        column("exception_id", pa.string(), is_nullable=False),
        column("exception_code", pa.string(), is_nullable=False),
        column("object_kind", pa.string(), is_nullable=False),
        column("object_id", pa.string(), is_nullable=False),
        column("legal_entity_id", pa.string()),
        column("billing_period", pa.string()),
        column("amount_at_risk", AMOUNT),
        column("currency_code", pa.string()),
        column("waived_by", pa.string(), is_nullable=False),
        column("waived_by_source", pa.string(), is_nullable=False),
        column("run_id", pa.string()),
        column("reason", pa.string(), is_nullable=False),
        column("waived_until_date", pa.date32(), is_nullable=False),
        column("waived_at", INSTANT, is_nullable=False),
    ]
)
WITHDRAWAL_SCHEMA: Final = pa.schema(
    [
        column("waiver_id", pa.string(), is_nullable=False),
        column("exception_id", pa.string(), is_nullable=False),
        column("withdrawn_by", pa.string(), is_nullable=False),
        column("withdrawn_by_source", pa.string(), is_nullable=False),
        column("run_id", pa.string()),
        column("reason", pa.string(), is_nullable=False),
        column("withdrawn_at", INSTANT, is_nullable=False),
    ]
)
WAIVER_INPUT_SCHEMA: Final = joined(
    WAIVER_SCHEMA,
    pa.schema(
        [
            column("withdrawn_by", pa.string()),
            column("ended_at", INSTANT),
        ]
    ),
)


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One waiver, and how it ended if it did.

    Attributes:
        waiver_id: <exception id>:w<number of this waiver of the exception>.
        exception_id, exception_code, object_kind, object_id: the exception as it stood.
        legal_entity_id, billing_period: None where the exception names none.
        amount_at_risk: when it was waived, in major units; None where it was not known.
        waived_by, waived_by_source: who, and how the person is known.
        waived_until_date: the last UTC day on which it is waived.
        waived_at: naive UTC, as the register keeps instants.
        withdrawn_by: who withdrew it; None where nobody did.
        ended_at: when it was withdrawn or replaced; None while neither was done.
    """

    waiver_id: str
    exception_id: str
    exception_code: str
    object_kind: str
    object_id: str
    legal_entity_id: str | None
    billing_period: str | None
    amount_at_risk: Decimal | None
    currency_code: str | None
    waived_by: str
    waived_by_source: str
    run_id: str | None
    reason: str
    waived_until_date: date
    waived_at: datetime
    withdrawn_by: str | None = None
    ended_at: datetime | None = None

    def is_in_force(self, on: date) -> bool:
        """Whether the exception counts as waived on a UTC day."""
        return self.ended_at is None and on <= self.waived_until_date

    def concerns(self, legal_entity_id: str, billing_period: str) -> bool:
        """Whether a revision of an entity and period leaves something out that it lets stand.

        An exception without entity or period may be about any, and one of an earlier period is
        still missing from a later one.
        """
        return self.legal_entity_id in (None, legal_entity_id) and (
            self.billing_period is None or self.billing_period <= billing_period
        )

    def row(self) -> dict[str, Any]:
        """The waiver as a row of WAIVER_SCHEMA."""
        return {name: getattr(self, name) for name in WAIVER_SCHEMA.names}

    def fact_sha256(self) -> str:
        """Digest of what was waived and how, for the provenance of a revision."""
        return canonical_digest(
            [
                "waiver",
                self.waiver_id,
                self.waived_by,
                self.reason,
                self.waived_until_date.isoformat(),
                None if self.amount_at_risk is None else format(self.amount_at_risk, "f"),
                self.currency_code,
            ]
        )


def read_waivers(folder: Path, chain: Sequence[Manifest]) -> tuple[Waiver, ...]:
    """Every waiver in order of commit, each with how it ended.

    Raises:
        RegisterDamagedError: a committed file is missing or changed.
        RegisterNewerError: a later version of Tallyhouse wrote it.
    """
    waivers: dict[str, Waiver] = {}
    latest: dict[str, str] = {}
    for manifest in chain:
        one = (manifest,)
        for row in _rows(folder, one, WAIVERS_ROLE, WAIVER_SCHEMA):
            new = Waiver(**row)
            before = latest.get(new.exception_id)
            if before is not None and waivers[before].ended_at is None:
                waivers[before] = replace(waivers[before], ended_at=new.waived_at)
            waivers[new.waiver_id] = new
            latest[new.exception_id] = new.waiver_id
        for row in _rows(folder, one, WITHDRAWALS_ROLE, WITHDRAWAL_SCHEMA):
            waivers[row["waiver_id"]] = replace(
                waivers[row["waiver_id"]],
                withdrawn_by=row["withdrawn_by"],
                ended_at=row["withdrawn_at"],
            )
    return tuple(waivers.values())


def in_force(waivers: Sequence[Waiver], *, on: date) -> dict[str, Waiver]:
    """The waivers that count on a UTC day, by exception id."""
    return {waiver.exception_id: waiver for waiver in waivers if waiver.is_in_force(on)}


def waiver_table(waivers: Sequence[Waiver]) -> pa.Table:
    """Every waiver as dbt reads it: WAIVER_INPUT_SCHEMA."""
    rows = [
        waiver.row() | {"withdrawn_by": waiver.withdrawn_by, "ended_at": waiver.ended_at}
        for waiver in waivers
    ]
    return pa.Table.from_pylist(rows, schema=WAIVER_INPUT_SCHEMA)


def _rows(
    folder: Path, chain: Sequence[Manifest], role: str, schema: pa.Schema
) -> list[dict[str, Any]]:
    if not any(manifest.files_of(role) for manifest in chain):
        return []
    table = read_rows(folder, chain, role=role, schema=schema)
    found: list[dict[str, Any]] = table.select(schema.names).to_pylist()
    return found
