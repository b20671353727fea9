"""What is frozen adds up, document by document and key by key; whatever does not is named."""

from decimal import Decimal

import pyarrow as pa
import pytest

from orchestration.billing.candidates import refuse_unbalanced
from orchestration.billing.refusals import CandidatesUnusableError

AMOUNT = pa.decimal128(38, 4)


def documents(*rows):
    """Rows of document id, amount and line count."""
    ids, amounts, counts = zip(*rows, strict=True)
    return pa.table(
        {
            "document_id": pa.array(ids),
            "amount": pa.array(map(Decimal, amounts), AMOUNT),
            "line_count": pa.array(counts, pa.int64()),
        }
    )


def lines(*rows):
    """Rows of document id, settlement key, rated, billed before, amount; and whose credit moves."""
    ids, keys, *amounts, causes = zip(*([*row, "new"][:6] for row in rows), strict=True)
    rated, before, due = (
        pa.array([None if each is None else Decimal(each) for each in column], AMOUNT)
        for column in amounts
    )
    return pa.table(
        {
            "document_id": pa.array(ids),
            "settlement_key": pa.array(keys),
            "rated_amount": rated,
            "billed_amount_before": before,
            "amount": due,
            "cause": pa.array(causes),
            "credit_grant_id": pa.array(
                [None if cause == "new" else "g" for cause in causes], pa.string()
            ),
        }
    )


SOUND = (
    ("D1", "split", "100", "30", "60"),
    ("D1", "split", "100", "30", "10"),
    ("D2", "credited", "5", "5.0001", "-0.0001"),
)


def test_what_adds_up_to_the_last_digit_passes():
    """Invariant 5."""
    found = documents(("D1", "70", 2), ("D2", "-0.0001", 1), ("D3", "0", 0))
    refuse_unbalanced(found, lines(*SOUND))


def test_a_draw_lowers_its_document_and_not_what_is_due_for_its_key():
    """Invariants 5 and 6."""
    drawn = [("D1", "k", "7", "0", "7"), ("D1", "k", "7", "0", "-7", "purchased_credit")]
    refuse_unbalanced(documents(("D1", "0", 2)), lines(*drawn))


@pytest.mark.parametrize("amount", ["-7.01", "0.01"])
def test_a_draw_that_pays_more_than_the_key_or_takes_credit_back_is_named(amount):
    """Invariant 6."""
    drawn = [("D1", "k", "7", "0", "7"), ("D1", "k", "7", "0", amount, "purchased_credit")]
    total = str(7 + Decimal(amount))
    with pytest.raises(CandidatesUnusableError, match=": k do not add up"):
        refuse_unbalanced(documents(("D1", total, 2)), lines(*drawn))


def test_credit_that_goes_back_raises_its_document_even_of_a_key_that_has_not_changed():
    """A cap that moved leaves less to pay than credit paid."""
    moved = [("D1", "cap", "-3", "0", "-3"), ("D1", "k", "7", "7", "3", "purchased_restored")]
    refuse_unbalanced(documents(("D1", "0", 2)), lines(*moved))


def test_credit_that_is_taken_where_it_should_go_back_is_named():
    taken = [("D1", "k", "7", "9", "-2"), ("D1", "k", "7", "9", "-1", "purchased_restored")]
    with pytest.raises(CandidatesUnusableError, match=": k do not add up"):
        refuse_unbalanced(documents(("D1", "-3", 2)), lines(*taken))


@pytest.mark.parametrize(
    ("found", "of_lines", "named"),
    [
        ([("D1", "70.0001", 2), ("D2", "-0.0001", 1)], SOUND, "D1"),
        ([("D1", "70", 3), ("D2", "-0.0001", 1)], SOUND, "D1"),
        ([("D1", "70", 2)], SOUND, "D2"),
        ([("D1", "70", 2), ("D2", "-0.0001", 1), ("D3", "1", 0)], SOUND, "D3"),
        ([("D1", "7", 1), ("D1", "7", 1)], [("D1", "k", "7", "0", "7")], "D1"),
        ([("D1", "7", 1)], [("D1", "k", "8", "0", "7")], "k"),
        ([("D1", "7", 1)], [("D1", "k", None, "0", "7")], "k"),
        ([("D1", "9", 2)], [("D1", "k", "9", "0", "4"), ("D1", "k", "8", "0", "5")], "k"),
        ([("D1", "9", 2)], [("D1", "k", "10", "0", "4"), ("D1", "k", "10", "1", "5")], "k"),
        (
            [("D2", "1", 1), ("D1", "1", 1)],
            [("D1", "B", "0", "0", "2"), ("D2", "A", "0", "0", "2")],
            "D1, D2, A, B",
        ),
    ],
)
def test_whatever_does_not_add_up_is_named_documents_first(found, of_lines, named):
    """Invariants 5 and 6."""
    with pytest.raises(CandidatesUnusableError, match=f": {named} do not add up"):
        refuse_unbalanced(documents(*found), lines(*of_lines))


def test_a_sum_beyond_an_amount_is_refused_like_any_other():
    """Invariant 12: it stops its own freeze."""
    most = "9" * 34
    found = documents(("D1", most, 2))
    with pytest.raises(CandidatesUnusableError, match="cannot be added up"):
        refuse_unbalanced(found, lines(*2 * [("D1", "k", most, "0", most)]))
