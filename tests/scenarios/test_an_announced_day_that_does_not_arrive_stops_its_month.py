"""The day after the close somebody announces exports for the last two days of October.

None of them came. The usage of one day is delivered then; the other day truly had none.
"""

import json
from dataclasses import dataclass

import pytest

from orchestration.billing.refusals import CheckRedError
from orchestration.billing.source_days import ARRIVAL_CHECK
from orchestration.pipeline import read_overdue_days

pytestmark = pytest.mark.slow

NEXT_MONTH = "2026-10"
WITHOUT_DATA_TESTS = ("--exclude-resource-type", "test")
ENTITY = "jp_kk"
ANNOUNCED = """
  - prefix: /exports/
    system: platform
    expected: daily
    expected_from: 2026-10-30
    expected_to: 2026-11-01
"""
QUIET = """\
    quiet_days:
      - {day: 2026-10-31, reason: Nobody exports on Saturdays, author: rosa@brightloop.example}
"""
EXPORTED = {
    "specversion": "1.0",
    "id": "export-1",
    "source": "/exports/ap-tokyo",
    "type": "storage.snapshot",
    "subject": "acct-nobody",
    "time": "2026-10-30T12:00:00Z",
    "dataschema": "https://schemas.brightloop.example/storage.snapshot/1",
    "data": {"gb": 1},
}
MISSING = """
    select object_id, billing_period, steward from billing.fct_exceptions
    where exception_code = 'missing_source_day'
"""
FIGURES = f"""
    select left_figure, right_figure, is_held from reconciliation.fct_conservation
    where check_name = '{ARRIVAL_CHECK}' and scope_kind = 'all'
"""


@dataclass(frozen=True)
class Seen:
    """What stood in the house after one build, and what freezing October came to."""

    broken: list
    figures: list
    missing: list
    overdue: list
    refusal: str | None


def look(house):
    """Build, freeze October and try to sign one entity's revision."""
    house.build(*WITHOUT_DATA_TESTS)
    [revision] = [each for each in house.freeze(NEXT_MONTH) if each.legal_entity_id == ENTITY]
    refusal = None
    try:
        house.sign(revision)
    except CheckRedError as error:
        refusal = str(error)
    return Seen(
        broken=house.broken_invariants(),
        figures=house.rows(FIGURES),
        missing=house.rows(MISSING),
        overdue=[day.name() for day in read_overdue_days(house.installation)],
        refusal=refusal,
    )


@pytest.fixture(scope="module")
def announced(house_of_the_signed_month):
    """The house after each step: announced, one day delivered, the other declared quiet."""
    house = house_of_the_signed_month
    sources = house.settings.reference_dir / "sources.yml"
    seen = {}

    sources.write_text(sources.read_text() + ANNOUNCED)
    house.load_reference()
    seen["announced"] = look(house)

    house.deliver("2026-11-04/exports.jsonl", json.dumps(EXPORTED).encode() + b"\n")
    house.load()
    seen["delivered"] = look(house)

    sources.write_text(sources.read_text() + QUIET)
    house.load_reference()
    seen["declared"] = look(house)
    return seen


def test_missing_days_turn_the_first_invariant_red_and_are_named(announced):
    """Invariant 1."""
    seen = announced["announced"]
    assert [ARRIVAL_CHECK] == seen.broken
    assert [(63, 61, False)] == seen.figures
    assert [
        ("2026-10-30 /exports/", "2026-10", "integration"),
        ("2026-10-31 /exports/", "2026-10", "integration"),
    ] == seen.missing
    assert ["2026-10-30 /exports/", "2026-10-31 /exports/"] == seen.overdue


def test_their_month_is_not_signed(announced):
    """Invariant 1: sign-off needs it green."""
    assert ARRIVAL_CHECK in announced["announced"].refusal
    assert ARRIVAL_CHECK in announced["delivered"].refusal


def test_usage_that_arrives_takes_its_day_off_the_list(announced):
    """Invariant 1: one accepted event, even of a subject that nobody knows."""
    seen = announced["delivered"]
    assert [(63, 62, False)] == seen.figures
    assert [("2026-10-31 /exports/", "2026-10", "integration")] == seen.missing


def test_a_declared_quiet_day_turns_it_green_and_the_month_is_signed(announced):
    """Invariant 1."""
    seen = announced["declared"]
    assert ([], [(63, 63, True)], [], []) == (
        seen.broken,
        seen.figures,
        seen.missing,
        seen.overdue,
    )
    assert seen.refusal is None
