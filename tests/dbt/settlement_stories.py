"""Two runs over one set of contracts, a story per contract, for tests of what is due.

October is rated, every candidate is signed, then prices, contracts, usage and the register change
as each story says, and October is rated again.

Belongs here: what is written before each run. Does not belong here: any expected figure.
"""

from datetime import date
from decimal import Decimal

from rating_warehouse import BILLING, instant

OCTOBER = date(2026, 10, 1)
STORIES = (
    "same",
    "late",
    "cheaper",
    "lost",
    "conflict",
    "unpriced",
    "conceded",
    "external",
    "released",
    "ended",
    "replanned",
    "two_segments",
    "moved_cell",
)
# Of what is drawn from October on; all grants begin later, so that nothing more is drawn.
GRANTS = {
    "kept": {"amount": Decimal(100), "currency_code": "USD"},
    "lowered": {"amount": Decimal(20), "currency_code": "USD"},
    "now_in_units": {"amount": Decimal(100), "currency_code": None, "unit": "call"},
}


def price(warehouse, plan_id, amount, currencies=("USD",)):
    warehouse.add_charge(
        f"{plan_id}/usage",
        plan_id=plan_id,
        charge_id=f"{plan_id}_usage",
        charge_model="per_unit",
        meter_id="units",
        tiers={code: [{"unit_price": Decimal(amount)}] for code in currencies},
    )


def first_run(warehouse):
    warehouse.add_meter("units", event_types=["usage"])
    warehouse.add(
        "sources",
        source_prefix="/gateway",
        system_id="product",
        grace_hours=36,
        is_expected_daily=False,
    )
    warehouse.add_plan("other")
    for story in STORIES:
        warehouse.add_plan(story)
        price(warehouse, story, "1.00")
        warehouse.add_charge(
            f"{story}/fee",
            plan_id=story,
            charge_id=f"{story}_fee",
            charge_model="flat",
            tiers={"USD": [{"flat_amount": Decimal(100)}]},
        )
        warehouse.add_contract(story, plan_id=story, start_date=OCTOBER)
        warehouse.add(
            "identities",
            system_id="product",
            external_id=story,
            customer_id=f"customer-{story}",
            valid_from_at=instant(2020, 1, 1),
        )
        warehouse.use(story, "units", date(2026, 10, 5), 10)
    warehouse.build(*BILLING)


def change(warehouse, table, condition, **columns):
    warehouse.reference[table] = [
        dict(row) | columns if condition(row) else row for row in warehouse.reference[table]
    ]


def drop(warehouse, table, condition):
    warehouse.reference[table] = [row for row in warehouse.reference[table] if not condition(row)]


def entries_of(lines, *, kind="bill", sequence=1):
    now = instant(2026, 11, 2)
    return [
        {name: row[name] for name in row if name != "billed_amount_before"}
        | {
            "register_sequence": sequence,
            "manifest_sha256": "0" * 64,
            "entry_number": number,
            "entry_kind": kind,
            "posting_key": f"U{row['document_id'][:17].upper()}",
            "billed_before": row["billed_amount_before"],
            "signer": "ana",
            "signed_at": now,
        }
        for number, row in enumerate(lines, start=1)
    ]


def more_entries(warehouse, story, kind, amount, sequence):
    [line] = [
        row
        for row in warehouse.register
        if row["charge_id"] == f"{story}_usage" and row["register_sequence"] == 1
    ]
    recorded = {"register_sequence": sequence, "entry_kind": kind, "amount": Decimal(amount)}
    of_document = {"document_id": None, "original_document_id": line["document_id"]}
    warehouse.register.append(line | recorded | of_document)


def drawn_of(grant_id, number):
    """A signed draw of 30.00, in money."""
    return {
        "register_sequence": 1,
        "manifest_sha256": "0" * 64,
        "entry_number": 1000 + number,
        "entry_kind": "credit_draw",
        "settlement_key": f"drawn-{number}",
        "contract_lineage_id": "same",
        "customer_id": "customer-same",
        "legal_entity_id": "entity",
        "currency_code": "USD",
        "quantity": Decimal(-1),
        "amount": Decimal(-30),
        "billed_before": Decimal(0),
        "credit_grant_id": grant_id,
        "signer": "ana",
        "signed_at": instant(2026, 11, 2),
    }


