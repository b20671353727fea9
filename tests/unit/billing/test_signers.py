"""Who may sign: approvers, their limits, four eyes, and how it is known who somebody is."""

from datetime import date

import pyarrow.parquet as pq
import pytest
from billing_rows import NOW, PERIOD, QUIET_DATE, VERSION, Line
from billing_world import SELF_DECLARED, Signer, policy
from signing import frozen, refusal, refused, rows

from orchestration.operations_db.tables import sign_offs


def test_a_signer_who_is_no_approver_is_refused(world):
    revision = frozen(world)
    mallory = Signer(name="mallory@example.com", source="verified", run_id="run-1")
    assert "signer_not_approver" == refused(world, revision.revision_id, signer=mallory)
    assert "signer_not_approver" == refused(
        world, revision.revision_id, signer=mallory, decision="reject"
    )


def test_an_approver_of_another_entity_is_refused(world):
    revision = frozen(world)
    henrik = Signer(name="henrik@example.com", source="verified", run_id="run-1")
    assert "entity_not_allowed" == refused(world, revision.revision_id, signer=henrik)


def test_the_limit_counts_documents_without_their_signs(world):
    revision = frozen(world, Line(rated="6000.00"), Line(customer_id="bolt", rated="-4000.01"))
    assert "amount_above_limit" == refused(world, revision.revision_id)


def test_the_limit_itself_may_be_signed_and_held_documents_do_not_count(world):
    revision = frozen(
        world,
        Line(rated="6000.00"),
        Line(customer_id="bolt", rated="-4000.00"),
        Line(customer_id="cargo", rated="99.00"),
    )
    assert "amount_above_limit" == refused(world, revision.revision_id)
    world.sign(revision.revision_id, held_document_ids=["INV-us-cargo"])


def test_a_currency_without_a_limit_may_not_be_signed(world):
    revision = frozen(world, Line(currency_code="KWD", rated="0.001"))
    assert "amount_above_limit" == refused(world, revision.revision_id)


def test_a_limit_is_told_in_each_currencys_own_minor_units(world):
    revision = frozen(
        world,
        Line(rated="10000.50"),
        Line(customer_id="bolt", currency_code="JPY", rated="1000001"),
        Line(customer_id="cargo", currency_code="KWD", rated="2.5"),
    )
    assert (
        "JPY 1,000,001 (limit 1,000,000); KWD 2.500 (limit none given); "
        "USD 10,000.50 (limit 10,000.00)"
    ) in str(refusal(world, revision.revision_id))


@pytest.mark.parametrize(
    "kind", ["price", "contract", "contract_version", "term", "identity", "parent", "quiet_day"]
)
def test_an_author_of_something_used_for_the_first_time_may_not_sign(world, kind):
    world.build(Line())
    world.put_reference(authors={kind: " Olivia@Example.com "})
    [revision] = world.freeze()
    assert "four_eyes" == refused(world, revision.revision_id)
    ana = Signer(name="ana@example.com", source="verified", run_id="run-1")
    world.sign(revision.revision_id, signer=ana)


@pytest.mark.parametrize("author", [None, "", "  "])
def test_an_unknown_author_refuses(world, author):
    world.build(Line())
    world.put_reference(authors={"price": author, "identity": author})
    [revision] = world.freeze()
    assert "author_unknown" == refused(world, revision.revision_id)
    assert (
        "Name the author of each identity in tables/identities and of each price in price_book/ "
        "(tables/overrides for a negotiated one), run the pipeline and freeze again."
    ) in str(refusal(world, revision.revision_id))


def test_four_eyes_can_be_switched_off_by_policy(world):
    world.build(Line())
    world.put_reference(authors={"price": "olivia@example.com"})
    world.policy = policy(four_eyes=False)
    [revision] = world.freeze()
    world.sign(revision.revision_id)


def test_what_another_signature_used_before_is_no_first_use(world):
    world.build(Line())
    world.put_reference(authors={"price": "olivia@example.com"})
    [first] = world.freeze()
    ana = Signer(name="ana@example.com", source="verified", run_id="run-1")
    world.sign(first.revision_id, signer=ana)
    world.put_candidates(Line(rated="120.00", before="100.00", cause="correction"))
    [second] = world.freeze()
    world.sign(second.revision_id)


def test_an_edited_price_is_used_for_the_first_time_again(world):
    first = frozen(world)
    world.sign(first.revision_id)
    world.put_reference(version="ffff", authors={"price": "olivia@example.com"}, unit_price="3.00")
    world.put_candidates(Line(rated="120.00", before="100.00", cause="correction"), version="ffff")
    [second] = world.freeze()
    assert "four_eyes" == refused(world, second.revision_id)


