"""The register's commit under real limits: no lock, a full disk, a folder that is none."""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from billing_rows import NOW, entries_table
from billing_world import BillingWorld

from orchestration.billing.commits import RegisterSession
from orchestration.billing.refusals import RegisterMovedError
from orchestration.billing.register import Register
from orchestration.durable import RegisterWriteError, no_steps

NOBODY = 65534
FOLDER = Path(__file__).resolve().parents[1] / "unit" / "billing"


def record(committer, *rows):
    return committer.commit(
        kind="record", subject={"note": "a"}, now=NOW, entries=entries_table(*rows)
    )


def test_two_committers_without_a_lock_never_both_win_one_sequence(tmp_path):
    """A file system whose locks do not work must not bill twice."""
    register = Register(tmp_path / "register")
    record(register, {})
    chain = register.chain()
    one, other = (RegisterSession(register.folder, chain, no_steps) for _ in range(2))
    record(one, {"settlement_key": "k2", "posting_key": "UB"})
    with pytest.raises(RegisterMovedError) as told:
        record(other, {"settlement_key": "k2", "posting_key": "UC"})
    assert "another process committed first" in str(told.value)
    assert {"k1": Decimal("1.0000"), "k2": Decimal("1.0000")} == register.billed()
    assert 2 == register.head().sequence
    assert () == register.verify()


def test_a_file_that_the_system_refuses_to_write_in_full_leaves_no_trace(tmp_path):
    """A real limit of the operating system, not an injected error."""
    register = Register(tmp_path / "register")
    BillingWorld(tmp_path).engine.dispose()
    rows = [
        {"settlement_key": f"key-{number}", "amount": "1", "description": os.urandom(200).hex()}
        for number in range(40)
    ]
    deed = {"data_dir": str(tmp_path), "action": "record", "options": {"rows": rows}}
    done = subprocess.run(
        [sys.executable, str(FOLDER / "billing_process.py")],
        input="".join(
            json.dumps([each]) + "\n" for each in (deed | {"file_size_limit": 8192}, deed)
        ),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    limited, free = (json.loads(line)[0]["outcome"] for line in done.stdout.splitlines())
    assert ("register_disk_full", 1) == (limited, free)
    assert () == register.verify()
    assert 40 == register.entries().num_rows
    assert () == register.sweep()


def test_a_register_folder_that_is_a_file_gives_a_clear_error(tmp_path):
    (tmp_path / "register").write_text("in the way")
    with pytest.raises(RegisterWriteError) as failed:
        record(Register(tmp_path / "register"), {})
    assert "register_write_failed" == failed.value.code
    assert str(tmp_path / "register") in str(failed.value)


@pytest.fixture
def as_nobody():
    """Root may write anywhere, so root becomes nobody for as long as the test says."""

    @contextmanager
    def switched():
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            if is_root:
                os.seteuid(0)

    return switched


def test_a_read_only_folder_gives_a_clear_error_and_the_register_stays_readable(as_nobody):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        register = Register(Path(folder) / "register")
        record(register, {})
        folders = [path for path in [register.folder, *register.folder.iterdir()] if path.is_dir()]
        for each in folders:
            each.chmod(0o555)
        with as_nobody(), pytest.raises(RegisterWriteError) as failed:
            record(register, {"settlement_key": "k2", "posting_key": "UB"})
        for each in folders:
            each.chmod(0o755)
        assert "register_read_only" == failed.value.code
        assert {"k1": Decimal("1.0000")} == register.billed()
        record(register, {"settlement_key": "k2", "posting_key": "UB"})
        assert () == register.verify()
