"""Random histories of companies, month after month, in the format of stories without expectations.

Belongs here: what is drawn. Does not belong here: closing months (ledger_run.py); what must hold.

A history has late usage, prices, commitments and maximum spends that change, contracts that move to
another legal entity or plan with effect in a signed month, contract files that do not arrive, and
credit that is drawn, expires and goes back; credits by hand, goodwill and documents that are
cancelled in the ERP and released. None has a commitment under a maximum spend: where both change
what was signed, a document may be credited below zero (decision 35, Left).
"""

import os
import random

from golden_cases import Case, filled_fields
from ledger_stories import CLOSES, FOLDER, Close, Story

SEED = int(os.environ.get("LEDGER_SEED", "20261122"))
HISTORIES = int(os.environ.get("LEDGER_HISTORIES", "40"))
PRICES = ["0.1", "0.25", "0.5", "1", "1.5", "3"]
MOST_UNITS = 60
RECORDED = 0.25


def random_histories():
    """Draw HISTORIES stories, the same ones for the same SEED."""
    dice = random.Random(SEED)  # noqa: S311 — repeatable tests, no secrets
    return [_history(dice, f"history_{number:03d}") for number in range(HISTORIES)]


def _history(dice, name):
    given = {
        "charges": [_charge(dice, "c", "p"), _charge(dice, "d", "q")],
        "contract": {"end": "2026-05-01", "versions": [{"from": "2026-01-01"}]},
        "terms": _terms(dice),
        "grants": _grants(dice),
        "events": _events(dice),
    }
    lost_at = dice.choice([None, None, None, 2, 3])
    closes = []
    for number in range(1, CLOSES + 1):
        if number > 1:
            given = given | _change(dice, given, number)
        case = Case(name, name, FOLDER / f"{name}.yml", filled_fields(given, {}))
        is_recorded = number < CLOSES and dice.random() < RECORDED
        records = [{"drawn": dice.randrange(10**6)}] if is_recorded else []
        closes.append(
            Close(
                case=case,
                is_lost=number == lost_at,
                documents=[],
                lines={},
                held=[],
                records=records,
            )
        )
    return Story(name, "a random history", closes)


def _charge(dice, charge_id, plan):
    charge = {"id": charge_id, "plan": plan, "name": charge_id.upper()}
    if dice.random() < 0.5:
        return charge | {"price": {"unit_price": dice.choice(PRICES)}}
    tiers = [
        {"up_to": str(dice.randrange(5, MOST_UNITS)), "unit_price": dice.choice(PRICES)},
        {"unit_price": dice.choice(PRICES)},
    ]
    model = dice.choice(["volume", "graduated"])
    return charge | {"model": model, "price": {"tiers": tiers}}


def _terms(dice):
    terms = []
    if dice.random() < 0.4:
        maximum = {"kind": "maximum_spend", "amount": {"USD": str(dice.randrange(5, 40))}}
        terms.append({"id": "cap", "plan": "p", "charges": ["c"], **maximum})
    elif dice.random() < 0.4:
        promise = {"kind": "commitment", "amount": {"USD": str(dice.randrange(5, 40))}}
        promise["per"] = dice.choice(["period", "period", "term"])
        if dice.random() < 0.5:
            promise["overage_factor"] = "1.5"
        terms.append({"id": "promise", "plan": "p", "charges": ["c"], **promise})
    if dice.random() < 0.3:
        allowance = {"kind": "allowance", "quantity": str(dice.randrange(1, 20))}
        rollover = {"rollover": {"periods": "1"}}
        terms.append({"id": "free", "plan": "p", "charges": ["c"], **allowance, **rollover})
    return terms


def _grants(dice):
    gift = {"id": "gift", "amount": str(dice.randrange(1, 30)), "priority": "1"}
    if dice.random() < 0.7:
        gift["expires_on"] = dice.choice(["2026-02-01", "2026-03-01"])
        gift["draws_by"] = dice.choice(["service_date", "service_date", "run"])
        if dice.random() < 0.4:
            gift |= {"restores_after_expiry": "reopen", "reopens_for_days": "30"}
    bought = {"id": "bought", "kind": "purchased", "amount": str(dice.randrange(1, 60))}
    units = {"id": "units", "amount": str(dice.randrange(1, 40)), "unit": "unit", "priority": "3"}
    usual = [gift, {**bought, "priority": "2", "cost_basis": "1"}, units]
    return [grant for grant in usual if dice.random() < 0.4]


def _events(dice):
    """Usage of each month, most of it in time."""
    events = []
    for month in range(1, CLOSES + 1):
        for _ in range(dice.randrange(1, 4)):
            late = dice.choice([0, 0, 0, 1, 2])
            events.append(
                {
                    "value": str(dice.randrange(1, MOST_UNITS)),
                    "at": f"2026-{month:02d}-{dice.randrange(1, 28):02d}",
                    "batch": str(min(month + late, CLOSES)),
                }
            )
    return events


def _change(dice, given, number):
    """What is others from a close on; it takes effect in any month since January."""
    kind = dice.choice(["nothing", "price", "price", "entity", "plan", "terms"])
    if kind == "price":
        return {"charges": [_charge(dice, "c", "p"), *given["charges"][1:]]}
    if kind == "terms":
        return {"terms": _terms(dice)}
    if kind == "nothing" or len(given["contract"]["versions"]) > 1:
        return {}
    day = f"2026-{dice.randrange(1, number + 1):02d}-{dice.choice(['01', '11', '20'])}"
    if day == "2026-01-01":
        return {}
    moved = {"from": day} | ({"entity": "de"} if kind == "entity" else {"plan": "q"})
    return {"contract": given["contract"] | {"versions": [{"from": "2026-01-01"}, moved]}}
