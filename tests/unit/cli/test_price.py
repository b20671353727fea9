"""The price of a quantity through the command line: amounts worked out by hand, and refusals."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.cli_answers import ExitCode
from orchestration.sample.write import write_reference

PLAN = """
meters:
  - id: seat_days
    unit: seat-day
    event_types: [seat.active]
    aggregation: unique_count
    distinct: user_id
    window: day
    window_aggregation: sum
plans:
  - id: spot
    terms:
      - {id: spot_trial, kind: trial, charges: [spot_memory], periods: 1}
    charges:
      - id: spot_tokens
        product: models
        meter: input_tokens
        model: dimensional
        versions:
          - effective_from: 2025-01-01
            prices: {USD: {prices: [{match: {model: large}, unit_price: "0.06"}]}}
      - id: spot_memory
        name: Memory
        product: compute
        meter: peak_memory_gb
        model: per_unit
        versions:
          - effective_from: 2025-01-01
            prices: {USD: {unit_price: "2", minimum: "100", maximum: "500"}}
          - effective_from: 2026-10-16
            prices: {USD: {unit_price: "3", minimum: "100", maximum: "500"}}
      - id: spot_compute
        product: compute
        meter: core_seconds
        model: percentage
        versions:
          - effective_from: 2025-01-01
            prices: {USD: {rate: "0.029", fixed_amount: "0.30", maximum_per_event: "5"}}
      - id: spot_seats
        product: seats
        meter: seat_days
        model: seats
        convert: {unit: seat}
        versions:
          - effective_from: 2025-01-01
            prices: {USD: {unit_price: "10"}}
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("price")
    reference = folder / "landing" / "reference"
    write_reference(reference)
    (reference / "price_book" / "spot.yml").write_text(PLAN, "utf-8")
    invoke("init", folder)
    return folder


def invoke(command: str, data_dir: Path, *arguments: str) -> tuple[int, str, str]:
    given = [command, *arguments, "--data-dir", str(data_dir)]
    result = CliRunner().invoke(app, given, catch_exceptions=False, env={"COLUMNS": "160"})
    return result.exit_code, result.stdout, result.stderr


def priced(data_dir: Path, *arguments: str) -> dict[str, Any]:
    code, output, _ = invoke("price", data_dir, *arguments, "--json")
    assert ExitCode.DONE == code, output
    found: dict[str, Any] = json.loads(output)
    return found


def refused(data_dir: Path, *arguments: str) -> str:
    code, output, _ = invoke("price", data_dir, *arguments, "--json")
    error = json.loads(output)["error"]
    assert (ExitCode.REFUSED, "price_unknown") == (code, error["code"])
    return str(error["message"])


@pytest.mark.slow
def test_every_usage_charge_of_a_plan_is_priced_for_the_quantity(data_dir: Path) -> None:
    # 310 x 0.06 · 310 x 2, at most 500 · 310 x 0.029 + 0.30, at most 5 · 310 x 10 ÷ 31 days
    question = ("spot", "--quantity", "310", "--on", "2026-10-15", "--dimensions", "model=large")
    answer = priced(data_dir, *question)

    assert {
        "spot_tokens": "18.60",
        "spot_memory": "500.00",
        "spot_compute": "5.00",
        "spot_seats": "100.00",
    } == {each["charge_id"]: each["amount"] for each in answer["charges"]}
    assert ["token", "GB", "core-second", "seat-day"] == [
        each["unit"] for each in answer["charges"]
    ]


@pytest.mark.slow
def test_prices_of_the_day_hold_for_all_of_the_month_and_a_hole_stays_unknown(
    data_dir: Path,
) -> None:
    # 31 x 3 = 93, and 7 up to the minimum
    answer = priced(data_dir, "spot", "--quantity", "31", "--on", "2026-10-20")
    charges = {each["charge_id"]: each for each in answer["charges"]}

    assert ("100.00", ["93.00", "7.00"]) == (
        charges["spot_memory"]["amount"],
        [line["amount"] for line in charges["spot_memory"]["lines"]],
    )
    assert {"spot/spot_memory/2026-10-16"} == {
        line["charge_price_id"] for line in charges["spot_memory"]["lines"]
    }
    [line] = charges["spot_tokens"]["lines"]
    assert (None, "unpriced_dimension") == (line["amount"], line["exception_code"])


@pytest.mark.slow
def test_tiers_and_amount_of_one_charge_are_shown_in_the_unit_of_its_meter(data_dir: Path) -> None:
    code, output, _ = invoke(
        "price",
        data_dir,
        *("growth", "--quantity", "25000000000", "--charge", "growth_egress"),
        *("--currency", "USD", "--on", "2026-10-15"),
    )
    lines = [" ".join(line.split()) for line in output.splitlines()]

    assert ExitCode.DONE == code
    assert "Data transfer: 25,000,000,000 bytes for USD 2.20" in lines
    assert "quantity 25,000,000,000 bytes as asked" in lines
    assert "1 0 10 10 0.10 0.00 1.00" in lines
    assert "2 10 no limit 15 0.08 0.00 1.20" in lines
    assert "API calls" not in output


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("gold",), "Its plans are enterprise, growth, spot, starter."),
        (
            ("spot", "--charge", "growth_seats"),
            "spot_tokens, spot_memory, spot_compute, spot_seats",
        ),
        (("growth", "--charge", "growth_fee"), "its fees, which have no quantity, are growth_fee."),
        (("growth",), "There are prices in EUR, JPY, USD: name one with --currency."),
        (("spot", "--currency", "EUR"), "There are prices in USD"),
        (("spot", "--on", "2024-12-31"), "The first one begins on 2025-01-01"),
        (("spot", "--on", "yesterday"), "no date written YYYY-MM-DD"),
        (("spot", "--dimensions", "region=eu"), "The dimensions of their meters are model."),
        (("spot", "--quantity", "1,000"), "the quantity is no plain number"),
        (("spot", "--quantity", "NaN"), "a quantity is a number below 10^20"),
        (("spot", "--quantity", "0.0000000001"), "up to 9 decimals"),
        (("spot", "--quantity", "1e20"), "a number below 10^20"),
    ],
)
def test_what_has_no_price_is_refused_and_the_message_names_what_there_is(
    data_dir: Path, arguments: tuple[str, ...], named: str
) -> None:
    quantity = () if "--quantity" in arguments else ("--quantity", "1")

    assert named in refused(data_dir, *arguments, *quantity)


def test_an_invalid_reference_folder_is_refused_with_its_problems(tmp_path: Path) -> None:
    reference = tmp_path / "landing" / "reference"
    write_reference(reference)
    products = reference / "price_book" / "products.yml"
    products.write_text(products.read_text("utf-8").replace("products:", "produkts:"), "utf-8")
    before = sorted(tmp_path.rglob("*"))

    code, output, _ = invoke("price", tmp_path, "growth", "--quantity", "1", "--json")

    error = json.loads(output)["error"]
    assert (ExitCode.REFUSED, "reference_invalid") == (code, error["code"])
    assert "price_book/products.yml" in error["message"]
    assert before == sorted(tmp_path.rglob("*"))


@pytest.mark.parametrize("dimensions", ["model", "=large", "model=large,region"])
def test_dimensions_that_are_no_pairs_are_wrong_usage(data_dir: Path, dimensions: str) -> None:
    code, _, _ = invoke("price", data_dir, "spot", "--quantity", "1", "--dimensions", dimensions)

    assert ExitCode.USAGE == code
