"""Reference tables between two versions hold what each step names, and nothing that dangles."""

from reference_tables_of_a_test import tables

from orchestration.rerating.mixing import CONTRACT, IDENTITY, PRICE, is_same, mixed_tables


def charge(price_id, plan_id, contract_id=None, **fields):
    return {"charge_price_id": price_id, "plan_id": plan_id, "contract_id": contract_id} | fields


def tier(price_id, price):
    return {"charge_price_id": price_id, "package_size": price}


THEN = tables(
    "then",
    identities=[{"customer_id": "old"}],
    contracts=[{"contract_id": "k", "customer_id": "old"}],
    plans=[{"plan_id": "p"}],
    meters=[{"meter_id": "m", "unit": "call"}],
    charges=[charge("list", "p"), charge("own", "p", "k")],
    charge_tiers=[tier("list", 1), tier("own", 2)],
    terms=[{"term_id": "t", "plan_id": "p"}, {"term_id": "gone", "contract_id": "k"}],
    term_charges=[{"term_id": "t", "charge_id": "c"}, {"term_id": "gone", "charge_id": "c"}],
)
NOW = tables(
    "now",
    identities=[{"customer_id": "new"}],
    contracts=[{"contract_id": "k", "customer_id": "new"}],
    plans=[{"plan_id": "p"}, {"plan_id": "q"}],
    meters=[{"meter_id": "m", "unit": "request"}, {"meter_id": "n"}],
    charges=[charge("list", "p"), charge("own", "p", "k"), charge("q_list", "q")],
    charge_tiers=[tier("list", 10), tier("own", 20), tier("q_list", 30)],
    terms=[{"term_id": "t", "plan_id": "p"}, {"term_id": "added", "contract_id": "k"}],
    term_charges=[{"term_id": "t", "charge_id": "d"}, {"term_id": "added", "charge_id": "c"}],
)


def values(mixed, table, *columns):
    return [tuple(row[name] for name in columns) for row in mixed[table].to_pylist()]


def test_identities_come_first_and_bring_nothing_else():
    mixed = mixed_tables(THEN, NOW, IDENTITY)
    assert [("new",)] == values(mixed, "identities", "customer_id")
    assert is_same(THEN, mixed | {"identities": THEN["identities"]})


def test_contracts_bring_their_own_prices_and_terms_and_the_list_stays():
    mixed = mixed_tables(THEN, NOW, CONTRACT)
    assert [("k", "new")] == values(mixed, "contracts", "contract_id", "customer_id")
    assert [("list", 1), ("own", 20), ("q_list", 30)] == values(
        mixed, "charge_tiers", "charge_price_id", "package_size"
    )
    assert [("t", "c"), ("added", "c")] == values(mixed, "term_charges", "term_id", "charge_id")


def test_a_plan_that_is_new_comes_with_the_contracts_that_may_need_it():
    mixed = mixed_tables(THEN, NOW, CONTRACT)
    assert [("p",), ("q",)] == values(mixed, "plans", "plan_id")
    assert [("list", "p"), ("own", "p"), ("q_list", "q")] == values(
        mixed, "charges", "charge_price_id", "plan_id"
    )
    assert [("m", "call"), ("n", None)] == values(mixed, "meters", "meter_id", "unit")


def test_with_prices_everything_is_todays():
    assert is_same(NOW, mixed_tables(THEN, NOW, PRICE))


def test_a_version_that_says_the_same_is_no_step():
    again = tables("again", contracts=[{"contract_id": "k", "customer_id": "old"}])
    same = THEN | {"contracts": again["contracts"]}
    assert is_same(THEN, same)
    assert not is_same(THEN, NOW)
