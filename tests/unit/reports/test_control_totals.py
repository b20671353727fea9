"""Control totals for a person and for a program: what does not agree, and whether it is red."""

import io
from datetime import date, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from orchestration.control_totals.loading import ControlTotalsLoaded
from orchestration.quality.control_totals import (
    ComparedTotal,
    ControlTotalsMissingError,
    read_control_totals,
)
from orchestration.reports.control_totals import (
    control_totals_json,
    print_control_totals,
    print_loaded,
    shown_totals,
)
from orchestration.settings import Settings


def total(agreement, announced=10, arrived=10, **given):
    told = None if announced is None else Decimal(announced)
    found = Decimal(arrived)
    columns = {
        "source_prefix": "/gateway/",
        "usage_date": date(2026, 10, 31),
        "measure": "events",
        "unit": "events",
        "announced_quantity": told,
        "arrived_quantity": found,
        "variance_quantity": None if told is None else found - told,
        "agreement": agreement,
        "grace_ends_at": datetime.fromisoformat("2026-11-02T12:00"),
        "file_name": "landing/totals/october.csv",
        "line_number": 2,
        "replaced_count": 0,
        "is_waived": False,
        "exception_id": None,
    }
    return ComparedTotal(**columns | given)


TOTALS = [
    total("agrees"),
    total("waits", 12_000, 8),
    total("short", "2.5", "1.000000001", measure="bytes"),
    total("over", 10, 12, is_waived=True),
    total("no_total", None, 7),
]


def printed(*, shows_all=False):
    out = io.StringIO()
    console = Console(file=out, width=120)
    print_control_totals(console, shown_totals("2026-10", TOTALS, shows_all=shows_all))
    return out.getvalue()


def test_days_that_do_not_agree_are_listed_with_both_sides():
    text = printed()
    assert "Control totals of 2026-10, UTC" in text
    rows = [line.split() for line in text.splitlines() if line.startswith("2026-10-31")]
    assert [
        ["events", "12,000", "8", "-11,992"],
        ["bytes", "2.5", "1.000000001", "-1.499999999"],
        ["events", "10", "12", "+2"],
        ["events", "7", "no", "total"],
    ] == [row[2:6] for row in rows]
    assert "waits until 2026-11-02 12:00 UTC" in text
    assert "over, waived" in text
    assert (
        "5 compared: 1 agrees, 1 no total and red, 1 over and waived, 1 short and red, 1 waits."
        in text
    )


def test_all_lists_days_that_agree_too():
    assert 5 == printed(shows_all=True).count("2026-10-31")


def test_json_has_exact_quantities_and_says_whether_a_signature_is_stopped():
    answer = control_totals_json(shown_totals(None, TOTALS, shows_all=False))
    assert (False, 5) == (answer["is_held"], answer["compared"])
    assert [("12000", "8"), ("2.5", "1.000000001"), ("10", "12"), (None, "7")] == [
        (row["announced_quantity"], row["arrived_quantity"]) for row in answer["control_totals"]
    ]
    fine = [each for each in TOTALS if each.agreement in ("agrees", "waits") or each.is_waived]
    assert control_totals_json(shown_totals(None, fine, shows_all=False))["is_held"]


def test_before_the_first_build_nothing_is_compared(tmp_path):
    with pytest.raises(ControlTotalsMissingError, match="no build has compared"):
        read_control_totals(Settings(data_dir=tmp_path), month="2026-10")


def test_a_load_that_found_nothing_says_so():
    text = io.StringIO()
    print_loaded(Console(file=text), ControlTotalsLoaded(ingestion_batch_id=None, files=()))
    assert "There is no new file of control totals.\n" == text.getvalue()
