"""Every code of validation: its file, its line, the words that name the culprit, its remedy."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from orchestration.price_book import Problem, reference_folder, validate_reference, yaml_reader
from orchestration.price_book.problems import REMEDIES
from orchestration.price_book.table_models import columns_of

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "validation_cases.yml").read_text(encoding="utf-8")
)
EVENT_CONTRACT_CODES = {"contract_misplaced", "keyword_not_supported"}  # remedies of their own

# Codes whose folder takes more than one change to a text; each has its test below.
TOLD_BELOW = {
    "reference_folder_missing",
    "missing_file",
    "table_given_twice",
    "unreadable_file",
    "file_too_large",
    "too_many_files",
    "not_utf8",
    "yaml_too_many_nodes",
    "parquet_malformed",
    "float_column",
    "override_never_applies",
    "meter_property_partly_declared",
    "plan_unpriced_at_start",
    "charge_unpriced_at_start",
    "author_missing",
    "percent_sign",
}


# Needs a register: tests/unit/restating.
TOLD_ELSEWHERE = {"restatement_unstated"}


def told(problems: list[Problem], code: str) -> list[tuple[str, int, str]]:
    """Path, line, severity of the problems of a code, after checking their remedy."""
    found = [problem for problem in problems if problem.code == code]
    assert [REMEDIES[code]] * len(found) == [problem.remedy for problem in found]
    return [(problem.path, problem.line, problem.severity) for problem in found]


def test_every_code_has_a_case() -> None:
    told_by_cases = {case["code"] for case in CASES} - EVENT_CONTRACT_CODES
    assert set(REMEDIES) == told_by_cases | TOLD_BELOW | TOLD_ELSEWHERE
    assert set() == told_by_cases & TOLD_BELOW


def test_the_sound_folder_has_no_problem(reference: Any) -> None:
    assert [] == reference.problems()


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{number}_{case['code']}" for number, case in enumerate(CASES)]
)
def test_a_spoiled_folder_is_told_with_file_line_names_and_remedy(
    reference: Any, case: dict[str, Any]
) -> None:
    if "append" in case:
        before = reference.read(case["file"]) if (reference.folder / case["file"]).is_file() else ""
        reference.write(case["file"], before + case["append"])
    else:
        reference.replace(case["file"], case["replace"], case["by"])
    path = case.get("in", case["file"])
    line = 1
    if "at" in case:
        mark, _, which = case["at"].partition("#")
        lines = reference.read(path).split("\n")
        numbers = [number for number, text in enumerate(lines, start=1) if mark in text]
        line = numbers[int(which or 1) - 1]

    problems = reference.problems()

    found = [problem for problem in problems if problem.code == case["code"]]
    assert [] != found, [str(problem) for problem in problems]
    assert (path, line) in [(problem.path, problem.line) for problem in found], found
    problem = next(one for one in found if (one.path, one.line) == (path, line))
    assert case.get("severity", "error") == problem.severity
    assert [] == [name for name in case.get("names", []) if name not in problem.message], problem
    assert problem.remedy
    if case["code"] not in EVENT_CONTRACT_CODES:
        assert REMEDIES[case["code"]] == problem.remedy


def test_a_missing_folder_is_one_problem(tmp_path: Path) -> None:
    assert [(".", 1, "error")] == told(
        validate_reference(tmp_path / "none"), "reference_folder_missing"
    )


def test_a_file_in_place_of_the_folder_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert [(".", 1, "error")] == told(
        validate_reference(tmp_path / "file"), "reference_folder_missing"
    )


def test_each_missing_file_is_named_with_its_header(reference: Any) -> None:
    for path in ("policy.yml", "tables/overrides.csv"):
        (reference.folder / path).unlink()
    for path in (reference.folder / "price_book").iterdir():
        path.unlink()
    problems = reference.problems()
    assert [
        ("policy.yml", 1, "error"),
        ("price_book", 1, "error"),
        ("tables/overrides.csv", 1, "error"),
    ] == told(problems, "missing_file")
    policy, price_book, overrides = (one.message for one in problems if one.code == "missing_file")
    assert "it says who may sign what" in policy
    assert "say what is sold at which price" in price_book
    assert f"holds only its header: {','.join(columns_of('overrides'))}" in overrides


def test_a_lost_table_does_not_make_every_reference_to_it_a_problem(reference: Any) -> None:
    (reference.folder / "tables/customers.csv").unlink()
    (reference.folder / "tables/contract_versions.csv").unlink()
    assert ["missing_file", "missing_file"] == [
        problem.code for problem in reference.problems() if problem.severity == "error"
    ]


def test_a_price_book_file_that_cannot_be_read_does_not_make_its_ids_unknown(
    reference: Any,
) -> None:
    reference.write("price_book/plans.yml", "plans: [")
    assert ["yaml_syntax"] == [problem.code for problem in reference.problems()]


def test_a_table_as_csv_and_parquet_is_refused(reference: Any) -> None:
    reference.write("tables/customers.parquet", b"")
    assert [("tables/customers.parquet", 1, "error")] == told(
        reference.problems(), "table_given_twice"
    )


def test_a_directory_a_pipe_and_a_dangling_link_in_place_of_files_are_unreadable(
    reference: Any,
) -> None:
    (reference.folder / "price_book/more.yml").mkdir()
    os.mkfifo(reference.folder / "event_contracts/api.call/2.json")
    (reference.folder / "tables/customers.csv").unlink()
    (reference.folder / "tables/customers.csv").symlink_to("nowhere")
    assert [
        ("event_contracts/api.call/2.json", 1, "error"),
        ("price_book/more.yml", 1, "error"),
        ("tables/customers.csv", 1, "error"),
    ] == told(reference.problems(), "unreadable_file")


def test_a_link_to_a_file_is_read(reference: Any, tmp_path: Path) -> None:
    plans = reference.folder / "price_book/plans.yml"
    plans.rename(tmp_path / "plans.yml")
    plans.symlink_to(tmp_path / "plans.yml")
    assert [] == reference.problems()


def test_a_file_above_its_bound_is_not_read(
    reference: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        reference_folder, "MAX_BYTES", {".json": 10, ".yml": 10_000, ".csv": 10_000}
    )
    assert [("event_contracts/api.call/1.json", 1, "error")] == told(
        reference.problems(), "file_too_large"
    )


def test_too_many_files_are_told_once(reference: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_folder, "MAX_FILES", 3)
    assert [(".", 1, "error")] == told(reference.problems(), "too_many_files")


def test_bytes_that_are_not_utf8_are_told_with_their_line(reference: Any) -> None:
    reference.write("sources.yml", b"sources:\n  - {prefix: /\xff/, system: a}\n")
    reference.write("tables/customers.csv", b"customer_id\nM\xfcller\n")
    assert [("sources.yml", 2, "error"), ("tables/customers.csv", 2, "error")] == told(
        reference.problems(), "not_utf8"
    )


def test_a_yaml_file_with_too_many_values_is_read_no_further(
    reference: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_reader, "MAX_NODES", 40)
    assert [
        ("contract_terms/con_1.yml", 13, "error"),
        ("price_book/meters.yml", 15, "error"),
        ("price_book/plans.yml", 16, "error"),
    ] == told(reference.problems(), "yaml_too_many_nodes")


def test_a_yaml_bomb_is_refused_at_its_first_anchor(reference: Any) -> None:
    bomb = "a: &a [x, x]\n" + "\n".join(
        f"{after}: &{after} [*{before}, *{before}]"
        for before, after in zip("abcdefghijklmno", "bcdefghijklmnop", strict=True)
    )
    reference.write("price_book/bomb.yml", bomb)
    assert [("price_book/bomb.yml", 1, "error")] == told(reference.problems(), "yaml_alias")


def test_a_parquet_table_that_is_none_or_holds_lists_or_floats_is_refused(reference: Any) -> None:
    for table in ("customers", "exchange_rates", "credit_grants"):
        (reference.folder / f"tables/{table}.csv").unlink()
    reference.write("tables/customers.parquet", b"PAR1 but not really")
    rates = pa.table(
        {
            "rate_date": ["2026-01-01"],
            "from_currency_code": ["JPY"],
            "to_currency_code": ["USD"],
            "rate": [0.0067],
        }
    )
    pq.write_table(rates, reference.folder / "tables/exchange_rates.parquet")
    grants = pa.table({column: [[1]] for column in columns_of("credit_grants")})
    pq.write_table(grants, reference.folder / "tables/credit_grants.parquet")
    problems = reference.problems()
    assert [("tables/exchange_rates.parquet", 1, "error")] == told(problems, "float_column")
    assert {("tables/credit_grants.parquet", 1), ("tables/customers.parquet", 1)} == {
        place[:2] for place in told(problems, "parquet_malformed")
    }


def test_parents_that_change_places_one_after_the_other_are_no_circle(reference: Any) -> None:
    reference.write(
        "tables/customer_parents.csv",
        "customer_id,parent_customer_id,valid_from_at,valid_to_at,author\n"
        "acme,mori,2026-01-01T00:00:00Z,2026-06-01T00:00:00Z,ana@example.com\n"
        "mori,acme,2026-06-01T00:00:00Z,,ana@example.com\n",
    )
    assert [] == reference.problems()


def test_an_override_of_a_plan_that_the_contract_never_has_is_a_warning(reference: Any) -> None:
    reference.add(
        "price_book/plans.yml",
        """\
  - id: starter
    charges:
      - id: starter_fee
        product: platform
        model: flat
        versions: [{effective_from: 2026-01-01, prices: {USD: {amount: 9}}}]
