"""A disk that refuses is recognised through whatever wrapped it, and answered in one way."""

import errno
import json
import sqlite3

import dagster as dg
import duckdb
import pytest
import sqlalchemy as sa
import typer

from orchestration.cli_answers import Answer, errors_answered
from orchestration.dbt_failures import DbtFailedError, dbt_failure
from orchestration.defs.operations.failures import failures_sorted
from orchestration.disk_failures import DiskError, disk_failure, refuse_unwritable
from orchestration.durable import RegisterWriteError, disk_errors
from orchestration.failures import InputError


def os_error(number):
    return OSError(number, "refused", "/data/raw/x")


def wrapped(error):
    """As libraries do: their own error, raised from the system's."""
    outer = RuntimeError("the step failed")
    outer.__cause__ = error
    return outer


def of_sqlalchemy(text):
    return sa.exc.OperationalError("insert", {}, sqlite3.OperationalError(text))


REFUSALS = [
    (os_error(errno.ENOSPC), "disk_full"),
    (os_error(errno.EDQUOT), "disk_full"),
    (os_error(errno.EFBIG), "disk_full"),
    (os_error(errno.EROFS), "disk_read_only"),
    (os_error(errno.EACCES), "disk_read_only"),
    (os_error(errno.EPERM), "disk_read_only"),
    (os_error(errno.EIO), "disk_failed"),
    (os_error(errno.ENOTDIR), "disk_failed"),
    (of_sqlalchemy("database or disk is full"), "disk_full"),
    (of_sqlalchemy("attempt to write a readonly database"), "disk_read_only"),
    (of_sqlalchemy("disk I/O error"), "disk_failed"),
    (duckdb.IOException("Could not write file: No space left on device"), "disk_full"),
    (duckdb.IOException('Cannot open file "/x": Permission denied'), "disk_read_only"),
    (duckdb.IOException('Cannot open file "/x": Read-only file system'), "disk_read_only"),
]
OTHERS = [
    os_error(errno.ENOENT),
    ValueError("a defect"),
    of_sqlalchemy("permission denied for table postings"),
    ConnectionResetError(errno.ECONNRESET, "gone"),
    TimeoutError(errno.ETIMEDOUT, "late"),
    BrokenPipeError(errno.EPIPE, "closed"),
    InputError("Correct the file: no space left on device is a text of a customer."),
]


@pytest.mark.parametrize(("error", "code"), REFUSALS, ids=lambda value: str(value)[:40])
def test_a_refusal_has_its_code_and_says_what_to_do(error, code):
    for met in (error, wrapped(error)):
        told = disk_failure(met)
        assert code == told.code
        assert "What was committed before stands." in str(told)
        assert "run the same command again" in str(told)


@pytest.mark.parametrize("error", OTHERS, ids=lambda value: type(value).__name__)
def test_any_other_error_is_none_of_a_disk(error):
    assert disk_failure(error) is None
    assert disk_failure(wrapped(error)) is None


def test_the_command_line_answers_a_refusal_with_exit_code_1_and_no_traceback(capsys):
    with pytest.raises(typer.Exit) as end, errors_answered(Answer(is_json=True)):
        raise os_error(errno.ENOSPC)
    said = capsys.readouterr()
    assert (1, "disk_full") == (end.value.exit_code, json.loads(said.out)["error"]["code"])
    assert "disk_full: " in said.err
    assert "/data/raw/x" in said.err
    assert "Traceback" not in said.err


def test_the_command_line_leaves_a_defect_as_it_is():
    with pytest.raises(ValueError, match="a defect"), errors_answered(Answer(is_json=True)):
        raise ValueError("a defect")


@pytest.mark.parametrize("error", [os_error(errno.EROFS), DiskError("x", code="disk_read_only")])
def test_a_step_ends_at_once_as_technical(error):
    """Waiting does not free space, so nothing is tried again."""
    with pytest.raises(dg.Failure) as failed, failures_sorted(retry_number=0):
        raise error
    assert ("disk_read_only", True) == (
        failed.value.metadata["code"].value,
        failed.value.metadata["is_technical"].value,
    )
    assert not failed.value.allow_retries


def test_the_register_keeps_its_own_codes_and_is_not_tried_again():
    with (
        pytest.raises(dg.Failure) as failed,
        failures_sorted(retry_number=0),
        disk_errors("Wrote commit 3"),
    ):
        raise os_error(errno.ENOSPC)
    assert "register_disk_full" == failed.value.metadata["code"].value
    assert isinstance(failed.value.__cause__, RegisterWriteError)


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        ("IO Error: No space left on device", DiskError, "disk_full"),
        ("IO Error: Read-only file system", DiskError, "disk_read_only"),
        ("Catalog Error: no table", DbtFailedError, "dbt_failed"),
    ],
)
def test_a_disk_that_refused_dbt_is_no_matter_of_data(said, kind, code):
    error = dbt_failure(f"Built the models: 1 node failed: {said}")
    assert (kind, code) == (type(error), error.code)


def test_a_folder_that_takes_no_file_is_told_and_one_that_does_stays_empty(tmp_path):
    refuse_unwritable(tmp_path)
    assert [] == list(tmp_path.iterdir())
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DiskError) as failed:
        refuse_unwritable(tmp_path / "file")
    assert "disk_failed" == failed.value.code
