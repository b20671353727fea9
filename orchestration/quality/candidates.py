"""What must be true of invoice candidates before finance sees them.

Belongs here: the suites over candidate documents and their lines, and their run over one billing
period. Does not belong here: conservation between stages, which SQL computes and conservation.py
reads.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import duckdb

from orchestration.failures import BusinessError
from orchestration.quality.duckdb_source import run_suite
from orchestration.quality.library import import_great_expectations
from orchestration.quality.reports import ExpectationReport
from orchestration.settings import Settings
from orchestration.warehouse import writer_lock

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

DOCUMENT_SUITE = "candidate_documents"
LINE_SUITE = "candidate_lines"
DOCUMENT_KINDS = ("invoice", "credit_memo")
_LONGEST_DESCRIPTION = 250


class NothingRatedError(BusinessError):
    """No model was built yet, so that there are no candidates to judge."""

    code = "nothing_rated"


def check_candidates(settings: Settings, *, billing_period: str) -> ExpectationReport:
    """Judge the candidate documents and lines up to a billing period, inside the warehouse.

    A run bills what is due of earlier periods along with its own.

    Args:
        settings: the data directory.
        billing_period: 'YYYY-MM'.

    Returns:
        One report: the outcomes of both suites, its row count the number of documents and lines.

    Raises:
        NothingRatedError: the warehouse has no candidates of any period yet.
        WarehouseBusyError: another process writes the warehouse.
        ExpectationRunError: an expectation could not be evaluated.
    """
    with writer_lock(settings, wait_seconds=60), duckdb.connect() as connection:
        _show_candidates(connection, settings, _checked(billing_period))
        documents = run_suite(
            connection,
            suite=DOCUMENT_SUITE,
            subject=billing_period,
            table="candidate_documents",
            expectations=document_expectations(),
        )
        lines = run_suite(
            connection,
            suite=LINE_SUITE,
            subject=billing_period,
            table="candidate_lines",
            expectations=line_expectations(),
        )
    return ExpectationReport(
        suite="invoice_candidates",
        subject=f"billing period {billing_period}",
        row_count=documents.row_count + lines.row_count,
        outcomes=documents.outcomes + lines.outcomes,
    )


def _show_candidates(
    connection: duckdb.DuckDBPyConnection, settings: Settings, billing_period: str
) -> None:
    """Make views of the candidates up to a period, in a database that every cursor sees."""
    try:
        connection.execute(f"attach '{settings.warehouse_file}' as warehouse (read_only)")
        connection.execute(
            "create view candidate_documents as "
            "select * from warehouse.billing.fct_invoice_candidates "
            f"where billing_period <= '{billing_period}'"
        )
        connection.execute(
            "create view candidate_lines as "
            "select lines.*, currencies.minor_unit "
            "from warehouse.billing.fct_invoice_candidate_lines as lines "
            "inner join candidate_documents as documents using (document_id) "
            "left join warehouse.reference.currencies as currencies "
            "on lines.currency_code = currencies.currency_code"
        )
    except (duckdb.CatalogException, duckdb.IOException) as error:
        raise NothingRatedError(
            f"Tried to judge the candidates of {billing_period}: {settings.warehouse_file} has "
            f"none of any period. Run `tallyhouse run --period {billing_period}` first."
        ) from error


def document_expectations() -> Sequence[tuple[str, "Expectation"]]:
    """Return the suite over candidate documents: pairs of name and expectation."""
    import_great_expectations()
    import great_expectations.expectations as gxe  # noqa: PLC0415 — see library.py

    present = [
        (f"document_{column}_is_present", gxe.ExpectColumnValuesToNotBeNull(column=column))
        for column in ("legal_entity_id", "bill_to_customer_id", "currency_code", "amount")
    ]
    return (
        ("document_ids_are_unique", gxe.ExpectColumnValuesToBeUnique(column="document_id")),
        *present,
        (
            "document_kinds_are_known",
            gxe.ExpectColumnValuesToBeInSet(column="document_kind", value_set=list(DOCUMENT_KINDS)),
        ),
        (
            "documents_have_lines",
            gxe.ExpectColumnValuesToBeBetween(column="line_count", min_value=1),
        ),
        (
            "documents_have_the_sign_of_their_kind",
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=(
                    "select document_id from {batch} "
                    "where (document_kind = 'invoice' and amount < 0) "
                    "or (document_kind = 'credit_memo' and amount >= 0)"
                )
            ),
        ),
    )


def line_expectations() -> Sequence[tuple[str, "Expectation"]]:
    """Return the suite over candidate lines: pairs of name and expectation."""
    import_great_expectations()
    import great_expectations.expectations as gxe  # noqa: PLC0415 — see library.py

    present = [
        (f"line_{column}_is_present", gxe.ExpectColumnValuesToNotBeNull(column=column))
        for column in (
            *("settlement_key", "amount", "currency_code", "customer_id"),
            *("erp_item", "revenue_account", "minor_unit"),
        )
    ]
    return (
        *present,
        (
            "line_descriptions_fit_an_invoice",
            gxe.ExpectColumnValueLengthsToBeBetween(
                column="description", min_value=3, max_value=_LONGEST_DESCRIPTION
            ),
        ),
        (
            "service_periods_are_not_empty",
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=(
                    "select document_id, line_number from {batch} "
                    "where service_start_at >= service_end_at"
                )
            ),
        ),
        (
            "amounts_are_whole_minor_units",
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=(
                    "select document_id, line_number from {batch} "
                    "where not case minor_unit when 0 then amount = round(amount, 0) "
                    "when 2 then amount = round(amount, 2) "
                    "when 3 then amount = round(amount, 3) "
                    "else amount = round(amount, 4) end"
                )
            ),
        ),
        (
            "line_numbers_are_unique_in_their_document",
            gxe.ExpectCompoundColumnsToBeUnique(column_list=["document_id", "line_number"]),
        ),
    )


def _checked(billing_period: str) -> str:
    """Return the period when it has the form YYYY-MM, so that it can stand in a view's text."""
    year, dash, month = billing_period.partition("-")
    if dash and year.isdigit() and month.isdigit() and len(billing_period) == len("2026-10"):
        return billing_period
    raise ValueError(f"{billing_period!r} is not a billing period: write YYYY-MM, as in 2026-10")
