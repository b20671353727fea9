"""Which edits of reference data reach into signed cells, by what they are about."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from orchestration.price_book.restatements import RestatesFile
from orchestration.price_book.table_schemas import TABLE_SCHEMAS
from orchestration.restating.judge import (
    SignedCell,
    SignedMonth,
    signed_cells,
    signed_months,
    unstated,
)

SEPTEMBER = (date(2026, 9, 1), date(2026, 10, 1))
OCTOBER = (date(2026, 10, 1), date(2026, 11, 1))
CELLS = [
    SignedCell("lin_1", "calls", "acme", *SEPTEMBER),
    SignedCell("lin_1", "fee", "acme", *SEPTEMBER),
    SignedCell("lin_2", "calls", "bolt", *SEPTEMBER),
]
MONTHS = [SignedMonth("EUR", *SEPTEMBER)]
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
    {
        "contract_id": f"con_{n}",
        "contract_lineage_id": f"lin_{n}",
        "customer_id": customer,
        "children": children,
        "start_date": date(2026, 1, 1),
    }
    for n, customer, children in ((1, "acme", "pooled"), (2, "bolt", "none"))
]
VERSION = {"contract_id": "con_1", "effective_from_date": date(2026, 1, 1), "plan_id": "p"}
IDENTITY = {
    "system_id": "gateway",
    "external_id": "tenant-7",
    "customer_id": "acme",
    "valid_from_at": datetime.fromisoformat("2026-01-01"),
}
GRANT = {
    "credit_grant_id": "prepaid",
    "contract_id": "con_1",
    "amount": 100,
    "is_scoped": False,
    "starts_on": date(2026, 9, 1),
    "expires_on": date(2026, 12, 1),
}
RATES = [
    {"rate_date": day, "from_currency_code": "EUR", "to_currency_code": "USD", "rate": rate}
    for day, rate in ((date(2026, 8, 31), 11), (date(2026, 9, 30), 12))
]
CUSTOMERS = [{"customer_id": name} for name in ("acme", "bolt", "cell", "dome")]
BOOK = {
    "charges": [CHARGE, CHARGE | {"charge_price_id": "fee-1", "charge_id": "fee"}],
    "charge_tiers": [TIER],
    "meters": [{"meter_id": "calls", "aggregation": "sum"}],
    "products": [{"product_id": "api", "erp_item": "API"}],
    "contracts": CONTRACTS,
    "contract_versions": [VERSION],
    "identities": [IDENTITY],
    "customers": CUSTOMERS,
    "credit_grants": [GRANT],
    "exchange_rates": RATES,
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


def told(stated=(), before=None, **changed):
    """Kind, object, and how many cells it touches, of each edit that does not say so."""
    restates = RestatesFile.model_validate({"restates": stated}).restates if stated else ()
    found = unstated(tables(**(before or {})), tables(**changed), [*CELLS, *MONTHS], restates)
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


def instant(*parts):
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def below(parent, valid_from_at=None, valid_to_at=None, child="cell"):
    return {
        "customer_id": child,
        "parent_customer_id": parent,
        "valid_from_at": valid_from_at or instant(2020, 1, 1),
        "valid_to_at": valid_to_at,
    }


def named(child, parent):
    """Customers, of whom one names its parent for all time."""
    return [
        row | ({"parent_customer_id": parent} if row["customer_id"] == child else {})
        for row in CUSTOMERS
    ]


def test_a_child_touches_the_cells_of_the_contract_that_bills_it():
    assert [("customer", "cell", 2)] == told(customer_parents=[below("acme")])
    assert [("customer", "cell", 2)] == told(customers=named("cell", "acme"))


def test_a_child_of_a_contract_that_bills_no_children_touches_nothing():
    assert [] == told(customer_parents=[below("bolt")])


def test_a_grandchild_touches_the_contract_further_up():
    above = below("acme", child="dome")
    assert [("customer", "cell", 2)] == told(
        before={"customer_parents": [above]}, customer_parents=[above, below("dome")]
    )


def test_a_child_that_leaves_touches_the_contract_that_billed_it():
    assert [("customer", "cell", 2)] == told(before={"customer_parents": [below("acme")]})


@pytest.mark.parametrize(
    ("moved_at", "is_touching"),
    [
        (instant(2026, 10, 2), False),
        (instant(2026, 10, 1, 23), True),  # 30 September in the west
        (instant(2026, 9, 16, 12), True),
    ],
)
def test_a_child_that_moves_touches_signed_cells_from_the_instant_on(moved_at, is_touching):
    moved = [below("acme", None, moved_at), below("bolt", moved_at)]
    expected = [("customer", "cell", 2)] if is_touching else []
    assert expected == told(before={"customer_parents": [below("acme")]}, customer_parents=moved)


def test_rows_that_are_cut_otherwise_and_say_the_same_are_no_edit():
    cut_at = instant(2026, 9, 16)
    pieces = [below("acme", None, cut_at), below("acme", cut_at)]
    assert [] == told(before={"customer_parents": [below("acme")]}, customer_parents=pieces)


def test_another_payer_touches_every_cell_of_the_customers_contracts():
    paid = [CUSTOMERS[0] | {"bill_to_customer_id": "bolt"}, *CUSTOMERS[1:]]
    assert [("customer", "acme", 2)] == told(customers=paid)
    itself = [CUSTOMERS[0] | {"bill_to_customer_id": "acme"}, *CUSTOMERS[1:]]
    assert [] == told(customers=itself)


def test_labels_of_a_customer_are_no_edit():
    renamed = [CUSTOMERS[0] | {"customer_name": "Acme", "region": "emea"}, *CUSTOMERS[1:]]
    assert [] == told(customers=renamed)


@pytest.mark.parametrize(
    ("fields", "touched"),
    [
        ({"amount": 120}, 2),
        ({"priority": 9}, 2),
        ({"starts_on": date(2026, 9, 30)}, 2),
        ({"expires_on": date(2026, 9, 15)}, 2),
        ({"expires_on": date(2027, 3, 1)}, 0),  # only days behind the signed cells
        ({"credit_grant_name": "Goodwill", "author": "ana"}, 0),
    ],
)
def test_a_grant_that_changes_touches_the_cells_whose_usage_may_draw_on_it(fields, touched):
    expected = [("credit_grant", "prepaid", touched)] if touched else []
    assert expected == told(credit_grants=[GRANT | fields])


def test_a_new_grant_touches_the_signed_cells_from_its_first_day_on():
    october = GRANT | {"credit_grant_id": "more", "starts_on": OCTOBER[0]}
    assert [] == told(credit_grants=[GRANT, october])
    september = october | {"starts_on": date(2026, 9, 30)}
    assert [("credit_grant", "more", 2)] == told(credit_grants=[GRANT, september])


def test_a_grant_for_some_charges_touches_their_cells_alone():
    scoped = GRANT | {"credit_grant_id": "some", "is_scoped": True}
    scopes = [{"credit_grant_id": "some", "charge_id": "fee"}]
    found = told(credit_grants=[GRANT, scoped], credit_grant_scopes=scopes)
    assert [("credit_grant", "some", 1)] == found


def rates(*rows):
    return [
        {"rate_date": day, "from_currency_code": "EUR", "to_currency_code": to, "rate": rate}
        for day, to, rate in rows
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [(date(2026, 8, 31), "USD", 11), (date(2026, 9, 30), "USD", 13)],
        [(date(2026, 8, 31), "USD", 11)],  # on 30 September the one before is in force then
        [(date(2026, 9, 30), "USD", 12)],  # none is until 29 September
        [(date(2026, 8, 31), "USD", 11), (date(2026, 9, 29), "USD", 12)],
        [],
    ],
)
def test_a_rate_that_was_in_force_touches_the_signed_months_of_its_currency(rows):
    assert {("exchange_rate", "EUR/USD", 1)} == set(told(exchange_rates=rates(*rows)))


def test_a_next_rate_a_new_pair_and_a_rate_before_the_first_one_touch_nothing():
    january = date(2026, 1, 1)
    more = rates((OCTOBER[0], "USD", 13), (january, "GBP", 9), (january, "USD", 9))
    assert [] == told(exchange_rates=[*RATES, *more])


def test_the_rate_of_a_currency_that_nothing_was_billed_in_touches_nothing():
    yen = [row | {"from_currency_code": "JPY"} for row in RATES]
    changed = [row | {"rate": 1} for row in yen]
    assert [] == told(before={"exchange_rates": [*RATES, *yen]}, exchange_rates=[*RATES, *changed])


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({"customers": ["cell"]}, {"customer_parents": [below("acme")]}),
        ({"credit_grants": ["prepaid"]}, {"credit_grants": [GRANT | {"amount": 120}]}),
        ({"exchange_rates": ["EUR/USD"]}, {"exchange_rates": RATES[:1]}),
    ],
)
def test_an_edit_that_is_named_passes_for_its_days_alone(fields, changed):
    assert [] == told(stated(**fields), **changed)
    assert [] != told(stated(**fields, to="2026-09-02"), **changed)
    assert [] != told(stated(charges=["calls"]), **changed)


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
    with pytest.raises(ValueError, match="names charges, contracts, identities"):
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


def test_a_month_is_signed_once_in_each_currency():
    row = {"entry_kind": "bill", "currency_code": "EUR", "billing_period": "2026-09"}
    waived = row | {"entry_kind": "waive", "currency_code": "GBP"}
    rows = [row, row | {"entry_kind": "correct"}, waived]
    assert MONTHS == signed_months(pa.Table.from_pylist(rows))
