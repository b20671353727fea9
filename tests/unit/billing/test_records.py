"""Records of finance: what each becomes, who may sign it, and what is refused."""

import json
from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
import sqlalchemy as sa
from billing_rows import NOW, VERSION, Line
from billing_world import OLIVIA
from signing import frozen
from yaml import safe_dump

from orchestration.billing.entries import REGISTER_ENTRY_SCHEMA, SETTLEMENT_KEY_PARTS
from orchestration.billing.posting import plan_postings
from orchestration.billing.refusals import ClosedSinceError
from orchestration.billing.sign_off import Signer
from orchestration.failures import TallyhouseError
from orchestration.operations_db.tables import erp_documents, postings, reference_versions
from orchestration.recording import RecordsInvalidError, read_records, record_entries
from orchestration.recording.record import preview_entries

INVOICE = "INV-us-acme"
TOKENS, STORAGE = "us|acme|tokens|2026-10-01", "us|acme|storage|2026-10-01"
POLICY = {
    "sign_off": {
        "approvers": [
            {"name": OLIVIA.name, "legal_entities": ["us"], "up_to_amount": {"USD": "500"}},
            {"name": "ana@example.com", "legal_entities": ["de"], "up_to_amount": "unlimited"},
        ]
    }
}
LATER = NOW + timedelta(days=1)


@pytest.fixture
def signed(world):
    """A signed invoice of 100.00 tokens and 0.50 storage, in an installation with a policy."""
    world.sign(frozen(world, Line(), Line(charge_id="storage", rated="0.50")).revision_id)
    folder = world.settings.reference_versions / VERSION
    (folder / "source" / "policy.yml").write_text(safe_dump(POLICY))
    (folder / "version.json").write_text("{}")
    with world.engine.begin() as connection:
        row = {"reference_version": VERSION, "loaded_at": NOW, "content_sha256": "0"}
        connection.execute(sa.insert(reference_versions), [row])
    return world


def file_of(*records, author="jonas@example.com"):
    defaults = {"id": "r1", "reason": "As agreed"}
    given = [defaults | record for record in records]
    return read_records("records.yml", json.dumps({"author": author, "records": given}).encode())


def record(world, *records, signer=OLIVIA, **options):
    file = file_of(*records, **options)
    return record_entries(world.settings, world.engine, file, signer=signer, now=LATER)


def refused(world, *records, **options):
    """The code of the refusal, after proving that nothing was written."""
    before = world.register.head()
    with pytest.raises(TallyhouseError) as error:
        record(world, *records, **options)
    assert before == world.register.head()
    return error.value.code


def external(amount="-10.05", **fields):
    credit = {"kind": "external", "document": INVOICE, "amount": amount, "erp_document": "CM-7"}
    return credit | fields


def of_kind(world, *kinds):
    rows = world.register.entries().to_pylist()
    return [row for row in rows if row["entry_kind"] in kinds]


def test_a_credit_by_hand_is_spread_over_what_stands_of_the_lines_to_the_cent(signed):
    record(signed, external())
    # 1005 cents over 10000 and 50: 1000 and 5
    assert {TOKENS: Decimal("90.0000"), STORAGE: Decimal("0.4500")} == signed.register.billed()
    [first, second] = of_kind(signed, "external")
    assert {"CM-7"} == {first["erp_document_number"], second["erp_document_number"]}
    assert {INVOICE} == {first["original_document_id"], second["original_document_id"]}
    assert (None, "r1", OLIVIA.name) == (first["document_id"], first["record_id"], first["signer"])


def test_the_cent_that_does_not_divide_goes_to_the_largest_remainder(signed):
    record(signed, external("-0.02"))
    # 2 cents over 10000 and 50: 1.99 and 0.01
    assert Decimal("99.9800") == signed.register.billed()[TOKENS]


def test_a_credit_by_hand_may_name_its_lines(signed):
    lines = [{"line": 1, "amount": "-7"}, {"line": 2, "amount": "-0.25"}]
    record(signed, external("-7.25", lines=lines))
    assert {TOKENS: Decimal("93.0000"), STORAGE: Decimal("0.2500")} == signed.register.billed()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (external("-100.51"), "credit_beyond_document"),
        (external("-0.51", lines=[{"line": 9, "amount": "-0.51"}]), "record_unfit"),
        (external("-10.001"), "record_unfit"),
        (external(document="nobody"), "document_unknown"),
        ({"kind": "release", "document": INVOICE, "amount": "100.49"}, "record_unfit"),
    ],
)
def test_a_record_that_does_not_fit_what_it_names_is_refused(signed, fields, code):
    assert code == refused(signed, fields)


def test_no_line_is_credited_below_zero(signed):
    of_storage = next(
        row["line_number"]
        for row in signed.register.entries().to_pylist()
        if row["settlement_key"] == STORAGE
    )
    lines = [{"line": of_storage, "amount": "-0.51"}]
    assert "credit_beyond_document" == refused(signed, external("-0.51", lines=lines))


