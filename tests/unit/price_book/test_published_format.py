"""What is published about the format is what the code does: page, example, schemas, currencies."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from orchestration.price_book import validate_reference
from orchestration.price_book.currencies import CURRENCIES_FILE, minor_units
from orchestration.price_book.json_schemas import SCHEMAS_FOLDER, schema_texts, write_schemas
from orchestration.price_book.problems import REMEDIES
from orchestration.price_book.table_models import TABLE_MODELS, columns_of
from orchestration.settings import PROJECT_ROOT

PAGE = (PROJECT_ROOT / "docs" / "reference" / "price-book.md").read_text(encoding="utf-8")
EXAMPLE = dict(
    re.findall(r"^`([a-z][^`\n]+)`\n\n```\w+\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
)
SOUND = Path(__file__).parent / "reference"


def test_the_example_of_the_page_is_a_sound_reference_folder(tmp_path: Path) -> None:
    for path, text in EXAMPLE.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    assert [] == validate_reference(tmp_path)
    assert {f"tables/{table}.csv" for table in TABLE_MODELS} <= set(EXAMPLE)


def test_the_page_lists_every_column_of_every_table() -> None:
    for table in TABLE_MODELS:
        columns = ", ".join(f"`{column}`" for column in columns_of(table))
        assert f"| `{table}` | {columns} |" in PAGE


def test_the_page_lists_every_code_with_its_remedy() -> None:
    table = PAGE.partition("## Problems and what to do")[2]
    assert REMEDIES == dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE))


def test_the_published_schemas_are_those_of_the_models() -> None:
    published = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS_FOLDER.iterdir()}
    assert schema_texts() == published, "run python -m orchestration.price_book.json_schemas"


def test_writing_the_schemas_writes_them_all(tmp_path: Path) -> None:
    write_schemas(tmp_path / "schemas")
    assert set(schema_texts()) == {path.name for path in (tmp_path / "schemas").iterdir()}


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("price_book", "price_book/meters.yml"),
        ("price_book", "price_book/plans.yml"),
        ("contract_terms", "contract_terms/con_1.yml"),
        ("sources", "sources.yml"),
        ("policy", "policy.yml"),
    ],
)
def test_the_sound_files_conform_to_the_published_schemas(schema: str, path: str) -> None:
    published = json.loads(schema_texts()[f"{schema}.schema.json"])
    jsonschema.Draft202012Validator.check_schema(published)
    content = yaml.load((SOUND / path).read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 - texts only
    errors = list(jsonschema.Draft202012Validator(published).iter_errors(_with_booleans(content)))
    assert [] == errors


def _with_booleans(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _with_booleans(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_with_booleans(value) for value in content]
    return {"true": True, "false": False, "36": 36, "14": 14, "3": 3}.get(content, content)


@pytest.mark.parametrize(
    ("code", "decimals"),
    [
        ("USD", 2),
        ("EUR", 2),
        ("JPY", 0),
        ("KWD", 3),
        ("CLF", 4),
        ("ISK", 0),
        ("XOF", 0),
        ("XCG", 2),
    ],
)
def test_a_currency_has_the_minor_unit_of_iso_4217(code: str, decimals: int) -> None:
    assert decimals == minor_units()[code]


def test_codes_without_a_minor_unit_and_withdrawn_codes_are_no_currency() -> None:
    assert set() == {"XAU", "XXX", "XTS", "XDR", "HRK", "BGN", "ANG", "ZWL"} & set(minor_units())


def test_the_currencies_are_sorted_unique_and_named() -> None:
    with CURRENCIES_FILE.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    codes = [row["currency_code"] for row in rows]
    assert sorted(set(codes)) == codes
    assert 165 == len(codes)
    assert all(re.fullmatch("[A-Z]{3}", code) for code in codes)
    assert all(row["currency_name"].strip() for row in rows)
    assert {"0", "2", "3", "4"} == {row["minor_unit"] for row in rows}
