"""Reading back finds what people did in the ERP, keeps it, and overwrites nothing (invariant 7)."""

from decimal import Decimal

import pytest
import sqlalchemy as sa
from posting_house import SignedDocument

from adapters.sandbox.faults import Fault, FaultPlan
from orchestration.operations_db.tables import erp_documents


@pytest.fixture
def posted(house):
    house.sign(
        SignedDocument("U1", [("SEATS", "1", "2.00"), ("TOKENS", "0.000000001", "3.00")]),
        SignedDocument("U2", [("SEATS", "1", "-4.00")]),
    )
    house.plan()
    house.post()
    return house


def rows(house):
    with house.engine.connect() as connection:
        return {row.posting_key: row for row in connection.execute(sa.select(erp_documents))}


def id_of(house, key):
    return house.posting(key).erp_document_id


def test_payments_and_balances_are_read_back(posted):
    posted.erp().ledger.pay(id_of(posted, "U1"), Decimal("1.50"))
    posted.erp().ledger.pay(id_of(posted, "U2"), Decimal(-4))
    assert 2 == posted.read_back()
    held = rows(posted)
    assert ("posted", Decimal("5.0000"), Decimal("3.5000")) == (
        held["U1"].status,
        held["U1"].total_amount,
        held["U1"].balance_amount,
    )
    assert ("paid", Decimal(0)) == (held["U2"].status, held["U2"].balance_amount)
    assert [("1", "2"), ("0.000000001", "3")] == [
        (line["quantity"], line["amount"]) for line in held["U1"].lines
    ]
    assert posted.posting("U1").error_code is None


def test_an_edit_in_the_erp_is_a_break_until_it_is_undone_and_is_not_overwritten(posted):
    erp_id = id_of(posted, "U1")
    posted.erp().ledger.change_line_by_hand(erp_id, 1, Decimal("1.00"))
    posted.read_back()
    assert "posted_differs" == posted.posting("U1").error_code
    assert "line 1 amount: signed 2.0000, the ERP has 1" in posted.posting("U1").error_detail
    assert Decimal("4.0000") == rows(posted)["U1"].total_amount
    posted.erp().ledger.change_line_by_hand(erp_id, 1, Decimal("2.00"))
    posted.read_back()
    assert posted.posting("U1").error_code is None


def test_a_cancelled_document_is_a_break(posted):
    posted.erp().ledger.cancel(id_of(posted, "U1"))
    posted.read_back()
    assert "cancelled" == rows(posted)["U1"].status
    assert "posted_differs" == posted.posting("U1").error_code


def test_a_stale_replica_makes_no_break(posted):
    stale = FaultPlan({("read_documents", 1): Fault("read_stale", 3600.0)})
    assert 2 == posted.read_back(posted.erp(stale))
    assert posted.posting("U1").error_code is None


def test_a_document_that_vanished_is_missing(posted):
    class Forgetful:
        name = posted.erp_name

        def read_documents(self):
            return iter(())

        def find_by_key(self, _posting_key):
            return ()

    assert 0 == posted.read_back(Forgetful())
    assert ("missing", Decimal(0)) == (rows(posted)["U1"].status, rows(posted)["U1"].total_amount)
    assert "posted_missing" == posted.posting("U1").error_code


def test_what_stands_in_the_erp_without_a_posting_of_ours_is_kept_under_its_id(posted):
    erp = posted.erp()
    (held,) = erp.ledger.under_key("U1")
    other = held.model_copy(update={"posting_key": "UBYHAND", "erp_document_id": "000000099"})

    class WithAStranger:
        name = posted.erp_name

        def read_documents(self):
            return iter(
                [
                    *erp.read_documents(),
                    other,
                    held.model_copy(
                        update={"erp_document_id": "000000100", "document_number": "INV-us-000100"}
                    ),
                ]
            )

        def find_by_key(self, posting_key):
            return erp.find_by_key(posting_key)

    assert 4 == posted.read_back(WithAStranger())
    assert {"U1", "U2", "#000000099", "#000000100"} == set(rows(posted))
    assert "posted_twice" == posted.posting("U1").error_code
