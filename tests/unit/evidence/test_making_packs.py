"""What a pack holds, in the form in which an auditor reads it."""

import csv
import hashlib
import json
import shutil
import subprocess
from decimal import Decimal

import pytest
from billing_rows import Line, entries_table
from billing_world import BillingWorld
from evidence_world import signed_world

from orchestration.audit import AuditLog
from orchestration.billing.refusals import PeriodNotSignedError, RevisionUnknownError
from orchestration.evidence import make_pack, verify_pack
from orchestration.evidence.making import ReferenceGoneError
from orchestration.evidence.readme import TABLES
from orchestration.failures import BusinessError


def rows(made, name):
    with (made.folder / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def column(made, name, *columns):
    return [tuple(row[each] for each in columns) for row in rows(made, name)]


def test_each_revision_comes_to_the_same_on_all_three_sides(made):
    assert [
        ("de:2026-10:r1", "EUR", "1", "12.34", "12.34", "12.34", "0.00"),
        ("us:2026-10:r1", "USD", "2", "80.50", "80.50", "80.50", "40.00"),
    ] == column(
        made,
        "totals",
        "revision_id",
        "currency_code",
        "document_count",
        "documents_amount",
        "entries_amount",
        "signature_amount",
        "held_amount",
    )


def test_documents_say_whether_they_were_signed_and_held_lines_why_not(made):
    assert {"INV-us-cargo"} == {
        row["document_id"] for row in rows(made, "documents") if row["is_signed"] == "false"
    }
    assert [("INV-us-cargo", "40.00", "'-looked at")] == column(
        made, "held_lines", "document_id", "amount", "reason"
    )


def test_entries_begin_with_what_a_person_reads(made):
    entries = rows(made, "entries")
    assert ["revision_id", "legal_entity_id", "bill_to_customer_id"] == list(entries[0])[:3]
    assert {"120.00", "0.50", "-40.00", "12.34"} == {row["amount"] for row in entries}


def test_the_month_before_stands_beside_each_customer_and_charge(made):
    assert [
        ("de", "acme", "tokens", "EUR", "12.34", "0.00", "12.34"),
        ("us", "acme", "storage", "USD", "0.50", "0.00", "0.50"),
        ("us", "acme", "tokens", "USD", "120.00", "80.00", "40.00"),
        ("us", "bolt", "seats", "USD", "-40.00", "0.00", "-40.00"),
        ("us", "bolt", "tokens", "USD", "0.00", "15.50", "-15.50"),
    ] == column(
        made,
        "month_over_month",
        "legal_entity_id",
        "customer_id",
        "charge_id",
        "currency_code",
        "amount",
        "amount_before",
        "difference",
    )


def test_what_was_recorded_by_itself_about_the_month_is_there(made):
    assert [("external", "55.50", "us|bolt|seats|2026-10-01")] == column(
        made, "recorded_entries", "entry_kind", "amount", "settlement_key"
    )


def test_a_waiver_that_may_be_about_the_month_is_there_with_who_why_and_until_when(made):
    assert [("e-1", "ana@example.com", "trial", "2026-12-31")] == column(
        made, "waivers", "exception_id", "waived_by", "reason", "waived_until_date"
    )


def test_a_signature_stands_with_what_it_pinned(made, world):
    [_, us] = rows(made, "sign_offs")
    chain = world.register.chain()
    revision = next(each for each in chain if each.subject.get("revision_id") == us["revision_id"])
    assert ("olivia@example.com", "verified", "'-looked at", "2026-11-02T10:00:00Z") == (
        us["signer"],
        us["signer_source"],
        us["note"],
        us["signed_at"],
    )
    assert revision.subject["content_sha256"] == us["content_sha256"]
    policy = made.folder / "reference" / us["reference_version"] / "policy.yml"
    assert us["policy_sha256"] == hashlib.sha256(policy.read_bytes()).hexdigest()


def test_exceptions_are_those_of_the_freeze_for_each_entity_and_no_formula(made):
    found = column(made, "exceptions", "revision_id", "exception_id", "what_to_do")
    assert [
        ("de:2026-10:r1", "exception-2", "Load the contract."),
        ("us:2026-10:r1", "exception-1", "'=HYPERLINK(1)"),
    ] == found
    assert "=HYPERLINK(1)" == made.tables["exceptions"]["what_to_do"].to_pylist()[1]


def test_every_check_of_the_signature_has_its_figures(made):
    us = [row for row in rows(made, "checks") if row["revision_id"] == "us:2026-10:r1"]
    assert {str(number) for number in range(1, 8)} == {row["invariant_number"] for row in us}
    assert {"true"} == {row["is_passed"] for row in us}
    assert "read 10, accounted 10, difference 0" in {row["figure"] for row in us}


def test_every_input_has_its_digest(made):
    inputs = rows(made, "inputs")
    assert {"raw_file", "reference_source", "reference_table", "register_file"} == {
        row["input_kind"] for row in inputs
    }
    assert all(len(row["sha256"]) == 64 for row in inputs)
    for row in inputs:
        if row["input_kind"] == "register_file":
            packed = made.folder / row["path"]
            assert row["sha256"] == hashlib.sha256(packed.read_bytes()).hexdigest()


def test_postings_have_the_erps_number_and_each_attempt_its_receipt(made):
    postings = {row["document_id"]: row for row in rows(made, "postings")}
    assert {"INV-us-acme", "INV-us-bolt", "INV-de-acme"} == postings.keys()
    assert {"posted"} == {row["state"] for row in postings.values()}
    credit = postings["INV-us-bolt"]
    assert ("-40.00", "-40.00") == (credit["amount"], credit["erp_total_amount"])
    attempts = rows(made, "posting_attempts")
    assert {("posted", "pia@x", "verified", "run-7")} == {
        (row["outcome"], row["actor_name"], row["actor_source"], row["run_id"]) for row in attempts
    }
    for row in attempts:
        calls = json.loads(row["receipt"])["calls"]
        numbers = {each.get("document_number") for call in calls for each in answers(call)}
        posted = [each for each in postings.values() if each["posting_key"] == row["posting_key"]]
        assert posted[0]["document_number"] in numbers


def answers(call):
    found = call.get("answer") or []
    return found if isinstance(found, list) else [found]


def test_audit_entries_of_the_month_are_there_and_no_others(made, world):
    found = column(made, "audit_log", "audit_action", "object_id", "actor")
    assert sorted(
        [
            ("freeze", "de:2026-10:r1", "pia@x"),
            ("freeze", "us:2026-10:r1", "pia@x"),
            ("sign", "de:2026-10:r1", "olivia@example.com"),
            ("sign", "us:2026-10:r1", "olivia@example.com"),
            ("hold", "INV-us-cargo", "olivia@example.com"),
            ("post", "INV-us-acme", "pia@x"),
            ("credit", "INV-us-bolt", "pia@x"),
            ("post", "INV-de-acme", "pia@x"),
        ]
    ) == sorted(found)
    assert AuditLog(world.settings.audit).head() == made.audit_head


def test_the_readme_names_every_table_and_both_heads(made, world):
    text = (made.folder / "README.txt").read_text("utf-8")
    for name in (*TABLES, world.register.head().manifest_sha256, made.audit_head.entry_sha256):
        assert name in text
    assert max(map(len, text.splitlines())) <= 120
    assert set(TABLES) == {path.stem for path in (made.folder / "tables").glob("*.csv")}


def test_sha256sum_confirms_every_file_without_tallyhouse(made):
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", "SHA256SUMS"],
        cwd=made.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [path for path in made.folder.rglob("*") if path.is_file()]
    assert len(files) - 1 == done.stdout.count(": OK")


def test_the_same_state_gives_the_same_bytes_and_is_put_in_place_again(made, world):
    before = made.archive.read_bytes()
    made.archive.unlink()
    shutil.rmtree(made.folder)
    again = make_pack(world.settings, world.engine, billing_period="2026-10")
    assert (made.folder, made.archive_sha256) == (again.folder, again.archive_sha256)
    assert before == again.archive.read_bytes()


def test_one_entity_and_one_number_give_a_pack_of_their_own(made, world):
    one = make_pack(
        world.settings,
        world.engine,
        billing_period="2026-10",
        legal_entity_ids=["de"],
        revision_number=1,
    )
    assert ("de:2026-10:r1",) == one.subject.revision_ids
    assert one.folder.name.startswith("2026-10-de-r1-")
    assert [Decimal("12.3400")] == one.tables["entries"]["amount"].to_pylist()
    assert verify_pack(one.archive).is_sound


@pytest.mark.parametrize(
    ("asked", "error", "told"),
    [
        ({"billing_period": "2026-12"}, RevisionUnknownError, "Nothing of that period was frozen"),
        (
            {"billing_period": "2026-10", "revision_number": 7},
            RevisionUnknownError,
            "There are de:2026-10:r1, us:2026-10:r1",
        ),
        (
            {"billing_period": "2026-10", "legal_entity_ids": ["us", "jp"]},
            PeriodNotSignedError,
            "of jp",
        ),
        ({"billing_period": "2026-13"}, BusinessError, "not a month"),
    ],
)
def test_what_was_never_frozen_is_refused_by_name(world, asked, error, told):
    with pytest.raises(error, match=told):
        make_pack(world.settings, world.engine, **asked)


def test_a_month_that_is_frozen_and_not_signed_is_refused_with_its_state(tmp_path):
    world = BillingWorld(tmp_path)
    world.build(Line()).freeze()
    with pytest.raises(PeriodNotSignedError, match="us:2026-10:r1 is frozen"):
        make_pack(world.settings, world.engine, billing_period="2026-10")
    assert not (world.settings.reports / "evidence").exists()
    world.engine.dispose()


def test_without_the_reference_version_there_is_no_evidence(tmp_path):
    world = signed_world(tmp_path / "data")
    [version] = world.settings.reference_versions.glob("*/version.json")
    version.unlink()
    with pytest.raises(ReferenceGoneError, match="Restore"):
        make_pack(world.settings, world.engine, billing_period="2026-10")
    assert [] == list((world.settings.reports / "evidence").glob("*"))
    world.engine.dispose()


def test_an_entry_recorded_later_is_in_the_next_pack_and_the_first_one_stays(tmp_path):
    world = signed_world(tmp_path / "data")
    first = make_pack(world.settings, world.engine, billing_period="2026-10")
    world.register.commit(
        kind="record",
        subject={"note": "goodwill"},
        now=first_instant(world),
        entries=entries_table({"entry_kind": "waive", "billing_period": "2026-10"}),
    )
    second = make_pack(world.settings, world.engine, billing_period="2026-10")
    assert first.folder != second.folder
    assert 2 == second.tables["recorded_entries"].num_rows
    assert verify_pack(first.folder).is_sound
    assert verify_pack(second.folder).is_sound
    world.engine.dispose()


def first_instant(world):
    return world.register.chain()[-1].written_at
