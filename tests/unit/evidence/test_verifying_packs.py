"""Whatever is done to a pack, on whichever machine, is found and named."""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.billing.canonical import canonical_bytes
from orchestration.evidence import refuse_unsound_pack, verify_pack
from orchestration.evidence.csv_text import csv_bytes
from orchestration.evidence.pack import files_below, seal, write_archive
from orchestration.evidence.verifying import PackUnreadableError, PackUnsoundError


def problems(path):
    return [(problem.path, problem.code) for problem in verify_pack(path).problems]


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 0x01
    path.chmod(0o644)
    path.write_bytes(bytes(content))


def sealed_again(folder):
    """The pack as somebody would leave it who makes every checksum anew."""
    about = json.loads((folder / "pack.json").read_bytes())
    del about["files"], about["format"]
    seal(folder, about)


def test_a_pack_is_sound_as_a_folder_and_as_an_archive(pack, archive):
    assert [] == problems(pack)
    assert [] == problems(archive)
    assert ["de:2026-10:r1", "us:2026-10:r1"] == verify_pack(archive).about["revision_ids"]


def test_a_flipped_byte_in_any_file_is_found_in_that_file(made, pack):
    for path in files_below(made.folder):
        size = (pack / path).stat().st_size
        position = size // 3
        flip(pack / path, position)
        assert path in {found for found, _ in problems(pack)}
        flip(pack / path, position)
    assert [] == problems(pack)


def test_a_flipped_byte_anywhere_in_the_archive_is_found(made, archive):
    content = made.archive.read_bytes()
    with zipfile.ZipFile(made.archive) as members:
        starts = [each.header_offset for each in members.infolist()]
    directory = content.rindex(b"PK\x05\x06")
    first_record = content.index(b"PK\x01\x02")
    positions = [
        *(start + offset for start in starts[::16] for offset in (0, 5, 11, 15, 27, 31, 80)),
        *range(first_record, first_record + 60, 9),
        *range(directory, len(content), 4),
    ]
    for position in positions:
        flip(archive, position)
        assert "pack.zip" in {path for path, _ in problems(archive)}, position
        flip(archive, position)
    assert [] == problems(archive)


def test_a_flipped_byte_in_a_packed_file_is_found_in_that_file_of_the_archive(made, archive):
    with zipfile.ZipFile(made.archive) as members:
        for each in members.infolist()[::5]:
            path = each.filename.partition("/")[2]
            flip(archive, each.header_offset + 30 + len(each.filename) + each.file_size // 2)
            assert path in {found for found, _ in problems(archive)}
            flip(archive, each.header_offset + 30 + len(each.filename) + each.file_size // 2)


def test_a_file_that_is_gone_or_was_added_or_leads_elsewhere_is_named(pack, tmp_path):
    (pack / "tables" / "totals.csv").unlink()
    (pack / "tables" / "more.csv").write_text("a,b\n")
    (pack / "tables" / "link.csv").symlink_to(tmp_path)
    assert {
        ("tables/totals.csv", "file_missing"),
        ("tables/more.csv", "file_unlisted"),
        ("tables/link.csv", "file_unlisted"),
    } <= set(problems(pack))


@pytest.mark.parametrize("path", ["pack.json", "SHA256SUMS", "README.txt", "audit/entries.jsonl"])
def test_without_one_of_its_files_a_pack_is_not_sound(pack, path):
    (pack / path).unlink()
    assert path in {found for found, _ in problems(pack)}


def test_an_archive_packed_by_another_program_is_told_though_its_files_are_as_they_were(
    pack, tmp_path
):
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w", zipfile.ZIP_STORED) as members:
        for path in reversed(list(files_below(pack))):
            members.write(pack / path, f"pack/{path}")
    assert [("other.zip", "archive_changed")] == problems(other)


@pytest.mark.parametrize("name", ["pack/../../evil", "/pack/evil", "pack/a\\..\\evil"])
def test_an_archive_that_leads_out_of_its_folder_is_not_unpacked(made, tmp_path, name):
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w") as members:
        members.writestr("pack/pack.json", "{}")
        members.writestr(name, "x")
    found = verify_pack(evil)
    assert not found.is_sound
    assert not list(tmp_path.parent.rglob("evil"))


def test_a_compressed_archive_is_not_unpacked_at_all(pack, tmp_path):
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("pack/zeros", b"0" * 1_000_000)
    assert ("zeros", "archive_changed") in problems(bomb)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_archive_is_told(tmp_path, content):
    path = tmp_path / "some.zip"
    path.write_bytes(content)
    assert [("some.zip", "archive_changed")] == problems(path)


def test_nothing_at_that_path_is_refused(tmp_path):
    with pytest.raises(PackUnreadableError, match="no such folder or file"):
        verify_pack(tmp_path / "nowhere")


def rewritten(pack, name, change):
    """A table changed in Parquet and CSV alike."""
    path = pack / "tables" / f"{name}.parquet"
    table = change(pq.read_table(path))
    pq.write_table(table, path, compression="zstd")
    (pack / "tables" / f"{name}.csv").write_bytes(csv_bytes(table))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "totals",
            "documents",
            "entries",
            "held_lines",
            "recorded_entries",
            "waivers",
            "sign_offs",
        ),
        *("checks", "exceptions", "provenance", "month_over_month", "audit_log"),
    ],
)
def test_a_table_that_was_changed_with_all_checksums_made_anew_is_found(pack, name):
    rewritten(pack, name, lambda table: table.slice(1))
    sealed_again(pack)
    assert [(f"tables/{name}.parquet", "table_differs")] == problems(pack)


