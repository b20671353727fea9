with metered as (
    select * from {{ ref('int_usage__metered') }}
    where contract_id is null
),

meters as (
    select * from {{ ref('stg_price_book__meters') }}
),

final as (
    select
        metered.resolution_code,
        metered.system_id,
        metered.subject,
        metered.customer_id,
        {{ month_text('metered.local_date') }} as usage_month,
        metered.meter_id,
        meters.unit,
        cast(sum(metered.event_count) as bigint) as event_count,
        cast(
            case
                when not {{ is_sum_of_events('meters') }} then null
                when meters.aggregation = 'count' then sum(metered.event_count)
                else coalesce({{ limited_sum('metered.quantity_sum') }}, 0)
            end as decimal(38, 9)
        ) as quantity,
        min(metered.local_date) as first_usage_date
    from metered
    inner join meters on metered.meter_id = meters.meter_id
    group by
        metered.resolution_code,
        metered.system_id,
        metered.subject,
        metered.customer_id,
        {{ month_text('metered.local_date') }},
        metered.meter_id,
        meters.unit,
        meters.aggregation,
        meters.window_aggregation
)

select * from final
