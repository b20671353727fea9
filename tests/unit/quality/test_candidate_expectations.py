from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.quality.candidates import (
    NothingRatedError,
    check_candidates,
    document_expectations,
    line_expectations,
)
from orchestration.quality.duckdb_source import run_suite
from orchestration.settings import Settings

DOCUMENTS = """
    create table candidate_documents as
    select * from (values
        ('D1', 'us', 'c1', 'USD', 'invoice', 2, 12.50::decimal(38, 4)),
        ('D2', 'jp', 'c2', 'JPY', 'credit_memo', 1, -300::decimal(38, 4))
    ) as documents (
        document_id, legal_entity_id, bill_to_customer_id, currency_code, document_kind,
        line_count, amount
    )
"""
LINES = """
    create table candidate_lines as
    select * from (values
        ('D1', 1, 'k1', 12.49::decimal(38, 4), 'USD', 2),
        ('D1', 2, 'k2', 0.01::decimal(38, 4), 'USD', 2),
        ('D2', 1, 'k3', -300::decimal(38, 4), 'JPY', 0)
    ) as lines (document_id, line_number, settlement_key, amount, currency_code, minor_unit)
    cross join (
        select
            'c1' as customer_id, 'API-1' as erp_item, '4010' as revenue_account,
            'API calls, October 2026' as description,
            timestamp '2026-10-01' as service_start_at, timestamp '2026-11-01' as service_end_at
    ) as rest
"""


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(DOCUMENTS)
        connection.execute(LINES)
        yield connection


def unmet(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    suite = document_expectations() if table == "candidate_documents" else line_expectations()
    report = run_suite(
        connection, suite="candidates", subject="2026-10", table=table, expectations=suite
    )
    return [outcome.name for outcome in report.unmet]


@pytest.mark.parametrize("table", ["candidate_documents", "candidate_lines"])
def test_sound_candidates_meet_every_expectation(
    warehouse: duckdb.DuckDBPyConnection, table: str
) -> None:
    assert [] == unmet(warehouse, table)


@pytest.mark.parametrize(
    ("table", "damage", "found"),
    [
        ("candidate_documents", "document_id = 'D1'", "document_ids_are_unique"),
        ("candidate_documents", "document_kind = 'bill'", "document_kinds_are_known"),
        ("candidate_documents", "line_count = 0", "documents_have_lines"),
        ("candidate_documents", "amount = 5", "documents_have_the_sign_of_their_kind"),
        ("candidate_documents", "amount = null", "document_amount_is_present"),
        ("candidate_lines", "amount = -300.5", "amounts_are_whole_minor_units"),
        ("candidate_lines", "revenue_account = null", "line_revenue_account_is_present"),
        ("candidate_lines", "minor_unit = null", "line_minor_unit_is_present"),
        ("candidate_lines", "description = ''", "line_descriptions_fit_an_invoice"),
        (
            "candidate_lines",
            "service_end_at = service_start_at",
            "service_periods_are_not_empty",
        ),
        (
            "candidate_lines",
            "document_id = 'D1'",
            "line_numbers_are_unique_in_their_document",
        ),
    ],
)
def test_one_damaged_candidate_is_found_by_the_expectation_for_it(
    warehouse: duckdb.DuckDBPyConnection, table: str, damage: str, found: str
) -> None:
    warehouse.execute(f"update {table} set {damage} where document_id = 'D2'")

    assert [found] == unmet(warehouse, table)


@pytest.mark.parametrize("is_begun", [False, True])
def test_candidates_before_anything_was_rated_are_refused_with_the_next_step(
    tmp_path: Path, *, is_begun: bool
) -> None:
    settings = Settings(data_dir=tmp_path)
    settings.warehouse.mkdir(parents=True)
    if is_begun:
        duckdb.connect(settings.warehouse_file).close()

    with pytest.raises(NothingRatedError, match="tallyhouse run --period 2026-10"):
        check_candidates(settings, billing_period="2026-10")
