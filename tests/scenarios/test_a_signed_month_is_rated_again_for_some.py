"""A signed month is rated again for one customer, then for a plan; nothing else of it moves.

A price is put right for everybody, usage comes late for one customer. Each re-rating is signed, and
rebuilt afterwards to the digest that was signed.
"""

import json
from decimal import ROUND_HALF_UP, Decimal
from types import SimpleNamespace

import pytest

from orchestration.cli_answers import ExitCode
from orchestration.data_directory import initialise

pytestmark = pytest.mark.slow

MONTH, NEXT_MONTH = "2026-09", "2026-10"
CHARGE, PLAN = "starter_input_tokens", "starter"
PRICE, PRICE_PUT_RIGHT = 'USD: {unit_price: "4.00"}', 'USD: {unit_price: "4.40"}'
RESTATES = f"""restates:
  - reason: The price list had 4.00 for 4.40.
    author: prices@brightloop.example
    from: 2026-09-01
    charges: [{CHARGE}]
"""
LATE_TOKENS = 4_000_000
LATE = {
    "specversion": "1.0",
    "id": "late-1",
    "source": "/gateway/us-east",
    "type": "llm.completion",
    "subject": "tenant-quarry-street",
    "time": "2026-09-20T15:00:00Z",
    "dataschema": "https://schemas.brightloop.example/llm.completion/1",
    "data": {"model": "atlas-small", "input_tokens": LATE_TOKENS, "output_tokens": 0},
}
BILLED = f"""
    select lines.customer_id, lines.quantity, entries.amount as billed_amount
    from rating.fct_rated_lines as lines
    inner join (
        select settlement_key, sum(amount) as amount
        from staging.stg_register__entries
        where entry_kind = 'bill'
        group by settlement_key
    ) as entries on lines.settlement_key = entries.settlement_key
    where
        lines.charge_id = '{CHARGE}' and lines.currency_code = 'USD'
        and lines.billing_period = '{MONTH}'
"""
OWNER = "select customer_id from staging.stg_reference__identities where external_id = '{}'"


def rerate(house, *scope):
    return house.tallyhouse("rerate", "--period", MONTH, *scope)


def sign(house, answer):
    for revision in answer[1]["revisions"]:
        house.sign(SimpleNamespace(revision_id=revision["revision_id"]))


def due_at_the_new_price(quantity, billed):
    """What a quantity of tokens comes to at 4.40 the million, less what was billed."""
    cost = quantity * Decimal("4.40") / 1_000_000
    return cost.quantize(Decimal("0.01"), ROUND_HALF_UP) - billed


@pytest.fixture(scope="module")
def told(house_of_the_signed_month):
    """What each step answered, in order."""
    house = house_of_the_signed_month
    initialise(house.settings)
    [(owner,)] = house.rows(OWNER.format(LATE["subject"]))
    billed = {
        row["customer_id"]: (row["quantity"], row["billed_amount"])
        for row in house.mappings(BILLED)
    }
    prices = house.settings.reference_dir / "price_book" / "starter.yml"
    prices.write_text(prices.read_text("utf-8").replace(PRICE, PRICE_PUT_RIGHT), "utf-8")
    (house.settings.reference_dir / "restates.yml").write_text(RESTATES, "utf-8")
    before = house.warehouse_digests()
    told = {"owner": owner, "billed": billed}
    told["one"] = rerate(house, "--customer", owner)
    told["moved"] = [
        name for name, digest in house.warehouse_digests().items() if before[name] != digest
    ]
    told["one again"] = rerate(house, "--customer", owner)
    told["other"] = rerate(house, "--plan", PLAN)
    sign(house, told["one"])
    house.deliver("2026-11-03/late.jsonl", json.dumps(LATE).encode() + b"\n")
    house.load()
    told["late"] = rerate(house, "--customer", owner)
    house.publish()
    told["late usage"] = house.tallyhouse("late-usage")
    sign(house, told["late"])
    told["diff"] = house.tallyhouse("diff", "--period", MONTH)
    told["plan"] = rerate(house, "--plan", PLAN)
    sign(house, told["plan"])
    told["reproduced"] = [
        house.tallyhouse("reproduce", "--period", MONTH, "--entity", entity, "--revision", number)
        for entity, number in told_revisions(told)
    ]
    told["unsigned"] = house.tallyhouse("rerate", "--period", NEXT_MONTH)
    return told


def told_revisions(told):
    """Entity and number of every revision that was signed again."""
    ids = {
        revision["revision_id"]
        for step in ("one", "late", "plan")
        for revision in told[step][1]["revisions"]
    }
    return sorted((name.split(":")[0], name.rpartition(":r")[2]) for name in ids)


def due(answer):
    return {
        (row["customer_id"], row["charge_id"]): Decimal(row["due_amount"])
        for row in answer[1]["rows"]
    }


def test_one_customer_is_corrected_by_the_new_price_and_nobody_else(told):
    quantity, billed = told["billed"][told["owner"]]
    assert {(told["owner"], CHARGE): due_at_the_new_price(quantity, billed)} == due(told["one"])
    assert 1 == told["one"][1]["contract_lineages"]


def test_the_warehouse_stays_as_it_is(told):
    assert [] == told["moved"]


def test_rating_it_once_more_freezes_the_same_revision(told):
    assert told["one"][1]["revisions"] == told["one again"][1]["revisions"]


def test_other_contracts_wait_until_the_first_are_decided_about(told):
    code, answer = told["other"]
    assert (ExitCode.REFUSED, "revision_waits") == (code, answer["error"]["code"])


def test_usage_that_came_late_is_rated_with_what_was_signed_before(told):
    late = Decimal(LATE_TOKENS) * Decimal("4.40") / 1_000_000
    assert late == due(told["late"])[told["owner"], CHARGE]
    assert {told["owner"]} == {customer for customer, _ in due(told["late"])}


def test_late_usage_is_told_with_its_quantity_and_what_it_comes_to(told):
    rows = [row for row in told["late usage"][1]["late_usage"] if row["charge_id"] == CHARGE]
    late = Decimal(LATE_TOKENS) * Decimal("4.40") / 1_000_000
    assert [(told["owner"], MONTH, 1, LATE_TOKENS, late)] == [
        (
            row["customer_id"],
            row["billing_period"],
            row["event_count"],
            Decimal(row["quantity"]),
            Decimal(row["due_amount"]),
        )
        for row in rows
    ]


def test_everybody_else_is_told_the_price_as_cause_and_the_corrected_one_nothing(told):
    rows = told["diff"][1]["rows"]
    assert {"price"} == {row["cause"] for row in rows}
    assert told["owner"] not in {row["customer_id"] for row in rows}


def test_a_plan_is_corrected_for_all_others_by_what_was_told_before(told):
    """Every second way to the same amounts: the waterfall over the whole company."""
    before = {
        row["settlement_key"]: Decimal(row["difference_amount"]) for row in told["diff"][1]["rows"]
    }
    rows = told["plan"][1]["rows"]
    assert before == {row["settlement_key"]: Decimal(row["due_amount"]) for row in rows}
    assert 2 < len({row["customer_id"] for row in rows})


def test_every_revision_is_rebuilt_to_its_digest(told):
    assert 3 == len(told["reproduced"])
    for code, answer in told["reproduced"]:
        [rebuilt] = answer["reproductions"]
        assert (ExitCode.DONE, []) == (code, rebuilt["differing"])


def test_a_month_that_was_not_signed_is_refused(told):
    code, answer = told["unsigned"]
    assert (ExitCode.REFUSED, "period_not_signed") == (code, answer["error"]["code"])
