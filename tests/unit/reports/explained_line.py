"""A rated line as explain reads it: plausible rows to change, and what is printed of them.

Belongs here: rows and their page. Does not belong here: what a test expects of it.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from rich.console import Console

from orchestration.reports.calculation import print_explanation
from orchestration.reports.explanation import LineExplanation

SIGNED_AT = datetime(2026, 11, 3, 9, 51, 6, tzinfo=UTC).replace(tzinfo=None)
LINE: dict[str, Any] = {
    "rated_line_id": "line-1",
    "settlement_key": "key-1",
    "description": "Output tokens, 1\u201331 Oct 2026: 5,625,567 tokens at USD 2.00 per 1M tokens",
    "customer_id": "cus_1",
    "customer_name": "Acme [Labs]",
    "bill_to_customer_id": "cus_1",
    "legal_entity_id": "us_inc",
    "contract_id": "con_1",
    "contract_version": 1,
    "charge_id": "tokens",
    "charge_name": "Output tokens",
    "charge_model": "graduated",
    "charge_price_id": "plan/tokens/2025-01-01",
    "reference_version": "0123456789abcdef",
    "service_start_at": datetime(2026, 10, 1, tzinfo=UTC).replace(tzinfo=None),
    "service_end_at": datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None),
    "billing_period": "2026-10",
    "unit_label": "1M tokens",
    "currency_code": "USD",
    "is_due": True,
    "rating_status": "amount",
    "exception_code": None,
    "event_count": 1_311,
    "amount": Decimal("10.5000"),
    "quantity": Decimal("5625567.000000000"),
    "first_event_at": datetime(2026, 10, 1, 8, tzinfo=UTC).replace(tzinfo=None),
    "last_event_at": datetime(2026, 10, 31, 9, 30, tzinfo=UTC).replace(tzinfo=None),
    "segment_start_date": date(2026, 10, 1),
    "digest_sum_1": Decimal(3),
    "digest_sum_2": Decimal(4),
}
STEPS: dict[str, Any] = {
    "quantity": "5625567",
    "unit": "token",
    "unit_plural": "tokens",
    "unit_label_plural": "1M tokens",
    "aggregation": "sum",
    "quantity_before": None,
    "convert_multiply": "1",
    "convert_divide": "1000000",
    "convert_rounding": "none",
    "convert_decimals": 9,
    "converted_quantity": "5.625567",
    "free_quantity": "0.5",
    "package_size": None,
    "priced_quantity": "5.125567",
    "share_units": 1,
    "share_of_units": 1,
    "share_unit": "days",
    "line_weight": "1",
    "run_weight": "1",
    "weighed_by": None,
    "discounts": [],
    "gross_amount": "10.502734",
    "above_maximum_amount": "0",
    "amount_unrounded": "10.502734",
    "rounding_mode": "half_away",
    "minor_unit": 2,
    "amount": "10.5",
}
TIER: dict[str, Any] = {
    "tier_number": 1,
    "lower_quantity": Decimal("0.000000000"),
    "upper_quantity": Decimal("5.000000000"),
    "quantity": Decimal("5.000000000"),
    "unit_price": Decimal("2.000000000000"),
    "flat_amount": Decimal("0.000000000000"),
    "amount_unrounded": Decimal("10.000000000000"),
}
LAST_TIER = TIER | {
    "tier_number": 2,
    "lower_quantity": Decimal("5.000000000"),
    "upper_quantity": None,
    "quantity": Decimal("0.125567000"),
    "unit_price": Decimal("1.600000000000"),
    "flat_amount": Decimal("0.301826800000"),
    "amount_unrounded": Decimal("0.502734000000"),
}
EXCEPTION = {
    "exception_code": "conflicting_events",
    "steward": "integration",
    "amount_at_risk": Decimal("10.5000"),
    "currency_code": "USD",
    "what_to_do": "Have the source send the right one anew.",
}
DOCUMENT = {
    "document_id": "doc-1",
    "line_number": 3,
    "rated_line_id": "line-1",
    "cause": "new",
    "rated_amount": Decimal("10.5000"),
    "billed_amount_before": Decimal("0.0000"),
    "amount": Decimal("10.5000"),
    "currency_code": "USD",
    "credit_grant_id": None,
}
ENTRY = {
    "register_sequence": 6,
    "document_id": "doc-1",
    "line_number": 3,
    "rated_line_id": "line-1",
    "entry_kind": "bill",
    "amount": Decimal("10.5000"),
    "currency_code": "USD",
    "signer": "olivia",
    "signed_at": SIGNED_AT,
    "posting_key": "U1",
    "revision_id": "us_inc:2026-10:r1",
    "correction_kind": None,
    "correction_causes": None,
    "posting_state": "posted",
    "document_number": "INV-1",
    "credit_grant_id": None,
}
LEFT_OUT = {
    "revision_id": "us_inc:2026-10:r1",
    "document_id": "doc-1",
    "line_number": 3,
    "amount": Decimal("10.5000"),
    "currency_code": "USD",
    "signer": "olivia",
    "reason": "The customer disputes it.",
}
CONVERTED = "divided by 1,000,000, shown to nine decimals, priced exactly"
SIGNATURE = (
    "USD 10.50 (bill) on line 3 of document doc-1, revision us_inc:2026-10:r1, by olivia at "
    "2026-11-03 09:51 UTC, register commit 6."
)


def explained(**changes: Any) -> LineExplanation:
    given: dict[str, Any] = {
        "line": LINE,
        "derivation": STEPS | {"tiers": []},
        "tiers": (TIER, LAST_TIER),
        "exceptions": (),
        "holding_lines": (),
        "documents": (),
        "held_back": (),
        "signed": (),
        "event_ids": (),
    }
    return LineExplanation(**given | changes)


def printed(explanation: LineExplanation, *, width: int = 120) -> list[str]:
    page = StringIO()
    print_explanation(Console(file=page, width=width), explanation)
    return [" ".join(line.split()) for line in page.getvalue().splitlines()]


def part(explanation: LineExplanation, title: str) -> list[str]:
    """The lines below a title, up to the blank line after them."""
    lines = printed(explanation)
    start = lines.index(title) + 1
    return lines[start : lines.index("", start)]