""",
    )
    reference.add(
        "tables/overrides.csv",
        'ovr_3,con_1,starter_fee,2026-01-01,,USD,"{""amount"": 8}",\n',
    )
    assert [("tables/overrides.csv", 4, "warning")] == told(
        reference.problems(), "override_never_applies"
    )


def test_a_property_that_one_version_of_the_events_lacks_is_a_warning(reference: Any) -> None:
    text = reference.read("event_contracts/api.call/1.json")
    later = text.replace('    "model": {"type": "string"},\n', "").replace('"model", ', "")
    reference.write("event_contracts/api.call/2.json", later.replace("call/1", "call/2"))
    assert [("price_book/meters.yml", 14, "warning")] == told(
        reference.problems(), "meter_property_partly_declared"
    )


def test_a_contract_that_starts_before_its_plan_has_prices_is_a_warning(reference: Any) -> None:
    reference.replace("tables/contracts.csv", "31,2026-02-01", "31,2025-12-01")
    reference.replace("tables/contract_versions.csv", "con_3,1,2026-02-01", "con_3,1,2025-12-01")
    assert [("tables/contract_versions.csv", 5, "warning")] == told(
        reference.problems(), "plan_unpriced_at_start"
    )


def begin_later(reference: Any, charge: str) -> None:
    """Move the first price of a charge of the sound folder from January to March."""
    before, mark, after = reference.read("price_book/plans.yml").partition(f"- id: {charge}\n")
    later = after.replace("effective_from: 2026-01-01", "effective_from: 2026-03-01", 1)
    reference.write("price_book/plans.yml", before + mark + later)


def test_a_charge_that_begins_after_contracts_on_its_plan_is_a_warning(reference: Any) -> None:
    begin_later(reference, "growth_calls")
    begin_later(reference, "growth_fee")
    problems = reference.problems()
    first = reference.line_of("price_book/plans.yml", "2026-03-01")
    second = reference.line_of("price_book/plans.yml", "growth_calls") + 7
    assert [
        ("price_book/plans.yml", first, "warning"),
        ("price_book/plans.yml", second, "warning"),
    ] == told(problems, "charge_unpriced_at_start")
    begins = (
        "version 2026-03-01, field effective_from: its first price begins on 2026-03-01, and "
        "contract con_1 is on plan growth from 2026-01-01 on (and 1 more contracts);"
    )
    assert [
        f"plan growth, charge growth_fee, {begins} nothing is due until then.",
        f"plan growth, charge growth_calls, {begins} usage of calls until then has no price.",
    ] == [problem.message for problem in problems]


def test_a_charge_that_is_negotiated_until_it_begins_is_no_problem(reference: Any) -> None:
    begin_later(reference, "growth_work")
    reference.replace("tables/contracts.csv", "31,2026-02-01", "31,2026-03-01")
    reference.replace("tables/contract_versions.csv", "con_3,1,2026-02-01", "con_3,1,2026-03-01")
    reference.add(
        "tables/overrides.csv",
        'ovr_3,con_1,growth_work,2026-01-01,2026-03-01,USD,"{""unit_price"": 1}",ana@example.com\n',
    )
    assert [] == reference.problems()


def test_a_charge_that_joins_one_of_its_meter_is_no_problem(reference: Any) -> None:
    text = reference.read("price_book/plans.yml")
    start, end = text.index("      - id: growth_work"), text.index("    terms:")
    joining = text[start:end].replace("growth_work", "extra").replace("2026-01-01", "2026-10-01")
    reference.write("price_book/plans.yml", text[:end] + joining + text[end:])
    assert [] == reference.problems()


def test_what_names_no_author_is_a_warning_where_four_eyes_are_asked_for(reference: Any) -> None:
    reference.replace("tables/contracts.csv", "jp_tax,,carl@example.com", "jp_tax,,")
    assert [] == reference.problems()
    reference.replace("policy.yml", "four_eyes: false", "four_eyes: true")
    problems = reference.problems()
    assert [
        ("contract_terms/con_1.yml", 12, "warning"),
        ("price_book/plans.yml", 44, "warning"),
        ("price_book/plans.yml", 76, "warning"),
        ("tables/contracts.csv", 4, "warning"),
    ] == told(problems, "author_missing")
    asked = "author: the policy asks for four eyes, and the author is not named"
    calls = "plan growth, charge growth_calls, version 2026-01-01, field"
    assert [
        (
            f"contract con_1, term con_1_rebate, field {asked}; nor is that of 4 more terms "
            "of this file."
        ),
        f"{calls} {asked}; nor is that of 2 more prices of this file.",
        f"plan growth, term growth_floor, field {asked}.",
        f"contracts row con_3, column {asked}.",
    ] == [problem.message for problem in problems]


def test_all_problems_of_all_files_are_told_at_once(reference: Any) -> None:
    reference.replace("price_book/plans.yml", "product: platform", "product: plat")
    reference.replace("price_book/plans.yml", "up_to: 100", "up_to: 9")
    reference.replace("price_book/meters.yml", "aggregation: count", "aggregation: total")
    reference.replace("tables/contracts.csv", "Asia/Tokyo", "Asia/Edo")
    reference.replace("policy.yml", "four_eyes: false", "four_eyes: 1")
    assert [
        ("policy.yml", "wrong_type"),
        ("price_book/meters.yml", "wrong_value"),
        ("price_book/plans.yml", "unknown_product"),
        ("price_book/plans.yml", "overlapping_tiers"),
        ("tables/contracts.csv", "unknown_time_zone"),
    ] == [(problem.path, problem.code) for problem in reference.problems()]


def test_a_wrong_field_of_a_charge_does_not_hide_its_wrong_tiers(reference: Any) -> None:
    reference.replace("price_book/plans.yml", "author: ana@example.com", "author: 5")
    reference.replace("price_book/plans.yml", "up_to: 100", "up_to: 9")
    reference.replace("price_book/plans.yml", "name: Tokens", "name: 5")
    assert ["wrong_type", "wrong_type", "overlapping_tiers"] == [
        problem.code for problem in reference.problems()
    ]