def test_credits_of_one_file_count_with_each_other(signed):
    twice = (external("-60", id="a"), external("-60", id="b"))
    assert "credit_beyond_document" == refused(signed, *twice)


def test_a_file_signed_again_adds_nothing_and_an_id_is_never_used_again(signed):
    first = record(signed, external())
    again = record(signed, external(), external("-1", id="r2"))
    assert (("r1",), 1) == (again.known_ids, len({*again.entries["record_id"].to_pylist()}))
    assert first.register_sequence + 1 == again.register_sequence
    assert record(signed, external()).register_sequence is None
    assert "record_taken" == refused(signed, external("-2"))


@pytest.mark.parametrize(
    ("signer", "author", "code"),
    [
        ("mallory@example.com", "jonas@example.com", "signer_not_approver"),
        ("ana@example.com", "jonas@example.com", "entity_not_allowed"),
        (OLIVIA.name, "Olivia@example.com ".strip(), "four_eyes"),
    ],
)
def test_an_approver_of_the_entity_who_did_not_write_it_signs(signed, signer, author, code):
    someone = Signer(name=signer, source="verified", run_id="run-9")
    assert code == refused(signed, external(), signer=someone, author=author)


def test_amounts_count_without_signs_against_the_limit(signed):
    limited = {"approvers": [{"name": OLIVIA.name, "legal_entities": "all"}]}
    limited["approvers"][0]["up_to_amount"] = {"USD": "5"}
    folder = signed.settings.reference_versions / VERSION / "source"
    (folder / "policy.yml").write_text(safe_dump({"sign_off": limited}))
    up_and_down = (external("-3", id="a"), external("3", id="b"))
    assert "amount_above_limit" == refused(signed, *up_and_down)


def test_a_word_of_ones_own_does_not_sign_where_the_policy_does_not_accept_it(signed):
    someone = Signer(name=OLIVIA.name, source="self_declared", run_id="run-9")
    assert "signer_unverified" == refused(signed, external(), signer=someone)


def test_a_preview_shows_the_entries_and_signs_nothing(signed):
    before = signed.register.head()
    shown = preview_entries(signed.settings, signed.engine, file_of(external()), now=LATER)
    assert 2 == shown.entries.num_rows
    assert before == signed.register.head()


def released(**fields):
    return {"kind": "release", "document": INVOICE, "amount": "100.50"} | fields


def test_a_release_takes_every_line_back_and_ends_its_posting(signed):
    record(signed, released())
    assert {TOKENS: Decimal(0), STORAGE: Decimal(0)} == signed.register.billed()
    assert 0 == plan_postings(signed.settings, signed.engine, now=LATER)
    with signed.engine.connect() as connection:
        assert ["abandoned"] == list(connection.execute(sa.select(postings.c.state)).scalars())


@pytest.mark.parametrize("state", ["sending", "unknown", "posted"])
def test_what_is_in_the_erp_or_may_be_is_not_released(signed, state):
    plan_postings(signed.settings, signed.engine, now=NOW)
    with signed.engine.begin() as connection:
        connection.execute(sa.update(postings).values(state=state))
    assert "posting_not_releasable" == refused(signed, released())


@pytest.mark.parametrize("status", ["cancelled", "missing"])
def test_what_the_erp_cancelled_or_lost_is_released_and_stays_posted(signed, status):
    plan_postings(signed.settings, signed.engine, now=NOW)
    with signed.engine.begin() as connection:
        key = connection.execute(sa.select(postings.c.posting_key)).scalar_one()
        connection.execute(sa.update(postings).values(state="posted"))
        row = {
            "posting_key": key,
            "erp_document_id": "7",
            "status": status,
            "total_amount": Decimal(0),
        }
        row |= {"currency_code": "USD", "read_at": NOW}
        connection.execute(sa.insert(erp_documents), [row])
    record(signed, released())
    assert Decimal(0) == sum(signed.register.billed().values())
    with signed.engine.connect() as connection:
        assert ["posted"] == list(connection.execute(sa.select(postings.c.state)).scalars())


def test_a_document_is_released_once_and_not_while_something_credits_it(signed):
    record(signed, external("-1", id="credit"))
    assert "record_unfit" == refused(signed, released())
    record(signed, external("1", id="taken-back"))
    record(signed, released())
    assert "record_unfit" == refused(signed, released(id="r3"))
    assert "record_unfit" == refused(signed, external(id="r4"))


def test_decisions_on_events_need_an_approver_of_all_entities_who_did_not_write_them(signed):
    decision = {"kind": "drop", "source": "/gateway", "event": "e-1"}
    assert "four_eyes" == refused(signed, decision, author=OLIVIA.name)
    assert "entity_not_allowed" == refused(signed, decision)
    of_all = POLICY["sign_off"]["approvers"][0] | {"legal_entities": "all"}
    folder = signed.settings.reference_versions / VERSION / "source"
    (folder / "policy.yml").write_text(safe_dump({"sign_off": {"approvers": [of_all]}}))
    assert "event_decisions_refused" == refused(signed, decision)


