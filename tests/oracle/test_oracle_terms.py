"""The oracle's contract terms and credit ledger, against cases worked out by hand."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from oracle_credits import CreditLedger, Grant
from oracle_rating import rate
from test_oracle_rating import UNTIL, book_of, charge, use, version

CALLS = charge("calls", "per_unit", version({"unit_price": "1"}), meter="calls")
SPEND = charge("spend", "per_unit", version({"unit_price": "2"}), meter="spend")
FEE = charge("fee", "flat", version({"amount": "30"}))


def rated(charges, *terms, events=(), until=UNTIL, **contract):
    """Return (charge or term, kind, amount) of every line that has an amount, in order."""
    book = book_of(charges, **contract)
    book.plans[0]["terms"] = list(terms)
    lines, _exceptions = rate(book, events, until=until)
    return [(line.charge, line.kind, line.amount) for line in lines if line.amount]


def term(kind, **fields):
    return {"id": "term", "kind": kind, **fields}


def test_an_allowance_comes_off_in_the_order_of_its_pool():
    pool = term("allowance", charges=["spend", "calls"], quantity="10")
    # Seven of the ten go to spend, and what is left to calls, of which there are seven, too.
    found = rated([CALLS, SPEND], pool, events=[use(2, 7)])
    assert [("calls", "usage", 4)] == found


def test_units_are_drawn_to_nine_decimals():
    parts = CALLS | {"convert": {"divide": "7", "rounding": "none"}}
    other = parts | {"id": "other"}
    pool = term("allowance", charges=["calls", "other"], quantity="2")
    # 8 / 7 draw 1.142857143 and are free; 0.857142857 are left for the other 1.142857142857...
    (line,) = rated([parts, other], pool, events=[use(2, 8)])
    assert ("other", "usage", Fraction("0.29")) == line
    book = book_of([parts, other])
    book.plans[0]["terms"] = [pool]
    lines, _exceptions = rate(book, [use(2, 8)], until=UNTIL)
    assert [0, Fraction("0.285714285857")] == [each.unrounded for each in lines]


def test_an_allowance_is_prorated_by_the_days_of_its_cell():
    pool = term("allowance", charges=["calls"], quantity="10")
    found = rated([CALLS], pool, events=[use(20, 7)], start_date="2026-09-16")
    assert [("calls", "usage", 2)] == found


def test_unused_allowance_rolls_over_up_to_its_cap_and_expires():
    two_cells = {"start_date": "2026-07-01", "end_date": ""}
    pool = term(
        "allowance", charges=["calls"], quantity="10", rollover={"cap": "4", "periods": "1"}
    )
    # July uses 1 of 10; 4 of 9 roll over. August uses 12 of 14; its 2 roll over. September has 12.
    events = [use(-60, 1), use(-20, 12), use(5, 20)]
    assert [("calls", "usage", 8)] == rated([CALLS], pool, events=events, **two_cells)
    # What was rolled over in July is gone in September, used or not.
    events = [use(-60, 1), use(5, 20)]
    assert [("calls", "usage", 6)] == rated([CALLS], pool, events=events, **two_cells)


def test_free_units_of_a_discount_come_off_within_its_dates():
    free = term("discount", charges=["calls"], free_quantity="30")
    free |= {"from": "2026-09-16", "to": "2026-10-01"}
    assert [("calls", "usage", 5)] == rated([CALLS], free, events=[use(20, 20)])


def test_a_percentage_cuts_the_cell_at_its_dates():
    half = term("discount", percent="50") | {"from": "2026-09-16"}
    assert [("fee", "fee", 15), ("fee", "fee", Fraction("7.5"))] == rated([FEE], half)


def test_an_amount_is_prorated_by_the_days_that_it_covers():
    off = term("discount", amount={"USD": "10"}) | {"from": "2026-09-16"}
    assert [("fee", "fee", 15), ("fee", "fee", 10)] == rated([FEE], off)


@pytest.mark.parametrize(("length", "paid"), [({"days": 10}, 20), ({"months": 1}, 0)])
def test_a_trial_is_a_discount_of_the_whole(length, paid):
    found = rated([FEE], term("trial", **length))
    assert paid == sum(amount for _charge, _kind, amount in found)


def test_an_amount_is_shared_by_all_charges_that_it_covers():
    off = term("discount", amount={"USD": "8"})
    # 8 of 30 + 10, in proportion: 6 and 2.
    found = rated([FEE, CALLS], off, events=[use(2, 10)])
    assert [("fee", "fee", 24), ("calls", "usage", 8)] == found


def test_a_cap_counts_commitments_of_its_own_charges_alone():
    commitment = term("commitment", amount="40", per="period", charges=["fee"])
    cap = term("maximum_spend", amount="15", charges=["calls"])
    found = rated([FEE, CALLS], commitment, cap, events=[use(2, 20)])
    assert ("term", "cap", -5) == found[-1]
    cap = term("maximum_spend", amount="15", charges=["fee"])
    found = rated([FEE, CALLS], commitment, cap, events=[use(2, 20)])
    assert ("term", "cap", -25) == found[-1]


def test_a_trial_has_no_minimum():
    made = charge("calls", "per_unit", version({"unit_price": "1", "minimum": "30"}), meter="calls")
    assert [("calls", "minimum", 20)] == rated([made], term("trial", days=10))


def test_what_shares_an_amount_with_a_held_line_is_held_too():
    off = term("discount", amount={"USD": "8"})
    book = book_of([SPEND, charge("down", "flat", version({"amount": "30"}))])
    book.plans[0]["terms"] = [off]
    one, other = use(2, 1, name="same"), use(2, 2, name="same")
    lines, _exceptions = rate(book, [one, other], until=UNTIL)
    assert {"spend": "conflicting_events", "down": "depends_on_held"} == {
        line.charge: line.code for line in lines
    }


def test_a_trial_of_periods_ends_with_a_cell():
    found = rated([FEE], term("trial", periods=1), start_date="2026-08-16", end_date="")
    assert [("fee", "fee", 30)] == found


def test_a_commitment_is_trued_up_or_costs_more_above_it():
    commitment = term("commitment", amount="100", per="period", overage_factor="1.5")
    assert [("fee", "fee", 30), ("term", "true_up", 70)] == rated([FEE], commitment)
    found = rated([CALLS], commitment, events=[use(2, 120)])
    assert [("calls", "usage", 120), ("term", "overage", 10)] == found
    assert [("calls", "usage", 100)] == rated([CALLS], commitment, events=[use(2, 100)])


def test_a_commitment_over_the_term_is_trued_up_at_its_end():
    commitment = term("commitment", amount="100", per="term", overage_factor="2")
    two_cells = {"start_date": "2026-08-01"}
    found = rated([CALLS], commitment, events=[use(-5, 30), use(5, 20)], **two_cells)
    assert ("term", "true_up", 50) == found[-1]
    found = rated([CALLS], commitment, events=[use(-5, 90), use(5, 20)], **two_cells)
    assert ("term", "overage", 10) == found[-1]


def test_a_cap_holds_the_sum_after_true_up_and_overage():
    commitment = term("commitment", amount="10", per="period", overage_factor="2")
    cap = term("maximum_spend", amount="25")
    found = rated([CALLS], commitment, cap, events=[use(2, 20)])
    assert [("calls", "usage", 20), ("term", "overage", 10), ("term", "cap", -5)] == found
    assert [("calls", "usage", 20)] == rated([CALLS], cap, events=[use(2, 20)])


def test_a_one_off_is_charged_in_the_cell_of_its_date():
    setup = term("one_off", name="Setup", product="p", amount={"USD": "99"}, date="2026-09-30")
    assert [("term", "one_off", 99)] == rated([CALLS], setup)
    assert [] == rated([CALLS], setup | {"date": "2026-10-01"}, end_date="")


DAY = date(2026, 9, 30)


def grant(name, amount, paid=0, priority=1, **fields):
    made = {"start": date(2026, 1, 1)} | fields
    return Grant(name, Fraction(amount), Fraction(paid), priority, **made)


def line(name, amount, *, charge_id="calls", period="2026-09", units=0):
    return {
        "id": name,
        "period": period,
        "charge": charge_id,
        "amount": Fraction(amount),
        "priced_quantity": Fraction(units),
    }


def drawn(ledger, *lines):
    return [(each.grant, each.line, each.amount) for each in ledger.draw(lines, DAY)]


def test_grants_are_drawn_by_priority_expiry_cost_age_and_id():
    soon, later = date(2026, 11, 1), date(2026, 12, 1)
    grants = [
        grant("g6", 1, 1, 2, expires=soon),
        grant("g5", 1, 2, expires=later),
        grant("g4", 1, 1, expires=later),
        grant("g3", 1, 1, expires=later, start=date(2025, 1, 1)),
        grant("g2", 1, 1, expires=soon),
        grant("g1", 1, 1, expires=soon),
    ]
    found = drawn(CreditLedger(grants), line("l", 6))
    assert ["g1", "g2", "g3", "g4", "g5", "g6"] == [name for name, _line, _amount in found]


def test_promotional_credit_is_drawn_before_any_purchased_one():
    ledger = CreditLedger([grant("paid", 10, 10, 1), grant("gift", 4, 0, 9)])
    found = drawn(ledger, line("b", 3), line("a", 3))
    assert [("gift", "a", 3), ("gift", "b", 1), ("paid", "b", 2)] == found


def test_a_grant_pays_only_in_its_days_and_for_its_charges():
    grants = [
        grant("over", 10, expires=DAY),
        grant("not_yet", 10, start=date(2026, 10, 1)),
        grant("other", 10, charges=("fee",)),
    ]
    assert [] == drawn(CreditLedger(grants), line("l", 6))


def test_units_pay_their_part_of_a_line():
    ledger = CreditLedger([grant("g", 10, unit="call")])
    assert [("g", "l", Fraction("3.33"))] == drawn(ledger, line("l", 10, units=30))
    assert 0 == ledger.left("g")


def test_the_ledger_sums_to_zero_and_no_grant_is_below_it():
    ledger = CreditLedger([grant("a", 10, 8), grant("b", 5, expires=date(2026, 10, 5))])
    drawn(ledger, line("x", 7), line("y", 20, charge_id="fee"))
    ledger.restore("y", Fraction(4))
    ledger.expire(date(2026, 10, 5))
    balances = ledger.balances()
    assert 0 == sum(balances.values())
    assert 4 == balances["grant:a"]
    assert 0 == balances["grant:b"]


def test_credit_goes_back_in_the_reverse_order_of_drawing():
    ledger = CreditLedger([grant("a", 3, 1, 1), grant("b", 3, 1, 2)])
    drawn(ledger, line("l", 5))
    assert 4 == ledger.restore("l", Fraction(4))
    assert (2, 3) == (ledger.left("a"), ledger.left("b"))


def test_what_goes_back_after_the_last_day_expires_at_once():
    ledger = CreditLedger([grant("paid", 10, 8, expires=DAY + timedelta(days=1))])
    drawn(ledger, line("l", 6))
    assert {"paid": Fraction("3.2")} == ledger.expire(DAY + timedelta(days=1))
    assert 4 == ledger.restore("l", Fraction(4), DAY + timedelta(days=30))
    assert (0, 8, 2) == tuple(
        ledger.balances()[f"{account}:paid"] for account in ("grant", "breakage", "drawn")
    )


def test_what_goes_back_opens_a_grant_again_that_says_so():
    later = DAY + timedelta(days=30)
    ledger = CreditLedger([grant("g", 6, expires=DAY + timedelta(days=1), reopens_for=10)])
    drawn(ledger, line("l", 6))
    ledger.restore("l", Fraction(4), later)
    assert {} == ledger.expire(later + timedelta(days=9))
    assert [("g", "m", 3)] == [
        (each.grant, each.line, each.amount) for each in ledger.draw([line("m", 3)], later)
    ]
    ledger.expire(later + timedelta(days=10))
    assert (0, 1) == (ledger.left("g"), ledger.balances()["lapsed:g"])


def test_late_usage_draws_by_its_own_days_or_by_the_run():
    service = (DAY - timedelta(days=60), DAY - timedelta(days=30))
    own = grant("own", 1, start=service[0], expires=service[1])
    now = grant("now", 1, start=DAY, draws_by="run")
    ahead = grant("ahead", 1, start=DAY)
    late = line("l", 9) | {"days": service}
    assert ["now", "own"] == sorted(
        each.grant for each in CreditLedger([own, now, ahead]).draw([late], DAY)
    )


def test_only_what_was_paid_for_breaks():
    soon = date(2026, 10, 1)
    ledger = CreditLedger([grant("paid", 100, 80, expires=soon), grant("gift", 9, expires=soon)])
    drawn(ledger, line("l", 59))
    # The gift paid 9 and the grant 50; of the 80 paid, the half that was not used is left.
    assert {"paid": 40} == ledger.expire(soon)
    assert {} == ledger.expire(soon)
