"""The edges of rating that cost money, each a contract of its own in one build.

Every expected figure is written out by hand; the arithmetic stands beside it.
"""

from datetime import date
from decimal import Decimal

import pytest
from rating_warehouse import BILLING, RatingWarehouse

OCTOBER = date(2026, 10, 1)
NOVEMBER = date(2026, 11, 1)
LADDER = (
    {"upper_quantity": Decimal(10), "unit_price": Decimal("2.50")},
    {"upper_quantity": Decimal("20.5"), "unit_price": Decimal("2.00"), "flat_amount": Decimal(5)},
    {"unit_price": Decimal("1.00"), "flat_amount": Decimal(7)},
)
WITH_FIRST_FLAT = ({"unit_price": Decimal(1), "flat_amount": Decimal(9)},)


def per_unit(price):
    return ({"unit_price": Decimal(price)},)


def package(price, size):
    return ({"unit_price": Decimal(price), "package_size": Decimal(size)},)


# name: model, tiers, quantity, further columns of the charge, currency, unrounded, amount
CASES = {
    "nothing used": ("per_unit", per_unit("2"), 0, {}, "USD", "0", "0"),
    "one used": ("per_unit", per_unit("2"), 1, {}, "USD", "2", "2"),
    # 38170624 x 0.000016 ÷ 1024000 = 610.729984 ÷ 1024000
    "divided once at the end": (
        "per_unit",
        per_unit("0.000016"),
        38170624,
        {"convert_divide": Decimal(1024000)},
        "USD",
        "0.000596416",
        "0",
    ),
    # 1 ÷ 3 x 3 stays whole where a rounded quotient would give 2.999…
    "a third of three": (
        "per_unit",
        per_unit("3"),
        1,
        {"convert_divide": Decimal(3)},
        "USD",
        "1",
        "1",
    ),
    # 10 ÷ 0.3 = 33.333333333333…
    "divided by a fraction": (
        "per_unit",
        per_unit("1"),
        10,
        {"convert_divide": Decimal("0.3")},
        "USD",
        "33.333333333333",
        "33.33",
    ),
    # 10^15 x 10^-12
    "a quadrillion at a trillionth": (
        "per_unit",
        per_unit("0.000000000001"),
        10**15,
        {},
        "USD",
        "1000",
        "1000",
    ),
    "smallest quantity at smallest price": (
        # 10^-9 x 10^-12 = 10^-21, below half of 10^-12
        "per_unit",
        per_unit("0.000000000001"),
        "0.000000001",
        {},
        "USD",
        "0",
        "0",
    ),
    # 10^15 bytes ÷ 10^12 x 20 = 20,000
    "petabyte priced by terabyte": (
        "per_unit",
        per_unit("20"),
        10**15,
        {"convert_divide": Decimal(10**12)},
        "USD",
        "20000",
        "20000",
    ),
    "half a cent goes away from zero": (
        "per_unit",
        per_unit("0.005"),
        1,
        {},
        "USD",
        "0.005",
        "0.01",
    ),
    "half a cent goes to even": (
        "per_unit",
        per_unit("0.005"),
        1,
        {"rounding_mode": "half_even"},
        "USD",
        "0.005",
        "0",
    ),
    "three halves go to even": (
        "per_unit",
        per_unit("0.015"),
        1,
        {"rounding_mode": "half_even"},
        "USD",
        "0.015",
        "0.02",
    ),
    "yen have no decimals": ("per_unit", per_unit("0.5"), 3, {}, "JPY", "1.5", "2"),
    "dinars have three": ("per_unit", per_unit("0.0005"), 1, {}, "KWD", "0.0005", "0.001"),
    "credit mirrors debit": ("per_unit", per_unit("0.005"), -1, {}, "USD", "-0.005", "-0.01"),
    "credit rounds to even": (
        "per_unit",
        per_unit("0.005"),
        -1,
        {"rounding_mode": "half_even"},
        "USD",
        "-0.005",
        "0",
    ),
    # 10 x 2.50
    "on the bound": ("graduated", LADDER, 10, {}, "USD", "25", "25"),
    # 25 + 0.000000001 x 2.00 + 5
    "a fraction above the bound": (
        "graduated",
        LADDER,
        "10.000000001",
        {},
        "USD",
        "30.000000002",
        "30",
    ),
    # 25 + 10.5 x 2.00 + 5 = 51
    "on a fractional bound": ("graduated", LADDER, "20.5", {}, "USD", "51", "51"),
    # 51 + 0.5 x 1.00 + 7 = 58.5
    "in the open tier": ("graduated", LADDER, 21, {}, "USD", "58.5", "58.5"),
    # bounds of 10, 20.5 thousand tokens: 21,000 tokens as above
    "bounds are in the converted unit": (
        "graduated",
        LADDER,
        21000,
        {"convert_divide": Decimal(1000)},
        "USD",
        "58.5",
        "58.5",
    ),
    # 25 - 15 free = 10
    "free units come off first": (
        "graduated",
        LADDER,
        25,
        {"free_quantity": Decimal(15)},
        "USD",
        "25",
        "25",
    ),
    "all of it free": (
        "graduated",
        LADDER,
        15,
        {"free_quantity": Decimal(15)},
        "USD",
        "0",
        "0",
    ),
    # the first tier's flat amount looks at usage before free units
    "free usage still enters the first tier": (
        "graduated",
        WITH_FIRST_FLAT,
        5,
        {"free_quantity": Decimal(15)},
        "USD",
        "9",
        "9",
    ),
    "no usage skips the first flat amount": (
        "graduated",
        WITH_FIRST_FLAT,
        0,
        {"zero_usage": "skip"},
        "USD",
        "0",
        "0",
    ),
    "no usage pays the first flat amount": (
        "graduated",
        WITH_FIRST_FLAT,
        0,
        {"zero_usage": "charge"},
        "USD",
        "9",
        "9",
    ),
    "volume on the bound": ("volume", LADDER, 10, {}, "USD", "25", "25"),
    # the whole 10.000000001 at 2.00, + 5
    "volume a fraction above": (
        "volume",
        LADDER,
        "10.000000001",
        {},
        "USD",
        "25.000000002",
        "25",
    ),
    # 21 x 1.00 + 7 is less than 20.5 x 2.00 + 5
    "volume is not monotonic": ("volume", LADDER, 21, {}, "USD", "28", "28"),
    "volume of nothing": (
        "volume",
        WITH_FIRST_FLAT,
        0,
        {"zero_usage": "charge"},
        "USD",
        "9",
        "9",
    ),
    "a package begun": ("package", package("1.50", 1000), 1, {}, "USD", "1.5", "1.5"),
    "a package filled": ("package", package("1.50", 1000), 1000, {}, "USD", "1.5", "1.5"),
    "a package overfilled": (
        "package",
        package("1.50", 1000),
        "1000.000000001",
        {},
        "USD",
        "3",
        "3",
    ),
    "only full packages": (
        "package",
        package("1.50", 1000),
        1999,
        {"package_rounding": "down"},
        "USD",
        "1.5",
        "1.5",
    ),
    "packages after free units": (
        "package",
        package("1.50", 1000),
        1500,
        {"free_quantity": Decimal(500)},
        "USD",
        "1.5",
        "1.5",
    ),
    "no package": ("package", package("1.50", 1000), 0, {}, "USD", "0", "0"),
    # 1,500 ÷ 1,000 = 1.5 → 2
    "conversion rounds up": (
        "per_unit",
        per_unit("1"),
        1500,
        {"convert_divide": Decimal(1000), "convert_rounding": "up"},
        "USD",
        "2",
        "2",
    ),
    "conversion rounds down": (
        "per_unit",
        per_unit("1"),
        1999,
        {"convert_divide": Decimal(1000), "convert_rounding": "down"},
        "USD",
        "1",
        "1",
    ),
    # 1,250 ÷ 1,000 = 1.25 → 1.3
    "conversion rounds half up to a decimal": (
        "per_unit",
        per_unit("1"),
        1250,
        {"convert_divide": Decimal(1000), "convert_rounding": "half_up", "convert_decimals": 1},
        "USD",
        "1.3",
        "1.3",
    ),
}
REFUSED = {
    "negative on a ladder": ("graduated", LADDER, -1, {}, "USD", "negative_quantity"),
    "price beyond 20 digits": (
        "per_unit",
        per_unit("1000000"),
        10**18,
        {},
        "USD",
        "amount_overflow",
    ),
    "quantity beyond 20 digits": ("per_unit", per_unit("1"), 10**20, {}, "USD", "amount_overflow"),
    "divisor beyond what can be held": (
        "per_unit",
        per_unit("1"),
        1,
        {"convert_divide": Decimal(10**25)},
        "USD",
        "amount_overflow",
    ),
    "no price in the currency": ("per_unit", per_unit("1"), 5, {}, "EUR", "missing_price"),
    "no price and no usage": ("per_unit", per_unit("1"), 0, {}, "EUR", "missing_price"),
}


