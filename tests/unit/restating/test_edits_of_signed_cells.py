"""Which edits of reference data reach into signed cells, by charge, contract and subject."""

from datetime import date, datetime

import pyarrow as pa
import pytest

from orchestration.price_book.restatements import RestatesFile
from orchestration.price_book.table_schemas import TABLE_SCHEMAS
from orchestration.restating.judge import SignedCell, signed_cells, unstated

SEPTEMBER = (date(2026, 9, 1), date(2026, 10, 1))
OCTOBER = (date(2026, 10, 1), date(2026, 11, 1))
CELLS = [
    SignedCell("lin_1", "calls", "acme", *SEPTEMBER),
    SignedCell("lin_1", "fee", "acme", *SEPTEMBER),
    SignedCell("lin_2", "calls", "bolt", *SEPTEMBER),
]
CHARGE = {
    "charge_price_id": "calls-1",
    "plan_id": "p",
    "charge_id": "calls",
    "charge_name": "Calls",
    "product_id": "api",
    "meter_id": "calls",
    "effective_from_date": date(2026, 1, 1),
    "free_quantity": 0,
}
TIER = {"charge_price_id": "calls-1", "currency_code": "USD", "unit_price": 1}
CONTRACTS = [
    {"contract_id": f"con_{n}", "contract_lineage_id": f"lin_{n}", "start_date": date(2026, 1, 1)}
    for n in (1, 2)
]
VERSION = {"contract_id": "con_1", "effective_from_date": date(2026, 1, 1), "plan_id": "p"}
IDENTITY = {
    "system_id": "gateway",
    "external_id": "tenant-7",
    "customer_id": "acme",
    "valid_from_at": datetime(2026, 1, 1),  # noqa: DTZ001 — naive UTC, as compiled
}
BOOK = {
    "charges": [CHARGE, CHARGE | {"charge_price_id": "fee-1", "charge_id": "fee"}],
    "charge_tiers": [TIER],
    "meters": [{"meter_id": "calls", "aggregation": "sum"}],
    "products": [{"product_id": "api", "erp_item": "API"}],
    "contracts": CONTRACTS,
    "contract_versions": [VERSION],
    "identities": [IDENTITY],
}


def tables(**changed):
    rows = BOOK | changed
    return {
        name: pa.table(
            {
                column.name: pa.array(
                    [row.get(column.name) for row in rows.get(name, ())], column.type
                )
                for column in schema
            }
        )
        for name, schema in TABLE_SCHEMAS.items()
    }


def told(stated=(), **changed):
    """Kind, object, and how many cells it touches, of each edit that does not say so."""
    restates = RestatesFile.model_validate({"restates": stated}).restates if stated else ()
    found = unstated(tables(), tables(**changed), CELLS, restates)
    return [(change.kind, change.object_id, len(cells)) for change, cells in found]


def dearer(**fields):
    return {"charge_tiers": [TIER | {"unit_price": 2}]} | fields


def test_the_same_tables_hold_no_edit():
    assert [] == told()


def test_a_price_that_was_billed_touches_the_signed_cells_of_its_charge():
    assert [("charge", "calls", 2)] == told(**dearer())


def test_names_authors_and_reasons_are_no_edit():
    renamed = CHARGE | {"charge_name": "API calls", "author": "ana", "reason": "why"}
    assert [] == told(charges=[renamed, BOOK["charges"][1]])


def test_a_price_from_the_first_unsigned_day_on_touches_nothing():
    ended = CHARGE | {"effective_to_date": OCTOBER[0]}
    later = CHARGE | {"charge_price_id": "calls-2", "effective_from_date": OCTOBER[0]}
    tiers = [TIER, TIER | {"charge_price_id": "calls-2", "unit_price": 2}]
    assert [] == told(charges=[ended, later, BOOK["charges"][1]], charge_tiers=tiers)


