"""YAML as people write it: exact numbers, lines of every value, and nothing beyond plain values."""

from decimal import Decimal

import pytest

from orchestration.price_book.problems import Problem, ProblemList
from orchestration.price_book.yaml_reader import YamlDocument, read_yaml


def read(text: str) -> tuple[YamlDocument, list[Problem]]:
    problems = ProblemList()
    return read_yaml("a.yml", text, problems), problems.sorted()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2.50", Decimal("2.50")),
        ("0.1", Decimal("0.1")),
        ("0.000000000001", Decimal("0.000000000001")),
        ("12345678901234567890.123456789012", Decimal("12345678901234567890.123456789012")),
        ("1e-6", Decimal("1e-6")),
        ("-0.5", Decimal("-0.5")),
        (".5", Decimal("0.5")),
        ("1000000", 1000000),
        ("'2.50'", "2.50"),
        ("007", "007"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("12:30", "12:30"),
        (".nan", ".nan"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("tRue", "tRue"),
        ("~", None),
        ("2026-01-01", "2026-01-01"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_plain_value_is_exactly_what_is_written(written: str, value: object) -> None:
    document, problems = read(f"key: {written}")
    assert [] == problems
    assert value == document.content["key"]
    assert type(value) is type(document.content["key"])


def test_every_value_has_the_line_of_its_key() -> None:
    document, _ = read("a: 1\nb:\n  - c: 2\n    d:\n      - 3\n")
    assert [1, 2, 3, 3, 4, 5] == [
        document.line(location)
        for location in [("a",), ("b",), ("b", 0), ("b", 0, "c"), ("b", 0, "d"), ("b", 0, "d", 0)]
    ]


def test_a_value_that_is_absent_has_the_line_of_what_should_hold_it() -> None:
    document, _ = read("a: 1\nb:\n  - c: 2\n")
    assert 3 == document.line(("b", 0, "missing", 4))


def test_of_a_duplicate_key_the_first_stands_and_the_rest_is_read() -> None:
    document, problems = read("a: 1\na: {x: [1, {y: 2}]}\nb: 3\n")
    assert {"a": 1, "b": 3} == document.content
    assert [("duplicate_key", 2)] == [(problem.code, problem.line) for problem in problems]


def test_duplicate_keys_of_one_mapping_are_all_told() -> None:
    _, problems = read("a: {b: 1, b: 2}\nc: {d: 1, d: 2}\n")
    assert [1, 2] == [problem.line for problem in problems]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_holds_nothing_and_is_no_problem(text: str) -> None:
    document, problems = read(text)
    assert [] == problems
    assert document.content is None
    assert document.is_read


def test_a_refused_file_is_told_apart_from_an_empty_one() -> None:
    document, problems = read("a: &x 1")
    assert not document.is_read
    assert ["yaml_alias"] == [problem.code for problem in problems]


def test_a_deep_nest_is_refused_before_it_exhausts_the_stack() -> None:
    _, problems = read("[" * 100_000)
    assert ["yaml_too_deep"] == [problem.code for problem in problems]