def slug(name):
    return name.replace(" ", "_")


def add_case(warehouse, name, case):
    model, tiers, quantity, charge, currency, *_ = case
    key = slug(name)
    warehouse.add_plan(key)
    warehouse.add_meter(key, is_negative_allowed=True)
    warehouse.add_charge(
        f"{key}/price",
        plan_id=key,
        charge_id=key,
        charge_model=model,
        meter_id=key,
        tiers=dict.fromkeys({"USD"} if currency == "EUR" else {currency}, tiers),
        **charge,
    )
    warehouse.add_contract(
        key, plan_id=key, currency_code=currency, start_date=OCTOBER, end_date=NOVEMBER
    )
    if Decimal(quantity) != 0:
        warehouse.use(key, key, date(2026, 10, 5), quantity)


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    warehouse = RatingWarehouse(tmp_path_factory.mktemp("edges"))
    for name, case in (CASES | REFUSED).items():
        add_case(warehouse, name, case)
    warehouse.build(*BILLING)
    return warehouse


def lines_of(warehouse, contract_id, charge_id=None):
    condition = f"and charge_id = '{charge_id}'" if charge_id else ""
    return warehouse.rows(
        f"select * from rating.fct_rated_lines where contract_id = '{contract_id}' {condition} "
        "order by charge_id, segment_start_date"
    )


