{%- set bounds = ['cell_start_date', 'cell_end_date', 'billing_anchor_day'] -%}

with segments as (
    select * from {{ ref('int_charges__segmented') }}
),

charges as (
    select * from {{ ref('stg_price_book__charges') }}
),

measured as (
    select
        segments.*,
        charges.proration,
        {{ days_between('segments.counted_start_date', 'segments.counted_end_date') }}
            as segment_days,
        {{ days_between('segments.cell_start_date', 'segments.cell_end_date') }}
            as cell_days,
        {{ seconds_between('segments.service_start_at', 'segments.service_end_at') }}
            as segment_seconds,
        {{ seconds_between('segments.cell_start_at', 'segments.cell_end_at') }}
            as cell_seconds
    from segments
    inner join charges on segments.charge_price_id = charges.charge_price_id
),

-- What of a segment no earlier charge of its meter has covered yet.
uncovered as (
    select
        *,
        greatest(
            0,
            {{ days_between(
                'greatest(counted_start_date, coalesce(max(counted_end_date) over '
                ~ 'meter_days, counted_start_date))',
                'counted_end_date'
            ) | indent(12) }}
        ) as uncovered_days,
        greatest(
            0,
            {{ seconds_between(
                'greatest(service_start_at, coalesce(max(service_end_at) over '
                ~ 'meter_seconds, service_start_at))',
                'service_end_at'
            ) | indent(12) }}
        ) as uncovered_seconds
    from measured
    window
        meter_days as (
            partition by contract_id, meter_id, cell_start_date
            order by counted_start_date, counted_end_date, charge_id, service_start_at
            rows between unbounded preceding and 1 preceding
        ),
        meter_seconds as (
            partition by contract_id, meter_id, cell_start_date
            order by service_start_at, service_end_at, charge_id
            rows between unbounded preceding and 1 preceding
        )
),

final as (
    select
        contract_id,
        charge_id,
        cell_start_date,
        service_start_at,
        run_number,
        case
            when proration = 'fixed_30' then 'days of 30 a month'
            when proration = 'second' then 'seconds'
            else 'days'
        end as time_unit,
        cast(
            case proration
                when 'day' then segment_days
                when 'second' then segment_seconds
                when 'fixed_30'
                    then
                        {{ fixed_30_position('counted_end_date', *bounds)
                            | indent(24) }}
                        - {{ fixed_30_position('counted_start_date', *bounds)
                            | indent(24) }}
                when 'none' then case when segment_number = 1 then 1 else 0 end
            end as bigint
        ) as time_units,
        cast(
            case proration
                when 'day' then cell_days
                when 'second' then cell_seconds
                when 'fixed_30'
                    then 30 * {{ months_between('cell_start_date', 'cell_end_date') }}
                when 'none' then 1
            end as bigint
        ) as cell_units,
        cast(
            case when proration = 'second' then segment_seconds else segment_days end
            as bigint
        ) as level_units,
        cast(
            case
                when proration = 'second'
                    then sum(uncovered_seconds) over (
                        partition by contract_id, meter_id, cell_start_date
                    )
                else sum(uncovered_days) over (
                    partition by contract_id, meter_id, cell_start_date
                )
            end as bigint
        ) as meter_units
    from uncovered
)

select * from final
