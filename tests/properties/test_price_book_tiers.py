"""Any list of tiers is refused, or covers every quantity above zero exactly once."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestration.price_book.models import CurrencyPrice, Tier
from orchestration.price_book.tiers import tier_faults, tier_ranges

BOUNDS = st.decimals(min_value=Decimal("0.000000001"), max_value=Decimal(10**6), places=9)
PRICES = st.decimals(min_value=0, max_value=Decimal(1000), places=12)
TIERS = st.builds(
    lambda start, up_to, unit, flat: Tier.model_validate(
        {"from": start, "up_to": up_to, "unit_price": unit, "flat_amount": flat}
    ),
    st.none() | st.just(Decimal(0)) | BOUNDS,
    st.none() | BOUNDS,
    PRICES,
    st.none() | PRICES,
)


@given(
    tiers=st.lists(TIERS, min_size=1, max_size=6), model=st.sampled_from(["graduated", "volume"])
)
def test_any_tiers_are_refused_or_cover_every_quantity_once(tiers: list[Tier], model: str) -> None:
    if list(tier_faults(tiers)):
        return
    ranges = tier_ranges(model, CurrencyPrice(tiers=tuple(tiers)))
    assert Decimal(0) == ranges[0].lower
    assert ranges[-1].upper is None
    assert all(before.upper == after.lower for before, after in pairwise(ranges))
    assert all(one.upper is None or one.lower < one.upper for one in ranges)
    assert list(range(1, len(tiers) + 1)) == [one.tier_number for one in ranges]
    assert [tier.unit_price for tier in tiers] == [one.unit_price for one in ranges]


@given(bounds=st.lists(BOUNDS, max_size=6, unique=True), quantity=BOUNDS)
def test_ascending_bounds_with_an_open_end_are_never_refused(
    bounds: list[Decimal], quantity: Decimal
) -> None:
    tiers = [Tier(up_to=bound, unit_price=Decimal(1)) for bound in sorted(bounds)]
    tiers.append(Tier(unit_price=Decimal(1)))
    assert [] == list(tier_faults(tiers))
    ranges = tier_ranges("graduated", CurrencyPrice(tiers=tuple(tiers)))
    holding = [
        one
        for one in ranges
        if one.lower < quantity and (one.upper is None or quantity <= one.upper)
    ]
    assert 1 == len(holding)


@given(bounds=st.lists(BOUNDS, min_size=1, max_size=6))
def test_a_closed_last_tier_is_always_refused(bounds: list[Decimal]) -> None:
    tiers = [Tier(up_to=bound, unit_price=Decimal(1)) for bound in bounds]
    assert "last_tier_not_open" in {fault.code for fault in tier_faults(tiers)}


@given(first=BOUNDS, start=BOUNDS)
def test_a_stated_start_must_be_where_the_tier_before_ends(first: Decimal, start: Decimal) -> None:
    tiers = [
        Tier(up_to=first, unit_price=Decimal(1)),
        Tier.model_validate({"from": start, "unit_price": "1"}),
    ]
    expected = [] if start == first else ["gapped_tiers" if start > first else "overlapping_tiers"]
    assert expected == [fault.code for fault in tier_faults(tiers)]
