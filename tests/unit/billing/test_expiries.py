"""Credit that is left after its last day expires by a signature: once, and not while it may pay."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from billing_rows import VERSION, Line
from billing_world import OLIVIA
from signing import refusal, refused

from orchestration.billing import commits
from orchestration.billing.expiries import EXPIRIES
from orchestration.reproduction.comparison import differing_parts, read_parts

EXPIRING = {"credit_grant_id": "prepaid"}
UNITS = {
    "credit_grant_id": "units",
    "credit_grant_name": "Units",
    "unit_label": "1M tokens",
    "quantity": Decimal("12.5"),
    "breakage_amount": Decimal(0),
}
BOLT = {"customer_id": "bolt", "charge_id": "storage"}


def draw(amount, **changes):
    return Line(amount=amount, cause="purchased_credit", credit_grant_id="prepaid", **changes)


def expired(world):
    return [
        (entry["credit_grant_id"], entry["amount"], entry["quantity"], entry["breakage_amount"])
        for entry in world.register.entries().to_pylist()
        if entry["entry_kind"] == "credit_expire"
    ]


def test_what_expires_is_an_entry_for_each_grant_after_the_lines(world):
    world.build(Line(), draw("-60.00")).put_expiring(EXPIRING, UNITS)
    [revision] = world.freeze()
    world.sign(revision.revision_id)

    entries = world.register.entries().to_pylist()
    assert ["bill", "credit_draw", "credit_expire", "credit_expire"] == [
        entry["entry_kind"] for entry in entries
    ]
    assert [1, 2, 3, 4] == [entry["entry_number"] for entry in entries]
    assert [
        ("prepaid", Decimal(-40), Decimal(-1), Decimal(36)),
        ("units", Decimal(0), Decimal("-12.5"), Decimal(0)),
    ] == expired(world)
    assert {Line().settlement_key: Decimal(100)} == world.register.billed()
    assert 2 == revision.expiry_count
    assert ["prepaid", "units"] == world.register.chain()[-1].subject["expired_credit_grant_ids"]


def booked_on(world, policy):
    """Accounting dates of a bill and of what expires with it, by the policy of its version."""
    world.build(Line()).put_expiring(EXPIRING)
    file = world.settings.reference_versions / VERSION / "source" / "policy.yml"
    file.write_text(file.read_text() + policy)
    [revision] = world.freeze()
    world.sign(revision.revision_id)
    return {
        entry["entry_kind"]: entry["accounting_date"]
        for entry in world.register.entries().to_pylist()
    }


def test_what_expires_is_booked_with_the_documents_of_its_run(world):
    assert {"bill": date(2026, 10, 31), "credit_expire": date(2026, 10, 31)} == booked_on(world, "")


def test_what_expires_in_a_month_that_is_closed_is_booked_on_the_first_open_day(world):
    closed = "accounting_closed_through: {us: '2026-11', de: '2027-03'}\n"
    first = date(2026, 12, 1)
    assert {"bill": first, "credit_expire": first} == booked_on(world, closed)


def test_where_nothing_is_due_there_is_still_an_expiry_to_sign(world):
    world.build().put_expiring(EXPIRING)
    [revision] = world.freeze()
    assert ("us", 0, 1) == (
        revision.legal_entity_id,
        revision.document_count,
        revision.expiry_count,
    )
    world.sign(revision.revision_id)
    assert ["prepaid"] == [grant for grant, *_ in expired(world)]


def test_the_same_expiry_is_frozen_once_and_signed_once(world):
    """Invariant 9."""
    world.build(Line()).put_expiring(EXPIRING)
    [first] = world.freeze()
    [again] = world.freeze()
    assert first.revision_id == again.revision_id
    world.sign(first.revision_id)
    assert "already_signed" == refused(world, first.revision_id)
    assert 1 == len(expired(world))


def test_another_revision_that_lets_it_expire_too_is_refused(world):
    """Compare-and-set: the grant holds 100."""
    world.build(Line()).put_expiring(EXPIRING | {"quantity": Decimal("50.01")})
    [october] = world.freeze()
    world.put_candidates(Line(billing_period="2026-11", document_id="NOV", charge_id="seats"))
    [november] = world.freeze(billing_period="2026-11", now=datetime(2026, 12, 2, tzinfo=UTC))
    assert (1, 1) == (october.expiry_count, november.expiry_count)
    world.sign(october.revision_id)

    error = refusal(world, november.revision_id)
    assert "credit_overdrawn" == error.code
    assert "prepaid (100.0200 of 100.000000000)" in str(error)


def test_a_grant_expires_with_the_month_of_its_last_day_and_not_before(world):
    world.build(Line()).put_expiring(
        EXPIRING | {"expires_on": date(2026, 11, 2)}, UNITS | {"expires_on": date(2026, 11, 1)}
    )
    [revision] = world.freeze()
    world.sign(revision.revision_id)
    assert ["units"] == [grant for grant, *_ in expired(world)]


@pytest.mark.parametrize(
    "elsewhere",
    [{"legal_entity_id": "de"}, {"billing_period": "2026-09", "document_id": "SEPTEMBER"}],
    ids=["in_another_entity", "of_a_month_that_waits"],
)
def test_nothing_expires_that_a_document_of_another_revision_may_draw(world, elsewhere):
    world.build(Line(), Line(charge_id="storage", **elsewhere)).put_expiring(EXPIRING)
    revisions = world.freeze()
    assert [0] * len(revisions) == [revision.expiry_count for revision in revisions]


def test_a_document_of_later_days_is_nothing_to_wait_for(world):
    later = Line(charge_id="storage", legal_entity_id="de")
    world.build(Line(), later).put_expiring(EXPIRING | {"expires_on": date(2026, 10, 5)})
    assert [0, 1] == [revision.expiry_count for revision in world.freeze()]


def test_nothing_expires_of_a_contract_whose_document_is_held(world):
    other = EXPIRING | {"credit_grant_id": "units", "contract_lineage_id": "contract-bolt"}
    world.build(Line(), Line(**BOLT)).put_expiring(EXPIRING, other | UNITS)
    [revision] = world.freeze()
    world.sign(revision.revision_id, held_document_ids=[Line().document], note="disputed")
    assert ["units"] == [grant for grant, *_ in expired(world)]


def test_a_rejection_lets_nothing_expire(world):
    world.build(Line()).put_expiring(EXPIRING)
    [revision] = world.freeze()
    world.sign(revision.revision_id, decision="reject", note="not yet")
    assert [] == expired(world)


def test_what_comes_back_to_a_grant_and_expires_at_once_is_one_commit(world):
    """A grant of 100: 60 were drawn and 40 expired, then 20 come back."""
    world.build(Line(), draw("-60.00")).put_expiring(EXPIRING)
    world.sign(world.freeze()[0].revision_id)
    correction = {"rated": "40.00", "before": "100.00", "document_id": "CM"}
    correction["original_document_id"] = Line().document
    back = {"cause": "purchased_restored", "credit_grant_id": "prepaid", "amount": "20.00"}
    world.put_candidates(Line(cause="correction", **correction), Line(**back, **correction))
    world.put_expiring(EXPIRING | {"quantity": Decimal(20), "breakage_amount": Decimal(18)})
    world.sign(world.freeze()[0].revision_id)
    assert [Decimal(-40), Decimal(-20)] == [amount for _, amount, *_ in expired(world)]


def test_who_wrote_a_grant_does_not_sign_its_expiry_first(world):
    """Four eyes."""
    world.build(Line()).put_reference(authors={"credit_grant": OLIVIA.name})
    world.put_expiring(EXPIRING)
    [revision] = world.freeze()
    assert "four_eyes" == refused(world, revision.revision_id)


def test_an_expiry_that_was_changed_after_the_freeze_is_not_signed(world):
    world.build(Line()).put_expiring(EXPIRING)
    [revision] = world.freeze()
    path = world.register.folder / revision.folder / f"{EXPIRIES}.parquet"
    table = pq.read_table(path)
    column = table.schema.get_field_index("quantity")
    more = pa.array([Decimal(99)], table.schema.field(column).type)
    pq.write_table(table.set_column(column, table.schema.field(column), more), path)
    assert "register_damaged" == refused(world, revision.revision_id)


def test_a_revision_without_expiries_has_the_digest_that_it_always_had(world):
    [revision] = world.build(Line()).freeze()
    assert revision.expiries_sha256 is None
    assert "expiries_sha256" not in revision.content_plain()


def test_a_revision_frozen_before_expiries_were_signed_is_proved_and_signed(world, monkeypatch):
    """A register is never rewritten."""
    commit = commits.RegisterSession.commit

    def earlier(session, **parts):
        parts["files"] = [each for each in parts.get("files", ()) if each.role != EXPIRIES]
        return commit(session, **parts)

    world.build(Line())
    monkeypatch.setattr(commits.RegisterSession, "commit", earlier)
    [revision] = world.freeze()
    monkeypatch.undo()
    world.sign(revision.revision_id)
    assert [] == expired(world)
    assert 1 == world.register.entries().num_rows


def test_a_rebuild_that_lets_something_else_expire_is_told_by_that(world):
    """Invariant 13."""
    world.build(Line()).put_expiring(EXPIRING)
    [revision] = world.freeze()
    parts = read_parts(world.register, revision)
    same = differing_parts(revision, revision, parts=parts, rebuilt_parts=parts)
    world.put_expiring(EXPIRING | {"quantity": Decimal(41)})
    [rebuilt] = world.freeze()
    again = read_parts(world.register, rebuilt)
    other = differing_parts(revision, rebuilt, parts=parts, rebuilt_parts=again)
    assert ((), (EXPIRIES,)) == (same, other)


def test_the_provenance_names_the_grant_that_expires(world):
    """Invariant 13: a revision names all that made it."""
    world.build(Line()).put_expiring(EXPIRING)
    [revision] = world.freeze()
    provenance = read_parts(world.register, revision)["provenance"].to_pylist()
    assert ["prepaid"] == [
        fact["object_id"] for fact in provenance if fact["object_kind"] == "credit_grant"
    ]
