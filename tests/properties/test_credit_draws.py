"""Every draw and expiry of credit against a plain second computation, over random grants.

Two builds: what is due for the first time, and what is due after half of it was signed. Invariants
6 and 9.
"""

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

import pytest
from rating_warehouse import BILLING, RatingWarehouse, instant

SEED = 20261121
CONTRACTS = 120
MONTHS = (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1))
KNOWN_UNTIL = datetime(2026, 4, 2, tzinfo=UTC)
RUN = (date(2026, 3, 1), date(2026, 4, 1))
MINOR_UNITS = {"USD": 2, "JPY": 0, "KWD": 3}
CHARGES = ("a", "b", "c")
UNIT_DECIMALS = Decimal("0.000000001")
ZERO = Decimal(0)
EXPIRY_COLUMNS = (
    *("credit_grant_id", "contract_lineage_id", "customer_id", "legal_entity_id"),
    *("currency_code", "unit_label", "breakage_amount"),
)


def add_book(dice, warehouse):
    for charge in CHARGES:
        warehouse.add_meter(
            charge, unit="GB" if charge != "b" else "call", is_negative_allowed=True
        )
    warehouse.add_plan("plan")
    for charge in CHARGES:
        tiers = {
            code: [{"unit_price": Decimal(dice.randint(1, 9999)) / 100}] for code in MINOR_UNITS
        }
        warehouse.add_charge(
            f"plan/{charge}",
            plan_id="plan",
            charge_id=charge,
            charge_model="per_unit",
            meter_id=charge,
            unit_label="GB" if charge != "b" else "call",
            tiers=tiers,
        )


def add_contract(dice, warehouse, name):
    currency = dice.choice([*MINOR_UNITS])
    warehouse.add_contract(name, plan_id="plan", start_date=MONTHS[0], currency_code=currency)
    for charge in CHARGES:
        for month in MONTHS[:3]:
            for _ in range(dice.randint(0, 2)):
                day = month + timedelta(days=dice.randint(0, 27))
                sign = dice.choice([1, 1, 1, 1, -1])
                warehouse.use(name, charge, day, sign * Decimal(dice.randint(1, 99999)) / 1000)
    for number in range(dice.randint(0, 5)):
        add_grant(dice, warehouse, name, f"{name}-g{number}", currency)


def add_grant(dice, warehouse, contract_id, grant_id, currency):
    unit = dice.choice([None, None, "GB", "call"])
    digits = 3 if unit else MINOR_UNITS[currency]
    starts_on = dice.choice(MONTHS[:3]) + timedelta(days=dice.choice([0, 0, 27, 40]))
    ends_after = dice.choice([None, 1, 20, 45, 400])
    is_purchased = dice.random() < 0.5
    scope = dice.choice([(), (), ("a",), ("b", "c")])
    warehouse.add(
        "credit_grants",
        credit_grant_id=grant_id,
        contract_id=contract_id,
        kind="purchased" if is_purchased else "promotional",
        amount=Decimal(dice.choice([1, 50, 5000, 500000])) * Decimal(1).scaleb(-digits),
        currency_code=None if unit else currency,
        unit=unit,
        priority=dice.randint(1, 2),
        starts_on=starts_on,
        expires_on=None if ends_after is None else starts_on + timedelta(days=ends_after),
        cost_basis=Decimal(dice.randint(0, 2)) / 2 if is_purchased else None,
        is_scoped=bool(scope),
        draws_by=dice.choice(["service_date", "run"]),
        restores_after_expiry="forfeit",
        product_id="product" if is_purchased else None,
    )
    for charge in scope:
        warehouse.add("credit_grant_scopes", credit_grant_id=grant_id, charge_id=charge)


def place_in_order(grant):
    return (
        grant["kind"] == "purchased",
        grant["priority"],
        grant["expires_on"] or date.max,
        grant["cost_basis"] or ZERO,
        grant["starts_on"],
        grant["credit_grant_id"],
    )


def payable(keys, places):
    """What of each key credits may pay: sums of documents and their contracts never go below 0."""
    left = {key["settlement_key"]: max(key["amount"], ZERO) for key in keys}
    for lowering in (key for key in keys if key["amount"] < 0):
        about = [
            key
            for key in keys
            if key["charge_id"] == lowering["charge_id"]
            and key["document_id"] == lowering["document_id"]
            and key["amount"] > 0
        ]
        covered = sum((key["amount"] for key in about), ZERO)
        for key in about:
            share = -lowering["amount"] * key["amount"] / covered
            left[key["settlement_key"]] -= share.quantize(places[key["currency_code"]], ROUND_DOWN)
    left = {key: max(amount, ZERO) for key, amount in left.items()}
    nets = defaultdict(lambda: ZERO)
    for key in keys:
        nets[key["document_id"]] += key["amount"]
    for key in keys:
        paid = max(min(left[key["settlement_key"]], nets[key["document_id"]]), ZERO)
        left[key["settlement_key"]] = paid
        nets[key["document_id"]] -= paid
    return left


