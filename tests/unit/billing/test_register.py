"""The register: what a commit refuses, what readers see, what verification finds."""

import json
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from billing_rows import NOW, entries_table

from orchestration.billing.entries import ENTRY_KINDS, REGISTER_ENTRY_SCHEMA, fold_billed
from orchestration.billing.manifests import EMPTY_HEAD
from orchestration.billing.refusals import (
    EntryInvalidError,
    PostingKeyTakenError,
    RegisterBusyError,
    RegisterDamagedError,
    RegisterMovedError,
)
from orchestration.billing.register import Register


def record(register, *rows):
    return register.commit(
        kind="record", subject={"note": "a"}, now=NOW, entries=entries_table(*rows)
    )


@pytest.fixture
def register(tmp_path):
    return Register(tmp_path / "register")


def test_an_empty_register_has_a_head_and_no_entries(register):
    assert EMPTY_HEAD == register.head()
    assert REGISTER_ENTRY_SCHEMA == register.entries().schema
    assert 0 == register.entries().num_rows
    assert {} == register.billed()
    assert () == register.verify()


def test_a_commit_carries_the_digest_of_the_one_before_it(register):
    first = record(register, {"amount": Decimal(5)})
    second = record(
        register,
        {
            "entry_kind": "correct",
            "billed_before": Decimal(5),
            "posting_key": "UB",
            "amount": Decimal(1),
        },
    )
    assert "0" * 64 == first.previous_manifest_sha256
    assert first.sha256 == second.previous_manifest_sha256
    assert (2, second.sha256) == (register.head().sequence, register.head().manifest_sha256)
    assert [(1, first.sha256), (2, second.sha256)] == list(
        zip(
            register.entries()["register_sequence"].to_pylist(),
            register.entries()["manifest_sha256"].to_pylist(),
            strict=True,
        )
    )


def test_billed_is_bill_correct_release_external_and_concession_and_nothing_else(register):
    """ledger.md, The register."""
    counted = {"bill", "correct", "release", "external", "concession"}
    rows = [
        {
            "entry_kind": kind,
            "settlement_key": kind,
            "posting_key": f"U{number}",
            "document_id": f"D{number}",
            "credit_grant_id": "g",
        }
        for number, kind in enumerate(ENTRY_KINDS)
    ]
    record(register, *rows)
    assert {kind: Decimal("1.0000") for kind in counted} == register.billed()


def test_billed_sums_exactly_over_commits_and_within_one(register):
    record(register, {"amount": Decimal("0.1000")}, {"amount": Decimal("0.2000")})
    record(
        register,
        {
            "entry_kind": "release",
            "billed_before": Decimal("0.3000"),
            "amount": Decimal("-0.3000"),
        },
    )
    assert {"k1": Decimal("0.0000")} == register.billed()


def test_a_key_that_was_billed_meanwhile_is_refused_by_name_and_nothing_is_written(register):
    """ledger.md: if the register says otherwise at commit, it is refused and names the keys."""
    record(register, {"settlement_key": "k1"}, {"settlement_key": "k2"})
    before = register.head()
    with pytest.raises(RegisterMovedError) as refused:
        record(
            register,
            {"settlement_key": "k2", "posting_key": "UB"},
            {"settlement_key": "k3", "posting_key": "UB"},
        )
    assert ("k2",) == refused.value.settlement_keys
    assert "register_moved" == refused.value.code
    assert "k2 (billed 0 then, 1 now)" in str(refused.value)
    assert before == register.head()
    assert 2 == register.entries().num_rows


def test_a_bucket_entry_is_compared_with_the_register_too(register):
    record(register, {"settlement_key": "k1"})
    with pytest.raises(RegisterMovedError):
        record(register, {"settlement_key": "k1", "entry_kind": "waive"})


def test_a_posting_key_is_signed_once(register):
    record(register, {"settlement_key": "k1"})
    with pytest.raises(PostingKeyTakenError) as refused:
        record(register, {"settlement_key": "k2", "document_id": "D2"})
    assert "posting_key_taken" == refused.value.code
    assert 1 == register.head().sequence


def test_a_posting_key_stands_for_one_document_within_a_commit(register):
    with pytest.raises(PostingKeyTakenError):
        record(
            register,
            {"settlement_key": "k1", "document_id": "D1"},
            {"settlement_key": "k2", "document_id": "D2"},
        )


def test_a_release_may_name_the_posting_key_that_it_releases(register):
    record(register, {"settlement_key": "k1"})
    record(
        register,
        {"entry_kind": "release", "billed_before": Decimal(1), "amount": Decimal(-1)},
    )
    assert {"k1": Decimal("0.0000")} == register.billed()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"entry_kind": "refund"}, "kind unknown"),
        ({"settlement_key": None}, "settlement key missing"),
        ({"legal_entity_id": None}, "legal entity missing"),
        ({"currency_code": None}, "currency missing"),
        ({"entry_kind": "credit_draw"}, "credit grant missing"),
        ({"document_id": None}, "document missing"),
        ({"posting_key": None}, "posting key missing"),
        ({"line_number": None}, "line number missing"),
        ({"amount": None}, "amount missing"),
        ({"billed_before": None}, "billed_before missing"),
        ({"signer": None}, "signer missing"),
    ],
)
def test_an_entry_that_breaks_the_rules_of_its_kind_is_refused(register, change, rule):
    with pytest.raises(EntryInvalidError) as refused:
        record(register, change)
    assert f"{rule}: entries 1" in str(refused.value)
    assert EMPTY_HEAD == register.head()


