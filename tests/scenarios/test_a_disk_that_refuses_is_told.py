"""A full disk and a read-only one, both real: every command says so, and nothing is damaged."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.cli_answers import ExitCode
from orchestration.data_directory import initialise

MONTH, NEXT_MONTH = "2026-09", "2026-10"
SCRIPT = Path(__file__).resolve().parents[1] / "faults" / "refusing_disk_process.py"
RECORDS = {
    "author": "jonas@example.com",
    "records": [
        {
            "kind": "concession",
            "id": "sorry",
            "amount": "-1",
            "erp_document": "CM-1",
            "reason": "An outage.",
        }
    ],
}
DISK_CODES = (
    *("disk_full", "disk_read_only", "disk_failed"),
    *("register_disk_full", "register_read_only", "register_write_failed"),
)


def is_mountable():
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    tried = ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run([unshare, *tried], capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_mountable(), reason="only who may mount has such disks"),
]


@pytest.fixture(scope="module")
def house(house_of_the_signed_month):
    """The signed month with a next one that waits for signatures, and a file that just landed."""
    house = house_of_the_signed_month
    initialise(house.settings)
    house.freeze(NEXT_MONTH)
    house.publish()
    name = "2026-09-10/platform.jsonl"
    lines = (house.settings.landing_usage / name).read_text("utf-8").splitlines()
    house.deliver("2026-10-30/more.jsonl", "\n".join([*lines[:3], ""]).encode())
    return house


@pytest.fixture(scope="module")
def commands(house, tmp_path_factory):
    largest = max(house.register_entries(), key=lambda entry: entry["amount"])
    [record] = RECORDS["records"]
    file = tmp_path_factory.mktemp("records") / "records.yml"
    document = {"document": largest["document_id"]}
    file.write_text(json.dumps(RECORDS | {"records": [record | document]}))
    return [
        ["status"],
        ["record", str(file), "--signer", house.signer.name],
        ["evidence", "--period", MONTH],
        ["sign-off", "--period", NEXT_MONTH, "--signer", house.signer.name],
        ["post", "--only-post"],
        ["run", "--period", NEXT_MONTH],
        ["doctor", "--json"],
    ]


@pytest.fixture
def disk(house, commands, tmp_path):
    """Run the commands on a disk; returns the answers during, and after where there is room."""

    def run(kind):
        (tmp_path / "mounted").mkdir()
        done = subprocess.run(
            [
                *("unshare", "--mount", sys.executable, str(SCRIPT), kind),
                *(str(house.settings.data_dir), str(tmp_path / "mounted"), json.dumps(commands)),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=900,
            env=os.environ | {"TALLYHOUSE_MAY_SIGN_SELF_DECLARED": "true"},
        )
        return json.loads(done.stdout.splitlines()[-1])

    return run


def assert_told(answers, commands):
    """Each ends as a technical failure with a disk's code; doctor finds it, and ends with 4."""
    for command, answer in zip(commands, answers, strict=True):
        said = f"{answer['stdout']}{answer['stderr']}"
        assert answer["error"] is None, (command, answer["error"])
        assert "Traceback" not in said
        if command[0] == "doctor":
            assert answer["exit_code"] == ExitCode.CHECKS_RED
            findings = json.loads(answer["stdout"])["findings"]
            assert [found for found in findings if not found["is_sound"]]
        else:
            assert (ExitCode.TECHNICAL, True) == (
                answer["exit_code"],
                any(f"{code}:" in said for code in DISK_CODES),
            ), (command, said)
            assert "run the same" in said, (command, said)


def test_a_read_only_disk_is_told_by_every_command_and_stays_as_it_is(house, commands, disk):
    before = house.file_digests(".")
    assert_told(disk("read_only")["during"], commands)
    assert before == house.file_digests(".")


def test_a_full_disk_is_told_by_every_command_and_all_of_them_go_on_when_there_is_room(
    commands, disk
):
    answers = disk("full")
    assert_told(answers["during"], commands)
    assert [ExitCode.DONE] * len(commands) == [
        answer["exit_code"] for answer in answers["after"]
    ], answers["after"]
