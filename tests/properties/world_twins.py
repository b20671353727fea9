"""Tenants beside a drawn tenant that must come to the same: one cut in vain, one on a single tier.

Belongs here: how such a twin is made. Does not belong here: what is compared.
"""

from dataclasses import replace
from datetime import date, timedelta

KEPT = ("name", "product", "meter", "convert", "free_quantity", "proration", "rounding_mode")


def with_a_cut(tenant):
    """Return (day, plan) of a contract version that changes nothing, or None where none fits."""
    day = tenant.versions[0][0] + timedelta(days=10)
    end = tenant.contract["end_date"]
    if day in {each for each, _plan in tenant.versions} or (end and date.fromisoformat(end) <= day):
        return None
    return day, max(each for each in tenant.versions if each[0] < day)[1]


def with_one_tier(tenant):
    """Return a tenant whose usage charges are pairs on one tier: graduated, then volume."""
    plans = []
    for plan in tenant.plans:
        pairs = [
            _on_one_tier(charge, model)
            for charge in plan
            if "meter" in charge
            for model in ("graduated", "volume")
        ]
        plans.append(pairs or plan)
    return replace(tenant, plans=plans, overrides=[])


def _on_one_tier(charge, model):
    price = {"tiers": [{"unit_price": "0.333333333333", "flat_amount": "1.005"}]}
    versions = [
        each | {"prices": dict.fromkeys(each["prices"], price)} for each in charge["versions"]
    ]
    made = {name: charge[name] for name in KEPT if name in charge}
    return made | {"model": model, "zero_usage": "skip", "versions": versions}