def declare_quiet(world, day, first_billing_period):
    """Olivia says that a day was quiet, and the next build takes it so."""
    world.put_reference(authors={"quiet_day": "olivia@example.com"}, quiet_date=day)
    world.put_source_days((day, first_billing_period, NOW, "quiet"))


def test_the_author_of_a_quiet_day_of_a_later_month_may_sign(world):
    world.build(Line())
    declare_quiet(world, date(2026, 11, 2), "2026-11")
    [revision] = world.freeze()
    world.sign(revision.revision_id)


@pytest.mark.parametrize(
    ("day", "first_billing_period"),
    [(date(2026, 9, 15), "2026-09"), (date(2025, 1, 1), "2025-01"), (date(2026, 11, 1), PERIOD)],
)
def test_the_author_of_a_quiet_day_that_would_stop_the_month_may_not_sign_it(
    world, day, first_billing_period
):
    """Announced or declared after its own month was signed, or of a zone west of UTC."""
    world.build(Line())
    declare_quiet(world, day, first_billing_period)
    [revision] = world.freeze()
    assert "four_eyes" == refused(world, revision.revision_id)


def test_a_quiet_day_declared_since_the_freeze_makes_a_revision_that_holds_it(world):
    first = frozen(world)
    declare_quiet(world, date(2026, 9, 15), "2026-09")
    [second] = world.freeze()
    assert first.revision_number + 1 == second.revision_number
    assert "four_eyes" == refused(world, second.revision_id)


def test_a_revision_without_usage_lines_holds_its_quiet_days(world):
    world.build(Line(line_kind="fee"))
    declare_quiet(world, QUIET_DATE, PERIOD)
    [revision] = world.freeze()
    assert "four_eyes" == refused(world, revision.revision_id)


def test_a_revision_without_lines_holds_its_quiet_days(world):
    frozen(world)
    declare_quiet(world, QUIET_DATE, PERIOD)
    world.put_candidates()
    [empty] = world.freeze()
    assert 0 == empty.line_count
    assert "four_eyes" == refused(world, empty.revision_id)


def test_a_quiet_day_that_arrived_after_all_is_nobodys(world):
    world.build(Line())
    declare_quiet(world, QUIET_DATE, PERIOD)
    world.put_source_days((QUIET_DATE, PERIOD, NOW, "arrived"))
    [revision] = world.freeze()
    world.sign(revision.revision_id)


def test_a_quiet_day_of_another_reference_version_has_no_known_author(world):
    world.build(Line())
    world.put_source_days((date(2026, 10, 13), PERIOD, NOW, "quiet"))
    [revision] = world.freeze()
    assert "author_unknown" == refused(world, revision.revision_id)


def test_the_author_of_a_price_that_this_revision_does_not_use_may_sign(world):
    world.build(Line(), Line(customer_id="bolt", legal_entity_id="de"))
    world.put_reference(authors={"contract": "olivia@example.com"})
    world.put_candidates(Line())
    path = world.settings.reference_versions / VERSION / "tables/contracts.parquet"
    contracts = pq.read_table(path)
    mask = [each == "contract-acme" for each in contracts["contract_id"].to_pylist()]
    authors = ["cleo@x" if own else "olivia@example.com" for own in mask]
    position = contracts.schema.get_field_index("author")
    pq.write_table(contracts.set_column(position, "author", [authors]), path)
    [revision] = world.freeze()
    world.sign(revision.revision_id)


def test_a_self_declared_signer_needs_the_settings_and_the_policy(world):
    revision = frozen(world)
    own_word = SELF_DECLARED
    world.policy = policy(accepts_self_declared=False)
    assert "signer_unverified" == refused(world, revision.revision_id, signer=own_word)
    world.policy = policy()
    world.settings = world.settings.model_copy(update={"may_sign_self_declared": False})
    assert "signer_unverified" == refused(world, revision.revision_id, signer=own_word)
    world.settings = world.settings.model_copy(update={"may_sign_self_declared": True})
    world.sign(revision.revision_id, signer=own_word)
    assert ["self_declared"] == [row["signer_source"] for row in rows(world, sign_offs)]


@pytest.mark.parametrize(
    "signer",
    [
        Signer(name="olivia@example.com", source="verified", run_id=None),
        Signer(name=" ", source="verified", run_id="run-1"),
        Signer(name="", source="self_declared", run_id="run-1"),
    ],
)
def test_a_signer_without_a_run_or_a_name_is_refused(world, signer):
    revision = frozen(world)
    assert "signer_unverified" == refused(world, revision.revision_id, signer=signer)
