"""What a re-rating says: what differs, what was frozen, what was left."""

import io
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
from rich.console import Console

from orchestration.billing.correction_causes import CAUSE_SCHEMA
from orchestration.billing.run_scope import RunScope
from orchestration.reports.reratings import print_rerated, rerated_json
from orchestration.rerating.explain import Explained
from orchestration.rerating.rerate import Rerated

ROW = {
    "billing_period": "2026-09",
    "customer_id": "acme",
    "charge_id": "tokens",
    "currency_code": "USD",
    "settlement_key": "k1",
    "billed_amount": Decimal("10.0000"),
    "rated_amount": Decimal("9.5000"),
    "due_amount": Decimal("-0.5000"),
}


def rerated(**changes):
    told = {
        "billing_period": "2026-09",
        "scope": RunScope(customer_ids=("acme",), is_of_one_month=True),
        "lineage_count": 1,
        "rows": [ROW, ROW | {"settlement_key": "k2", "due_amount": Decimal("0.2000")}],
        "held_keys": {"conflicting_events": 1},
        "other_months": [
            {
                "billing_period": "2026-10",
                "currency_code": "USD",
                "key_count": 3,
                "due_amount": Decimal("1.1000"),
            }
        ],
        "revisions": [
            SimpleNamespace(revision_id="us:2026-09:r2", state="frozen", document_count=1)
        ],
        "explained": [],
        "file": Path("reports/rerating/2026-09-again.csv"),
    }
    return Rerated(**(told | changes))


def printed(answer):
    text = io.StringIO()
    print_rerated(Console(file=text, width=140), answer)
    return text.getvalue()


def test_it_says_what_differs_what_is_frozen_and_what_is_left():
    text = printed(rerated())
    assert "2026-09, contracts of acme: what differs from what was billed" in text
    assert "USD -0.30" in text
    assert "Rated again: 1 contract; all others stay." in text
    assert "Not known, so neither billed nor credited: 1 key, conflicting_events." in text
    assert "2026-10 differs too: 3 keys, USD 1.10." in text
    assert "us:2026-09:r2 is frozen: 1 document." in text


def test_it_says_why_the_revision_corrects_or_why_that_is_not_told():
    row = {
        "revision_id": "us:2026-09:r2",
        "document_id": "d1",
        "line_number": 1,
        "settlement_key": "k1",
        "cause_number": 1,
        "cause": "late_usage",
        "correction_kind": "estimate",
        "amount": Decimal("0.2000"),
        "currency_code": "USD",
    }
    price = row | {"cause": "price", "correction_kind": "error", "amount": Decimal("-0.5000")}
    causes = pa.Table.from_pylist([price, row], schema=CAUSE_SCHEMA)
    told = Explained(revision_id="us:2026-09:r2", causes=causes)
    assert (
        "us:2026-09:r2 corrects what was signed: USD 0.20 late usage (estimate), "
        "USD -0.50 prices (error)."
    ) in printed(rerated(explained=[told]))
    lost = Explained(revision_id="us:2026-09:r2", causes=causes.slice(0, 0), reason="It is gone.")
    assert "the causes of its corrections are not told. It is gone." in printed(
        rerated(explained=[lost])
    )


def test_where_nothing_differs_nothing_is_frozen():
    text = printed(rerated(rows=[], revisions=[], held_keys={}, other_months=[]))
    assert "What is known of contracts of acme comes to what was billed of 2026-09." in text
    assert "frozen" not in text


def test_differences_that_make_no_document_wait_in_their_buckets():
    assert "the differences wait in their buckets" in printed(rerated(revisions=[]))


def test_amounts_are_text_with_the_decimals_of_their_currency():
    answer = rerated_json(rerated())
    assert ("10.00", "9.50", "-0.50") == tuple(
        answer["rows"][0][name] for name in ("billed_amount", "rated_amount", "due_amount")
    )
    assert "1.10" == answer["other_months"][0]["due_amount"]
