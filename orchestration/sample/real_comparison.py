"""What the warehouse rated against what a real set's expected file says, in both directions.

Belongs here: the set-based comparison and its result.
Does not belong here: what is compared with what, which is real_sets'; printing, which is real's.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import duckdb

from orchestration.failures import TechnicalError
from orchestration.sample.real_sets import Figure, RealSet
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

_METERED_COLUMNS: Final = ("event_count", "quantity")
# Each mart with the day that says in which month a row's usage was.
_DAY_COLUMNS: Final = {"fct_rated_lines": "cell_start_date", "fct_metered_usage": "local_date"}


class MartMissingError(TechnicalError):
    """The warehouse has no such table yet."""

    code = "mart_missing"


@dataclass(frozen=True)
class Difference:
    """One figure that is not what it should be; None means that one side has no such row."""

    compared: str
    tenant: str
    month: str
    figure: str
    expected: Decimal | None
    actual: Decimal | None


@dataclass(frozen=True)
class Total:
    """One figure over all tenants of a month, in the rated lines."""

    month: str
    figure: str
    expected: Decimal
    actual: Decimal


@dataclass(frozen=True)
class Comparison:
    """The result for one set.

    Attributes:
        rows_compared: rows of a tenant, a month and a figure, on either side, in the rated lines
            and again in the metered usage for what is metered.
        differences: every row where the two sides differ, or where one is missing.
        totals: by month and figure.
    """

    set_name: str
    rows_compared: int
    differences: tuple[Difference, ...]
    totals: tuple[Total, ...]


def compare_with_expected(real_set: RealSet, settings: Settings) -> Comparison:
    """Compare rated lines and metered usage with expected_totals.csv, row by row.

    Raises:
        MartMissingError: the warehouse has not been built.
        WarehouseBusyError: another process holds the warehouse.
    """
    with open_warehouse(settings) as connection:
        connection.execute(f"create temp table expected as {_expected_sql(real_set)}")
        metered_figures = tuple(
            figure
            for figure in real_set.figures
            if figure.is_additive and figure.column in _METERED_COLUMNS
        )
        for name, mart, figures in (
            ("rated", "fct_rated_lines", real_set.figures),
            ("metered", "fct_metered_usage", metered_figures),
        ):
            actual = _actual_sql(figures, mart, _schema_of(connection, mart), real_set, settings)
            connection.execute(f"create temp table {name} as {actual}")
        names = ", ".join(f"'{figure.name}'" for figure in metered_figures)
        connection.execute(
            "create temp table compared as "
            + _joined_sql("rated lines", "expected", "rated")
            + " union all "
            + _joined_sql(
                "metered usage", f"(select * from expected where figure in ({names}))", "metered"
            )
        )
        counted = connection.execute("select count(*) from compared").fetchone()
        differences = connection.execute(
            "select compared, tenant, month, figure, expected, actual from compared "
            "where expected is distinct from actual order by all"
        ).fetchall()
        totals = connection.execute(
            """
            select month, figure, coalesce(sum(expected), 0), coalesce(sum(actual), 0)
            from compared
            where compared = 'rated lines'
            group by month, figure
            order by month, figure
            """
        ).fetchall()
    return Comparison(
        set_name=real_set.name,
        rows_compared=counted[0] if counted else 0,
        differences=tuple(Difference(*row) for row in differences),
        totals=tuple(Total(*row) for row in totals),
    )


def _expected_sql(real_set: RealSet) -> str:
    """One row per tenant, month and figure of the expected file."""
    path = real_set.source_folder / "expected_totals.csv"
    return " union all ".join(
        f"""
        select
            tenant,
            month,
            '{figure.name}' as figure,
            cast({figure.expected} as decimal(38, 12)) as amount
        from read_csv('{path}', all_varchar = true, header = true)
        where {figure.condition}
        """
        for figure in real_set.figures
    )


def _actual_sql(
    figures: tuple[Figure, ...], mart: str, schema: str, real_set: RealSet, settings: Settings
) -> str:
    """One row per tenant, month and figure of a mart, where any event counted."""
    identities = settings.reference_dir / "tables" / "identities.csv"
    return " union all ".join(
        f"""
        select
            tenants.external_id as tenant,
            strftime(lines.{_DAY_COLUMNS[mart]}, '%Y-%m') as month,
            '{figure.name}' as figure,
            cast(
                round(sum(lines.{figure.column}), {figure.scale}) as decimal(38, 12)
            ) as amount
        from "{schema}".{mart} as lines
        inner join read_csv('{identities}', all_varchar = true, header = true) as tenants
            on lines.customer_id = tenants.customer_id
            and tenants.system_id = '{real_set.system_id}'
        where lines.meter_id in ({", ".join(f"'{meter_id}'" for meter_id in figure.meter_ids)})
        group by tenant, month
        having sum(lines.event_count) > 0
        """
        for figure in figures
    )


def _joined_sql(compared: str, expected: str, actual: str) -> str:
    return f"""
        select
            '{compared}' as compared,
            coalesce(wanted.tenant, found.tenant) as tenant,
            coalesce(wanted.month, found.month) as month,
            coalesce(wanted.figure, found.figure) as figure,
            wanted.amount as expected,
            found.amount as actual
        from {expected} as wanted
        full outer join {actual} as found
            on wanted.tenant = found.tenant
            and wanted.month = found.month
            and wanted.figure = found.figure
    """


def _schema_of(connection: duckdb.DuckDBPyConnection, table_name: str) -> str:
    found = connection.execute(
        "select table_schema from information_schema.tables where table_name = ?", [table_name]
    ).fetchone()
    if found is None:
        raise MartMissingError(
            f"Tried to compare {table_name} with expected figures: the warehouse has no such "
            "table. Run the rating first, and look at why it did not build."
        )
    return str(found[0])
