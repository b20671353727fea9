"""What is said when a revision is frozen that nobody can sign."""

from billing_rows import Line

from orchestration.billing.unsignable import unsignable_notice

CLOSE_AGAIN = (
    "Look at the figures in the period's checks, correct what they name, and close the period "
    "again (`tallyhouse run --period 2026-10`), which freezes what can be signed."
)
LINES = (Line(), Line(customer_id="bolt", legal_entity_id="de"))
RED = (2, "events_add_up", "all", "all")


def notice(world, revisions):
    return unsignable_notice(world.settings, world.engine, revisions)


def test_nothing_is_said_of_revisions_that_can_be_signed(world):
    assert notice(world, world.build(*LINES).freeze()) is None


def test_a_red_check_is_named_once_for_all_the_revisions_that_it_stops(world):
    world.build(*LINES).put_conservation(broken=[RED])

    said = notice(world, world.freeze())

    assert said == (
        "Cannot be signed: de:2026-10:r1, us:2026-10:r1, since events_add_up is red. " + CLOSE_AGAIN
    )


def test_the_green_revision_that_a_red_one_takes_the_place_of_is_named(world):
    world.build(*LINES).freeze()
    world.put_candidates(Line(rated="7.00"), LINES[1])
    world.put_conservation(broken=[RED])

    said = notice(world, world.freeze())

    assert said == (
        "Cannot be signed: de:2026-10:r1, us:2026-10:r2, since events_add_up is red. In place of "
        "us:2026-10:r1, whose checks were green and which cannot be signed any more. " + CLOSE_AGAIN
    )


def test_a_revision_that_was_red_too_is_not_mourned(world):
    world.build(Line()).put_conservation(broken=[RED])
    world.freeze()
    world.put_candidates(Line(rated="7.00"))

    said = notice(world, world.freeze())

    assert said == ("Cannot be signed: us:2026-10:r2, since events_add_up is red. " + CLOSE_AGAIN)


def test_a_check_without_a_result_stops_a_signature_like_a_red_one(world):
    world.build(Line()).put_conservation(held=[(1, "lines_add_up")])

    said = notice(world, world.freeze())

    assert said is not None
    assert said.startswith("Cannot be signed: us:2026-10:r1, since invariant 2 has no result, ")


def test_nothing_is_said_of_a_signed_revision_whatever_turned_red_since(world):
    [revision] = world.build(Line()).freeze()
    world.sign(revision.revision_id)
    world.put_conservation(broken=[RED])

    [same] = world.freeze()

    assert "signed" == same.state
    assert notice(world, [same]) is None