def put_bucket(world, *, bucket, amount, key=STORAGE, before="0.50"):
    """What the warehouse would have: one unbilled amount, and the register's entries."""
    parts = {
        "contract_lineage_id": "lin",
        "charge_id": "storage",
        "line_kind": "usage",
        "customer_id": "acme",
        "bill_to_customer_id": "acme",
        "legal_entity_id": "us",
        "currency_code": "USD",
    }
    row = {name: parts.get(name) for name in SETTLEMENT_KEY_PARTS.names}
    row |= {"settlement_key": key, "billing_period": "2026-10", "bucket": bucket}
    row |= {"billed_amount": Decimal(before), "unbilled_amount": Decimal(amount)}
    schema = pa.schema(
        [
            *SETTLEMENT_KEY_PARTS,
            pa.field("settlement_key", pa.string()),
            pa.field("billing_period", pa.string()),
            pa.field("bucket", pa.string()),
            pa.field("billed_amount", pa.decimal128(38, 4)),
            pa.field("unbilled_amount", pa.decimal128(38, 4)),
        ]
    )
    world.put_warehouse_table("billing.fct_unbilled_amounts", pa.Table.from_pylist([row], schema))
    entries = world.register.entries()
    assert REGISTER_ENTRY_SCHEMA == entries.schema
    world.put_warehouse_table("staging.stg_register__entries", entries)


def closure(**fields):
    return {"kind": "carry_close", "customer": "acme", "currency": "USD", "amount": "0.20"} | fields


def test_what_is_carried_is_closed_with_the_amount_that_was_reviewed(signed):
    put_bucket(signed, bucket="carried", amount="0.20")
    assert "record_unfit" == refused(signed, closure(amount="0.21"))
    assert "record_unfit" == refused(signed, closure(period="2026-09"))
    assert "record_unfit" == refused(signed, closure(kind="waive"))
    record(signed, closure())
    [entry] = of_kind(signed, "carry_close")
    assert (STORAGE, Decimal("0.2000")) == (entry["settlement_key"], entry["amount"])
    assert Decimal("0.5000") == signed.register.billed()[STORAGE]


def test_what_was_closed_since_the_build_is_not_closed_twice(signed):
    put_bucket(signed, bucket="carried", amount="0.20")
    record(signed, closure())
    assert "candidates_outdated" == refused(signed, closure(id="r2"))


def test_what_was_billed_since_the_build_is_not_closed(signed):
    put_bucket(signed, bucket="out_of_window", amount="0.20", before="0.30")
    assert "register_moved" == refused(signed, closure(kind="waive"))


def test_a_revision_with_what_was_waived_after_its_freeze_is_not_signed(signed):
    signed.put_candidates(Line(charge_id="storage", rated="0.70", before="0.50"))
    [second] = signed.freeze()
    put_bucket(signed, bucket="out_of_window", amount="0.20")
    record(signed, closure(kind="waive"))
    with pytest.raises(ClosedSinceError, match="r1"):
        signed.sign(second.revision_id)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("records: []", "author"),
        ("author: a\nrecords: []", "at least one record"),
        ("author: a\nrecords: [{kind: gift}]", "must be 'external'"),
        ("author: a\nrecords: [{kind: release, id: x, document: d, reason: r}]", "amount"),
        (
            "author: a\nrecords: [{kind: release, id: x, document: d, amount: 1.0e, reason: r}]",
            "1.0e",
        ),
        (
            "author: a\nrecords: [{kind: waive, id: x, currency: USD, amount: 1, reason: r}]",
            "either a document or a customer",
        ),
        (
            (
                "author: a\nrecords:\n- {kind: concession, id: x, document: d, amount: 1, "
                "erp_document: e, reason: r}"
            ),
            "must be negative",
        ),
        (
            (
                "author: a\nrecords:\n- {kind: external, id: x, document: d, amount: -3, "
                "lines: [{line: 1, amount: -2}], erp_document: e, reason: r}"
            ),
            "lines add up to -2, and amount is -3",
        ),
        ("author: a\nrecords:\n- &x {kind: release}\n- *x", "anchor"),
        (
            "author: a\nrecords: [{kind: pick, id: x, source: s, event: e, reason: r}]",
            "content is for a pick, which needs it",
        ),
        (
            "author: a\nrecords: [{kind: drop, id: x, source: s, event: e, content: c, reason: r}]",
            "content is for a pick, which needs it",
        ),
        (
            (
                "author: a\nrecords:\n- {kind: drop, id: x, source: s, event: e, reason: r}\n"
                "- {kind: release, id: y, document: d, amount: 1, reason: r}"
            ),
            "give each a file of its own",
        ),
    ],
)
def test_a_file_that_is_no_file_of_records_is_refused_with_line_and_reason(text, told):
    with pytest.raises(RecordsInvalidError, match=r"records\.yml:[0-9]") as error:
        read_records("records.yml", text.encode())
    assert told in str(error.value)


def test_a_warehouse_that_was_never_built_has_nothing_to_close(signed):
    assert "candidates_outdated" == refused(signed, closure())
