"""Prices of charges drawn by hypothesis, of every model and around its edges.

Belongs here: tiers, prices and limits that `validate` accepts for a charge, its meter and its
currency. Does not belong here: charges and contracts (catalog_strategies), terms (catalog_terms).
"""

from decimal import Decimal

from hypothesis import strategies as st

BOUNDS = ["0.5", "1", "2", "2.5", "3", "5", "10"]
AMOUNTS = ["0", "0.005", "0.01", "1", "9.99", "10", "100.125"]
UNIT_PRICES = ["0", "0.005", "0.01", "0.333333333333", "1", "2.5", "0.000000000001"]
SIZES = ["1", "2", "2.5", "3"]
RATES = ["0", "0.029", "0.5", "1"]
MATCHES = [
    {"region": "eu"},
    {"region": "us"},
    {"is_paid": "true"},
    {"is_paid": "true", "region": "eu"},
    {"is_paid": "false", "region": "us"},
]
FLAT_MODELS = {"graduated", "volume", "stairstep", "graduated_percentage"}  # tiers with amounts


@st.composite
def tiers(draw, fields, bounds=BOUNDS):
    """Draw adjacent tiers, the last one open; fields: a strategy of each one's price."""
    drawn = sorted(draw(st.sets(st.sampled_from(bounds), max_size=3)), key=Decimal)
    return [{**draw(fields), **({"up_to": bound} if bound else {})} for bound in [*drawn, None]]


def _level(name, values, *, has_flat=True):
    required = {name: st.sampled_from(values)}
    optional = {"flat_amount": st.sampled_from(AMOUNTS)} if has_flat else {}
    return st.fixed_dictionaries(required, optional=optional)


@st.composite
def prices(draw, charge, meter, currency):
    """Draw a price of a charge, as in the price book.

    Args:
        draw: of hypothesis.
        charge: without its versions.
        meter: None for a flat fee.
        currency: of the contract.
    """
    made = _price(draw, charge, meter)
    highest = "50" if currency == "JPY" else "50.05"
    limits = st.fixed_dictionaries(
        {},
        optional={
            "minimum": st.sampled_from(["0", "1", "10"]),
            "maximum": st.sampled_from(["10", highest, "1000"]),
        },
    )
    return made | draw(st.just({}) | st.just({}) | limits)


def _price(draw, charge, meter):  # noqa: PLR0911 — one price for each model
    model = charge["model"]
    amount, unit = st.sampled_from(AMOUNTS), st.sampled_from(UNIT_PRICES)
    if model == "flat":
        return {"amount": draw(amount)}
    if model in {"per_unit", "seats"}:
        return {"unit_price": draw(unit)}
    if model in {"graduated", "volume"}:
        return {"tiers": draw(tiers(_level("unit_price", UNIT_PRICES)))}
    if model == "stairstep":
        return {"tiers": draw(tiers(_level("flat_amount", AMOUNTS, has_flat=False)))}
    if model == "graduated_percentage":
        return {"tiers": draw(tiers(_level("rate", RATES)))}
    if model == "package":
        return _package(draw, charge)
    if model == "percentage":
        return {"rate": draw(st.sampled_from(RATES))} | draw(_per_event(charge, meter))
    if model == "dimensional":
        return _dimensional(draw, meter)
    return {"multiplier": "1.25"} if model == "cost_plus" else {}


def _package(draw, charge):
    size = draw(st.sampled_from(SIZES))
    if "packages" not in charge:
        return {"package_size": size, "package_price": draw(st.sampled_from(AMOUNTS))}
    bounds = BOUNDS
    if charge["packages"] == "total":
        bounds = [str(Decimal(size) * count) for count in (1, 2, 3, 5)]
    return {"package_size": size, "tiers": draw(tiers(_level("package_price", AMOUNTS), bounds))}


@st.composite
def _per_event(draw, charge, meter):
    """Draw what a percentage has beside its rate; single events are priced where they may be."""
    amount = st.sampled_from(AMOUNTS)
    made = draw(st.fixed_dictionaries({}, optional={"fixed_amount": amount}))
    may_round = charge.get("convert", {}).get("rounding", "none") != "none"
    if meter.get("is_negative_allowed") or may_round or charge.get("ladder") == "restart":
        return made
    free = st.sampled_from([{}, {"free_events": 2}, {"free_amount": "2.5"}])
    bounds = {"minimum_per_event": st.just("0.01"), "maximum_per_event": st.just("1.5")}
    return made | draw(free) | draw(st.fixed_dictionaries({}, optional=bounds))


def _dimensional(draw, meter):
    """Draw matches of which no two of equal size fit one line."""
    unit = st.sampled_from(UNIT_PRICES)
    known = [each for each in MATCHES if set(each) <= set(meter["dimensions"])]
    first = draw(st.sampled_from(known))
    others = [each for each in known if each != first and _are_apart(each, first)]
    matches = [first, *(draw(st.lists(st.sampled_from(others), max_size=1)) if others else [])]
    made = {"prices": [{"match": match, "unit_price": draw(unit)} for match in matches]}
    return made | draw(st.sampled_from([{}, {}, {"default": {"unit_price": "0.25"}}]))


def _are_apart(one, other):
    return len(one) != len(other) or any(other.get(name, one[name]) != one[name] for name in one)