def expected_draws(keys, grants, scopes, held):
    """Draws of one contract: (key, grant) to (money, units), grant after grant, key after key."""
    places = {code: Decimal(1).scaleb(-digits) for code, digits in MINOR_UNITS.items()}
    left = payable(keys, places)
    units = {}
    for key in keys:
        name = key["settlement_key"]
        quantity = key["quantity"] if key["amount"] > 0 and key["quantity"] > 0 else ZERO
        rated = max(key["rated_amount"], key["amount"])
        part = quantity * left[name] / rated if quantity else ZERO
        units[name] = part.quantize(UNIT_DECIMALS, ROUND_DOWN)
    draws = {}
    for grant in sorted(grants, key=place_in_order):
        balance = held[grant["credit_grant_id"]]
        for key in keys:
            name = key["settlement_key"]
            if left[name] == 0 or not pays(grant, key, scopes):
                continue
            if grant["unit"] is None:
                money = min(balance, left[name])
                taken = (units[name] * money / left[name]).quantize(UNIT_DECIMALS, ROUND_DOWN)
                balance -= money
            else:
                taken = min(balance, units[name])
                worth = left[name] * taken / units[name] if taken else ZERO
                money = worth.quantize(places[key["currency_code"]], ROUND_HALF_UP)
                balance -= taken
            left[name] -= money
            units[name] -= taken
            if money or taken:
                own = taken if grant["unit"] else None
                draws[name, grant["credit_grant_id"]] = (money, own)
    return draws


def pays(grant, key, scopes):
    scope = scopes.get(grant["credit_grant_id"])
    end = grant["expires_on"] or date.max
    days = (key["service_start_date"], key["service_end_date"])
    if grant["draws_by"] == "run" and days[1] <= RUN[0]:
        days = RUN
    return (
        (scope is None or key["charge_id"] in scope)
        and (grant["unit"] in (None, key["unit_label"]))
        and grant["starts_on"] < days[1]
        and end > days[0]
    )


def oracle(warehouse, signed):
    """Expected draws over everything that the warehouse proposes to bill."""
    scopes = defaultdict(set)
    for row in warehouse.reference["credit_grant_scopes"]:
        scopes[row["credit_grant_id"]].add(row["charge_id"])
    grants = defaultdict(list)
    held = {}
    for grant in warehouse.reference["credit_grants"]:
        grants[grant["contract_id"]].append(grant)
        held[grant["credit_grant_id"]] = grant["amount"] - signed[grant["credit_grant_id"]]
    keys = defaultdict(list)
    for key in warehouse.rows(
        "select * from billing.int_candidates__charged "
        "order by billing_period, charge_id, dimension_key, customer_id, settlement_key"
    ):
        keys[key["contract_lineage_id"]].append(key)
    found = {}
    for contract_id, owned in grants.items():
        found |= expected_draws(keys[contract_id], owned, scopes, held)
    return found


def expected_expiries(warehouse, draws, signed):
    """What every grant has left after its last day: to the end of March all lines are due."""
    drawn_now = defaultdict(lambda: ZERO)
    for (_, grant_id), (money, units) in draws.items():
        drawn_now[grant_id] += money if units is None else units
    expected = {}
    for grant in warehouse.reference["credit_grants"]:
        grant_id = grant["credit_grant_id"]
        left = grant["amount"] - signed[grant_id] - drawn_now[grant_id]
        if left and (grant["expires_on"] or date.max) <= RUN[1]:
            expected[grant_id] = left
    return expected


def expiring(warehouse):
    return {
        row["credit_grant_id"]: row["quantity"]
        for row in warehouse.rows("select * from billing.int_credits__expiring")
    }


def drawn(warehouse):
    return {
        (row["settlement_key"], row["credit_grant_id"]): (
            -row["amount"],
            None if row["unit_label"] is None else -row["quantity"],
        )
        for row in warehouse.rows(
            "select * from billing.fct_invoice_candidate_lines where credit_grant_id is not null"
        )
    }


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    dice = random.Random(SEED)  # noqa: S311 — repeatable tests, no secrets
    warehouse = RatingWarehouse(tmp_path_factory.mktemp("credits"), known_until=KNOWN_UNTIL)
    add_book(dice, warehouse)
    for number in range(CONTRACTS):
        add_contract(dice, warehouse, f"k{number:03d}")
    warehouse.build(*BILLING)
    nothing = defaultdict(lambda: ZERO)
    expected = oracle(warehouse, nothing)
    return {
        "expected": expected,
        "drawn": drawn(warehouse),
        "expected_expiries": expected_expiries(warehouse, expected, nothing),
        "expiries": expiring(warehouse),
        "expiring": warehouse.rows(
            "select * from billing.int_credits__expiring order by credit_grant_id"
        ),
        "lines": warehouse.rows("select * from billing.fct_invoice_candidate_lines"),
        "warehouse": warehouse,
    }


