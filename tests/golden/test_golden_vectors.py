"""Every golden case comes out as it was worked out by hand.

Belongs here: the comparison, case by case. Does not belong here: cases (*.yml beside it).
"""

import pytest
from golden_cases import KEY_FIELDS, read_cases
from golden_run import DATA_TESTS, Rated, rate

from orchestration.dbt import run_dbt

CASES = read_cases()

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def golden_run(tmp_path_factory):
    """One folder, one load and one build for all cases."""
    return rate(CASES, tmp_path_factory.mktemp("golden") / "data")


@pytest.mark.parametrize("case", CASES, ids=[case.test_id for case in CASES])
def test_a_golden_case_is_rated_as_worked_out(golden_run, case):
    found = golden_run.rated.get(case.prefix, Rated())
    compared = {name_of(line): list(line) for line in case.fields["lines"]}

    assert sorted(map(text_of, case.fields["lines"])) == sorted(
        text_of({name: line.get(name) for name in compared.get(name_of(line), line)})
        for line in found.lines
    ), case.fields["why"]
    assert sorted(map(str, map(sorted, map(dict.items, case.fields["draws"])))) == sorted(
        map(str, map(sorted, map(dict.items, found.draws)))
    ), case.fields["why"]
    assert case.fields["left"] == {name: found.left[name] for name in case.fields["left"]}
    assert case.fields["breakage"] == {
        name: found.breakage[name] for name in case.fields["breakage"]
    }
    assert sorted(case.fields["exceptions"]) == sorted(found.exceptions)
    assert sorted(case.fields["rejected"]) == sorted(found.rejected)


def test_every_invariant_holds_over_all_golden_cases(golden_run):
    """Invariants 1-7."""
    figures = golden_run.conservation

    assert {1, 2, 3, 4, 5, 6, 7} == {figure.invariant_number for figure in figures}
    assert [] == [figure.check_name for figure in figures if not figure.is_passed]


def test_every_data_test_of_dbt_passes_over_all_golden_cases(golden_run):
    """A red one closes no month: none may be red over a legitimate contract."""
    outcome = run_dbt(golden_run.settings, DATA_TESTS)

    ran = {name.split(".")[2] for name in outcome.node_seconds if name.startswith("test.")}
    assert {"assert_segments_do_not_overlap", "fct_rated_lines_have_known_charge_models"} <= ran


def name_of(line):
    """What tells a line of a case from its other lines."""
    return " ".join(str(line[name]) for name in KEY_FIELDS)


def text_of(line):
    """A line as one text: its name, and then every figure that is compared."""
    figures = {name: line[name] for name in sorted(line) if name not in KEY_FIELDS}
    return f"{name_of(line)}: {figures}"
