"""Which lines hold one that depends on others, and which one a line of a document is."""

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from orchestration.reports.explanation import holding_lines, named_line

OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema rating")
        connection.execute(
            "create table rating.fct_rated_lines (rated_line_id varchar, settlement_key varchar, "
            "contract_id varchar, charge_name varchar, exception_code varchar, "
            "service_start_at timestamp, cell_start_date date, cell_end_date date, "
            "segment_start_date date, segment_end_date date)"
        )
        yield connection


def add_line(
    marts: duckdb.DuckDBPyConnection,
    line: str,
    exception_code: str | None,
    *,
    contract: str = "con_1",
    start: date = OCTOBER,
    end: date = NOVEMBER,
    service_start: date = OCTOBER,
) -> None:
    marts.execute(
        "insert into rating.fct_rated_lines values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            *(line, f"{line}-key", contract, f"{line} name", exception_code, service_start),
            *(start, end, service_start, end),
        ],
    )


def holders(marts: duckdb.DuckDBPyConnection, line: str) -> list[str]:
    return [each["rated_line_id"] for each in holding_lines(marts, f"{line}-key")]


def test_a_dependent_line_is_held_by_lines_of_its_contract_and_cell_alone(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    add_line(marts, "minimum", "depends_on_held")
    add_line(marts, "other_minimum", "depends_on_held")
    add_line(marts, "calls", "conflicting_events")
    add_line(marts, "billed", None)
    add_line(marts, "of_another", "missing_price", contract="con_2")
    add_line(marts, "later", "missing_price", start=NOVEMBER, end=DECEMBER, service_start=NOVEMBER)

    assert ["calls"] == holders(marts, "minimum")
    assert [("calls name", "conflicting_events")] == [
        (each["charge_name"], each["exception_code"])
        for each in holding_lines(marts, "minimum-key")
    ]


def test_a_commitment_of_a_whole_term_is_held_by_its_earlier_cells(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    add_line(
        marts,
        "commitment",
        "depends_on_held",
        start=NOVEMBER,
        end=DECEMBER,
        service_start=OCTOBER,
    )
    add_line(marts, "tokens", "missing_price", start=NOVEMBER, end=DECEMBER, service_start=NOVEMBER)
    add_line(marts, "calls", "conflicting_events")

    assert ["calls", "tokens"] == holders(marts, "commitment")


def test_a_line_that_is_held_by_itself_waits_for_no_other(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    add_line(marts, "calls", "conflicting_events")
    add_line(marts, "tokens", "missing_price")

    assert [] == holders(marts, "calls")


@pytest.fixture
def documents(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    marts.execute("create schema billing")
    for table in ("billing.fct_invoice_candidate_lines", "register_entries"):
        marts.execute(
            f"create table {table} (document_id varchar, line_number integer, "
            "settlement_key varchar, rated_line_id varchar, service_start_at timestamp)"
        )
    marts.execute(
        "insert into rating.fct_rated_lines (rated_line_id, settlement_key, service_start_at) "
        "values ('first', 'calls', '2026-10-01'), ('second', 'calls', '2026-10-11'), "
        "('other', 'seats', '2026-10-11')"
    )
    return marts


def put_on_document(
    marts: duckdb.DuckDBPyConnection,
    line: str,
    *,
    table: str = "register_entries",
    key: str = "calls",
    start: date | None = None,
) -> None:
    marts.execute(f"insert into {table} values ('d', 7, ?, ?, ?)", [key, line, start])


def test_a_line_of_a_document_is_the_rated_line_that_it_names(
    documents: duckdb.DuckDBPyConnection,
) -> None:
    put_on_document(documents, "second")

    assert "second" == named_line(documents, "d/7")
    assert "first" == named_line(documents, "first")


def test_a_document_that_waits_comes_before_a_signed_one(
    documents: duckdb.DuckDBPyConnection,
) -> None:
    put_on_document(documents, "second")
    put_on_document(documents, "first", table="billing.fct_invoice_candidate_lines")

    assert "first" == named_line(documents, "d/7")


@pytest.mark.parametrize(("start", "expected"), [(date(2026, 10, 11), "second"), (None, "first")])
def test_a_signed_line_whose_id_is_gone_is_the_line_of_its_key_that_begins_as_it_does(
    documents: duckdb.DuckDBPyConnection, start: date | None, expected: str
) -> None:
    put_on_document(documents, "gone", start=start)

    assert expected == named_line(documents, "d/7")


def test_a_signed_line_whose_key_has_no_line_any_more_is_unknown(
    documents: duckdb.DuckDBPyConnection,
) -> None:
    put_on_document(documents, "second", key="gone")

    assert "d/7" == named_line(documents, "d/7")
