"""Nobody signs for the first time what they let stand themselves."""

from datetime import date, timedelta

import pytest
from billing_rows import NOW, Line
from billing_world import OLIVIA
from exception_house import history_row
from signing import refusal

from orchestration.billing.sign_off import Signer

ANA = Signer(name="ana@example.com", source="verified", run_id="run-4")


def test_the_author_of_a_waiver_does_not_sign_the_first_revision_that_rests_on_it(house):
    """design.md, Sign-off."""
    house.waive("held")
    [revision] = house.world.build(Line()).freeze()
    refused = refusal(house.world, revision.revision_id, signer=OLIVIA)
    assert "four_eyes" == refused.code
    assert "waiver held:w1" in str(refused)
    house.world.sign(revision.revision_id, signer=ANA)
    house.world.put_candidates(Line(rated="101.00", before="100.00", cause="correction"))
    [second] = house.world.freeze()
    house.world.sign(second.revision_id, signer=OLIVIA)


@pytest.mark.parametrize(
    ("columns", "is_used"),
    [
        ({}, True),
        ({"legal_entity_id": None, "billing_period": None}, True),
        ({"billing_period": "2026-09"}, True),  # what is left out of an earlier month still is
        ({"billing_period": "2026-11"}, False),
        ({"legal_entity_id": "de"}, False),
    ],
)
def test_a_revision_rests_on_the_waivers_of_its_entity_and_months(house, columns, is_used):
    house.put(history_row("one", **columns))
    house.waive("one")
    [revision] = house.world.build(Line()).freeze()
    if is_used:
        assert "four_eyes" == refusal(house.world, revision.revision_id, signer=OLIVIA).code
    else:
        house.world.sign(revision.revision_id, signer=OLIVIA)


def test_a_waiver_that_is_withdrawn_or_over_at_the_freeze_is_not_rested_on(house):
    house.put(history_row("over"))
    house.waive("held", now=NOW - timedelta(days=2))
    house.withdraw("held", now=NOW - timedelta(days=1))
    house.waive("over", now=NOW - timedelta(days=2), until=date(2026, 11, 1))
    [revision] = house.world.build(Line()).freeze()
    house.world.sign(revision.revision_id, signer=OLIVIA)


def test_a_new_waiver_makes_another_revision_and_the_same_ones_do_not(house):
    world = house.world.build(Line())
    [before] = world.freeze()
    house.waive()
    [with_waiver] = world.freeze()
    [again] = world.freeze()
    assert (1, 2, 2) == tuple(each.revision_number for each in (before, with_waiver, again))