def test_entry_numbers_do_not_repeat(register):
    with pytest.raises(EntryInvalidError, match="entry numbers repeat"):
        record(register, {}, {"entry_number": 1})


def test_a_credit_needs_no_settlement_key_and_bills_nothing(register):
    record(
        register,
        {"entry_kind": "credit_grant", "settlement_key": None, "credit_grant_id": "g"},
    )
    assert {} == register.billed()


def test_a_file_that_no_manifest_lists_does_not_exist_for_readers_and_is_swept(register):
    record(register, {})
    stray = register.folder / "entries" / "stray.parquet"
    pq.write_table(entries_table({"settlement_key": "stray"}), stray)
    beside = register.folder / "entries" / ".half.parquet.17.beside"
    beside.write_bytes(b"half")
    assert {"k1": Decimal("1.0000")} == register.billed()
    assert ("entries/.half.parquet.17.beside", "entries/stray.parquet") == register.sweep()
    assert not stray.exists()
    assert not beside.exists()
    kept = [path.name.split(".parquet")[0] for path in (register.folder / "swept").iterdir()]
    assert ["entries__stray"] == kept
    assert () == register.sweep()


def test_nothing_is_swept_from_a_damaged_register(register):
    record(register, {})
    record(register, {"settlement_key": "k2", "posting_key": "UB"})
    listed = register.chain()[0].files[0].path
    (register.folder / "manifests" / "00000001.json").unlink()
    with pytest.raises(RegisterDamagedError):
        register.sweep()
    assert (register.folder / listed).exists()


def test_a_changed_entry_file_is_never_read(register):
    record(register, {"amount": Decimal(5)})
    path = register.folder / register.chain()[0].files[0].path
    path.chmod(0o644)
    pq.write_table(entries_table({"amount": Decimal(9)}), path)
    with pytest.raises(RegisterDamagedError) as refused:
        register.billed()
    assert "register_damaged" == refused.value.code
    assert ["file_changed"] == [problem.code for problem in register.verify()]


def test_verification_reports_every_problem_with_its_file(register):
    for number in range(4):
        record(register, {"settlement_key": f"k{number}", "posting_key": f"U{number}"})
    chain = register.chain()
    missing = chain[0].files[0].path
    (register.folder / missing).unlink()
    (register.folder / "manifests" / "00000002.json").unlink()
    last = register.folder / "manifests" / "00000004.json"
    last.chmod(0o644)
    last.write_bytes(last.read_bytes().replace(b'"note":"a"', b'"note":"b"'))
    assert [
        ("manifests/00000002.json", "manifest_missing"),
        ("manifests/00000003.json", "chain_broken"),
        ("manifests/00000004.json", "manifest_unreadable"),
        (missing, "file_missing"),
    ] == [(problem.path, problem.code) for problem in register.verify()]


def test_a_lost_tail_is_found_by_a_digest_that_left_the_folder(register):
    record(register, {})
    last = record(register, {"settlement_key": "k2", "posting_key": "UB"})
    (register.folder / "manifests" / "00000002.json").unlink()
    assert () == register.verify()
    found = register.verify(known_manifest_sha256=[last.sha256])
    assert ["commit_forgotten"] == [problem.code for problem in found]
    assert last.sha256 in found[0].message


def test_a_manifest_whose_paths_lead_out_of_the_register_is_not_believed(register):
    record(register, {})
    path = register.folder / "manifests" / "00000001.json"
    plain = json.loads(path.read_bytes())
    plain["files"][0]["path"] = "../elsewhere.parquet"
    path.chmod(0o644)
    path.write_text(json.dumps(plain))
    assert ["manifest_unreadable"] == [problem.code for problem in register.verify()]


def test_a_writer_that_waits_too_long_is_told_who_is_in_the_way(register):
    impatient = Register(register.folder, wait_seconds=0.01)
    with register.writing(), pytest.raises(RegisterBusyError) as refused:
        record(impatient, {})
    assert "register_busy" == refused.value.code


def test_committed_files_are_read_only(register):
    record(register, {})
    modes = {
        path.stat().st_mode & 0o777
        for path in register.folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }
    assert {0o444} == modes


def test_the_fold_can_be_asked_for_some_keys_only():
    entries = entries_table({"settlement_key": "a"}, {"settlement_key": "b"})
    assert {"b": Decimal("1.0000")} == fold_billed(entries, keys=["b", "c"])
