"""An auditor takes the evidence of the signed month home, and looks up who did what in SQL."""

import csv
import json
import shutil
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.audit import AuditLog
from orchestration.cli import app
from orchestration.cli_answers import ExitCode
from orchestration.data_directory import initialise

pytestmark = pytest.mark.slow

MONTH = "2026-09"


def tallyhouse(*arguments):
    answer = CliRunner().invoke(app, [*map(str, arguments), "--json"], catch_exceptions=False)
    return answer.exit_code, json.loads(answer.stdout)


@pytest.fixture(scope="module")
def house(house_of_the_signed_month):
    initialise(house_of_the_signed_month.settings)
    return house_of_the_signed_month


@pytest.fixture(scope="module")
def evidence(house):
    """What the command answered."""
    data_dir = house.settings.data_dir
    code, answer = tallyhouse("evidence", "--period", MONTH, "--data-dir", data_dir)
    assert ExitCode.DONE == code
    return answer


@pytest.fixture(scope="module")
def taken_home(evidence, tmp_path_factory):
    """The archive alone, on a machine without a data directory."""
    target = tmp_path_factory.mktemp("home") / "month.zip"
    shutil.copyfile(evidence["archive"], target)
    return target


def rows(evidence, name):
    path = Path(evidence["folder"]) / "tables" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def test_the_pack_comes_to_what_the_erp_holds(evidence, house):
    """Invariants 7 and 10."""
    held = defaultdict(Decimal)
    for document in house.erp_documents():
        held[document.currency_code] += document.total_amount
    signed = {total["currency_code"]: Decimal(total["amount"]) for total in evidence["totals"]}
    assert {"EUR", "JPY", "USD"} == signed.keys()
    assert dict(held) == signed
    assert {document.document_number for document in house.erp_documents()} == {
        row["document_number"] for row in rows(evidence, "postings")
    }


def test_every_figure_of_the_month_is_compared_with_the_month_before(evidence):
    compared = defaultdict(Decimal)
    for row in rows(evidence, "month_over_month"):
        compared[row["currency_code"]] += Decimal(row["difference"])
        assert Decimal(row["amount"]) - Decimal(row["amount_before"]) == Decimal(row["difference"])
    assert compared == {
        total["currency_code"]: Decimal(total["amount"]) for total in evidence["totals"]
    }


def test_it_is_sound_at_home_until_a_byte_is_changed(taken_home, monkeypatch):
    monkeypatch.setenv("TALLYHOUSE_DATA_DIR", str(taken_home.parent / "nothing"))
    code, answer = tallyhouse("verify", taken_home)
    assert (ExitCode.DONE, True, []) == (code, answer["is_sound"], answer["problems"])
    content = bytearray(taken_home.read_bytes())
    content[len(content) // 2] ^= 1
    taken_home.write_bytes(bytes(content))
    code, answer = tallyhouse("verify", taken_home)
    assert (ExitCode.CHECKS_RED, False) == (code, answer["is_sound"])
    assert not (taken_home.parent / "nothing").exists()


def test_the_month_that_nobody_signed_is_refused(house):
    data_dir = house.settings.data_dir
    code, answer = tallyhouse("evidence", "--period", "2026-10", "--data-dir", data_dir)
    assert (ExitCode.REFUSED, "revision_unknown") == (code, answer["error"]["code"])


def test_who_did_what_is_asked_in_sql(house, signed_month):
    query = "select audit_action, actor, actor_source from operations.fct_audit_log"
    assert {
        ("change_reference", "tallyhouse", "machine"): 1,
        ("freeze", "tallyhouse", "machine"): len(signed_month.revisions),
        ("sign", "local demo", "self_declared"): len(signed_month.sign_offs),
        ("post", "tallyhouse", "machine"): signed_month.posted.posted,
    } == Counter(house.rows(query))


def test_the_log_in_sql_is_the_log_and_every_commit_is_in_it(house, evidence):
    """Nothing was signed since the models were built; what came after is the auditor's own runs."""
    told = house.rows("select entry_sha256 from operations.fct_audit_log order by audit_sequence")
    entries = AuditLog(house.settings.audit).entries()
    assert [entry.sha256 for entry in entries][: len(told)] == [sha256 for (sha256,) in told]
    assert {"prepare_evidence_pack"} == {entry.deed.object_id for entry in entries[len(told) :]}
    code, answer = tallyhouse("doctor", "--data-dir", house.settings.data_dir)
    assert ExitCode.DONE == code
    assert {True} == {finding["is_sound"] for finding in answer["findings"]}


def test_a_log_that_is_shorter_than_the_pack_says_is_found_though_its_anchors_went_with_it(
    house, evidence, tmp_path
):
    """What left the data directory tells on whoever may change everything in it."""
    other = house.copy(tmp_path / "data")
    last = max((other.settings.audit / "entries").iterdir())
    first = evidence["audit_head"]["sequence"]
    for path in (other.settings.audit / "entries").iterdir():
        if int(path.stem) >= first:
            path.unlink()
    with closing(sqlite3.connect(other.settings.data_dir / "operations.db")) as connection:
        connection.execute("delete from audit_anchors where sequence >= ?", [first])
        connection.commit()
    code, answer = tallyhouse("doctor", "--data-dir", other.settings.data_dir)
    unsound = [each["detail"] for each in answer["findings"] if not each["is_sound"]]
    assert ExitCode.CHECKS_RED == code
    assert ["head_forgotten"] == [detail.partition(":")[0] for detail in unsound]
    assert not last.exists()
