"""Great Expectations over a DuckDB connection that the caller keeps.

Great Expectations knows no DuckDB; SQLAlchemy's DuckDB dialect discards a pending result when
the connection is rolled back on return. The dialect here lends out cursors of one connection,
in autocommit, so that every expectation runs inside DuckDB and no row is loaded into Python.

Belongs here: the dialect and the running of a suite. Does not belong here: any expectation.
"""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import duckdb
from duckdb_engine import ConnectionWrapper, Dialect
from sqlalchemy.dialects import registry
from sqlalchemy.pool import StaticPool

from orchestration.failures import TechnicalError
from orchestration.quality.library import import_great_expectations
from orchestration.quality.reports import ExpectationOutcome, ExpectationReport

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

_EXAMPLES_SHOWN = 5
_ROWS_QUERY = "unexpected_rows_expectation"


class ExpectationRunError(TechnicalError):
    """An expectation could not be evaluated at all."""

    code = "expectation_not_evaluated"


class LentConnectionDialect(Dialect):
    """SQLAlchemy dialect whose connections are cursors of one that its owner keeps open."""

    supports_statement_cache = False
    lent: ClassVar[dict[str, duckdb.DuckDBPyConnection]] = {}

    def connect(self, *_args: Any, **parameters: Any) -> Any:
        """Return a cursor of the connection lent under the URL's database name."""
        token = str(parameters["database"])
        return ConnectionWrapper(self.lent[token].cursor())

    def do_begin(self, dbapi_connection: Any) -> None:
        """Do nothing: every statement commits by itself."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Do nothing: every statement commits by itself."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Do nothing: a rollback would discard DuckDB's pending result."""


registry.register("duckdb.lent", __name__, "LentConnectionDialect")
_tokens = itertools.count(1)


def run_suite(
    connection: duckdb.DuckDBPyConnection,
    *,
    suite: str,
    subject: str,
    table: str,
    expectations: Sequence[tuple[str, "Expectation"]],
) -> ExpectationReport:
    """Evaluate named expectations on a table or view of the connection, inside DuckDB.

    Args:
        connection: open DuckDB connection in which `table` can be selected from.
        suite: name of the suite.
        subject: what the rows are, for the report.
        table: name of the table or view, or schema.table.
        expectations: pairs of name and expectation, evaluated together.

    Raises:
        ExpectationRunError: an expectation could not be evaluated.
    """
    import_great_expectations()
    import great_expectations as gx  # noqa: PLC0415 — see library.py
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415

    token = f"connection_{next(_tokens)}"
    LentConnectionDialect.lent[token] = connection
    try:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        source = context.data_sources.add_sql(
            token,
            connection_string=f"duckdb+lent:///{token}",
            create_temp_table=False,
            kwargs={"poolclass": StaticPool, "pool_reset_on_return": None},
        )
        schema, _, name = table.rpartition(".")
        asset = source.add_table_asset(token, table_name=name, schema_name=schema or None)
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        validated = batch.validate(
            gx.ExpectationSuite(
                name=suite,
                expectations=[_named(name_, expectation) for name_, expectation in expectations],
            ),
            result_format="SUMMARY",
        )
        results = [(r.expectation_config.meta["name"], r) for r in validated.results]
        order = {name_: place for place, (name_, _) in enumerate(expectations)}
        outcomes = tuple(
            _outcome(name_, result) for name_, result in sorted(results, key=lambda p: order[p[0]])
        )
        counted = connection.execute(f"select count(*) from {table}").fetchone()
        return ExpectationReport(
            suite=suite, subject=subject, row_count=counted[0] if counted else 0, outcomes=outcomes
        )
    finally:
        del LentConnectionDialect.lent[token]


def _named(name: str, expectation: "Expectation") -> "Expectation":
    expectation.meta = {"name": name}
    return expectation


def _outcome(name: str, result: Any) -> ExpectationOutcome:
    """Read one result of Great Expectations; refuse one that could not be evaluated."""
    raised = result.exception_info or {}
    flat = [raised] if "raised_exception" in raised else list(raised.values())
    failed = [info for info in flat if info.get("raised_exception")]
    if failed:
        raise ExpectationRunError(
            f"Tried to evaluate the expectation {name}: {failed[0].get('exception_message')}. "
            "The rows were not judged; correct the expectation or the table it names."
        )
    found = result.result
    observed = found.get("observed_value", found.get("element_count", ""))
    examples = found.get("partial_unexpected_list") or []
    unexpected = int(found.get("unexpected_count") or 0)
    if result.expectation_config.type == _ROWS_QUERY:
        examples = (found.get("details") or {}).get("unexpected_rows") or []
        unexpected = int(observed)
    return ExpectationOutcome(
        name=name,
        is_met=bool(result.success),
        observed=str(observed),
        unexpected_count=unexpected,
        examples=tuple(str(value) for value in examples[:_EXAMPLES_SHOWN]),
    )
