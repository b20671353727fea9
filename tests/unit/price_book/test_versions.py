"""Versions of the reference: one per content, complete or absent, the last loaded in force."""

import json
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy.engine import Engine

from orchestration.operations_db.tables import reference_versions
from orchestration.price_book import (
    Policy,
    ReferenceBusyError,
    ReferenceDamagedError,
    ReferenceInvalidError,
    ReferenceMissingError,
    ReferenceVersion,
    current_reference,
    event_contracts_of,
    load_reference,
    policy_of,
    versions,
    write_reference_inputs,
)
from orchestration.price_book.table_schemas import TABLE_SCHEMAS, input_file_name
from orchestration.settings import Settings

NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def load(
    settings: Settings, engine: Engine, now: datetime = NOW, author: str = "ana@example.com"
) -> ReferenceVersion:
    return load_reference(settings, engine, now=now, author=author)


def stored(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(reference_versions)).mappings())


def test_a_version_keeps_the_files_byte_for_byte_and_says_what_it_holds(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    version = load(settings, engine)
    assert version.is_new
    source = version.folder / "source"
    kept = {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in source.rglob("*")
        if path.is_file()
    }
    given = {
        path.relative_to(reference.folder).as_posix(): path.read_bytes()
        for path in reference.folder.rglob("*")
        if path.is_file()
    }
    assert given == kept
    description = json.loads((version.folder / "version.json").read_text())
    assert version.reference_version == description["content_sha256"][:16]
    assert sorted(given) == [file["path"] for file in description["files"]]
    assert set(TABLE_SCHEMAS) == {table["name"] for table in description["tables"]}
    assert ("ana@example.com", "2026-11-01T06:00:00+00:00") == (
        description["author"],
        description["loaded_at"],
    )
    assert [(version.reference_version, NOW, "ana@example.com")] == [
        (row["reference_version"], row["loaded_at"], row["author"]) for row in stored(engine)
    ]


def test_loading_the_same_content_again_changes_nothing(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    """Invariant 9."""
    first = load(settings, engine)
    written = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")}
    rows = stored(engine)
    second = load(settings, engine, now=LATER, author="somebody else")
    assert (first.reference_version, first.folder, False) == (
        second.reference_version,
        second.folder,
        second.is_new,
    )
    assert written == {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")}
    assert rows == stored(engine)


def test_the_version_depends_on_content_and_paths_alone(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    first = load(settings, engine)
    reference.write("tables/notes.txt", "ignored")
    reference.write("price_book/.hidden.yml", "ignored")
    assert first.reference_version == load(settings, engine).reference_version
    (reference.folder / "price_book/plans.yml").rename(reference.folder / "price_book/growth.yml")
    assert first.reference_version != load(settings, engine).reference_version


def test_a_changed_price_is_a_new_version_in_force(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    first = load(settings, engine)
    reference.replace("price_book/plans.yml", '"500"', '"550"')
    second = load(settings, engine, now=LATER)
    assert second.is_new
    assert second.reference_version == current_reference(settings, engine).reference_version
    assert (first.folder / "version.json").is_file()


def test_going_back_to_an_older_content_puts_its_version_in_force_again(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    first = load(settings, engine)
    before = reference.read("price_book/plans.yml")
    reference.replace("price_book/plans.yml", '"500"', '"550"')
    load(settings, engine, now=LATER)
    reference.write("price_book/plans.yml", before)
    again = load(settings, engine, now=LATER + timedelta(hours=1))
    assert not again.is_new
    assert first.reference_version == current_reference(settings, engine).reference_version


def test_a_clock_that_was_set_back_does_not_keep_an_old_version_in_force(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    load(settings, engine, now=LATER)
    reference.replace("price_book/plans.yml", '"500"', '"550"')
    second = load(settings, engine, now=NOW)
    assert second.reference_version == current_reference(settings, engine).reference_version


def test_an_invalid_reference_never_becomes_a_version(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    first = load(settings, engine)
    reference.replace("price_book/plans.yml", "meter: tokens", "meter: token")
    reference.replace("tables/contracts.csv", "Asia/Tokyo", "Asia/Edo")
    with pytest.raises(ReferenceInvalidError) as refusal:
        load(settings, engine, now=LATER)
    assert ["unknown_meter", "unknown_time_zone"] == [
        problem.code for problem in refusal.value.problems
    ]
    assert "price_book/plans.yml:18: error unknown_meter" in str(refusal.value)
    assert [first.folder] == list(settings.reference_versions.iterdir())
    assert first.reference_version == current_reference(settings, engine).reference_version


def test_a_file_that_went_missing_is_refused_though_the_rest_was_loaded_before(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    version = load(settings, engine)
    (reference.folder / "tables/overrides.csv").unlink()
    with pytest.raises(ReferenceInvalidError, match="missing_file") as refusal:
        load(settings, engine, now=LATER)
    assert f"1 errors, so version {version.reference_version} stays in force." in str(refusal.value)


def test_a_wrong_first_folder_leaves_no_version_in_force(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    (reference.folder / "policy.yml").unlink()
    with pytest.raises(ReferenceInvalidError, match="1 errors, so no version is made of it"):
        load(settings, engine)


def test_warnings_alone_do_not_keep_a_reference_from_being_loaded(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    reference.add("tables/credit_grants.csv", "g1,con_1,promotional,100,USD,1,2026-01-01,,,,,,,\n")
    version = load(settings, engine)
    assert 1 == pq.read_metadata(version.folder / "tables/credit_grants.parquet").num_rows


def test_a_load_that_was_killed_leaves_nothing_that_counts(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    half = settings.reference_versions / ".incoming-0123456789abcdef"
    (half / "source").mkdir(parents=True)
    with pytest.raises(ReferenceMissingError):
        current_reference(settings, engine)
    version = load(settings, engine)
    assert [version.folder] == list(settings.reference_versions.iterdir())


def test_a_crash_between_the_rename_and_the_row_is_repaired_by_the_next_load(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    version = load(settings, engine)
    with engine.begin() as connection:
        connection.execute(reference_versions.delete())
    again = load(settings, engine, now=LATER)
    assert not again.is_new
    assert version.reference_version == current_reference(settings, engine).reference_version


def test_two_loads_at_once_make_one_version(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(load(settings, engine))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [False, False, True] == sorted(version.is_new for version in made)
    assert 1 == len(stored(engine))


def test_a_load_that_waits_too_long_says_who_holds_the_lock(
    settings: Settings, engine: Engine, reference: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "LOCK_SECONDS", 0)
    settings.reference_versions.mkdir(parents=True)
    with (
        FileLock(settings.reference_versions.parent / "load.lock"),
        pytest.raises(ReferenceBusyError, match=r"load\.lock"),
    ):
        load(settings, engine)


def test_a_version_whose_description_was_changed_is_refused(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    version = load(settings, engine)
    path = version.folder / "version.json"
    path.write_text(path.read_text().replace('"content_sha256": "', '"content_sha256": "0'))
    with pytest.raises(ReferenceDamagedError, match="holds the content"):
        load(settings, engine, now=LATER)
    path.write_text("{")
    with pytest.raises(ReferenceDamagedError, match=r"version\.json"):
        load(settings, engine, now=LATER)


def test_a_version_whose_folder_is_gone_is_missing(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    version = load(settings, engine)
    (version.folder / "version.json").unlink()
    with pytest.raises(ReferenceMissingError, match="gone or incomplete"):
        current_reference(settings, engine)


def test_dbt_is_given_every_table_under_its_name(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    version = load(settings, engine)
    write_reference_inputs(settings, version)
    assert {input_file_name(table) for table in TABLE_SCHEMAS} == {
        path.name for path in settings.warehouse_inputs.iterdir()
    }
    assert "price_book_charge_tiers.parquet" == input_file_name("charge_tiers")
    assert "reference_customers.parquet" == input_file_name("customers")
    charges = pq.read_table(settings.warehouse_inputs / "price_book_charges.parquet")
    assert {version.reference_version} == set(charges["reference_version"].to_pylist())
    assert TABLE_SCHEMAS["charges"] == charges.schema


def test_a_damaged_table_is_not_given_to_dbt(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    version = load(settings, engine)
    write_reference_inputs(settings, version)
    before = {path: path.read_bytes() for path in settings.warehouse_inputs.iterdir()}
    (version.folder / "tables/plans.parquet").write_bytes(b"PAR1")
    with pytest.raises(ReferenceDamagedError, match=r"plans\.parquet"):
        write_reference_inputs(settings, version)
    assert before == {path: path.read_bytes() for path in settings.warehouse_inputs.iterdir()}


def test_event_contracts_and_policy_are_those_of_the_version(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    version = load(settings, engine)
    reference.write("policy.yml", "changed: since")
    reference.write("event_contracts/api.call/1.json", "{}")
    contract = event_contracts_of(version).find("api.call", None)
    assert contract is not None
    policy = policy_of(version)
    assert {"USD": Decimal(0), "JPY": Decimal(0)} == policy.smallest_document
    assert not policy.sign_off.four_eyes
    assert not policy.sign_off.accepts_self_declared


def test_a_policy_that_was_changed_inside_a_version_is_refused(
    settings: Settings, engine: Engine, reference: Any
) -> None:
    version = load(settings, engine)
    (version.folder / "source/policy.yml").write_text("a: &b c")
    with pytest.raises(ReferenceDamagedError, match=r"policy\.yml"):
        policy_of(version)


@pytest.mark.parametrize(
    ("name", "revision", "may"),
    [
        ("dana@example.com", ("jp", {"JPY": "99999999999"}), True),
        ("jo@example.com", ("us", {"USD": "250000"}), True),
        ("jo@example.com", ("us", {"USD": "250000.01"}), False),
        ("jo@example.com", ("us", {"USD": "1", "EUR": "1"}), False),
        ("jo@example.com", ("jp", {"USD": "1"}), False),
    ],
)
def test_an_approver_may_sign_within_entity_and_amount(
    name: str, revision: tuple[str, dict[str, str]], *, may: bool
) -> None:
    policy = Policy.model_validate(
        {
            "sign_off": {
                "approvers": [
                    {
                        "name": "dana@example.com",
                        "legal_entities": "all",
                        "up_to_amount": "unlimited",
                    },
                    {
                        "name": "jo@example.com",
                        "legal_entities": ["us"],
                        "up_to_amount": {"USD": "250000"},
                    },
                ]
            }
        }
    )
    approver = policy.sign_off.approver(name)
    assert approver is not None
    entity, amounts = revision
    exact = {currency: Decimal(amount) for currency, amount in amounts.items()}
    assert may == approver.may_approve(entity, exact)


def test_who_is_not_listed_may_not_sign(settings: Settings, engine: Engine, reference: Any) -> None:
    assert policy_of(load(settings, engine)).sign_off.approver("mallory") is None
