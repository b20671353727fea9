"""A loaded file is kept for good: the same once, a corrected one beside the one before it."""

from datetime import UTC, datetime

import pytest

from orchestration.actors import TALLYHOUSE
from orchestration.durable import RegisterWriteError
from orchestration.settings import Settings
from orchestration.shadow.store import (
    InvoiceLoadDamagedError,
    content_of,
    keep_load,
    loads_in_force,
    mapping_of,
    read_loads,
)

NOW = datetime(2026, 11, 3, 6, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path):
    return Settings.load(tmp_path)


def keep(settings, content, mapping=b"m", period="2026-09"):
    return keep_load(
        settings,
        billing_period=period,
        file_name="invoices.csv",
        content=content,
        mapping=mapping,
        now=NOW,
        actor=TALLYHOUSE,
    )


def files_of(settings):
    return sorted(path for path in settings.shadow.rglob("*") if path.is_file())


def test_the_same_file_twice_is_one_load(settings):
    first, was_new = keep(settings, b"a")
    before = files_of(settings)
    again, is_new = keep(settings, b"a")

    assert (True, False) == (was_new, is_new)
    assert first == again
    assert before == files_of(settings)


def test_a_corrected_file_takes_the_place_of_the_one_before_which_is_kept(settings):
    first, _ = keep(settings, b"a")
    second, _ = keep(settings, b"b")
    other, _ = keep(settings, b"a", period="2026-10")

    assert [second, other] == loads_in_force(read_loads(settings))
    assert [b"a", b"b"] == [content_of(settings, load) for load in (first, second)]


def test_going_back_to_an_earlier_file_is_a_load_of_its_own(settings):
    keep(settings, b"a")
    keep(settings, b"b")
    back, is_new = keep(settings, b"a")

    assert is_new
    assert [back] == loads_in_force(read_loads(settings))
    assert 3 == back.load_number


def test_another_mapping_of_the_same_file_is_another_load(settings):
    keep(settings, b"a", mapping=b"m")
    load, is_new = keep(settings, b"a", mapping=b"n")

    assert is_new
    assert b"n" == mapping_of(settings, load)


@pytest.mark.parametrize("what", ["change", "remove"])
def test_a_kept_file_that_is_not_what_was_loaded_is_refused(settings, what):
    load, _ = keep(settings, b"a")
    path = settings.shadow / "files" / f"{load.file_sha256}.csv"
    path.unlink()
    if what == "change":
        path.write_bytes(b"b")

    with pytest.raises(InvoiceLoadDamagedError, match="Restore the folder shadow/"):
        content_of(settings, load)


def test_a_missing_record_of_a_load_is_refused(settings):
    keep(settings, b"a")
    keep(settings, b"b")
    (settings.shadow / "loads" / "000001.json").unlink()

    with pytest.raises(InvoiceLoadDamagedError, match="load 1 is expected here"):
        read_loads(settings)


def test_a_record_that_cannot_be_read_is_refused(settings):
    keep(settings, b"a")
    record = settings.shadow / "loads" / "000001.json"
    record.unlink()
    record.write_text("{}")

    with pytest.raises(InvoiceLoadDamagedError):
        read_loads(settings)


def test_what_a_crash_left_before_the_record_is_no_load(settings, monkeypatch):
    """The record is put last: without it the contents are nothing."""

    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("orchestration.shadow.store.asdict", refuse)
        with pytest.raises(RegisterWriteError, match="No space left"):
            keep(settings, b"a")

    assert [] == read_loads(settings)
    load, is_new = keep(settings, b"a")
    assert is_new
    assert b"a" == content_of(settings, load)
