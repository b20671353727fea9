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

{{ ranked_values('merged', [
    'contract_id',
    'charge_id',
    'run_start_at',
    'meter_id',
    'customer_id',
    'dimension_key',
    'window_number',
]) }},

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
        quantity,
        false as is_beyond_limit
    from ranked
)

select * from final