@pytest.mark.parametrize("name", CASES)
def test_amounts_are_exact_at_every_edge(rated, name):
    *_, unrounded, amount = CASES[name]
    [line] = lines_of(rated, slug(name))
    expected = (
        Decimal(unrounded),
        Decimal(amount),
        "proven_zero" if Decimal(amount) == 0 else "amount",
    )
    assert expected == (line["amount_unrounded"], line["amount"], line["rating_status"])


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_priced_is_unknown_and_nothing_else_is(rated, name):
    [line] = lines_of(rated, slug(name))
    assert (None, None, "unknown", REFUSED[name][-1]) == (
        line["amount"],
        line["amount_unrounded"],
        line["rating_status"],
        line["exception_code"],
    )
    [held] = rated.rows(
        f"select * from billing.fct_exceptions where object_id = '{line['settlement_key']}'"
    )
    assert ("pricing", REFUSED[name][-1]) == (held["steward"], held["exception_code"])
    assert [] == rated.rows(
        f"select * from billing.fct_invoice_candidate_lines where charge_id = '{slug(name)}'"
    )


def test_every_conservation_check_holds(rated):
    """Invariants 1 to 7."""
    rows = rated.rows("select * from reconciliation.fct_conservation")
    assert {1, 2, 3, 4, 5, 6, 7} == {
        row["invariant_number"] for row in rows if row["is_headline"] and row["scope_kind"] == "all"
    }
    # Usage beyond the limit of a quantity is left out of both sides and held as an exception.
    assert [] == [row for row in rows if not row["is_held"]]