@pytest.fixture(scope="module")
def second(first):
    """Every other document and expiry was signed, then usage came late."""
    dice = random.Random(SEED + 1)  # noqa: S311 — repeatable tests, no secrets
    warehouse = first["warehouse"]
    kinds = {"new": "bill", "promotional_credit": "credit_draw", "purchased_credit": "credit_draw"}
    signed = defaultdict(lambda: ZERO)
    chosen = {line["document_id"] for line in first["lines"] if dice.random() < 0.5}
    for number, line in enumerate(first["lines"]):
        if line["document_id"] not in chosen:
            continue
        place = {"register_sequence": 1, "manifest_sha256": "0" * 64, "entry_number": number}
        warehouse.register.append(
            {
                **line,
                **place,
                "entry_kind": kinds[line["cause"]],
                "posting_key": line["document_id"][:20].upper(),
                "billed_before": ZERO,
                "signer": "ana",
                "signed_at": instant(2026, 4, 2),
            }
        )
        if line["credit_grant_id"] is not None:
            own = "amount" if line["unit_label"] is None else "quantity"
            signed[line["credit_grant_id"]] -= line[own]
    for number, row in enumerate(first["expiring"][::2], start=len(first["lines"])):
        is_money = row["unit_label"] is None
        warehouse.register.append(
            {
                **{name: row[name] for name in EXPIRY_COLUMNS},
                "register_sequence": 1,
                "manifest_sha256": "0" * 64,
                "entry_number": number,
                "entry_kind": "credit_expire",
                "quantity": Decimal(-1) if is_money else -row["quantity"],
                "amount": -row["quantity"] if is_money else ZERO,
                "billed_before": ZERO,
                "signer": "ana",
                "signed_at": instant(2026, 4, 2),
            }
        )
        signed[row["credit_grant_id"]] += row["quantity"]
    for number in range(CONTRACTS):
        for charge in CHARGES:
            late = Decimal(dice.randint(1, 9999)) / 1000
            warehouse.use(f"k{number:03d}", charge, MONTHS[1], late, event_id="late")
    warehouse.build(*BILLING)
    expected = oracle(warehouse, signed)
    return {
        "expected": expected,
        "drawn": drawn(warehouse),
        "expected_expiries": expected_expiries(warehouse, expected, signed),
        "expiries": expiring(warehouse),
        "signed": signed,
    }


def test_what_is_due_for_the_first_time_is_paid_as_the_oracle_says(first):
    assert first["expected"] == first["drawn"]
    assert len(first["drawn"]) > CONTRACTS


def test_what_is_due_after_signatures_is_paid_from_what_they_left(second):
    assert second["expected"] == second["drawn"]
    assert len(second["drawn"]) > CONTRACTS / 4
    assert any(second["signed"].values())


def test_what_draws_leave_after_the_last_day_expires(first, second):
    assert first["expected_expiries"] == first["expiries"]
    assert second["expected_expiries"] == second["expiries"]
    assert len(first["expiries"]) > CONTRACTS / 4
    assert len(second["expiries"]) > CONTRACTS / 8


def test_no_grant_falls_below_zero_and_the_ledger_sums_to_zero(second, first):
    """Invariant 6."""
    warehouse = first["warehouse"]
    assert [] == warehouse.rows(
        "select credit_grant_id from billing.fct_credit_balances where open_quantity < 0"
    )
    assert [] == warehouse.rows(
        "select movement_id from billing.fct_credit_ledger group by movement_id "
        "having sum(quantity) <> 0 or coalesce(sum(amount), 0) <> 0 or count(*) <> 2"
    )
    assert [] == warehouse.rows(
        "select credit_grant_id from billing.fct_credit_ledger "
        "group by credit_grant_id having sum(quantity) <> 0"
    )


def test_breakage_adds_up_to_what_was_paid_for_what_expired(second, first):
    """However it was signed: rounded once over all that expired of a grant."""
    warehouse = first["warehouse"]
    assert [] == warehouse.rows(
        """
        select balances.credit_grant_id
        from billing.fct_credit_balances as balances
        inner join billing.int_credits__opened as grants using (credit_grant_id)
        left join billing.int_credits__expiring as expiring using (credit_grant_id)
        where
            balances.breakage_amount
            <> grants.signed_breakage_amount + coalesce(expiring.breakage_amount, 0)
        """
    )


def test_documents_and_draws_come_to_what_is_due_document_by_document(second, first):
    """Invariant 6."""
    warehouse = first["warehouse"]
    assert [] == warehouse.rows(
        """
        select document_id
        from (
            select document_id, amount from billing.fct_invoice_candidates
            union all
            select document_id, paid_amount from billing.int_credits__moved
            union all
            select document_id, -amount from billing.int_candidates__charged
        )
        group by document_id
        having sum(amount) <> 0
        """
    )
    assert [] == warehouse.rows(
        "select document_id from billing.fct_invoice_candidates "
        "where (amount < 0) <> (document_kind = 'credit_memo')"
    )
