"""Credit that expired: what status and explain tell of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from billing_rows import Line, entries_table
from billing_world import BillingWorld
from explained_line import explained, part

from orchestration.reports.expired_credit import ExpiredCredit, expired_credits, summed
from orchestration.reports.status import installation_status

UNITS = {
    "credit_grant_id": "units",
    "unit_label": "1M tokens",
    "quantity": Decimal("12.5"),
    "breakage_amount": Decimal(0),
}
PREPAID = ExpiredCredit(
    credit_grant_id="prepaid",
    contract_lineage_id="lin",
    legal_entity_id="us",
    currency_code="USD",
    unit_label=None,
    quantity=Decimal("40.0000"),
    breakage_amount=Decimal("36.0000"),
    accounting_date=date(2026, 10, 31),
    revision_id="us:2026-10:r1",
    signer="olivia",
    register_sequence=2,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BillingWorld]:
    company = BillingWorld(tmp_path)
    yield company
    company.engine.dispose()


def test_the_status_sums_what_expired_by_entity_and_measure(world: BillingWorld) -> None:
    world.build(Line()).put_expiring({"credit_grant_id": "prepaid"}, UNITS)
    [revision] = world.freeze()
    assert () == installation_status(world.settings).expired
    world.sign(revision.revision_id)

    status = installation_status(world.settings)

    figures = [
        ("us", None, 1, Decimal(40), Decimal(36)),
        ("us", "1M tokens", 1, Decimal("12.5"), Decimal(0)),
    ]
    assert figures == [
        (row.legal_entity_id, row.unit_label, row.grant_count, row.quantity, row.breakage_amount)
        for row in status.expired
    ]
    assert [("40.00", "36.00"), ("12.5", "0.00")] == [
        (row["quantity"], row["breakage_amount"]) for row in status.as_json()["expired"]
    ]


def test_a_grant_of_which_something_expires_twice_is_one_grant() -> None:
    again = replace(PREPAID, quantity=Decimal("2.5000"), breakage_amount=None)
    other = replace(PREPAID, credit_grant_id="more", currency_code="EUR")

    assert [("EUR", 1, Decimal(40)), ("USD", 1, Decimal("42.5"))] == [
        (row.currency_code, row.grant_count, row.quantity)
        for row in summed([PREPAID, again, other])
    ]


def test_only_expiries_of_the_contract_are_told_of_its_lines() -> None:
    mine = {"entry_kind": "credit_expire", "contract_lineage_id": "lin", "amount": Decimal(-3)}
    entries = entries_table(mine, mine | {"contract_lineage_id": "other"}, {})
    placed = entries.append_column("register_sequence", [[7, 8, 9]])

    assert [(7, Decimal(3))] == [
        (each.register_sequence, each.quantity)
        for each in expired_credits(placed, contract_lineage_id="lin")
    ]
    assert 2 == len(expired_credits(placed))


@pytest.mark.parametrize(
    ("expired", "said"),
    [
        (
            PREPAID,
            (
                "expired credit USD 40.00 of grant prepaid (USD 36.00 was paid for it), booked on "
                "2026-10-31, revision us:2026-10:r1, signed by olivia, register commit 2"
            ),
        ),
        (
            replace(
                PREPAID,
                unit_label="1M tokens",
                quantity=Decimal("1250.500000000"),
                breakage_amount=None,
                accounting_date=None,
            ),
            (
                "expired credit 1,250.5 1M tokens of grant prepaid, revision us:2026-10:r1, signed "
                "by olivia, register commit 2"
            ),
        ),
    ],
)
def test_explain_says_what_expired_of_the_contracts_credit(
    expired: ExpiredCredit, said: str
) -> None:
    assert said in " ".join(part(explained(expired=(expired,)), "What it is"))
    assert "expired" not in " ".join(part(explained(), "What it is"))
