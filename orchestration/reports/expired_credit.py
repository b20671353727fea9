"""Credit that expired by a signature, for `status` and `explain`: what, when it is booked, by whom.

Belongs here: reading the register's expiries, their sums and their words. Does not belong here:
what is about to expire, and the balances of grants, which dbt computes (billing/credits).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.price_book.currencies import amount_text, money_text
from orchestration.reports.layout import Column, Kind, Sheet

_COLUMNS = (
    "credit_grant_id",
    "contract_lineage_id",
    "legal_entity_id",
    "currency_code",
    "unit_label",
    "quantity",
    "amount",
    "breakage_amount",
    "accounting_date",
    "revision_id",
    "signer",
    "register_sequence",
)


@dataclass(frozen=True, kw_only=True)
class ExpiredCredit:
    """What expired of one grant by one signature.

    Attributes:
        unit_label: of a grant of units; None of one of money.
        quantity: what expired, positive: units, or an amount in currency_code.
        breakage_amount: what was paid for it; None of an entry from before it was kept.
        accounting_date: when it is booked; None of an entry from before it was kept.
    """

    credit_grant_id: str
    contract_lineage_id: str
    legal_entity_id: str
    currency_code: str
    unit_label: str | None
    quantity: Decimal
    breakage_amount: Decimal | None
    accounting_date: date | None
    revision_id: str
    signer: str
    register_sequence: int

    def text(self) -> str:
        """What expired, when it is booked, and who signed it."""
        paid = self.breakage_amount
        return (
            f"{self.expired_text()} of grant {self.credit_grant_id}"
            + ("" if paid is None else f" ({_money(paid, self.currency_code)} was paid for it)")
            + ("" if self.accounting_date is None else f", booked on {self.accounting_date}")
            + f", revision {self.revision_id}, signed by {self.signer}, register commit "
            f"{self.register_sequence}"
        )

    def expired_text(self) -> str:
        """What expired, with its unit or currency."""
        return _measured(self.quantity, self.unit_label, self.currency_code)

    def as_json(self) -> dict[str, Any]:
        """Return the expiry, its amounts with their currency's decimals."""
        return asdict(self) | _figures(self.quantity, self.breakage_amount, self)


@dataclass(frozen=True, kw_only=True)
class ExpiredFigures:
    """Sums of what expired, per legal entity, currency and unit.

    Attributes:
        grant_count: grants of which something expired.
        quantity: units, or without a unit an amount; unit_label and breakage_amount as above, the
            latter summed over what is known.
    """

    legal_entity_id: str
    currency_code: str
    unit_label: str | None
    grant_count: int
    quantity: Decimal
    breakage_amount: Decimal

    def as_json(self) -> dict[str, Any]:
        """Return the sums, amounts with their currency's decimals."""
        return asdict(self) | _figures(self.quantity, self.breakage_amount, self)


def expired_credits(
    entries: pa.Table, *, contract_lineage_id: str | None = None
) -> tuple[ExpiredCredit, ...]:
    """Return every expiry in order of signature.

    Args:
        entries: REGISTER_ENTRY_SCHEMA.
        contract_lineage_id: of which contracts; None means of all.
    """
    wanted: Any = pc.is_in(entries["entry_kind"], value_set=pa.array(["credit_expire"]))
    rows = entries.filter(wanted).select(_COLUMNS).to_pylist()
    return tuple(
        ExpiredCredit(
            quantity=-(row.pop("amount") if row["unit_label"] is None else row["quantity"]),
            **{name: cell for name, cell in row.items() if name not in ("quantity", "amount")},
        )
        for row in rows
        if contract_lineage_id in (None, row["contract_lineage_id"])
    )


def summed(expired: Sequence[ExpiredCredit]) -> tuple[ExpiredFigures, ...]:
    """Return what expired per legal entity, currency and unit; units never add up with money."""

    def group(each: ExpiredCredit) -> tuple[str, str, str]:
        return each.legal_entity_id, each.currency_code, each.unit_label or ""

    zero = Decimal(0)
    figures = []
    for (entity, currency, unit), together in groupby(sorted(expired, key=group), key=group):
        mine = list(together)
        figures.append(
            ExpiredFigures(
                legal_entity_id=entity,
                currency_code=currency,
                unit_label=unit or None,
                grant_count=len({each.credit_grant_id for each in mine}),
                quantity=sum((each.quantity for each in mine), zero),
                breakage_amount=sum((each.breakage_amount or zero for each in mine), zero),
            )
        )
    return tuple(figures)


def expired_sheet(figures: Sequence[ExpiredFigures]) -> Sheet:
    """Return what expired of credit grants, with what was paid for it."""
    sheet = Sheet(
        "Expired credit",
        Column("legal\nentity"),
        Column("grants", Kind.FIGURE),
        Column("expired", Kind.FIGURE),
        Column("paid for it", Kind.FIGURE),
        note="What was paid for credit that expired stays with the seller: breakage.",
    )
    for row in figures:
        sheet.add_row(
            row.legal_entity_id,
            f"{row.grant_count:,}",
            _measured(row.quantity, row.unit_label, row.currency_code),
            _money(row.breakage_amount, row.currency_code),
        )
    return sheet


def _figures(
    quantity: Decimal, breakage_amount: Decimal | None, row: ExpiredCredit | ExpiredFigures
) -> dict[str, str | None]:
    code = row.currency_code
    return {
        "quantity": amount_text(quantity, code) if row.unit_label is None else _digits(quantity),
        "breakage_amount": None if breakage_amount is None else amount_text(breakage_amount, code),
    }


def _measured(quantity: Decimal, unit_label: str | None, currency_code: str) -> str:
    if unit_label is None:
        return _money(quantity, currency_code)
    return f"{_digits(quantity)} {unit_label}"


def _digits(quantity: Decimal) -> str:
    """Every digit of a quantity, and no needless ones."""
    text = f"{quantity:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _money(amount: Decimal, currency_code: str) -> str:
    return f"{currency_code} {money_text(amount, currency_code)}"
