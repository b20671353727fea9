"""Every code that can be emitted is documented, and every documented code can be emitted."""

import re

import jinja2
import pytest
from emitted_codes import Source, codes_in_sql, error_classes

from adapters.errors import AdapterError, RetryableError
from orchestration.cli_answers import ExitCode
from orchestration.failures import TallyhouseError, TechnicalError
from orchestration.ingest.refusals import FileRefusedError
from orchestration.settings import PROJECT_ROOT

REFERENCE = PROJECT_ROOT / "docs" / "reference"
DBT = PROJECT_ROOT / "dbt_project"
LINE_REJECTIONS = ("Reject", "RejectedError", "UnreadableTimeError")
FILE_REFUSALS = ("FileRefusedError", "replace")


@pytest.fixture(scope="module")
def ingestion():
    return Source("orchestration/ingest")


@pytest.fixture(scope="module")
def rest():
    return Source("orchestration", without=["orchestration/ingest"])


def documented(page, heading):
    """The rows of the first table under a heading: the codes of each, and its other cells."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*|\d+) \| (.+) \|$", section, re.MULTILINE)
    return [(re.findall(r"\w+", codes), cells.split(" | ")) for codes, cells in rows]


def documented_codes(page, heading):
    codes = [code for row, _ in documented(page, heading) for code in row]
    assert sorted(set(codes)) == sorted(codes), "a code stands twice"
    return set(codes)


def exception_guides():
    text = (DBT / "macros" / "billing" / "exception_guides.sql").read_text(encoding="utf-8")
    returned = []
    macros = jinja2.Environment(autoescape=False).from_string(  # noqa: S701 — SQL, never HTML
        text, globals={"return": returned.append}
    )
    macros.module.exception_guides()
    [guides] = returned
    return guides


def test_the_page_guides_through_every_exception_in_the_words_of_the_code():
    assert exception_guides() == [
        (code, *cells) for [code], cells in documented("codes.md", "Exceptions")
    ]


def test_every_exception_that_the_models_find_has_a_guide_and_every_guide_an_exception():
    found = set()
    for path in [*(DBT / "models").rglob("*.sql"), *(DBT / "macros").rglob("*.sql")]:
        found |= codes_in_sql(path.read_text(encoding="utf-8"), "exception_code", "resolution_code")
    assert {code for code, *_ in exception_guides()} == found


def test_the_page_lists_every_reason_to_refuse_a_file(ingestion):
    emitted = set().union(*(ingestion.given(name) for name in FILE_REFUSALS))
    assert emitted == documented_codes("codes.md", "Files refused as a whole")


def test_the_page_lists_every_reason_to_reject_a_line(ingestion):
    emitted = set().union(*(ingestion.given(name) for name in LINE_REJECTIONS))
    assert emitted == documented_codes("codes.md", "Lines rejected")


def test_ingestion_has_no_codes_but_those_of_files_and_lines(ingestion):
    emitted = set().union(*(ingestion.given(name) for name in ingestion.takers()))
    judged = set().union(*(ingestion.given(name) for name in FILE_REFUSALS + LINE_REJECTIONS))
    assert judged == emitted


def failures_by_exit(ingestion, rest):
    """Code → exit code of every error that reaches a command or a step of a run."""
    exits = dict.fromkeys(rest.given("StepFailure"), ExitCode.TECHNICAL)
    for error in error_classes("orchestration", TallyhouseError) - {FileRefusedError}:
        source = ingestion if error.__module__.startswith("orchestration.ingest") else rest
        codes = source.given(error.__name__)
        if source.is_made_without(error.__name__):
            codes.add(error.code)
        exits |= dict.fromkeys(codes, exit_of(error))
    for error in error_classes("adapters", AdapterError) - {AdapterError}:
        exits[error.code] = exit_of(error)
    return exits


def exit_of(error):
    is_technical = issubclass(error, TechnicalError | RetryableError)
    return ExitCode.TECHNICAL if is_technical else ExitCode.REFUSED


def test_the_page_lists_every_failure_with_its_exit_code(ingestion, rest):
    documented_codes("codes.md", "Failures")
    assert failures_by_exit(ingestion, rest) == {
        code: int(cells[0]) for codes, cells in documented("codes.md", "Failures") for code in codes
    }


def test_the_page_lists_every_code_that_posting_adds_to_those_of_outside_systems(rest):
    emitted = rest.given("Ending", "error_code")
    for error in error_classes("adapters", AdapterError):
        emitted |= rest.given(error.__name__)
    for name, values in rest.constants.items():
        if name.endswith("_CODE"):
            emitted |= {value.value for value in values}
    assert emitted == documented_codes("codes.md", "Postings")


def test_the_page_lists_every_problem_of_the_register(rest):
    assert rest.given("RegisterProblem") == documented_codes("codes.md", "Register")


def test_the_page_lists_every_problem_of_the_audit_log(rest):
    assert rest.given("AuditProblem") == documented_codes("codes.md", "Audit log")


def test_the_page_lists_every_problem_of_an_evidence_pack(rest):
    assert rest.given("PackProblem") == documented_codes("codes.md", "Evidence packs")


def test_the_page_lists_every_problem_of_an_event_contract(rest):
    assert rest.given("EventContractProblem") == documented_codes(
        "price-book.md", "Event contracts"
    )


def test_the_page_lists_every_exit_code():
    assert sorted(ExitCode) == [
        int(code) for [code], _ in documented("command-line.md", "Exit codes")
    ]
