"""Terms of plans and contracts drawn by hypothesis, over the charges of a drawn plan.

Belongs here: terms of every kind as `validate` accepts them beside each other. Does not belong
here: charges and their prices (catalog_strategies, catalog_prices), ids.
"""

from datetime import timedelta

from hypothesis import strategies as st

KINDS = [
    *("percent", "percent", "amount", "free_quantity", "trial", "allowance"),
    *("commitment", "maximum_spend", "one_off"),
]
"""Kinds of terms; a discount is one of percent, amount and free_quantity."""

ALONE = {"allowance", "commitment", "maximum_spend"}  # one of a kind for a charge at a time
NO_UNITS = {"flat", "seats", "percentage", "graduated_percentage", "dynamic", "cost_plus"}
PRORATIONS = ["day", "second", "fixed_30", "none"]
DAYS = [0, 9, 31, 45, 62]


@st.composite
def terms(draw, plan, contract, *, first, length, taken=frozenset()):
    """Draw up to three terms, without ids; `charges` are places in the plan.

    Args:
        draw: of hypothesis.
        plan: drawn charges.
        contract: columns.
        first: its first day.
        length: its days, or None.
        taken: kinds of ALONE that another list of terms has already.
    """
    kinds = draw(st.lists(st.sampled_from(KINDS), max_size=3))
    found, seen = [], set(taken)
    for kind in kinds:
        made = (
            None
            if kind in seen & ALONE
            else draw(_term(kind, plan, contract, first=first, length=length))
        )
        if made is not None:
            found.append(made)
            seen.add(kind)
    return found


@st.composite
def _term(draw, kind, plan, contract, *, first, length):  # noqa: PLR0911 — one for each kind
    currency = contract["currency_code"]
    figure = st.sampled_from(["1", "7", "30"])
    amount = {"amount": {currency: draw(figure)}, "proration": draw(st.sampled_from(PRORATIONS))}
    units = [place for place, charge in enumerate(plan) if charge["model"] not in NO_UNITS]
    if kind == "one_off":
        day = first + timedelta(days=draw(st.sampled_from([1, 20])) if length != 1 else 0)
        made = {"kind": kind, "name": "Set-up", "product": "product", "date": day.isoformat()}
        return made | {"amount": amount["amount"]}
    if kind == "trial":
        some = st.sampled_from([{"days": 10}, {"months": 1}, {"periods": 1}])
        return {"kind": kind, **draw(some), **draw(_covered(plan))}
    dates = draw(_dates(first, length))
    if kind == "percent":
        percent = {"percent": draw(st.sampled_from(["10", "33.333333", "100", "0.1"]))}
        return {"kind": "discount", **percent, **draw(_covered(plan)), **dates}
    if kind == "amount":
        return {"kind": "discount", **amount, **draw(_covered(plan)), **dates}
    if kind in {"free_quantity", "allowance"}:
        return draw(_units(kind, plan, units, dates)) if units else None
    if kind == "commitment":
        factor = st.sampled_from([{}, {"overage_factor": "1.1"}, {"overage_factor": "2.5"}])
        per = "term" if "to" in dates or length else "period"
        per = draw(st.sampled_from(["period", per]))
        made = {"kind": kind, "per": per, **amount, **draw(factor)}
        return made | draw(_covered(plan)) | dates
    return {"kind": kind, **amount, **draw(_covered(plan)), **dates}


@st.composite
def _units(draw, kind, plan, places, dates):
    """Draw included units of charges that count the same unit."""
    first = draw(st.sampled_from(places))
    quantity = draw(st.sampled_from(["0.5", "2.5", "10"]))
    made = {"proration": draw(st.sampled_from(PRORATIONS)), **dates}
    if kind == "free_quantity":
        return {"kind": "discount", "free_quantity": quantity, "charges": [first], **made}
    alike = [each for each in places if ("convert" in plan[each]) == ("convert" in plan[first])]
    some = st.lists(st.sampled_from(alike), min_size=1, unique=True)
    rollovers = [{}, {"rollover": {"periods": 1}}, {"rollover": {"periods": 2, "cap": "3"}}]
    made |= draw(st.sampled_from(rollovers))
    return {"kind": kind, "quantity": quantity, "charges": draw(some), **made}


@st.composite
def _covered(draw, plan):
    """Draw which charges a term covers; all of them where it names none."""
    places = st.lists(st.sampled_from(range(len(plan))), min_size=1, unique=True)
    return draw(st.just({}) | st.fixed_dictionaries({"charges": places}))


@st.composite
def _dates(draw, first, length):
    """Draw a first day and an end within a contract; both are open most of the time."""
    if length == 1:
        return {}
    starts = [each for each in DAYS[1:3] if length is None or each < length]
    start = draw(st.sampled_from([None, None, None, *starts]))
    end = draw(st.sampled_from([None, None, None, *DAYS[3:]]))
    made = {} if start is None else {"from": (first + timedelta(days=start)).isoformat()}
    return made | ({} if end is None else {"to": (first + timedelta(days=end)).isoformat()})
