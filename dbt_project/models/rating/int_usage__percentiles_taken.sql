with distinct_values as (
    select * from {{ ref('int_usage__distinct_values') }}
    where contract_id is not null
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
    where aggregation = 'percentile'
),

valued_usage as (
    select
        distinct_values.*,
        meters.percentile,
        {{ month_number('distinct_values.local_date') }} as usage_month,
        coalesce(
            greatest(distinct_values.quarter_hour_at, distinct_values.slice_start_at),
            distinct_values.slice_start_at
        ) as used_at
    from distinct_values
    inner join meters on distinct_values.meter_id = meters.meter_id
),

{{ placed_in_windows('valued_usage', 'used_at') }},

merged as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        window_number,
        percentile,
        cast(distinct_value as decimal(38, 9)) as quantity,
        sum(event_count) as event_count
    from placed
    group by
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        window_number,
        percentile,
        distinct_value
),

accumulated as (
    select
        *,
        sum(event_count) over (
            partition by
                contract_id,
                charge_id,
                run_start_at,
                meter_id,
                customer_id,
                dimension_key,
                window_number
            order by quantity
            rows between unbounded preceding and current row
        ) as events_up_to,
        sum(event_count) over (
            partition by
                contract_id,
                charge_id,
                run_start_at,
                meter_id,
                customer_id,
                dimension_key,
                window_number
        ) as events_of_all
    from merged
),

-- Nearest rank: the smallest value that at least this share of the events does not exceed.
final as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        window_number as first_window_number,
        1 as window_count,
        min(quantity) as quantity,
        false as is_beyond_limit
    from accumulated
    where
        cast(events_up_to as decimal(27, 0)) * 100
        >= cast(events_of_all as decimal(20, 0)) * cast(percentile as decimal(12, 9))
    group by
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        window_number
)

select * from final
