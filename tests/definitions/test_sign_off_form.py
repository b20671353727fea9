"""What finance fills in and sees around a signature."""

from decimal import Decimal

from orchestration.billing.acknowledgements import NeededAcknowledgement, Reason
from orchestration.defs.sign_off.assets import (
    SignOffConfig,
    acknowledgements_table,
    risk_text,
)
from orchestration.exceptions import AtRisk


def test_a_document_is_acknowledged_with_a_note_of_its_own_or_the_common_one() -> None:
    form = SignOffConfig(
        legal_entity_id="us",
        acknowledged_document_ids=["a", "b=agreed with sales", "c=x=y"],
        acknowledgement_note="looked at",
    )

    assert {"a": "looked at", "b": "agreed with sales", "c": "x=y"} == form.acknowledgements()


def test_the_freeze_shows_each_document_to_acknowledge_with_its_reasons() -> None:
    needed = NeededAcknowledgement(
        document_id="doc",
        bill_to_customer_id="acme",
        currency_code="JPY",
        amount=Decimal("1234.0000"),
        reasons=(
            Reason(code="threshold", text="above the threshold 1,000"),
            Reason(code="first_invoice", text="the first invoice of the customer"),
        ),
    )
    shown = str(acknowledgements_table({"us:2026-10:r1": [needed], "de:2026-10:r1": []}).value)

    assert (
        "| us:2026-10:r1 | doc | acme | JPY 1,234 "
        "| above the threshold 1,000; the first invoice of the customer |"
    ) == shown.splitlines()[-1]
    assert "none" == acknowledgements_table({"us:2026-10:r1": []}).value


def test_the_value_at_risk_of_a_month_is_shown_by_currency_with_what_is_waived_apart() -> None:
    known = AtRisk(
        billing_period="2026-10",
        currency_code="USD",
        open_amount=Decimal("40.0000"),
        waived_amount=Decimal("2.5000"),
        open_count=3,
        waived_count=1,
        overdue_count=0,
    )

    assert "* USD 40.00 in 3 open, USD 2.50 in 1 waived" == risk_text([known]).value
    assert "none" == risk_text([]).value
