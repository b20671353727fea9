"""Invoice candidates as the warehouse has them, read in one go so that they belong together.

Belongs here: the queries on dbt's marts, and the proof that what they gave adds up. Does not belong
here: making a revision of it (freeze.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.billing.checks import CheckFigure
from orchestration.billing.control_totals import OverdueTotal, overdue_totals
from orchestration.billing.expiries import EXPIRY_SCHEMA, read_expiries
from orchestration.billing.refusals import CandidatesUnusableError, listed
from orchestration.billing.revisions import CANDIDATE_DOCUMENT_SCHEMA, LINE_SCHEMA
from orchestration.billing.source_days import OverdueDay, overdue_days

_DOCUMENTS: Final = f"""
    select {", ".join(f"documents.{name}" for name in CANDIDATE_DOCUMENT_SCHEMA.names)}
    from billing.fct_invoice_candidates as documents
    where documents.billing_period <= $billing_period
    order by documents.document_id
"""
_LINES: Final = f"""
    select {", ".join(f"lines.{name}" for name in LINE_SCHEMA.names)}
    from billing.fct_invoice_candidate_lines as lines
    inner join billing.fct_invoice_candidates as documents
        on lines.document_id = documents.document_id
    where documents.billing_period <= $billing_period
    order by lines.document_id, lines.line_number
"""
_REFERENCE_VERSIONS: Final = """
    select distinct rated.reference_version
    from rating.fct_rated_lines as rated
    order by rated.reference_version
"""
_BATCHES: Final = """
    select batches.ingestion_batch_id
    from staging.stg_ingestion__batches as batches
    where batches.ingestion_batch_id
        <= (select min(progress.last_batch_id) from intermediate.model_progress as progress)
    order by batches.ingestion_batch_id
"""
_PROGRESS: Final = """
    select distinct progress.last_batch_id
    from intermediate.model_progress as progress
    order by progress.last_batch_id
"""
_CONSERVATION: Final = """
    select
        invariant_number, check_name, scope_kind, scope_id, unit, first_billing_period,
        left_label, left_figure, right_label, right_figure, difference, is_held
    from reconciliation.fct_conservation
    order by invariant_number, check_name, scope_kind, scope_id
"""
# Documents that are not their lines or not alone, then keys whose lines are not what is due, then
# keys that credits pay more than they come to, or that take credit away instead of giving it back;
# a sum that does not fit raises.
_UNBALANCED: Final = """
    with sums as (
        select document_id, sum(amount) as amount, count(*) as line_count
        from frozen_lines
        group by document_id
    ),

    single as (
        select
            document_id,
            min(amount) as amount,
            min(line_count) as line_count,
            count(*) as row_count
        from frozen_documents
        group by document_id
    ),

    documents as (
        select coalesce(single.document_id, sums.document_id) as name
        from single
        full outer join sums on single.document_id = sums.document_id
        where single.row_count is distinct from 1
            or single.amount is distinct from coalesce(sums.amount, cast(0 as decimal(38, 4)))
            or single.line_count is distinct from coalesce(sums.line_count, 0)
    ),

    keys as (
        select settlement_key as name
        from frozen_lines
        where credit_grant_id is null
        group by settlement_key
        having min(rated_amount) is distinct from max(rated_amount)
            or min(billed_amount_before) <> max(billed_amount_before)
            or max(rated_amount) - max(billed_amount_before) is distinct from sum(amount)
    ),

    overpaid as (
        select settlement_key as name
        from frozen_lines
        group by settlement_key
        having bool_or(cause like '%_credit' and amount > 0)
            or bool_or(cause like '%_restored' and amount < 0)
            or (bool_or(cause like '%_credit') and sum(amount) < 0)
    )

    select name from (
        select 1 as place, name from documents
        union all
        select 2 as place, name from keys
        union all
        select 3 as place, name from overpaid
    )
    order by place, name
