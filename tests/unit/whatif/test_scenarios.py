"""A scenario is the current reference with the folder's parts in place of its own, or refused."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.operations_db import open_operations
from orchestration.price_book import load_reference
from orchestration.rerating.reference_tables import changed_tables, compiled_tables
from orchestration.settings import Settings
from orchestration.whatif.scenarios import ScenarioInvalidError, read_scenarios

SOUND_REFERENCE = Path(__file__).parents[1] / "price_book" / "reference"
NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def current(tmp_path_factory):
    """A reference version in force."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"))
    shutil.copytree(SOUND_REFERENCE, settings.reference_dir)
    engine = open_operations(settings)
    yield load_reference(settings, engine, now=NOW, author=None)
    engine.dispose()


@pytest.fixture
def folder(tmp_path):
    """A scenario's folder, still empty."""
    made = tmp_path / "other"
    made.mkdir()
    return made


def take(folder, *parts):
    """Copy parts of the sound reference into a scenario's folder."""
    for part in parts:
        source, target = SOUND_REFERENCE / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)


def change(folder, part, old, new):
    path = folder / part
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def changed(current, folder):
    """What a scenario replaces, and which compiled tables are others by it."""
    [scenario] = read_scenarios(current, {"other": folder})
    return scenario.parts, changed_tables(compiled_tables(current.folder), scenario.tables)


def refused(current, folder):
    with pytest.raises(ScenarioInvalidError) as caught:
        read_scenarios(current, {"other": folder})
    return str(caught.value)


def csv_header(name):
    return (SOUND_REFERENCE / "tables" / name).read_text("utf-8").splitlines()[0] + "\n"


def test_a_part_that_says_the_same_changes_no_table(current, folder):
    take(folder, "price_book", "tables/contracts.csv", "sources.yml")
    assert (("price_book", "sources.yml", "tables/contracts"), frozenset()) == (
        changed(current, folder)
    )


def test_a_whole_reference_folder_is_a_scenario_too(current, folder):
    shutil.copytree(SOUND_REFERENCE, folder, dirs_exist_ok=True)
    assert frozenset() == changed(current, folder)[1]


def test_a_table_is_replaced_alone_and_the_others_stay(current, folder):
    take(folder, "tables/customers.csv")
    text = (folder / "tables" / "customers.csv").read_text("utf-8")
    first = text.splitlines()[1].split(",")
    change(folder, "tables/customers.csv", f"{first[0]},{first[1]}", f"{first[0]},Renamed")
    assert (("tables/customers",), {"customers"}) == changed(current, folder)


def test_a_folder_is_replaced_as_a_whole(current, folder):
    """What the current reference has there and the scenario has not is gone in it."""
    (folder / "price_book").mkdir()
    (folder / "price_book" / "one.yml").write_text("plans: []\n", "utf-8")
    message = refused(current, folder)
    assert "scenario other over reference version" in message
    assert f"reference/versions/{current.reference_version}/source/tables/" in message


def test_errors_are_named_by_file_line_and_remedy(current, folder):
    take(folder, "sources.yml")
    change(folder, "sources.yml", "sources:", "sauces:")
    message = refused(current, folder)
    assert f"  {folder / 'sources.yml'}:" in message
    assert "Add the field." in message
    assert "so nothing is rated" in message


def test_a_csv_table_takes_the_place_of_the_current_one_whatever_its_format(current, folder):
    take(folder, "tables/overrides.csv")
    (folder / "tables" / "overrides.csv").write_text(csv_header("overrides.csv"), "utf-8")
    parts, others = changed(current, folder)
    assert ("tables/overrides",) == parts
    assert "overrides" in others


def test_one_table_in_two_formats_is_refused(current, folder):
    take(folder, "tables/customers.csv")
    (folder / "tables" / "customers.parquet").write_bytes(b"")
    assert "table_given_twice" in refused(current, folder)


def test_an_empty_price_book_is_refused_and_empty_contract_terms_are_none(current, folder):
    (folder / "price_book").mkdir()
    assert "missing_file" in refused(current, folder)
    (folder / "price_book").rmdir()
    (folder / "contract_terms").mkdir()
    [scenario] = read_scenarios(current, {"other": folder})
    assert ("contract_terms",) == scenario.parts
    assert [] == [each for each in scenario.tables["terms"]["contract_id"].to_pylist() if each]


@pytest.mark.parametrize("name", ["starter.yml", "price-book", ".hidden"])
def test_a_folder_that_holds_nothing_of_a_reference_folder_is_refused(current, folder, name):
    (folder / name).mkdir()
    message = refused(current, folder)
    assert "holds nothing of a reference folder" in message
    assert "price_book/" in message


def test_a_path_that_is_no_folder_is_refused(current, folder):
    assert "holds nothing of a reference folder" in refused(current, folder / "missing")


def test_the_first_folder_that_is_refused_stops_all(current, folder):
    take(folder, "price_book")
    with pytest.raises(ScenarioInvalidError, match="scenario second"):
        read_scenarios(current, {"first": folder, "second": folder / "missing"})
