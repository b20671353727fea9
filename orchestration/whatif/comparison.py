"""What a scenario changes: amounts before and after, by customer, plan, segment, month and band.

Belongs here: whose revenue can be compared, and every sum over it. Does not belong here: rating
(rating.py); the bands (bands.py); words and drawings (orchestration/reports).

A customer is who holds the contract. Whoever has a line that is unknown on either side, or usage or
a currency that the scenario leaves unrated, stands apart in every currency: what is not known is
no loss. Everyone else is in every sum, so sums by customer, plan, segment, month and band agree.
Currencies are never added up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from orchestration.whatif.bands import BANDS, band_number, change_percent
from orchestration.whatif.rating import Rated
from orchestration.whatif.scenarios import Scenario

_SHOWN_CUSTOMERS: Final = 10
_ZERO: Final = "cast(0 as decimal(38, 4))"


def _sums(names: str) -> str:
    """SQL of both sides and their difference, over sides or over customers, by some columns."""
    before, after = "sum(before_amount)", "sum(after_amount)"
    return f"""
        {names},
        count(distinct customer_id) as customer_count,
        cast({before} as decimal(38, 4)) as before_amount,
        cast({after} as decimal(38, 4)) as after_amount,
        cast({after} - {before} as decimal(38, 4)) as difference_amount,
        {change_percent(before, f"({after} - {before})")} as change_percent
    """


_SIDES: Final = f"""
    create temp table sides as
    select
        *,
        amount as before_amount,
        {_ZERO} as after_amount,
        line_count as before_line_count,
        0 as after_line_count,
        unknown_line_count as before_unknown_line_count,
        0 as after_unknown_line_count
    from before_amounts
    union all
    select
        *,
        {_ZERO},
        amount,
        0,
        line_count,
        0,
        unknown_line_count
    from after_amounts
"""
_JUDGED: Final = """
    create temp table judged as
    with in_currencies as (
        select
            customer_id,
            currency_code,
            cast(sum(before_amount) as decimal(38, 4)) as before_amount,
            cast(sum(after_amount) as decimal(38, 4)) as after_amount,
            cast(sum(before_line_count) as bigint) as before_line_count,
            cast(sum(after_line_count) as bigint) as after_line_count,
            cast(sum(before_unknown_line_count) as bigint) as before_unknown_line_count,
            cast(sum(after_unknown_line_count) as bigint) as after_unknown_line_count,
            flatten(list(exception_codes) filter (where exception_codes is not null))
                as exception_codes
        from sides
        group by customer_id, currency_code
    ),

    missed_usage as (
        select distinct before_usage.customer_id
        from before_usage
        semi join known_meters on before_usage.meter_id = known_meters.meter_id
        left join after_usage
            on
                before_usage.customer_id = after_usage.customer_id
                and before_usage.meter_id = after_usage.meter_id
        where before_usage.event_count > coalesce(after_usage.event_count, 0)
    ),

    of_customers as (
        select
            customer_id,
            sum(before_unknown_line_count) > 0 as is_unknown_before,
            sum(after_unknown_line_count) > 0 as is_unknown_after,
            bool_or(after_line_count = 0) as has_left_a_currency,
            bool_or(before_line_count = 0) and bool_or(after_line_count = 0) as has_moved
        from in_currencies
        group by customer_id
    )

    select
        in_currencies.*,
        coalesce(known_customers.customer_name, '') as customer_name,
        coalesce(known_customers.segment, '') as segment,
        of_customers.has_moved
        and (in_currencies.before_line_count = 0 or in_currencies.after_line_count = 0)
            as is_moved,
        case
            when of_customers.is_unknown_before and of_customers.is_unknown_after
                then 'unknown_in_both'
            when of_customers.is_unknown_before then 'unknown_now'
            when of_customers.is_unknown_after then 'unknown_in_scenario'
            when of_customers.has_left_a_currency and not of_customers.has_moved
                then 'not_in_scenario'
            when missed_usage.customer_id is not null then 'usage_not_rated'
        end as apart_because
    from in_currencies
    inner join of_customers on in_currencies.customer_id = of_customers.customer_id
    left join missed_usage on in_currencies.customer_id = missed_usage.customer_id
    left join known_customers on in_currencies.customer_id = known_customers.customer_id
"""
_CUSTOMERS: Final = f"""
    create temp table customers as
    select
        *,
        {change_percent("before_amount", "difference_amount")} as change_percent,
        {band_number("before_amount", "difference_amount", "is_moved")} as band_number
    from (
        select
            customer_id,
            customer_name,
            segment,
            currency_code,
            before_amount,
            after_amount,
            cast(after_amount - before_amount as decimal(38, 4)) as difference_amount,
            is_moved
        from judged
        where apart_because is null
    )
"""
_TOTALS: Final = f"""
    with currencies as (select distinct currency_code from judged),

    compared as (
        select {_sums("currency_code")} from customers group by currency_code
    ),

    standing_apart as (
        select
            currency_code,
            count(*) as apart_customer_count,
            cast(sum(before_amount) as decimal(38, 4)) as apart_before_amount,
            cast(sum(after_amount) as decimal(38, 4)) as apart_after_amount
        from judged
        where apart_because is not null
        group by currency_code
    )

    select
        currencies.currency_code,
        coalesce(compared.customer_count, 0) as customer_count,
        coalesce(compared.before_amount, {_ZERO}) as before_amount,
        coalesce(compared.after_amount, {_ZERO}) as after_amount,
        coalesce(compared.difference_amount, {_ZERO}) as difference_amount,
        compared.change_percent,
        coalesce(standing_apart.apart_customer_count, 0) as apart_customer_count,
        coalesce(standing_apart.apart_before_amount, {_ZERO}) as apart_before_amount,
        coalesce(standing_apart.apart_after_amount, {_ZERO}) as apart_after_amount
    from currencies
    left join compared on currencies.currency_code = compared.currency_code
    left join standing_apart on currencies.currency_code = standing_apart.currency_code
    order by currencies.currency_code