def test_a_csv_that_says_otherwise_than_its_parquet_is_found(pack):
    path = pack / "tables" / "totals.csv"
    path.write_bytes(path.read_bytes().replace(b"80.50", b"90.50"))
    sealed_again(pack)
    assert [("tables/totals.csv", "table_differs")] == problems(pack)


def test_inputs_that_are_not_those_that_were_pinned_are_found(pack):
    rewritten(pack, "inputs", lambda table: table.slice(1))
    sealed_again(pack)
    assert {("tables/inputs.parquet", "content_differs")} == set(problems(pack))
    assert 2 == len(problems(pack))


def test_a_posting_of_something_else_than_was_signed_is_found(pack):
    def other_payload(table):
        place = table.schema.get_field_index("payload_sha256")
        field = table.schema.field(place)
        return table.set_column(place, field, [["0" * 64] * table.num_rows])

    rewritten(pack, "postings", other_payload)
    sealed_again(pack)
    assert {("tables/postings.parquet", "content_differs")} == set(problems(pack))


def test_documents_swapped_for_others_are_found_by_the_digest_that_was_signed(pack):
    """Somebody rewrote the revision's file, the manifest that lists it, and every checksum."""
    chain = forged_chain(pack)
    sealed_again_with_head(pack, chain)
    found = problems(pack)
    assert ("register/revisions/us/2026-10/r1", "content_differs") in found


def forged_chain(pack):
    """Rewrite a revision's amounts and all manifests from it on, so that the chain holds again."""
    register = pack / "register"
    documents = register / "revisions" / "us" / "2026-10" / "r1" / "documents.parquet"
    table = pq.read_table(documents)
    place = table.schema.get_field_index("amount")
    doubled = [amount * 2 for amount in table["amount"].to_pylist()]
    field = table.schema.field(place)
    documents.chmod(0o644)
    pq.write_table(table.set_column(place, field, [pa.array(doubled, field.type)]), documents)
    previous = "0" * 64
    for path in sorted((register / "manifests").iterdir()):
        manifest = json.loads(path.read_bytes())
        del manifest["content_sha256"]
        manifest["previous_manifest_sha256"] = previous
        for each in manifest["files"]:
            if (register / each["path"]) == documents:
                content = documents.read_bytes()
                each["sha256"] = hashlib.sha256(content).hexdigest()
                each["byte_size"] = len(content)
        whole = {
            **manifest,
            "content_sha256": hashlib.sha256(canonical_bytes(manifest)).hexdigest(),
        }
        path.chmod(0o644)
        path.write_bytes(canonical_bytes(whole) + b"\n")
        previous = hashlib.sha256(path.read_bytes()).hexdigest()
    return previous


def sealed_again_with_head(pack, head):
    about = json.loads((pack / "pack.json").read_bytes())
    del about["files"], about["format"]
    about["register_head"]["manifest_sha256"] = head
    seal(pack, about)


def test_a_chain_that_was_cut_short_is_found_by_the_head_that_the_pack_names(pack):
    last = max((pack / "register" / "manifests").iterdir())
    last.unlink()
    sealed_again(pack)
    assert "chain_broken" in {code for _, code in problems(pack)}


def test_an_audit_entry_told_otherwise_is_found_though_the_checksums_are_made_anew(pack):
    path = pack / "audit" / "entries.jsonl"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"olivia@example.com", b"mallory@example.co"))
    sealed_again(pack)
    assert ("audit/entries.jsonl", "content_differs") in problems(pack)


def test_an_unsound_pack_is_refused_with_every_problem(pack):
    (pack / "more.txt").write_text("x")
    found = verify_pack(pack)
    with pytest.raises(PackUnsoundError, match=r"more.txt \(file_unlisted\)"):
        refuse_unsound_pack("the pack", found.problems)
    refuse_unsound_pack("the pack", ())


def test_a_pack_is_sound_under_another_name_and_somewhere_else(pack, tmp_path):
    moved = tmp_path / "elsewhere" / "a pack"
    shutil.copytree(pack, moved)
    assert [] == problems(moved)
    target = Path(tmp_path / "again.zip")
    with target.open("w+b") as content:
        write_archive(moved, "another name", content)
    assert [] == problems(target)
