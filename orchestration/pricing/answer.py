"""What the prices of a question come to, from the reference folder to the lines that dbt rated.

Belongs here: reading the folder as validation does, where it is rated, what came of it. Does not
belong here: which prices are meant (question.py); what dbt is given (scratch.py).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
from filelock import FileLock

from orchestration.data_directory import is_initialised
from orchestration.price_book.problems import ProblemList, ReferenceInvalidError
from orchestration.price_book.reference_folder import read_folder
from orchestration.price_book.table_compiler import compile_tables
from orchestration.price_book.validation import check_snapshot
from orchestration.price_book.versions import VERSION_LENGTH
from orchestration.pricing.question import AskedCharge, AskedPrices, PriceQuestion, asked_prices
from orchestration.pricing.scratch import rate_quantity
from orchestration.settings import Settings

_LINES: Final = """
    select
        *,
        case
            when count(*) over charge_lines = count(amount) over charge_lines
                then sum(amount) over charge_lines
        end as charge_amount
    from rating.fct_rated_lines
    inner join rating.fct_line_explanations using (rated_line_id)
    where charge_id = $charge
    window charge_lines as (partition by charge_id)
    order by line_kind desc, rated_line_id
"""
_TIERS: Final = """
    select * from rating.fct_rated_line_tiers where rated_line_id = $line order by tier_number
"""


_OF_EVENTS: Final = ("event_count", "first_event_at", "last_event_at", "event_digest")


@dataclass(frozen=True)
class PricedLine:
    """One line that a charge would have: its usage, or what is missing to its minimum.

    Attributes:
        line: the row of fct_rated_lines by column.
        derivation: its steps, as the rating wrote them, without events: nothing was counted.
        tiers: rows of fct_rated_line_tiers in order.
    """

    line: Mapping[str, Any]
    derivation: Mapping[str, Any]
    tiers: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class PricedCharge:
    """A charge with what the quantity comes to.

    Attributes:
        asked: the charge, its version in force and its meter.
        lines: its usage, then what is missing to its minimum.
        amount: of all its lines; None where a line has none, whose exception_code says why.
    """

    asked: AskedCharge
    lines: Sequence[PricedLine]
    amount: Decimal | None


@dataclass(frozen=True)
class PricedQuantity:
    """The answer to a question.

    Attributes:
        currency_code: of every amount.
        charges: in the order of the plan.
    """

    question: PriceQuestion
    currency_code: str
    charges: Sequence[PricedCharge]


def find_prices(settings: Settings, question: PriceQuestion) -> PricedQuantity:
    """Price a quantity by the reference folder as it stands, loaded or not.

    It is rated by the models of every month, in a data directory beside the warehouse, or in a
    temporary one where the data directory was never initialised. Terms of plans and contracts and
    negotiated prices are left out: they belong to a contract.

    Raises:
        ReferenceInvalidError: the folder has errors; all problems are attached.
        PriceUnknownError: it has no such plan, charge, currency, day or dimension.
        DbtFailedError: a model could not be built.
    """
    problems = ProblemList()
    snapshot = read_folder(settings.reference_dir, problems)
    data = check_snapshot(snapshot, problems)
    if problems.has_errors:
        raise ReferenceInvalidError(problems.sorted(), folder=str(settings.reference_dir))
    asked = asked_prices(data.book, question)
    compiled = compile_tables(data, snapshot.content_sha256[:VERSION_LENGTH])
    with _scratch(settings) as scratch:
        rate_quantity(scratch, compiled, asked, question)
        return PricedQuantity(question, asked.currency_code, _rated(scratch, asked))


@contextmanager
def _scratch(settings: Settings) -> Iterator[Settings]:
    """Yield a data directory for one question at a time; a lasting one keeps dbt's parsed files."""
    if is_initialised(settings):
        folder = settings.warehouse / "pricing"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "price.lock"):
            yield _scratch_settings(settings, folder)
    else:
        with TemporaryDirectory(prefix="tallyhouse-price-") as temporary:
            yield _scratch_settings(settings, Path(temporary))


def _scratch_settings(settings: Settings, folder: Path) -> Settings:
    return Settings(
        data_dir=folder,
        tenant_id=settings.tenant_id,
        duckdb_memory_limit=settings.duckdb_memory_limit,
        duckdb_threads=settings.duckdb_threads,
    )


def _rated(scratch: Settings, asked: AskedPrices) -> list[PricedCharge]:
    with duckdb.connect(scratch.warehouse_file, read_only=True) as connection:
        return [_priced(connection, each) for each in asked.charges]


def _priced(connection: duckdb.DuckDBPyConnection, asked: AskedCharge) -> PricedCharge:
    rows = _rows(connection, _LINES, charge=asked.charge.id)
    lines = [
        PricedLine(
            line={name: cell for name, cell in row.items() if name != "derivation"},
            derivation=_without_events(json.loads(row["derivation"])),
            tiers=_rows(connection, _TIERS, line=row["rated_line_id"]),
        )
        for row in rows
    ]
    return PricedCharge(asked, lines, rows[0]["charge_amount"])


def _without_events(derivation: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: each for name, each in derivation.items() if name not in _OF_EVENTS}
    return kept | {"aggregation": None}


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, **values: object
) -> list[dict[str, Any]]:
    found = connection.execute(query, values)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