"""
_OF_SIDES: Final = """
    select {sums}
    from sides
    semi join customers
        on
            sides.customer_id = customers.customer_id
            and sides.currency_code = customers.currency_code
    group by {names}
    order by {names}
"""
_SEGMENTS: Final = f"""
    select {_sums("currency_code, segment")}
    from customers
    group by currency_code, segment
    order by currency_code, segment
"""
_DISTRIBUTION: Final = f"""
    with bands as (
        select currency_code, band_number
        from (select distinct currency_code from customers)
        cross join range(1, {len(BANDS) + 1}) as numbers (band_number)
    ),

    counted as (
        select
            {_sums("currency_code, band_number")}
        from customers
        group by currency_code, band_number
    )

    select
        bands.currency_code,
        cast(bands.band_number as integer) as band_number,
        coalesce(counted.customer_count, 0) as customer_count,
        coalesce(counted.before_amount, {_ZERO}) as before_amount,
        coalesce(counted.after_amount, {_ZERO}) as after_amount,
        coalesce(counted.difference_amount, {_ZERO}) as difference_amount
    from bands
    left join counted
        on
            bands.currency_code = counted.currency_code
            and bands.band_number = counted.band_number
    order by bands.currency_code, bands.band_number
"""
_LARGEST: Final = """
    select * exclude (is_moved, band_number)
    from customers
    where {sign} * difference_amount > 0 and not is_moved
    qualify row_number() over (
        partition by currency_code order by {sign} * difference_amount desc, customer_id
    ) <= $shown
    order by currency_code, {sign} * difference_amount desc, customer_id
"""
_ALL_CUSTOMERS: Final = """
    select * exclude (is_moved) from customers order by currency_code, customer_id
"""
_APART: Final = """
    select
        customer_id,
        customer_name,
        segment,
        currency_code,
        apart_because,
        before_amount as before_known_amount,
        after_amount as after_known_amount,
        before_unknown_line_count,
        after_unknown_line_count,
        coalesce(array_to_string(list_sort(list_distinct(exception_codes)), ' '), '')
            as exception_codes
    from judged
    where apart_because is not null
    order by currency_code, customer_id
"""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a scenario changes, of the customers whose revenue is known on both sides.

    Amounts are of gross rating, exact, in the currency that their row names.

    Attributes:
        scenario: what was rated.
        totals: by currency: both sides, what stands apart beside them.
        plans, segments, months: the same difference by another column each.
        distribution: customers and amounts by currency and band; every band has a row.
        gains, losses: the customers with the largest differences of each currency, in order.
        customers: every customer and currency that is compared.
        apart: every customer and currency that is not, and why.
    """

    scenario: Scenario
    totals: pa.Table
    plans: pa.Table
    segments: pa.Table
    months: pa.Table
    distribution: pa.Table
    gains: pa.Table
    losses: pa.Table
    customers: pa.Table
    apart: pa.Table


def compare(
    scenario: Scenario, before: Rated, after: Rated, *, current: Mapping[str, pa.Table]
) -> Comparison:
    """Compare what is rated now with what a scenario is rated at.

    Args:
        scenario: what the second one was rated with.
        before: what the current reference rates.
        after: what the scenario rates, of the same periods.
        current: compiled tables of the current reference, whose names and segments count; a
            customer that only the scenario knows has its own.
    """
    with duckdb.connect() as connection:
        connection.register("before_amounts", before.amounts)
        connection.register("after_amounts", after.amounts)
        connection.register("before_usage", before.usage)
        connection.register("after_usage", after.usage)
        connection.register("known_meters", scenario.tables["meters"].select(["meter_id"]))
        connection.register("known_customers", _customers(current, scenario.tables))
        for statement in (_SIDES, _JUDGED, _CUSTOMERS):
            connection.execute(statement)

        def rows(query: str, **values: object) -> pa.Table:
            found: Any = connection.sql(query, params=values or None).to_arrow_table()
            return pa.table(found)

        def of_sides(names: str) -> pa.Table:
            return rows(_OF_SIDES.format(names=names, sums=_sums(names)))

        return Comparison(
            scenario=scenario,
            totals=rows(_TOTALS),
            plans=of_sides("sides.currency_code, plan_id"),
            segments=rows(_SEGMENTS),
            months=of_sides("sides.currency_code, billing_period"),
            distribution=rows(_DISTRIBUTION),
            gains=rows(_LARGEST.format(sign=1), shown=_SHOWN_CUSTOMERS),
            losses=rows(_LARGEST.format(sign=-1), shown=_SHOWN_CUSTOMERS),
            customers=rows(_ALL_CUSTOMERS),
            apart=rows(_APART),
        )


def _customers(current: Mapping[str, pa.Table], other: Mapping[str, pa.Table]) -> pa.Table:
    names = ["customer_id", "customer_name", "segment"]
    known = current["customers"].select(names)
    added = (
        other["customers"]
        .select(names)
        .join(known.select(["customer_id"]), keys="customer_id", join_type="left anti")
    )
    return pa.concat_tables([known, added.select(names).cast(known.schema)])
