"""A month in which every check of conservation holds: a warehouse that is built, and its figures.

Belongs here: its reference data, usage, signed document and what the ERP holds. Does not belong
here: what breaks it; any expectation.
"""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pyarrow.parquet as pq
from rating_warehouse import BILLING, RatingWarehouse, instant, write_rows

OCTOBER = date(2026, 10, 1)
NOW = instant(2026, 11, 2)
KEY = "UABCDEFGHIJKLMNOPQ"


SOUND_INPUTS = {
    "ingestion_batches": [
        {
            "ingestion_batch_id": 1,
            "batch_kind": "load",
            "started_at": NOW,
            "committed_at": NOW,
            "file_count": 1,
            "lines_read": 9,
            "lines_accepted": 8,
            "lines_rejected": 1,
        },
    ],
    "raw_parts": [
        {
            "path": "raw/rejects",
            "ingestion_batch_id": 1,
            "part_kind": "rejects",
            "content_sha256": "",
            "row_count": 1,
            "byte_size": 0,
        },
    ],
    "rejects": [
        {
            "ingestion_batch_id": 1,
            "file_id": 1,
            "line_number": 9,
            "reject_code": "missing_id",
            "raw_text": "{}",
        },
    ],
    "postings": [
        {
            "posting_key": KEY,
            "document_id": "document",
            "revision_id": "r",
            "state": "posted",
            "legal_entity_id": "entity",
            "erp": "sandbox",
            "payload_sha256": "",
            "amount": Decimal(10),
            "currency_code": "USD",
            "updated_at": NOW,
        },
    ],
    "erp_documents": [
        {
            "posting_key": KEY,
            "erp_document_id": "1",
            "status": "posted",
            "total_amount": Decimal(10),
            "currency_code": "USD",
            "customer_id": "customer-signed",
            "legal_entity_id": "entity",
            "read_at": NOW,
            "lines": json.dumps(
                [
                    {
                        "line_number": 1,
                        "erp_item": "ITEM",
                        "amount": "10.0000",
                        "quantity": "10",
                        "revenue_account": "4000",
                        "tax_profile": None,
                    }
                ]
            ),
        },
    ],
}


class SoundWarehouse(RatingWarehouse):
    """Three contracts, two loaded batches, one signed document that stands in the ERP.

    One source is announced for the last three days of October, of which the last is in its grace.
    """

    def write_inputs(self):
        super().write_inputs()
        for name, rows in SOUND_INPUTS.items():
            path = self.settings.warehouse_inputs / f"{name}.parquet"
            write_rows(path, pq.read_schema(path), rows)


def sound_warehouse(data_dir):
    """One that is built, with everything accounted for."""
    warehouse = SoundWarehouse(data_dir, known_until=datetime(2026, 11, 2, tzinfo=UTC))
    warehouse.add_meter("units")
    warehouse.add_plan("plan")
    warehouse.add_charge(
        "price",
        plan_id="plan",
        charge_id="usage",
        charge_model="per_unit",
        meter_id="units",
        tiers={"USD": [{"unit_price": Decimal(1)}]},
    )
    warehouse.add(
        "sources",
        source_prefix="/gateway/",
        system_id="product",
        grace_hours=36,
        is_expected_daily=True,
        expected_from_date=date(2026, 10, 29),
        expected_to_date=date(2026, 11, 1),
    )
    warehouse.add(
        "quiet_days",
        source_prefix="/gateway/",
        quiet_date=date(2026, 10, 30),
        reason="The data centre moved",
        author="ben",
    )
    warehouse.add(
        "control_total_measures",
        source_prefix="/gateway/",
        system_id="product",
        measure="events",
        grace_hours=36,
        is_expected_daily=True,
        expected_from_date=date(2026, 10, 29),
        expected_to_date=date(2026, 10, 30),
    )
    for contract in ("signed", "due", "third"):
        warehouse.add_contract(contract, plan_id="plan", start_date=OCTOBER)
        warehouse.use(contract, "units", date(2026, 10, 5), 10)
    warehouse.add(
        "credit_grants",
        credit_grant_id="welcome",
        contract_id="due",
        kind="promotional",
        amount=Decimal(4),
        currency_code="USD",
        priority=1,
        starts_on=OCTOBER,
        is_scoped=False,
    )
    warehouse.build(*BILLING)
    [line] = warehouse.rows(
        "select * from billing.fct_invoice_candidate_lines where customer_id = 'customer-signed'"
    )
    warehouse.register = [
        line
        | {
            "register_sequence": 1,
            "manifest_sha256": "0" * 64,
            "entry_number": 1,
            "entry_kind": "bill",
            "posting_key": KEY,
            "document_id": "document",
            "line_number": 1,
            "billed_before": Decimal(0),
            "signer": "ana",
            "signed_at": NOW,
        }
    ]
    warehouse.build(*BILLING)
    with duckdb.connect(warehouse.settings.warehouse_file) as connection:
        account_for_events(connection)
    return warehouse


