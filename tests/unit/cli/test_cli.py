"""The command line without a run: what it answers, and with which exit code."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.cli_answers import ExitCode
from orchestration.cli_demo import DemoRefusedError, start_clean
from orchestration.sample.write import write_reference
from orchestration.settings import Settings


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


def test_init_makes_a_data_directory_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    first = invoke("init", "--data-dir", str(tmp_path), "--json")
    configuration = tmp_path / "dagster" / "dagster.yaml"
    configuration.write_text(configuration.read_text("utf-8") + "# ours\n", "utf-8")
    second = invoke("init", "--data-dir", str(tmp_path), "--json")

    assert (ExitCode.DONE, ExitCode.DONE) == (first[0], second[0])
    assert str(tmp_path) == json.loads(second[1])["data_dir"]
    assert configuration.read_text("utf-8").endswith("# ours\n")
    assert (tmp_path / "operations.db").exists()


def test_dagsters_telemetry_is_off_in_a_new_data_directory(tmp_path: Path) -> None:
    invoke("init", "--data-dir", str(tmp_path))

    configuration = (tmp_path / "dagster" / "dagster.yaml").read_text("utf-8")

    assert "telemetry:\n  enabled: false" in configuration


def test_validate_lists_every_problem_with_its_place_and_exits_with_three(tmp_path: Path) -> None:
    write_reference(tmp_path / "landing" / "reference")
    products = tmp_path / "landing" / "reference" / "price_book" / "products.yml"
    products.write_text(products.read_text("utf-8").replace("products:", "produkts:"), "utf-8")

    code, output, _ = invoke("validate", "--data-dir", str(tmp_path), "--json")

    problems = json.loads(output)["problems"]
    assert ExitCode.REFUSED == code
    assert "price_book/products.yml" in {problem["path"] for problem in problems}
    assert all(problem["remedy"] for problem in problems)


def test_validate_of_a_sound_folder_exits_with_zero(tmp_path: Path) -> None:
    write_reference(tmp_path / "landing" / "reference")

    code, _, _ = invoke("validate", "--data-dir", str(tmp_path))

    assert ExitCode.DONE == code


def test_a_run_before_init_says_what_to_do(tmp_path: Path) -> None:
    code, output, _ = invoke("run", "--period", "2026-10", "--data-dir", str(tmp_path), "--json")

    error = json.loads(output)["error"]
    assert ExitCode.REFUSED == code
    assert "not_initialised" == error["code"]
    assert "tallyhouse init" in error["message"]


@pytest.mark.parametrize("arguments", [("status",), ("explain", "a-line"), ("doctor",)])
def test_a_command_that_only_reads_makes_nothing_of_a_mistyped_data_directory(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    mistyped = tmp_path / "typo"

    code, output, _ = invoke(*arguments, "--data-dir", str(mistyped), "--json")

    error = json.loads(output)["error"]
    assert ExitCode.REFUSED == code
    assert "not_initialised" == error["code"]
    assert f"tallyhouse init --data-dir {mistyped}" in error["message"]
    assert not mistyped.exists()


@pytest.mark.parametrize("arguments", [("status",), ("explain", "a-line"), ("doctor",)])
def test_a_command_that_only_reads_adds_nothing_to_a_folder_of_something_else(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    code, output, _ = invoke(*arguments, "--data-dir", str(tmp_path), "--json")

    assert ExitCode.REFUSED == code
    assert "not_initialised" == json.loads(output)["error"]["code"]
    assert [] == list(tmp_path.iterdir())


def test_explain_before_the_first_publication_says_what_to_do(tmp_path: Path) -> None:
    invoke("init", "--data-dir", str(tmp_path))

    code, output, _ = invoke("explain", "a-line", "--data-dir", str(tmp_path), "--json")

    assert ExitCode.REFUSED == code
    assert "nothing_published" == json.loads(output)["error"]["code"]


def test_the_status_of_a_new_data_directory_is_empty_not_an_error(tmp_path: Path) -> None:
    invoke("init", "--data-dir", str(tmp_path))

    code, output, _ = invoke("status", "--data-dir", str(tmp_path), "--json")

    status = json.loads(output)
    assert ExitCode.DONE == code
    assert 0 == status["usage"]["lines_read"]
    assert [] == status["revisions"]


def test_doctor_finds_a_new_data_directory_sound(tmp_path: Path) -> None:
    invoke("init", "--data-dir", str(tmp_path))

    code, output, _ = invoke("doctor", "--data-dir", str(tmp_path), "--json")

    unsound = [each for each in json.loads(output)["findings"] if not each["is_sound"]]
    assert [] == unsound
    assert ExitCode.DONE == code


def test_doctor_names_a_missing_folder_and_exits_with_four(tmp_path: Path) -> None:
    invoke("init", "--data-dir", str(tmp_path))
    (tmp_path / "landing" / "usage").rmdir()

    code, output, _ = invoke("doctor", "--data-dir", str(tmp_path), "--json")

    unsound = [each["subject"] for each in json.loads(output)["findings"] if not each["is_sound"]]
    assert [f"folder {tmp_path / 'landing' / 'usage'}"] == unsound
    assert ExitCode.CHECKS_RED == code


def test_doctor_verifies_the_rest_where_the_run_history_is_broken(tmp_path: Path) -> None:
    invoke("init", "--data-dir", str(tmp_path))
    [history] = (tmp_path / "dagster").rglob("runs.db")
    history.write_bytes(b"no database" * 1000)

    code, output, _ = invoke("doctor", "--data-dir", str(tmp_path), "--json")

    findings = {each["subject"]: each["is_sound"] for each in json.loads(output)["findings"]}
    assert ExitCode.CHECKS_RED == code
    assert [False, True, True] == [
        findings[subject] for subject in ("run history", "register", "raw files")
    ]


def test_a_broken_run_history_is_named_with_what_to_do(tmp_path: Path) -> None:
    invoke("init", "--data-dir", str(tmp_path))
    [history] = (tmp_path / "dagster").rglob("runs.db")
    history.write_bytes(b"no database" * 1000)

    code, output, _ = invoke("status", "--data-dir", str(tmp_path), "--json")

    error = json.loads(output)["error"]
    assert ExitCode.TECHNICAL == code
    assert "run_history_broken" == error["code"]
    assert "Restore that folder" in error["message"]


def test_validate_of_a_folder_that_nobody_initialised_writes_nothing(tmp_path: Path) -> None:
    reference = tmp_path / "landing" / "reference"
    write_reference(reference)
    before = sorted(tmp_path.rglob("*"))

    code, _, _ = invoke("validate", "--data-dir", str(tmp_path))

    assert ExitCode.DONE == code
    assert before == sorted(tmp_path.rglob("*"))


def test_an_unknown_setting_is_refused_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYHOUSE_DUCKDB_THREADS", "many")

    code, output, _ = invoke("init", "--data-dir", str(tmp_path), "--json")

    assert ExitCode.REFUSED == code
    assert "settings_invalid" == json.loads(output)["error"]["code"]


@pytest.mark.parametrize("arguments", [("run",), ("sign-off", "--period", "x", "--decision", "no")])
def test_wrong_usage_exits_with_two(arguments: tuple[str, ...]) -> None:
    code, _, _ = invoke(*arguments)

    assert ExitCode.USAGE == code


@pytest.mark.parametrize("command", ["init", "status", "doctor", "validate"])
def test_json_is_all_that_a_program_gets(tmp_path: Path, command: str) -> None:
    write_reference(tmp_path / "landing" / "reference")
    invoke("init", "--data-dir", str(tmp_path))

    _, output, errors = invoke(command, "--data-dir", str(tmp_path), "--json")

    assert isinstance(json.loads(output), dict)
    assert "" == errors


def test_a_refusal_goes_to_standard_error_also_where_json_says_it(tmp_path: Path) -> None:
    code, output, errors = invoke("status", "--data-dir", str(tmp_path), "--json")

    assert ExitCode.REFUSED == code
    assert "not_initialised" == json.loads(output)["error"]["code"]
    assert errors.startswith("not_initialised: ")


def test_a_refusal_is_not_mixed_with_what_a_person_sends_to_a_file(tmp_path: Path) -> None:
    _, output, errors = invoke("status", "--data-dir", str(tmp_path))

    assert "" == output
    assert errors.startswith("not_initialised: ")


def test_with_json_a_run_that_was_not_done_says_why_on_standard_error(tmp_path: Path) -> None:
    invoke("init", "--data-dir", str(tmp_path))

    code, output, errors = invoke("replay", "--data-dir", str(tmp_path), "--json")

    assert ExitCode.REFUSED == code
    assert "reference_invalid" == json.loads(output)["runs"][0]["failures"][0]["code"]
    assert errors.startswith("replay_rejects not done")
    assert "reference_invalid" in errors


@pytest.mark.parametrize("columns", [60, 100])
def test_what_is_printed_to_a_pipe_is_as_wide_as_columns_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    invoke("init", "--data-dir", str(tmp_path))

    _, output, _ = invoke("status", "--data-dir", str(tmp_path))

    widths = [len(line.rstrip()) for line in output.splitlines()]
    assert columns - 20 <= max(widths) <= columns


@pytest.mark.parametrize("command", ["run", "freeze", "sign-off"])
@pytest.mark.parametrize("period", ["2026-13", "10/2026", "2026-10-01", "1999-01", "9999-12"])
def test_what_is_no_billing_period_is_wrong_usage_before_anything_is_opened(
    tmp_path: Path, command: str, period: str
) -> None:
    mistyped = tmp_path / "typo"

    code, output, errors = invoke(command, "--period", period, "--data-dir", str(mistyped))

    assert (ExitCode.USAGE, "") == (code, output)
    assert "--period" in errors
    assert not mistyped.exists()


def test_a_malformed_billing_period_is_told_the_form() -> None:
    _, _, errors = invoke("freeze", "--period", "2026-13")

    assert "written YYYY-MM, for example 2026-10." in " ".join(errors.replace("│", " ").split())


def test_every_command_takes_a_data_directory() -> None:
    code, output, _ = invoke("--help")
    listed = {
        name for name in ("init", "validate", "run", "freeze", "sign-off") if name in output
    } | {name for name in ("post", "status", "explain", "doctor") if name in output}

    assert ExitCode.DONE == code
    assert 9 == len(listed)
    for name in listed:
        assert "--data-dir" in invoke(name, "--help")[1]


def test_the_demo_deletes_no_folder_that_no_demo_made(tmp_path: Path) -> None:
    (tmp_path / "register").mkdir()
    (tmp_path / "register" / "precious").write_text("signed")

    with pytest.raises(DemoRefusedError, match="no demo made"):
        start_clean(Settings(data_dir=tmp_path))

    assert (tmp_path / "register" / "precious").exists()


def test_the_demo_starts_clean_over_an_earlier_demo(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    (folder / "raw").mkdir(parents=True)
    (folder / "sample_truth.json").write_text("{}")

    start_clean(Settings(data_dir=folder))

    assert not folder.exists()
