"""Late usage is told by what came, for whom, and what it comes to; once as it stands."""

import io
from dataclasses import replace
from decimal import Decimal

import duckdb
from rich.console import Console

from orchestration.automation import late_usage_to_announce
from orchestration.reports.late_usage import (
    LateUsage,
    late_usage_words,
    print_late_usage,
    read_late_usage,
)
from orchestration.settings import Settings

TOKENS = LateUsage(
    billing_period="2026-09",
    legal_entity_id="us",
    customer_id="acme",
    charge_id="tokens",
    meter_id="tokens",
    unit="token",
    event_count=3,
    quantity=Decimal(4_000_000),
    currency_code="USD",
    due_amount=Decimal("17.6000"),
    unknown_key_count=0,
    last_ingestion_batch_id=7,
)
CALLS = replace(
    TOKENS,
    charge_id="calls",
    meter_id="calls",
    unit="call",
    event_count=2,
    quantity=None,
    due_amount=None,
    unknown_key_count=1,
)
ROWS = f"""
    create schema reconciliation;
    create table reconciliation.fct_late_usage as
    select
        '2026-09' as billing_period, 'us' as legal_entity_id, 'acme' as customer_id,
        'tokens' as charge_id, 'tokens' as meter_id, 'token' as unit, * from (values
        (cast(1 as bigint), cast(1000000 as decimal(38, 9)), 'USD',
            cast(4.40 as decimal(38, 4)), cast(6 as integer)),
        (2, {TOKENS.quantity - 1_000_000}, 'USD', 13.20, 7)
    ) as rows(event_count, quantity, currency_code, due_amount, last_ingestion_batch_id)
"""


def published(settings, *statements):
    folder = settings.published / "current"
    folder.mkdir(parents=True)
    with duckdb.connect(folder / "tallyhouse.duckdb") as connection:
        for statement in statements:
            connection.execute(statement)


def test_it_is_read_by_customer_and_charge_from_what_was_published(tmp_path):
    settings = Settings(data_dir=tmp_path)
    published(settings, ROWS)
    assert [TOKENS] == read_late_usage(settings)


def test_there_is_none_before_the_first_publication_nor_in_an_older_one(tmp_path):
    settings = Settings(data_dir=tmp_path)
    assert [] == read_late_usage(settings)
    published(settings, "create table other as select 1 as one")
    assert [] == read_late_usage(settings)


def test_an_event_that_several_charges_count_is_told_as_one():
    other = replace(TOKENS, billing_period="2026-08", customer_id="bolt", event_count=10)
    assert (
        "Usage came after the signature of 2026-08, 2026-09: 13 events of 2 customers."
        == late_usage_words([TOKENS, CALLS, other])
    )


def test_what_is_late_is_announced_once_until_it_changes():
    first = late_usage_to_announce([TOKENS])
    assert first == late_usage_to_announce([TOKENS])
    assert first.run_key != late_usage_to_announce([TOKENS, CALLS]).run_key
    assert late_usage_to_announce([]) is None


def test_the_table_has_quantity_and_money_and_says_how_to_bill_it_now():
    text = io.StringIO()
    print_late_usage(Console(file=text, width=140), [TOKENS, CALLS])
    assert "4,000,000 token" in text.getvalue()
    assert "USD 17.60" in text.getvalue()
    assert "not known" in text.getvalue()
    assert "`tallyhouse rerate --period 2026-09`" in text.getvalue()
