with metered as (
    select * from {{ ref('int_usage__metered') }}
    where contract_id is not null
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
    where
        window_unit is not null
        and (
            aggregation in ('count', 'sum', 'max', 'min', 'avg')
            or (aggregation = 'latest' and carry_in = 'zero')
        )
),

windowed_usage as (
    select
        metered.*,
        meters.aggregation,
        {{ month_number('metered.local_date') }} as usage_month,
        coalesce(
            greatest(metered.quarter_hour_at, metered.slice_start_at),
            metered.slice_start_at
        ) as used_at
    from metered
    inner join meters on metered.meter_id = meters.meter_id
),

{{ placed_in_windows('windowed_usage', 'used_at') }},

merged as (
    select
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        window_number,
        aggregation,
        sum(event_count) as event_count,
        sum(unvalued_event_count) as unvalued_event_count,
        {{ limited_sum('quantity_sum') }} as quantity_sum,
        max(quantity_max) as quantity_max,
        min(quantity_min) as quantity_min,
        {{ latest_by(
            'latest_quantity',
            ['latest_event_at', 'latest_event_nanos', 'latest_event_source', 'latest_event_id']
        ) }} as latest_quantity,
        {{ any_beyond_limit('quantity_sum') }} as is_beyond_limit
    from placed
    group by
        contract_id,
        charge_id,
        run_start_at,
        meter_id,
        customer_id,
        dimension_key,
        window_number,
        aggregation
),

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
        {{ counted_quantity('aggregation') | indent(8) }} as quantity,
        is_beyond_limit
    from merged
)

select * from final
