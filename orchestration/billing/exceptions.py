"""Exceptions as they stood when a revision was frozen, kept beside it as evidence.

Belongs here: which rows of fct_exceptions concern a run and a legal entity. Does not belong here:
finding exceptions, which dbt does.
"""

from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.refusals import CandidatesUnusableError

_EXCEPTIONS: Final = """
    select * from billing.fct_exceptions
    where billing_period is null or billing_period <= $billing_period
    order by exception_id
"""


def read_exceptions(connection: duckdb.DuckDBPyConnection, *, billing_period: str) -> pa.Table:
    """Exceptions of a billing period, of earlier ones and of none, with the mart's own columns.

    Args:
        connection: the open warehouse.
        billing_period: YYYY-MM.

    Raises:
        CandidatesUnusableError: the mart is missing.
    """
    try:
        found: Any = connection.sql(_EXCEPTIONS, params={"billing_period": billing_period})
        table: pa.Table = found.to_arrow_table()
    except duckdb.Error as error:
        raise CandidatesUnusableError(
            f"Read the exceptions of {billing_period} from the warehouse: {error}. "
            "Run the pipeline for that period, then freeze again."
        ) from error
    return table


def exceptions_of(exceptions: pa.Table, legal_entity_id: str) -> pa.Table:
    """Those that concern a legal entity, and those of which nobody knows whose they are."""
    entity = exceptions["legal_entity_id"]
    is_own = pc.is_in(entity, value_set=pa.array([legal_entity_id], pa.string()))
    return exceptions.filter(pc.or_(is_own, pc.is_null(entity)))