"""
_FIGURES_SHOWN: Final = 10


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """What the warehouse proposes to bill in the run of one period.

    Attributes:
        documents: CANDIDATE_DOCUMENT_SCHEMA, by document id.
        lines: LINE_SCHEMA, by document id and line number.
        expiries: EXPIRY_SCHEMA, credit that expires with the run, by grant.
        ingestion_batch_ids: the batches that the warehouse had taken in, ascending.
        reference_version: the version that rated them.
        conservation: rows of fct_conservation, and of what is overdue since: announced source-days
            and control totals.
    """

    documents: pa.Table
    lines: pa.Table
    expiries: pa.Table
    ingestion_batch_ids: tuple[int, ...]
    reference_version: str
    conservation: tuple[Mapping[str, Any], ...]

    def legal_entity_ids(self) -> list[str]:
        """Entities that have candidates or whose credit expires, ascending."""
        found: set[Any] = set()
        for table in (self.documents, self.expiries):
            found.update(table["legal_entity_id"].to_pylist())
        return sorted(found)

    def of_entity(self, legal_entity_id: str) -> tuple[pa.Table, pa.Table]:
        """Documents and lines of one entity, in the same order."""
        documents = _own(self.documents, legal_entity_id)
        return documents, _lines_of(documents, self.lines)

    def expiries_of_entity(self, legal_entity_id: str) -> pa.Table:
        """Credit of one entity's contracts that expires with the run, in the same order."""
        return _own(self.expiries, legal_entity_id)


def read_candidates(
    connection: duckdb.DuckDBPyConnection,
    *,
    billing_period: str,
    now: datetime,
    is_closed: Callable[[str, str], bool],
    is_of_one_month: bool = False,
) -> Candidates:
    """Read the candidates of a billing period's run and what they rest on.

    The run bills its own period and what is due of earlier ones that are closed: corrections, late
    lines, documents that were held. An earlier period that still waits is left to its own run.

    Args:
        connection: the open warehouse.
        billing_period: YYYY-MM.
        now: the instant of the freeze, by which source-days and control totals are overdue.
        is_closed: tells of a legal entity and an earlier billing period whether it is.
        is_of_one_month: whether what is due of earlier periods, and credit that expires, is left
            to other runs.

    Raises:
        CandidatesUnusableError: a mart is missing, a column has another type, nothing was rated or
            by several reference versions, or one model is behind another.
    """
    connection.execute("begin transaction")
    try:
        period = {"billing_period": billing_period}
        documents = _of_run(
            _arrow(connection, _DOCUMENTS, CANDIDATE_DOCUMENT_SCHEMA, period),
            billing_period=billing_period,
            is_closed=(lambda *_: False) if is_of_one_month else is_closed,
        )
        lines = _lines_of(documents, _arrow(connection, _LINES, LINE_SCHEMA, period))
        expiries = EXPIRY_SCHEMA.empty_table()
        if not is_of_one_month:
            expiries = read_expiries(connection, billing_period=billing_period, documents=documents)
        versions = [row[0] for row in connection.execute(_REFERENCE_VERSIONS).fetchall()]
        progress = [row[0] for row in connection.execute(_PROGRESS).fetchall()]
        batches = tuple(int(row[0]) for row in connection.execute(_BATCHES).fetchall())
        conservation = _rows(connection, _CONSERVATION)
        overdue: list[OverdueDay | OverdueTotal] = [
            *overdue_days(connection, now=now),
            *overdue_totals(connection, now=now),
        ]
    except (duckdb.Error, pa.ArrowInvalid) as error:
        raise CandidatesUnusableError(
            f"Read the candidates of {billing_period} from the warehouse: {error}. "
            "Run the pipeline for that period, then freeze again."
        ) from error
    finally:
        connection.execute("rollback")
    _refuse_mixed(progress, versions, billing_period=billing_period)
    return Candidates(
        documents=documents,
        lines=lines,
        expiries=expiries,
        ingestion_batch_ids=batches,
        reference_version=str(versions[0]),
        conservation=(
            *conservation,
            *(each.as_conservation_row() for each in overdue if not each.is_known_to_the_build),
        ),
    )


def _refuse_mixed(
    progress: Sequence[int], versions: Sequence[str | None], *, billing_period: str
) -> None:
    """Let only candidates pass that all models and one reference version made."""
    if len(progress) != 1:
        raise CandidatesUnusableError(
            f"Read the candidates of {billing_period}: the models have taken in ingestion batches "
            f"up to {progress}, and all must have stopped at the same one. "
            "Run the pipeline for that period, then freeze again."
        )
    if len(versions) != 1 or versions[0] is None:
        raise CandidatesUnusableError(
            f"Read the candidates of {billing_period}: rated lines name the reference versions "
            f"{versions}, and one is needed. Run the pipeline for that period, then freeze again."
        )


