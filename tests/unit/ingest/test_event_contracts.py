"""Reading event contracts: what is understood, and that nothing else is passed over in silence."""

import json
from decimal import Decimal

import pytest

from orchestration.price_book.event_contracts import (
    EventContracts,
    EventContractsInvalidError,
    read_event_contracts,
)

GOOD = {
    "$id": "https://example.com/api/1",
    "type": "object",
    "properties": {
        "units": {"type": "number", "minimum": 0.1, "exclusiveMaximum": 1e6},
        "place": {
            "type": "object",
            "properties": {"region": {"type": "string", "enum": ["eu", "us"]}},
            "required": ["region"],
        },
        "is_free": {"type": ["boolean", "null"]},
    },
    "required": ["units"],
    "additionalProperties": False,
}


def put(folder, path, content):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content if isinstance(content, str) else json.dumps(content))


def codes(folder):
    return sorted({problem.code for problem in read_event_contracts(folder)[1]})


def test_a_contract_becomes_columns_bounds_and_objects(tmp_path):
    put(tmp_path, "api.request/1.json", GOOD)
    (contract,) = EventContracts.load(tmp_path).contracts
    assert ("api.request", "1", "https://example.com/api/1", True) == (
        contract.event_type,
        contract.version,
        contract.dataschema,
        contract.is_closed,
    )
    assert ["d_is_free", "d_place__region", "q_units"] == [
        one.column_name for one in contract.properties
    ]
    free, region, units = contract.properties
    assert (True, ("eu", "us"), ("place", "region"), True) == (
        free.is_nullable,
        region.enum,
        region.path,
        region.is_required,
    )
    assert (Decimal("0.1"), Decimal(1_000_000)) == (units.minimum, units.exclusive_maximum)
    assert [(), ("place",)] == [one.path for one in contract.objects]


def test_a_version_is_picked_by_type_and_dataschema_and_the_first_without_one(tmp_path):
    put(tmp_path, "a/1.json", GOOD)
    put(tmp_path, "a/2.json", {**GOOD, "$id": "https://example.com/api/2"})
    put(tmp_path, "b/2.json", {**GOOD, "$id": "https://example.com/b/2"})
    contracts = EventContracts.load(tmp_path)
    found = [
        contracts.find("a", None),
        contracts.find("a", "https://example.com/api/1"),
        contracts.find("a", "https://example.com/api/2"),
        contracts.find("a", "https://example.com/b/2"),
        contracts.find("b", None),
        contracts.find("c", None),
    ]
    assert ["1", "1", "2", None, None, None] == [one.version if one else None for one in found]
    assert ("d_is_free", "d_place__region", "q_units") == contracts.property_columns()


def test_an_absent_folder_holds_no_contracts(tmp_path):
    assert () == EventContracts.load(tmp_path / "nowhere").contracts


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "contract_unreadable"),
        ('{"type":"object","type":"object"}', "contract_unreadable"),
        ("[" * 100_000, "contract_unreadable"),
        ("5", "schema_invalid"),
        ({"type": "array"}, "schema_not_an_object"),
        ({**GOOD, "type": 5}, "schema_invalid"),
        ({**GOOD, "$schema": "http://json-schema.org/draft-07/schema#"}, "schema_dialect_unknown"),
        ({**GOOD, "required": ["gone"]}, "required_not_declared"),
        ({**GOOD, "patternProperties": {}}, "keyword_not_supported"),
        ({**GOOD, "additionalProperties": {"type": "string"}}, "keyword_not_supported"),
        (
            {**GOOD, "properties": {"a": {"type": "number", "multipleOf": 2}}},
            "keyword_not_supported",
        ),
        ({**GOOD, "properties": {"a": {"type": "string", "enum": [1]}}}, "keyword_not_supported"),
        ({**GOOD, "properties": {"a": {"type": "array"}}}, "property_kind_not_supported"),
        (
            {**GOOD, "properties": {"a": {"type": ["string", "number"]}}},
            "property_kind_not_supported",
        ),
        ({**GOOD, "properties": {"a": True}}, "property_kind_not_supported"),
        ({**GOOD, "properties": {"Units": {"type": "number"}}}, "property_name_unusable"),
        (
            {**GOOD, "properties": {"a": {"type": "string", "pattern": "(?=x)"}}},
            "pattern_not_supported",
        ),
    ],
)
def test_what_could_not_be_honoured_is_a_problem(tmp_path, content, code):
    put(tmp_path, "a/1.json", content)
    assert code in codes(tmp_path)
    with pytest.raises(EventContractsInvalidError) as caught:
        EventContracts.load(tmp_path)
    assert code in str(caught.value)


def test_a_problem_names_its_line(tmp_path):
    put(
        tmp_path,
        "a/1.json",
        '{\n "type": "object",\n "properties": {\n  "Bad": {"type": "number"}}}',
    )
    (problem,) = read_event_contracts(tmp_path)[1]
    assert 4 == problem.line


def test_versions_that_no_event_could_tell_apart_are_problems(tmp_path):
    nameless = {name: part for name, part in GOOD.items() if name != "$id"}
    put(tmp_path, "a/1.json", GOOD)
    put(tmp_path, "a/2.json", GOOD)
    put(tmp_path, "a/3.json", nameless)
    put(tmp_path, "stray.json", GOOD)
    assert ["contract_misplaced", "schema_id_missing", "schema_id_repeated"] == codes(tmp_path)


def test_two_properties_of_one_column_are_a_problem(tmp_path):
    inner = {"type": "object", "properties": {"b": {"type": "number"}}}
    put(
        tmp_path,
        "a/1.json",
        {"type": "object", "properties": {"a": inner, "a__b": {"type": "number"}}},
    )
    assert ["property_name_repeated"] == codes(tmp_path)


def test_hidden_files_are_no_contracts(tmp_path):
    put(tmp_path, ".git/1.json", "{")
    put(tmp_path, "a/1.json", GOOD)
    assert 1 == len(EventContracts.load(tmp_path).contracts)