def edit_grants(warehouse):
    """Grants as they are after something was drawn of each; one row is gone."""
    for grant_id, columns in GRANTS.items():
        warehouse.add(
            "credit_grants",
            credit_grant_id=grant_id,
            contract_id="same",
            kind="promotional",
            priority=1,
            starts_on=date(2030, 1, 1),
            is_scoped=False,
            **columns,
        )
    warehouse.register += [
        drawn_of(grant_id, number) for number, grant_id in enumerate([*GRANTS, "gone"])
    ]


def second_run(warehouse):
    """Sign the first run, then change usage, prices, register and terms, and rate again."""
    warehouse.register = entries_of(
        warehouse.rows(
            "select * from billing.fct_invoice_candidate_lines "
            "where billing_period = '2026-10' order by document_id, line_number"
        )
    )
    warehouse.use("late", "units", date(2026, 10, 9), 5, batch=2)
    lose_a_contract(warehouse)
    set_a_conflict_aside(warehouse)
    change_prices(warehouse)
    more_entries(warehouse, "conceded", "concession", "-4", 2)
    more_entries(warehouse, "external", "external", "-4", 2)
    more_entries(warehouse, "released", "release", "-10", 2)
    change_terms(warehouse)
    edit_grants(warehouse)
    warehouse.build(*BILLING)


def lose_a_contract(warehouse):
    drop(warehouse, "contracts", lambda row: row["contract_id"] == "lost")
    drop(warehouse, "contract_versions", lambda row: row["contract_id"] == "lost")
    for row in warehouse.metered:
        if row["contract_id"] == "lost":
            row |= {"contract_id": None, "resolution_code": "no_contract"}
    warehouse.events.append(
        {
            "ingestion_batch_id": 1,
            "event_date": date(2026, 10, 5),
            "system_id": "product",
            "subject": "lost",
            "local_date": date(2026, 10, 5),
            "event_type": "usage",
            "customer_id": "customer-lost",
            "resolution_code": "no_contract",
            "event_count": 1,
            "metered_event_count": 1,
        }
    )


def set_a_conflict_aside(warehouse):
    for line in (1, 2):
        warehouse.set_aside.append(
            {
                "ingestion_batch_id": 1,
                "file_id": 1,
                "line_number": line,
                "event_date": date(2026, 10, 7),
                "event_source": "/gateway",
                "event_id": "twice",
                "event_type": "usage",
                "subject": "conflict",
                "event_at": instant(2026, 10, 7, 9),
                "set_aside_reason": "conflicting",
            }
        )


def change_prices(warehouse):
    for charge_price_id, columns in (
        ("cheaper/usage", {"unit_price": Decimal("0.60")}),
        ("unpriced/usage", {"currency_code": "EUR"}),
    ):
        change(
            warehouse,
            "charge_tiers",
            lambda row, priced=charge_price_id: row["charge_price_id"] == priced,
            **columns,
        )


def change_terms(warehouse):
    for table, contract_id, columns in (
        ("contracts", "ended", {"start_date": date(2026, 9, 1), "end_date": OCTOBER}),
        ("contract_versions", "replanned", {"plan_id": "other"}),
        ("contracts", "moved_cell", {"billing_anchor_day": 15}),
        ("contract_versions", "two_segments", {"effective_to_date": date(2026, 10, 16)}),
    ):
        change(
            warehouse,
            table,
            lambda row, changed=contract_id: row["contract_id"] == changed,
            **columns,
        )
    warehouse.add(
        "contract_versions",
        contract_id="two_segments",
        contract_version=2,
        effective_from_date=date(2026, 10, 16),
        plan_id="two_segments",
    )