def refuse_unbalanced(documents: pa.Table, lines: pa.Table) -> None:
    """Let only documents pass that equal their lines, and lines that are what is due.

    Invariant 5, to the last digit, and per settlement key: due = rated - billed before, of which
    credits pay at most the whole. A document that is there twice does not pass either.

    Raises:
        CandidatesUnusableError: names the documents or keys that do not add up, or says that a sum
            is beyond what an amount can hold.
    """
    with duckdb.connect() as connection:
        connection.register("frozen_documents", documents)
        connection.register("frozen_lines", lines)
        try:
            wrong = [name for (name,) in connection.execute(_UNBALANCED).fetchall()]
        except duckdb.OutOfRangeException as error:
            raise CandidatesUnusableError(
                f"Tried to freeze {documents.num_rows} documents: their lines cannot be added up "
                f"({error}). Nothing was frozen. Look for an absurd quantity or price among the "
                "lines, correct it, and run the pipeline again."
            ) from error
    if wrong:
        raise CandidatesUnusableError(
            f"Tried to freeze {documents.num_rows} documents: {listed(wrong)} do not add up "
            "(document = sum of its lines; lines of a key = rated - billed before, of which "
            "credits pay at most the whole). Nothing was "
            "frozen. Look at the checks of the billing stage, correct what they name, and run the "
            "pipeline again."
        )


def conservation_checks(
    conservation: Sequence[Mapping[str, Any]], *, legal_entity_id: str, billing_period: str
) -> list[CheckFigure]:
    """The check results that count for one entity and period, one per invariant and name.

    A row whose scope is another billing period or another legal entity says nothing about this
    revision, nor does one that bears on later billing periods only. A check that is kept per period
    or per entity is judged by those rows; its row over all of them is their sum and is left out.
    Every other row counts, whatever its scope.
    """
    own_scope = {"billing_period": billing_period, "legal_entity": legal_entity_id}
    by_check: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for row in conservation:
        by_check.setdefault((row["invariant_number"], row["check_name"]), []).append(row)
    checks = []
    for (number, name), rows in sorted(by_check.items()):
        is_split = any(
            row["scope_kind"] in own_scope or row["first_billing_period"] is not None
            for row in rows
        )
        counted = [
            row
            for row in rows
            if own_scope.get(row["scope_kind"], row["scope_id"]) == row["scope_id"]
            and (row["first_billing_period"] or billing_period) <= billing_period
            and not (is_split and row["scope_kind"] == "all")
        ]
        checks.append(
            CheckFigure(
                check_name=name,
                invariant_number=number,
                is_passed=all(row["is_held"] is True for row in counted),
                figures=_figures(counted),
            )
        )
    return checks


def _of_run(
    documents: pa.Table, *, billing_period: str, is_closed: Callable[[str, str], bool]
) -> pa.Table:
    entities: list[Any] = documents["legal_entity_id"].to_pylist()
    periods: list[Any] = documents["billing_period"].to_pylist()
    places = list(zip(entities, periods, strict=True))
    is_billed = {
        (entity, period): period == billing_period or is_closed(entity, period)
        for entity, period in set(places)
    }
    return documents.filter(pa.array([is_billed[place] for place in places], pa.bool_()))


def _own(table: pa.Table, legal_entity_id: str) -> pa.Table:
    entity = pa.array([legal_entity_id], pa.string())
    return table.filter(pc.is_in(table["legal_entity_id"], value_set=entity))


def _lines_of(documents: pa.Table, lines: pa.Table) -> pa.Table:
    wanted = documents["document_id"].combine_chunks()
    return lines.filter(pc.is_in(lines["document_id"], value_set=wanted))


def _figures(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    broken_first = sorted(rows, key=lambda row: row["is_held"] is True)
    figures = {"scopes": str(len(rows))}
    parts = [row for row in rows if row["scope_kind"] != "all"]
    if len({row["unit"] for row in parts}) == 1:
        left, right = (sum(row[side] for row in parts) for side in ("left_figure", "right_figure"))
        figures["together"] = f"{_plain(left)} and {_plain(right)} {parts[0]['unit']}"
    for row in broken_first[:_FIGURES_SHOWN]:
        scope = f"{row['scope_kind']} {row['scope_id']}".strip()
        figures[scope] = (
            f"{row['left_label']} {_plain(row['left_figure'])}, "
            f"{row['right_label']} {_plain(row['right_figure'])}, "
            f"difference {_plain(row['difference'])}"
        )
    return figures


def _plain(figure: Decimal | None) -> str:
    if figure is None:
        return "unknown"
    text = format(figure, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _arrow(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    schema: pa.Schema,
    parameters: Mapping[str, str],
) -> pa.Table:
    found: Any = connection.sql(query, params=dict(parameters)).to_arrow_table()
    table: pa.Table = found.cast(schema)
    return table


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Mapping[str, Any]]:
    found: Any = connection.sql(query).to_arrow_table()
    rows: list[Mapping[str, Any]] = found.to_pylist()
    return rows
