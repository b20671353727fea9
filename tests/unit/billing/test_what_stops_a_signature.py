"""What stops a signature, whoever signs: state, checks, thresholds, reasons, a moved register."""

from datetime import date
from decimal import Decimal

import pytest
from billing_rows import ALL_HELD, NOW, Line, entries_table
from signing import frozen, refused

from orchestration.billing.checks import CheckFigure
from orchestration.billing.derived_rows import put_check_results
from orchestration.billing.refusals import DecisionUnknownError, RegisterMovedError


def passing(name):
    return CheckFigure(check_name=name, invariant_number=None, is_passed=True)


def test_an_unknown_revision_is_refused(world):
    frozen(world)
    assert "revision_unknown" == refused(world, "us:2026-10:r9")


def test_a_superseded_revision_is_refused_and_the_latest_named(world):
    first = frozen(world)
    world.put_candidates(Line(rated="101.00"))
    [second] = world.freeze()
    assert "revision_superseded" == refused(world, first.revision_id)
    world.sign(second.revision_id)


def test_a_signed_revision_is_not_signed_twice_and_not_rejected(world):
    revision = frozen(world)
    world.sign(revision.revision_id)
    assert "already_signed" == refused(world, revision.revision_id)
    assert "already_signed" == refused(world, revision.revision_id, decision="reject")


def test_a_rejected_revision_is_not_signed(world):
    revision = frozen(world)
    world.sign(revision.revision_id, decision="reject", note="no")
    assert "already_rejected" == refused(world, revision.revision_id)


@pytest.mark.parametrize("number", range(1, 8))
def test_each_missing_invariant_refuses(world, number):
    world.build(Line())
    world.put_conservation([each for each in ALL_HELD if each[0] != number])
    [revision] = world.freeze()
    assert "check_missing" == refused(world, revision.revision_id)


@pytest.mark.parametrize("number", range(1, 8))
def test_each_broken_invariant_refuses(world, number):
    world.build(Line())
    world.put_conservation(broken=[(number, f"invariant_{number}_holds", "document", "D1")])
    [revision] = world.freeze()
    assert "check_red" == refused(world, revision.revision_id)


def test_a_check_that_was_there_at_the_freeze_and_is_gone_refuses(world):
    world.build(Line())
    [revision] = world.freeze(check_figures=[passing("candidates_are_complete")])
    world.freeze()
    assert "check_missing" == refused(world, revision.revision_id)


def test_a_month_with_a_missing_source_day_is_not_signed(world):
    """Invariant 1."""
    world.build(Line())
    day = (date(2026, 10, 31), "2026-10", NOW, "pending")
    world.put_source_days(day)
    [revision] = world.freeze()
    assert "check_red" == refused(world, revision.revision_id)
    world.put_source_days((*day[:3], "arrived"))
    world.freeze()
    world.sign(revision.revision_id)


def test_results_of_another_revisions_content_never_count(world):
    """design.md, Sign-off: check results are rows keyed by revision digest."""
    first = frozen(world)
    world.put_candidates(Line(rated="101.00"))
    world.put_conservation([])
    [second] = world.freeze()
    put_check_results(world.settings, world.engine, first, [passing("x")], now=NOW)
    assert "check_missing" == refused(world, second.revision_id)


def test_a_rejection_and_a_hold_need_a_reason(world):
    revision = frozen(world)
    assert "reason_missing" == refused(world, revision.revision_id, decision="reject", note=" ")
    assert "reason_missing" == refused(
        world, revision.revision_id, held_document_ids=["INV-us-acme"], note=""
    )


def test_a_decision_that_is_neither_sign_nor_reject_is_refused(world):
    revision = frozen(world)
    with pytest.raises(DecisionUnknownError):
        world.sign(revision.revision_id, decision="approve")
    assert 1 == world.register.head().sequence


def test_a_document_that_is_not_in_the_revision_cannot_be_held(world):
    revision = frozen(world)
    assert "held_document_unknown" == refused(
        world, revision.revision_id, held_document_ids=["INV-de-acme"]
    )


def test_a_register_that_moved_after_the_freeze_refuses_and_names_the_keys(world):
    """ledger.md: a correction on demand and the monthly run never both bill the difference."""
    revision = frozen(world)
    world.register.commit(
        kind="record",
        subject={"note": "goodwill"},
        now=NOW,
        entries=entries_table(
            {
                "entry_kind": "concession",
                "settlement_key": Line().settlement_key,
                "amount": Decimal(-10),
            }
        ),
    )
    before = world.register.head()
    with pytest.raises(RegisterMovedError) as moved:
        world.sign(revision.revision_id)
    assert (Line().settlement_key,) == moved.value.settlement_keys
    assert before == world.register.head()


def test_a_revision_whose_files_were_changed_cannot_be_signed(world):
    """ledger.md: only a change of the frozen revision's own content voids."""
    revision = frozen(world)
    path = world.settings.register / revision.folder / "lines.parquet"
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "register_damaged" == refused(world, revision.revision_id)
