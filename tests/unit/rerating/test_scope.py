"""A scope names contracts; their customers come with everybody whose data bears on them."""

from datetime import date

import pytest
from reference_tables_of_a_test import tables

from orchestration.billing.run_scope import RunScope
from orchestration.rerating.excerpt import cut_tables
from orchestration.rerating.scope import (
    ScopeUnknownError,
    customers_bearing_on,
    scoped_contracts,
)


def contract(customer, number="", lineage=None):
    name = f"{customer}{number}"
    return {
        "contract_id": f"con_{name}",
        "contract_lineage_id": lineage or f"lin_{name}",
        "customer_id": customer,
    }


def version(name, plan, starts, ends=None):
    return {
        "contract_id": f"con_{name}",
        "plan_id": plan,
        "effective_from_date": date.fromisoformat(starts),
        "effective_to_date": date.fromisoformat(ends) if ends else None,
    }


BOOK = tables(
    "now",
    customers=[
        {"customer_id": name, "parent_customer_id": parent}
        for name, parent in (
            ("acme", None),
            ("labs", "acme"),
            ("bolt", None),
            ("bolt_new", None),
            ("curl", None),
            ("dent", None),
            ("former_child", None),
        )
    ],
    customer_parents=[{"customer_id": "former_child", "parent_customer_id": "labs"}],
    identities=[
        {"system_id": "app", "external_id": "t1", "customer_id": "curl"},
        {"system_id": "app", "external_id": "t1", "customer_id": "dent"},
        {"system_id": "other", "external_id": "t1", "customer_id": "bolt"},
    ],
    plans=[{"plan_id": name} for name in ("free", "pro", "unused")],
    contracts=[
        contract("acme"),
        contract("labs"),
        contract("bolt", lineage="lin_bolt"),
        contract("bolt_new", lineage="lin_bolt"),
        contract("curl"),
        contract("dent"),
    ],
    contract_versions=[
        version("acme", "pro", "2026-01-01"),
        version("labs", "free", "2026-01-01", "2026-09-10"),
        version("labs", "pro", "2026-09-10"),
        version("bolt", "pro", "2025-01-01", "2026-09-01"),
        version("bolt_new", "free", "2026-09-01"),
        version("curl", "free", "2026-01-01", "2026-10-01"),
        version("curl", "pro", "2026-10-01"),
        version("dent", "pro", "2026-01-01", "2026-06-01"),
    ],
    charges=[
        {"charge_price_id": "list", "contract_id": None},
        {"charge_price_id": "acme_own", "contract_id": "con_acme"},
        {"charge_price_id": "bolt_own", "contract_id": "con_bolt"},
    ],
    charge_tiers=[
        {"charge_price_id": "list"},
        {"charge_price_id": "acme_own"},
        {"charge_price_id": "bolt_own"},
    ],
)


def scoped(**scope):
    return scoped_contracts(BOOK, RunScope(**scope), billing_period="2026-09")


def test_a_customer_brings_children_of_now_and_then_along():
    found = scoped(customer_ids=("acme",))
    assert ("lin_acme",) == found.lineages
    assert ("acme", "former_child", "labs") == found.customer_ids


def test_a_renewal_by_another_customer_brings_both_along():
    assert ("bolt", "bolt_new") == scoped(customer_ids=("bolt_new",)).customer_ids


def test_a_shared_subject_of_one_system_brings_its_customers_along():
    assert ("curl", "dent") == scoped(customer_ids=("curl",)).customer_ids


def test_a_plan_means_contracts_that_are_on_it_in_the_month_or_ended_on_it_before():
    """Curl comes to pro in October only; dent ended on it in June, and may still be corrected."""
    found = scoped(plan_ids=("pro",)).lineages
    assert ("lin_acme", "lin_bolt", "lin_dent", "lin_labs") == found


def test_customers_and_plans_together_mean_both():
    assert ("lin_labs",) == scoped(customer_ids=("curl", "labs"), plan_ids=("pro",)).lineages


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ({"customer_ids": ("acne",)}, "the nearest name is acme"),
        ({"customer_ids": ("former_child",)}, "no customer of that id holds a contract"),
        ({"plan_ids": ("pros",)}, "the nearest name is pro"),
        ({"plan_ids": ("unused",)}, "contracts on plan unused in 2026-09: there is none"),
    ],
)
def test_a_scope_that_names_no_contract_is_refused(scope, words):
    with pytest.raises(ScopeUnknownError, match=words):
        scoped(**scope)


def test_tables_are_cut_to_the_customers_and_what_concerns_everybody():
    cut = cut_tables(BOOK, scoped(customer_ids=("acme",)).customer_ids)
    assert ["con_acme", "con_labs"] == cut["contracts"]["contract_id"].to_pylist()
    assert ["list", "acme_own"] == cut["charges"]["charge_price_id"].to_pylist()
    assert ["list", "acme_own"] == cut["charge_tiers"]["charge_price_id"].to_pylist()
    assert [] == cut["identities"]["customer_id"].to_pylist()
    assert BOOK["plans"].equals(cut["plans"])


def other_book(**rows):
    """A version with some tables of its own, all others as in BOOK."""
    return BOOK | {name: tables("then", **rows)[name] for name in rows}


def test_whoever_bears_on_a_contract_in_one_version_does_in_every_mixture_of_them():
    """A subject that was acme's and is curl's, a parent and a holder that were others."""
    subject = {"system_id": "app", "external_id": "t1", "customer_id": "acme"}
    then = other_book(
        identities=[subject],
        customers=[{"customer_id": "bolt", "parent_customer_id": "curl"}],
        contracts=[contract("left", lineage="lin_bolt")],
    )
    assert ("curl", "dent") == customers_bearing_on([BOOK], {"lin_curl"})
    everybody = ("acme", "bolt", "bolt_new", "curl", "dent", "former_child", "labs", "left")
    assert everybody == customers_bearing_on([BOOK, then], {"lin_curl"})


def test_a_lineage_that_only_an_earlier_version_has_brings_its_holder_along():
    then = other_book(contracts=[contract("gone")])
    assert () == customers_bearing_on([BOOK], {"lin_gone"})
    assert ("gone",) == customers_bearing_on([BOOK, then], {"lin_gone"})
