"""Tenants beside a drawn tenant that must come to the same: one cut in vain, one on a single tier.

Belongs here: how such a twin is made. Does not belong here: what is compared.
"""

from dataclasses import replace
from datetime import timedelta

from oracle_book import instant
from oracle_time import day_start, local_day

KEPT = ("name", "product", "meter", "convert", "free_quantity", "proration", "rounding_mode")


def with_a_cut(tenant, *, hours=0):
    """Return an amendment that changes nothing, so many hours into a day; None where none fits."""
    zone = tenant.contract["time_zone"]
    first = instant(tenant.contract["start_date"], zone)
    at = day_start(zone, local_day(zone, first) + timedelta(days=10)) + timedelta(hours=hours)
    end = instant(tenant.contract["end_date"], zone)
    starts = [instant(each.start, zone) for each in tenant.amendments]
    if at in starts or (end and end <= at):
        return None
    before = [each for each in tenant.amendments if instant(each.start, zone) < at][-1]
    return replace(before, start=f"{at:%Y-%m-%dT%H:%M:%SZ}")


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
    nothing = [[] for _plan in plans]
    return replace(tenant, plans=plans, overrides=[], terms=nothing, own_terms=[])


def _on_one_tier(charge, model):
    price = {"tiers": [{"unit_price": "0.333333333333", "flat_amount": "1.005"}]}
    versions = [
        each | {"prices": dict.fromkeys(each["prices"], price)} for each in charge["versions"]
    ]
    made = {name: charge[name] for name in KEPT if name in charge}
    return made | {"model": model, "zero_usage": "skip", "versions": versions}
