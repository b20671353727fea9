{{ config(materialized='view') }}

{%- set bounds = ['cell_start_date', 'cell_end_date', 'billing_anchor_day'] %}

with segments as (
    select * from {{ ref('int_charges__segmented') }}
),

metered_segments as (
    select * from {{ ref('int_charges__segmented') }}
    where meter_id is not null
),

ending_fees as (
    select * from {{ ref('int_charges__segmented') }}
    where meter_id is null and service_end_at < cell_end_at
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

contract_spans as (
    select * from {{ ref('int_contracts__spans') }}
),

prices as (
    select
        charges.charge_price_id,
        charges.proration,
        charges.on_termination,
        charges.billing_timing = 'advance'
        and charges.on_termination in ('full', 'no_refund') as is_kept_or_given_back,
        charges.meter_id is not null
        and not coalesce(
            {{ is_additive('meters.aggregation', 'meters.window_aggregation') }}, false
        ) as is_level
    from charges
    left join meters on charges.meter_id = meters.meter_id
),

contract_bounds as (
    select
        contract_id,
        contract_lineage_id,
        min(span_start_at) as contract_start_at,
        max(span_end_at) as contract_end_at
    from contract_spans
    group by contract_id, contract_lineage_id
),

-- What a fee in advance pays for where the contract ends within its cell: up to there,
-- up to the end of the cell, or nothing at all. A contract from which its lineage goes
-- on within the cell is renewed, not terminated.
ended as (
    select
        segments.contract_id,
        segments.charge_id,
        segments.cell_start_date,
        min(segments.service_end_at) as contract_end_at,
        min(prices.on_termination) as on_termination
    from ending_fees as segments
    inner join prices
        on
            segments.charge_price_id = prices.charge_price_id
            and prices.is_kept_or_given_back
    inner join contract_bounds
        on
            segments.contract_id = contract_bounds.contract_id
            and segments.service_end_at = contract_bounds.contract_end_at
    anti join contract_bounds as renewals
        on
            contract_bounds.contract_lineage_id = renewals.contract_lineage_id
            and contract_bounds.contract_start_at < renewals.contract_start_at
            and segments.cell_end_at > renewals.contract_start_at
    group by segments.contract_id, segments.charge_id, segments.cell_start_date
),

levels as (
    select
        segments.contract_lineage_id,
        segments.meter_id,
        segments.cell_start_date,
        segments.cell_end_date,
        segments.charge_id,
        segments.service_start_at,
        segments.service_end_at,
        segments.counted_start_date,
        segments.counted_end_date
    from metered_segments as segments
    inner join prices
        on segments.charge_price_id = prices.charge_price_id and prices.is_level
),

shared_meters as (
    select
        contract_lineage_id,
        meter_id,
        cell_start_date,
        cell_end_date
    from levels
    group by contract_lineage_id, meter_id, cell_start_date, cell_end_date
    having count(*) > 1
),

-- What of a segment no earlier charge of its meter has covered yet.
uncovered as (
    select
        levels.*,
        greatest(
            0,
            {{ days_between(
                'greatest(levels.counted_start_date, coalesce(max(levels.counted_end_date) '
                ~ 'over meter_days, levels.counted_start_date))',
                'levels.counted_end_date'
            ) | indent(12) }}
        ) as uncovered_days,
        greatest(
            0,
            {{ seconds_between(
                'greatest(levels.service_start_at, coalesce(max(levels.service_end_at) '
                ~ 'over meter_seconds, levels.service_start_at))',
                'levels.service_end_at'
            ) | indent(12) }}
        ) as uncovered_seconds
    from levels
    inner join shared_meters
        on
            levels.contract_lineage_id = shared_meters.contract_lineage_id
            and levels.meter_id = shared_meters.meter_id
            and levels.cell_start_date = shared_meters.cell_start_date
            and levels.cell_end_date = shared_meters.cell_end_date
    window
        meter_days as (
            partition by
                levels.contract_lineage_id,
                levels.meter_id,
                levels.cell_start_date,
                levels.cell_end_date
            order by
                levels.counted_start_date,
                levels.counted_end_date,
                levels.charge_id,
                levels.service_start_at
            rows between unbounded preceding and 1 preceding
        ),
        meter_seconds as (
            partition by
                levels.contract_lineage_id,
                levels.meter_id,
                levels.cell_start_date,
                levels.cell_end_date
            order by levels.service_start_at, levels.service_end_at, levels.charge_id
            rows between unbounded preceding and 1 preceding
        )
),

meter_times as (
    select
        contract_lineage_id,
        meter_id,
        cell_start_date,
        cell_end_date,
        sum(uncovered_days) as meter_days,
        sum(uncovered_seconds) as meter_seconds
    from uncovered
    group by contract_lineage_id, meter_id, cell_start_date, cell_end_date
),

measured as (
    select
        segments.*,
        prices.proration,
        prices.is_level,
        coalesce(ended.on_termination = 'full', false) as is_given_back,
        coalesce(
            ended.on_termination = 'no_refund'
            and ended.contract_end_at = segments.service_end_at,
            false
        ) as is_kept,
        meter_times.meter_days,
        meter_times.meter_seconds
    from segments
    inner join prices on segments.charge_price_id = prices.charge_price_id
    left join ended
        on
            segments.contract_id = ended.contract_id
            and segments.charge_id = ended.charge_id
            and segments.cell_start_date = ended.cell_start_date
    left join meter_times
        on
            segments.contract_lineage_id = meter_times.contract_lineage_id
            and segments.meter_id = meter_times.meter_id
            and segments.cell_start_date = meter_times.cell_start_date
            and segments.cell_end_date = meter_times.cell_end_date
),

paid as (
    select
        *,
        case when is_kept then cell_end_date else counted_end_date end as paid_end_date,
        case when is_kept then cell_end_at else service_end_at end as paid_end_at
    from measured
),

final as (
    select
        contract_id,
        contract_lineage_id,
        contract_customer_id,
        currency_code,
        time_zone,
        children,
        charge_id,
        charge_price_id,
        list_charge_price_id,
        cell_start_date,
        cell_end_date,
        cell_start_at,
        cell_end_at,
        cell_segment_count,
        run_number,
        service_start_at,
        service_end_at,
        segment_start_date,
        segment_end_date,
        reference_version,
        cast(
            case
                when is_given_back then 0
                when proration = 'day'
                    then {{ days_between('counted_start_date', 'paid_end_date') }}
                when proration = 'second'
                    then {{ seconds_between('service_start_at', 'paid_end_at') }}
                when proration = 'fixed_30'
                    then
                        {{ fixed_30_position('paid_end_date', *bounds)
                            | indent(24) }}
                        - {{ fixed_30_position('counted_start_date', *bounds)
                            | indent(24) }}
                when segment_number = 1 then 1
                else 0
            end as bigint
        ) as time_units,
        cast(
            case proration
                when 'day' then {{ days_between('cell_start_date', 'cell_end_date') }}
                when 'second' then {{ seconds_between('cell_start_at', 'cell_end_at') }}
                when 'fixed_30'
                    then 30 * {{ months_between('cell_start_date', 'cell_end_date') }}
                when 'none' then 1
            end as bigint
        ) as cell_units,
        cast(
            case
                when proration = 'second'
                    then {{ seconds_between('service_start_at', 'paid_end_at') }}
                else {{ days_between('counted_start_date', 'paid_end_date') }}
            end as bigint
        ) as level_units,
        cast(
            case
                when not is_level then null
                when proration = 'second'
                    then coalesce(
                        meter_seconds,
                        {{ seconds_between('service_start_at', 'service_end_at') }}
                    )
                else coalesce(
                    meter_days,
                    {{ days_between('counted_start_date', 'counted_end_date') }}
                )
            end as bigint
        ) as meter_units
    from paid
)

select * from final
