"""Where a line stands: held, on a document, signed, posted, left out, or on none."""

from decimal import Decimal
from typing import Any

import pytest
from explained_line import (
    DOCUMENT,
    ENTRY,
    EXCEPTION,
    LEFT_OUT,
    LINE,
    SIGNATURE,
    SIGNED_AT,
    STEPS,
    explained,
    part,
)

from orchestration.reports.calculation import standing


def test_a_held_line_says_by_what_and_that_it_is_not_billed() -> None:
    held = explained(
        line=LINE | {"rating_status": "unknown", "exception_code": "conflicting_events"},
        exceptions=(EXCEPTION,),
    )

    assert "HELD" == standing(held)[0][0]
    assert standing(held)[0][1] == (
        "Not billed, because of conflicting events. All lines of its settlement key would come to "
        "USD 10.50. Have the source send the right one anew. (Steward: integration.)"
    )
    assert " ".join(part(held, "What it comes to")).endswith(
        "to 2 decimals; of this line alone, HELD and not billed"
    )


HOLDER = {
    "rated_line_id": "line-9",
    "charge_name": "API calls",
    "exception_code": "conflicting_events",
    "service_start_at": SIGNED_AT,
}


@pytest.mark.parametrize(
    ("holders", "said"),
    [
        ([HOLDER], "Held in the contract at that time: line-9 (API calls: conflicting events). ("),
        ([HOLDER] * 5, "line-9 (API calls: conflicting events); 2 more. ("),
        ([], "Have the source send the right one anew. ("),
    ],
)
def test_a_line_that_others_hold_names_them(holders: list[dict[str, Any]], said: str) -> None:
    exception = EXCEPTION | {"exception_code": "depends_on_held"}
    dependent = explained(exceptions=(exception,), holding_lines=tuple(holders))

    assert f"{said}Steward: integration.)" in standing(dependent)[0][1]
    assert "line-9" not in standing(explained(exceptions=(EXCEPTION,)))[0][1]


def test_a_line_without_a_price_has_no_amount_and_says_why() -> None:
    unpriced = explained(
        line=LINE | {"rating_status": "unknown", "exception_code": "missing_price"},
        derivation=STEPS
        | {
            "convert_divide": None,
            "convert_multiply": None,
            "convert_rounding": None,
            "converted_quantity": None,
            "free_quantity": None,
            "priced_quantity": "0",
            "amount_unrounded": None,
            "amount": None,
            "rounding_mode": None,
        },
        tiers=(),
        exceptions=(EXCEPTION | {"exception_code": "missing_price", "amount_at_risk": None},),
    )

    assert (
        "because of missing price. All lines of its settlement key would come to unknown."
        in standing(unpriced)[0][1]
    )
    assert ["amount unknown cannot be computed: missing price"] == part(
        unpriced, "What it comes to"
    )
    assert ["quantity 5,625,567 tokens sum over 1,311 events"] == part(
        unpriced, "How much is priced"
    )


def test_a_candidate_is_on_a_document_that_waits() -> None:
    assert [
        (
            "ON A DOCUMENT",
            (
                "USD 10.50 (billed for the first time) on line 3 of document doc-1, which waits "
                "for a signature."
            ),
        )
    ] == standing(explained(documents=(DOCUMENT,)))


def test_a_signed_line_says_by_whom_and_where_the_erp_has_it() -> None:
    assert [("SIGNED", SIGNATURE), ("POSTED", "In the ERP as INV-1, key U1.")] == standing(
        explained(signed=(ENTRY,))
    )


def test_what_credit_pays_of_a_line_is_said_by_grant_before_and_after_the_signature() -> None:
    draw = {"credit_grant_id": "g1", "amount": Decimal("-4.0000"), "line_number": 9}
    paid = "USD 4.00 of its settlement key by grant g1, on line 9 of document doc-1"

    assert [
        ("PAID BY CREDIT", f"{paid}, which waits for a signature."),
        ("PAID BY CREDIT", f"{paid}, signed by olivia, register commit 6."),
    ] == standing(explained(documents=(DOCUMENT | draw,), signed=(ENTRY | draw,)))


@pytest.mark.parametrize(
    ("state", "said"),
    [(None, "not planned yet"), ("planned", "planned"), ("rejected", "rejected")],
)
def test_a_signed_line_that_is_not_posted_says_so(state: str | None, said: str) -> None:
    entry = ENTRY | {"posting_state": state, "document_number": None}

    assert [
        ("SIGNED", SIGNATURE),
        ("NOT IN THE ERP", f"Its posting is {said}, key U1."),
    ] == standing(explained(signed=(entry,)))


def test_an_entry_of_another_line_of_the_same_key_is_not_taken_for_this_ones() -> None:
    [(_, details), _] = standing(explained(signed=(ENTRY | {"rated_line_id": "line-2"},)))

    assert "document doc-1 for line line-2 of the same settlement key, revision" in details


def test_a_line_that_a_signature_left_out_says_who_and_why() -> None:
    assert [
        "ON A DOCUMENT",
        "LEFT OUT",
    ] == [state for state, _ in standing(explained(documents=(DOCUMENT,), held_back=(LEFT_OUT,)))]
    assert (
        "USD 10.50: olivia left document doc-1 out of the signature of us_inc:2026-10:r1, because: "
        "The customer disputes it."
    ) == standing(explained(held_back=(LEFT_OUT,)))[0][1]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"is_due": False, "rating_status": "amount"}, "not due yet"),
        ({"is_due": False, "rating_status": "proven_zero"}, "not due yet"),
        ({"rating_status": "proven_zero"}, "nothing to bill"),
        ({}, "on no document"),
    ],
)
def test_a_line_on_no_document_says_why(changes: dict[str, Any], state: str) -> None:
    assert [state] == [each for each, _ in standing(explained(line=LINE | changes))]


@pytest.mark.parametrize(
    ("kind", "causes", "said"),
    [
        ("error", "price", "(correct, of an error: prices)"),
        (
            "error and estimate",
            "late_usage, contract",
            "(correct, of an error and an estimate: late usage, contracts)",
        ),
        (None, None, "(correct)"),
    ],
)
def test_a_correction_says_its_causes(kind: str | None, causes: str | None, said: str) -> None:
    entry = ENTRY | {
        "entry_kind": "correct",
        "correction_kind": kind,
        "correction_causes": causes,
    }
    assert said in standing(explained(signed=(entry,)))[0][1]
