"""Comparing with expected totals: every kind of difference is found, in both directions."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.sample.real_comparison import (
    Difference,
    MartMissingError,
    Total,
    compare_with_expected,
)
from orchestration.sample.real_landing import RealUsageMissingError, write_real_landing
from orchestration.sample.real_sets import REAL_SETS, Figure, RealSet
from orchestration.settings import Settings

EXPECTED = "tenant,month,calls,usd\nalpha,2026-01,10,0.12345679\nbeta,2026-01,3,\n"


def a_set(tmp_path: Path, expected: str = EXPECTED) -> RealSet:
    source = tmp_path / "source"
    source.mkdir()
    (source / "expected_totals.csv").write_text(expected)
    return RealSet(
        name="small",
        source_folder=source,
        reference_folder=tmp_path / "reference",
        system_id="system",
        start_date="2026-01-01",
        end_date="2026-02-01",
        months=("2026-01",),
        plan_id="'plan'",
        time_text='"time"',
        data={},
        figures=(
            Figure("calls", ("calls",), "quantity", 0, "calls"),
            Figure("USD", ("calls",), "amount_unrounded", 8, "coalesce(usd, '0')"),
        ),
    )


def an_installation(tmp_path: Path, lines: str, metered: str | None = None) -> Settings:
    settings = Settings.load(tmp_path / "data")
    tables = settings.reference_dir / "tables"
    tables.mkdir(parents=True)
    (tables / "identities.csv").write_text(
        "system_id,external_id,customer_id\nsystem,alpha,cus_1\nsystem,beta,cus_2\n"
        "system,gamma,cus_3\nother,alpha,cus_1\n"
    )
    settings.warehouse.mkdir(parents=True)
    with duckdb.connect(settings.warehouse_file) as connection:
        connection.execute("create schema rating")
        for mart, day, rows in (
            ("fct_rated_lines", "cell_start_date", lines),
            ("fct_metered_usage", "local_date", metered or lines),
        ):
            connection.execute(
                f"""
                create table rating.{mart} as
                select
                    customer_id, 'calls' as meter_id, date '2026-01-01' as {day},
                    cast(quantity as decimal(38, 9)) as quantity,
                    cast(amount as decimal(38, 12)) as amount_unrounded, event_count
                from (values {rows}) as listed (customer_id, quantity, amount, event_count)
                """
            )
    return settings


EQUAL = "('cus_1', 4, 0.1, 1), ('cus_1', 6, 0.023456789, 2), ('cus_2', 3, 0, 3), ('cus_3', 0, 0, 0)"


def test_equal_figures_have_no_difference(tmp_path: Path) -> None:
    """Lines add up before they are rounded; a line without events is no row."""
    comparison = compare_with_expected(a_set(tmp_path), an_installation(tmp_path, EQUAL))
    assert () == comparison.differences
    assert 6 == comparison.rows_compared
    assert (
        Total("2026-01", "USD", Decimal("0.12345679"), Decimal("0.12345679")),
        Total("2026-01", "calls", Decimal(13), Decimal(13)),
    ) == comparison.totals


def test_a_wrong_amount_in_the_last_decimal_is_a_difference(tmp_path: Path) -> None:
    lines = EQUAL.replace("0.023456789", "0.023456780")
    comparison = compare_with_expected(a_set(tmp_path), an_installation(tmp_path, lines))
    assert (
        Difference(
            "rated lines",
            "alpha",
            "2026-01",
            "USD",
            Decimal("0.12345679"),
            Decimal("0.12345678"),
        ),
    ) == comparison.differences


def test_a_missing_and_a_surplus_tenant_are_differences(tmp_path: Path) -> None:
    lines = EQUAL.replace("('cus_2', 3, 0, 3)", "('cus_3', 3, 0, 3)")
    comparison = compare_with_expected(a_set(tmp_path), an_installation(tmp_path, lines, EQUAL))
    assert {
        ("beta", "USD", Decimal(0), None),
        ("beta", "calls", Decimal(3), None),
        ("gamma", "USD", None, Decimal(0)),
        ("gamma", "calls", None, Decimal(3)),
    } == {
        (found.tenant, found.figure, found.expected, found.actual)
        for found in comparison.differences
    }


def test_metered_usage_is_compared_on_its_own(tmp_path: Path) -> None:
    metered = EQUAL.replace("('cus_2', 3,", "('cus_2', 5,")
    comparison = compare_with_expected(a_set(tmp_path), an_installation(tmp_path, EQUAL, metered))
    assert (
        Difference("metered usage", "beta", "2026-01", "calls", Decimal(3), Decimal(5)),
    ) == comparison.differences


def test_a_warehouse_without_the_marts_is_refused(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / "data")
    with pytest.raises(MartMissingError, match="fct_rated_lines"):
        compare_with_expected(a_set(tmp_path), settings)


def test_a_set_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RealUsageMissingError, match=r"events\.parquet does not exist"):
        write_real_landing(a_set(tmp_path), Settings.load(tmp_path / "data"))


@pytest.mark.parametrize("name", REAL_SETS)
def test_every_set_has_its_reference_folder(name: str) -> None:
    folder = REAL_SETS[name].reference_folder
    assert {"price_book", "event_contracts", "sources.yml", "policy.yml"} == {
        path.name for path in folder.iterdir()
    }