def test_a_price_from_the_last_signed_day_on_touches_its_cells():
    last_day = date(2026, 9, 30)
    ended = CHARGE | {"effective_to_date": last_day}
    later = CHARGE | {"charge_price_id": "calls-2", "effective_from_date": last_day}
    tiers = [TIER, TIER | {"charge_price_id": "calls-2", "unit_price": 2}]
    changed = {"charges": [ended, later, BOOK["charges"][1]], "charge_tiers": tiers}
    assert [("charge", "calls", 2)] == told(**changed)


def test_a_negotiated_price_touches_its_contract_alone():
    own = CHARGE | {"charge_price_id": "own", "contract_id": "con_2"}
    assert [("charge", "calls", 1)] == told(charges=[*BOOK["charges"], own])


@pytest.mark.parametrize(
    "changed",
    [
        {"meters": [{"meter_id": "calls", "aggregation": "max"}]},
        {"products": [{"product_id": "api", "erp_item": "OTHER"}]},
    ],
)
def test_a_meter_or_a_product_that_changes_changes_its_charges(changed):
    assert [("charge", "calls", 2), ("charge", "fee", 1)] == told(**changed)


def test_a_term_touches_the_charges_that_it_covers_and_its_own_line():
    term = {"term_id": "cap", "term_kind": "maximum_spend", "contract_id": "con_1"}
    covered = [{"term_id": "cap", "charge_id": "fee", "charge_number": 1}]
    assert [("charge", "cap", 1)] == told(terms=[term], term_charges=covered)


def test_an_amendment_touches_the_cells_of_its_contract_from_its_day_on():
    ended = VERSION | {"effective_to_date": date(2026, 9, 16)}
    amended = VERSION | {"effective_from_date": date(2026, 9, 16), "plan_id": "q"}
    assert [("contract", "con_1", 2)] == told(contract_versions=[ended, amended])


def test_an_end_after_the_signed_cells_touches_nothing_and_one_within_them_does():
    ended = [CONTRACTS[0] | {"end_date": OCTOBER[1]}, CONTRACTS[1]]
    assert [] == told(contracts=ended)
    ended = [CONTRACTS[0] | {"end_date": date(2026, 9, 20)}, CONTRACTS[1]]
    assert [("contract", "con_1", 2)] == told(contracts=ended)


def test_a_contract_that_is_lost_touches_its_cells():
    assert [("contract", "con_2", 1)] == told(contracts=CONTRACTS[:1])


def test_an_identity_that_moves_touches_both_customers():
    moved = [IDENTITY | {"customer_id": "bolt"}]
    expected = [("identity", "tenant-7", 2), ("identity", "tenant-7", 1)]
    assert expected == told(identities=moved)


def stated(**fields):
    return [{"reason": "r", "author": "a", "from": "2026-09-01"} | fields]


@pytest.mark.parametrize(
    ("fields", "is_covered"),
    [
        ({"charges": ["calls"]}, True),
        ({"charges": ["fee"]}, False),
        ({"everything": True}, True),
        ({"charges": ["calls"], "to": "2026-10-01"}, True),
        ({"charges": ["calls"], "to": "2026-09-30"}, False),
        ({"charges": ["calls"], "from": "2026-09-02"}, False),
        ({"contracts": ["con_1", "con_2"]}, False),
    ],
)
def test_a_restatement_lets_the_edits_pass_that_it_names_for_its_days(fields, is_covered):
    assert ([] if is_covered else [("charge", "calls", 2)]) == told(stated(**fields), **dearer())


@pytest.mark.parametrize("fields", [{}, {"everything": True, "charges": ["calls"]}])
def test_a_restatement_names_what_it_is_about_and_not_all_besides(fields):
    with pytest.raises(ValueError, match="names charges, contracts or identities"):
        told(stated(**fields))


def test_a_cell_that_was_billed_twice_is_one_cell():
    row = {
        "entry_kind": "bill",
        "contract_lineage_id": "lin_1",
        "charge_id": "calls",
        "customer_id": "acme",
        "cell_start_date": SEPTEMBER[0],
        "cell_end_date": SEPTEMBER[1],
    }
    rows = [row, row | {"entry_kind": "correct"}, row | {"entry_kind": "credit_draw"}]
    assert CELLS[:1] == signed_cells(pa.Table.from_pylist(rows))