def account_for_events(connection):
    """Eight accepted rows: five unique, one repeat, a dropped and a conflicting content.

    Of the unique ones one is unmapped, one retracted, one picked. One is of an announced day.
    """
    connection.execute(
        """
        insert into intermediate.int_source_days__arrived by name
            select '/gateway/eu' as event_source,
                unnest([date '2026-10-05', date '2026-10-29']) as event_date,
                unnest([7, 1]) as event_count;
        insert into intermediate.int_control_totals__arrived by name
            select '/gateway/' as source_prefix, 'events' as measure,
                date '2026-10-29' as usage_date, 1 as accepted_count, 1 as quantity;
        insert into intermediate.int_control_totals__standing by name
            select '/gateway/' as source_prefix, 'events' as measure,
                date '2026-10-29' as usage_date, 1 as quantity, 0 as replaced_count;
        drop view staging.stg_ingestion__raw_parts;
        create table staging.stg_ingestion__raw_parts as
            select 'e' as path, 1 as ingestion_batch_id, 'events' as part_kind,
                date '2026-10-05' as event_date, '' as content_sha256, 8 as row_count,
                0 as byte_size
            union all
            select 'r', 1, 'rejects', null, '', 1, 0;
        insert into intermediate.int_events__counted by name
            select 1 as ingestion_batch_id, date '2026-10-05' as event_date,
                'product' as system_id, 'signed' as subject, 'signed' as contract_id,
                3 as event_count
            union all by name
            select 1 as ingestion_batch_id, date '2026-10-05' as event_date,
                'product' as system_id, 'unknown' as subject,
                'unmapped_subject' as resolution_code, 1 as event_count;
        insert into billing.fct_exceptions by name
            select 'x' as exception_id, 'unmapped_subject' as exception_code,
                'subject' as object_kind, 'product unknown' as object_id, 1 as event_count,
                'identity' as steward, 'Map it.' as what_to_do, 'open' as state,
                false as is_overdue;
        insert into intermediate.int_events__set_aside by name
            select 1 as ingestion_batch_id, date '2026-10-05' as event_date,
                '/gateway/eu' as event_source, 'exact_repeat' as set_aside_reason
            union all by name
            select 1 as ingestion_batch_id, date '2026-10-05' as event_date,
                '/gateway/eu' as event_source, 1 as file_id,
                unnest([4, 5, 6]) as line_number,
                unnest(['retracted', 'dropped', 'conflicting']) as set_aside_reason;
        insert into intermediate.int_event_contents__kept by name
            select 1 as file_id, unnest([4, 5, 6, 7]) as line_number,
                unnest(['retracted', 'dropped', 'conflicting', 'picked']) as content_standing;
        insert into intermediate.int_retracted_events__metered by name
            select 'units' as meter_id, 1 as ingestion_batch_id, 1 as file_id, 4 as line_number,
                2.5 as quantity;
        """
    )
