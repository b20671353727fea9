"""The command that tries prices on past usage: wrong usage, and what is refused before it rates."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.cli_answers import ExitCode


def invoke(data_dir: Path, *arguments: str) -> tuple[int, str]:
    given = [*arguments, "--data-dir", str(data_dir), "--json"]
    result = CliRunner().invoke(app, given, catch_exceptions=False)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    "period", ["september", "2026-13", "2026-10:2026-09", "2026-09:", "2018-12", "2026-09:9999-12"]
)
def test_what_is_no_row_of_past_months_is_wrong_usage(tmp_path: Path, period: str) -> None:
    code, output = invoke(tmp_path, "what-if", "--price-book", str(tmp_path), "--period", period)

    assert ExitCode.USAGE == code
    assert "--period" in output
    assert [] == list(tmp_path.iterdir())


def test_a_question_without_a_price_book_is_wrong_usage(tmp_path: Path) -> None:
    code, output = invoke(tmp_path, "what-if", "--period", "2026-09")

    assert ExitCode.USAGE == code
    assert "--price-book" in output


def test_without_a_reference_in_force_and_without_two_folders_there_is_nothing_to_compare(
    tmp_path: Path,
) -> None:
    invoke(tmp_path, "init")
    folder = ("--price-book", str(tmp_path))
    for given, code in ((folder, "reference_missing"), (folder * 2, "what_if_invalid")):
        exit_code, output = invoke(tmp_path, "what-if", *given, "--period", "2026-09")

        assert (ExitCode.REFUSED, code) == (
            exit_code,
            json.loads(output_json(output))["error"]["code"],
        )
    assert not (tmp_path / "reports" / "what-if").exists()


def output_json(output: str) -> str:
    """The document alone: the reason is on standard error too."""
    return output[: output.rindex("}") + 1]
